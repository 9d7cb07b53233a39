/* Frames of CPython 3.14 and 3.15: references in frames carry tag bits; owners of 3 and more are shims
 * (their names differ between the two, their meaning for a walk does not). */
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE_MODULE 1
#endif
#include "internal/pycore_interpframe_structs.h"

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
    return f->owner >= 3;
}

static inline PyCodeObject *barrow_frame_code(const barrow_frame *f)
{
    return (PyCodeObject *)(f->f_executable.bits & ~(uintptr_t)3);
}

static inline PyObject *barrow_frame_local(const barrow_frame *f, int i)
{
    return (PyObject *)(f->localsplus[i].bits & ~(uintptr_t)3);
}
