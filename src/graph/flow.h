/* Who leads to whom: the edges that keep objects alive, as dominators, reachability and sizes need them.
 *
 * Vertices are numbered as in graph.h.  Objects' edges are the heap's columns as they are; a super-root's and
 * roots' successors, other roots and objects, are lists of their own:
 *
 *     vertex 0, object_count + 1 ...      root_start[r] ─► root_target | v | v | v | ...
 *     vertex 1 .. object_count            start[v]      ─► target      | o | o | ...
 *                                                          name        | n | n | ...   weak ones lead nowhere
 *
 * Private to src/graph.
 */
#ifndef BARROW_GRAPH_FLOW_H
#define BARROW_GRAPH_FLOW_H

#include "graph/graph.h"

struct graph_flow {
    uint32_t object_count, vertex_count;
    const uint64_t *start;
    const uint32_t *target;
    const uint32_t *name; /* NULL: no edge is weak */
    uint64_t *root_start; /* vertex_count - object_count + 1 entries */
    uint32_t *root_target;
};

/* Columns stay the heap's.  false: no memory. */
bool graph_flow_init(struct graph_flow *flow, const struct barrow_heap *heap);
void graph_flow_free(struct graph_flow *flow);

struct graph_successors {
    const uint32_t *target;
    const uint32_t *name; /* NULL: none is weak */
    uint64_t count;
};

static inline struct graph_successors graph_successors_of(const struct graph_flow *flow,
                                                          uint32_t vertex)
{
    if (vertex - 1 < flow->object_count) {
        uint64_t start = flow->start[vertex];
        return (struct graph_successors){flow->target + start,
                                         flow->name ? flow->name + start : NULL,
                                         flow->start[vertex + 1] - start};
    }
    uint32_t root = vertex ? vertex - flow->object_count : 0;
    return (struct graph_successors){flow->root_target + flow->root_start[root], NULL,
                                     flow->root_start[root + 1] - flow->root_start[root]};
}

static inline bool graph_is_weak(const struct graph_successors *list, uint64_t i)
{
    return list->name && list->name[i] >> HEAP_NAME_SHIFT == HEAP_NAME_WEAK;
}

#endif
