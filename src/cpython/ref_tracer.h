/* The interpreter's one reference tracer (3.13 and later): it is told of each object made and freed.
 *
 * tracemalloc takes the same place from 3.13 on.  With the interpreter lock.
 */
#ifndef BARROW_CPYTHON_REF_TRACER_H
#define BARROW_CPYTHON_REF_TRACER_H

#include <stdbool.h>
#include <stddef.h>

#include <Python.h>

enum barrow_ref_event { BARROW_REF_CREATE = 0, BARROW_REF_DESTROY = 1 };
typedef int barrow_ref_tracer(PyObject *object, int event, void *data);

#if PY_VERSION_HEX >= 0x030D0000
#define BARROW_HAVE_REF_TRACER 1

/* The tracer that is there now, and its data; NULL: none. */
static inline void *barrow_ref_tracer_look(void **data)
{
    *data = NULL;
    return (void *)(uintptr_t)PyRefTracer_GetTracer(data);
}

/* NULL: none from now on.  False: an exception is set. */
static inline bool barrow_ref_tracer_put(void *tracer, void *data)
{
    return PyRefTracer_SetTracer((PyRefTracer)(uintptr_t)tracer, data) == 0;
}

/* The interpreter that runs in this thread; NULL while that can't be told. */
static inline PyInterpreterState *barrow_interpreter_now(void)
{
    PyThreadState *state = PyThreadState_GetUnchecked();
    return state ? state->interp : NULL;
}
#else
#define BARROW_HAVE_REF_TRACER 0

static inline void *barrow_ref_tracer_look(void **data)
{
    return *data = NULL;
}

static inline bool barrow_ref_tracer_put(void *tracer, void *data)
{
    (void)tracer;
    (void)data;
    PyErr_SetString(PyExc_RuntimeError, "this interpreter has no reference tracer");
    return false;
}

static inline PyInterpreterState *barrow_interpreter_now(void)
{
    return PyInterpreterState_Get();
}
#endif

static inline bool barrow_ref_tracer_is(barrow_ref_tracer *tracer)
{
    void *data;
    return barrow_ref_tracer_look(&data) == (void *)(uintptr_t)tracer;
}

#endif
