/* NumPy's arrays: what they refer to, which the collector isn't told, and what their data cost.
 *
 * The head of an array is part of NumPy's binary interface and the same in 1.x and 2.x.  A view
 * costs its head and its shape; the data are its base's:
 *
 *     view ──base──► array ──► data            of objects: array ──► each of them
 */
#include <string.h>

#include "dig/state.h"

struct array_type { /* PyArray_Descr */
    PyObject_HEAD PyTypeObject *scalar;
    char kind; /* 'O': objects */
};

struct array_head { /* PyArrayObject_fields */
    PyObject_HEAD char *data;
    int dimension_count;
    Py_ssize_t *dimensions, *strides;
    PyObject *base;
    struct array_type *type;
    int flags;
};
enum { OWNS_DATA = 4 };

bool barrow_is_array(const PyTypeObject *type)
{
    for (; type; type = type->tp_base)
        if (strcmp(type->tp_name, "numpy.ndarray") == 0)
            return (size_t)type->tp_basicsize >= sizeof(struct array_head);
    return false;
}

static size_t item_count(const struct array_head *array)
{
    size_t count = 1;
    for (int i = 0; i < array->dimension_count; i++)
        count *= (size_t)array->dimensions[i];
    return count;
}

void barrow_walk_array(struct dig_walk *w, PyObject *o)
{
    const struct array_head *array = (const struct array_head *)(const void *)o;
    barrow_walk_edge(w, array->base, HEAP_NAME(HEAP_NAME_ATTRIBUTE, barrow_walk_words(w, "base")));
    barrow_walk_edge(w, (PyObject *)array->type,
                     HEAP_NAME(HEAP_NAME_ATTRIBUTE, barrow_walk_words(w, "dtype")));
    if (!(array->flags & OWNS_DATA) || !array->data || !array->type || array->type->kind != 'O')
        return;
    size_t count = item_count(array);
    PyObject **items = (PyObject **)(void *)array->data; /* owned data have no gaps */
    for (size_t i = 0; i < count && !w->failed; i++)
        barrow_walk_edge(w, items[i], HEAP_NAME(HEAP_NAME_INDEX, i));
}

/* A block of the C library's allocator, whatever its size. */
static uint64_t library_block(const struct barrow_blocks *blocks, const void *start, size_t asked)
{
    size_t chunk = (asked + 8 + 15) & ~(size_t)15;
    if (blocks->is_glibc && asked > BARROW_SMALL_LIMIT)
        return barrow_blocks_bytes(blocks, (const char *)start + blocks->guard_before, asked);
    return chunk < 32 ? 32 : chunk;
}

uint64_t barrow_hidden_array(const struct barrow_blocks *blocks, PyObject *o)
{
    const struct array_head *array = (const struct array_head *)(const void *)o;
    size_t shape = 2 * sizeof(Py_ssize_t) * (size_t)array->dimension_count;
    uint64_t bytes = shape ? library_block(blocks, array->dimensions, shape) : 0;
    Py_ssize_t told = barrow_told_bytes(o) - Py_TYPE(o)->tp_basicsize - (Py_ssize_t)shape;
    if (array->flags & OWNS_DATA && array->data)
        bytes += library_block(blocks, array->data, told > 0 ? (size_t)told : 1);
    return bytes;
}
