/* Gowanus modules in C: types of entities, policies, placement strategies and
 * more that the engine runs as WebAssembly. The contract behind it is
 * sdk/ABI.md; README.md of this folder shows a whole module.
 *
 * A module decides and the engine acts. A handler is a pure function: it reads
 * the document of its call and gives an answer. Nothing may be kept in
 * variables between two calls, because the engine runs many instances of a
 * module and throws them away at will; what must last goes into the state of a
 * decision.
 *
 * Memory: everything that is read, made or formatted lives until the call ends
 * and is never freed by hand. Texts end with a zero byte.
 *
 * Nothing of a C library is needed. The headers stdbool.h, stddef.h and
 * stdint.h come with the compiler. */
#ifndef GOWANUS_H
#define GOWANUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GW_ABI_VERSION 1

/* ---- Values: JSON, as it is read and as it is made ---------------------- */

typedef enum { GW_NULL, GW_BOOL, GW_NUMBER, GW_TEXT, GW_LIST, GW_OBJECT } gw_kind;

typedef struct gw_value gw_value;

/* One item of a list, or one field of an object; key is NULL in a list. */
typedef struct gw_item {
    const char *key;
    const gw_value *value;
    struct gw_item *next;
} gw_item;

/* Readers. A value may be NULL, which is what gw_get gives for a field that is
 * not there; it reads as null. A reader gives its zero for a value of another
 * kind: "", 0, false, no items. */
gw_kind gw_kind_of(const gw_value *v);
const gw_value *gw_get(const gw_value *object, const char *key);
const gw_value *gw_at(const gw_value *list, size_t index);
const gw_item *gw_items(const gw_value *list_or_object); /* the first; go on with ->next */
size_t gw_count(const gw_value *list_or_object);
const char *gw_string(const gw_value *v);
size_t gw_length(const gw_value *v); /* bytes of a text; it may hold zero bytes */
double gw_double(const gw_value *v);
int64_t gw_integer(const gw_value *v); /* without its fraction; exact up to 2^53 */
bool gw_truth(const gw_value *v);

/* Fields of an object in one go. */
static inline const char *gw_get_string(const gw_value *o, const char *key) { return gw_string(gw_get(o, key)); }
static inline double gw_get_double(const gw_value *o, const char *key) { return gw_double(gw_get(o, key)); }
static inline int64_t gw_get_integer(const gw_value *o, const char *key) { return gw_integer(gw_get(o, key)); }
static inline bool gw_get_truth(const gw_value *o, const char *key) { return gw_truth(gw_get(o, key)); }

/* The id of the entity that a value stands for, {"$entity": ID, …}, or "". */
const char *gw_entity_id(const gw_value *v);

/* Makers. Texts are not copied. A value may stand in several places. */
gw_value *gw_null(void);
gw_value *gw_bool(bool truth);
gw_value *gw_number(double number); /* finite, else the answer becomes an error */
gw_value *gw_text(const char *text);
gw_value *gw_list(void);
gw_value *gw_object(void);
gw_value *gw_entity(const char *id); /* the value that stands for an entity */

/* gw_add appends to a list, gw_set puts a field or replaces it; both give the
 * container. A value of NULL is left out; gw_null() is null. */
gw_value *gw_add(gw_value *list, const gw_value *v);
gw_value *gw_set(gw_value *object, const char *key, const gw_value *v);

/* gw_parse reads a text as JSON; length counts its bytes. It gives NULL when it
 * is none. */
const gw_value *gw_parse(const char *text, size_t length);

/* ---- Texts --------------------------------------------------------------- */

/* gw_format knows %s %d %u %ld %lu %lld %llu %zu %c %% and %g, which is the shortest
 * number that reads back the same. Width and precision are not known. */
char *gw_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *gw_quote(const char *text); /* as JSON: "a \"b\"" */
char *gw_copy(const char *text, size_t length);
bool gw_same(const char *a, const char *b);
bool gw_begins(const char *text, const char *prefix);
void *gw_allocate(size_t size); /* zeros, at a multiple of 8, until the call ends */

