/* barrow._core.Profile: one run's ledgers, read. */
#include "pymod/pymod.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "export/report.h"
#include "profile/profile.h"
#include "pymod/views.h"
#include "table/summary.h"

struct py_profile {
    PyObject_HEAD struct barrow_profile *profile;
};

static const struct barrow_profile *profile_of(PyObject *self)
{
    return ((struct py_profile *)self)->profile;
}

static void profile_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    barrow_profile_free(((struct py_profile *)self)->profile);
    PyObject_Free(self);
    Py_DECREF(type);
}

/* ---- loading ---- */

/* Reads without the GIL. */
static PyObject *load(struct pymod_state *state, const char *const *paths, size_t count)
{
    struct barrow_profile *profile = NULL;
    struct barrow_error err;
    int status;

    Py_BEGIN_ALLOW_THREADS status = barrow_profile_load(&profile, paths, count, &err);
    Py_END_ALLOW_THREADS if (status < 0)
    {
        if (err.code == BARROW_E_USAGE) /* ledgers that don't belong together */
            err.code = BARROW_E_FORMAT;
        return barrow_pymod_raise(state, &err);
    }
    struct py_profile *self = PyObject_New(struct py_profile, state->profile_type);
    if (self == NULL) {
        barrow_profile_free(profile);
        return NULL;
    }
    self->profile = profile;
    return (PyObject *)self;
}

static PyObject *reader_load(PyObject *module, PyObject *argument)
{
    PyObject *result = NULL;
    PyObject *names = PySequence_Tuple(argument);
    if (names == NULL)
        return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(names);
    PyObject *encoded = PyTuple_New(count);
    const char **paths = PyMem_Calloc((size_t)count + 1, sizeof *paths);

    if (paths == NULL && encoded != NULL)
        PyErr_NoMemory();
    if (paths == NULL || encoded == NULL)
        goto out;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *bytes;
        if (!PyUnicode_FSConverter(PyTuple_GET_ITEM(names, i), &bytes))
            goto out;
        PyTuple_SET_ITEM(encoded, i, bytes);
        paths[i] = PyBytes_AS_STRING(bytes);
    }
    result = load(barrow_pymod_state(module), paths, (size_t)count);
out:
    PyMem_Free(paths);
    Py_XDECREF(encoded);
    Py_DECREF(names);
    return result;
}

/* ---- views ---- */

static PyObject *give_batch(PyTypeObject *type, struct batch *batch, const struct barrow_error *err)
{
    struct pymod_state *state = PyType_GetModuleState(type);
    return batch ? barrow_pymod_batch(state, batch) : barrow_pymod_raise(state, err);
}

static PyObject *profile_summary_json(PyObject *self, PyObject *unused)
{
    (void)unused;
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (stream == NULL)
        return PyErr_NoMemory();

    struct barrow_json json;
    barrow_json_init(&json, stream, 0);
    barrow_json_begin_object(&json);
    barrow_summary_json(&json, profile_of(self));
    barrow_json_end_object(&json);
    bool failed = ferror(stream) != 0;
    failed |= fclose(stream) != 0;
    PyObject *result =
        failed ? PyErr_NoMemory() : PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, NULL);
    free(text);
    return result;
}

/* The page lies in memory until it is whole: a million sites make 25 MB. */
static PyObject *write_report(struct pymod_state *state, const struct barrow_report *report)
{
    struct barrow_error err;
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (stream == NULL)
        return PyErr_NoMemory();

    int status = barrow_report_write(report, stream, &err);
    bool failed = ferror(stream) != 0;
    failed |= fclose(stream) != 0;
    PyObject *result = NULL;
    if (status < 0)
        barrow_pymod_raise(state, &err);
    else
        result = failed ? PyErr_NoMemory() : PyBytes_FromStringAndSize(text, (Py_ssize_t)length);
    free(text);
    return result;
}

static PyObject *profile_report(PyObject *self, PyTypeObject *type, PyObject *const *args,
                                Py_ssize_t count, PyObject *names)
{
    char *page;
    Py_ssize_t page_bytes;

    if (count != 3 || names != NULL) {
        PyErr_SetString(PyExc_TypeError, "report(page, title, sources)");
        return NULL;
    }
    const char *title = args[1] != Py_None ? PyUnicode_AsUTF8(args[1]) : NULL;
    int sources = PyErr_Occurred() ? -1 : PyObject_IsTrue(args[2]);
    if (sources < 0 || PyBytes_AsStringAndSize(args[0], &page, &page_bytes) < 0)
        return NULL;
    struct barrow_report report = {
        .page = page,
        .page_bytes = (size_t)page_bytes,
        .title = title,
        .profile = profile_of(self),
        .sources = sources,
    };
    return write_report(PyType_GetModuleState(type), &report);
}

static const char *const metric_names[] = {
#define X(name, text, words) text,
    BARROW_METRICS(X)
#undef X
};
static const char *const grouping_names[] = {
#define X(name, text) text,
    BARROW_GROUPINGS(X)
#undef X
};

