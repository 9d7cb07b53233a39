/* The name of a thread, read out of the threading.Thread object that its rootmost frame runs.
 *
 * Instances keep attributes in a values array that shares its keys with the type until the
 * dictionary is asked for; where either lies differs by version. */
#include "cpython/object.h"

#include <string.h>

#include "internal/pycore_dict.h"
#include "internal/pycore_object.h"

static bool text_is(PyObject *text, const char *ascii)
{
    size_t n = strlen(ascii);
    return text && PyUnicode_Check(text) && PyUnicode_IS_COMPACT_ASCII(text) &&
           (size_t)PyUnicode_GET_LENGTH(text) == n &&
           memcmp(PyUnicode_1BYTE_DATA(text), ascii, n) == 0;
}

/* Position of `name` among a dictionary's keys, -1 if it is not there. */
static Py_ssize_t find_key(PyDictKeysObject *keys, const char *name, PyObject **value)
{
    for (Py_ssize_t i = 0; keys && i < keys->dk_nentries; i++) {
        if (keys->dk_kind == DICT_KEYS_GENERAL) {
            if (text_is(DK_ENTRIES(keys)[i].me_key, name)) {
                *value = DK_ENTRIES(keys)[i].me_value;
                return i;
            }
        } else if (text_is(DK_UNICODE_ENTRIES(keys)[i].me_key, name)) {
            *value = DK_UNICODE_ENTRIES(keys)[i].me_value;
            return i;
        }
    }
    return -1;
}

static PyObject *find_in_dict(PyObject *dict, const char *name)
{
    PyObject *value = NULL;
    if (!dict || !PyDict_Check(dict))
        return NULL;
    PyDictObject *d = (PyDictObject *)dict;
    Py_ssize_t i = find_key(d->ma_keys, name, &value);
    if (i >= 0 && d->ma_values)
        value = d->ma_values->values[i];
    return value;
}

/* The values array and the dictionary of an instance; one of them is NULL, or both. */
static PyDictValues *instance_values(PyObject *o, PyObject **dict)
{
#if PY_VERSION_HEX < 0x030C0000
    *dict = *_PyObject_ManagedDictPointer(o);
    return *_PyObject_ValuesPointer(o);
#elif PY_VERSION_HEX < 0x030D0000
    PyDictOrValues both = *_PyObject_DictOrValuesPointer(o);
    *dict = _PyDictOrValues_IsValues(both) ? NULL : _PyDictOrValues_GetDict(both);
    return _PyDictOrValues_IsValues(both) ? _PyDictOrValues_GetValues(both) : NULL;
#else
    *dict = (PyObject *)_PyObject_ManagedDictPointer(o)->dict;
    bool is_inline = Py_TYPE(o)->tp_flags & Py_TPFLAGS_INLINE_VALUES;
    if (*dict || !is_inline || !_PyObject_InlineValues(o)->valid)
        return NULL;
    return _PyObject_InlineValues(o);
#endif
}

static PyObject *instance_attribute(PyObject *o, const char *name)
{
    PyTypeObject *type = Py_TYPE(o);
    PyObject *dict = NULL, *ignored;
    if (!(type->tp_flags & Py_TPFLAGS_MANAGED_DICT) || !(type->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return NULL;
    PyDictValues *values = instance_values(o, &dict);
    if (!values)
        return find_in_dict(dict, name);
    Py_ssize_t i = find_key(((PyHeapTypeObject *)type)->ht_cached_keys, name, &ignored);
    return i < 0 ? NULL : values->values[i];
}

bool barrow_thread_name_look(const barrow_frame *f, char *name, uint32_t limit)
{
    char buffer[256];
    uint32_t bytes;
    PyCodeObject *code = barrow_frame_code(f);
    const char *file = barrow_text_look(code->co_filename, buffer, sizeof buffer, &bytes);
    if (bytes < 12 || memcmp(file + bytes - 12, "threading.py", 12) != 0 ||
        !text_is(code->co_name, "_bootstrap") || code->co_argcount < 1)
        return false;
    PyObject *thread = barrow_frame_local(f, 0);
    PyObject *value = thread ? instance_attribute(thread, "_name") : NULL;
    if (!value || !PyUnicode_Check(value))
        return false;
    const char *text =
        barrow_text_look(value, buffer, sizeof buffer < limit ? sizeof buffer : limit - 1, &bytes);
    if (bytes >= limit)
        bytes = limit - 1;
    memcpy(name, text, bytes);
    name[bytes] = '\0';
    return bytes > 0;
}
