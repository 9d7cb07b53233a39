/* Frames of CPython 3.13: as 3.12, but the instruction pointer is that of the current instruction. */
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE_MODULE 1
#endif
#include "internal/pycore_frame.h"

#define BARROW_STATE_HERE_IS_ANY_THREADS 0

typedef struct _PyInterpreterFrame barrow_frame;

#define BARROW_STATE_BY_OFFSET 1

static inline PyThreadState *barrow_state_here_asked(void)
{
    return PyThreadState_GetUnchecked();
}

static inline barrow_frame *barrow_frame_top(PyThreadState *state)
{
    return state->current_frame;
}

static inline barrow_frame *barrow_frame_previous(const barrow_frame *f)
{
    return f->previous;
}

static inline uintptr_t barrow_frame_instruction(const barrow_frame *f)
{
    return (uintptr_t)f->instr_ptr;
}

static inline bool barrow_frame_is_shim(const barrow_frame *f)
{
    return f->owner >= FRAME_OWNED_BY_CSTACK;
}

static inline PyCodeObject *barrow_frame_code(const barrow_frame *f)
{
    return (PyCodeObject *)f->f_executable;
}

static inline PyObject *barrow_frame_local(const barrow_frame *f, int i)
{
    return f->localsplus[i];
}
