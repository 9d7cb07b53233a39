#include "graph/flow.h"

#include <stdlib.h>

/* Children of roots by their parents, then objects by their roots; both are counted first. */
static void place_roots(struct graph_flow *flow, const struct barrow_heap *heap)
{
    uint64_t *next = flow->root_start + 1; /* becomes the starts, shifted by one */
    for (uint32_t r = 1; r < heap->root_count; r++)
        flow->root_target[next[heap->roots[r].parent]++] = flow->object_count + r;
    for (uint64_t i = 0; i < heap->root_edge_count; i++) {
        const struct heap_root_edge *edge = &heap->root_edges[i];
        if (edge->name >> HEAP_NAME_SHIFT != HEAP_NAME_WEAK)
            flow->root_target[next[edge->root]++] = edge->target;
    }
}

bool graph_flow_init(struct graph_flow *flow, const struct barrow_heap *heap)
{
    uint64_t roots = heap->root_count ? heap->root_count : 1;
    *flow = (struct graph_flow){.object_count = heap->object_count,
                                .vertex_count = heap->object_count + (uint32_t)roots,
                                .start = heap->edge_start,
                                .target = heap->target,
                                .name = heap->name};
    flow->root_start = calloc(roots + 2, sizeof *flow->root_start);
    flow->root_target = calloc(roots + heap->root_edge_count, sizeof *flow->root_target);
    if (!flow->root_start || !flow->root_target) {
        graph_flow_free(flow);
        return false;
    }
    for (uint32_t r = 1; r < heap->root_count; r++)
        flow->root_start[heap->roots[r].parent + 2]++;
    for (uint64_t i = 0; i < heap->root_edge_count; i++)
        if (heap->root_edges[i].name >> HEAP_NAME_SHIFT != HEAP_NAME_WEAK)
            flow->root_start[heap->root_edges[i].root + 2]++;
    for (uint64_t r = 2; r < roots + 2; r++)
        flow->root_start[r] += flow->root_start[r - 1];
    place_roots(flow, heap);
    return true;
}

void graph_flow_free(struct graph_flow *flow)
{
    free(flow->root_start);
    free(flow->root_target);
    flow->root_start = NULL;
    flow->root_target = NULL;
}
