/* Cycles: components of objects that lead to each other (Tarjan 1972), and what goes when one of
 * them goes.
 *
 * With every component drawn together into one vertex the graph has no cycles, and what a component
 * retains as a set is what its vertex dominates: a way through another component can always be
 * completed inside that one.
 *
 *     vertex 0                    the super-root, roots with it
 *     vertex 1 .. components      the components, as Tarjan's algorithm ends them
 *
 * Garbage, which no root reaches, hangs from vertex 0 by the components that nothing else leads to.
 */
#include <stdlib.h>
#include <string.h>

#include "base/large.h"
#include "graph/dominators.h"

static int no_memory(struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the cycles of a heap snapshot");
}

/* ---- components ---- */

struct search {
    struct graph_flow flow;
    uint32_t *component; /* by object, from 1; 0: not ended yet */
    uint32_t components;
    uint32_t *index;  /* by object: when it was entered, from 1 */
    uint32_t *low;    /* the least index that it leads to among those not ended */
    uint32_t *cursor; /* references of it that were followed */
    uint32_t *way;    /* from where the search began to where it is */
    uint32_t *open;   /* entered, not in a component yet */
};

static bool search_init(struct search *s, const struct barrow_heap *heap)
{
    uint64_t count = (uint64_t)heap->object_count + 1;
    return graph_flow_init(&s->flow, heap) &&
           (s->component = barrow_large_zeros(count, sizeof *s->component)) &&
           (s->index = barrow_large_zeros(count, sizeof *s->index)) &&
           (s->low = barrow_large_zeros(count, sizeof *s->low)) &&
           (s->cursor = barrow_large_zeros(count, sizeof *s->cursor)) &&
           (s->way = barrow_large_zeros(count, sizeof *s->way)) &&
           (s->open = barrow_large_zeros(count, sizeof *s->open));
}

static void search_free(struct search *s)
{
    graph_flow_free(&s->flow);
    free(s->component);
    free(s->index);
    free(s->low);
    free(s->cursor);
    free(s->way);
    free(s->open);
}

/* Follows references of `v` until one leads to an object not entered yet; 0: none does. */
static uint32_t follow(struct search *s, uint32_t v)
{
    struct graph_successors list = graph_successors_of(&s->flow, v);
    for (uint64_t i = s->cursor[v]; i < list.count; i++) {
        uint32_t to = list.target[i];
        if (graph_is_weak(&list, i) || s->component[to])
            continue;
        if (!s->index[to]) {
            s->cursor[v] = (uint32_t)i; /* looked at again, for its low */
            return to;
        }
        if (s->low[to] < s->low[v])
            s->low[v] = s->low[to];
    }
    s->cursor[v] = (uint32_t)list.count;
    return 0;
}

static void find_components(struct search *s)
{
    uint32_t entered = 0, open = 0;
    for (uint32_t start = 1; start <= s->flow.object_count; start++) {
        uint32_t depth = 0, next = s->index[start] ? 0 : start;
        while (next || depth) {
            if (next) {
                s->index[next] = s->low[next] = ++entered;
                s->way[depth++] = s->open[open++] = next;
            }
            uint32_t v = s->way[depth - 1];
            next = follow(s, v);
            if (next)
                continue;
            depth--;
            if (s->low[v] < s->index[v])
                continue;
            s->components++;
            do
                s->component[s->open[--open]] = s->components;
            while (s->open[open] != v);
        }
    }
}

/* ---- the graph of components ---- */

struct condensed {
    struct graph_flow flow; /* its columns are owned here */
    uint32_t *members;      /* objects by component */
    uint32_t *member_start; /* components + 2 entries */
    uint64_t *start;
    uint32_t *target;
    uint64_t *bytes; /* own, then retained */
    bool *is_garbage;
    bool *is_cycle;
    bool *has_source; /* of garbage: another component leads to it */
};

static bool list_members(struct condensed *c, const struct search *s)
{
    uint64_t count = (uint64_t)s->components + 2;
    c->member_start = calloc(count + 1, sizeof *c->member_start);
    c->members = barrow_large_zeros(s->flow.object_count, sizeof *c->members);
    if (!c->member_start || !c->members)
        return false;
    for (uint32_t v = 1; v <= s->flow.object_count; v++)
        c->member_start[s->component[v] + 2]++;
    for (uint64_t i = 2; i <= count; i++)
        c->member_start[i] += c->member_start[i - 1];
    for (uint32_t v = 1; v <= s->flow.object_count; v++)
        c->members[c->member_start[s->component[v] + 1]++] = v;
    return true;
}

/* Does this edge of an object lead to another component that it may keep alive?  Notes what it
 * tells of both. */
static bool leads_on(struct condensed *c, const struct search *s, uint32_t from, uint32_t to)
{
    uint32_t a = s->component[from], b = s->component[to];
    if (a == b)
        c->is_cycle[a] = true;
    if (a == b || c->is_garbage[a] != c->is_garbage[b])
        return false;
    if (c->is_garbage[b])
        c->has_source[b] = true;
    return true;
}

