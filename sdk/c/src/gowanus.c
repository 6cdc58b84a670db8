/* The exports of a module: finding the handler, asking it, answering. */
#include "internal.h"

__attribute__((import_module("gowanus"), import_name("log"))) void gowanus_import_log(int32_t level, const char *at, size_t length);
__attribute__((import_module("gowanus"), import_name("host"))) int64_t gowanus_import_host(int32_t op, const char *at, size_t length, char *out, size_t room);

static const char *const kinds[] = {"internal", "invalid", "not-found", "conflict", "unauthorized", "forbidden", "timeout", "cancelled",
                                    "unavailable", "limit", "capacity", "on-fire", "read-only", "precondition"};
#define KINDS (sizeof kinds / sizeof *kinds)

static const char *const hooks[] = {"describe", "entity.init", "entity.effector", "entity.continue", "policy.event", "enricher.event",
                                    "placement.rank", "network.plan", "location.plan", "step.plan", "blueprint.parse", "migrate"};

/* ---- Answers ---- */

gw_value *gw_fail(gw_fault kind, const char *at, const char *format, ...) {
    va_list args;
    va_start(args, format);
    gw_value *error = gw_object();
    gw_set(error, "kind", gw_text(kinds[kind < KINDS ? kind : GW_INTERNAL]));
    gw_set(error, "message", gw_text(gw_vformat(format, args)));
    va_end(args);
    if (at) gw_set(error, "at", gw_text(at));
    return gw_set(gw_object(), "error", error);
}

/* part gives the list or object under a key of a decision, made when it is not
 * there. */
static gw_value *part(gw_value *decision, const char *key, gw_kind kind) {
    gw_value *there = (gw_value *)gw_get(decision, key);
    if (gw_kind_of(there) != kind) gw_set(decision, key, there = kind == GW_LIST ? gw_list() : gw_object());
    return there;
}

void gw_publish(gw_value *decision, const char *sensor, const gw_value *v) { gw_set(part(decision, "sensors", GW_OBJECT), sensor, v); }
void gw_input(gw_value *step, const char *key, const gw_value *v) { gw_set(part(step, "input", GW_OBJECT), key, v); }

gw_value *gw_step(gw_value *decision, const char *name) {
    gw_value *step = gw_set(gw_object(), "step", gw_text(name));
    gw_add(part(decision, "steps", GW_LIST), step);
    return step;
}

void gw_continue(gw_value *decision, const char *token) {
    gw_add(part(decision, "steps", GW_LIST), gw_set(gw_object(), "continue", gw_text(token)));
}

gw_span gw_answer(const gw_value *v) {
    gw_buffer b;
    gw_begin(&b);
    const char *problem = v ? gw_write(&b, v, GW_MAX_DEPTH) : (gw_put(&b, "{}", 2), NULL);
    if (problem) {
        gw_end(&b);
        return gw_answer(gw_fail(GW_INTERNAL, NULL, "encode answer: %s", problem));
    }
    return (gw_span){b.at, b.length};
}

/* ---- Description ---- */

static void set_text(gw_value *object, const char *key, const char *text) {
    if (text && *text) gw_set(object, key, gw_text(text));
}

static void set_names(gw_value *object, const char *key, const char *const *names) {
    if (!names || !*names) return;
    gw_value *list = gw_list();
    for (; *names; names++) gw_add(list, gw_text(*names));
    gw_set(object, key, list);
}

/* A default that is no JSON is a defect of the module; it shows as a text. */
static void set_json(gw_value *object, const char *key, const char *json) {
    const gw_value *v = json ? gw_parse(json, gw_strlen(json)) : NULL;
    gw_set(object, key, v ? v : json ? gw_text(json) : NULL);
}

static gw_value *named(const char *name, const char *type, const char *description) {
    gw_value *v = gw_object();
    set_text(v, "name", name);
    set_text(v, "type", type);
    set_text(v, "description", description);
    return v;
}

static void set_config(gw_value *out, const gw_config_key *k) {
    if (!k) return;
    gw_value *list = gw_list();
    for (; k->name; k++) {
        gw_value *v = named(k->name, k->type, k->description);
        set_names(v, "flags", k->flags);
        set_json(v, "default", k->fallback);
        if (k->required) gw_set(v, "required", gw_bool(true));
        set_text(v, "inherit", k->inherit);
        gw_add(list, v);
    }
    gw_set(out, "config", list);
}

