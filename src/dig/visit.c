/* Visiting an object: its size, and what it refers to. */
#include <string.h>

#include "cpython/object.h"
#include "dig/state.h"

static bool dict_tells_inline;

void barrow_dig_set_dict_tells_inline(bool tells)
{
    dict_tells_inline = tells;
}

static void set_bytes(struct dig_walk *w, uint32_t number, uint64_t bytes)
{
    struct barrow_heap *heap = &w->dig->heap;
    if (bytes < UINT32_MAX) {
        w->bytes[number] = (uint32_t)bytes;
        return;
    }
    struct heap_large *large =
        barrow_walk_append(w, COLUMN_LARGE, heap->large_count, sizeof *large);
    w->bytes[number] = UINT32_MAX;
    if (large) {
        *large = (struct heap_large){number, 0, bytes};
        heap->large_count++;
    }
}

/* Bytes of an object whose size its class doesn't tell to the byte. */
static uint64_t measured_bytes(struct dig_walk *w, PyObject *o, const struct dig_type *t)
{
    if (barrow_blocks_is_static(&w->blocks, o))
        return 0;
    size_t asked = t->preheader + t->basic_bytes;
    if (t->item_bytes)
        asked += barrow_item_count(o) * t->item_bytes;
    return barrow_blocks_bytes(&w->blocks, (char *)o - t->preheader, asked);
}

/* An object of that many bytes, unless it is part of the interpreter or of a library. */
static uint64_t ruled_bytes(const struct dig_walk *w, PyObject *o, size_t asked)
{
    if (__builtin_expect(barrow_is_immortal(o), 0) && barrow_blocks_is_static(&w->blocks, o))
        return 0;
    if (__builtin_expect(asked < BARROW_LARGE_LIMIT, 1))
        return barrow_blocks_rule(&w->blocks, asked);
    return barrow_blocks_bytes(&w->blocks, (char *)o - barrow_preheader_bytes(Py_TYPE(o)), asked);
}

static void take_hash(struct dig_walk *w, uint32_t number, uint64_t hash)
{
    if (!w->hash)
        return;
    hash ^= hash >> 32;
    w->hash[number] = (uint32_t)hash ? (uint32_t)hash : 1;
}

