/* Dominators, retained sizes, groups and cycles against a model that knows only one thing: delete,
 * and see what can't be reached any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/graph.h"
#include "heap_maker.h"

/* ---- the model ---- */

enum { MOST = 80 };

struct model {
    uint32_t objects, vertices;
    bool leads[MOST][MOST]; /* by vertex; weak references left out */
};

static void model_of(struct model *model, const struct barrow_heap *heap)
{
    memset(model, 0, sizeof *model);
    model->objects = heap->object_count;
    model->vertices = heap->object_count + heap->root_count;
    assert_true(model->vertices <= MOST);
    for (uint32_t v = 1; v <= heap->object_count; v++)
        for (uint64_t e = heap->edge_start[v]; e < heap->edge_start[v + 1]; e++)
            if (heap->name[e] >> HEAP_NAME_SHIFT != HEAP_NAME_WEAK)
                model->leads[v][heap->target[e]] = true;
    for (uint32_t r = 1; r < heap->root_count; r++) {
        uint32_t parent = heap->roots[r].parent;
        model->leads[parent ? heap->object_count + parent : 0][heap->object_count + r] = true;
    }
    for (uint64_t e = 0; e < heap->root_edge_count; e++) {
        const struct heap_root_edge *edge = &heap->root_edges[e];
        if (edge->name >> HEAP_NAME_SHIFT != HEAP_NAME_WEAK)
            model->leads[edge->root ? heap->object_count + edge->root : 0][edge->target] = true;
    }
}

/* What can be reached from `start` without entering a vertex of `cut`. */
static void reach(const struct model *model, uint32_t start, const bool *cut, bool *reached)
{
    uint32_t list[MOST], count = 0;
    memset(reached, 0, MOST);
    if (cut[start])
        return;
    list[count++] = start;
    reached[start] = true;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t to = 0; to < model->vertices; to++)
            if (model->leads[list[i]][to] && !reached[to] && !cut[to]) {
                reached[to] = true;
                list[count++] = to;
            }
}

/* Bytes that the roots reach, but not without `cut`. */
static uint64_t lost_bytes(const struct model *model, const struct barrow_heap *heap,
                           const bool *cut)
{
    static const bool nothing[MOST];
    bool before[MOST], after[MOST];
    uint64_t sum = 0;
    reach(model, 0, nothing, before);
    reach(model, 0, cut, after);
    for (uint32_t v = 1; v <= model->objects; v++)
        if (before[v] && !after[v])
            sum += barrow_heap_bytes(heap, v);
    return sum;
}

/* ---- each vertex ---- */

static void check_dominators(const struct barrow_graph *graph, const struct model *model)
{
    static const bool nothing[MOST];
    static bool without[MOST][MOST]; /* [d][v]: v can be reached without d */
    bool reached[MOST];
    uint32_t unreachable = 0;
    reach(model, 0, nothing, reached);
    for (uint32_t d = 0; d < model->vertices; d++) {
        bool cut[MOST] = {0};
        cut[d] = true;
        reach(model, 0, cut, without[d]);
        uint64_t own = d && d <= model->objects ? barrow_heap_bytes(graph->heap, d) : 0;
        assert_int_equal(graph->retained[d],
                         reached[d] ? lost_bytes(model, graph->heap, cut) : own);
    }
    for (uint32_t v = 0; v < model->vertices; v++) {
        uint32_t idom = GRAPH_NONE, deepest = 0;
        for (uint32_t d = 0; d < model->vertices && reached[v]; d++) {
            uint32_t depth = 1; /* as many vertices dominate d */
            if (d == v || without[d][v])
                continue;
            for (uint32_t c = 0; c < model->vertices; c++)
                depth += reached[c] && !without[c][d];
            if (depth > deepest) {
                deepest = depth;
                idom = d;
            }
        }
        assert_int_equal(graph->idom[v], idom);
        unreachable += v && v <= model->objects && !reached[v];
    }
    assert_int_equal(graph->unreachable, unreachable);
    assert_int_equal(graph->retained[0], graph->reachable_bytes);
}

