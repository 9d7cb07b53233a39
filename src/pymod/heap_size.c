/* Sizes of objects with what they reach, and their references: barrow._core.reach(), links(). */
#include "pymod/heap.h"

#include "base/array.h"
#include "dig/reach.h"
#include "pymod/dig.h"
#include "record/record.h"

/* ---- reach ---- */

static PyObject *starts_list(const struct barrow_reach_options *options)
{
    PyObject *list = PyList_New((Py_ssize_t)options->start_count);
    for (size_t i = 0; list && i < options->start_count; i++) {
        const struct barrow_reach_start *start = &options->starts[i];
        PyObject *pair = Py_BuildValue("KK", start->own, start->bytes);
        if (!pair)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, pair);
    }
    return list;
}

static PyObject *answer(const struct barrow_reach *reach,
                        const struct barrow_reach_options *options)
{
    for (size_t i = 0; i < reach->listed_count; i++)
        Py_INCREF(reach->listed[i]);
    /* No class goes away while this holds it, whatever making Python objects sets off. */
    for (size_t i = 0; i < reach->class_count; i++)
        Py_INCREF(reach->classes[i].type);
    PyObject *starts = starts_list(options);
    PyObject *classes = PyList_New((Py_ssize_t)reach->class_count);
    for (size_t i = 0; classes && i < reach->class_count; i++) {
        const struct barrow_reach_class *class = &reach->classes[i];
        PyObject *row = Py_BuildValue("OKK", class->type, class->objects, class->bytes);
        if (!row)
            Py_CLEAR(classes);
        else
            PyList_SET_ITEM(classes, (Py_ssize_t)i, row);
    }
    PyObject *listed = PyList_New((Py_ssize_t)reach->listed_count);
    for (size_t i = 0; i < reach->listed_count; i++)
        if (listed)
            PyList_SET_ITEM(listed, (Py_ssize_t)i, reach->listed[i]);
        else
            Py_DECREF(reach->listed[i]);
    for (size_t i = 0; i < reach->class_count; i++)
        Py_DECREF(reach->classes[i].type);
    if (starts && classes && listed)
        return Py_BuildValue("NKKKKNN", starts, reach->objects, reach->bytes,
                             reach->exclusive_objects, reach->exclusive_bytes, classes, listed);
    Py_XDECREF(starts);
    Py_XDECREF(classes);
    Py_XDECREF(listed);
    return NULL;
}

static PyObject *reach(PyObject *module, PyObject *args)
{
    PyObject *starts, *stops, *listed = Py_None;
    const char *flat;
    Py_ssize_t flat_count;
    unsigned bits;
    struct barrow_error err;
    struct barrow_reach found;
    if (!PyArg_ParseTuple(args, "O!y#O!I|O:reach", &PyTuple_Type, &starts, &flat, &flat_count,
                          &PyTuple_Type, &stops, &bits, &listed))
        return NULL;
    size_t count = (size_t)PyTuple_GET_SIZE(starts);
    struct barrow_reach_options options = {
        .starts = PyMem_RawCalloc(count + 1, sizeof *options.starts),
        .start_count = count,
        .stop_classes = ((PyTupleObject *)stops)->ob_item,
        .stop_class_count = (size_t)PyTuple_GET_SIZE(stops),
        .listed = PyType_Check(listed) ? (PyTypeObject *)listed : NULL,
        .stops = bits,
        .subtype_traverse = barrow_dig_options_now(NULL, 0).subtype_traverse,
    };
    if (!options.starts)
        return PyErr_NoMemory();
    for (size_t i = 0; i < options.stop_class_count; i++)
        if (!PyType_Check(options.stop_classes[i])) {
            PyMem_RawFree(options.starts);
            PyErr_SetString(PyExc_TypeError, "stops are classes");
            return NULL;
        }
    for (size_t i = 0; i < count; i++) {
        options.starts[i].object = PyTuple_GET_ITEM(starts, (Py_ssize_t)i);
        options.starts[i].is_flat = (Py_ssize_t)i < flat_count && flat[i];
    }
    struct barrow_thread *thread = barrow_enter();
    int result = barrow_dig_reach(&found, &options, &err);
    if (thread)
        barrow_leave(thread);
    PyObject *value = result == 0 ? answer(&found, &options)
                                  : barrow_pymod_raise(barrow_pymod_state(module), &err);
    if (result == 0)
        barrow_reach_free(&found);
    PyMem_RawFree(options.starts);
    return value;
}

/* ---- links ---- */

struct link {
    PyObject *target, *key; /* references of their own; key may be NULL */
    uint32_t name;
    char text[120];
};
struct links {
    BARROW_ARRAY(struct link) list;
    bool failed;
};

static void on_link(void *context, const struct barrow_reach_link *found)
{
    struct links *links = context;
    struct link *link = barrow_array_add(&links->list);
    if (!link) {
        links->failed = true;
        return;
    }
    link->target = Py_NewRef(found->target);
    link->key = Py_XNewRef(found->key);
    link->name = found->name;
    size_t bytes = found->text_bytes < sizeof link->text ? found->text_bytes : 0;
    if (bytes)
        memcpy(link->text, found->text, bytes);
}

static PyObject *link_row(const struct link *link)
{
    uint32_t kind = link->name >> HEAP_NAME_SHIFT;
    PyObject *text =
        link->key ? Py_NewRef(link->key)
        : link->text[0]
            ? PyUnicode_DecodeUTF8(link->text, (Py_ssize_t)strlen(link->text), "replace")
            : PyLong_FromUnsignedLong(link->name & HEAP_NAME_MASK);
    return text ? Py_BuildValue("INO", kind, text, link->target) : NULL;
}

static PyObject *links(PyObject *module, PyObject *object)
{
    struct links found = {0};
    struct barrow_error err;
    struct barrow_thread *thread = barrow_enter();
    int result = barrow_dig_links(object, barrow_dig_options_now(NULL, 0).subtype_traverse, on_link,
                                  &found, &err);
    if (thread)
        barrow_leave(thread);
    PyObject *list = NULL;
    if (result < 0)
        barrow_pymod_raise(barrow_pymod_state(module), &err);
    else if (found.failed)
        PyErr_NoMemory();
    else
        list = PyList_New((Py_ssize_t)found.list.count);
    for (size_t i = 0; list && i < found.list.count; i++) {
        PyObject *row = link_row(&found.list.items[i]);
        if (!row)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, row);
    }
    for (size_t i = 0; i < found.list.count; i++) {
        Py_DECREF(found.list.items[i].target);
        Py_XDECREF(found.list.items[i].key);
    }
    free(found.list.items);
    return list;
}

PyMethodDef barrow_heap_size_methods[] = {
    {"reach", reach, METH_VARARGS,
     "reach(starts, flat, stop_classes, stops, listed=None)\n\nWhat objects cost with all that "
     "they reach."},
    {"links", links, METH_O, "links(object)\n\nThe strong references of an object, with names."},
    {NULL, NULL, 0, NULL},
};