static uint64_t content_hash(const void *bytes, size_t count)
{
    uint64_t h = count, word;
    const char *at = bytes;
    for (; count >= 8; at += 8, count -= 8) {
        memcpy(&word, at, 8);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    word = 0;
    memcpy(&word, at, count);
    h = (h ^ word) * 0x94d049bb133111ebu;
    return h ^ h >> 29;
}

static uint64_t visit_text(struct dig_walk *w, uint32_t number, PyObject *o)
{
    size_t utf8;
    uint64_t bytes = ruled_bytes(w, o, barrow_text_bytes(o, &utf8));
    if (utf8 && bytes)
        bytes += barrow_blocks_rule(&w->blocks, utf8);
    w->length[number] = (uint32_t)PyUnicode_GET_LENGTH(o);
    if (w->hash)
        take_hash(
            w, number,
            content_hash(PyUnicode_DATA(o), (size_t)PyUnicode_GET_LENGTH(o) * PyUnicode_KIND(o)));
    barrow_walk_add_text(w, number, o);
    return bytes;
}

static uint64_t visit_tuple(struct dig_walk *w, uint32_t number, PyObject *o)
{
    Py_ssize_t count = PyTuple_GET_SIZE(o);
    for (Py_ssize_t i = 0; i < count; i++)
        barrow_walk_edge(w, PyTuple_GET_ITEM(o, i), HEAP_NAME(HEAP_NAME_INDEX, i));
    w->length[number] = (uint32_t)count;
    return ruled_bytes(w, o,
                       sizeof(PyGC_Head) + (size_t)PyTuple_Type.tp_basicsize +
                           (size_t)count * sizeof(PyObject *));
}

static uint64_t visit_list(struct dig_walk *w, uint32_t number, PyObject *o)
{
    const PyListObject *list = (const PyListObject *)o;
    Py_ssize_t count = PyList_GET_SIZE(o);
    for (Py_ssize_t i = 0; i < count; i++)
        barrow_walk_edge(w, list->ob_item[i], HEAP_NAME(HEAP_NAME_INDEX, i));
    w->length[number] = (uint32_t)count;
    uint64_t bytes = ruled_bytes(w, o, sizeof(PyGC_Head) + sizeof *list);
    if (list->allocated > 0)
        bytes += barrow_blocks_table(&w->blocks, list->ob_item,
                                     (size_t)list->allocated * sizeof(PyObject *));
    return bytes;
}

static void visit_split_dict(struct dig_walk *w, PyDictKeysObject *keys, PyObject **values)
{
    PyDictUnicodeEntry *entries = barrow_unicode_entries(keys);
    for (Py_ssize_t i = 0; i < keys->dk_nentries; i++)
        if (values[i])
            barrow_walk_edge(
                w, values[i],
                HEAP_NAME(HEAP_NAME_ATTRIBUTE, barrow_walk_string_of(w, entries[i].me_key)));
}

static void visit_dict_entries(struct dig_walk *w, PyObject *o)
{
    PyDictKeysObject *keys = barrow_dict_keys(o);
    PyObject **values = barrow_dict_values(o);
    if (values) {
        if (dict_tells_inline || !barrow_dict_values_are_inline(o))
            visit_split_dict(w, keys, values);
    } else if (keys->dk_kind == DICT_KEYS_GENERAL) {
        PyDictKeyEntry *entries = barrow_general_entries(keys);
        for (Py_ssize_t i = 0; i < keys->dk_nentries; i++)
            if (entries[i].me_value) {
                barrow_walk_edge(w, entries[i].me_key, HEAP_NAME(HEAP_NAME_KEY, 0));
                barrow_walk_edge(w, entries[i].me_value, HEAP_NAME(HEAP_NAME_VALUE, 0));
            }
    } else {
        PyDictUnicodeEntry *entries = barrow_unicode_entries(keys);
        for (Py_ssize_t i = 0; i < keys->dk_nentries; i++)
            if (entries[i].me_value) {
                barrow_walk_edge(w, entries[i].me_key, HEAP_NAME(HEAP_NAME_KEY, 0));
                barrow_walk_edge(w, entries[i].me_value, HEAP_NAME(HEAP_NAME_VALUE, 0));
            }
    }
}

static uint64_t visit_dict(struct dig_walk *w, uint32_t number, PyObject *o)
{
    visit_dict_entries(w, o);
    w->length[number] = (uint32_t)((PyDictObject *)o)->ma_used;
    uint64_t bytes = ruled_bytes(w, o, sizeof(PyGC_Head) + sizeof(PyDictObject));
    return bytes ? bytes + barrow_hidden_dict(&w->blocks, o) : 0;
}

static void visit_values(struct dig_walk *w, struct dig_type *t, const struct barrow_instance *look)
{
    PyDictKeysObject *keys = barrow_shared_keys(t->type);
    if (!keys)
        return;
    uint32_t count = (uint32_t)keys->dk_nentries;
    if (count > BARROW_SHARED_KEYS_LIMIT)
        count = BARROW_SHARED_KEYS_LIMIT;
    if (count > look->value_limit)
        count = look->value_limit;
    for (; t->value_count < count; t->value_count++)
        t->value_names[t->value_count] = HEAP_NAME(
            HEAP_NAME_ATTRIBUTE,
            barrow_walk_string_of(w, barrow_unicode_entries(keys)[t->value_count].me_key));
    for (uint32_t i = 0; i < count; i++)
        if (look->values[i])
            barrow_walk_edge(w, look->values[i], t->value_names[i]);
}

static uint64_t visit_instance(struct dig_walk *w, PyObject *o, uint32_t type_index)
{
    struct dig_type *t = &w->types[type_index];
    struct barrow_instance look = barrow_instance_look(o, t->type);
    size_t asked = t->preheader + t->basic_bytes;
    uint64_t bytes = 0;
    if (look.values && !(look.dict && dict_tells_inline)) {
        visit_values(w, t, &look);
        if (look.values_apart)
            bytes += barrow_blocks_bytes(&w->blocks, barrow_values_block(look.values), 1);
    }
    if (look.dict || t->dict_offset) {
        PyObject *dict = look.dict ? look.dict : *(PyObject **)(void *)((char *)o + t->dict_offset);
        barrow_walk_edge(w, dict, HEAP_NAME(HEAP_NAME_ATTRIBUTE, barrow_walk_words(w, "__dict__")));
    }
    for (uint32_t i = 0; i < t->member_count; i++) {
        const struct dig_member *member = &w->members[t->first_member + i];
        barrow_walk_edge(w, *(PyObject **)(void *)((char *)o + member->offset), member->name);
    }
    barrow_walk_edge(w, t->type, HEAP_NAME(HEAP_NAME_CLASS, 0));
    return bytes + barrow_blocks_bytes(&w->blocks, (char *)o - t->preheader, asked);
}

static void visit_code_reference(PyObject *o, const char *name, void *context)
{
    struct dig_walk *w = context;
    barrow_walk_edge(w, o, HEAP_NAME(HEAP_NAME_ATTRIBUTE, barrow_walk_words(w, name)));
}

static uint64_t visit_members(struct dig_walk *w, PyObject *o, const struct dig_type *t)
{
    for (uint32_t i = 0; i < t->member_count; i++) {
        const struct dig_member *member = &w->members[t->first_member + i];
        barrow_walk_edge(w, *(PyObject **)(void *)((char *)o + member->offset), member->name);
    }
    if (t->dict_offset)
        barrow_walk_edge(w, *(PyObject **)(void *)((char *)o + t->dict_offset),
                         HEAP_NAME(HEAP_NAME_ATTRIBUTE, barrow_walk_words(w, "__dict__")));
    if (t->has_class_edge)
        barrow_walk_edge(w, t->type, HEAP_NAME(HEAP_NAME_CLASS, 0));
    uint64_t bytes = measured_bytes(w, o, t);
    if (t->is_array)
        barrow_walk_array(w, o);
    return bytes;
}

static int on_reference(PyObject *o, void *context)
{
    struct dig_walk *w = context;
    barrow_walk_edge(w, o, HEAP_NAME(HEAP_NAME_REF, 0));
    return 0;
}

/* References that classes own and tp_traverse doesn't tell of. */
static void visit_untold_of_type(struct dig_walk *w, PyTypeObject *type)
{
    bool is_heap = type->tp_flags & Py_TPFLAGS_HEAPTYPE;
#define ATTRIBUTE(o, name) \
    barrow_walk_edge(w, o, HEAP_NAME(HEAP_NAME_ATTRIBUTE, barrow_walk_words(w, name)))
    if (!is_heap) {
        ATTRIBUTE(barrow_type_dict(type), "__dict__");
        ATTRIBUTE(type->tp_mro, "__mro__");
        ATTRIBUTE(type->tp_bases, "__bases__");
        ATTRIBUTE(type->tp_base, "__base__");
    } else {
        PyHeapTypeObject *heap = (PyHeapTypeObject *)type;
        PyDictKeysObject *keys = heap->ht_cached_keys;
        ATTRIBUTE(heap->ht_name, "__name__");
        ATTRIBUTE(heap->ht_qualname, "__qualname__");
        barrow_walk_call(w, heap->ht_qualname);
        ATTRIBUTE(heap->ht_slots, "__slots__");
        for (Py_ssize_t i = 0; keys && i < keys->dk_nentries; i++)
            barrow_walk_edge(
                w, barrow_unicode_entries(keys)[i].me_key,
                HEAP_NAME(HEAP_NAME_INTERNAL, barrow_walk_words(w, "attribute names")));
    }
    barrow_walk_edge(w, barrow_type_subclasses(type),
                     HEAP_NAME(HEAP_NAME_INTERNAL, barrow_walk_words(w, "subclasses")));
#undef ATTRIBUTE
}

/* Of a subclass of dict: tp_traverse tells of keys only where not all of them are str. */
static void visit_untold_keys(struct dig_walk *w, PyObject *o)
{
    PyDictKeysObject *keys = barrow_dict_keys(o);
    if (keys->dk_kind == DICT_KEYS_GENERAL || barrow_dict_values(o))
        return;
    const PyDictUnicodeEntry *entries = barrow_unicode_entries(keys);
    for (Py_ssize_t i = 0; i < keys->dk_nentries; i++)
        if (entries[i].me_value)
            barrow_walk_edge(w, entries[i].me_key, HEAP_NAME(HEAP_NAME_KEY, 0));
}

static uint64_t visit_generic(struct dig_walk *w, uint32_t number, PyObject *o, uint32_t type_index)
{
    const struct dig_type t = w->types[type_index]; /* the column may move meanwhile */
    uint64_t first = w->edge_count;
    if (t.type->tp_traverse && PyObject_IS_GC(o))
        t.type->tp_traverse(o, on_reference, w);
    if (t.type == &PyFunction_Type)
        barrow_walk_call(w, ((PyFunctionObject *)o)->func_qualname);
    if (t.is_type)
        visit_untold_of_type(w, (PyTypeObject *)o);
    barrow_walk_name_edges(w, o, &t, first);
    if (t.is_weakref) {
        PyObject *referent = ((PyWeakReference *)o)->wr_object;
        if (referent != Py_None)
            barrow_walk_edge(w, referent, HEAP_NAME(HEAP_NAME_WEAK, 0));
    }
    if (t.is_array)
        barrow_walk_array(w, o);
    if (t.is_dict) {
        visit_untold_keys(w, o);
        w->length[number] = (uint32_t)((PyDictObject *)o)->ma_used;
    }
    if (t.is_set)
        w->length[number] = (uint32_t)((PySetObject *)o)->used;
    else if (t.is_list || t.is_tuple || t.is_deque)
        w->length[number] = (uint32_t)Py_SIZE(o);
    struct barrow_instance look = barrow_instance_look(o, t.type);
    uint64_t bytes = measured_bytes(w, o, &t);
    if (look.values && look.values_apart)
        bytes += barrow_blocks_bytes(&w->blocks, barrow_values_block(look.values), 1);
    return bytes;
}

static uint64_t visit_by_kind(struct dig_walk *w, uint32_t number, PyObject *o, uint32_t index)
{
    struct dig_type *t = &w->types[index];
    switch ((enum dig_kind)t->kind) {
    case DIG_TEXT:
        return visit_text(w, number, o);
    case DIG_BYTES:
        w->length[number] = (uint32_t)PyBytes_GET_SIZE(o);
        if (w->hash)
            take_hash(w, number, ~content_hash(PyBytes_AS_STRING(o), (size_t)PyBytes_GET_SIZE(o)));
        return ruled_bytes(w, o, (size_t)PyBytes_Type.tp_basicsize + (size_t)PyBytes_GET_SIZE(o));
    case DIG_INT:
        take_hash(
            w, number,
            content_hash((char *)o + sizeof(PyObject), barrow_int_bytes(o) - sizeof(PyObject)));
        if (barrow_is_immortal(o) && barrow_blocks_is_static(&w->blocks, o))
            return 0;
        return barrow_blocks_bytes(&w->blocks, o, barrow_int_bytes(o));
    case DIG_LEAF:
        take_hash(w, number,
                  content_hash((char *)o + sizeof(PyObject), t->basic_bytes - sizeof(PyObject)));
        if (t->type == &PyBool_Type)
            return 0;
        return ruled_bytes(w, o, t->basic_bytes);
    case DIG_TUPLE:
        return visit_tuple(w, number, o);
    case DIG_LIST:
        return visit_list(w, number, o);
    case DIG_DICT:
        return visit_dict(w, number, o);
    case DIG_INSTANCE:
        return visit_instance(w, o, index);
    case DIG_CODE:
        barrow_code_each((PyCodeObject *)o, visit_code_reference, w);
        return measured_bytes(w, o, &w->types[index]);
    case DIG_MEMBERS:
        return visit_members(w, o, &w->types[index]);
    case DIG_GENERIC:
        break;
    }
    return visit_generic(w, number, o, index);
}

void barrow_walk_visit(struct dig_walk *w, uint32_t number)
{
    PyObject *o = w->address[number];
    uint32_t index = barrow_walk_type(w, Py_TYPE(o));
    if (w->failed)
        return;
    w->type[number] = index;
    w->references[number] = barrow_is_immortal(o) ? UINT32_MAX : barrow_reference_count(o);
    uint64_t bytes = visit_by_kind(w, number, o, index);
    const struct dig_type *t = &w->types[index];
    if (bytes && t->kind > DIG_DICT && t->hidden)
        bytes += t->hidden(&w->blocks, o);
    set_bytes(w, number, bytes);
    if (w->birth && bytes) {
        uint64_t asked;
        w->birth[number] = w->options->birth((char *)o - t->preheader, &asked);
    }
    w->edge_start[number + 1] = w->edge_count;
}
