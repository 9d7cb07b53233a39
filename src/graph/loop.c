#include "graph/loop.h"

#include <stdlib.h>

struct barrow_loops {
    const struct barrow_graph *graph;
    uint32_t *parent; /* by object: where the search came from; OUTSIDE, or NEW */
    uint64_t *edge;   /* by object: and through which reference */
    uint32_t *queue;
};
enum { OUTSIDE = 0 };
#define NEW GRAPH_NONE

struct barrow_loops *barrow_loops_new(const struct barrow_graph *graph)
{
    struct barrow_loops *loops = calloc(1, sizeof *loops);

    if (!loops)
        return NULL;
    loops->graph = graph;
    loops->parent = calloc(graph->object_count + 1u, sizeof *loops->parent);
    loops->edge = calloc(graph->object_count + 1u, sizeof *loops->edge);
    loops->queue = calloc(graph->object_count + 1u, sizeof *loops->queue);
    if (loops->parent && loops->edge && loops->queue)
        return loops;
    barrow_loops_free(loops);
    return NULL;
}

void barrow_loops_free(struct barrow_loops *loops)
{
    if (!loops)
        return;
    free(loops->parent);
    free(loops->edge);
    free(loops->queue);
    free(loops);
}

/* Breadth first from `start` until something refers to it. */
static bool search(struct barrow_loops *loops, uint32_t start)
{
    const struct barrow_heap *heap = loops->graph->heap;
    uint32_t head = 0, end = 0;

    loops->queue[end++] = start;
    while (head < end) {
        uint32_t v = loops->queue[head++];
        for (uint64_t e = heap->edge_start[v]; e < heap->edge_start[v + 1]; e++) {
            uint32_t to = heap->target[e];
            if (heap->name[e] >> HEAP_NAME_SHIFT == HEAP_NAME_WEAK || loops->parent[to] != NEW)
                continue;
            loops->parent[to] = v;
            loops->edge[to] = e;
            if (to == start)
                return true;
            loops->queue[end++] = to;
        }
    }
    return false;
}

int barrow_loop_find(struct barrow_loops *loops, const uint32_t *members, uint32_t count,
                     uint32_t start, struct barrow_step **steps, size_t *step_count)
{
    const struct barrow_heap *heap = loops->graph->heap;
    size_t length = 0;

    *step_count = 0;
    *steps = NULL;
    for (uint32_t i = 0; i < count; i++)
        loops->parent[members[i]] = NEW;
    if (search(loops, start)) {
        uint32_t v = start;
        do {
            length++;
            v = loops->parent[v];
        } while (v != start);
        *steps = calloc(length, sizeof **steps);
        for (size_t i = length; *steps && i-- > 0; v = loops->parent[v])
            (*steps)[i] = (struct barrow_step){.from = loops->parent[v],
                                               .to = v,
                                               .name = heap->name[loops->edge[v]],
                                               .edge = loops->edge[v]};
        *step_count = *steps ? length : 0;
    }
    for (uint32_t i = 0; i < count; i++)
        loops->parent[members[i]] = OUTSIDE;
    return length && !*steps ? -1 : 0;
}
