/* Takes a census of this process's objects. */
#ifndef BARROW_WATCH_PROBE_H
#define BARROW_WATCH_PROBE_H

#include "base/error.h"
#include "watch/census.h"

/* Counts the main interpreter's objects: those that the collector tracks (what gc.freeze() put aside
 * included), or all of them.  head.pause_ns is the time it took.
 *
 * With the interpreter lock, held all along.  No Python code runs, no object is made or changed; memory
 * comes from the C library.  `subtype_traverse`: tp_traverse of a class made by a class statement. */
int barrow_probe_census(struct barrow_watch_census *census, bool all, void *subtype_traverse,
                        struct barrow_error *err);

#endif
