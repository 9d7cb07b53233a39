/* What the walk knows of classes: how their objects are visited, what they are called. */
#include <string.h>

#include "base/map.h"
#include "dig/state.h"

#include <structmember.h>

/* ---- what a class is called ---- */

/* An attribute of a class's own namespace, found without running anything. */
static PyObject *own_attribute(PyTypeObject *type, const char *name)
{
    PyObject *dict = barrow_type_dict(type);
    if (!dict || !PyDict_CheckExact(dict))
        return NULL;
    PyDictKeysObject *keys = barrow_dict_keys(dict);
    size_t bytes = strlen(name);
    if (keys->dk_kind == DICT_KEYS_GENERAL || ((PyDictObject *)dict)->ma_values)
        return NULL;
    for (Py_ssize_t i = 0; i < keys->dk_nentries; i++) {
        PyDictUnicodeEntry *entry = &barrow_unicode_entries(keys)[i];
        if (entry->me_value && PyUnicode_IS_COMPACT_ASCII(entry->me_key) &&
            (size_t)PyUnicode_GET_LENGTH(entry->me_key) == bytes &&
            memcmp(PyUnicode_1BYTE_DATA(entry->me_key), name, bytes) == 0)
            return entry->me_value;
    }
    return NULL;
}

static void call_type(struct dig_walk *w, struct heap_type *record, PyTypeObject *type)
{
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        PyObject *module = own_attribute(type, "__module__");
        record->name = barrow_walk_string_of(w, ((PyHeapTypeObject *)type)->ht_qualname);
        if (module && PyUnicode_CheckExact(module))
            record->module = barrow_walk_string_of(w, module);
    } else {
        const char *dot = strrchr(type->tp_name, '.');
        record->name = barrow_walk_words(w, dot ? dot + 1 : type->tp_name);
        if (dot)
            record->module = barrow_walk_string(w, type->tp_name, (size_t)(dot - type->tp_name));
    }
    if (record->module == barrow_walk_words(w, "builtins"))
        record->module = 0;
}

/* ---- where its objects keep references ---- */

static void add_member(struct dig_walk *w, Py_ssize_t offset, uint32_t name)
{
    if (!barrow_column_reserve(&w->member_column,
                               (w->member_count + (size_t)1) * sizeof *w->members)) {
        w->failed = true;
        return;
    }
    w->members = w->member_column.at;
    w->members[w->member_count++] = (struct dig_member){(uint32_t)offset, name};
}

/* The references that a class itself adds, by its table of members. */
void barrow_walk_add_members(struct dig_walk *w, PyTypeObject *type, bool slots_only)
{
    for (PyMemberDef *member = type->tp_members; member && member->name; member++) {
        bool is_slot = member->type == T_OBJECT_EX;
        if (member->offset > 0 && (is_slot || (!slots_only && member->type == T_OBJECT)) &&
            strcmp(member->name, "__weakref__") != 0)
            add_member(w, member->offset,
                       HEAP_NAME(HEAP_NAME_ATTRIBUTE, barrow_walk_words(w, member->name)));
    }
}

/* What C keeps without telling: X(class, struct, field, name). */
#define HIDDEN_MEMBERS(X)                                                      \
    X(PyFunction_Type, PyFunctionObject, func_code, "__code__")                \
    X(PyFunction_Type, PyFunctionObject, func_defaults, "__defaults__")        \
    X(PyFunction_Type, PyFunctionObject, func_kwdefaults, "__kwdefaults__")    \
    X(PyFunction_Type, PyFunctionObject, func_name, "__name__")                \
    X(PyFunction_Type, PyFunctionObject, func_qualname, "__qualname__")        \
    X(PyFunction_Type, PyFunctionObject, func_dict, "__dict__")                \
    X(PyFunction_Type, PyFunctionObject, func_annotations, "__annotations__")  \
    X(PyCell_Type, PyCellObject, ob_ref, "cell_contents")                      \
    X(PyCFunction_Type, PyCFunctionObject, m_self, "__self__")                 \
    X(PyCFunction_Type, PyCFunctionObject, m_module, "__module__")             \
    X(PyGen_Type, PyGenObject, gi_name, "__name__")                            \
    X(PyGen_Type, PyGenObject, gi_qualname, "__qualname__")                    \
    X(PyCoro_Type, PyGenObject, gi_name, "__name__")                           \
    X(PyCoro_Type, PyGenObject, gi_qualname, "__qualname__")                   \
    X(PyAsyncGen_Type, PyGenObject, gi_name, "__name__")                       \
    X(PyAsyncGen_Type, PyGenObject, gi_qualname, "__qualname__")               \
    X(_PyExc_BaseException, PyBaseExceptionObject, dict, "__dict__")           \
    X(_PyExc_BaseException, PyBaseExceptionObject, args, "args")               \
    X(_PyExc_BaseException, PyBaseExceptionObject, notes, "__notes__")         \
    X(_PyExc_BaseException, PyBaseExceptionObject, traceback, "__traceback__") \
    X(_PyExc_BaseException, PyBaseExceptionObject, context, "__context__")     \
    X(_PyExc_BaseException, PyBaseExceptionObject, cause, "__cause__")         \
    X(_PyWeakref_RefType, PyWeakReference, wr_callback, "__callback__")        \
    X(PyRange_Type, struct barrow_range, length, "length")