/* ---- Calls ----------------------------------------------------------------- */

enum {
    GW_DESCRIBE, GW_ENTITY_INIT, GW_ENTITY_EFFECTOR, GW_ENTITY_CONTINUE, GW_POLICY_EVENT, GW_ENRICHER_EVENT,
    GW_PLACEMENT_RANK, GW_NETWORK_PLAN, GW_LOCATION_PLAN, GW_STEP_PLAN, GW_BLUEPRINT_PARSE, GW_MIGRATE
};

/* What a handler is asked. Values that the document does not have are NULL,
 * texts are "" then. */
typedef struct gw_call {
    int hook;
    const gw_value *document; /* the whole of it; the fields below are parts */
    const char *type;         /* the type that is asked, as the document says it */
    const gw_value *config;   /* of the entity, policy, enricher, strategy, network or location */
    const gw_value *entity;   /* its id, name, planId, config, sensors */
    const char *effector;     /* or the step's type */
    const gw_value *args;     /* of the effector or the step */
    const char *op;           /* of a network or location */
    const gw_value *event;    /* of a policy or enricher: its sensor, value, source, change */
    bool timer;               /* it is the timer that the policy or enricher asked for */
    const gw_value *related;  /* what the type reads of other entities: a list */
    const char *token;        /* of a call that goes on after steps */
    const gw_value *outputs;  /* of the steps so far: a list */
    const gw_value *state;    /* as the decision before handed it back */
    const char *now;          /* RFC 3339, UTC */
    int64_t seed;
} gw_call;

/* The output of the step with that id, or NULL. */
const gw_value *gw_output(const gw_call *call, const char *id);

/* ---- Answers ---------------------------------------------------------------- */

/* A handler gives an object, made with gw_object and the functions here, or
 * NULL to decide nothing. */
void gw_publish(gw_value *decision, const char *sensor, const gw_value *v); /* gw_null() clears */
gw_value *gw_step(gw_value *decision, const char *step);                    /* gives the step, for id, timeout and input */
void gw_input(gw_value *step, const char *key, const gw_value *v);
void gw_continue(gw_value *decision, const char *token); /* ask again, with the outputs */

/* The kinds of errors. */
typedef enum {
    GW_INTERNAL, GW_INVALID, GW_NOT_FOUND, GW_CONFLICT, GW_UNAUTHORIZED, GW_FORBIDDEN, GW_TIMEOUT, GW_CANCELLED,
    GW_UNAVAILABLE, GW_LIMIT, GW_CAPACITY, GW_ON_FIRE, GW_READ_ONLY, GW_PRECONDITION
} gw_fault;

