/* Blocks that objects have beside their own: tables, buffers, items. */
#include <string.h>

#include "dig/state.h"

/* None but object's, or it fails: -1. */
Py_ssize_t barrow_told_bytes(PyObject *o)
{
    PyObject *descriptor = NULL;
    for (PyTypeObject *type = Py_TYPE(o); type && !descriptor; type = type->tp_base) {
        if (type == &PyBaseObject_Type)
            return -1;
        for (PyMethodDef *method = type->tp_methods; method && method->ml_name; method++)
            if (strcmp(method->ml_name, "__sizeof__") == 0 && method->ml_flags == METH_NOARGS) {
                PyObject *answer = method->ml_meth(o, NULL);
                Py_ssize_t bytes = answer && PyLong_Check(answer) ? PyLong_AsSsize_t(answer) : -1;
                Py_XDECREF(answer);
                PyErr_Clear();
                return bytes;
            }
    }
    return -1;
}

static uint64_t told_beyond(const struct barrow_blocks *blocks, PyObject *o)
{
    Py_ssize_t told = barrow_told_bytes(o);
    Py_ssize_t own = Py_TYPE(o)->tp_basicsize;
    if (Py_TYPE(o)->tp_itemsize)
        own += (Py_ssize_t)barrow_item_count(o) * Py_TYPE(o)->tp_itemsize;
    return told > own ? barrow_blocks_rule(blocks, (size_t)(told - own)) : 0;
}

uint64_t barrow_hidden_dict(const struct barrow_blocks *blocks, PyObject *o)
{
    PyDictKeysObject *keys = barrow_dict_keys(o);
    PyObject **values = barrow_dict_values(o);
    if (values)
        return barrow_dict_values_are_inline(o)
                   ? 0
                   : barrow_blocks_bytes(blocks, barrow_values_block(values), 1);
    if (barrow_keys_are_static(keys) || keys->dk_kind == DICT_KEYS_SPLIT)
        return 0;
    return barrow_blocks_table(blocks, keys, barrow_keys_bytes(keys));
}

static uint64_t hidden_ordered_dict(const struct barrow_blocks *blocks, PyObject *o)
{
    enum { NODE_BYTES = 40 - 8 }; /* key, hash, next, previous */
    uint64_t bytes = barrow_hidden_dict(blocks, o);
    Py_ssize_t table = (Py_ssize_t)1 << barrow_dict_keys(o)->dk_log2_size;
    uint64_t nodes = (uint64_t)((PyDictObject *)o)->ma_used;
    bytes += nodes * barrow_blocks_rule(blocks, NODE_BYTES);
    if (nodes)
        bytes += barrow_blocks_rule(blocks, (size_t)table * sizeof(void *));
    return bytes;
}

static uint64_t hidden_list(const struct barrow_blocks *blocks, PyObject *o)
{
    const PyListObject *list = (const PyListObject *)o;
    return list->allocated > 0 ? barrow_blocks_table(blocks, list->ob_item,
                                                     (size_t)list->allocated * sizeof(PyObject *))
                               : 0;
}

static uint64_t hidden_set(const struct barrow_blocks *blocks, PyObject *o)
{
    const PySetObject *set = (const PySetObject *)o;
    return set->table != set->smalltable
               ? barrow_blocks_table(blocks, set->table, ((size_t)set->mask + 1) * sizeof(setentry))
               : 0;
}

static uint64_t hidden_text(const struct barrow_blocks *blocks, PyObject *o)
{
    size_t utf8;
    barrow_text_bytes(o, &utf8);
    size_t apart = barrow_text_apart_bytes(o);
    /* The characters of an ASCII text are its UTF-8. */
    if (apart && PyUnicode_IS_ASCII(o))
        utf8 = 0;
    return (utf8 ? barrow_blocks_rule(blocks, utf8) : 0) +
           (apart ? barrow_blocks_rule(blocks, apart) : 0);
}

static uint64_t hidden_bytes_io(const struct barrow_blocks *blocks, PyObject *o)
{
    return BARROW_BYTES_IO_SHOWS_BUFFER ? 0 : told_beyond(blocks, o);
}

/* Asked of the C library, however few they are. */
static uint64_t hidden_lock(const struct barrow_blocks *blocks, PyObject *o)
{
    (void)o;
    (void)blocks;
    return BARROW_LOCK_BYTES ? (BARROW_LOCK_BYTES + 8 + 15) & ~15u : 0;
}

