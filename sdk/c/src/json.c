/* JSON: values, reading in place, writing. */
#include "internal.h"

/* ---- Values ---- */

static gw_value *make(gw_kind kind) {
    gw_value *v = gw_allocate(sizeof *v);
    v->kind = kind;
    return v;
}

gw_kind gw_kind_of(const gw_value *v) { return v ? v->kind : GW_NULL; }
const gw_item *gw_items(const gw_value *v) { return v && v->kind >= GW_LIST ? v->first : NULL; }
size_t gw_count(const gw_value *v) { return v && v->kind >= GW_LIST ? v->length : 0; }
const char *gw_string(const gw_value *v) { return v && v->kind == GW_TEXT ? v->text : ""; }
size_t gw_length(const gw_value *v) { return v && v->kind == GW_TEXT ? v->length : 0; }
double gw_double(const gw_value *v) { return v && v->kind == GW_NUMBER ? v->number : 0; }
bool gw_truth(const gw_value *v) { return v && v->kind == GW_BOOL && v->truth; }

int64_t gw_integer(const gw_value *v) {
    double d = gw_double(v);
    if (d >= 9223372036854775808.0) return INT64_MAX;
    return d <= -9223372036854775808.0 ? INT64_MIN : (int64_t)d;
}

const gw_value *gw_get(const gw_value *object, const char *key) {
    if (gw_kind_of(object) != GW_OBJECT) return NULL;
    const gw_value *found = NULL; /* of fields that are there twice the last one counts */
    for (const gw_item *i = object->first; i; i = i->next)
        if (gw_same(i->key, key)) found = i->value;
    return found;
}

const gw_value *gw_at(const gw_value *list, size_t index) {
    const gw_item *i = gw_kind_of(list) == GW_LIST ? list->first : NULL;
    for (; i && index; index--) i = i->next;
    return i ? i->value : NULL;
}

const char *gw_entity_id(const gw_value *v) { return gw_get_string(v, "$entity"); }

gw_value *gw_null(void) { return make(GW_NULL); }
gw_value *gw_list(void) { return make(GW_LIST); }
gw_value *gw_object(void) { return make(GW_OBJECT); }

gw_value *gw_bool(bool truth) {
    gw_value *v = make(GW_BOOL);
    v->truth = truth;
    return v;
}

gw_value *gw_number(double number) {
    gw_value *v = make(GW_NUMBER);
    v->number = number;
    return v;
}

static gw_value *text_of(const char *text, size_t length) {
    gw_value *v = make(GW_TEXT);
    v->text = text;
    v->length = length;
    return v;
}

gw_value *gw_text(const char *text) { return text ? text_of(text, gw_strlen(text)) : gw_null(); }
gw_value *gw_entity(const char *id) { return gw_set(gw_object(), "$entity", gw_text(id)); }

static void append(gw_value *container, const char *key, const gw_value *v) {
    gw_item *i = gw_allocate(sizeof *i);
    i->key = key;
    i->value = v;
    if (container->last) container->last->next = i;
    else container->first = i;
    container->last = i;
    container->length++;
}

gw_value *gw_add(gw_value *list, const gw_value *v) {
    if (v && gw_kind_of(list) == GW_LIST) append(list, NULL, v);
    return list;
}

gw_value *gw_set(gw_value *object, const char *key, const gw_value *v) {
    if (!v || gw_kind_of(object) != GW_OBJECT) return object;
    for (gw_item *i = object->first; i; i = i->next)
        if (gw_same(i->key, key)) {
            i->value = v;
            return object;
        }
    append(object, key, v);
    return object;
}

/* ---- Reading ---- */

typedef struct reader {
    char *start, *at, *end;
    const char *problem;
} reader;

static const gw_value *fail(reader *r, const char *what) {
    if (!r->problem) r->problem = gw_format("%s at byte %zu", what, (size_t)(r->at - r->start) + 1);
    return NULL;
}

static char peek(reader *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t')) r->at++;
    return r->at < r->end ? *r->at : 0;
}

