/* Placement: columns of hosts in, a ranking out. */
#include "internal.h"

#define HEADER 32
#define ENTRY 32
#define MAX_REASON 256
#define MAX_REASONS 65535
#define BUCKETS 256

enum { FLOAT64 = 1, UINT32 = 2, BITMAP = 3, STRING = 4 };

static uint32_t u32(const uint8_t *at) {
    uint32_t v;
    __builtin_memcpy(&v, at, 4);
    return v;
}

static bool has_name(const gw_hosts *h, const uint8_t *entry, const char *name) {
    gw_span span = {(const char *)h->buffer + u32(entry + 4), u32(entry + 8)};
    return gw_span_is(span, name);
}

static const uint8_t *column(const gw_hosts *h, const char *name, uint32_t type) {
    if (h->count == 0) return NULL;
    for (uint32_t c = 0; c < h->columns; c++) {
        const uint8_t *entry = h->buffer + HEADER + ENTRY * c;
        if (u32(entry) == type && has_name(h, entry, name)) return h->buffer + u32(entry + 12);
    }
    return NULL;
}

const double *gw_doubles(const gw_hosts *h, const char *name) { return (const double *)column(h, name, FLOAT64); }
const uint32_t *gw_uint32s(const gw_hosts *h, const char *name) { return (const uint32_t *)column(h, name, UINT32); }

gw_bits gw_bitmap(const gw_hosts *h, const char *name) {
    const uint64_t *words = (const uint64_t *)column(h, name, BITMAP);
    return (gw_bits){words, words ? h->count : 0};
}

gw_texts gw_strings(const gw_hosts *h, const char *name) {
    const uint32_t *offsets = (const uint32_t *)column(h, name, STRING);
    if (!offsets) return (gw_texts){NULL, "", 0};
    return (gw_texts){offsets, (const char *)(offsets + h->count + 1), h->count};
}

bool gw_span_is(gw_span span, const char *text) {
    for (size_t i = 0; i < span.length; i++)
        if (span.at[i] != text[i] || !text[i]) return false;
    return !text[span.length];
}

/* ---- Checks: a broken buffer is a defect of the engine, but it must not make a
 * handler read elsewhere. ---- */

static bool rising(const gw_hosts *h, const uint8_t *data, uint32_t length) {
    uint32_t last = 0;
    for (uint64_t i = 0; i <= h->count; i++) {
        uint32_t at = u32(data + 4 * i);
        if (at < last) return false;
        last = at;
    }
    return last == length - 4 * (h->count + 1);
}

static bool fits(uint32_t offset, uint32_t length, uint32_t size) { return (uint64_t)offset + length <= size; }

static bool entry_is_good(const gw_hosts *h, const uint8_t *entry, uint32_t size) {
    uint32_t at = u32(entry + 12), length = u32(entry + 16);
    uint64_t n = h->count;
    if (!fits(u32(entry + 4), u32(entry + 8), size) || !fits(at, length, size) || at % 8) return false;
    switch (u32(entry)) {
    case FLOAT64: return length == 8 * n;
    case UINT32: return length == 4 * n;
    case BITMAP: return length == (n + 63) / 64 * 8;
    case STRING: return length >= 4 * (n + 1) && rising(h, h->buffer + at, length);
    }
    return true; /* a type of a later version; nobody here asks for it */
}

static gw_value *open_hosts(gw_hosts *h, gw_call *call, uint8_t *in, size_t size) {
    if (size < HEADER || !gw_span_is((gw_span){(char *)in, 4}, "GWPC")) return gw_fail(GW_INVALID, NULL, "placement: the input does not start with GWPC");
    if (u32(in + 4) != GW_ABI_VERSION) return gw_fail(GW_INVALID, NULL, "placement: columns of version %u, this module reads version %d", u32(in + 4), GW_ABI_VERSION);
    h->buffer = in;
    h->count = u32(in + 8);
    h->columns = u32(in + 12);
    if (u32(in + 24) != size || HEADER + (uint64_t)ENTRY * h->columns > size)
        return gw_fail(GW_INVALID, NULL, "placement: the input has %zu bytes, its header says otherwise", size);
    for (uint32_t c = 0; c < h->columns; c++)
        if (!entry_is_good(h, in + HEADER + ENTRY * c, (uint32_t)size)) return gw_fail(GW_INVALID, NULL, "placement: column %u does not fit its buffer", c);
    uint32_t at = u32(in + 16), length = u32(in + 20);
    if (!fits(at, length, (uint32_t)size)) return gw_fail(GW_INVALID, NULL, "placement: the demand does not fit its buffer");
    const char *problem = NULL;
    const gw_value *demand = length ? gw_read(gw_copy((char *)in + at, length), length, &problem) : NULL;
    if (problem) return gw_fail(GW_INVALID, NULL, "placement: decode demand: %s", problem);
    gw_fill_call(call, GW_PLACEMENT_RANK, demand);
    h->call = call;
    return NULL;
}

