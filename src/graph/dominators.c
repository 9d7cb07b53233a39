/* How it works
 *
 * A depth-first search numbers the vertices.  Edges from u to w are then of two sorts:
 *
 *     number(u) < number(w)    down the search tree: u is an ancestor of w
 *     number(u) > number(w)    back to an ancestor, or across to what was finished before
 *
 * semi(w) is the least vertex from which a path leads to w whose inner vertices are all greater
 * than w.  An edge down is such a path by itself, so its u is known to be a candidate as soon as
 * the search sees the edge, and needs no place in the list of w's predecessors.  That leaves the
 * second sort, less than half of all edges.  For these, w in descending order, candidates are the
 * least semi on the tree path from u up to w: `label`, kept short by compressing paths in
 * `ancestor`.
 *
 * Then idom(w) is the nearest ancestor in the tree so far that is not greater than semi(w), w
 * ascending.
 *
 * All arrays but `number` are indexed by preorder numbers, from 1; so the work goes through memory
 * nearly in order.
 */
#include "graph/dominators.h"

#include <stdlib.h>

#include "base/large.h"

struct work {
    const struct graph_flow *flow;
    const struct barrow_graph_progress *progress;
    uint32_t count; /* vertices reached */
    uint32_t
        *number; /* by vertex: its preorder number, 0: not reached; later the stack of compress() */
    uint32_t *vertex;   /* the vertex of a number */
    uint32_t *ancestor; /* first the parent in the search tree */
    uint32_t *idom;
    uint32_t *semi;
    uint32_t *label;        /* the search keeps in it how many edges it has seen of each vertex */
    uint32_t *source_start; /* where the predecessors in `source` begin; one entry more */
    uint32_t *source;
};

static void report(const struct work *work, const char *what, uint64_t done, uint64_t of)
{
    if (work->progress && work->progress->report)
        work->progress->report(work->progress->context, what, done, of);
}

static void work_free(struct work *work)
{
    free(work->number);
    free(work->vertex);
    free(work->ancestor);
    free(work->idom);
    free(work->semi);
    free(work->label);
    free(work->source_start);
    free(work->source);
}

static bool work_init(struct work *work)
{
    uint64_t count = (uint64_t)work->flow->vertex_count + 2;
    return (work->number = barrow_large_zeros(count, sizeof *work->number)) &&
           (work->vertex = barrow_large_zeros(count, sizeof *work->vertex)) &&
           (work->ancestor = barrow_large_zeros(count, sizeof *work->ancestor)) &&
           (work->semi = barrow_large_zeros(count, sizeof *work->semi)) &&
           (work->label = barrow_large_zeros(count, sizeof *work->label)) &&
           (work->source_start = barrow_large_zeros(count, sizeof *work->source_start));
}

/* ---- the search ---- */

static uint32_t enter(struct work *work, uint32_t vertex, uint32_t parent)
{
    uint32_t number = ++work->count;
    work->number[vertex] = number;
    work->vertex[number] = vertex;
    work->ancestor[number] = parent;
    work->semi[number] = parent;
    if (work->count % (1u << 20) == 0)
        report(work, "following references", work->count, work->flow->vertex_count);
    return number;
}

/* Numbers all that can be reached; counts predecessors behind in source_start[number + 1].  The
 * edge at which the search left a vertex is in label[], which saves a stack. */
static void search(struct work *work)
{
    uint32_t at = enter(work, 0, 0);
    while (at) {
        struct graph_successors list = graph_successors_of(work->flow, work->vertex[at]);
        uint64_t i = work->label[at];
        uint32_t next = 0;
        for (; i < list.count && !next; i++) {
            uint32_t to = list.target[i], number;
            if (i + 8 < list.count)
                __builtin_prefetch(&work->number[list.target[i + 8]]);
            if (graph_is_weak(&list, i))
                continue;
            number = work->number[to];
            if (number == 0)
                next = enter(work, to, at);
            else if (number > at)
                work->semi[number] = at < work->semi[number] ? at : work->semi[number];
            else
                work->source_start[number]++;
        }
        work->label[at] = (uint32_t)i;
        at = next ? next : work->ancestor[at];
    }
}