static void set_effectors(gw_value *out, const gw_effector *e) {
    if (!e) return;
    gw_value *list = gw_list();
    for (; e->name; e++) {
        gw_value *v = named(e->name, NULL, e->description);
        set_text(v, "returnType", e->return_type);
        if (e->parameters) {
            gw_value *parameters = gw_list();
            for (const gw_parameter *p = e->parameters; p->name; p++) {
                gw_value *parameter = named(p->name, p->type, p->description);
                set_json(parameter, "default", p->fallback);
                gw_add(parameters, parameter);
            }
            gw_set(v, "parameters", parameters);
        }
        gw_add(list, v);
    }
    gw_set(out, "effectors", list);
}

static void set_listening(gw_value *out, const gw_event *e, const gw_related *r) {
    gw_value *events = gw_list(), *related = gw_list();
    for (; e && (e->sensor || e->sensor_from || e->of); e++) {
        gw_value *v = gw_object();
        set_text(v, "sensor", e->sensor);
        set_text(v, "sensorFrom", e->sensor_from);
        set_text(v, "of", e->of);
        gw_add(events, v);
    }
    for (; r && r->of; r++) {
        gw_value *v = gw_object();
        set_text(v, "of", r->of);
        set_names(v, "sensors", r->sensors);
        set_names(v, "config", r->config);
        gw_add(related, v);
    }
    if (gw_count(events)) gw_set(out, "events", events);
    if (gw_count(related)) gw_set(out, "related", related);
}

static gw_value *describe_type(const gw_type *t) {
    gw_value *v = gw_object();
    set_text(v, "name", t->name);
    set_text(v, "kind", t->kind);
    set_names(v, "aliases", t->aliases);
    set_text(v, "prefix", t->prefix);
    set_text(v, "description", t->description);
    set_text(v, "icon", t->icon);
    set_config(v, t->config);
    if (t->sensors) {
        gw_value *sensors = gw_list();
        for (const gw_sensor *s = t->sensors; s->name; s++) gw_add(sensors, named(s->name, s->type, s->description));
        gw_set(v, "sensors", sensors);
    }
    set_effectors(v, t->effectors);
    set_names(v, "columns", t->columns);
    set_listening(v, t->events, t->related);
    if (t->init) gw_set(v, "init", gw_bool(true));
    set_names(v, "formats", t->formats);
    return v;
}

gw_value *gw_describe(void) {
    const gw_module *m = &gowanus_module;
    gw_value *types = gw_list(), *capabilities = gw_list(), *d = gw_object();
    for (const gw_type *t = m->types; t && t->name; t++) gw_add(types, describe_type(t));
    for (const gw_capability *c = m->capabilities; c && c->kind; c++) {
        gw_value *v = gw_object();
        set_text(v, "kind", c->kind);
        set_text(v, "value", c->value);
        set_text(v, "reason", c->reason);
        gw_add(capabilities, v);
    }
    set_text(d, "name", m->name);
    set_text(d, "version", m->version);
    gw_set(d, "abi", gw_add(gw_add(gw_list(), gw_number(GW_ABI_VERSION)), gw_number(GW_ABI_VERSION)));
    gw_set(d, "types", types);
    return gw_set(d, "capabilities", capabilities);
}

/* ---- Calls ---- */

/* gw_find_type finds a type by name, alias, or the longest prefix that fits. */
const gw_type *gw_find_type(const char *name) {
    const gw_type *best = NULL;
    for (const gw_type *t = gowanus_module.types; t && t->name; t++) {
        if (gw_same(t->name, name)) return t;
        for (const char *const *alias = t->aliases; alias && *alias; alias++)
            if (gw_same(*alias, name)) return t;
        if (t->prefix && gw_begins(name, t->prefix) && (!best || gw_strlen(t->prefix) > gw_strlen(best->prefix))) best = t;
    }
    return best;
}

void gw_fill_call(gw_call *c, int hook, const gw_value *d) {
    const gw_value *entity = gw_get(d, "entity"), *config = gw_get(d, "config");
    *c = (gw_call){
        .hook = hook, .document = d, .type = gw_get_string(d, "type"), .config = config ? config : gw_get(entity, "config"), .entity = entity,
        .effector = gw_get_string(d, "effector"), .args = gw_get(d, "args"), .op = gw_get_string(d, "op"), .event = gw_get(d, "event"),
        .timer = gw_get_truth(d, "timer"), .related = gw_get(d, "related"), .token = gw_get_string(d, "token"), .outputs = gw_get(d, "outputs"),
        .state = gw_get(d, "state"), .now = gw_get_string(d, "now"), .seed = gw_get_integer(d, "seed"),
    };
}

const gw_value *gw_output(const gw_call *c, const char *id) {
    for (const gw_item *i = gw_items(c->outputs); i; i = i->next)
        if (gw_same(gw_get_string(i->value, "id"), id)) return gw_get(i->value, "output");
    return NULL;
}

