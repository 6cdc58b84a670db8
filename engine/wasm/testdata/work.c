/* What benchmarks of the meter do in C: recursion, loops over memory, and a
   JSON parser that is written by hand. */

#define EXPORT(name) __attribute__((export_name(name)))

EXPORT("fib") int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static int numbers[16384];

EXPORT("sum") int sum(int turns) {
    int s = 0;
    for (int t = 0; t < turns; t++)
        for (int i = 0; i < 16384; i++)
            s = s * 31 + (numbers[i] ^ t);
    return s;
}

static char text[1 << 17];
static unsigned length;

static void put(const char *s) {
    while (*s)
        text[length++] = *s++;
}

/* document writes a list of n hosts and gives its length. */
EXPORT("document") int document(int n) {
    length = 0;
    put("[");
    for (int i = 0; i < n; i++)
        put(i ? ",{\"id\":\"host-1234\",\"cpu\":0.25,\"memory\":17179869184,\"up\":true,\"labels\":{\"zone\":\"north\"}}"
              : "{\"id\":\"host-0\",\"cpu\":0.5,\"memory\":1,\"up\":false,\"labels\":{}}");
    put("]");
    return length;
}

struct parser { const char *at; int values; double sum; };

static void space(struct parser *p) {
    while (*p->at == ' ' || *p->at == '\n')
        p->at++;
}

static int string(struct parser *p) {
    for (p->at++; *p->at != '"'; p->at++) {
        if (!*p->at)
            return 0;
        if (*p->at == '\\')
            p->at++;
    }
    p->at++;
    return 1;
}

static void number(struct parser *p) {
    double v = 0, scale = 1;
    for (; *p->at >= '0' && *p->at <= '9'; p->at++)
        v = v * 10 + (*p->at - '0');
    if (*p->at == '.')
        for (p->at++; *p->at >= '0' && *p->at <= '9'; p->at++)
            v += (*p->at - '0') * (scale /= 10);
    p->sum += v;
}

static __attribute__((noinline)) int value(struct parser *p, int depth) {
    space(p);
    p->values++;
    char open = *p->at;
    if (depth > 100)
        return 0;
    switch (open) {
    case '"':
        return string(p);
    case 't': case 'n':
        p->at += 4;
        return 1;
    case 'f':
        p->at += 5;
        return 1;
    case '{': case '[':
        p->at++;
        for (space(p); *p->at != '}' && *p->at != ']'; space(p)) {
            if (open == '{') {
                if (!string(p))
                    return 0;
                space(p);
                p->at++;
            }
            if (!value(p, depth + 1))
                return 0;
            space(p);
            if (*p->at == ',')
                p->at++;
        }
        p->at++;
        return 1;
    }
    number(p);
    return 1;
}

EXPORT("json") int json(int times) {
    int values = 0;
    while (times-- > 0) {
        struct parser p = {text, 0, 0};
        text[length] = 0;
        if (!value(&p, 0))
            return -1;
        values += p.values;
    }
    return values;
}

/* The contract, so that the module is one. */
EXPORT("gw_abi") int gw_abi(void) { return 1; }
EXPORT("gw_alloc") void *gw_alloc(int size) { return size <= (int)sizeof text ? text : 0; }
EXPORT("gw_call") long long gw_call(int hook, const char *at, int n) { return (long long)(unsigned long)at << 32 | (unsigned)(n & hook); }
