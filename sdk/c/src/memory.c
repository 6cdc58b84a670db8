/* Memory that is given back all at once, and texts in it. */
#include "internal.h"

extern unsigned char __heap_base; /* set by the linker: behind stack and data */
static uintptr_t top;

void gw_forget(void) { top = ((uintptr_t)&__heap_base + 7) & ~(uintptr_t)7; }

/* reserve makes room up to an address. Memory only grows; the engine discards
 * an instance whose memory became too large. */
static void reserve(uintptr_t end) {
    size_t pages = __builtin_wasm_memory_size(0), needed = (end + 0xFFFF) >> 16;
    if (needed > pages && __builtin_wasm_memory_grow(0, needed - pages) == (size_t)-1) {
        gw_log(GW_ERROR, "out of memory");
        __builtin_trap();
    }
}

void *gw_memory(size_t size) {
    if (!top) gw_forget();
    uintptr_t at = top;
    if (size > UINT32_MAX - 0x10008 - at) __builtin_trap();
    reserve(at + size);
    top = (at + size + 7) & ~(uintptr_t)7;
    return (void *)at;
}

void *gw_allocate(size_t size) {
    char *at = gw_memory(size);
    for (size_t i = 0; i < size; i++) at[i] = 0;
    return at;
}

void gw_begin(gw_buffer *b) {
    b->at = gw_memory(64);
    b->length = 0;
    b->capacity = 64;
}

void gw_put(gw_buffer *b, const char *text, size_t length) {
    if (length > b->capacity - b->length) { /* it is the last thing in memory, so it grows where it is */
        gw_memory(length + 64);
        b->capacity = top - (uintptr_t)b->at;
    }
    gw_move(b->at + b->length, text, length);
    b->length += length;
}

void gw_end(gw_buffer *b) {
    gw_put(b, "", 1);
    b->length--;
    top = ((uintptr_t)b->at + b->length + 8) & ~(uintptr_t)7;
}

void gw_move(void *to, const void *from, size_t n) { __builtin_memmove(to, from, n); }

size_t gw_strlen(const char *text) {
    size_t n = 0;
    while (text && text[n]) n++;
    return n;
}

bool gw_same(const char *a, const char *b) {
    if (!a || !b) return a == b;
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}

bool gw_begins(const char *text, const char *prefix) {
    while (*prefix && *text == *prefix) text++, prefix++;
    return !*prefix;
}

char *gw_copy(const char *text, size_t length) {
    char *at = gw_memory(length + 1);
    gw_move(at, text, length);
    at[length] = 0;
    return at;
}

char *gw_quote(const char *text) {
    gw_buffer b;
    gw_begin(&b);
    gw_put_quoted(&b, text, gw_strlen(text));
    gw_end(&b);
    return b.at;
}

/* The compiler calls these for copies and zeros of its own. A C library that
 * is linked as well has better ones. */
#define OWN(name) __attribute__((weak, no_builtin(name)))
OWN("memset") void *memset(void *to, int c, size_t n) {
    for (unsigned char *p = to; n; n--) *p++ = (unsigned char)c;
    return to;
}

OWN("memmove") void *memmove(void *to, const void *from, size_t n) {
    unsigned char *t = to;
    const unsigned char *f = from;
    if (t <= f || t >= f + n) {
        for (; n >= 8; n -= 8, t += 8, f += 8) {
            uint64_t word;
            __builtin_memcpy(&word, f, 8);
            __builtin_memcpy(t, &word, 8);
        }
        while (n--) *t++ = *f++;
    } else {
        while (n--) t[n] = f[n];
    }
    return to;
}

OWN("memcpy") void *memcpy(void *to, const void *from, size_t n) { return memmove(to, from, n); }

/* ---- Formats ---- */

static void put_integer(gw_buffer *b, bool minus, unsigned long long v) {
    char digits[24];
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + v % 10);
    while (v /= 10);
    if (minus) digits[--at] = '-';
    gw_put(b, digits + at, sizeof digits - at);
}

static void put_signed(gw_buffer *b, long long v) { put_integer(b, v < 0, v < 0 ? -(unsigned long long)v : (unsigned long long)v); }

static void put_double(gw_buffer *b, double d) {
    char digits[32];
    if (d != d) gw_put(b, "NaN", 3);
    else if (d - d != 0) gw_put(b, d < 0 ? "-Inf" : "Inf", d < 0 ? 4 : 3);
    else gw_put(b, digits, gw_print_number(digits, d));
}

static void put_text(gw_buffer *b, const char *text) { gw_put(b, text ? text : "(null)", text ? gw_strlen(text) : 6); }

char *gw_vformat(const char *f, va_list args) {
    gw_buffer b;
    char c;
    gw_begin(&b);
    for (; *f; f++) {
        if (*f != '%') {
            gw_put(&b, f, 1);
            continue;
        }
        int longs = 0;
        bool size = false;
        for (f++; *f == 'l' || *f == 'z'; f++) *f == 'l' ? longs++ : (size = true);
        switch (*f) {
        case 's': put_text(&b, va_arg(args, const char *)); break;
        case 'c': c = (char)va_arg(args, int), gw_put(&b, &c, 1); break;
        case 'g': put_double(&b, va_arg(args, double)); break;
        case 'd': put_signed(&b, longs > 1 ? va_arg(args, long long) : longs ? va_arg(args, long) : va_arg(args, int)); break;
        case 'u': put_integer(&b, false, longs > 1 ? va_arg(args, unsigned long long) : longs ? va_arg(args, unsigned long) : size ? va_arg(args, size_t) : va_arg(args, unsigned)); break;
        case '%': gw_put(&b, "%", 1); break;
        default: __builtin_trap(); /* the arguments behind it would be read wrongly */
        }
    }
    gw_end(&b);
    return b.at;
}

char *gw_format(const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = gw_vformat(format, args);
    va_end(args);
    return text;
}
