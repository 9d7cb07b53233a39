/* A profile's samples as a series of equal intervals of time, the processes summed.
 *
 * Between its samples a process keeps its last values; after its end it has none.
 */
#ifndef BARROW_TABLE_SERIES_H
#define BARROW_TABLE_SERIES_H

#include "profile/profile.h"

struct barrow_interval {
    uint64_t rss_bytes, heap_bytes; /* the highest in the interval; 0: not known */
    uint64_t gc_pause_ns;           /* the longest collection that began in it */
};

/* Fills `count` (at least 1) intervals that cover [0, profile->duration_ns].  The exact heap peak
 * is part of the interval it fell into, though no sample may have seen it. */
int barrow_series_build(const struct barrow_profile *profile, struct barrow_interval *intervals,
                        size_t count, struct barrow_error *err);
/* The interval that a time falls into. */
size_t barrow_series_index(const struct barrow_profile *profile, size_t count, uint64_t time_ns);

#endif
