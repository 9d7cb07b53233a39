/* The dominator tree, cut to what matters, in the order in which it is drawn:
 *
 *     depth  0  everything            a node comes before its children, the largest first
 *            1    module app
 *            2      dict
 *            2      (others)          what was cut off there: one row, if there is any
 *            1    module json
 *
 * Whoever dominates an object retains at least as much.  So the objects that retain most are a
 * tree, and a threshold is all it takes to choose them.
 */
#include <stdlib.h>

#include "export/heap_names.h"
#include "export/report_heap.h"
#include "graph/words.h"
#include "table/stack.h"

enum row_kind { ROW_OBJECT = 0, ROW_ROOT = 1, ROW_OTHERS = 2, ROW_GARBAGE = 3 };
enum { PER_HEAP = 2000 }; /* a part of the heap that retains less is not shown: 0.05 % */

struct tree {
    struct report_heap *to;
    struct barrow_graph *graph;
    uint32_t process;
    const struct barrow_paths *paths;
    struct barrow_heap_names names;
    uint64_t least;      /* retained bytes that are shown */
    uint64_t path_least; /* ... with a path */
    uint32_t *objects;   /* by vertex: what it dominates, itself among it */
    uint64_t *
        edge; /* by vertex that is shown: the reference from its dominator, 1 more than its index */
    struct barrow_buffer words;
    size_t rows;
};

static bool is_shown(const struct tree *t, uint32_t vertex)
{
    return t->graph->retained[vertex] >= t->least;
}

/* ---- what is shown ---- */

static int compare_sizes(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a < b) - (a > b);
}

/* What a vertex must retain to be among the `most` that retain most and retain `least` at least;
 * UINT64_MAX: no memory. */
static uint64_t threshold(const struct barrow_graph *graph, uint64_t least, size_t most)
{
    size_t count = 0;

    for (uint32_t v = 0; v < graph->vertex_count; v++)
        count += graph->retained[v] >= least;
    if (count <= most)
        return least;
    uint64_t *sizes = malloc(count * sizeof *sizes);
    if (!sizes)
        return UINT64_MAX;
    count = 0;
    for (uint32_t v = 0; v < graph->vertex_count; v++)
        if (graph->retained[v] >= least)
            sizes[count++] = graph->retained[v];
    qsort(sizes, count, sizeof *sizes, compare_sizes);
    least = sizes[most] + 1;
    free(sizes);
    return least;
}

static bool choose(struct tree *t)
{
    t->least = threshold(t->graph, t->graph->reachable_bytes / PER_HEAP + 1, BARROW_REPORT_NODES);
    t->path_least = threshold(t->graph, t->least, BARROW_REPORT_NODE_PATHS);
    return t->path_least != UINT64_MAX;
}

/* How many objects each vertex dominates: adds them up from the leaves.  `left` counts children to
 * come. */
static bool count_objects(struct tree *t)
{
    const struct barrow_graph *graph = t->graph;
    uint32_t *left = calloc((size_t)graph->vertex_count + 1, sizeof *left);

    t->objects = calloc((size_t)graph->vertex_count + 1, sizeof *t->objects);
    if (!left || !t->objects) {
        free(left);
        return false;
    }
    for (uint32_t v = 0; v < graph->vertex_count; v++)
        left[v] = graph->child_start[v + 1] - graph->child_start[v];
    for (uint32_t leaf = 0; leaf < graph->vertex_count; leaf++) {
        if (graph->child_start[leaf + 1] != graph->child_start[leaf])
            continue;
        for (uint32_t v = leaf; v != GRAPH_NONE && left[v] == 0; v = graph->idom[v]) {
            uint32_t above = graph->idom[v];
            t->objects[v] += !barrow_graph_is_root(graph, v);
            if (above == GRAPH_NONE)
                break;
            t->objects[above] += t->objects[v];
            left[above]--;
        }
    }
    free(left);
    return true;
}

/* ---- references ---- */

