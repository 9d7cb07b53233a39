/* The objects that the collector tracks, read from its own lists.
 *
 *     interpreter ──► head of the young list ──► object ──► object ──► ... back to the head
 *                 ──► heads of two older ones
 *                 ──► head of the permanent one (gc.freeze)
 *
 * 3.14.0 to 3.14.4 collect in increments and call their three lists otherwise; they lie in the same
 * place and are linked in the same way, with a tag bit in the links.  So what was compiled for one
 * release of a minor version works in the others.
 *
 * With the lock of that interpreter held all along, and between two collections or in one of their
 * callbacks and finalizers: an object that is being finalised is in none of the lists meanwhile.
 * Nothing is allocated, no Python code runs, no object changes.  An object may be half made: it is
 * tracked, but its fields may be NULL.
 */
#ifndef BARROW_CPYTHON_GC_LIST_H
#define BARROW_CPYTHON_GC_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <Python.h>

#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE_MODULE 1
#endif
#include "internal/pycore_interp.h"

#define BARROW_GC_LISTS 4 /* the last one: what gc.freeze() put aside */

/* False if the running interpreter keeps its lists elsewhere than the one that was compiled for:
 * then nothing below may be called.  Cheap. */
bool barrow_gc_lists_are_known(void);

/* Quick iteration, for inner loops:
 *
 *     for (int i = 0; i < BARROW_GC_LISTS; i++) {
 *         const PyGC_Head *head = barrow_gc_list(interp, i);
 *         for (const PyGC_Head *at = barrow_gc_next(head); at != head; at = barrow_gc_next(at))
 *             use(barrow_gc_object(at));
 *     }
 */
static inline const PyGC_Head *barrow_gc_list(const PyInterpreterState *interp, int i)
{
#if PY_VERSION_HEX < 0x030E0000
    return i == BARROW_GC_LISTS - 1 ? &interp->gc.permanent_generation.head
                                    : &interp->gc.generations[i].head;
#else
    const char *permanent =
        (const char *)interp + offsetof(PyInterpreterState, gc) +
        offsetof(struct _gc_runtime_state, permanent_generation);
    return &((const struct gc_generation *)permanent - (BARROW_GC_LISTS - 1) + i)->head;
#endif
}

static inline const PyGC_Head *barrow_gc_next(const PyGC_Head *head)
{
    return (const PyGC_Head *)(head->_gc_next & ~(uintptr_t)3);
}

/* The way back.  As links forward, it is whole while Python code may run. */
static inline const PyGC_Head *barrow_gc_previous(const PyGC_Head *head)
{
    return (const PyGC_Head *)(head->_gc_prev & ~(uintptr_t)3);
}

static inline PyObject *barrow_gc_object(const PyGC_Head *head)
{
    return (PyObject *)(head + 1);
}

/* Calls `visit` for each object; false if barrow_gc_lists_are_known() is. */
typedef void barrow_gc_visit(PyObject *object, void *context);
bool barrow_gc_each(const PyInterpreterState *interp, barrow_gc_visit *visit, void *context);

#endif
