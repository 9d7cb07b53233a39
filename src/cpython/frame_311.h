/* Frames of CPython 3.11: no shims; the C stack holds a _PyCFrame that points to the innermost. */
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE_MODULE 1
#endif
#include "internal/pycore_frame.h"
#include "internal/pycore_pystate.h"
#include "internal/pycore_runtime.h"

#define BARROW_STATE_HERE_IS_ANY_THREADS 1
#define BARROW_STATE_BY_OFFSET 0

typedef struct _PyInterpreterFrame barrow_frame;

static inline PyThreadState *barrow_state_here(void)
{
    return _PyRuntimeState_GetThreadState(&_PyRuntime);
}

static inline barrow_frame *barrow_frame_top(PyThreadState *state)
{
    return state->cframe->current_frame;
}

static inline barrow_frame *barrow_frame_previous(const barrow_frame *f)
{
    return f->previous;
}

static inline uintptr_t barrow_frame_instruction(const barrow_frame *f)
{
    return (uintptr_t)f->prev_instr;
}

static inline bool barrow_frame_is_shim(const barrow_frame *f)
{
    (void)f;
    return false;
}

static inline PyCodeObject *barrow_frame_code(const barrow_frame *f)
{
    return f->f_code;
}

static inline PyObject *barrow_frame_local(const barrow_frame *f, int i)
{
    return f->localsplus[i];
}
