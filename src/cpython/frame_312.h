/* Frames of CPython 3.12: each entry from C to the interpreter puts a shim frame in the chain. */
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE_MODULE 1
#endif
#include "internal/pycore_frame.h"

#define BARROW_STATE_HERE_IS_ANY_THREADS 0

typedef struct _PyInterpreterFrame barrow_frame;

#define BARROW_STATE_BY_OFFSET 1

static inline PyThreadState *barrow_state_here_asked(void)
{
    return _PyThreadState_UncheckedGet();
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
    return f->owner >= FRAME_OWNED_BY_CSTACK;
}

static inline PyCodeObject *barrow_frame_code(const barrow_frame *f)
{
    return f->f_code;
}

static inline PyObject *barrow_frame_local(const barrow_frame *f, int i)
{
    return f->localsplus[i];
}
