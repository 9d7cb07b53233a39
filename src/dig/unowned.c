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
    } else if (t->is_text && !PyUnicode_IS_COMPACT_ASCII(o) &&
               ((PyCompactUnicodeObject *)o)->utf8 != PyUnicode_DATA(o))
        own(w, ((PyCompactUnicodeObject *)o)->utf8);
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
    unowned->bytes += bytes;
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
