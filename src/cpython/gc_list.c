#include "cpython/gc_list.h"

#include "internal/pycore_runtime.h"

#ifdef Py_GIL_DISABLED
#error "interpreters without a global lock keep no lists of what they track"
#endif

bool barrow_gc_lists_are_known(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    /* The interpreter's own table of where its fields are, for debuggers. */
    return _PyRuntime.debug_offsets.interpreter_state.gc == offsetof(PyInterpreterState, gc) &&
           _PyRuntime.debug_offsets.gc.collecting == offsetof(struct _gc_runtime_state, collecting);
#else
    return true;
#endif
}

bool barrow_gc_each(const PyInterpreterState *interp, barrow_gc_visit *visit, void *context)
{
    if (!barrow_gc_lists_are_known())
        return false;
    for (int i = 0; i < BARROW_GC_LISTS; i++) {
        const PyGC_Head *head = barrow_gc_list(interp, i);
        for (const PyGC_Head *at = barrow_gc_next(head); at != head; at = barrow_gc_next(at))
            visit(barrow_gc_object(at), context);
    }
    return true;
}