static void add_hidden_members(struct dig_walk *w, PyTypeObject *type)
{
    PyTypeObject *_PyExc_BaseException_ = (PyTypeObject *)PyExc_BaseException;
#define _PyExc_BaseException (*_PyExc_BaseException_)
#define X(class, structure, field, name)          \
    if (type == &class)                           \
        add_member(w, offsetof(structure, field), \
                   HEAP_NAME(HEAP_NAME_ATTRIBUTE, barrow_walk_words(w, name)));
    HIDDEN_MEMBERS(X)
#undef X
#undef _PyExc_BaseException
}

static bool is_statement_class(const struct dig_walk *w, const PyTypeObject *type)
{
    return type->tp_flags & Py_TPFLAGS_HEAPTYPE &&
           (void *)(uintptr_t)type->tp_traverse == w->options->subtype_traverse;
}

/* Classes all of whose bases are made by class statements, or object. */
static bool is_plain(const struct dig_walk *w, const PyTypeObject *type)
{
    for (; type && type != &PyBaseObject_Type; type = type->tp_base)
        if (!is_statement_class(w, type) || type->tp_itemsize)
            return false;
    return type != NULL;
}

static enum dig_kind kind_of(const struct dig_walk *w, PyTypeObject *type)
{
    if (type == &PyUnicode_Type)
        return DIG_TEXT;
    if (type == &PyBytes_Type)
        return DIG_BYTES;
    if (type == &PyLong_Type)
        return DIG_INT;
    if (type == &PyTuple_Type)
        return DIG_TUPLE;
    if (type == &PyList_Type)
        return DIG_LIST;
    if (type == &PyDict_Type)
        return DIG_DICT;
    if (type == &PyCode_Type)
        return DIG_CODE;
    if (!(type->tp_flags & Py_TPFLAGS_HAVE_GC))
        return type == &PyFloat_Type || type == &PyComplex_Type || type == &PyBool_Type
                   ? DIG_LEAF
                   : DIG_MEMBERS;
    return is_plain(w, type) ? DIG_INSTANCE : DIG_GENERIC;
}

static uint32_t flags_of(const struct dig_type *t)
{
    PyTypeObject *type = t->type;
    uint32_t flags = 0;
    flags |= type->tp_flags & Py_TPFLAGS_HAVE_GC ? HEAP_TYPE_GC : 0;
    flags |= type->tp_flags & Py_TPFLAGS_HEAPTYPE ? HEAP_TYPE_HEAP : 0;
    if (t->is_dict || t->is_list || t->is_tuple || t->is_set || t->is_deque)
        flags |= HEAP_TYPE_CONTAINER;
    flags |= t->is_dict ? HEAP_TYPE_DICT : 0;
    flags |= t->is_type ? HEAP_TYPE_TYPE : 0;
    flags |= t->is_module ? HEAP_TYPE_MODULE : 0;
    if (type == &PyFunction_Type || type == &PyMethod_Type || type == &PyCFunction_Type)
        flags |= HEAP_TYPE_FUNCTION;
    flags |= type == &PyCode_Type ? HEAP_TYPE_CODE : 0;
    if (t->is_text || PyType_FastSubclass(type, Py_TPFLAGS_BYTES_SUBCLASS))
        flags |= HEAP_TYPE_TEXT;
    if (PyType_FastSubclass(type, Py_TPFLAGS_LONG_SUBCLASS) || type == &PyFloat_Type ||
        type == &PyComplex_Type)
        flags |= HEAP_TYPE_NUMBER;
    flags |= t->is_frame || t->is_generator ? HEAP_TYPE_FRAME : 0;
    flags |= PyType_FastSubclass(type, Py_TPFLAGS_BASE_EXC_SUBCLASS) ? HEAP_TYPE_EXCEPTION : 0;
    return flags;
}

static bool has_base(const PyTypeObject *type, const PyTypeObject *base)
{
    while (type && type != base)
        type = type->tp_base;
    return type != NULL;
}

static bool has_base_named(const PyTypeObject *type, const char *name)
{
    while (type && strcmp(type->tp_name, name) != 0)
        type = type->tp_base;
    return type != NULL;
}

