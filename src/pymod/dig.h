/* Heap snapshots for the extension's other files: at exit, near the peak, on a signal. */
#ifndef BARROW_PYMOD_DIG_H
#define BARROW_PYMOD_DIG_H

#include <stdint.h>

#include "pymod/pymod.h"

/* Adds a snapshot to the recording under way.  With the interpreter lock; no Python code runs. */
int barrow_dig_into_recording(const char *label, uint32_t flags, struct barrow_error *err);

/* What the walk needs to know of this installation; call once, when the module is there. */
void barrow_dig_prepare(PyTypeObject *statement_class, const char *package_directory);

#endif