static void check_order(const struct barrow_graph *graph)
{
    bool seen[MOST] = {0};
    assert_int_equal(graph->order[0], 0);
    for (uint32_t i = 0; i < graph->reached; i++) {
        uint32_t v = graph->order[i];
        assert_false(seen[v]);
        assert_true(i == 0 || seen[graph->idom[v]]);
        seen[v] = true;
    }
    for (uint32_t v = 0; v < graph->vertex_count; v++)
        assert_int_equal(seen[v], v == 0 || graph->idom[v] != GRAPH_NONE);
}

static void check_neighbours(struct barrow_graph *graph, const struct model *model)
{
    uint32_t children = 0;
    assert_int_equal(barrow_graph_children(graph, NULL), 0);
    assert_int_equal(barrow_graph_referrers(graph, NULL), 0);
    for (uint32_t v = 0; v < graph->vertex_count; v++) {
        for (uint32_t i = graph->child_start[v]; i < graph->child_start[v + 1]; i++) {
            assert_int_equal(graph->idom[graph->child[i]], v);
            if (i > graph->child_start[v])
                assert_true(graph->retained[graph->child[i - 1]] >=
                            graph->retained[graph->child[i]]);
            children++;
        }
        uint64_t at = graph->source_start[v];
        for (uint32_t from = 0; from < model->vertices; from++)
            if (model->leads[from][v])
                assert_int_equal(graph->source[at++], from);
        assert_int_equal(at, graph->source_start[v + 1]);
    }
    assert_int_equal(children, graph->reached - 1);
}

/* ---- groups ---- */

