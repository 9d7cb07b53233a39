/* Named, typed columns of equal length: what a Table is made of.  Knows nothing of Python.
 *
 *     INT    values: int64_t[]
 *     FLOAT  values: double[]
 *     TEXT   offsets: int64_t[rows + 1] into text, UTF-8 throughout: bytes that are none, lone
 *            surrogates among them, have become U+FFFD
 *     STRUCT children: one column a field, each of the same length
 *     LIST   offsets: int64_t[rows + 1] into the one child
 *
 * The layout is that of the Arrow columnar format, so that arrow.c hands it out as it is.  A batch
 * is filled by one thread and then never changed; it is shared by counted references, which
 * may be given back on any thread, with or without the GIL.
 *
 * Filling: running out of memory is remembered; barrow_batch_finish() reports it.
 */
#ifndef BARROW_PYMOD_BATCH_H
#define BARROW_PYMOD_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

enum column_type { COLUMN_INT, COLUMN_FLOAT, COLUMN_TEXT, COLUMN_STRUCT, COLUMN_LIST };

struct column {
    const char *name; /* a literal */
    enum column_type type;
    int64_t rows;
    struct barrow_buffer values;  /* INT, FLOAT */
    struct barrow_buffer offsets; /* TEXT, LIST */
    struct barrow_buffer text;    /* TEXT */
    struct column *children;
    size_t child_count;
};

struct batch {
    struct column table; /* a STRUCT whose children are the columns */
    size_t references;
};

/* What a column is to be: the children of STRUCT and LIST follow in `children`. */
struct column_plan {
    const char *name;
    enum column_type type;
    const struct column_plan *children;
    size_t child_count;
};

/* One reference; NULL: no memory. */
struct batch *barrow_batch_create(const struct column_plan *plan, size_t count);
struct batch *barrow_batch_acquire(struct batch *batch);
void barrow_batch_release(struct batch *batch); /* NULL is allowed */

void barrow_column_add_int(struct column *column, uint64_t value); /* at most INT64_MAX is kept */
void barrow_column_add_signed(struct column *column, int64_t value);
void barrow_column_add_float(struct column *column, double value);
void barrow_column_add_text(struct column *column, const char *text); /* NULL: "" */
/* A row of a STRUCT or LIST ends; its fields or items have been added to the children. */
void barrow_column_end_row(struct column *column);

/* false: memory ran out while filling. */
bool barrow_batch_finish(const struct batch *batch);

#endif