/* Position of `name` in a list; -1 and ValueError: it is none of them. */
static int choose(const char *what, const char *name, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;

    char known[200] = "";
    size_t used = 0;
    for (int i = 0; i < count && used < sizeof known; i++)
        used +=
            (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", names[i]);
    PyErr_Format(PyExc_ValueError, "%s '%s': must be one of %s", what, name, known);
    return -1;
}

static PyObject *profile_rows(PyObject *self, PyTypeObject *type, PyObject *const *args,
                              Py_ssize_t count, PyObject *names)
{
    if (count != 5 || names != NULL) {
        PyErr_SetString(PyExc_TypeError, "rows(metric, by, inclusive, filter, limit)");
        return NULL;
    }
    const char *metric_name = PyUnicode_AsUTF8(args[0]);
    const char *by_name = metric_name ? PyUnicode_AsUTF8(args[1]) : NULL;
    const char *filter = by_name && args[3] != Py_None ? PyUnicode_AsUTF8(args[3]) : NULL;
    int inclusive = PyErr_Occurred() ? -1 : PyObject_IsTrue(args[2]);
    Py_ssize_t limit = inclusive < 0 ? -1 : PyNumber_AsSsize_t(args[4], PyExc_OverflowError);
    if (PyErr_Occurred())
        return NULL;
    int metric = choose("metric", metric_name, metric_names, BARROW_METRIC_COUNT);
    int by = metric < 0 ? -1 : choose("by", by_name, grouping_names, BARROW_BY_COUNT);
    if (by < 0)
        return NULL;

    struct barrow_query query = {.metric = (enum barrow_metric)metric,
                                 .by = (enum barrow_grouping)by,
                                 .inclusive = inclusive,
                                 .filter = filter,
                                 .limit = limit > 0 ? (size_t)limit : 0};
    struct barrow_error err;
    struct batch *batch = barrow_view_rows(profile_of(self), &query, &err);
    return give_batch(type, batch, &err);
}

static PyObject *profile_samples(PyObject *self, PyTypeObject *type, PyObject *const *args,
                                 Py_ssize_t count, PyObject *names)
{
    (void)args, (void)count, (void)names;
    struct barrow_error err;
    struct batch *batch = barrow_view_samples(profile_of(self), &err);
    return give_batch(type, batch, &err);
}

static PyObject *profile_gc_events(PyObject *self, PyTypeObject *type, PyObject *const *args,
                                   Py_ssize_t count, PyObject *names)
{
    (void)args, (void)count, (void)names;
    struct barrow_error err;
    struct batch *batch = barrow_view_gc_events(profile_of(self), &err);
    return give_batch(type, batch, &err);
}

static PyObject *profile_marks(PyObject *self, PyTypeObject *type, PyObject *const *args,
                               Py_ssize_t count, PyObject *names)
{
    (void)args, (void)count, (void)names;
    struct barrow_error err;
    struct batch *batch = barrow_view_marks(profile_of(self), &err);
    return give_batch(type, batch, &err);
}

static PyObject *profile_lines(PyObject *self, PyTypeObject *type, PyObject *const *args,
                               Py_ssize_t count, PyObject *names)
{
    (void)args, (void)count, (void)names;
    struct barrow_error err;
    struct batch *batch = barrow_view_lines(profile_of(self), &err);
    return give_batch(type, batch, &err);
}

/* ---- type ---- */

#define WITH_TYPE (METH_METHOD | METH_FASTCALL | METH_KEYWORDS)
#define FUNCTION(f) ((PyCFunction)(void (*)(void))(f))

static PyMethodDef profile_methods[] = {
    {"summary_json", profile_summary_json, METH_NOARGS, PyDoc_STR("The summary, as JSON.")},
    {"report", FUNCTION(profile_report), WITH_TYPE,
     PyDoc_STR("report(page, title, sources) -> bytes: the HTML page with this profile in it")},
    {"rows", FUNCTION(profile_rows), WITH_TYPE,
     PyDoc_STR("rows(metric, by, inclusive, filter, limit) -> Batch; limit 0: all")},
    {"samples", FUNCTION(profile_samples), WITH_TYPE, PyDoc_STR("samples() -> Batch")},
    {"gc_events", FUNCTION(profile_gc_events), WITH_TYPE, PyDoc_STR("gc_events() -> Batch")},
    {"lines", FUNCTION(profile_lines), WITH_TYPE, PyDoc_STR("lines() -> Batch")},
    {"marks", FUNCTION(profile_marks), WITH_TYPE, PyDoc_STR("marks() -> Batch")},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot profile_slots[] = {
    {Py_tp_dealloc, profile_dealloc},
    {Py_tp_methods, profile_methods},
    {Py_tp_doc, "Ledgers of one run, read and merged."},
    {0, NULL},
};

PyType_Spec barrow_pymod_profile_spec = {
    .name = "barrow._core.Profile",
    .basicsize = sizeof(struct py_profile),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = profile_slots,
};

PyMethodDef barrow_reader_methods[] = {
    {"load", reader_load, METH_O,
     PyDoc_STR("load(paths) -> Profile: read ledgers of one run, or directories of them")},
    {NULL, NULL, 0, NULL},
};