static void check_groups(struct barrow_graph *graph, const struct model *model)
{
    const struct barrow_heap *heap = graph->heap;
    struct barrow_class_row *rows;
    size_t count, objects = 0;
    assert_int_equal(barrow_graph_classes(graph, &rows, &count, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        bool cut[MOST] = {0};
        uint32_t members[MOST], found = 0;
        uint64_t bytes = 0;
        for (uint32_t v = 1; v <= model->objects; v++)
            if (heap->type[v] == rows[i].type) {
                cut[v] = true;
                members[found++] = v;
                bytes += barrow_heap_bytes(heap, v);
            }
        struct barrow_retained retained;
        uint64_t wanted = lost_bytes(model, heap, cut);
        assert_int_equal(barrow_graph_retained_of(graph, members, found, &retained, NULL), 0);
        assert_int_equal(retained.bytes, wanted);
        assert_int_equal(rows[i].retained, wanted);
        assert_int_equal(rows[i].objects, found);
        assert_int_equal(rows[i].bytes, bytes);
        objects += found;
    }
    assert_int_equal(objects, model->objects);
    free(rows);
}

/* Any vertices, roots too. */
static void check_sets(const struct barrow_graph *graph, const struct model *model, uint64_t *seed)
{
    static const bool nothing[MOST];
    bool cut[MOST] = {0}, before[MOST], after[MOST];
    uint32_t members[MOST], count = 0, objects = 0;
    struct barrow_retained retained;
    for (uint32_t v = 0; v < model->vertices; v++)
        if (maker_next(seed) % 6 == 0) {
            cut[v] = true;
            members[count++] = v;
        }
    reach(model, 0, nothing, before);
    reach(model, 0, cut, after);
    for (uint32_t v = 1; v <= model->objects; v++)
        objects += before[v] && !after[v];
    assert_int_equal(barrow_graph_retained_of(graph, members, count, &retained, NULL), 0);
    assert_int_equal(retained.bytes, lost_bytes(model, graph->heap, cut));
    assert_int_equal(retained.objects, objects);
}

/* ---- cycles ---- */

/* Garbage has no roots: what goes with a cycle is what nothing outside of what goes leads to, among
 * garbage. */
static uint64_t garbage_lost(const struct model *model, const struct barrow_heap *heap,
                             const bool *reached, const bool *members)
{
    bool kept[MOST] = {0}, before[MOST];
    uint64_t sum = 0;
    /* Start from each piece of garbage that only its own component leads to, but not from the
     * members. */
    static const bool nothing[MOST];
    for (uint32_t v = 1; v <= model->objects; v++) {
        bool is_start = !reached[v] && !members[v], from_v[MOST], to_v[MOST];
        reach(model, v, nothing, from_v);
        for (uint32_t u = 1; is_start && u <= model->objects; u++) {
            if (reached[u] || !model->leads[u][v])
                continue;
            is_start = from_v[u]; /* else something outside of its component leads to it */
        }
        if (!is_start)
            continue;
        /* ... and nothing outside leads to others of its component either. */
        for (uint32_t w = 1; is_start && w <= model->objects; w++) {
            reach(model, w, nothing, to_v);
            if (!from_v[w] || !to_v[v])
                continue;
            for (uint32_t u = 1; is_start && u <= model->objects; u++)
                if (!reached[u] && model->leads[u][w]) {
                    reach(model, v, nothing, before);
                    is_start = before[u];
                }
        }
        if (!is_start)
            continue;
        reach(model, v, members, before);
        for (uint32_t w = 1; w <= model->objects; w++)
            kept[w] |= before[w];
    }
    for (uint32_t v = 1; v <= model->objects; v++) {
        bool lost = members[v];
        for (uint32_t m = 1; !lost && m <= model->objects; m++)
            if (members[m]) {
                reach(model, m, nothing, before);
                lost = before[v] && !reached[v] && !kept[v];
            }
        if (lost)
            sum += barrow_heap_bytes(heap, v);
    }
    return sum;
}

static void check_cycles(struct barrow_graph *graph, const struct model *model)
{
    static const bool nothing[MOST];
    static bool leads[MOST][MOST]; /* over any number of references */
    struct barrow_cycle *cycles;
    size_t count, in_cycles = 0, wanted = 0;
    bool reached[MOST];
    reach(model, 0, nothing, reached);
    for (uint32_t v = 1; v <= model->objects; v++)
        reach(model, v, nothing, leads[v]);
    for (uint32_t v = 1; v <= model->objects; v++) {
        bool is_in = model->leads[v][v];
        for (uint32_t u = 1; u <= model->objects; u++)
            is_in |= u != v && leads[v][u] && leads[u][v];
        wanted += is_in;
    }
    assert_int_equal(barrow_graph_cycles(graph, &cycles, &count, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        bool members[MOST] = {0};
        uint32_t first = cycles[i].members[0];
        uint64_t bytes = 0;
        for (uint32_t k = 0; k < cycles[i].count; k++) {
            uint32_t v = cycles[i].members[k];
            assert_false(members[v]);
            members[v] = true;
            bytes += barrow_heap_bytes(graph->heap, v);
            assert_true(v == first ? cycles[i].count > 1 || model->leads[v][v]
                                   : leads[v][first] && leads[first][v]);
        }
        in_cycles += cycles[i].count;
        assert_int_equal(cycles[i].bytes, bytes);
        assert_int_equal(cycles[i].is_garbage, !reached[first]);
        assert_int_equal(cycles[i].retained,
                         reached[first] ? lost_bytes(model, graph->heap, members)
                                        : garbage_lost(model, graph->heap, reached, members));
    }
    assert_int_equal(in_cycles, wanted);
    barrow_cycles_free(cycles, count);
}

static void check_all(struct barrow_heap *heap, uint64_t *seed)
{
    struct barrow_graph *graph;
    struct barrow_error err = {0};
    struct model *model = malloc(sizeof *model);
    uint32_t *garbage;
    size_t count;
    model_of(model, heap);
    if (barrow_graph_of(&graph, heap, NULL, &err) < 0)
        fail_msg("%s", err.text);
    check_dominators(graph, model);
    check_order(graph);
    check_neighbours(graph, model);
    check_groups(graph, model);
    check_sets(graph, model, seed);
    check_cycles(graph, model);
    assert_int_equal(barrow_graph_garbage(graph, &garbage, &count, NULL), 0);
    assert_int_equal(count, graph->unreachable);
    free(garbage);
    barrow_graph_free(graph);
    barrow_heap_free(heap);
    free(model);
}

static void test_random_graphs(void **state)
{
    (void)state;
    uint64_t seed = 4711;
    for (uint64_t i = 0; i < 10000; i++) {
        uint32_t objects = (uint32_t)(maker_next(&seed) % 61);
        uint32_t edges = (uint32_t)(maker_next(&seed) % (objects * 3 + 1));
        check_all(maker_random(i + 1, objects, edges), &seed);
    }
}

/* ---- by hand ----
 *
 * Object n has 2^n bytes, so that a retained size says of what it consists.  0 is the super-root, A
 * to D are roots, > is a reference, ~ a weak one; a root that nothing leads to hangs from 0.  Then
 * what each object retains. */
static const struct {
    const char *what, *edges, *retained;
} by_hand[] = {
    {"a chain", "A>1 1>2 2>3", "1:123 2:23 3:3"},
    {"from the super-root", "0>1 1>2", "1:12 2:2"},
    {"a diamond", "A>1 1>2 1>3 2>4 3>4", "1:1234 2:2 3:3 4:4"},
    {"two roots share", "A>1 B>2 1>3 2>3", "1:1 2:2 3:3"},
    {"a root twice", "A>1 A>1 1>2 1>2", "1:12 2:2"},
    {"a tree of roots", "A>B B>1 A>2 1>3 2>3", "1:1 2:2 3:3"},
    {"a loop of one", "A>1 1>1 1>2", "1:12 2:2"},
    {"a ring with a way in", "A>1 1>2 2>3 3>1", "1:123 2:23 3:3"},
    {"a ring with two ways in", "A>1 1>2 2>3 3>1 B>3", "1:12 2:2 3:3"},
    {"a ring behind a gate", "A>1 1>2 2>3 3>2 3>4", "1:1234 2:234 3:34 4:4"},
    {"weak keeps nothing", "A>1 1~2 A>3 3>2", "1:1 2:2 3:23"},
    {"only weak", "A>1 1~2 2>3", "1:1 2:2 3:3"},
    {"weak and strong", "A>1 1~2 1>2", "1:12 2:2"},
    {"a weak root", "A~1 1>2 B>2", "1:1 2:2"},
    {"garbage holds what lives", "A>1 1>2 3>2 3>4 4>3", "1:12 2:2 3:3 4:4"},
    {"an island", "A>1 2>3 3>2", "1:1 2:2 3:3"},
    {"nothing lives", "1>2 2>1", "1:1 2:2"},
    {"a bridge", "A>1 1>2 1>3 2>4 3>4 4>5 5>6 5>7 6>8 7>8",
     "1:12345678 4:45678 5:5678 6:6 7:7 8:8"},
    {"a way around", "A>1 1>2 2>3 3>4 1>4", "1:1234 2:23 3:3 4:4"},
    {"back and across", "A>1 1>2 2>3 3>1 1>4 4>3 3>5", "1:12345 2:2 3:35 4:4 5:5"},
    {"irreducible", "A>1 1>2 1>3 2>3 3>2 2>4", "1:1234 2:24 3:3 4:4"},
    {"twice irreducible", "A>1 B>2 1>2 2>1 1>3 2>3 3>1", "1:1 2:2 3:3"},
    /* From Lengauer and Tarjan's paper: r=0, a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 ... */
    {"of the paper, a part", "A>1 A>2 A>3 1>4 2>1 2>4 2>5 3>6 3>7 5>8 6>9 7>9 8>5 8>1 9>8",
     "1:1 2:2 3:3679 4:4 5:5 6:6 7:7 8:8 9:9"},
    {"a list and who looks into it", "A>1 1>2 1>3 1>4 B>5 5>3", "1:124 2:2 3:3 4:4 5:5"},
    {"three in a row, each with a helper", "A>1 1>2 1>3 2>4 4>5 4>6 5>7 6>7 3>8 7>9",
     "1:123456789 2:245679 4:45679 3:38 7:79 5:5 6:6"},
    {"a root below a root retains too", "A>B B>1 1>2 A>2", "1:1 2:2"},
};

static uint32_t vertex_of(struct heap_maker *maker, char letter, uint32_t *roots)
{
    if (letter >= 'A') {
        if (!roots[letter - 'A'])
            roots[letter - 'A'] = maker_root(maker, HEAP_ROOT_MODULE, 0, "");
        return roots[letter - 'A'];
    }
    while (letter > '0' && maker->objects.count < (size_t)(letter - '0'))
        maker_object(maker, 1, (uint64_t)1 << (maker->objects.count + 1));
    return (uint32_t)(letter - '0');
}

static struct barrow_heap *draw(const char *edges)
{
    struct heap_maker maker = {0};
    uint32_t roots[4] = {0};
    maker_type(&maker, "Thing", "", HEAP_TYPE_GC);
    for (; *edges; edges += edges[3] ? 4 : 3) {
        uint32_t from = vertex_of(&maker, edges[0], roots);
        uint32_t to = vertex_of(&maker, edges[2], roots);
        uint32_t name = edges[1] == '~' ? HEAP_NAME(HEAP_NAME_WEAK, 0) : 0;
        if (edges[2] >= 'A')
            maker.roots.items[to].parent = from;
        else if (edges[0] >= 'A' || edges[0] == '0')
            maker_root_edge(&maker, from, to, name);
        else
            maker_edge(&maker, from, to, name);
    }
    return maker_heap(&maker);
}

static void test_graphs_by_hand(void **state)
{
    (void)state;
    uint64_t seed = 1;
    assert_true(sizeof by_hand / sizeof *by_hand >= 25);
    for (size_t i = 0; i < sizeof by_hand / sizeof *by_hand; i++) {
        struct barrow_heap *heap = draw(by_hand[i].edges);
        struct barrow_graph *graph;
        assert_int_equal(barrow_graph_of(&graph, heap, NULL, NULL), 0);
        for (const char *at = by_hand[i].retained; *at;) {
            uint32_t object = (uint32_t)(*at - '0');
            uint64_t wanted = 0;
            for (at += 2; *at && *at != ' '; at++)
                wanted += (uint64_t)1 << (*at - '0');
            at += *at == ' ';
            if (graph->retained[object] != wanted)
                fail_msg("%s: %u retains %lx, not %lx", by_hand[i].what, object,
                         (unsigned long)graph->retained[object], (unsigned long)wanted);
        }
        barrow_graph_free(graph);
        check_all(heap, &seed);
    }
}

/* ---- large ---- */

/* A list of a million links that ends in what two ways lead to: no recursion, no quadratic work. */
static void test_long_chain(void **state)
{
    (void)state;
    enum { LENGTH = 1000000 };
    struct heap_maker maker = {0};
    struct barrow_graph *graph;
    uint32_t type = maker_type(&maker, "Link", "", HEAP_TYPE_GC);
    for (uint32_t i = 1; i <= LENGTH; i++) {
        maker_object(&maker, type, 16);
        if (i > 1) {
            maker_edge(&maker, i - 1, i, 0);
            maker_edge(&maker, i, i - 1, 0);
        }
    }
    maker_root_edge(&maker, 0, 1, 0);
    maker_root_edge(&maker, maker_root(&maker, HEAP_ROOT_BUILTINS, 0, ""), LENGTH, 0);
    struct barrow_heap *heap = maker_heap(&maker);
    assert_int_equal(barrow_graph_of(&graph, heap, NULL, NULL), 0);
    for (uint32_t i = 1; i <= LENGTH; i++)
        assert_int_equal(graph->idom[i], 0);
    struct barrow_cycle *cycles;
    struct barrow_class_row *rows;
    size_t count;
    assert_int_equal(barrow_graph_classes(graph, &rows, &count, NULL), 0);
    assert_int_equal(rows[0].retained, 16 * LENGTH);
    free(rows);
    assert_int_equal(barrow_graph_cycles(graph, &cycles, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(cycles[0].count, LENGTH);
    assert_int_equal(cycles[0].retained, 16 * LENGTH);
    barrow_cycles_free(cycles, count);
    barrow_graph_free(graph);
    barrow_heap_free(heap);
}

/* A list that is linked both ways, found from its first link by way of a class, from its last by
 * another: what each class cuts off spreads against the order of the search, link by link. */
static void test_long_list_from_both_ends(void **state)
{
    (void)state;
    enum { LENGTH = 1000000 };
    struct heap_maker maker = {0};
    struct barrow_graph *graph;
    struct barrow_class_row *rows;
    size_t count;
    uint32_t first = maker_type(&maker, "First", "", HEAP_TYPE_GC);
    uint32_t last = maker_type(&maker, "Last", "", HEAP_TYPE_GC);
    uint32_t link = maker_type(&maker, "Link", "", HEAP_TYPE_GC);
    for (int i = 0; i < 4; i++)
        maker_object(&maker, i % 2 ? last : first, 100);
    for (uint32_t i = 1; i <= LENGTH; i++) {
        uint32_t self = maker_object(&maker, link, 16);
        if (i > 1) {
            maker_edge(&maker, self - 1, self, 0);
            maker_edge(&maker, self, self - 1, 0);
        }
    }
    for (uint32_t i = 1; i <= 4; i++) {
        maker_edge(&maker, i, i % 2 ? 5 : 4 + LENGTH, 0);
        maker_root_edge(&maker, 0, i, 0);
    }
    struct barrow_heap *heap = maker_heap(&maker);
    assert_int_equal(barrow_graph_of(&graph, heap, NULL, NULL), 0);
    assert_int_equal(barrow_graph_classes(graph, &rows, &count, NULL), 0);
    assert_int_equal(count, 3);
    assert_int_equal(rows[0].type, link);
    assert_int_equal(rows[0].retained, 16 * LENGTH);
    assert_int_equal(rows[1].retained, 200);
    assert_int_equal(rows[2].retained, 200);
    free(rows);
    barrow_graph_free(graph);
    barrow_heap_free(heap);
}

/* More classes than fit one pass. */
static void test_many_groups(void **state)
{
    (void)state;
    enum { CLASSES = 1500 };
    struct heap_maker maker = {0};
    struct barrow_graph *graph;
    uint64_t *retained = calloc(CLASSES + 1, sizeof *retained);
    uint32_t top = maker_object(&maker, maker_type(&maker, "list", "", 0), 100);
    for (uint32_t i = 0; i < CLASSES; i++) { /* a pair that together keeps a third alive */
        char name[16];
        snprintf(name, sizeof name, "C%u", i);
        uint32_t type = maker_type(&maker, name, "", 0);
        uint32_t a = maker_object(&maker, type, 10), b = maker_object(&maker, type, 20);
        uint32_t c = maker_object(&maker, 1, 1000 + i);
        maker_edge(&maker, top, a, 0);
        maker_edge(&maker, top, b, 0);
        maker_edge(&maker, a, c, 0);
        maker_edge(&maker, b, c, 0);
    }
    maker_root_edge(&maker, 0, top, 0);
    struct barrow_heap *heap = maker_heap(&maker);
    assert_int_equal(barrow_graph_of(&graph, heap, NULL, NULL), 0);
    uint32_t *group = calloc(heap->object_count + 1, sizeof *group);
    for (uint32_t v = 1; v <= heap->object_count; v++)
        group[v] = heap->type[v] - 1;
    assert_int_equal(barrow_graph_retained_by(graph, group, CLASSES, retained, NULL, NULL), 0);
    for (uint32_t i = 0; i < CLASSES; i++)
        assert_int_equal(retained[i + 1], 30 + 1000 + i);
    free(group);
    free(retained);
    barrow_graph_free(graph);
    barrow_heap_free(heap);
}

/* By way of a file: the same in two steps. */
static void test_load(void **state)
{
    (void)state;
    struct barrow_heap *heap = maker_big(30000, 5);
    struct barrow_graph *a, *b;
    struct barrow_error err = {0};
    char path[] = "/tmp/test_graph.XXXXXX";
    size_t bytes;
    unsigned char *ledger = maker_ledger(&heap, 1, NULL, 0, &bytes);
    FILE *file = fdopen(mkstemp(path), "wb");
    assert_int_equal(fwrite(ledger, 1, bytes, file), bytes);
    fclose(file);
    assert_int_equal(barrow_graph_of(&a, heap, NULL, NULL), 0);
    if (barrow_graph_load(&b, path, 1, NULL, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(a->vertex_count, b->vertex_count);
    assert_memory_equal(a->idom, b->idom, a->vertex_count * sizeof *a->idom);
    assert_memory_equal(a->retained, b->retained, a->vertex_count * sizeof *a->retained);
    barrow_graph_free(b);
    assert_int_equal(barrow_graph_load(&b, path, 2, NULL, &err), -1);
    assert_null(b);
    assert_int_equal(remove(path), 0);
    assert_int_equal(barrow_graph_load(&b, path, 1, NULL, &err), -1);
    assert_int_equal(err.code, BARROW_E_IO);
    barrow_graph_free(a);
    barrow_heap_free(heap);
    free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graphs_by_hand), cmocka_unit_test(test_random_graphs),
        cmocka_unit_test(test_long_chain),     cmocka_unit_test(test_long_list_from_both_ends),
        cmocka_unit_test(test_many_groups),    cmocka_unit_test(test_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
