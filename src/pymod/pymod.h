/* The extension module barrow._core: converts, owns references, nothing else.
 *
 * Its functions come from tables: those of the recorder (record.c), of the line profiler (lines.c) and of
 * the reading side (reader.c).  All need the GIL.
 */
#ifndef BARROW_PYMOD_PYMOD_H
#define BARROW_PYMOD_PYMOD_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "base/error.h"
#include "pymod/batch.h"

struct pymod_state {
    PyObject *error;        /* barrow.Error */
    PyObject *ledger_error; /* barrow.LedgerError, a subclass of it */
    PyTypeObject *profile_type;
    PyTypeObject *batch_type;
    PyTypeObject *sampler_type;
};

/* State of the module object that a module-level function gets as `self`. */
struct pymod_state *barrow_pymod_state(PyObject *module);

/* Raises the exception that fits err->code (USAGE: ValueError, NO_MEMORY: MemoryError, IO and
 * FORMAT: barrow.LedgerError, else barrow.Error) and returns NULL. */
PyObject *barrow_pymod_raise(const struct pymod_state *state, const struct barrow_error *err);

/* A Batch that takes over the reference; NULL: an exception is set, the reference is gone. */
PyObject *barrow_pymod_batch(struct pymod_state *state, struct batch *batch);

extern PyType_Spec barrow_pymod_profile_spec; /* reader.c */
extern PyType_Spec barrow_pymod_batch_spec;   /* batch_type.c */
extern PyType_Spec barrow_pymod_sampler_spec; /* sampler.c */

/* Fills in what a ledger says of this process: command, interpreter, identity.  (record.c) */
struct ledger_header;
void barrow_pymod_describe(struct ledger_header *header);

/* NULL-terminated.  Their `self` is the module. */
extern PyMethodDef barrow_record_methods[];
extern PyMethodDef barrow_lines_methods[];
extern PyMethodDef barrow_dig_methods[];
extern PyMethodDef barrow_heap_size_methods[]; /* heap_*.c */
extern PyMethodDef barrow_heap_census_methods[];
extern PyMethodDef barrow_heap_births_methods[];
extern PyMethodDef barrow_heap_growth_methods[];
extern PyMethodDef barrow_tracker_methods[];
extern PyMethodDef barrow_heap_links_methods[];
extern PyMethodDef barrow_heap_why_methods[];
extern PyMethodDef barrow_diagram_methods[];
extern PyMethodDef barrow_reader_methods[];
extern PyMethodDef barrow_stats_methods[];
extern PyMethodDef barrow_watch_methods[];

#endif
