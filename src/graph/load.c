/* From a snapshot to a graph.
 *
 * Memory is what limits the size of a heap that can be looked at, so the columns that dominators
 * don't need are read only when the arrays for finding them are given back.
 */
#include <stdlib.h>
#include <string.h>

#include "base/large.h"
#include "graph/dominators.h"
#include "ledger/inputs.h"

static int no_memory(struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_NO_MEMORY,
                       "no memory for the graph of a heap snapshot; look at a smaller one, or on a "
                       "larger machine");
}

/* ---- building ---- */

static int find_dominators(struct barrow_graph *graph, const struct barrow_graph_progress *progress,
                           struct barrow_error *err)
{
    const struct barrow_heap *heap = graph->heap;
    struct graph_flow flow;
    struct graph_dominators tree = {0};
    if (heap->edge_count + heap->root_edge_count > UINT32_MAX - 1 ||
        (uint64_t)heap->object_count + heap->root_count > UINT32_MAX - 2)
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "a heap of more than 4 billion references can't be looked at");
    bool good = graph_flow_init(&flow, heap) && graph_dominators_find(&tree, &flow, progress);
    graph->vertex_count = flow.vertex_count;
    graph_flow_free(&flow);
    graph->idom = tree.idom;
    graph->order = tree.order;
    graph->reached = tree.reached;
    return good ? 0 : no_memory(err);
}

static int sum_up(struct barrow_graph *graph, struct barrow_error *err)
{
    const struct barrow_heap *heap = graph->heap;
    struct graph_dominators tree = {graph->idom, graph->order, graph->reached};
    graph->retained = barrow_large_zeros(graph->vertex_count, sizeof *graph->retained);
    if (!graph->retained)
        return no_memory(err);
    for (uint32_t object = 1; object <= heap->object_count; object++) {
        graph->retained[object] = barrow_heap_bytes(heap, object);
        graph->total_bytes += graph->retained[object];
        graph->unreachable += graph->idom[object] == GRAPH_NONE;
    }
    graph_sum_up(&tree, graph->retained);
    graph->reachable_bytes = graph->retained[0];
    return 0;
}

static struct barrow_graph *graph_new(struct barrow_heap *heap)
{
    struct barrow_graph *graph = calloc(1, sizeof *graph);
    if (graph) {
        graph->heap = heap;
        graph->object_count = heap->object_count;
    }
    return graph;
}

int barrow_graph_of(struct barrow_graph **out, struct barrow_heap *heap,
                    const struct barrow_graph_progress *progress, struct barrow_error *err)
{
    struct barrow_graph *graph = graph_new(heap);
    *out = NULL;
    if (!graph)
        return no_memory(err);
    if (find_dominators(graph, progress, err) < 0 || sum_up(graph, err) < 0) {
        barrow_graph_free(graph);
        return -1;
    }
    *out = graph;
    return 0;
}

/* ---- files ---- */

int barrow_graph_of_ledger(struct barrow_graph **out, const struct barrow_ledger *ledger,
                           uint32_t number, const struct barrow_graph_progress *progress,
                           struct barrow_error *err)
{
    struct barrow_notes warnings = {0};
    struct barrow_heap *heap;
    int result = barrow_heap_read_edges(&heap, ledger, number, &warnings, err);
    struct barrow_graph *graph = result == 0 ? graph_new(heap) : NULL;
    if (graph) {
        graph->owns_heap = true;
        result = find_dominators(graph, progress, err);
        if (result == 0)
            result = barrow_heap_read_rest(heap, ledger, &warnings, err);
        if (result == 0)
            result = sum_up(graph, err);
        graph->warnings = warnings;
    } else if (result == 0) {
        barrow_heap_free(heap);
        result = no_memory(err);
    }
    if (!graph)
        barrow_notes_free(&warnings);
    if (result < 0) {
        barrow_graph_free(graph);
        graph = NULL;
    }
    *out = graph;
    return result;
}

int barrow_graph_load(struct barrow_graph **out, const char *path, uint32_t number,
                      const struct barrow_graph_progress *progress, struct barrow_error *err)
{
    struct barrow_inputs inputs = {0};
    int result = barrow_inputs_find(&inputs, &path, 1, err);
    *out = NULL;
    for (size_t i = 0; result == 0 && !*out && i < inputs.list.count; i++) {
        struct barrow_ledger *ledger = NULL;
        result = barrow_input_open(&inputs.list.items[i], &ledger, err);
        if (result == 0 && (barrow_heap_count(ledger) || i + 1 == inputs.list.count))
            result = barrow_graph_of_ledger(out, ledger, number, progress, err);
        if (*out)
            for (size_t k = 0; k < ledger->warnings.count; k++)
                barrow_notes_add(&(*out)->warnings, "%s", ledger->warnings.items[k]);
        barrow_ledger_free(ledger);
    }
    barrow_inputs_free(&inputs);
    return result;
}

void barrow_graph_free(struct barrow_graph *graph)
{
    if (!graph)
        return;
    free(graph->idom);
    free(graph->retained);
    free(graph->order);
    free(graph->child_start);
    free(graph->child);
    free(graph->source_start);
    free(graph->source);
    barrow_notes_free(&graph->warnings);
    if (graph->owns_heap)
        barrow_heap_free(graph->heap);
    free(graph);
}
