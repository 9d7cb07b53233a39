/* Chrome's .heapsnapshot: the graph for the Memory panel of DevTools, and for what else reads that
 * format.
 *
 *     {"snapshot": {meta, counts}, "nodes": [...], "edges": [...], "trace_function_infos": [...],
 *      "trace_tree": [...], "samples": [], "locations": [], "strings": [...]}
 *
 * Readers scan forward, so the order of members and the counts are part of the format, and every
 * number is below 2^32.  Nodes, 7 numbers each, in this order:
 *
 *     0           the super-root
 *     roots       modules, threads, frames ...: "synthetic", which keeps DevTools from moving sizes
 *     garbage     if there is any: the root of what no root reaches
 *     objects
 *     rests       of objects of 4 GiB and more: what does not fit one node
 *
 * Edges, 3 numbers each, follow in their sources' order.  Retained sizes come out as our own: weak
 * references are "weak", which DevTools leaves out as we do, and nothing is "hidden" or an "array",
 * whose sizes it would move.  Unreachable objects hang side by side below their root, so that each
 * retains itself alone; what they refer to outside is not kept alive by them, so those references
 * are "weak", too.
 *
 * Ids are odd: an object keeps its id from snapshot to snapshot, and younger ones have larger ids
 * (graph/identity.h).  Rests count down from 2^32 - 1.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "export/export.h"
#include "export/snapshot_traces.h"
#include "export/snapshot_words.h"

enum { NODE_FIELDS = 7, MOST_NODES = UINT32_MAX / NODE_FIELDS };

struct writer {
    const struct barrow_graph *graph;
    const struct barrow_heap *heap;
    const uint32_t *numbers; /* by vertex: its identity */
    struct snapshot_strings strings;
    struct snapshot_words words;
    struct snapshot_traces traces;
    uint64_t node_count, edge_count;
    uint32_t root_count;    /* the super-root among them */
    uint32_t garbage_count; /* unreachable objects */
    uint32_t first_object;  /* node of object 1 */
    uint32_t rest_count;
    FILE *to;
    char text[1 << 14];
    size_t used;
};

/* ---- arrays of numbers ---- */

static void flush(struct writer *w)
{
    fwrite(w->text, 1, w->used, w->to);
    w->used = 0;
}

static void put_number(struct writer *w, uint32_t value)
{
    char digits[10];
    size_t count = 0;

    do
        digits[count++] = (char)('0' + value % 10);
    while (value /= 10);
    while (count)
        w->text[w->used++] = digits[--count];
}

static void put_record(struct writer *w, const uint32_t *values, size_t count, bool is_first)
{
    if (w->used + count * 11 + 2 > sizeof w->text)
        flush(w);
    w->text[w->used++] = is_first ? '[' : ',';
    for (size_t i = 0; i < count; i++) {
        if (i)
            w->text[w->used++] = ',';
        put_number(w, values[i]);
    }
    w->text[w->used++] = '\n';
}

/* ---- what there is ---- */

/* Nodes that an object needs besides its own. */
static uint32_t rests_of(const struct writer *w, uint32_t object)
{
    uint64_t bytes = barrow_heap_bytes(w->heap, object);

    return bytes ? (uint32_t)((bytes - 1) / UINT32_MAX) : 0;
}

static bool is_garbage(const struct writer *w, uint32_t object)
{
    return w->graph->idom[object] == GRAPH_NONE;
}

static uint32_t node_of(const struct writer *w, uint32_t object)
{
    return w->first_object + object - 1;
}

static int count_all(struct writer *w, struct barrow_error *err)
{
    const struct barrow_heap *heap = w->heap;
    uint64_t rests = 0;

    w->root_count = heap->root_count ? heap->root_count : 1;
    for (uint32_t i = 1; i <= heap->object_count; i++) {
        rests += rests_of(w, i);
        w->garbage_count += is_garbage(w, i);
    }
    w->first_object = w->root_count + (w->garbage_count > 0);
    w->node_count = w->first_object + heap->object_count + rests;
    w->edge_count =
        w->first_object - 1 + heap->root_edge_count + w->garbage_count + heap->edge_count + rests;
    if (w->node_count > MOST_NODES)
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "this snapshot takes %" PRIu64
                           " nodes, and a .heapsnapshot holds %" PRIu32
                           " at most; barrow sql and barrow dominators have no such limit",
                           w->node_count, (uint32_t)MOST_NODES);
    w->rest_count = (uint32_t)rests;
    return 0;
}

