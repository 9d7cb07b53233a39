/* The dominator tree downwards, and references backwards. */
#include <stdlib.h>

#include "base/large.h"
#include "graph/flow.h"

static int no_memory(struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the graph of a heap snapshot");
}

/* ---- children ---- */

static int by_retained(const void *left, const void *right, void *context)
{
    const uint64_t *retained = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    if (retained[a] != retained[b])
        return retained[a] > retained[b] ? -1 : 1;
    return a < b ? -1 : a > b;
}

int barrow_graph_children(struct barrow_graph *graph, struct barrow_error *err)
{
    uint64_t count = graph->vertex_count;
    if (graph->child)
        return 0;
    uint32_t *start = barrow_large_zeros(count + 2, sizeof *start);
    uint32_t *child = barrow_large_zeros(graph->reached, sizeof *child);
    if (!start || !child) {
        free(start);
        free(child);
        return no_memory(err);
    }
    for (uint32_t i = 1; i < graph->reached; i++)
        start[graph->idom[graph->order[i]] + 2]++;
    for (uint64_t v = 2; v < count + 2; v++)
        start[v] += start[v - 1];
    for (uint32_t v = 0; v < count; v++) /* now start[v + 1] is where v's next child goes */
        if (graph->idom[v] != GRAPH_NONE)
            child[start[graph->idom[v] + 1]++] = v;
    for (uint32_t v = 0; v < count; v++)
        if (start[v + 1] - start[v] > 1)
            qsort_r(child + start[v], start[v + 1] - start[v], sizeof *child, by_retained,
                    graph->retained);
    graph->child_start = start;
    graph->child = child;
    return 0;
}

/* ---- referrers ---- */

struct reverse {
    uint64_t *start;
    uint32_t *source;
    uint32_t *last; /* by vertex: the source that was counted or listed last, + 1 */
};

/* Visits each pair of source and target once, sources ascending. */
static void visit_pairs(const struct graph_flow *flow, struct reverse *reverse, bool fill)
{
    for (uint32_t v = 0; v < flow->vertex_count; v++) {
        struct graph_successors list = graph_successors_of(flow, v);
        for (uint64_t i = 0; i < list.count; i++) {
            uint32_t to = list.target[i];
            if (reverse->last[to] == v + 1 || graph_is_weak(&list, i))
                continue;
            reverse->last[to] = v + 1;
            if (fill)
                reverse->source[reverse->start[to + 1]++] = v;
            else
                reverse->start[to + 2]++;
        }
    }
}

int barrow_graph_referrers(struct barrow_graph *graph, struct barrow_error *err)
{
    uint64_t count = graph->vertex_count;
    struct graph_flow flow = {0};
    struct reverse reverse = {0};
    if (graph->source)
        return 0;
    reverse.start = barrow_large_zeros(count + 2, sizeof *reverse.start);
    reverse.last = barrow_large_zeros(count, sizeof *reverse.last);
    if (reverse.start && reverse.last && graph_flow_init(&flow, graph->heap)) {
        visit_pairs(&flow, &reverse, false);
        for (uint64_t v = 2; v < count + 2; v++)
            reverse.start[v] += reverse.start[v - 1];
        reverse.source = barrow_large_zeros(reverse.start[count + 1], sizeof *reverse.source);
        for (uint64_t v = 0; v < count; v++)
            reverse.last[v] = 0;
    }
    if (reverse.source)
        visit_pairs(&flow, &reverse, true);
    graph_flow_free(&flow);
    free(reverse.last);
    if (!reverse.source) {
        free(reverse.start);
        return no_memory(err);
    }
    graph->source_start = reverse.start;
    graph->source = reverse.source;
    return 0;
}
