/* Where objects keep what: dicts, instances, types, code, frames of generators, for the version that is
 * compiled against.  Read-only; nothing allocates, no Python code runs, no reference is taken.  With the
 * interpreter lock.  References that come back are borrowed.
 */
#ifndef BARROW_CPYTHON_LAYOUT_H
#define BARROW_CPYTHON_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpython/frame.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "internal/pycore_dict.h"
#include "internal/pycore_frame.h"
#include "internal/pycore_object.h"
#pragma GCC diagnostic pop

/* ---- objects ---- */

/* Bytes before the object in its block: the collector's head, the managed dict and weak references. */
static inline size_t barrow_preheader_bytes(const PyTypeObject *type)
{
    size_t bytes = type->tp_flags & Py_TPFLAGS_HAVE_GC ? sizeof(PyGC_Head) : 0;
#if PY_VERSION_HEX >= 0x030C0000
    bool more = type->tp_flags & (Py_TPFLAGS_MANAGED_DICT | Py_TPFLAGS_MANAGED_WEAKREF);
#else
    bool more = type->tp_flags & Py_TPFLAGS_MANAGED_DICT;
#endif
    return more ? bytes + 2 * sizeof(PyObject *) : bytes;
}

/* Whether the reference count says nothing. */
static inline bool barrow_is_immortal(PyObject *o)
{
#if PY_VERSION_HEX >= 0x030E0000
    return _Py_IsImmortal(o);
#elif PY_VERSION_HEX >= 0x030C0000
    return (int32_t)o->ob_refcnt < 0 || o->ob_refcnt >= (Py_ssize_t)(UINT_MAX >> 2);
#else
    return o->ob_refcnt >= 900000000; /* deep-frozen modules' objects: 999999999 */
#endif
}

static inline uint32_t barrow_reference_count(PyObject *o)
{
#if PY_VERSION_HEX >= 0x030C0000 && SIZEOF_VOID_P > 4
    return (uint32_t)o->ob_refcnt;
#else
    return o->ob_refcnt > UINT32_MAX ? UINT32_MAX : (uint32_t)o->ob_refcnt;
#endif
}

/* ---- key tables of dicts ---- */

static inline bool barrow_keys_are_static(const PyDictKeysObject *keys)
{
    return keys->dk_log2_size == 0; /* the one that empty dicts share */
}

/* What was asked of the allocator for a key table. */
static inline size_t barrow_keys_bytes(const PyDictKeysObject *keys)
{
    size_t usable = ((size_t)2 << keys->dk_log2_size) / 3;
    size_t entry = keys->dk_kind == DICT_KEYS_GENERAL ? sizeof(PyDictKeyEntry)
                                                      : sizeof(PyDictUnicodeEntry);
    return sizeof *keys + ((size_t)1 << keys->dk_log2_index_bytes) + usable * entry;
}

static inline PyDictUnicodeEntry *barrow_unicode_entries(PyDictKeysObject *keys)
{
    return (PyDictUnicodeEntry *)(void *)(keys->dk_indices +
                                          ((size_t)1 << keys->dk_log2_index_bytes));
}

static inline PyDictKeyEntry *barrow_general_entries(PyDictKeysObject *keys)
{
    return (PyDictKeyEntry *)(void *)(keys->dk_indices +
                                      ((size_t)1 << keys->dk_log2_index_bytes));
}

static inline PyDictKeysObject *barrow_dict_keys(PyObject *dict)
{
    return ((PyDictObject *)dict)->ma_keys;
}

/* Split dicts keep values apart from the keys that their class owns; NULL: not split. */
static inline PyObject **barrow_dict_values(PyObject *dict)
{
    PyDictValues *values = ((PyDictObject *)dict)->ma_values;
    return values ? values->values : NULL;
}

/* True if a split dict's values lie in the instance that it belongs to. */
static inline bool barrow_dict_values_are_inline(PyObject *dict)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyDictValues *values = ((PyDictObject *)dict)->ma_values;
    return values && values->embedded;
#else
    (void)dict;
    return false;
#endif
}

/* The block of values that stand apart (never `inline` ones). */
static inline void *barrow_values_block(PyObject **values)
{
#if PY_VERSION_HEX >= 0x030D0000
    return (char *)values - offsetof(PyDictValues, values);
#else
    return (char *)values - ((uint8_t *)values)[-1];
#endif
}

/* ---- instances ---- */

struct barrow_instance {
    PyObject **values; /* attribute values in the order of the class's shared keys; NULL: none */
    uint32_t value_limit; /* there is room for no more */
    bool values_apart; /* they are a block of their own */
    PyObject *dict;    /* __dict__ if there is one as an object */
};

