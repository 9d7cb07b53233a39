/* Live blocks of the recording that belong to no object.
 *
 * An object's own block begins right before it; its tables and buffers are marked in the walk's
 * map, where no object can be.  What is neither is listed by where it was born: the interpreter's
 * own blocks, buffers of C modules.
 */
#include "dig/state.h"

#define OWNED 0xfffffffeu

static void own(struct dig_walk *w, const void *block)
{
    uint32_t *slot = block ? pagemap_find(&w->map, block) : NULL;
    if (block && !slot)
        slot = barrow_walk_add_chunk(w, block);
    if (slot && *slot == 0)
        *slot = OWNED;
}

static void own_values(struct dig_walk *w, PyObject *o, const struct dig_type *t)
{
    struct barrow_instance look = barrow_instance_look(o, t->type);
    if (look.values && look.values_apart)
        own(w, barrow_values_block(look.values));
}

static void own_dict(struct dig_walk *w, PyObject *o)
{
    PyDictKeysObject *keys = barrow_dict_keys(o);
    PyObject **values = barrow_dict_values(o);
    if (values && !barrow_dict_values_are_inline(o))
        own(w, barrow_values_block(values));
    if (!values && !barrow_keys_are_static(keys))
        own(w, keys);
}

static void own_type(struct dig_walk *w, PyTypeObject *type)
{
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return;
    own(w, ((PyHeapTypeObject *)type)->ht_cached_keys);
    own(w, type->tp_doc);
    own(w, ((PyHeapTypeObject *)type)->_ht_tpname);
}

static bool is_owned(const struct dig_walk *w, uintptr_t block)
{
    static const uint8_t heads[] = {0, sizeof(PyGC_Head), 2 * sizeof(PyGC_Head)};
    const uint32_t *slot = pagemap_find(&w->map, (const void *)block);
    if (slot && *slot == OWNED)
        return true;
    for (size_t i = 0; i < sizeof heads; i++) {
        const void *o = (const void *)(block + heads[i]);
        slot = pagemap_find(&w->map, o);
        if (slot && *slot && *slot <= w->count && w->address[*slot] == o &&
            w->types[w->type[*slot]].preheader == heads[i])
            return true;
    }
    return false;
}

/* Blocks of which only the object's own C code knows the place, but that it told the bytes of:
 * those that its words lead to, from one to the next, until they are as many bytes. */
struct told {
    struct dig_walk *w;
    int64_t left;
    struct {
        const uintptr_t *words;
        size_t count;
    } todo[64];
    size_t todo_count;
};

static void look_through(struct told *told, const uintptr_t *words, size_t count)
{
    for (size_t i = 0; i < count && told->left > 0; i++) {
        uint64_t bytes = 0;
        const void *block = (const void *)words[i];
        bool is_block = words[i] % 16 == 0 && words[i] > 4096 && !(words[i] >> 47) &&
                        told->w->options->python_birth(block, &bytes);
        if (!is_block || is_owned(told->w, words[i]))
            continue;
        own(told->w, block);
        told->left -= (int64_t)barrow_blocks_rule(&told->w->blocks, bytes);
        if (told->todo_count < 64) {
            told->todo[told->todo_count].words = block;
            told->todo[told->todo_count++].count = bytes / sizeof *words;
        }
    }
}

static void own_told(struct dig_walk *w, PyObject *o, const struct dig_type *t)
{
    struct told told = {.w = w, .left = (int64_t)t->hidden(&w->blocks, o)};
    if (t->is_dict)
        told.left -= (int64_t)barrow_hidden_dict(&w->blocks, o);
    look_through(&told, (const uintptr_t *)(const void *)o, t->basic_bytes / sizeof(uintptr_t));
    while (told.left > 0 && told.todo_count > 0) {
        told.todo_count--;
        look_through(&told, told.todo[told.todo_count].words, told.todo[told.todo_count].count);
    }
}

/* A deque begins with its leftmost block; a block's last word leads to the next.  (The items
 * between may be stale, so they aren't looked through.) */
static void own_deque(struct dig_walk *w, PyObject *o)
{
    enum { WORDS = 66 };
    int64_t left = (int64_t)barrow_hidden_blocks(Py_TYPE(o))(&w->blocks, o);
    const uintptr_t *block = *(const uintptr_t **)(void *)((char *)o + sizeof(PyVarObject));
    uint64_t bytes;
    while (left > 0 && w->options->python_birth(block, &bytes) && bytes == WORDS * sizeof *block) {
        own(w, block);
        left -= (int64_t)barrow_blocks_rule(&w->blocks, bytes);
        block = (const uintptr_t *)block[WORDS - 1];
    }
}

static void own_blocks(struct dig_walk *w, PyObject *o, const struct dig_type *t)
{
    if (t->kind == DIG_INSTANCE || t->kind == DIG_GENERIC)
        own_values(w, o, t);
    if (t->is_dict)
        own_dict(w, o);
    else if (t->is_list)
        own(w, ((PyListObject *)o)->ob_item);
    else if (t->is_set && ((PySetObject *)o)->table != ((PySetObject *)o)->smalltable)
        own(w, ((PySetObject *)o)->table);
    else if (t->is_type)
        own_type(w, (PyTypeObject *)o);
    else if (t->kind == DIG_CODE)
        own(w, barrow_code_cache((PyCodeObject *)o));
    else if (PyByteArray_Check(o)) {
        size_t asked;
        own(w, barrow_byte_array_block(o, &asked));
    } else if (t->is_text) {
        if (barrow_text_apart_bytes(o))
            own(w, PyUnicode_DATA(o));
        if (!PyUnicode_IS_COMPACT_ASCII(o) &&
            ((PyCompactUnicodeObject *)o)->utf8 != PyUnicode_DATA(o))
            own(w, ((PyCompactUnicodeObject *)o)->utf8);
    } else if (t->is_deque)
        own_deque(w, o);
    else if (t->hidden)
        own_told(w, o, t);
    if (t->is_dict && t->hidden && t->hidden != barrow_hidden_dict)
        own_told(w, o, t);
}

static void on_block(void *context, uintptr_t block, uint64_t bytes, uint32_t site)
{
    struct dig_walk *w = context;
    struct barrow_heap *heap = &w->dig->heap;
    if (w->failed || is_owned(w, block))
        return;
    /* By site, in a column that is indexed by site until it is packed. */
    struct heap_unowned *unowned = barrow_walk_append(w, COLUMN_UNOWNED, site, sizeof *unowned);
    if (!unowned)
        return;
    unowned->site = site;
    unowned->blocks++;
    unowned->bytes += barrow_blocks_rule(&w->blocks, bytes);
    if (heap->unowned_count <= site)
        heap->unowned_count = site + 1;
}

void barrow_walk_unowned(struct dig_walk *w)
{
    struct barrow_heap *heap = &w->dig->heap;
    for (uint32_t number = 1; number <= w->count && !w->failed; number++)
        if (w->bytes[number])
            own_blocks(w, w->address[number], &w->types[w->type[number]]);
    w->options->each_block(on_block, w);
    struct heap_unowned *all = w->dig->columns[COLUMN_UNOWNED].at;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < heap->unowned_count; i++)
        if (all[i].blocks)
            all[kept++] = all[i];
    heap->unowned_count = kept;
}
