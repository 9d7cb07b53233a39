/* What sets of vertices retain.
 *
 * One set: walk from the roots without entering it; what is not reached is retained.
 *
 * Many sets: a word of bits for each vertex, a bit for each set: can the vertex be reached without
 * entering that set?  A vertex hands its bits to its successors, less the bit of the set that these
 * are in; bits are only ever added, until nothing changes.  One sweep goes through the vertices in
 * the order in which a depth-first search found them, which settles most; those whose bits have
 * grown since they handed them on wait in a queue.
 */
#include <stdlib.h>
#include <string.h>

#include "base/large.h"
#include "graph/flow.h"

static int no_memory(struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the graph of a heap snapshot");
}

/* ---- one set ---- */

#define BIT(bits, i) ((bits)[(i) >> 6] >> ((i)&63) & 1)
#define SET_BIT(bits, i) ((bits)[(i) >> 6] |= (uint64_t)1 << ((i)&63))

int barrow_graph_retained_of(const struct barrow_graph *graph, const uint32_t *vertices,
                             size_t count, struct barrow_retained *retained,
                             struct barrow_error *err)
{
    struct graph_flow flow = {0};
    uint64_t *seen = barrow_large_zeros(graph->vertex_count / 64 + 1, sizeof *seen);
    uint32_t *queue = barrow_large_zeros(graph->vertex_count, sizeof *queue);
    uint32_t head = 0, tail = 0;
    bool good = seen && queue && graph_flow_init(&flow, graph->heap);
    *retained =
        (struct barrow_retained){graph->reachable_bytes, graph->object_count - graph->unreachable};
    for (size_t i = 0; good && i < count; i++)
        SET_BIT(seen, vertices[i]);
    if (good && !BIT(seen, 0)) {
        SET_BIT(seen, 0);
        queue[tail++] = 0;
    }
    while (head < tail) {
        uint32_t v = queue[head++];
        struct graph_successors list = graph_successors_of(&flow, v);
        if (!barrow_graph_is_root(graph, v)) {
            retained->bytes -= barrow_heap_bytes(graph->heap, v);
            retained->objects--;
        }
        for (uint64_t i = 0; i < list.count; i++)
            if (!BIT(seen, list.target[i]) && !graph_is_weak(&list, i)) {
                SET_BIT(seen, list.target[i]);
                queue[tail++] = list.target[i];
            }
    }
    graph_flow_free(&flow);
    free(seen);
    free(queue);
    return good ? 0 : no_memory(err);
}

/* ---- many sets ---- */

enum { WIDEST = 8 }; /* words of bits for a vertex */

struct rounds {
    const struct barrow_graph *graph;
    struct graph_flow flow;
    const uint32_t *group;
    uint32_t first; /* the set of bit 0 */
    uint32_t sets;  /* in this pass */
    unsigned words;
    uint64_t *alive; /* `words` a vertex */
    uint64_t *grown; /* by vertex, a bit: it has to hand on its bits again */
    uint32_t *queue; /* of grown ones: a ring of as many places as there are vertices */
    uint64_t head, tail;
    bool is_swept; /* the first round is over: what grows is queued */
};

/* Adds bits to a vertex; true: some are new. */
static bool add_bits(struct rounds *r, uint32_t vertex, const uint64_t *bits)
{
    uint64_t *to = r->alive + (uint64_t)vertex * r->words, fresh = 0;
    uint64_t masked[WIDEST];
    uint32_t set = vertex - 1 < r->graph->object_count ? r->group[vertex] - r->first : UINT32_MAX;
    memcpy(masked, bits, r->words * sizeof *bits);
    if (set < r->sets)
        masked[set / 64] &= ~((uint64_t)1 << set % 64);
    for (unsigned k = 0; k < r->words; k++) {
        fresh |= masked[k] & ~to[k];
        to[k] |= masked[k];
    }
    return fresh != 0;
}

static void hand_on(struct rounds *r, uint32_t vertex)
{
    struct graph_successors list = graph_successors_of(&r->flow, vertex);
    uint64_t bits[WIDEST];
    memcpy(bits, r->alive + (uint64_t)vertex * r->words, r->words * sizeof *bits);
    for (uint64_t i = 0; i < list.count; i++) {
        uint32_t to = list.target[i];
        if (i + 4 < list.count)
            __builtin_prefetch(r->alive + (uint64_t)list.target[i + 4] * r->words, 1);
        if (graph_is_weak(&list, i) || !add_bits(r, to, bits))
            continue;
        if (BIT(r->grown, to) || graph_successors_of(&r->flow, to).count == 0)
            continue;
        SET_BIT(r->grown, to);
        if (r->is_swept)
            r->queue[r->tail++ % r->graph->vertex_count] = to;
    }
}

