/* What the files of this library share. */
#ifndef GOWANUS_INTERNAL_H
#define GOWANUS_INTERNAL_H

#include <stdarg.h>

#include "gowanus.h"

struct gw_value {
    gw_kind kind;
    bool truth;
    size_t length;    /* bytes of a text or of a number as written; items of a container */
    const char *text; /* of a text, or a number as the document writes it, if it does */
    double number;
    gw_item *first, *last;
};

#define GW_MAX_DEPTH 256 /* of lists and objects in each other, read or written */

size_t gw_strlen(const char *text);
void gw_move(void *to, const void *from, size_t n);
void gw_forget(void); /* gives all memory back, at the begin of a call */
void *gw_memory(size_t size); /* like gw_allocate, but not cleared */
char *gw_vformat(const char *format, va_list args);

/* A buffer that grows. Nothing else may be allocated while it does. */
typedef struct gw_buffer {
    char *at;
    size_t length, capacity;
} gw_buffer;
void gw_begin(gw_buffer *b);
void gw_put(gw_buffer *b, const char *text, size_t length);
void gw_put_quoted(gw_buffer *b, const char *text, size_t length);
void gw_end(gw_buffer *b); /* puts a zero byte behind it; from now on others may allocate */

/* gw_read decodes in place: the text is changed. On failure it gives NULL and
 * says why. */
const gw_value *gw_read(char *text, size_t length, const char **problem);
/* gw_write gives what cannot be written, or NULL. */
const char *gw_write(gw_buffer *b, const gw_value *v, int depth);

/* gw_read_number reads decimal digits, correctly rounded; gw_print_number gives
 * the shortest text that reads back the same, in at most 32 bytes. */
double gw_read_number(const char *text, size_t length);
size_t gw_print_number(char *to, double number);

/* gw_rank answers placement.rank. */
gw_span gw_rank(char *input, size_t length);
const gw_type *gw_find_type(const char *name);
void gw_fill_call(gw_call *call, int hook, const gw_value *document);
gw_span gw_answer(const gw_value *v);
gw_value *gw_describe(void);

#endif