static inline struct barrow_instance barrow_instance_look(PyObject *o, const PyTypeObject *type)
{
    struct barrow_instance look = {0};
    if (!(type->tp_flags & Py_TPFLAGS_MANAGED_DICT))
        return look;
#if PY_VERSION_HEX >= 0x030D0000
    look.dict = (PyObject *)_PyObject_ManagedDictPointer(o)->dict;
    if (type->tp_flags & Py_TPFLAGS_INLINE_VALUES) {
        PyDictValues *values = (PyDictValues *)(void *)((char *)o + type->tp_basicsize);
        if (values->valid) {
            look.values = values->values;
            look.value_limit = values->capacity;
        }
    }
#elif PY_VERSION_HEX >= 0x030C0000
    PyDictOrValues either = *_PyObject_DictOrValuesPointer(o);
    if (_PyDictOrValues_IsValues(either)) {
        PyDictValues *values = _PyDictOrValues_GetValues(either);
        look.values = values ? values->values : NULL;
        look.values_apart = true;
    } else {
        look.dict = _PyDictOrValues_GetDict(either);
    }
#else
    PyDictValues *values = *_PyObject_ValuesPointer(o);
    look.values = values ? values->values : NULL;
    look.values_apart = true;
    look.dict = *_PyObject_ManagedDictPointer(o);
#endif
#if PY_VERSION_HEX < 0x030D0000
    if (look.values) /* a byte each and two more, in whole words, lie before the values */
        look.value_limit = (uint32_t)((uint8_t *)look.values)[-1] - 2;
#endif
    return look;
}

/* The keys that instances of a class share, or NULL. */
static inline PyDictKeysObject *barrow_shared_keys(const PyTypeObject *type)
{
    return type->tp_flags & Py_TPFLAGS_HEAPTYPE
               ? ((const PyHeapTypeObject *)(const void *)type)->ht_cached_keys
               : NULL;
}

#define BARROW_SHARED_KEYS_LIMIT 30 /* SHARED_KEYS_MAX_SIZE */

/* ---- types ---- */

/* The type's namespace; from 3.12 on static builtin types keep theirs in the interpreter. */
static inline PyObject *barrow_type_dict(PyTypeObject *type)
{
#if PY_VERSION_HEX >= 0x030C0000
    if (!type->tp_dict) {
        PyObject *dict = PyType_GetDict(type); /* a new reference to what the interpreter holds */
        Py_XDECREF(dict);
        return dict;
    }
#endif
    return type->tp_dict;
}

/* The dict of weak references to subclasses, or NULL (static builtin types of 3.12 and later: theirs
 * is the interpreter's). */
static inline PyObject *barrow_type_subclasses(PyTypeObject *type)
{
#if PY_VERSION_HEX >= 0x030C0000
    return type->tp_flags & Py_TPFLAGS_HEAPTYPE ? (PyObject *)type->tp_subclasses : NULL;
#else
    return type->tp_subclasses;
#endif
}

/* ---- generators, coroutines and frame objects ---- */

/* The frame inside, or NULL if it is gone. */
static inline barrow_frame *barrow_generator_frame(PyObject *o)
{
    PyGenObject *generator = (PyGenObject *)o;
    enum { CLEARED = PY_VERSION_HEX >= 0x030F0000 ? 5 : 4 }; /* FRAME_CLEARED */
    if (generator->gi_frame_state >= CLEARED)
        return NULL;
    return (barrow_frame *)(void *)&generator->gi_iframe;
}

static inline PyObject *barrow_frame_function(const barrow_frame *f)
{
#if PY_VERSION_HEX >= 0x030E0000
    return (PyObject *)(f->f_funcobj.bits & ~(uintptr_t)3);
#elif PY_VERSION_HEX >= 0x030C0000
    return f->f_funcobj;
#else
    return (PyObject *)f->f_func;
#endif
}

/* The frame that a frame object shows, if it is not a running one's; else NULL. */
static inline barrow_frame *barrow_frame_of_object(PyObject *o)
{
    PyFrameObject *object = (PyFrameObject *)o;
    barrow_frame *f = object->f_frame;
    return f && f->owner == FRAME_OWNED_BY_FRAME_OBJECT ? f : NULL;
}

/* How many items an object of a class with tp_itemsize was made with.  Generators and frame objects have no
 * ob_size: the number is their code's. */
static inline size_t barrow_item_count(PyObject *o)
{
    const PyCodeObject *code = NULL;
    if (PyGen_CheckExact(o) || PyCoro_CheckExact(o) || PyAsyncGen_CheckExact(o))
#if PY_VERSION_HEX >= 0x030C0000
        code = barrow_frame_code((barrow_frame *)(void *)&((PyGenObject *)o)->gi_iframe);
#else
        code = ((PyGenObject *)o)->gi_code;
#endif
    else if (PyFrame_Check(o))
        code = barrow_frame_code(((PyFrameObject *)o)->f_frame);
    if (code)
        return (size_t)(code->co_nlocalsplus + code->co_stacksize);
#if PY_VERSION_HEX >= 0x030C0000
    if (PyLong_Check(o))
        return ((PyLongObject *)o)->long_value.lv_tag >> 3;
#endif
    return (size_t)(Py_SIZE(o) < 0 ? -Py_SIZE(o) : Py_SIZE(o));
}

