#include "cpython/type_name.h"

#include <string.h>

#include "cpython/object.h"

/* `__module__` of a class made at run time; it may be anything, and is used if it is a str. */
static PyObject *module_of(PyTypeObject *type)
{
    static PyObject *key; /* interned: there anyway */
    if (!key)
        key = PyUnicode_InternFromString("__module__");
    PyObject *module =
        key && type->tp_dict ? PyDict_GetItemWithError(type->tp_dict, key) : NULL; /* borrowed */
    if (!module && PyErr_Occurred())
        PyErr_Clear();
    return module && PyUnicode_Check(module) ? module : NULL;
}

static uint32_t put(char *name, uint32_t used, uint32_t limit, PyObject *text)
{
    uint32_t bytes;
    const char *at = barrow_text_look(text, name + used, limit - used, &bytes);
    if (at != name + used)
        memcpy(name + used, at, bytes);
    return used + bytes;
}

/* A static type's name has its module in it, but for builtins. */
static uint32_t put_static(char *name, uint32_t limit, const char *text)
{
    static const char builtins[] = "builtins.";
    if (strncmp(text, builtins, sizeof builtins - 1) == 0)
        text += sizeof builtins - 1;
    size_t count = strlen(text);
    count = count < limit ? count : limit;
    memcpy(name, text, count);
    return (uint32_t)count;
}

uint32_t barrow_type_name(PyTypeObject *type, char *name, uint32_t limit)
{
    uint32_t used = 0;
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return put_static(name, limit, type->tp_name);
    PyObject *module = module_of(type);
    if (module && PyUnicode_CompareWithASCIIString(module, "builtins") != 0) {
        used = put(name, used, limit, module);
        if (used > 0 && used < limit)
            name[used++] = '.';
    }
    used = put(name, used, limit, ((PyHeapTypeObject *)type)->ht_qualname);
    for (uint32_t i = 0; i < used; i++)
        if (name[i] == '\0' || name[i] == '\n')
            name[i] = '?';
    return used;
}