static void describe(struct dig_walk *w, struct dig_type *t, PyTypeObject *type)
{
    t->type = type;
    t->kind = (uint8_t)kind_of(w, type);
    t->preheader = (uint8_t)barrow_preheader_bytes(type);
    t->basic_bytes = (uint32_t)type->tp_basicsize;
    t->item_bytes = (uint32_t)type->tp_itemsize;
    t->is_type = PyType_FastSubclass(type, Py_TPFLAGS_TYPE_SUBCLASS);
    t->is_dict = PyType_FastSubclass(type, Py_TPFLAGS_DICT_SUBCLASS);
    t->is_list = PyType_FastSubclass(type, Py_TPFLAGS_LIST_SUBCLASS);
    t->is_tuple = PyType_FastSubclass(type, Py_TPFLAGS_TUPLE_SUBCLASS);
    t->is_text = PyType_FastSubclass(type, Py_TPFLAGS_UNICODE_SUBCLASS);
    t->is_set = has_base(type, &PySet_Type) || has_base(type, &PyFrozenSet_Type);
    t->is_deque = has_base_named(type, "collections.deque");
    t->is_weakref = has_base(type, &_PyWeakref_RefType) || type == &_PyWeakref_ProxyType ||
                    type == &_PyWeakref_CallableProxyType;
    t->is_array = barrow_is_array(type);
    t->is_module = has_base(type, &PyModule_Type);
    t->is_frame = type == &PyFrame_Type;
    t->is_generator = type == &PyGen_Type || type == &PyCoro_Type || type == &PyAsyncGen_Type;
    t->has_class_edge = type->tp_flags & Py_TPFLAGS_HEAPTYPE;
    if (type->tp_dictoffset > 0 && !(type->tp_flags & Py_TPFLAGS_MANAGED_DICT))
        t->dict_offset = (uint32_t)type->tp_dictoffset;
    t->dict_at_end = type->tp_dictoffset < 0 && !(type->tp_flags & Py_TPFLAGS_MANAGED_DICT);
    t->hidden = barrow_hidden_blocks(type);
    t->first_member = w->member_count;
    for (PyTypeObject *base = type; base && !t->is_type; base = base->tp_base) {
        barrow_walk_add_members(w, base, t->kind == DIG_INSTANCE);
        if (t->kind == DIG_GENERIC || t->kind == DIG_MEMBERS)
            add_hidden_members(w, base);
    }
    t->member_count = w->member_count - t->first_member;
}

/* ---- finding them ---- */

static uint32_t *slot_of(struct dig_walk *w, PyTypeObject *type)
{
    uint32_t at = barrow_hash_1((uintptr_t)type) & w->type_mask;
    while (w->type_slots[at] && w->types[w->type_slots[at]].type != type)
        at = (at + 1) & w->type_mask;
    return &w->type_slots[at];
}

static bool grow_slots(struct dig_walk *w)
{
    size_t slots = w->type_mask ? ((size_t)w->type_mask + 1) * 4 : 4096;
    struct dig_column more = {0};
    if (!barrow_column_reserve(&more, slots * 4)) {
        w->failed = true;
        return false;
    }
    barrow_column_free(&w->slot_column);
    w->slot_column = more;
    w->type_slots = more.at;
    w->type_mask = (uint32_t)slots - 1;
    for (uint32_t i = 1; i < w->type_count; i++)
        *slot_of(w, w->types[i].type) = i;
    return true;
}

static uint32_t add_type(struct dig_walk *w, PyTypeObject *type)
{
    struct barrow_heap *heap = &w->dig->heap;
    uint32_t index = w->type_count ? w->type_count : 1;
    struct heap_type *record = barrow_walk_append(w, COLUMN_TYPES, index, sizeof(struct heap_type));
    if (!record ||
        !barrow_column_reserve(&w->type_column, (index + (size_t)1) * sizeof *w->types)) {
        w->failed = true;
        return 0;
    }
    w->types = w->type_column.at;
    w->type_count = heap->type_count = index + 1;
    *slot_of(w, type) = index;
    describe(w, &w->types[index], type);
    call_type(w, record, type);
    record->flags = flags_of(&w->types[index]);
    record->object = barrow_walk_object(w, type);
    if (type->tp_base && type->tp_base != &PyBaseObject_Type) {
        uint32_t base = barrow_walk_type(w, type->tp_base);
        /* The column may have moved. */
        ((struct heap_type *)w->dig->columns[COLUMN_TYPES].at)[index].base = base;
    }
    return index;
}

uint32_t barrow_walk_type(struct dig_walk *w, PyTypeObject *type)
{
    if (type == w->last_type)
        return w->last_index;
    if (w->type_count * 2 >= w->type_mask && !grow_slots(w))
        return 0;
    uint32_t index = *slot_of(w, type);
    if (!index)
        index = add_type(w, type);
    w->last_type = type;
    w->last_index = index;
    return index;
}