static bool hex4(reader *r, uint32_t *code) {
    *code = 0;
    if (r->end - r->at < 4) return false;
    for (int i = 0; i < 4; i++) {
        char c = *r->at++;
        uint32_t digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
        if (digit > 15) return false;
        *code = *code << 4 | digit;
    }
    return true;
}

static char *put_utf8(char *to, uint32_t c) {
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    if (c >= 0x10000) *to++ = (char)(0xF0 | c >> 18);
    if (c >= 0x800) *to++ = (char)(c >= 0x10000 ? 0x80 | (c >> 12 & 0x3F) : 0xE0 | c >> 12);
    *to++ = (char)(c >= 0x800 ? 0x80 | (c >> 6 & 0x3F) : 0xC0 | c >> 6);
    *to++ = (char)(0x80 | (c & 0x3F));
    return to;
}

/* unescape reads what follows a backslash. A half of a surrogate pair without
 * its other half becomes U+FFFD. */
static bool unescape(reader *r, char **to) {
    static const char letters[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    char c = r->at < r->end ? *r->at++ : 0;
    for (int i = 0; letters[i]; i++)
        if (c == letters[i]) {
            *(*to)++ = means[i];
            return true;
        }
    uint32_t code, low;
    if (c != 'u' || !hex4(r, &code)) return false;
    if (code >= 0xD800 && code < 0xDC00 && r->end - r->at >= 6 && r->at[0] == '\\' && r->at[1] == 'u') {
        char *back = r->at;
        r->at += 2;
        if (!hex4(r, &low)) return false;
        if (low >= 0xDC00 && low < 0xE000) code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        else r->at = back;
    }
    if (code >= 0xD800 && code < 0xE000) code = 0xFFFD;
    *to = put_utf8(*to, code);
    return true;
}

/* text reads a text behind its first quote, in place: what it means is never
 * longer than how it is written, and the last quote leaves room for a zero. */
static char *text(reader *r, size_t *length) {
    char *from = r->at, *to = r->at;
    while (r->at < r->end) {
        char c = *r->at++;
        if (c == '"') {
            *to = 0;
            *length = (size_t)(to - from);
            return from;
        }
        if ((unsigned char)c < ' ') {
            r->at--;
            fail(r, "a control character in a text");
            return NULL;
        }
        if (c != '\\') {
            *to++ = c;
        } else if (!unescape(r, &to)) {
            fail(r, "an unknown escape in a text");
            return NULL;
        }
    }
    fail(r, "a text without end");
    return NULL;
}

static size_t digits(reader *r) {
    char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
    return (size_t)(r->at - from);
}

static const gw_value *number(reader *r) {
    char *from = r->at;
    if (*r->at == '-') r->at++;
    bool zero = r->at < r->end && *r->at == '0';
    size_t n = digits(r);
    if (n == 0 || (zero && n > 1)) return fail(r, "no number");
    if (r->at < r->end && *r->at == '.' && (r->at++, digits(r) == 0)) return fail(r, "no number");
    if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-')) r->at++;
        if (digits(r) == 0) return fail(r, "no number");
    }
    gw_value *v = gw_number(gw_read_number(from, (size_t)(r->at - from)));
    if (v->number - v->number != 0) return fail(r, "a number too large");
    v->text = from;
    v->length = (size_t)(r->at - from);
    return v;
}

static const gw_value *word(reader *r, const char *name, gw_value *v) {
    size_t n = gw_strlen(name);
    for (size_t i = 0; i < n; i++)
        if (r->at + i >= r->end || r->at[i] != name[i]) return fail(r, "no value");
    r->at += n;
    return v;
}

static const gw_value *value(reader *r, int depth);

