/* Watching, as barrow/_watch.py uses it: configuration, the beat, censuses, their ledger. */
#include <stdlib.h>
#include <string.h>

#include "pymod/pymod.h"
#include "record/record.h"
#include "record/recorder.h"
#include "watch/config.h"
#include "watch/probe.h"
#include "watch/store.h"
#include "watch/timer.h"

/* ---- configuration ---- */

/* (enabled, interval_seconds, top_n_classes, is_all, ledger or None) */
static PyObject *config_tuple(const struct barrow_watch_config *c)
{
    PyObject *ledger = c->ledger[0] ? PyUnicode_DecodeFSDefault(c->ledger) : Py_NewRef(Py_None);
    if (!ledger)
        return NULL;
    return Py_BuildValue("NkkNN", PyBool_FromLong(c->enabled), (unsigned long)c->interval_seconds,
                         (unsigned long)c->top_n_classes, PyBool_FromLong(c->is_all), ledger);
}

/* Names of files may be anything. */
static PyObject *raise_config(PyObject *module, const struct barrow_error *err)
{
    PyObject *class =
        err->code == BARROW_E_USAGE ? PyExc_ValueError : barrow_pymod_state(module)->error;
    PyObject *text =
        PyUnicode_DecodeUTF8(err->text, (Py_ssize_t)strlen(err->text), "backslashreplace");
    if (text)
        PyErr_SetObject(class, text);
    Py_XDECREF(text);
    return NULL;
}

static PyObject *config_load(PyObject *module, PyObject *path)
{
    struct barrow_watch_config config;
    struct barrow_error err;
    PyObject *bytes;
    if (!PyUnicode_FSConverter(path, &bytes))
        return NULL;
    struct barrow_thread *t = barrow_enter();
    int rc = barrow_watch_config_load(&config, PyBytes_AS_STRING(bytes), &err);
    if (t)
        barrow_leave(t);
    Py_DECREF(bytes);
    return rc < 0 ? raise_config(module, &err) : config_tuple(&config);
}

/* The value's kind; *text is what errors show, owned by *owner (or NULL). */
static int read_value(PyObject *object, struct barrow_watch_value *value, PyObject **owner)
{
    *value = (struct barrow_watch_value){.kind = BARROW_WATCH_OTHER};
    *owner = NULL;
    if (object == Py_None)
        value->kind = BARROW_WATCH_NOTHING;
    else if (PyBool_Check(object))
        value->kind = BARROW_WATCH_BOOLEAN;
    else if (PyLong_Check(object))
        value->kind = BARROW_WATCH_INTEGER;
    else if (PyFloat_Check(object))
        value->kind = BARROW_WATCH_REAL;
    else if (PyUnicode_Check(object))
        value->kind = BARROW_WATCH_TEXT;
    else if (PyList_Check(object) || PyTuple_Check(object))
        value->kind = BARROW_WATCH_LIST;
    else if (PyMapping_Check(object))
        value->kind = BARROW_WATCH_MAPPING;
    if (PyLong_Check(object)) {
        int overflow;
        value->number = PyLong_AsLongLongAndOverflow(object, &overflow);
        if (overflow)
            value->number = overflow > 0 ? INT64_MAX : INT64_MIN;
        if (value->number == -1 && PyErr_Occurred())
            return -1;
    }
    if (PyLong_Check(object) || PyFloat_Check(object) || PyUnicode_Check(object)) {
        PyObject *text = PyObject_Str(object);
        *owner = text ? PyUnicode_AsEncodedString(text, "utf-8", "surrogateescape") : NULL;
        Py_XDECREF(text);
        if (!*owner) /* an integer of more digits than Python likes to print */
            PyErr_Clear();
        else if (strlen(PyBytes_AS_STRING(*owner)) == (size_t)PyBytes_GET_SIZE(*owner))
            value->text = PyBytes_AS_STRING(*owner);
        else
            value->kind = BARROW_WATCH_OTHER; /* a NUL in it */
    }
    if (value->kind == BARROW_WATCH_TEXT && !value->text)
        value->kind = BARROW_WATCH_OTHER;
    return 0;
}