/* gw_fail gives an error as answer; at says where in the document, or is NULL. */
gw_value *gw_fail(gw_fault kind, const char *at, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- Placement -------------------------------------------------------------- */

/* Hosts are columns: row i of every column is host i. They are read in place. */
typedef struct gw_hosts {
    uint32_t count;
    const gw_call *call; /* config, entity, document with "demand" and "sequence" */
    const uint8_t *buffer;
    uint32_t columns;
} gw_hosts;

typedef struct gw_bits { const uint64_t *words; uint32_t count; } gw_bits;                          /* count is 0 without the column */
typedef struct gw_texts { const uint32_t *offsets; const char *text; uint32_t count; } gw_texts;    /* the same */
typedef struct gw_span { const char *at; size_t length; } gw_span;                                  /* no zero byte behind it */

const double *gw_doubles(const gw_hosts *hosts, const char *column);     /* or NULL; NaN is no value: x != x */
const uint32_t *gw_uint32s(const gw_hosts *hosts, const char *column);   /* or NULL; GW_NO_UINT32 is no value */
gw_bits gw_bitmap(const gw_hosts *hosts, const char *column);
gw_texts gw_strings(const gw_hosts *hosts, const char *column);
#define GW_NO_UINT32 0xFFFFFFFFu

static inline bool gw_bit(gw_bits b, uint32_t i) { return i < b.count && (b.words[i / 64] >> (i % 64) & 1); }
static inline gw_span gw_text_at(gw_texts t, uint32_t i) {
    gw_span none = {"", 0}, it = {t.text + (i < t.count ? t.offsets[i] : 0), i < t.count ? t.offsets[i + 1] - t.offsets[i] : 0};
    return i < t.count ? it : none;
}
bool gw_span_is(gw_span span, const char *text);

/* What a strategy thinks of the hosts. At first each is accepted with score 0. */
typedef struct gw_ranking gw_ranking;
void gw_score(gw_ranking *r, uint32_t i, double score); /* the higher, the better */
void gw_refuse(gw_ranking *r, uint32_t i, const char *reason); /* in words for users; longer than 256 bytes is cut */

/* gw_fail_ranking answers with an error instead of a ranking: the strategy cannot
 * work with its config. It should not depend on the hosts, because the engine
 * asks about none to check a blueprint.
 *     gw_fail_ranking(r, gw_fail(GW_INVALID, "config.avoid", "…")); */
void gw_fail_ranking(gw_ranking *r, const gw_value *error);

/* ---- The module -------------------------------------------------------------- */

#define GW_NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Arrays of these end with an element of zeros: {0}. */
typedef struct gw_config_key {
    const char *name, *type, *description;
    const char *const *flags; /* GW_NAMES("text") */
    const char *fallback;     /* the default, as JSON: "\"hello\"", "5" */
    const char *inherit;      /* "never": children do not see it */
    bool required;
} gw_config_key;
typedef struct gw_sensor { const char *name, *type, *description; } gw_sensor;
typedef struct gw_parameter { const char *name, *type, *description, *fallback; } gw_parameter;
typedef struct gw_effector { const char *name, *return_type, *description; const gw_parameter *parameters; } gw_effector;
typedef struct gw_event { const char *sensor, *sensor_from, *of; } gw_event;
typedef struct gw_related { const char *of; const char *const *sensors, *const *config; } gw_related;
typedef struct gw_capability { const char *kind, *value, *reason; } gw_capability;

typedef const gw_value *gw_handler(const gw_call *call);

typedef struct gw_type {
    const char *name, *kind; /* "entity", "policy", "enricher", "strategy", "step", "network", "location", "format" */
    const char *prefix, *description, *icon;
    const char *const *aliases, *const *columns, *const *formats;
    const gw_config_key *config;
    const gw_sensor *sensors;
    const gw_effector *effectors;
    const gw_event *events;
    const gw_related *related;
    gw_handler *init, *effector, *resume, *policy_event, *enricher_event, *plan, *network, *location, *parse;
    gw_handler *migrate; /* gives the state; NULL leaves states as they are */
    void (*rank)(const gw_hosts *hosts, gw_ranking *ranking);
} gw_type;

typedef struct gw_module {
    const char *name, *version;
    const gw_type *types;
    const gw_capability *capabilities;
} gw_module;

/* Every module defines this. */
extern const gw_module gowanus_module;

/* ---- The engine --------------------------------------------------------------- */

enum { GW_DEBUG, GW_INFO, GW_WARNING, GW_ERROR };
void gw_log(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Host operations read what was not sent with the call; see "Host operations"
 * in sdk/ABI.md for their capabilities. They give NULL when they fail, and the
 * kind of the error in *fault unless that is NULL. A sensor or key without a
 * value is gw_null(). */
const gw_value *gw_host_sensor(const char *entity, const char *sensor, gw_fault *fault);
const gw_value *gw_host_config(const char *entity, const char *key, gw_fault *fault);
const gw_value *gw_host_file(const char *name, gw_fault *fault); /* {"text": …} or {"base64": …} */
const gw_value *gw_host(int32_t op, const gw_value *request, gw_fault *fault);

#endif
