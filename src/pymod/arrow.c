#include "pymod/arrow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- schema ---- */

/* Large (64-bit) offsets throughout: no table is too long for them. */
static const char *const formats[] = {
    [COLUMN_INT] = "l",     [COLUMN_FLOAT] = "g", [COLUMN_TEXT] = "U",
    [COLUMN_STRUCT] = "+s", [COLUMN_LIST] = "+L",
};

struct schema_owner { /* names and formats are literals: a schema needs nothing of the columns */
    struct ArrowSchema **pointers;
    struct ArrowSchema *children;
};

static void release_schema(struct ArrowSchema *schema)
{
    struct schema_owner *owner = schema->private_data;

    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release != NULL)
            schema->children[i]->release(schema->children[i]);
    free(owner->pointers);
    free(owner->children);
    free(owner);
    schema->release = NULL;
}

static bool fill_schema(const struct column *column, struct ArrowSchema *out)
{
    struct schema_owner *owner = calloc(1, sizeof *owner);
    size_t count = column->child_count;

    *out = (struct ArrowSchema){.format = formats[column->type], .name = column->name};
    if (owner == NULL)
        return false;
    owner->pointers = calloc(count ? count : 1, sizeof *owner->pointers);
    owner->children = calloc(count ? count : 1, sizeof *owner->children);
    out->children = owner->pointers;
    out->private_data = owner;
    out->release = release_schema;
    if (owner->pointers == NULL || owner->children == NULL) {
        out->release(out);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        owner->pointers[i] = &owner->children[i];
        if (!fill_schema(&column->children[i], &owner->children[i])) {
            out->release(out);
            return false;
        }
        out->n_children++;
    }
    return true;
}

bool barrow_arrow_schema(const struct batch *batch, struct ArrowSchema *out)
{
    return fill_schema(&batch->table, out);
}

/* ---- array ---- */

struct array_owner {
    struct batch *batch;
    const void *buffers[3];
    struct ArrowArray **pointers;
    struct ArrowArray *children;
};

static void release_array(struct ArrowArray *array)
{
    struct array_owner *owner = array->private_data;

    /* A child that was moved away has no `release` here any more and lives on its own. */
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release != NULL)
            array->children[i]->release(array->children[i]);
    free(owner->pointers);
    free(owner->children);
    barrow_batch_release(owner->batch);
    free(owner);
    array->release = NULL;
}

/* buffers[0], the validity bitmap, stays NULL: no value is missing. */
static int64_t set_buffers(const struct column *column, const void **buffers)
{
    static const char nothing[64]; /* buffers may not be NULL, even with no row */

    switch (column->type) {
    case COLUMN_INT:
    case COLUMN_FLOAT:
        buffers[1] = column->values.bytes ? column->values.bytes : nothing;
        return 2;
    case COLUMN_TEXT:
        buffers[1] = column->offsets.bytes;
        buffers[2] = column->text.bytes ? column->text.bytes : nothing;
        return 3;
    case COLUMN_LIST:
        buffers[1] = column->offsets.bytes;
        return 2;
    case COLUMN_STRUCT:
        break;
    }
    return 1;
}

static bool fill_array(struct batch *batch, const struct column *column, struct ArrowArray *out)
{
    struct array_owner *owner = calloc(1, sizeof *owner);
    size_t count = column->child_count;

    *out = (struct ArrowArray){.length = column->rows};
    if (owner == NULL)
        return false;
    owner->batch = barrow_batch_acquire(batch);
    owner->pointers = calloc(count ? count : 1, sizeof *owner->pointers);
    owner->children = calloc(count ? count : 1, sizeof *owner->children);
    out->n_buffers = set_buffers(column, owner->buffers);
    out->buffers = owner->buffers;
    out->children = owner->pointers;
    out->private_data = owner;
    out->release = release_array;
    if (owner->pointers == NULL || owner->children == NULL) {
        out->release(out);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        owner->pointers[i] = &owner->children[i];
        if (!fill_array(batch, &column->children[i], &owner->children[i])) {
            out->release(out);
            return false;
        }
        out->n_children++;
    }
    return true;
}

bool barrow_arrow_array(struct batch *batch, struct ArrowArray *out)
{
    return fill_array(batch, &batch->table, out);
}

/* ---- stream ---- */

struct stream_owner {
    struct batch *batch;
    bool given;
};

static int stream_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct stream_owner *owner = stream->private_data;

    return barrow_arrow_schema(owner->batch, out) ? 0 : ENOMEM;
}

static int stream_get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct stream_owner *owner = stream->private_data;

    if (owner->given) {
        memset(out, 0, sizeof *out); /* a released array: the end */
        return 0;
    }
    if (!barrow_arrow_array(owner->batch, out))
        return ENOMEM;
    owner->given = true;
    return 0;
}

static const char *stream_get_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "barrow: no memory";
}

static void release_stream(struct ArrowArrayStream *stream)
{
    struct stream_owner *owner = stream->private_data;

    barrow_batch_release(owner->batch);
    free(owner);
    stream->release = NULL;
}

bool barrow_arrow_stream(struct batch *batch, struct ArrowArrayStream *out)
{
    struct stream_owner *owner = calloc(1, sizeof *owner);

    memset(out, 0, sizeof *out);
    if (owner == NULL)
        return false;
    owner->batch = barrow_batch_acquire(batch);
    *out = (struct ArrowArrayStream){stream_get_schema, stream_get_next, stream_get_last_error,
                                     release_stream, owner};
    return true;
}