static void put_head(struct writer *w)
{
#define X(name, text) ",\"" text "\""
    /* Each list begins with a comma that is skipped. */
    static const char node_types[] = SNAPSHOT_NODES(X), edge_types[] = SNAPSHOT_EDGES(X);
#undef X

    fprintf(w->to,
            "{\"snapshot\":{\"meta\":{\n"
            "\"node_fields\":[\"type\",\"name\",\"id\",\"self_size\",\"edge_count\","
            "\"trace_node_id\",\"detachedness\"],\n"
            "\"node_types\":[[%s],\"string\",\"number\",\"number\",\"number\",\"number\","
            "\"number\"],\n"
            "\"edge_fields\":[\"type\",\"name_or_index\",\"to_node\"],\n"
            "\"edge_types\":[[%s],\"string_or_number\",\"node\"],\n",
            node_types + 1, edge_types + 1);
    fprintf(w->to,
            "\"trace_function_info_fields\":[\"function_id\",\"name\",\"script_name\","
            "\"script_id\",\"line\",\"column\"],\n"
            "\"trace_node_fields\":[\"id\",\"function_info_index\",\"count\",\"size\","
            "\"children\"],\n"
            "\"sample_fields\":[\"timestamp_us\",\"last_assigned_id\"],\n"
            "\"location_fields\":[\"object_index\",\"script_id\",\"line\",\"column\"]},\n"
            "\"node_count\":%" PRIu64 ",\"edge_count\":%" PRIu64
            ",\"trace_function_count\":%" PRIu32 "},\n",
            w->node_count, w->edge_count, w->traces.function_count);
}

/* ---- nodes ---- */

static void put_node(struct writer *w, struct snapshot_name name, uint32_t id, uint64_t bytes,
                     uint32_t edges, uint32_t trace)
{
    uint32_t size = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
    const uint32_t record[NODE_FIELDS] = {name.type, name.text, id, size, edges, trace, 0};

    put_record(w, record, NODE_FIELDS, id == 1);
}

static uint32_t id_of(const struct writer *w, uint32_t vertex)
{
    return 2 * w->numbers[vertex] + 1;
}

/* Fails for want of memory. */
static int put_roots(struct writer *w, struct barrow_error *err)
{
    const struct barrow_heap *heap = w->heap;
    uint32_t *edges = calloc(w->root_count, sizeof *edges);

    if (!edges)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    for (uint32_t r = 1; r < heap->root_count; r++)
        edges[heap->roots[r].parent]++;
    for (uint64_t e = 0; e < heap->root_edge_count; e++)
        edges[heap->root_edges[e].root]++;
    edges[0] += w->garbage_count > 0;
    put_node(w, (struct snapshot_name){SNAPSHOT_NODE_SYNTHETIC, 0}, 1, 0, edges[0], 0);
    for (uint32_t r = 1; r < heap->root_count; r++) {
        struct snapshot_name name = {SNAPSHOT_NODE_SYNTHETIC, snapshot_words_root(&w->words, r)};
        put_node(w, name, id_of(w, heap->object_count + r), 0, edges[r], 0);
    }
    free(edges);
    return 0;
}

static int put_nodes(struct writer *w, struct barrow_error *err)
{
    const struct barrow_heap *heap = w->heap;
    uint32_t id = UINT32_MAX;

    fputs("\"nodes\":", w->to);
    if (put_roots(w, err) < 0)
        return -1;
    if (w->garbage_count)
        put_node(w,
                 (struct snapshot_name){
                     SNAPSHOT_NODE_SYNTHETIC,
                     snapshot_string(&w->strings, "(garbage that waits for the collector)")},
                 id - 2 * w->rest_count, 0, w->garbage_count, 0);
    for (uint32_t i = 1; i <= heap->object_count; i++) {
        uint32_t edges = (uint32_t)(heap->edge_start[i + 1] - heap->edge_start[i]);
        put_node(w, snapshot_words_object(&w->words, i), id_of(w, i), barrow_heap_bytes(heap, i),
                 edges + rests_of(w, i), snapshot_trace_of(&w->traces, heap, i));
    }
    for (uint32_t i = 1; w->rest_count && i <= heap->object_count; i++) {
        uint64_t bytes = barrow_heap_bytes(heap, i);
        struct snapshot_name name = {SNAPSHOT_NODE_NATIVE,
                                     snapshot_string(&w->strings, "(more of a large object)")};
        for (uint32_t rest = rests_of(w, i); rest; rest--, id -= 2) {
            bytes -= UINT32_MAX;
            put_node(w, name, id, bytes, 0, 0);
        }
    }
    flush(w);
    fputs("],\n", w->to);
    return 0;
}