static uint64_t hidden_byte_array(const struct barrow_blocks *blocks, PyObject *o)
{
    size_t asked;
    const void *block = barrow_byte_array_block(o, &asked);
    return block ? barrow_blocks_table(blocks, block, asked) : 0;
}

static uint64_t hidden_array(const struct barrow_blocks *blocks, PyObject *o)
{
    Py_ssize_t told = barrow_told_bytes(o) - Py_TYPE(o)->tp_basicsize;
    const void *items = ((const struct barrow_array *)(const void *)o)->items;
    return told > 0 && items ? barrow_blocks_table(blocks, items, (size_t)told) : 0;
}

/* Blocks of 64 items. */
static uint64_t hidden_deque(const struct barrow_blocks *blocks, PyObject *o)
{
    enum { BLOCK = 64 * sizeof(PyObject *) + 2 * sizeof(void *) };
    Py_ssize_t told = barrow_told_bytes(o) - Py_TYPE(o)->tp_basicsize;
    return told > 0 ? (uint64_t)told / BLOCK * barrow_blocks_rule(blocks, BLOCK) : 0;
}

static uint64_t hidden_type(const struct barrow_blocks *blocks, PyObject *o)
{
    PyTypeObject *type = (PyTypeObject *)o;
    uint64_t bytes = 0;
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return 0;
    PyHeapTypeObject *heap = (PyHeapTypeObject *)type;
    if (heap->ht_cached_keys)
        bytes += barrow_blocks_rule(blocks, barrow_keys_bytes(heap->ht_cached_keys));
    if (type->tp_doc && !barrow_blocks_is_static(blocks, type->tp_doc))
        bytes += barrow_blocks_rule(blocks, strlen(type->tp_doc) + 1);
    if (heap->_ht_tpname)
        bytes += barrow_blocks_rule(blocks, strlen(heap->_ht_tpname) + 1);
    return bytes;
}

static uint64_t hidden_code(const struct barrow_blocks *blocks, PyObject *o)
{
    size_t cached = barrow_code_cache_bytes((PyCodeObject *)o);
    return cached ? barrow_blocks_rule(blocks, cached) : 0;
}

/* A mapping of no file is the program's memory, in whole pages; one of a file is the file's. */
static uint64_t hidden_mapping(const struct barrow_blocks *blocks, PyObject *o)
{
    const struct {
        PyObject_HEAD char *data;
        Py_ssize_t bytes, position;
        int64_t offset;
        Py_ssize_t exports;
        int file;
    } *mapping = (const void *)o;
    (void)blocks;
    if (Py_TYPE(o)->tp_basicsize < (Py_ssize_t)sizeof *mapping || !mapping->data ||
        mapping->file != -1)
        return 0;
    return ((uint64_t)mapping->bytes + 4095) & ~(uint64_t)4095;
}

/* X(class's name in C, the function): the nearest base decides. */
#define HIDDEN_BLOCKS(X)                              \
    X("collections.OrderedDict", hidden_ordered_dict) \
    X("collections.deque", hidden_deque)              \
    X("numpy.ndarray", barrow_hidden_array)           \
    X("mmap.mmap", hidden_mapping)                    \
    X("dict", barrow_hidden_dict)                     \
    X("frozendict", barrow_hidden_dict)               \
    X("list", hidden_list)                            \
    X("set", hidden_set)                              \
    X("frozenset", hidden_set)                        \
    X("str", hidden_text)                             \
    X("bytearray", hidden_byte_array)                 \
    X("type", hidden_type)                            \
    X("code", hidden_code)                            \
    X("array.array", hidden_array)                    \
    X("_io.BytesIO", hidden_bytes_io)                 \
    X("_thread.lock", hidden_lock)                    \
    X("_thread.RLock", hidden_lock)                   \
    X("generator", NULL)                              \
    X("coroutine", NULL)                              \
    X("async_generator", NULL)                        \
    X("frame", NULL)                                  \
    X("int", NULL)                                    \
    X("bytes", NULL)                                  \
    X("tuple", NULL)                                  \
    X("memoryview", NULL)

uint64_t (*barrow_hidden_blocks(PyTypeObject *type))(const struct barrow_blocks *, PyObject *)
{
    for (; type && type != &PyBaseObject_Type; type = type->tp_base) {
#define X(name, function)                 \
    if (strcmp(type->tp_name, name) == 0) \
        return function;
        HIDDEN_BLOCKS(X)
#undef X
        for (PyMethodDef *method = type->tp_methods; method && method->ml_name; method++)
            if (strcmp(method->ml_name, "__sizeof__") == 0)
                return told_beyond;
    }
    return NULL;
}