static void find_edge(struct tree *t, uint32_t source, uint32_t target, uint64_t edge)
{
    if (target < t->graph->vertex_count && t->graph->idom[target] == source &&
        is_shown(t, target) && t->edge[target] == 0)
        t->edge[target] = edge + 1;
}

/* The first reference from each shown vertex' dominator to it, if there is one. */
static bool find_edges(struct tree *t)
{
    const struct barrow_graph *graph = t->graph;
    const struct barrow_heap *heap = graph->heap;

    t->edge = calloc((size_t)graph->vertex_count + 1, sizeof *t->edge);
    if (!t->edge)
        return false;
    for (uint32_t v = 1; v <= graph->object_count; v++)
        for (uint64_t e = heap->edge_start[v]; is_shown(t, v) && e < heap->edge_start[v + 1]; e++)
            if (heap->name[e] >> HEAP_NAME_SHIFT != HEAP_NAME_WEAK)
                find_edge(t, v, heap->target[e], e);
    for (uint64_t e = 0; e < heap->root_edge_count; e++) {
        uint32_t root = heap->root_edges[e].root;
        find_edge(t, root ? graph->object_count + root : 0, heap->root_edges[e].target, e);
    }
    return true;
}

/* ".cache", "[17]": how the dominator refers to the vertex; "" if it doesn't. */
static uint32_t reference_of(struct tree *t, uint32_t vertex)
{
    const struct barrow_heap *heap = t->graph->heap;
    uint32_t from = t->graph->idom[vertex];

    if (barrow_graph_is_root(t->graph, vertex) || t->edge[vertex] == 0)
        return 0;
    bool from_root = barrow_graph_is_root(t->graph, from);
    uint64_t edge = t->edge[vertex] - 1;
    struct barrow_step step = {
        .from = from,
        .to = vertex,
        .name = from_root ? heap->root_edges[edge].name : heap->name[edge],
        .edge = edge,
    };
    if (from_root)
        barrow_words_start(&t->words, t->graph, &step);
    else
        barrow_words_step(&t->words, t->graph, &step, false, BARROW_WORDS_EXACT);
    return report_heap_words(t->to, &t->words);
}

/* The frame in which an object was born; 0: not known. */
static uint32_t birth_of(const struct tree *t, uint32_t object)
{
    const struct barrow_profile *p = t->to->profile;
    const struct barrow_heap *heap = t->graph->heap;
    uint32_t site =
        heap->birth ? barrow_profile_site_of(p, t->process, heap->birth[object]) : BARROW_NO_SITE;

    if (site == BARROW_NO_SITE)
        return 0;
    uint32_t leaf = barrow_stack_leaf(p, p->sites[site].node);
    return leaf && !p->nodes[leaf].is_folded ? p->nodes[leaf].frame : 0;
}

/* ---- rows ---- */

struct row {
    uint32_t depth, kind, name, reference, birth, path;
    uint64_t objects, bytes, retained, address, length;
};

static void put_row(struct tree *t, const struct row *row)
{
    struct barrow_report_columns *to = t->to->columns;

    barrow_report_put(to, REPORT_HEAP_NODES_DEPTH, row->depth);
    barrow_report_put(to, REPORT_HEAP_NODES_KIND, row->kind);
    barrow_report_put(to, REPORT_HEAP_NODES_NAME, row->name);
    barrow_report_put(to, REPORT_HEAP_NODES_REFERENCE, row->reference);
    barrow_report_put(to, REPORT_HEAP_NODES_OBJECTS, row->objects);
    barrow_report_put(to, REPORT_HEAP_NODES_BYTES, row->bytes);
    barrow_report_put(to, REPORT_HEAP_NODES_RETAINED, row->retained);
    barrow_report_put(to, REPORT_HEAP_NODES_ADDRESS, row->address);
    barrow_report_put(to, REPORT_HEAP_NODES_LENGTH, row->length);
    barrow_report_put(to, REPORT_HEAP_NODES_BIRTH, row->birth);
    barrow_report_put(to, REPORT_HEAP_NODES_PATH, row->path);
    t->rows++;
}

