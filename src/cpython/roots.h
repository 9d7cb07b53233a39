/* What the interpreter and its threads hold by themselves: where paths to objects begin.
 *
 * Read-only, no references taken, no Python code runs.  With the interpreter lock.
 */
#ifndef BARROW_CPYTHON_ROOTS_H
#define BARROW_CPYTHON_ROOTS_H

#include "cpython/layout.h"

enum barrow_holder {
    BARROW_HOLDER_INTERPRETER,
    BARROW_HOLDER_BUILTINS,
    BARROW_HOLDER_GARBAGE,
    BARROW_HOLDER_CALLBACKS,
    BARROW_HOLDER_THREAD,
};

/* `o` is never NULL; `name` says what it is to its holder. */
typedef void barrow_root_visit(void *context, enum barrow_holder holder, const char *name,
                               PyObject *o);

void barrow_interpreter_roots(PyInterpreterState *interp, barrow_root_visit *visit, void *context);
void barrow_thread_roots(PyThreadState *thread, barrow_root_visit *visit, void *context);

/* References that a running frame owns beside its variables. */
void barrow_frame_roots(const barrow_frame *f, barrow_root_visit *visit, void *context);

/* Where a frame's evaluation stack begins, and how many values it may hold; some are long gone. */
static inline PyObject *barrow_frame_stack_value(const barrow_frame *f, int i)
{
    return barrow_frame_local(f, barrow_frame_code(f)->co_nlocalsplus + i);
}

/* The line at which a frame stands; 0: not known. */
uint32_t barrow_frame_line(const barrow_frame *f);

#endif
