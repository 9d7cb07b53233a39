/* Line events of CPython 3.11, by a trace function. */
#include "cpython/line_events.h"

#if PY_VERSION_HEX < 0x030C0000

#include "cpython/frame.h"

static struct barrow_line_events events;
static void (*offered_to)(PyCodeObject *code);
static __thread uint32_t entered_count;

static int on_event(PyObject *self, PyFrameObject *frame, int what, PyObject *arg)
{
    PyCodeObject *code = PyFrame_GetCode(frame);
    (void)self;
    (void)arg;
    Py_DECREF(code); /* the frame keeps it */
    if (!events.line)
        return 0; /* nothing was chosen yet */
    switch (what) {
    case PyTrace_CALL: {
        int line = PyFrame_GetLineNumber(frame);
        if (offered_to)
            offered_to(code);
        events.entered(code, line == code->co_firstlineno ? 0 : line, NULL);
        break;
    }
    case PyTrace_LINE:
        events.line(code, PyFrame_GetLineNumber(frame), NULL);
        break;
    case PyTrace_RETURN:
        events.left(code, NULL);
        break;
    default:
        break;
    }
    return 0;
}

int barrow_line_events_start(const struct barrow_line_events *to)
{
    events = *to;
    return 0;
}

int barrow_line_events_choose(PyCodeObject *code, bool on)
{
    (void)code;
    (void)on;
    return 0;
}

/* A debugger or a coverage tool that traces already is left alone: its events are more to the user
 * than ours. */
int barrow_line_events_enter(void)
{
    PyThreadState *state = PyThreadState_Get();
    if (entered_count++ == 0 && !state->c_tracefunc)
        PyEval_SetTrace(on_event, NULL);
    return 0;
}

int barrow_line_events_leave(void)
{
    PyThreadState *state = PyThreadState_Get();
    if (entered_count > 0 && --entered_count == 0 && state->c_tracefunc == on_event)
        PyEval_SetTrace(NULL, NULL);
    return 0;
}

/* What threading calls in a new thread in place of a trace function. */
static PyObject *in_new_thread(PyObject *self, PyObject *args)
{
    (void)self;
    (void)args;
    entered_count++;
    PyEval_SetTrace(on_event, NULL);
    Py_RETURN_NONE;
}

static PyMethodDef in_new_thread_method = {"barrow_trace", in_new_thread, METH_VARARGS, NULL};

int barrow_line_events_everywhere(void)
{
    static bool is_everywhere;
    if (is_everywhere)
        return 0;
    PyObject *threading = PyImport_ImportModule("threading");
    PyObject *function = PyCFunction_New(&in_new_thread_method, NULL);
    PyObject *done =
        threading && function ? PyObject_CallMethod(threading, "settrace", "O", function) : NULL;
    Py_XDECREF(threading);
    Py_XDECREF(function);
    Py_XDECREF(done);
    if (!done)
        return -1;
    is_everywhere = true;
    return barrow_line_events_enter();
}

int barrow_line_events_offer(void (*offered)(PyCodeObject *code))
{
    offered_to = offered;
    return barrow_line_events_everywhere();
}

#endif