/* ---- edges ---- */

struct edges {
    struct writer *writer;
    bool begun;
};

static void put_edge(struct edges *e, struct snapshot_name name, uint32_t node)
{
    const uint32_t record[] = {name.type, name.text, node * NODE_FIELDS};

    put_record(e->writer, record, 3, !e->begun);
    e->begun = true;
}

/* Roots' edges are grouped by root; the children of a root are found by a walk over all: they are
 * few. */
static void put_root_edges(struct edges *edges)
{
    struct writer *w = edges->writer;
    const struct barrow_heap *heap = w->heap;
    uint64_t e = 0;

    for (uint32_t r = 0; r < w->root_count; r++) {
        uint32_t position = 0;
        for (uint32_t child = r + 1; child < heap->root_count; child++)
            if (heap->roots[child].parent == r)
                put_edge(edges, (struct snapshot_name){SNAPSHOT_EDGE_ELEMENT, position++}, child);
        if (r == 0 && w->garbage_count)
            put_edge(edges, (struct snapshot_name){SNAPSHOT_EDGE_ELEMENT, position}, w->root_count);
        for (; e < heap->root_edge_count && heap->root_edges[e].root == r; e++)
            put_edge(edges, snapshot_words_root_edge(&w->words, heap->root_edges[e].name),
                     node_of(w, heap->root_edges[e].target));
    }
}

static void put_edges(struct writer *w)
{
    const struct barrow_heap *heap = w->heap;
    struct edges edges = {.writer = w};
    uint32_t rest = node_of(w, heap->object_count) + 1, position = 0;

    fputs("\"edges\":", w->to);
    put_root_edges(&edges);
    for (uint32_t i = 1; w->garbage_count && i <= heap->object_count; i++)
        if (is_garbage(w, i))
            put_edge(&edges, (struct snapshot_name){SNAPSHOT_EDGE_ELEMENT, position++},
                     node_of(w, i));
    for (uint32_t i = 1; i <= heap->object_count; i++) {
        for (uint64_t e = heap->edge_start[i]; e < heap->edge_start[i + 1]; e++) {
            struct snapshot_name name = snapshot_words_edge(&w->words, i, e);
            if (is_garbage(w, i) && !is_garbage(w, heap->target[e]))
                name = snapshot_words_weak(&w->words, name);
            put_edge(&edges, name, node_of(w, heap->target[e]));
        }
        for (uint32_t n = rests_of(w, i); n; n--)
            put_edge(&edges,
                     (struct snapshot_name){SNAPSHOT_EDGE_INTERNAL,
                                            snapshot_string(&w->strings, "(more)")},
                     rest++);
    }
    flush(w);
    fputs(edges.begun ? "],\n" : "[],\n", w->to);
}

/* ---- all of it ---- */

static int write_all(struct writer *w, struct barrow_error *err)
{
    put_head(w);
    if (put_nodes(w, err) < 0)
        return -1;
    put_edges(w);
    snapshot_traces_write(&w->traces, w->to);
    fputs("\"samples\":[],\n\"locations\":[],\n\"strings\":", w->to);
    snapshot_strings_write(&w->strings, w->to);
    fputs("}\n", w->to);
    return w->strings.failed ? barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory") : 0;
}

int barrow_export_heapsnapshot(const struct barrow_snapshot *snapshot, FILE *to,
                               struct barrow_error *err)
{
    struct writer *w = calloc(1, sizeof *w);
    int rc = -1;

    if (!w)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    w->graph = snapshot->graph;
    w->heap = snapshot->graph->heap;
    w->numbers = snapshot->numbers;
    w->to = to;
    if (snapshot_words_init(&w->words, w->graph, &w->strings, err) == 0 &&
        snapshot_traces_init(&w->traces, w->heap, snapshot->profile, snapshot->process, &w->strings,
                             err) == 0 &&
        count_all(w, err) == 0)
        rc = write_all(w, err);
    snapshot_traces_free(&w->traces);
    snapshot_words_free(&w->words);
    snapshot_strings_free(&w->strings);
    free(w);
    return rc;
}