static bool list_edges(struct condensed *c, const struct search *s)
{
    uint64_t used = 0, room = s->flow.start[(uint64_t)s->flow.object_count + 1];
    c->start = barrow_large_zeros((uint64_t)s->components + 2, sizeof *c->start);
    c->target = barrow_large_zeros(room, sizeof *c->target);
    if (!c->start || !c->target)
        return false;
    for (uint32_t k = 1; k <= s->components; k++) {
        c->start[k] = used;
        for (uint32_t m = c->member_start[k]; m < c->member_start[k + 1]; m++) {
            struct graph_successors list = graph_successors_of(&s->flow, c->members[m]);
            for (uint64_t i = 0; i < list.count; i++)
                if (!graph_is_weak(&list, i) && leads_on(c, s, c->members[m], list.target[i]))
                    c->target[used++] = s->component[list.target[i]];
        }
    }
    c->start[s->components + 1] = used;
    return true;
}

/* From vertex 0 to the components of what roots refer to, and to garbage that nothing leads to. */
static bool list_root_edges(struct condensed *c, const struct search *s)
{
    const struct graph_flow *flow = &s->flow;
    uint64_t of_roots = flow->root_start[flow->vertex_count - flow->object_count], used = 0;
    c->flow.root_start = calloc(2, sizeof *c->flow.root_start);
    c->flow.root_target = malloc((of_roots + s->components + 1) * sizeof *c->flow.root_target);
    if (!c->flow.root_start || !c->flow.root_target)
        return false;
    for (uint64_t i = 0; i < of_roots; i++)
        if (flow->root_target[i] <= flow->object_count)
            c->flow.root_target[used++] = s->component[flow->root_target[i]];
    for (uint32_t k = 1; k <= s->components; k++)
        if (c->is_garbage[k] && !c->has_source[k])
            c->flow.root_target[used++] = k;
    c->flow.root_start[1] = used;
    return true;
}

static bool condense(struct condensed *c, const struct search *s, const struct barrow_graph *graph)
{
    size_t count = (size_t)s->components + 1;
    c->bytes = calloc(count, sizeof *c->bytes);
    c->is_garbage = calloc(count, 1);
    c->is_cycle = calloc(count, 1);
    c->has_source = calloc(count, 1);
    if (!c->bytes || !c->is_garbage || !c->is_cycle || !c->has_source)
        return false;
    for (uint32_t v = 1; v <= graph->object_count; v++) {
        c->bytes[s->component[v]] += barrow_heap_bytes(graph->heap, v);
        c->is_garbage[s->component[v]] = graph->idom[v] == GRAPH_NONE;
    }
    c->flow.object_count = s->components;
    c->flow.vertex_count = s->components + 1;
    if (!list_members(c, s) || !list_edges(c, s) || !list_root_edges(c, s))
        return false;
    c->flow.start = c->start;
    c->flow.target = c->target;
    return true;
}

static void condensed_free(struct condensed *c)
{
    graph_flow_free(&c->flow);
    free(c->members);
    free(c->member_start);
    free(c->start);
    free(c->target);
    free(c->bytes);
    free(c->is_garbage);
    free(c->is_cycle);
    free(c->has_source);
}

/* ---- cycles ---- */

static int by_retained(const void *left, const void *right)
{
    const struct barrow_cycle *a = left, *b = right;
    if (a->retained != b->retained)
        return a->retained > b->retained ? -1 : 1;
    return a->members[0] < b->members[0] ? -1 : 1;
}

static bool take_cycles(const struct condensed *c, const uint64_t *retained,
                        struct barrow_cycle **cycles, size_t *count)
{
    size_t wanted = 0;
    for (uint32_t k = 1; k <= c->flow.object_count; k++)
        wanted += c->is_cycle[k];
    *cycles = calloc(wanted + 1, sizeof **cycles);
    for (uint32_t k = 1; *cycles && k <= c->flow.object_count; k++) {
        struct barrow_cycle *cycle = &(*cycles)[*count];
        if (!c->is_cycle[k])
            continue;
        cycle->count = c->member_start[k + 1] - c->member_start[k];
        cycle->members = malloc(cycle->count * sizeof *cycle->members);
        if (!cycle->members)
            return false;
        memcpy(cycle->members, c->members + c->member_start[k],
               cycle->count * sizeof *cycle->members);
        cycle->bytes = c->bytes[k];
        cycle->retained = retained[k];
        cycle->is_garbage = c->is_garbage[k];
        ++*count;
    }
    return *cycles != NULL;
}

int barrow_graph_cycles(struct barrow_graph *graph, struct barrow_cycle **cycles, size_t *count,
                        struct barrow_error *err)
{
    struct search search = {0};
    struct condensed c = {0};
    struct graph_dominators tree = {0};
    uint64_t *retained = NULL;
    *cycles = NULL;
    *count = 0;
    bool good = search_init(&search, graph->heap);
    if (good) {
        find_components(&search);
        good = condense(&c, &search, graph);
    }
    if (good)
        good = graph_dominators_find(&tree, &c.flow, NULL) &&
               (retained = malloc(((size_t)search.components + 1) * sizeof *retained));
    search_free(&search);
    if (good) {
        memcpy(retained, c.bytes, ((size_t)c.flow.object_count + 1) * sizeof *retained);
        graph_sum_up(&tree, retained);
        good = take_cycles(&c, retained, cycles, count);
    }
    free(tree.idom);
    free(tree.order);
    free(retained);
    condensed_free(&c);
    if (good) {
        qsort(*cycles, *count, sizeof **cycles, by_retained);
        return 0;
    }
    barrow_cycles_free(*cycles, *count);
    *cycles = NULL;
    *count = 0;
    return no_memory(err);
}

void barrow_cycles_free(struct barrow_cycle *cycles, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(cycles[i].members);
    free(cycles);
}
