/* Any bytes as the HEAP table of a ledger: reader, graph, and all that is asked of one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"
#include "graph/paths.h"
#include "heap_mend.h"
#include "ledger/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask_paths(struct barrow_graph *graph)
{
    struct barrow_paths *paths;
    struct barrow_buffer words = {0};
    if (barrow_paths_find(&paths, graph, NULL) < 0)
        return;
    for (uint32_t v = 1; v < graph->vertex_count && v < 50; v++) {
        struct barrow_step *steps;
        size_t count;
        if (barrow_paths_to(paths, v, &steps, &count, NULL) == 0) {
            barrow_words_path(&words, graph, steps, count);
            free(steps);
        }
        barrow_words_vertex(&words, graph, v);
    }
    barrow_buffer_free(&words);
    barrow_paths_free(paths);
}

static void ask(struct barrow_heap *heap)
{
    struct barrow_graph *graph;
    struct barrow_class_row *rows;
    struct barrow_cycle *cycles;
    size_t count;
    if (barrow_graph_of(&graph, heap, NULL, NULL) < 0)
        return;
    for (uint32_t v = 1; v < graph->vertex_count; v++)
        if (graph->idom[v] != GRAPH_NONE && graph->retained[v] > graph->reachable_bytes)
            abort();
    if (barrow_graph_children(graph, NULL) < 0 || barrow_graph_referrers(graph, NULL) < 0)
        abort();
    if (barrow_graph_classes(graph, &rows, &count, NULL) == 0)
        free(rows);
    if (barrow_graph_cycles(graph, &cycles, &count, NULL) == 0)
        barrow_cycles_free(cycles, count);
    ask_paths(graph);
    barrow_graph_free(graph);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct barrow_ledger *ledger;
    size_t bytes;
    uint8_t *file = fuzz_heap_bytes(data, size, NULL, &bytes);
    if (barrow_ledger_open_bytes(&ledger, file, bytes, "fuzz", NULL) < 0)
        abort();
    uint32_t snapshots = barrow_heap_count(ledger);
    for (uint32_t i = 1; i <= snapshots && i <= 3; i++) {
        struct barrow_heap *heap;
        struct barrow_notes warnings = {0};
        struct barrow_error err = {0};
        if (barrow_heap_read(&heap, ledger, i, &warnings, &err) == 0)
            ask(heap);
        else if (!err.text[0] || strchr(err.text, '\n'))
            abort();
        barrow_heap_free(heap);
        barrow_notes_free(&warnings);
    }
    barrow_ledger_free(ledger);
    free(file);
    return 0;
}
