/* Line events of CPython 3.12 and later, by sys.monitoring. */
#include "cpython/line_events.h"

#if PY_VERSION_HEX >= 0x030C0000

static struct barrow_line_events events;
static PyObject *monitoring;
static PyObject *set_local;
static long tool = -1, local_events;

/* ---- callbacks: (code, offset or line, ...) ---- */

static PyObject *on_start(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    if (count >= 2)
        events.entered((PyCodeObject *)args[0], 0, args[1]);
    Py_RETURN_NONE;
}

static PyObject *on_resume(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    if (count >= 2) {
        PyCodeObject *code = (PyCodeObject *)args[0];
        events.entered(code, PyCode_Addr2Line(code, (int)PyLong_AsLong(args[1])), args[1]);
    }
    Py_RETURN_NONE;
}

static PyObject *on_line(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    if (count >= 2)
        events.line((PyCodeObject *)args[0], (int)PyLong_AsLong(args[1]), args[1]);
    Py_RETURN_NONE;
}

static PyObject *on_leave(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    if (count >= 2)
        events.left((PyCodeObject *)args[0], args[1]);
    Py_RETURN_NONE;
}

/* Until 3.14 the event exists for all code or none. */
#define UNWIND_IS_LOCAL (PY_VERSION_HEX >= 0x030F0000)

static struct {
    const char *event;
    bool is_local;
    PyMethodDef method;
} callbacks[] = {
#define CALLBACK(event, is_local, function)                                                 \
    {                                                                                       \
        event, is_local,                                                                    \
        {                                                                                   \
            "barrow_" #function, (PyCFunction)(void (*)(void))function, METH_FASTCALL, NULL \
        }                                                                                   \
    }
    CALLBACK("PY_START", true, on_start), CALLBACK("PY_RESUME", true, on_resume),
    CALLBACK("LINE", true, on_line),      CALLBACK("PY_RETURN", true, on_leave),
    CALLBACK("PY_YIELD", true, on_leave), CALLBACK("PY_UNWIND", UNWIND_IS_LOCAL, on_leave),
#undef CALLBACK
};

/* ---- setting up ---- */

/* A tool number of our own: those that nothing is foreseen for, then the profiler's. */
static int take_tool(void)
{
    static const long numbers[] = {4, 3, 2};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        PyObject *taken =
            PyObject_CallMethod(monitoring, "use_tool_id", "ls", numbers[i], "barrow");
        if (taken) {
            Py_DECREF(taken);
            tool = numbers[i];
            return 0;
        }
        if (!PyErr_ExceptionMatches(PyExc_ValueError))
            return -1;
        PyErr_Clear();
    }
    PyErr_SetString(PyExc_RuntimeError, "other tools have taken all numbers of sys.monitoring");
    return -1;
}

static int register_callbacks(void)
{
    PyObject *names = PyObject_GetAttrString(monitoring, "events");
    long global_events = 0;
    local_events = 0;
    for (size_t i = 0; names && i < sizeof callbacks / sizeof callbacks[0]; i++) {
        PyObject *number = PyObject_GetAttrString(names, callbacks[i].event);
        PyObject *function = PyCFunction_New(&callbacks[i].method, NULL);
        PyObject *before = number && function ? PyObject_CallMethod(monitoring, "register_callback",
                                                                    "lOO", tool, number, function)
                                              : NULL;
        if (before)
            *(callbacks[i].is_local ? &local_events : &global_events) |= PyLong_AsLong(number);
        Py_XDECREF(number);
        Py_XDECREF(function);
        if (!before)
            Py_CLEAR(names);
        Py_XDECREF(before);
    }
    Py_XDECREF(names);
    PyObject *done =
        names ? PyObject_CallMethod(monitoring, "set_events", "ll", tool, global_events) : NULL;
    Py_XDECREF(done);
    return done ? 0 : -1;
}

int barrow_line_events_start(const struct barrow_line_events *to)
{
    if (tool >= 0)
        return 0;
    events = *to;
    monitoring = PyObject_GetAttrString(PyImport_AddModule("sys"), "monitoring");
    set_local = monitoring ? PyObject_GetAttrString(monitoring, "set_local_events") : NULL;
    if (!set_local || take_tool() < 0)
        return -1;
    if (register_callbacks() == 0)
        return 0;
    tool = -1;
    return -1;
}

int barrow_line_events_choose(PyCodeObject *code, bool on)
{
    PyObject *done = PyObject_CallFunction(set_local, "lOl", tool, code, on ? local_events : 0l);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

/* ---- code objects to come ---- */

static void (*offered_to)(PyCodeObject *code);

static int on_code(PyCodeEvent event, PyCodeObject *code)
{
    if (event == PY_CODE_EVENT_CREATE)
        offered_to(code);
    return 0;
}

int barrow_line_events_offer(void (*offered)(PyCodeObject *code))
{
    bool is_watching = offered_to != NULL;
    offered_to = offered;
    return is_watching || PyCode_AddWatcher(on_code) >= 0 ? 0 : -1;
}

int barrow_line_events_enter(void)
{
    return 0;
}

int barrow_line_events_leave(void)
{
    return 0;
}

int barrow_line_events_everywhere(void)
{
    return 0;
}

#endif
