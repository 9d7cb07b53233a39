/* barrow._core.Sampler: a process's memory, sampled by a thread that never takes the GIL. */
#include "pymod/pymod.h"

#include "series/sampler.h"

struct py_sampler {
    PyObject_HEAD struct barrow_sampler *sampler; /* NULL: not started */
    int pid;
    enum barrow_measure measure;
    bool descendants;
    uint64_t interval_ns;
    uint64_t peak; /* of the last one that was stopped */
};

static struct py_sampler *sampler_of(PyObject *self)
{
    return (struct py_sampler *)self;
}

static int find_measure(const char *name, enum barrow_measure *measure)
{
    for (int i = 0; barrow_measure_names[i]; i++)
        if (strcmp(barrow_measure_names[i], name) == 0) {
            *measure = (enum barrow_measure)i;
            return 0;
        }
    PyErr_Format(PyExc_ValueError, "metric '%s': expected rss, pss or uss", name);
    return -1;
}

static PyObject *sampler_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"pid", "interval", "children", "metric", NULL};
    int pid, children = 0;
    double interval;
    const char *metric = "rss";
    enum barrow_measure measure;

    if (!PyArg_ParseTupleAndKeywords(args, keywords, "id|ps:Sampler", names, &pid, &interval,
                                     &children, &metric))
        return NULL;
    if (find_measure(metric, &measure) < 0)
        return NULL;
    if (!(interval >= 1e-6 && interval <= 1e6)) {
        PyErr_SetString(PyExc_ValueError,
                        "interval: expected seconds, from a millionth to a million");
        return NULL;
    }
    struct py_sampler *self = (struct py_sampler *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->pid = pid;
    self->measure = measure;
    self->descendants = children;
    self->interval_ns = (uint64_t)(interval * 1e9);
    return (PyObject *)self;
}

static void sampler_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    barrow_sampler_free(sampler_of(self)->sampler);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *already_started(void)
{
    PyErr_SetString(PyExc_RuntimeError, "the sampler has been started already");
    return NULL;
}

static PyObject *sampler_start(PyObject *self, PyObject *unused)
{
    struct py_sampler *s = sampler_of(self);
    struct barrow_sampler *sampler, *dead;
    struct barrow_error err;
    int status;

    (void)unused;
    if (s->sampler != NULL && barrow_sampler_running(s->sampler))
        return already_started();
    Py_BEGIN_ALLOW_THREADS status =
        barrow_sampler_start(&sampler, s->pid, s->measure, s->descendants, s->interval_ns, &err);
    Py_END_ALLOW_THREADS if (status < 0)
    {
        if (err.code == BARROW_E_IO)
            err.code = BARROW_E_UNSUPPORTED; /* no ledger is concerned: barrow.Error */
        return barrow_pymod_raise(PyType_GetModuleState(Py_TYPE(self)), &err);
    }
    dead = s->sampler; /* of before a fork */
    if (dead != NULL && barrow_sampler_running(dead)) {
        barrow_sampler_free(sampler); /* another thread was first */
        return already_started();
    }
    s->sampler = sampler;
    barrow_sampler_free(dead);
    Py_RETURN_NONE;
}

static PyObject *list_of(const struct barrow_reading *readings, size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);

    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *pair = Py_BuildValue("(dK)", readings[i].time_s, readings[i].bytes);
        if (pair == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, pair);
    }
    return list;
}

static PyObject *sampler_stop(PyObject *self, PyObject *unused)
{
    struct py_sampler *s = sampler_of(self);
    struct barrow_sampler *sampler = s->sampler;

    (void)unused;
    if (sampler == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "the sampler is not started");
        return NULL;
    }
    s->sampler = NULL; /* ours, whatever other threads call */
    Py_BEGIN_ALLOW_THREADS barrow_sampler_stop(sampler);
    Py_END_ALLOW_THREADS size_t count = barrow_sampler_count(sampler);
    struct barrow_reading *readings = PyMem_Calloc(count + 1, sizeof *readings);
    PyObject *list = NULL;
    if (readings != NULL) {
        barrow_sampler_copy(sampler, readings, count);
        list = list_of(readings, count);
        PyMem_Free(readings);
    } else {
        PyErr_NoMemory();
    }
    s->peak = barrow_sampler_peak(sampler);
    barrow_sampler_free(sampler);
    return list;
}

static PyObject *sampler_peak(PyObject *self, void *unused)
{
    const struct py_sampler *s = sampler_of(self);

    (void)unused;
    return PyLong_FromUnsignedLongLong(s->sampler != NULL ? barrow_sampler_peak(s->sampler)
                                                          : s->peak);
}

static PyMethodDef sampler_methods[] = {
    {"start", sampler_start, METH_NOARGS,
     PyDoc_STR("start() -> None: take the first sample, and go on in a thread")},
    {"stop", sampler_stop, METH_NOARGS,
     PyDoc_STR("stop() -> list of (unix time, bytes): take the last sample and end the thread")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef sampler_getset[] = {
    {"peak", sampler_peak, NULL,
     PyDoc_STR("the highest memory in bytes since start(): exact, from the kernel, where the RSS "
               "of the process alone rose above what it had ever been; else of the samples"),
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot sampler_slots[] = {
    {Py_tp_new, sampler_new},
    {Py_tp_dealloc, sampler_dealloc},
    {Py_tp_methods, sampler_methods},
    {Py_tp_getset, sampler_getset},
    {Py_tp_doc, "Sampler(pid, interval, children=False, metric='rss')\n--\n\n"
                "Samples a process's memory every `interval` seconds, also while a function of "
                "this one\nholds the GIL. Metrics: rss, pss, uss."},
    {0, NULL},
};

PyType_Spec barrow_pymod_sampler_spec = {
    .name = "barrow._core.Sampler",
    .basicsize = sizeof(struct py_sampler),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = sampler_slots,
};
