/* Where code, functions, classes and modules stand in the source. */
#include <string.h>

#include "dig/state.h"

static void add_place(struct dig_walk *w, uint32_t number, PyObject *file, int line)
{
    struct barrow_heap *heap = &w->dig->heap;
    if (!file || !PyUnicode_Check(file) || line < 0)
        return;
    uint32_t string = barrow_walk_string_of(w, file);
    struct heap_place *place =
        barrow_walk_append(w, COLUMN_PLACES, heap->place_count, sizeof *place);
    if (!place)
        return;
    *place = (struct heap_place){number, string, (uint32_t)line};
    heap->place_count++;
}

static PyCodeObject *code_of(PyObject *o)
{
    if (PyFunction_Check(o))
        return (PyCodeObject *)((PyFunctionObject *)o)->func_code;
    if (PyCode_Check(o))
        return (PyCodeObject *)o;
    return NULL;
}

/* A class has no place of its own before 3.13: its first method's must do. */
static void add_class(struct dig_walk *w, uint32_t number, PyTypeObject *type)
{
    PyObject *dict = type->tp_flags & Py_TPFLAGS_HEAPTYPE ? type->tp_dict : NULL;
    PyObject *key, *value, *file = NULL;
    Py_ssize_t at = 0;
    int line = 0;
    while (dict && PyDict_Next(dict, &at, &key, &value)) {
        PyCodeObject *code = PyFunction_Check(value) ? code_of(value) : NULL;
        if (!code || (file && file != code->co_filename) || (line && code->co_firstlineno >= line))
            continue;
        file = code->co_filename;
        line = code->co_firstlineno;
    }
    if (file)
        add_place(w, number, file, line);
}

static void add_module(struct dig_walk *w, uint32_t number, PyObject *module)
{
    PyObject *dict = PyModule_GetDict(module), *key, *value;
    Py_ssize_t at = 0;
    while (dict && PyDict_Next(dict, &at, &key, &value))
        if (PyUnicode_CheckExact(key) && PyUnicode_IS_COMPACT_ASCII(key) &&
            strcmp((const char *)PyUnicode_1BYTE_DATA(key), "__file__") == 0)
            add_place(w, number, value, 0);
}

void barrow_walk_places(struct dig_walk *w)
{
    for (uint32_t number = 1; number <= w->count && !w->failed; number++) {
        const struct dig_type *t = &w->types[w->type[number]];
        PyObject *o = w->address[number];
        bool is_code = t->kind == DIG_CODE;
        if (is_code || t->type == &PyFunction_Type) {
            PyCodeObject *code = code_of(o);
            add_place(w, number, code->co_filename, code->co_firstlineno);
        } else if (t->is_type) {
            add_class(w, number, (PyTypeObject *)o);
        } else if (t->is_module) {
            add_module(w, number, o);
        }
    }
}