/* Lists for each vertex the greater ones that lead to it. */
static bool list_sources(struct work *work)
{
    const struct graph_flow *flow = work->flow;
    uint32_t sum = 0;
    for (uint32_t w = 0; w <= work->count + 1; w++) {
        sum += work->source_start[w];
        work->source_start[w] = sum; /* the end; filling moves it to the start */
    }
    work->source = barrow_large_zeros(sum, sizeof *work->source);
    if (!work->source)
        return false;
    for (uint32_t v = 0; v < flow->vertex_count; v++) {
        uint32_t number = work->number[v];
        if (number == 0)
            continue;
        struct graph_successors list = graph_successors_of(flow, v);
        for (uint64_t i = 0; i < list.count; i++) {
            uint32_t to = work->number[list.target[i]];
            if (to <= number && !graph_is_weak(&list, i))
                work->source[--work->source_start[to]] = number;
        }
    }
    return true;
}

/* ---- semidominators ---- */

/* The least label on the way from `v` up to what is not linked yet, which is all below `limit`.
 * Makes every vertex of the way lead directly to its end. */
static uint32_t least_label(struct work *work, uint32_t v, uint32_t limit)
{
    uint32_t *ancestor = work->ancestor, *label = work->label, *stack = work->number;
    uint32_t depth = 0;
    if (ancestor[v] < limit)
        return label[v];
    while (ancestor[v] >= limit) {
        stack[depth++] = v;
        v = ancestor[v];
    }
    uint32_t least = label[v], end = ancestor[v];
    while (depth > 0) {
        uint32_t u = stack[--depth];
        if (label[u] < least)
            least = label[u];
        label[u] = least;
        ancestor[u] = end;
    }
    return least;
}

static void find_semidominators(struct work *work)
{
    for (uint32_t w = work->count; w >= 2; w--) {
        uint32_t semi = work->semi[w];
        for (uint32_t i = work->source_start[w]; i < work->source_start[w + 1]; i++) {
            uint32_t u = work->source[i];
            if (i + 4 < work->source_start[w + 1])
                __builtin_prefetch(&work->ancestor[work->source[i + 4]]);
            if (u == w)
                continue;
            uint32_t least = least_label(work, u, w + 1);
            if (least < semi)
                semi = least;
        }
        work->semi[w] = work->label[w] = semi;
        if (w % (1u << 21) == 0)
            report(work, "finding what keeps what", work->count - w, work->count);
    }
}

/* ---- immediate dominators ---- */

static void find_idoms(struct work *work)
{
    for (uint32_t w = 2; w <= work->count; w++) {
        uint32_t v = work->idom[w];
        while (v > work->semi[w])
            v = work->idom[v];
        work->idom[w] = v;
    }
}

static bool find(struct work *work, struct graph_dominators *out)
{
    uint32_t vertices = work->flow->vertex_count;
    search(work);
    if (!list_sources(work))
        return false;
    /* Parents are needed twice: as the tree that idoms start from, and as what gets compressed. */
    work->idom = barrow_large_zeros((uint64_t)work->count + 2, sizeof *work->idom);
    if (!work->idom)
        return false;
    for (uint32_t w = 1; w <= work->count; w++)
        work->idom[w] = work->ancestor[w];
    find_semidominators(work);
    find_idoms(work);
    out->idom = work->number; /* what was the stack */
    work->number = NULL;
    for (uint32_t v = 0; v < vertices; v++)
        out->idom[v] = GRAPH_NONE;
    for (uint32_t w = 2; w <= work->count; w++)
        out->idom[work->vertex[w]] = work->vertex[work->idom[w]];
    for (uint32_t w = 1; w <= work->count; w++)
        work->vertex[w - 1] = work->vertex[w];
    out->order = work->vertex;
    out->reached = work->count;
    work->vertex = NULL;
    return true;
}

bool graph_dominators_find(struct graph_dominators *out, const struct graph_flow *flow,
                           const struct barrow_graph_progress *progress)
{
    struct work work = {.flow = flow, .progress = progress};
    *out = (struct graph_dominators){0};
    bool good = work_init(&work) && find(&work, out);
    work_free(&work);
    return good;
}

void graph_sum_up(const struct graph_dominators *tree, uint64_t *bytes)
{
    for (uint32_t i = tree->reached; i-- > 1;)
        bytes[tree->idom[tree->order[i]]] += bytes[tree->order[i]];
}