/* ---- Ranking ---- */

typedef struct reason {
    const char *text;
    size_t length;
    uint16_t index;
    struct reason *next, *older; /* in its bucket; in the order of making */
} reason;

struct gw_ranking {
    uint32_t count;
    double *scores;
    uint16_t *index;
    uint32_t reasons;
    reason *newest, *buckets[BUCKETS];
    const gw_value *error;
};

/* index_of gives the index of a text, 0 for none. Texts are kept once each. */
static uint16_t index_of(gw_ranking *r, const char *text) {
    size_t length = gw_strlen(text);
    if (length == 0) return 0;
    if (length > MAX_REASON)
        for (length = MAX_REASON; length && ((unsigned char)text[length] & 0xC0) == 0x80;) length--; /* not within a character */
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    reason **bucket = &r->buckets[hash % BUCKETS];
    for (reason *it = *bucket; it; it = it->next)
        if (it->length == length && gw_span_is((gw_span){text, length}, it->text)) return it->index;
    if (r->reasons == MAX_REASONS) return 0;
    reason *it = gw_allocate(sizeof *it);
    *it = (reason){gw_copy(text, length), length, (uint16_t)++r->reasons, *bucket, r->newest};
    r->newest = *bucket = it;
    return it->index;
}

void gw_score(gw_ranking *r, uint32_t i, double score) {
    if (i < r->count) r->scores[i] = score;
}

void gw_refuse(gw_ranking *r, uint32_t i, const char *why) {
    if (i >= r->count) return;
    r->scores[i] = __builtin_nan("");
    r->index[i] = index_of(r, why);
}

void gw_fail_ranking(gw_ranking *r, const gw_value *error) { r->error = error; }

static gw_span finish(gw_ranking *r) {
    size_t scores = HEADER, index = scores + 8 * (size_t)r->count, table = (index + 2 * (size_t)r->count + 7) & ~(size_t)7;
    uint32_t reasons = r->count ? r->reasons : 0;
    size_t texts = table + 8 * (size_t)reasons, total = texts;
    for (reason *it = r->newest; it && reasons; it = it->older) total += it->length;
    uint8_t *out = gw_allocate(total);
    uint32_t header[7] = {GW_ABI_VERSION, r->count, reasons, scores, index, table, total};
    gw_move(out, "GWPR", 4);
    gw_move(out + 4, header, sizeof header);
    gw_move(out + scores, r->scores, 8 * (size_t)r->count);
    gw_move(out + index, r->index, 2 * (size_t)r->count);
    size_t at = total;
    for (reason *it = r->newest; it && reasons; it = it->older) {
        uint32_t entry[2] = {at -= it->length, it->length};
        gw_move(out + table + 8 * (it->index - 1), entry, sizeof entry);
        gw_move(out + at, it->text, it->length);
    }
    return (gw_span){(char *)out, total};
}

gw_span gw_rank(char *input, size_t length) {
    gw_hosts hosts = {0};
    gw_call call;
    gw_value *problem = open_hosts(&hosts, &call, (uint8_t *)input, length);
    if (problem) return gw_answer(problem);
    const gw_type *type = gw_find_type(call.type);
    if (!type) return gw_answer(gw_fail(GW_NOT_FOUND, NULL, "module %s has no type %s", gowanus_module.name, gw_quote(call.type)));
    if (!type->rank) return gw_answer(gw_fail(GW_INVALID, NULL, "type %s does not rank hosts", type->name));
    gw_ranking *r = gw_allocate(sizeof *r);
    r->count = hosts.count;
    r->scores = gw_allocate(8 * (size_t)hosts.count);
    r->index = gw_allocate(2 * (size_t)hosts.count);
    type->rank(&hosts, r);
    return r->error ? gw_answer(r->error) : finish(r);
}
