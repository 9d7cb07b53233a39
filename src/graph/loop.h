/* The shortest way from an object back to itself, for showing a cycle in words. */
#ifndef BARROW_GRAPH_LOOP_H
#define BARROW_GRAPH_LOOP_H

#include "graph/words.h"

struct barrow_loops; /* scratch for many searches in one graph */
struct barrow_loops *barrow_loops_new(const struct barrow_graph *graph); /* NULL: no memory */
void barrow_loops_free(struct barrow_loops *loops);

/* *steps: the references in order, to be freed; 0 of them: there is no way back.  Visits only what is
 * in the same cycle: `members`, of which `start` is one.  -1: no memory. */
int barrow_loop_find(struct barrow_loops *loops, const uint32_t *members, uint32_t count,
                     uint32_t start, struct barrow_step **steps, size_t *step_count);

#endif
