/* What changed between heap snapshots: by object within one process, by class in any case.
 *
 * An address alone is no identity: the allocator gives it out again.  An object of the later snapshot is taken
 * for one of the earlier if address, class and birth site are equal, and its size too unless it is a container,
 * which may grow.  Classes are matched by name.
 *
 *     struct barrow_heap_diff *diff = barrow_heap_diff_new(&error);
 *     for each snapshot, in order of time: barrow_heap_diff_add(diff, heap, &error)
 *     barrow_heap_diff_match(diff, first, last, &error)       // if they are of one process
 *     barrow_heap_diff_rows(diff, &count)
 */
#ifndef BARROW_GRAPH_HEAP_DIFF_H
#define BARROW_GRAPH_HEAP_DIFF_H

#include <stddef.h>

#include "base/error.h"
#include "ledger/heap.h"

struct barrow_heap_amount {
    uint64_t objects, bytes;
};
struct barrow_heap_change { /* of one class */
    const char *name;
    struct barrow_heap_amount *at; /* by snapshot */
    /* Between the two that were matched: */
    struct barrow_heap_amount fresh, gone, survived, grown; /* grown: survivors, and by how much */
};
struct barrow_heap_diff;

struct barrow_heap_diff *barrow_heap_diff_new(struct barrow_error *err);
int barrow_heap_diff_add(struct barrow_heap_diff *diff, const struct barrow_heap *heap,
                         struct barrow_error *err);
int barrow_heap_diff_match(struct barrow_heap_diff *diff, const struct barrow_heap *before,
                           const struct barrow_heap *after, struct barrow_error *err);
/* In no order; they belong to the diff. */
struct barrow_heap_change *barrow_heap_diff_rows(struct barrow_heap_diff *diff, size_t *count);
void barrow_heap_diff_free(struct barrow_heap_diff *diff);

/* For each object of `after` its number in `before`, 0: it is new.  *match is to be freed. */
int barrow_heap_match(const struct barrow_heap *before, const struct barrow_heap *after,
                      uint32_t **match, struct barrow_error *err);
/* The steepness of a straight line through values at times, by least squares: units a second. */
double barrow_slope(const uint64_t *times_ns, const uint64_t *values, size_t count);

#endif
