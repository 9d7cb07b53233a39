/* Any bytes as the HEAP table of a ledger: reader, graph, and all that is asked of one.
 *
 * Checksums can't be guessed, so the input is walked as a reader would and what guards it is made
 * good; for one input in 16 it is left as it is. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../c/heap_maker.h"
#include "graph/graph.h"
#include "graph/paths.h"
#include "ledger/heap_code.h"
#include "ledger/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend_head(uint8_t *at)
{
    struct heap_stream head;
    memcpy(&head, at, sizeof head);
    head.magic = HEAP_STREAM_MAGIC;
    head.version = HEAP_STREAM_VERSION;
    head.checksum = heap_stream_checksum(&head);
    memcpy(at, &head, sizeof head);
}

/* Returns behind the part; *is_last: the next is a stream's head. */
static size_t mend_part(uint8_t *bytes, size_t at, size_t size, bool *is_last)
{
    struct heap_part part;
    memcpy(&part, bytes + at, sizeof part);
    size_t left = size - at - sizeof part;
    part.magic = HEAP_PART_MAGIC;
    part.stored_bytes = part.stored_bytes < left ? part.stored_bytes : (uint32_t)left;
    if (part.codec == 0)
        part.raw_bytes = part.stored_bytes;
    part.checksum = 0;
    part.checksum = barrow_crc32_more(barrow_crc32(&part, sizeof part), bytes + at + sizeof part,
                                      part.stored_bytes);
    memcpy(bytes + at, &part, sizeof part);
    *is_last = part.kind == HEAP_PART_END;
    return at + sizeof part + heap_padded(part.stored_bytes);
}

static void mend(uint8_t *bytes, size_t size)
{
    bool is_head = true;
    for (size_t at = 0; at < size;) {
        if (is_head && size - at >= sizeof(struct heap_stream)) {
            mend_head(bytes + at);
            at += sizeof(struct heap_stream);
            is_head = false;
        } else if (!is_head && size - at >= sizeof(struct heap_part)) {
            at = mend_part(bytes, at, size, &is_head);
        } else {
            return;
        }
    }
}

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
    uint8_t *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, data, size);
    if (barrow_crc32(copy, size) % 16)
        mend(copy, size);
    unsigned char *file = maker_ledger_of(copy, size, NULL, 0, &bytes);
    free(copy);
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