/* container reads a list or an object behind its bracket. */
static const gw_value *container(reader *r, gw_kind kind, char close, int depth) {
    gw_value *v = make(kind);
    if (depth == 0) return fail(r, "lists and objects nested deeper than 256");
    if (peek(r) == close) {
        r->at++;
        return v;
    }
    for (;;) {
        char *key = NULL;
        size_t length;
        if (kind == GW_OBJECT) {
            if (peek(r) != '"') return fail(r, "no field name");
            r->at++;
            if (!(key = text(r, &length))) return NULL;
            if (peek(r) != ':') return fail(r, "no colon");
            r->at++;
        }
        const gw_value *item = value(r, depth - 1);
        if (!item) return NULL;
        append(v, key, item);
        char c = peek(r);
        if (c != ',' && c != close) return fail(r, kind == GW_LIST ? "no comma or ]" : "no comma or }");
        r->at++;
        if (c == close) return v;
    }
}

static const gw_value *value(reader *r, int depth) {
    size_t length;
    char *from, c = peek(r);
    switch (c) {
    case '{': r->at++; return container(r, GW_OBJECT, '}', depth);
    case '[': r->at++; return container(r, GW_LIST, ']', depth);
    case '"':
        r->at++;
        return (from = text(r, &length)) ? text_of(from, length) : NULL;
    case 't': return word(r, "true", gw_bool(true));
    case 'f': return word(r, "false", gw_bool(false));
    case 'n': return word(r, "null", gw_null());
    }
    return c == '-' || (c >= '0' && c <= '9') ? number(r) : fail(r, "no value");
}

const gw_value *gw_read(char *at, size_t length, const char **problem) {
    reader r = {at, at, at + length, NULL};
    const gw_value *v = value(&r, GW_MAX_DEPTH);
    if (v && (peek(&r), r.at < r.end)) v = fail(&r, "something behind the value");
    if (problem) *problem = r.problem;
    return v;
}

const gw_value *gw_parse(const char *from, size_t length) { return gw_read(gw_copy(from, length), length, NULL); }

/* ---- Writing ---- */

void gw_put_quoted(gw_buffer *b, const char *from, size_t length) {
    static const char hex[] = "0123456789abcdef";
    gw_put(b, "\"", 1);
    size_t start = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)from[i];
        if (c >= ' ' && c != '"' && c != '\\') continue;
        gw_put(b, from + start, i - start);
        start = i + 1;
        char escape[6] = {'\\', c == '\n' ? 'n' : c == '\t' ? 't' : c == '\r' ? 'r' : (char)c, '0', '0', hex[c >> 4], hex[c & 15]};
        bool shortly = c >= ' ' || escape[1] != (char)c;
        if (!shortly) escape[1] = 'u';
        gw_put(b, escape, shortly ? 2 : 6);
    }
    gw_put(b, from + start, length - start);
    gw_put(b, "\"", 1);
}

static const char *write_items(gw_buffer *b, const gw_value *v, int depth) {
    bool object = v->kind == GW_OBJECT;
    if (depth == 0) return "lists and objects nested deeper than 256";
    gw_put(b, object ? "{" : "[", 1);
    for (const gw_item *i = v->first; i; i = i->next) {
        if (i != v->first) gw_put(b, ",", 1);
        if (object) {
            gw_put_quoted(b, i->key, gw_strlen(i->key));
            gw_put(b, ":", 1);
        }
        const char *problem = gw_write(b, i->value, depth - 1);
        if (problem) return problem;
    }
    gw_put(b, object ? "}" : "]", 1);
    return NULL;
}

const char *gw_write(gw_buffer *b, const gw_value *v, int depth) {
    char digits[32];
    switch (gw_kind_of(v)) {
    case GW_NULL: gw_put(b, "null", 4); break;
    case GW_BOOL: gw_put(b, v->truth ? "true" : "false", v->truth ? 4 : 5); break;
    case GW_NUMBER:
        if (v->number - v->number != 0) return "a number that is not finite";
        if (v->text) gw_put(b, v->text, v->length); /* as the document wrote it */
        else gw_put(b, digits, gw_print_number(digits, v->number));
        break;
    case GW_TEXT: gw_put_quoted(b, v->text, v->length); break;
    default: return write_items(b, v, depth);
    }
    return NULL;
}
