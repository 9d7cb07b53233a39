/* The interpreter's frames, read-only, for the version compiled against.
 *
 * Contract of each frame_3xx.h; everything is a load or two and safe in any hook:
 *
 *   barrow_frame                     an activation of the interpreter's
 *   barrow_state_here()              the calling thread's state, or NULL if it has none attached;
 *                                    BARROW_STATE_HERE_IS_ANY_THREADS (3.11): the state that holds
 *                                    the GIL, whichever thread's it is
 *   barrow_frame_top(state)          its innermost frame, or NULL
 *   barrow_frame_previous(f)         the caller, or NULL
 *   barrow_frame_instruction(f)      address of the current instruction: names code and offset
 *   barrow_frame_is_shim(f)          true for frames that run no Python code (C entry points)
 *   barrow_frame_is_hidden(f)        the same, and for frames of the interpreter's own code, which
 *                                    tracebacks don't show either; reads the code object
 *   barrow_frame_code(f)             its code object; not for shims
 *   barrow_frame_local(f, i)         local variable i, NULL if unset
 *
 * `previous` and the instruction of a frame may be read as long as the frame is in the calling
 * thread's chain: its owner is in a C call and can't pop it.
 */
#ifndef BARROW_CPYTHON_FRAME_H
#define BARROW_CPYTHON_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include <Python.h>

#if PY_VERSION_HEX < 0x030B0000
#error "barrow needs CPython 3.11 or later"
#elif PY_VERSION_HEX < 0x030C0000
#include "cpython/frame_311.h"
#elif PY_VERSION_HEX < 0x030D0000
#include "cpython/frame_312.h"
#elif PY_VERSION_HEX < 0x030E0000
#include "cpython/frame_313.h"
#elif PY_VERSION_HEX < 0x03100000
#include "cpython/frame_314.h" /* 3.15 has the same layout */
#else
#error "this CPython is newer than this barrow knows: add src/cpython/frame_3xx.h"
#endif

/* From 3.13 on a specialised call of a class runs __init__ above a frame of code that only checks its
 * result: that code has no instruction at which a traceback could show it. */
static inline bool barrow_frame_is_hidden(const barrow_frame *f)
{
    if (barrow_frame_is_shim(f))
        return true;
    const PyCodeObject *code = barrow_frame_code(f);
    return code->_co_firsttraceable >= Py_SIZE(code);
}

#if BARROW_STATE_BY_OFFSET

/* Distance of the interpreter's own variable from the thread pointer; 0: not known (state.c). */
extern intptr_t barrow_state_offset __attribute__((visibility("hidden")));

static inline char *barrow_thread_pointer(void)
{
#if defined(__x86_64__)
    char *pointer;
    __asm__("mov %%fs:0, %0" : "=r"(pointer));
    return pointer;
#else
    return __builtin_thread_pointer();
#endif
}

static inline PyThreadState *barrow_state_here(void)
{
    if (__builtin_expect(barrow_state_offset == 0, 0))
        return barrow_state_here_asked();
#if defined(__x86_64__)
    PyThreadState *state;
    __asm__ volatile("mov %%fs:(%1), %0" : "=r"(state) : "r"(barrow_state_offset));
    return state;
#else
    return *(PyThreadState *volatile *)(barrow_thread_pointer() + barrow_state_offset);
#endif
}

#endif

#endif