/* One of the triples (where, key, value); key None: `value` stands where the section should. */
static int take_setting(struct barrow_watch_config *config, PyObject *item,
                        struct barrow_error *err)
{
    const char *where, *key;
    PyObject *object, *owner;
    struct barrow_watch_value value;
    if (!PyArg_ParseTuple(item, "szO", &where, &key, &object) ||
        read_value(object, &value, &owner) < 0)
        return -1;
    int rc = key ? barrow_watch_config_set(config, where, key, &value, err)
                 : barrow_watch_config_no_mapping(where, &value, err);
    Py_XDECREF(owner);
    return rc;
}

static PyObject *config_check(PyObject *module, PyObject *settings)
{
    struct barrow_watch_config config;
    struct barrow_error err = {0};
    PyObject *list = PySequence_Fast(settings, "a list of settings is wanted");
    barrow_watch_config_init(&config);
    for (Py_ssize_t i = 0; list && i < PySequence_Fast_GET_SIZE(list); i++) {
        if (take_setting(&config, PySequence_Fast_GET_ITEM(list, i), &err) == 0)
            continue;
        Py_CLEAR(list);
        if (!PyErr_Occurred())
            raise_config(module, &err);
    }
    if (!list)
        return NULL;
    Py_DECREF(list);
    return config_tuple(&config);
}

/* ---- the beat ---- */

static PyObject *ticker; /* a callable */

static void tick(void)
{
    PyObject *callable = Py_XNewRef(ticker);
    PyObject *result = callable ? PyObject_CallNoArgs(callable) : NULL;
    if (callable && !result)
        PyErr_WriteUnraisable(callable);
    Py_XDECREF(result);
    Py_XDECREF(callable);
}

