/* Columns as an Arrow C stream: https://arrow.apache.org/docs/format/CStreamInterface.html
 *
 * The three structs are the interface itself: their layout is fixed and shared by every library
 * that speaks it.  What is handed out refers to the columns' own memory and holds references to
 * them; consumers call `release` from any thread, and may move the structs, children among them.
 */
#ifndef BARROW_PYMOD_ARROW_H
#define BARROW_PYMOD_ARROW_H

#include <stdbool.h>
#include <stdint.h>

#include "pymod/batch.h"

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

/* Each fills *out, which the caller owns; arrays and streams take references of their own.
 * false: no memory, and *out is released already. */
bool barrow_arrow_schema(const struct batch *batch, struct ArrowSchema *out);
bool barrow_arrow_array(struct batch *batch, struct ArrowArray *out);
/* A stream of one batch, made when it is asked for. */
bool barrow_arrow_stream(struct batch *batch, struct ArrowArrayStream *out);

#endif