/* The shortest path to an object in words; 0: not told.  Without memory it is left out. */
static uint32_t path_of(struct tree *t, uint32_t object)
{
    struct barrow_step *steps;
    size_t count;

    if (t->graph->retained[object] < t->path_least ||
        barrow_paths_to(t->paths, object, &steps, &count, NULL) < 0)
        return 0;
    barrow_words_path(&t->words, t->graph, steps, count);
    free(steps);
    return report_heap_words(t->to, &t->words);
}

static void put_vertex(struct tree *t, uint32_t vertex, uint32_t depth)
{
    const struct barrow_heap *heap = t->graph->heap;
    struct row row = {
        .depth = depth,
        .kind = ROW_ROOT,
        .objects = t->objects[vertex],
        .retained = t->graph->retained[vertex],
        .reference = reference_of(t, vertex),
    };

    if (barrow_graph_is_root(t->graph, vertex))
        barrow_words_vertex(&t->words, t->graph, vertex);
    else
        barrow_heap_object_words(&t->names, &t->words, vertex);
    row.name = report_heap_words(t->to, &t->words);
    if (!barrow_graph_is_root(t->graph, vertex)) {
        row.kind = ROW_OBJECT;
        row.bytes = barrow_heap_bytes(heap, vertex);
        row.address = heap->address[vertex];
        row.length = heap->length ? heap->length[vertex] : 0;
        row.birth = birth_of(t, vertex);
        row.path = path_of(t, vertex);
    }
    put_row(t, &row);
}

/* What is not shown of a vertex' children: from the `first` one on. */
static void put_others(struct tree *t, uint32_t vertex, uint32_t first, uint32_t depth)
{
    const struct barrow_graph *graph = t->graph;
    struct row row = {.depth = depth, .kind = ROW_OTHERS};

    for (uint32_t i = first; i < graph->child_start[vertex + 1]; i++) {
        uint32_t child = graph->child[i];
        row.objects += t->objects[child];
        row.retained += graph->retained[child];
        row.length++;
    }
    if (row.retained)
        put_row(t, &row);
}

static int put_tree(struct tree *t)
{
    const struct barrow_graph *graph = t->graph;
    uint32_t next[BARROW_REPORT_LEVELS + 1] = {graph->child_start[0]};
    uint32_t path[BARROW_REPORT_LEVELS + 1] = {0}, depth = 0;

    put_vertex(t, 0, 0);
    for (;;) {
        uint32_t v = path[depth], end = graph->child_start[v + 1];
        bool goes_on = next[depth] < end && is_shown(t, graph->child[next[depth]]);
        if (goes_on && depth + 1 < BARROW_REPORT_LEVELS) {
            uint32_t child = graph->child[next[depth]++];
            put_vertex(t, child, ++depth);
            path[depth] = child;
            next[depth] = graph->child_start[child];
            continue;
        }
        put_others(t, v, next[depth], depth + 1);
        if (depth-- == 0)
            return 0;
    }
}

static void put_garbage(struct tree *t)
{
    const struct barrow_graph *graph = t->graph;
    struct row row = {
        .depth = 1,
        .kind = ROW_GARBAGE,
        .objects = graph->unreachable,
        .retained = graph->total_bytes - graph->reachable_bytes,
    };

    if (graph->unreachable)
        put_row(t, &row);
}

int report_heap_dominators(struct report_heap *heap, struct barrow_graph *graph,
                           const struct barrow_paths *paths, uint32_t process, size_t *rows,
                           struct barrow_error *err)
{
    struct tree t = {.to = heap, .graph = graph, .paths = paths, .process = process};
    int rc = -1;

    if (barrow_graph_children(graph, err) < 0 || barrow_heap_names_init(&t.names, graph, err) < 0)
        return -1;
    if (choose(&t) && count_objects(&t) && find_edges(&t)) {
        rc = put_tree(&t);
        put_garbage(&t);
        *rows = t.rows;
    } else {
        barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    }
    barrow_heap_names_free(&t.names);
    barrow_buffer_free(&t.words);
    free(t.objects);
    free(t.edge);
    return rc;
}