static void settle(struct rounds *r, uint32_t vertex)
{
    r->grown[vertex >> 6] &= ~((uint64_t)1 << (vertex & 63));
    hand_on(r, vertex);
}

static void spread(struct rounds *r)
{
    const struct barrow_graph *graph = r->graph;
    uint64_t words = graph->vertex_count / 64 + 1;
    memset(r->alive, 0, (uint64_t)graph->vertex_count * r->words * sizeof *r->alive);
    memset(r->grown, 0, words * sizeof *r->grown);
    for (uint32_t set = 0; set < r->sets; set++)
        SET_BIT(r->alive, set);
    SET_BIT(r->grown, 0);
    r->is_swept = false;
    for (uint32_t i = 0; i < graph->reached; i++)
        if (BIT(r->grown, graph->order[i]))
            settle(r, graph->order[i]);
    r->is_swept = true;
    r->head = r->tail = 0;
    for (uint32_t i = 0; i < graph->reached; i++)
        if (BIT(r->grown, graph->order[i]))
            r->queue[r->tail++] = graph->order[i];
    while (r->head < r->tail)
        settle(r, r->queue[r->head++ % graph->vertex_count]);
}

/* Bytes of what can't be reached without the set, for each set of this pass. */
static void collect(const struct rounds *r, uint64_t *retained)
{
    const struct barrow_graph *graph = r->graph;
    uint64_t all[WIDEST] = {0};
    for (uint32_t set = 0; set < r->sets; set++)
        SET_BIT(all, set);
    for (uint32_t v = 1; v <= graph->object_count; v++) {
        if (graph->idom[v] == GRAPH_NONE)
            continue;
        for (unsigned k = 0; k < r->words; k++) {
            uint64_t gone = all[k] & ~r->alive[(uint64_t)v * r->words + k];
            for (; gone; gone &= gone - 1)
                retained[r->first + k * 64 + (unsigned)__builtin_ctzll(gone)] +=
                    barrow_heap_bytes(graph->heap, v);
        }
    }
}

int barrow_graph_retained_by(const struct barrow_graph *graph, const uint32_t *group,
                             uint32_t group_count, uint64_t *retained,
                             const struct barrow_graph_progress *progress, struct barrow_error *err)
{
    struct rounds r = {.graph = graph, .group = group};
    uint64_t vertices = graph->vertex_count;
    /* As wide as needed, but at most 256 MiB. */
    r.words = (group_count + 63) / 64 < WIDEST ? (group_count + 63) / 64 : WIDEST;
    while (r.words > 1 && vertices * r.words > (uint64_t)32 << 20)
        r.words /= 2;
    memset(retained, 0, ((size_t)group_count + 1) * sizeof *retained);
    if (group_count == 0)
        return 0;
    r.alive = barrow_large_zeros(vertices * r.words, sizeof *r.alive);
    r.grown = barrow_large_zeros(vertices / 64 + 1, sizeof *r.grown);
    r.queue = barrow_large_zeros(vertices, sizeof *r.queue);
    bool good = r.alive && r.grown && r.queue && graph_flow_init(&r.flow, graph->heap);
    for (r.first = 1; good && r.first <= group_count; r.first += r.words * 64) {
        r.sets = group_count - r.first + 1;
        if (r.sets > r.words * 64)
            r.sets = r.words * 64;
        spread(&r);
        collect(&r, retained);
        if (progress && progress->report)
            progress->report(progress->context, "adding up what groups keep alive",
                             r.first + r.sets - 1, group_count);
    }
    graph_flow_free(&r.flow);
    free(r.alive);
    free(r.grown);
    free(r.queue);
    return good ? 0 : no_memory(err);
}

/* ---- what is not reached ---- */

int barrow_graph_garbage(const struct barrow_graph *graph, uint32_t **objects, size_t *count,
                         struct barrow_error *err)
{
    *count = 0;
    *objects = malloc(((size_t)graph->unreachable + 1) * sizeof **objects);
    if (!*objects)
        return no_memory(err);
    for (uint32_t v = 1; v <= graph->object_count; v++)
        if (graph->idom[v] == GRAPH_NONE)
            (*objects)[(*count)++] = v;
    return 0;
}
