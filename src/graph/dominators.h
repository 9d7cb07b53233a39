/* Dominators by semi-NCA (Georgiadis 2005), over vertices numbered in preorder.
 *
 * d dominates v if every way from the super-root to v leads through d; idom(v) is the nearest such d.  These
 * make a tree, and what v dominates, its subtree, is what becomes unreachable when v goes:
 *
 *        0                   0
 *       / \                 /|\
 *      a   b               a b c ◄─ two ways lead here: cut neither a nor b, and c stays
 *       \ / \                |  \
 *        c   d               d   e
 *        |
 *        e              (left: the graph; right: its dominator tree)
 *
 * A set of vertices can retain more than its members do one by one: {a, b} retains c, though neither does.
 * That is barrow_graph_retained_of() and graph_retained_by().
 *
 * Private to src/graph.
 */
#ifndef BARROW_GRAPH_DOMINATORS_H
#define BARROW_GRAPH_DOMINATORS_H

#include "graph/flow.h"

struct graph_dominators {
    uint32_t *idom;  /* by vertex; GRAPH_NONE: not reached, and for vertex 0 */
    uint32_t *order; /* the vertices that are reached, in preorder: each behind its idom */
    uint32_t reached;
};

/* Takes O(edges * log) time, in practice linear, and while it works 28 bytes a vertex and 4 bytes for each
 * edge that leads back or across.  No recursion.  The arrays are to be freed.  false: no memory. */
bool graph_dominators_find(struct graph_dominators *out, const struct graph_flow *flow,
                           const struct barrow_graph_progress *progress);

/* Adds to each vertex's bytes those of what it dominates: own[] becomes retained[]. */
void graph_sum_up(const struct graph_dominators *tree, uint64_t *bytes);

#endif