/* ---- numbers and text ---- */

/* What was asked for a str's own block, and for its cached UTF-8 (0: none). */
static inline size_t barrow_text_bytes(PyObject *o, size_t *utf8)
{
    size_t length = (size_t)PyUnicode_GET_LENGTH(o);
    *utf8 = 0;
    if (PyUnicode_IS_COMPACT_ASCII(o))
        return sizeof(PyASCIIObject) + length + 1;
    const PyCompactUnicodeObject *text = (const PyCompactUnicodeObject *)(const void *)o;
    if (text->utf8 && text->utf8 != PyUnicode_DATA(o))
        *utf8 = (size_t)text->utf8_length + 1;
    return sizeof(PyCompactUnicodeObject) + (length + 1) * (size_t)PyUnicode_KIND(o);
}

/* What was asked for the characters that lie in a block apart, as those of subclasses do; 0: they don't. */
static inline size_t barrow_text_apart_bytes(PyObject *o)
{
    if (PyUnicode_IS_COMPACT(o) || !((PyUnicodeObject *)o)->data.any)
        return 0;
    return ((size_t)PyUnicode_GET_LENGTH(o) + 1) * (size_t)PyUnicode_KIND(o);
}

/* What an int of that many digits needs; it may have been given more. */
static inline size_t barrow_int_bytes(PyObject *o)
{
#if PY_VERSION_HEX >= 0x030C0000
    size_t digits = ((PyLongObject *)o)->long_value.lv_tag >> 3;
    size_t base = offsetof(PyLongObject, long_value.ob_digit);
#else
    size_t digits = (size_t)(Py_SIZE(o) < 0 ? -Py_SIZE(o) : Py_SIZE(o));
    size_t base = offsetof(PyLongObject, ob_digit);
#endif
    return base + sizeof(digit) * (digits ? digits : 1);
}

/* Interned, so a name in source code or one that the program made one. */
static inline bool barrow_text_is_interned(PyObject *o)
{
    return PyUnicode_CHECK_INTERNED(o) != 0;
}

/* What range objects keep, of which `length` is no member. */
struct barrow_range {
    PyObject_HEAD
    PyObject *start, *stop, *step, *length;
};

/* The block of a bytearray's bytes and what was asked for it; NULL: none. */
static inline const void *barrow_byte_array_block(PyObject *o, size_t *asked)
{
    const PyByteArrayObject *array = (const PyByteArrayObject *)o;
    *asked = (size_t)array->ob_alloc;
#if PY_VERSION_HEX >= 0x030F0000
    *asked += offsetof(PyBytesObject, ob_sval) + 1;
    return array->ob_alloc ? array->ob_bytes_object : NULL;
#else
    return array->ob_alloc ? array->ob_bytes : NULL;
#endif
}

/* ---- blocks of modules in C ---- */

/* How an array.array begins. */
struct barrow_array {
    PyObject_VAR_HEAD
    void *items;
};

/* The buffer of an io.BytesIO is a bytes object: whether tp_traverse shows it as such. */
enum { BARROW_BYTES_IO_SHOWS_BUFFER = PY_VERSION_HEX >= 0x030C0000 };

/* What a lock asks of PyMem_RawMalloc: a semaphore; later locks are a word of the object. */
enum { BARROW_LOCK_BYTES = PY_VERSION_HEX >= 0x030E0000 ? 0 : 32 };

/* ---- what only a code object's owner sees ---- */

/* Calls `visit` for each reference that a code object owns. */
static inline void barrow_code_each(PyCodeObject *code,
                                    void (*visit)(PyObject *, const char *, void *), void *context)
{
    visit(code->co_consts, "co_consts", context);
    visit(code->co_names, "co_names", context);
    visit(code->co_exceptiontable, "co_exceptiontable", context);
    visit(code->co_localsplusnames, "co_localsplusnames", context);
    visit(code->co_localspluskinds, "co_localspluskinds", context);
    visit(code->co_filename, "co_filename", context);
    visit(code->co_name, "co_name", context);
    visit(code->co_qualname, "co_qualname", context);
    visit(code->co_linetable, "co_linetable", context);
#if PY_VERSION_HEX >= 0x030C0000
    if (code->_co_cached) {
        visit(code->_co_cached->_co_code, "co_code", context);
        visit(code->_co_cached->_co_varnames, "co_varnames", context);
        visit(code->_co_cached->_co_cellvars, "co_cellvars", context);
        visit(code->_co_cached->_co_freevars, "co_freevars", context);
    }
#else
    visit(code->_co_code, "co_code", context);
#endif
}

/* A block of a code object's beside its own, and its size; NULL: none. */
static inline void *barrow_code_cache(const PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030C0000
    return code->_co_cached;
#else
    (void)code;
    return NULL;
#endif
}

static inline size_t barrow_code_cache_bytes(const PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030C0000
    return code->_co_cached ? sizeof *code->_co_cached : 0;
#else
    (void)code;
    return 0;
#endif
}

#endif