static PyObject *watch_start(PyObject *module, PyObject *args)
{
    double seconds;
    PyObject *callable;
    if (!PyArg_ParseTuple(args, "dO:watch_start", &seconds, &callable))
        return NULL;
    if (PyInterpreterState_Get() != PyInterpreterState_Main() || !(seconds > 0 && seconds < 1e10)) {
        PyErr_SetString(barrow_pymod_state(module)->error,
                        "only the main interpreter can be watched, every few seconds");
        return NULL;
    }
    barrow_timer_stop();
    Py_XSETREF(ticker, Py_NewRef(callable));
    if (!barrow_timer_start((uint64_t)(seconds * 1e9), tick)) {
        PyErr_SetString(barrow_pymod_state(module)->error, "no thread can be made to watch with");
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *watch_stop(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    barrow_timer_stop();
    Py_CLEAR(ticker);
    Py_RETURN_NONE;
}

static PyObject *before_fork(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    barrow_timer_before_fork();
    Py_RETURN_NONE;
}

static PyObject *after_fork_in_parent(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    barrow_timer_after_fork_in_parent();
    Py_RETURN_NONE;
}

static PyObject *after_fork_in_child(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    struct barrow_thread *t = barrow_enter();
    barrow_watch_store_after_fork();
    if (t)
        barrow_leave(t);
    barrow_timer_after_fork_in_child();
    Py_RETURN_NONE;
}

/* ---- censuses ---- */

/* Of any class that was made as class statements make them. */
static void *statement_traverse(PyObject *module)
{
    PyTypeObject *class = (PyTypeObject *)barrow_pymod_state(module)->error;
    return (void *)(uintptr_t) class->tp_traverse;
}

/* Everything about a census but the str: outside of a recording's figures.  *text to be freed. */
static int take_census(PyObject *module, bool all, uint32_t top, char **text,
                       struct barrow_error *err)
{
    struct barrow_watch_census census;
    struct barrow_thread *t = barrow_enter();
    int rc = barrow_probe_census(&census, all, statement_traverse(module), err);
    *text = NULL;
    if (rc == 0) {
        barrow_recorder_census(&census.head, census.classes, census.count);
        barrow_watch_store_put(&census);
        if (top)
            *text = barrow_watch_text(&census, top);
        barrow_watch_census_free(&census);
    }
    if (t)
        barrow_leave(t);
    return rc;
}

static PyObject *watch_census(PyObject *module, PyObject *args)
{
    int all;
    unsigned int top;
    char *text;
    struct barrow_error err;
    if (!PyArg_ParseTuple(args, "pI:watch_census", &all, &top))
        return NULL;
    if (take_census(module, all, top, &text, &err) < 0)
        return barrow_pymod_raise(barrow_pymod_state(module), &err);
    if (!text)
        return top ? PyErr_NoMemory() : Py_NewRef(Py_None);
    PyObject *result = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
    struct barrow_thread *t = barrow_enter();
    free(text);
    if (t)
        barrow_leave(t);
    return result;
}

static PyObject *class_list(const struct barrow_watch_census *census)
{
    PyObject *list = PyList_New((Py_ssize_t)census->count);
    for (size_t i = 0; list && i < census->count; i++) {
        const struct ledger_census_class *class = &census->classes[i];
        PyObject *name = PyUnicode_DecodeUTF8(class->name, class->name_bytes, "replace");
        PyObject *row = name ? Py_BuildValue("NKK", name, class->objects, class->bytes) : NULL;
        if (!row)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, row);
    }
    return list;
}

static PyObject *census(PyObject *module, PyObject *all)
{
    struct barrow_watch_census census;
    struct barrow_error err;
    struct barrow_thread *t = barrow_enter();
    int rc =
        barrow_probe_census(&census, PyObject_IsTrue(all) == 1, statement_traverse(module), &err);
    if (t)
        barrow_leave(t);
    if (rc < 0)
        return barrow_pymod_raise(barrow_pymod_state(module), &err);
    PyObject *list = class_list(&census);
    double pause = (double)census.head.pause_ns / 1e9;
    t = barrow_enter();
    barrow_watch_census_free(&census);
    if (t)
        barrow_leave(t);
    return list ? Py_BuildValue("Nd", list, pause) : NULL;
}

/* ---- their ledger ---- */

static PyObject *ledger_open(PyObject *module, PyObject *path)
{
    struct ledger_header header;
    struct barrow_error err;
    PyObject *bytes;
    if (!PyUnicode_FSConverter(path, &bytes))
        return NULL;
    barrow_pymod_describe(&header);
    struct barrow_thread *t = barrow_enter();
    int rc = barrow_watch_store_open(PyBytes_AS_STRING(bytes), &header, &err);
    if (t)
        barrow_leave(t);
    Py_DECREF(bytes);
    if (rc < 0)
        return barrow_pymod_raise(barrow_pymod_state(module), &err);
    return PyUnicode_DecodeFSDefault(barrow_watch_store_path());
}

static PyObject *ledger_close(PyObject *module, PyObject *at_exit)
{
    (void)module;
    struct barrow_thread *t = barrow_enter();
    barrow_watch_store_close(PyObject_IsTrue(at_exit) == 1 ? LEDGER_END_EXIT : LEDGER_END_STOP);
    if (t)
        barrow_leave(t);
    Py_RETURN_NONE;
}

PyMethodDef barrow_watch_methods[] = {
    {"watch_config_load", config_load, METH_O,
     "Reads a YAML file: (enabled, interval_seconds, top_n_classes, is_all, ledger)."},
    {"watch_config_check", config_check, METH_O,
     "The same from settings: (where, key, value); key None: the section is no mapping."},
    {"watch_start", watch_start, METH_VARARGS,
     "watch_start(seconds, callable)\n\nCalls it every so often, from a thread of its own."},
    {"watch_stop", watch_stop, METH_NOARGS, "Ends that."},
    {"watch_before_fork", before_fork, METH_NOARGS, "For os.register_at_fork()."},
    {"watch_after_fork_in_parent", after_fork_in_parent, METH_NOARGS, "For os.register_at_fork()."},
    {"watch_after_fork_in_child", after_fork_in_child, METH_NOARGS, "For os.register_at_fork()."},
    {"watch_census", watch_census, METH_VARARGS,
     "watch_census(all, top)\n\nTakes a census for the ledgers; its text with `top` classes; 0: "
     "None."},
    {"watch_ledger_open", ledger_open, METH_O, "Starts a ledger for censuses; its path."},
    {"watch_ledger_close", ledger_close, METH_O, "Ends it; true: because the program ends."},
    {"census", census, METH_O,
     "census(all)\n\nObjects and bytes now: [(class, objects, bytes)], and the pause in seconds."},
    {NULL, NULL, 0, NULL},
};
