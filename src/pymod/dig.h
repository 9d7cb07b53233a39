/* Heap snapshots for the extension's other files: at exit, near the peak, on a signal. */
#ifndef BARROW_PYMOD_DIG_H
#define BARROW_PYMOD_DIG_H

#include <stdbool.h>
#include <stdint.h>

#include "dig/walk.h"
#include "pymod/pymod.h"

struct barrow_dig_plan { /* of a recording that `barrow run` started */
    bool at_exit, at_peak;
    int signal;       /* 0: none */
    int64_t at_bytes; /* 0: never */
};
/* Takes snapshots when they are due, from the interpreter's pending calls. */
void barrow_dig_plan(const struct barrow_dig_plan *plan);
/* The one at exit if it is wanted; says on standard error what the closing line doesn't. */
void barrow_dig_at_exit(bool quiet);

/* Adds a snapshot to the recording under way.  With the interpreter lock; no Python code runs. */
int barrow_dig_into_recording(const char *label, uint32_t flags, struct barrow_error *err);

/* How to walk this process as it is now: with births if it is recorded, without barrow's own frames. */
struct barrow_dig_options barrow_dig_options_now(const char *label, uint32_t flags);

/* What the walk needs to know of this installation; call once, when the module is there. */
void barrow_dig_prepare(PyTypeObject *statement_class, const char *package_directory);

#endif