static gw_handler *handler(const gw_type *t, int hook) {
    switch (hook) {
    case GW_ENTITY_INIT: return t->init;
    case GW_ENTITY_EFFECTOR: return t->effector;
    case GW_ENTITY_CONTINUE: return t->resume ? t->resume : t->effector;
    case GW_POLICY_EVENT: return t->policy_event;
    case GW_ENRICHER_EVENT: return t->enricher_event;
    case GW_NETWORK_PLAN: return t->network;
    case GW_LOCATION_PLAN: return t->location;
    case GW_STEP_PLAN: return t->plan;
    case GW_BLUEPRINT_PARSE: return t->parse;
    }
    return t->migrate;
}

static const gw_value *dispatch(int hook, char *in, size_t length) {
    if (hook < 0 || hook > GW_MIGRATE) return gw_fail(GW_NOT_FOUND, NULL, "module %s does not know hook %d", gowanus_module.name, hook);
    if (hook == GW_DESCRIBE) return gw_describe();
    const char *problem = NULL;
    const gw_value *document = gw_read(in, length, &problem);
    if (problem) return gw_fail(GW_INVALID, NULL, "decode %s: %s", hooks[hook], problem);
    gw_call call;
    gw_fill_call(&call, hook, document);
    const gw_type *type = gw_find_type(call.type);
    if (!type) return gw_fail(GW_NOT_FOUND, NULL, "module %s has no type %s", gowanus_module.name, gw_quote(call.type));
    gw_handler *handle = handler(type, hook);
    if (!handle) return gw_fail(GW_NOT_FOUND, NULL, "type %s does not answer %s", type->name, hooks[hook]);
    const gw_value *answer = handle(&call);
    if (hook != GW_MIGRATE || gw_get(answer, "error")) return answer;
    return gw_set(gw_object(), "state", answer);
}

static char *input;
static size_t input_size;

__attribute__((export_name("gw_abi"))) int32_t gw_abi(void) { return GW_ABI_VERSION; }

__attribute__((export_name("gw_alloc"))) char *gw_alloc(int32_t size) {
    if (size < 0) return NULL;
    gw_forget();
    input_size = (size_t)size;
    return input = gw_memory(input_size + 1);
}

__attribute__((export_name("gw_call"))) uint64_t gw_call_export(int32_t hook, char *at, size_t length) {
    gw_span answer;
    if (length == 0) {
        gw_forget();
        at = gw_memory(8);
    } else if (!input || at < input || length > input_size || (size_t)(at - input) > input_size - length) {
        answer = gw_answer(gw_fail(GW_INVALID, NULL, "the document is not where gw_alloc put it"));
        return (uint64_t)(uintptr_t)answer.at << 32 | answer.length;
    }
    answer = hook == GW_PLACEMENT_RANK ? gw_rank(at, length) : gw_answer(dispatch(hook, at, length));
    return (uint64_t)(uintptr_t)answer.at << 32 | answer.length;
}

/* ---- The engine ---- */

void gw_log(int level, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *line = gw_vformat(format, args);
    va_end(args);
    gowanus_import_log(level, line, gw_strlen(line));
}

const gw_value *gw_host(int32_t op, const gw_value *request, gw_fault *fault) {
    gw_span ask = gw_answer(request);
    char *out = NULL;
    for (int64_t room = 4096;;) {
        out = gw_memory((size_t)room + 1);
        int64_t n = gowanus_import_host(op, ask.at, ask.length, out, (size_t)room);
        if (n < 0 || n <= room) {
            gw_fault kind = n >= 0 || -n - 1 >= (int64_t)KINDS ? GW_INTERNAL : (gw_fault)(-n - 1);
            const gw_value *answer = n < 0 ? NULL : gw_read(out, (size_t)n, NULL);
            if (fault) *fault = kind;
            return answer;
        }
        room = n;
    }
}

static const gw_value *ask(int32_t op, const char *entity, const char *key, const char *name, gw_fault *fault) {
    const gw_value *answer = gw_host(op, gw_set(gw_set(gw_object(), "entity", gw_text(entity)), key, gw_text(name)), fault);
    const gw_value *v = gw_get(answer, "value");
    return answer && !v ? gw_null() : v;
}

const gw_value *gw_host_sensor(const char *entity, const char *sensor, gw_fault *fault) { return ask(1, entity, "sensor", sensor, fault); }
const gw_value *gw_host_config(const char *entity, const char *key, gw_fault *fault) { return ask(2, entity, "key", key, fault); }
const gw_value *gw_host_file(const char *name, gw_fault *fault) { return gw_host(3, gw_set(gw_object(), "name", gw_text(name)), fault); }
