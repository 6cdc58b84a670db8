/* Decimal numbers from and to doubles, both exact, by arithmetic on long
 * integers: a document's numbers must come out as they went in. Shortest
 * digits are generated as Steele and White describe ("How to print
 * floating-point numbers accurately", 1990). */
#include "internal.h"

#define WORDS 80 /* 2560 bits; the largest needed are 10^362 and 2^1130 */

typedef struct { int n; uint32_t w[WORDS]; } big;

static void big_set(big *b, uint64_t v) {
    b->w[0] = (uint32_t)v;
    b->w[1] = (uint32_t)(v >> 32);
    b->n = b->w[1] ? 2 : b->w[0] ? 1 : 0;
}

static void big_mul(big *b, uint32_t by) {
    uint64_t carry = 0;
    for (int i = 0; i < b->n; i++) {
        carry += (uint64_t)b->w[i] * by;
        b->w[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry && b->n < WORDS) b->w[b->n++] = (uint32_t)carry;
}

static void big_pow10(big *b, int e) {
    for (; e >= 9; e -= 9) big_mul(b, 1000000000);
    for (; e > 0; e--) big_mul(b, 10);
}

static void big_shift(big *b, int bits) {
    int words = bits / 32, rest = bits % 32;
    if (b->n == 0 || bits == 0) return;
    if (b->n + words + 1 > WORDS) words = WORDS - b->n - 1;
    for (int i = b->n; i >= 0; i--) {
        uint32_t high = i < b->n ? b->w[i] : 0, low = i > 0 ? b->w[i - 1] : 0;
        b->w[i + words] = rest ? high << rest | low >> (32 - rest) : high;
    }
    for (int i = 0; i < words; i++) b->w[i] = 0;
    b->n += words + 1;
    while (b->n > 0 && b->w[b->n - 1] == 0) b->n--;
}

static int big_compare(const big *a, const big *b) {
    if (a->n != b->n) return a->n < b->n ? -1 : 1;
    for (int i = a->n - 1; i >= 0; i--)
        if (a->w[i] != b->w[i]) return a->w[i] < b->w[i] ? -1 : 1;
    return 0;
}

/* big_subtract needs a >= b. */
static void big_subtract(big *a, const big *b) {
    int64_t borrow = 0;
    for (int i = 0; i < a->n; i++) {
        borrow += (int64_t)a->w[i] - (i < b->n ? b->w[i] : 0);
        a->w[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    while (a->n > 0 && a->w[a->n - 1] == 0) a->n--;
}

/* big_compare_sum compares a + b with c. */
static int big_compare_sum(const big *a, const big *b, const big *c) {
    big sum = *a;
    uint64_t carry = 0;
    for (int i = 0; i < sum.n || i < b->n || carry; i++) {
        carry += (uint64_t)(i < sum.n ? sum.w[i] : 0) + (i < b->n ? b->w[i] : 0);
        sum.w[i] = (uint32_t)carry;
        carry >>= 32;
        if (i >= sum.n) sum.n = i + 1;
    }
    return big_compare(&sum, c);
}

static int bits64(uint64_t v) { return v ? 64 - __builtin_clzll(v) : 0; }
static int bits_of(const big *b) { return b->n ? 32 * b->n - __builtin_clz(b->w[b->n - 1]) : 0; }

static double from_bits(uint64_t bits) {
    union { uint64_t u; double d; } x = {.u = bits};
    return x.d;
}

/* scale gives m * 10^e rounded to nearest, ties to even; more says that the
 * true value is a little above. */
static double scale(uint64_t m, int e, bool more) {
    if (m == 0 || e < -362) return 0;
    if (e > 310) return from_bits(0x7FF0000000000000u);
    big num, den;
    big_set(&num, m);
    big_set(&den, 1);
    big_pow10(e >= 0 ? &num : &den, e >= 0 ? e : -e);
    int s = 63 - (bits_of(&num) - bits_of(&den)); /* num * 2^s / den is in (2^62, 2^64) */
    if (s >= 0) big_shift(&num, s);
    else big_shift(&den, -s);
    big_shift(&den, 63);
    uint64_t q = 0;
    for (int i = 0; i < 64; i++) {
        q <<= 1;
        if (big_compare(&num, &den) >= 0) {
            big_subtract(&num, &den);
            q |= 1;
        }
        big_shift(&num, 1);
    }
    more = more || num.n > 0;
    int exponent = bits64(q) - 1 - s, precision = exponent >= -1022 ? 53 : 53 + 1022 + exponent;
    if (exponent > 1023) return from_bits(0x7FF0000000000000u);
    if (precision < 0) return 0;
    int drop = bits64(q) - precision;
    uint64_t r = drop < 64 ? q >> drop : 0, half = (uint64_t)1 << (drop - 1), rest = drop < 64 ? q & (((uint64_t)1 << drop) - 1) : q;
    if (rest > half || (rest == half && (more || (r & 1)))) r++;
    if (exponent < -1022) return from_bits(r);
    return from_bits(((uint64_t)(exponent + 1023) << 52) + (r - ((uint64_t)1 << 52)));
}

double gw_read_number(const char *text, size_t length) {
    const char *end = text + length;
    bool minus = text < end && *text == '-', more = false, point = false;
    uint64_t m = 0;
    int e = 0, digits = 0;
    for (text += minus; text < end && ((*text >= '0' && *text <= '9') || *text == '.'); text++) {
        if (*text == '.') {
            point = true;
            continue;
        }
        if (digits < 19) {
            m = m * 10 + (uint64_t)(*text - '0');
            digits += m > 0;
            e -= point;
        } else {
            more = more || *text != '0';
            e += !point;
        }
        if (e > 1 << 20 || e < -(1 << 20)) break; /* far out of range already */
    }
    if (text < end && (*text == 'e' || *text == 'E')) {
        bool down = ++text < end && *text == '-';
        int written = 0;
        for (text += text < end && (*text == '-' || *text == '+'); text < end && written < 1 << 20; text++) written = written * 10 + (*text - '0');
        e += down ? -written : written;
    }
    static const double tens[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    double v;
    if (!more && m < (uint64_t)1 << 53 && e >= -22 && e <= 22) v = e < 0 ? (double)m / tens[-e] : (double)m * tens[e]; /* exact operands */
    else v = scale(m, e, more);
    return minus ? -v : v;
}

/* shortest writes the digits of f * 2^e and gives their number; the value is
 * 0.DIGITS * 10^*point. */
static int shortest(char *to, uint64_t f, int e, int *point) {
    big r, s, up, down;
    bool even = !(f & 1), edge = f == (uint64_t)1 << 52 && e > -1074; /* the gap below is half of that above */
    big_set(&r, f);
    big_set(&s, 1);
    big_set(&down, 1);
    big_shift(&r, (e >= 0 ? e : 0) + 1 + edge);
    big_shift(&s, (e >= 0 ? 0 : -e) + 1 + edge);
    if (e >= 0) big_shift(&down, e);
    up = down;
    big_shift(&up, edge);
    /* log10(2) is 0.30103; an estimate one too low is put right below. */
    int k = (int)__builtin_ceil((bits64(f) + e - 1) * 0.30102999566398120 - 1e-10);
    big_pow10(k >= 0 ? &s : &r, k >= 0 ? k : -k);
    if (k < 0) {
        big_pow10(&up, -k);
        big_pow10(&down, -k);
    }
    int above = big_compare_sum(&r, &up, &s);
    if (above > 0 || (above == 0 && even)) {
        k++;
    } else {
        big_mul(&r, 10);
        big_mul(&up, 10);
        big_mul(&down, 10);
    }
    *point = k;
    for (int n = 0;;) {
        int digit = 0;
        for (; big_compare(&r, &s) >= 0; digit++) big_subtract(&r, &s);
        int low = big_compare(&r, &down), high = big_compare_sum(&r, &up, &s);
        bool stop_low = low < 0 || (low == 0 && even), stop_high = high > 0 || (high == 0 && even);
        if (!stop_low && !stop_high) {
            to[n++] = (char)('0' + digit);
            big_mul(&r, 10);
            big_mul(&up, 10);
            big_mul(&down, 10);
            continue;
        }
        if (stop_high && (!stop_low || big_compare_sum(&r, &r, &s) >= 0)) digit++;
        to[n++] = (char)('0' + digit);
        return n;
    }
}

static size_t put_integer(char *to, uint64_t v) {
    char digits[20];
    size_t n = 0, at = 0;
    do digits[n++] = (char)('0' + v % 10);
    while (v /= 10);
    while (n) to[at++] = digits[--n];
    return at;
}

size_t gw_print_number(char *to, double number) {
    union { double d; uint64_t u; } x = {.d = number};
    size_t at = 0;
    if (x.u >> 63) to[at++] = '-';
    uint64_t f = x.u & 0xFFFFFFFFFFFFFu;
    int e = (int)(x.u >> 52 & 0x7FF), point;
    double positive = number < 0 ? -number : number;
    if (positive < 9007199254740992.0 && (double)(uint64_t)positive == positive) return at + put_integer(to + at, (uint64_t)positive);
    char digits[20];
    int n = e ? shortest(digits, f | (uint64_t)1 << 52, e - 1075, &point) : shortest(digits, f, -1074, &point);
    if (point > 0 && point <= 21) {
        for (int i = 0; i < n || i < point; i++) {
            if (i == point) to[at++] = '.';
            to[at++] = i < n ? digits[i] : '0';
        }
        return at;
    }
    if (point <= 0 && point > -6) {
        to[at++] = '0';
        to[at++] = '.';
        for (int i = point; i < 0; i++) to[at++] = '0';
        for (int i = 0; i < n; i++) to[at++] = digits[i];
        return at;
    }
    to[at++] = digits[0];
    if (n > 1) to[at++] = '.';
    for (int i = 1; i < n; i++) to[at++] = digits[i];
    to[at++] = 'e';
    if (point < 1) to[at++] = '-';
    return at + put_integer(to + at, (uint64_t)(point < 1 ? 1 - point : point - 1));
}
