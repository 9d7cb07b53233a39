/* Paths, their words, merged trees, suspects and differences of heap snapshots: on graphs of any
 * shape for what must hold of all, on made ones for what they should say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/heap_diff.h"
#include "graph/loop.h"
#include "graph/paths.h"
#include "graph/suspects.h"
#include "heap_maker.h"

enum { GRAPHS = 1500 };

static char *text_of(struct barrow_buffer *buffer)
{
    char *text = barrow_buffer_text(buffer);
    assert_non_null(text);
    return text;
}

/* ---- any graph ---- */

static void check_paths(const struct barrow_graph *graph, const struct barrow_paths *paths)
{
    const struct barrow_heap *heap = graph->heap;
    for (uint32_t v = 1; v <= graph->object_count; v++) {
        struct barrow_step *steps;
        size_t count;
        assert_int_equal(paths->parent[v] == GRAPH_NONE, graph->idom[v] == GRAPH_NONE);
        assert_int_equal(barrow_paths_to(paths, v, &steps, &count, NULL), 0);
        assert_int_equal(count == 0, paths->parent[v] == GRAPH_NONE);
        for (size_t i = 0; i < count; i++) {
            bool root = barrow_graph_is_root(graph, steps[i].from);
            uint32_t target =
                root ? heap->root_edges[steps[i].edge].target : heap->target[steps[i].edge];
            uint32_t name = root ? heap->root_edges[steps[i].edge].name : heap->name[steps[i].edge];
            assert_int_equal(target, steps[i].to);
            assert_int_equal(name, steps[i].name);
            assert_int_not_equal(name >> HEAP_NAME_SHIFT, HEAP_NAME_WEAK);
            assert_int_equal(root, i == 0);
            if (i)
                assert_int_equal(steps[i].from, steps[i - 1].to);
        }
        if (count)
            assert_int_equal(steps[count - 1].to, v);
        struct barrow_buffer words = {0};
        barrow_words_path(&words, graph, steps, count);
        free(text_of(&words));
        free(steps);
    }
}

static void check_cuts(const struct barrow_graph *graph, const struct barrow_paths *paths)
{
    struct barrow_step step;
    for (uint32_t v = 1; v <= graph->object_count; v++)
        if (barrow_paths_step(paths, v, &step)) {
            uint64_t freed = barrow_paths_cut(paths, &step);
            assert_true(freed == 0 || freed == graph->retained[v]);
            assert_true(freed == 0 || graph->idom[v] == step.from);
        }
}

static void check_merged(const struct barrow_graph *graph, const struct barrow_paths *paths)
{
    uint32_t *all = calloc(graph->object_count + 1u, sizeof *all), reached = 0;
    struct barrow_merged merged;
    uint64_t bytes = 0, ends = 0;
    for (uint32_t v = 1; v <= graph->object_count; v++) {
        all[v - 1] = v;
        if (paths->parent[v] != GRAPH_NONE) {
            reached++;
            bytes += barrow_heap_bytes(graph->heap, v);
        }
    }
    assert_int_equal(barrow_merged_of(&merged, paths, all, graph->object_count, NULL), 0);
    assert_int_equal(merged.nodes[0].objects, reached);
    assert_int_equal(merged.nodes[0].bytes, bytes);
    assert_int_equal(merged.unreached, graph->object_count - reached);
    for (uint32_t n = 0; n < merged.count; n++) {
        const struct barrow_merged_node *node = &merged.nodes[n];
        uint64_t below = node->ends;
        ends += node->ends;
        for (uint32_t i = 0; i < node->children; i++) {
            uint32_t child = merged.order[node->first_child + i];
            assert_int_equal(merged.nodes[child].parent, n);
            below += merged.nodes[child].objects;
            if (i)
                assert_true(merged.nodes[child].objects <=
                            merged.nodes[merged.order[node->first_child + i - 1]].objects);
        }
        assert_int_equal(below, node->objects);
        struct barrow_buffer words = {0};
        barrow_merged_words(&words, &merged, paths, n);
        free(text_of(&words));
    }
    assert_int_equal(ends, reached);
    barrow_merged_free(&merged);
    free(all);
}

struct sum {
    const struct barrow_heap *heap;
    uint64_t objects, bytes;
};

static void add(void *context, uint32_t object)
{
    struct sum *sum = context;
    sum->objects++;
    sum->bytes += barrow_heap_bytes(sum->heap, object);
}

static void check_suspects(struct barrow_graph *graph, const struct barrow_paths *paths)
{
    uint8_t *counts = malloc(graph->object_count + 1u);
    memset(counts, 1, graph->object_count + 1u);
    struct barrow_suspect_query query = {.counts = counts, .share = 0.1};
    struct barrow_suspect *suspects;
    size_t count;
    assert_int_equal(barrow_suspects_find(graph, paths, &query, &suspects, &count, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        struct sum sum = {.heap = graph->heap};
        struct barrow_suspect_visitor visitor = {add, &sum};
        assert_int_equal(barrow_suspect_each(graph, &suspects[i], counts, visitor, NULL), 0);
        assert_int_equal(sum.objects, suspects[i].objects);
        assert_int_equal(sum.bytes, suspects[i].bytes);
        assert_true(suspects[i].member_count > 0);
        assert_int_equal(suspects[i].path == NULL, suspects[i].kind == BARROW_SUSPECT_GARBAGE);
        if (i)
            assert_true(suspects[i].bytes <= suspects[i - 1].bytes);
    }
    barrow_suspects_free(suspects, count);
    free(counts);
}

static void check_referrers(struct barrow_graph *graph, uint32_t v)
{
    struct barrow_paths *without;
    struct barrow_step *last;
    size_t count;
    assert_int_equal(barrow_graph_referrers(graph, NULL), 0);
    assert_int_equal(barrow_paths_find_without(&without, graph, v, NULL), 0);
    assert_int_equal(barrow_paths_referrers(without, v, &last, &count, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        struct barrow_step *steps;
        size_t length;
        assert_int_equal(last[i].to, v);
        assert_int_equal(barrow_paths_through(without, &last[i], &steps, &length, NULL), 0);
        for (size_t k = 0; k + 1 < length; k++)
            assert_int_not_equal(steps[k].to, v);
        free(steps);
    }
    assert_int_equal(count > 0, graph->idom[v] != GRAPH_NONE);
    free(last);
    barrow_paths_free(without);
}

static void check_loops(struct barrow_graph *graph)
{
    struct barrow_loops *loops = barrow_loops_new(graph);
    struct barrow_cycle *cycles;
    size_t count;
    assert_int_equal(barrow_graph_cycles(graph, &cycles, &count, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        struct barrow_step *steps;
        size_t length;
        uint32_t start = cycles[i].members[cycles[i].count / 2];
        assert_int_equal(
            barrow_loop_find(loops, cycles[i].members, cycles[i].count, start, &steps, &length), 0);
        assert_true(length > 0 && length <= cycles[i].count);
        assert_int_equal(steps[0].from, start);
        assert_int_equal(steps[length - 1].to, start);
        free(steps);
    }
    barrow_cycles_free(cycles, count);
    barrow_loops_free(loops);
}

static void test_any_graph(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
        struct barrow_heap *heap =
            maker_random(seed, 5 + (uint32_t)(seed % 50), (uint32_t)(seed % 160));
        struct barrow_graph *graph;
        struct barrow_paths *paths;
        assert_int_equal(barrow_graph_of(&graph, heap, NULL, NULL), 0);
        assert_int_equal(barrow_paths_find(&paths, graph, NULL), 0);
        check_paths(graph, paths);
        check_cuts(graph, paths);
        check_merged(graph, paths);
        check_suspects(graph, paths);
        check_referrers(graph, 1 + (uint32_t)(seed % graph->object_count));
        check_loops(graph);
        barrow_paths_free(paths);
        barrow_graph_free(graph);
        barrow_heap_free(heap);
    }
}

/* ---- made ones ---- */

struct made {
    struct barrow_heap **heaps, *heap;
    size_t count;
    struct barrow_graph *graph;
    struct barrow_paths *paths;
};

#define TYPES                                                            \
    "type dict class=dict flags=gc,container,dict\n"                     \
    "type list class=list flags=gc,container\n"                          \
    "type str class=str flags=text\n"                                    \
    "type int class=int flags=number\n"                                  \
    "type module class=module flags=gc,module\n"                         \
    "type A class=A module=app flags=gc,heap\n"                          \
    "type B class=B module=app flags=gc,heap\n"                          \
    "root modules modules name=\n"                                       \
    "root app module parent=modules name=app\n"                          \
    "root threads threads name=\n"                                       \
    "root thread thread parent=threads name=MainThread\n"                \
    "root main frame parent=thread name=main file=/srv/app.py line=12\n" \
    "root c c_code name=\n"

static struct made make(const char *text)
{
    struct made made = {0};
    unsigned line = 0;
    const char *why = "";
    char *all = malloc(strlen(TYPES) + strlen(text) + 1);
    strcpy(all, TYPES);
    strcat(all, text);
    made.heaps = maker_read_text(all, &made.count, &line, &why);
    free(all);
    if (!made.heaps)
        fail_msg("line %u: %s", line, why);
    made.heap = made.heaps[0];
    assert_int_equal(barrow_graph_of(&made.graph, made.heap, NULL, NULL), 0);
    assert_int_equal(barrow_paths_find(&made.paths, made.graph, NULL), 0);
    return made;
}

static void unmake(struct made *made)
{
    barrow_paths_free(made->paths);
    barrow_graph_free(made->graph);
    for (size_t i = 0; i < made->count; i++)
        barrow_heap_free(made->heaps[i]);
    free(made->heaps);
}

static void expect_path(const struct made *made, uint32_t object, const char *wanted)
{
    struct barrow_buffer words = {0};
    struct barrow_step *steps;
    size_t count;
    assert_int_equal(barrow_paths_to(made->paths, object, &steps, &count, NULL), 0);
    barrow_words_path(&words, made->graph, steps, count);
    char *text = text_of(&words);
    assert_string_equal(text, wanted);
    free(text);
    free(steps);
}

static void test_words(void **state)
{
    (void)state;
    struct made made = make("object mod module 72\n"           /* 1 */
                            "object globals dict 232\n"        /* 2 */
                            "object k1 str 50 text=server\n"   /* 3 */
                            "object server A 48\n"             /* 4 */
                            "object own dict 232\n"            /* 5 */
                            "object k2 str 50 text=sessions\n" /* 6 */
                            "object sessions list 100\n"       /* 7 */
                            "object b B 48\n"                  /* 8 */
                            "object byname dict 232\n"         /* 9 */
                            "object k3 str 50 text=\"a\\b\"\n" /* 10 */
                            "object k4 int 28\n"               /* 11 */
                            "object x B 48\n"                  /* 12 */
                            "object y B 48\n"                  /* 13 */
                            "object local list 64\n"           /* 14 */
                            "object held A 48\n"               /* 15 */
                            "edge mod globals attribute __dict__\n"
                            "edge globals k1 key\nedge globals server value\n"
                            "edge server own attribute __dict__\n"
                            "edge own k2 key\nedge own sessions value\n"
                            "edge sessions b index 17\n"
                            "edge b byname attribute by_name\n"
                            "edge byname k3 key\nedge byname x value\n"
                            "edge byname k4 key\nedge byname y value\n"
                            "rootedge app mod internal\n"
                            "rootedge main local variable cache\n"
                            "rootedge c held counted 2\n");
    expect_path(&made, 1, "app");
    expect_path(&made, 4, "app.server");
    expect_path(&made, 7, "app.server.sessions");
    expect_path(&made, 8, "app.server.sessions[17]");
    expect_path(&made, 12, "app.server.sessions[17].by_name[\"a\\\\b\"]");
    expect_path(&made, 13, "app.server.sessions[17].by_name[int]");
    expect_path(&made, 14, "cache, local of main (app.py:12) in thread MainThread");
    expect_path(&made, 15, "app.A, held by C code (2 references)");
    unmake(&made);
}

/* A function's globals and an object's class say less than names do, however short they are; frames
 * come behind modules. */
static void test_noise_comes_last(void **state)
{
    (void)state;
    struct made made =
        make("object mod module 72\n"    /* 1 */
             "object f A 100\n"          /* 2 */
             "object globals dict 232\n" /* 3 */
             "object k str 50 text=long\n"
             "object a A 48\n"      /* 5 */
             "object b A 48\n"      /* 6 */
             "object target B 48\n" /* 7 */
             "edge mod f attribute f\n"
             "edge f globals attribute __globals__\n"
             "edge globals k key\nedge globals target value\n"
             "edge f a attribute a\nedge a b attribute b\nedge b target attribute t\n"
             "edge b globals weak\n"
             "rootedge app mod internal\n"
             "rootedge c target counted 1\n");
    expect_path(&made, 7, "app.f.a.b.t");
    expect_path(&made, 3, "app.f.__globals__");
    unmake(&made);
}

static void test_merged(void **state)
{
    (void)state;
    struct made made =
        make("object mod module 72\n"
             "object sessions list 100\n"
             "object a1 A 40\nobject a2 A 40\nobject b1 B 40\n"
             "object s1 str 10\nobject s2 str 20\n"
             "edge mod sessions attribute sessions\n"
             "edge sessions a1 index 0\nedge sessions a2 index 1\nedge sessions b1 index 2\n"
             "edge a1 s1 attribute name\nedge a2 s2 attribute name\n"
             "rootedge app mod internal\n");
    const uint32_t texts[] = {6, 7};
    struct barrow_merged merged;
    struct barrow_buffer words = {0};
    assert_int_equal(barrow_merged_of(&merged, made.paths, texts, 2, NULL), 0);
    uint32_t node = barrow_merged_common(&merged, 0.8);
    assert_int_equal(merged.nodes[node].objects, 2);
    assert_int_equal(merged.nodes[node].vertices, 2);
    assert_int_equal(merged.nodes[node].bytes, 30);
    barrow_merged_words(&words, &merged, made.paths, node);
    char *text = text_of(&words);
    assert_string_equal(text, "app.sessions[*].name");
    free(text);
    barrow_merged_free(&merged);
    unmake(&made);
}

/* ---- suspects ---- */

static void test_suspect_container(void **state)
{
    (void)state;
    struct heap_maker maker = {0};
    uint32_t module = maker_type(&maker, "module", "", HEAP_TYPE_GC | HEAP_TYPE_MODULE);
    uint32_t list = maker_type(&maker, "list", "", HEAP_TYPE_GC | HEAP_TYPE_CONTAINER);
    uint32_t page = maker_type(&maker, "Page", "app", HEAP_TYPE_GC | HEAP_TYPE_HEAP);
    uint32_t mod = maker_object(&maker, module, 72), cache = maker_object(&maker, list, 1000);
    uint32_t other = maker_object(&maker, list, 5000);
    maker_edge(&maker, mod, cache, maker_name(&maker, HEAP_NAME_ATTRIBUTE, "cache"));
    maker_edge(&maker, mod, other, maker_name(&maker, HEAP_NAME_ATTRIBUTE, "other"));
    for (uint32_t i = 0; i < 100; i++)
        maker_edge(&maker, cache, maker_object(&maker, page, 1000), HEAP_NAME(HEAP_NAME_INDEX, i));
    maker_root_edge(&maker, maker_root(&maker, HEAP_ROOT_MODULE, 0, "app"), mod,
                    HEAP_NAME(HEAP_NAME_INTERNAL, 0));
    struct barrow_heap *heap = maker_heap(&maker);
    struct barrow_graph *graph;
    struct barrow_paths *paths;
    assert_int_equal(barrow_graph_of(&graph, heap, NULL, NULL), 0);
    assert_int_equal(barrow_paths_find(&paths, graph, NULL), 0);

    uint8_t *counts = malloc(heap->object_count + 1u);
    memset(counts, 1, heap->object_count + 1u);
    struct barrow_suspect_query query = {.counts = counts, .share = 0.1};
    struct barrow_suspect *suspects;
    size_t count;
    assert_int_equal(barrow_suspects_find(graph, paths, &query, &suspects, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(suspects[0].holder, cache);
    assert_int_equal(suspects[0].objects, 100);
    assert_int_equal(suspects[0].bytes, 100 * 1000);
    assert_string_equal(suspects[0].path, "app.cache[*]");
    barrow_suspects_free(suspects, count);

    query.least_bytes = 200 * 1000; /* more than there is */
    assert_int_equal(barrow_suspects_find(graph, paths, &query, &suspects, &count, NULL), 0);
    assert_int_equal(count, 0);
    barrow_suspects_free(suspects, count);
    free(counts);
    barrow_paths_free(paths);
    barrow_graph_free(graph);
    barrow_heap_free(heap);
}

/* An undo list: the head is what is held, its holder is not in it. */
static void test_suspect_chain(void **state)
{
    (void)state;
    struct heap_maker maker = {0};
    uint32_t module = maker_type(&maker, "module", "", HEAP_TYPE_GC | HEAP_TYPE_MODULE);
    uint32_t document = maker_type(&maker, "Document", "app", HEAP_TYPE_GC | HEAP_TYPE_HEAP);
    uint32_t state_type = maker_type(&maker, "State", "app", HEAP_TYPE_GC | HEAP_TYPE_HEAP);
    uint32_t mod = maker_object(&maker, module, 72), doc = maker_object(&maker, document, 48),
             last = doc;
    maker_edge(&maker, mod, doc, maker_name(&maker, HEAP_NAME_ATTRIBUTE, "document"));
    for (int i = 0; i < 5000; i++) {
        uint32_t next = maker_object(&maker, state_type, 100);
        maker_edge(&maker, last, next,
                   maker_name(&maker, HEAP_NAME_ATTRIBUTE, i ? "before" : "state"));
        last = next;
    }
    maker_root_edge(&maker, maker_root(&maker, HEAP_ROOT_MODULE, 0, "app"), mod,
                    HEAP_NAME(HEAP_NAME_INTERNAL, 0));
    struct barrow_heap *heap = maker_heap(&maker);
    struct barrow_graph *graph;
    struct barrow_paths *paths;
    assert_int_equal(barrow_graph_of(&graph, heap, NULL, NULL), 0);
    assert_int_equal(barrow_paths_find(&paths, graph, NULL), 0);
    uint8_t *counts = malloc(heap->object_count + 1u);
    memset(counts, 1, heap->object_count + 1u);
    struct barrow_suspect_query query = {.counts = counts, .share = 0.1};
    struct barrow_suspect *suspects;
    size_t count;
    assert_int_equal(barrow_suspects_find(graph, paths, &query, &suspects, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(suspects[0].holder, doc);
    assert_int_equal(suspects[0].objects, 5000);
    assert_string_equal(suspects[0].path, "app.document.state");
    barrow_suspects_free(suspects, count);
    free(counts);
    barrow_paths_free(paths);
    barrow_graph_free(graph);
    barrow_heap_free(heap);
}

/* ---- differences ---- */

static const struct barrow_heap_change *row_of(struct barrow_heap_diff *diff, const char *name)
{
    size_t count;
    struct barrow_heap_change *rows = barrow_heap_diff_rows(diff, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    fail_msg("no row %s", name);
    return NULL;
}

static void test_diff(void **state)
{
    (void)state;
    struct made made =
        make("object list list 100 address=0x1000 birth=1\n"
             "object a1 A 48 address=0x2000 birth=2\n"
             "object a2 A 48 address=0x2040 birth=2\n"
             "object s str 60 address=0x3000 birth=3\n"
             "snapshot\n" TYPES "object list list 300 address=0x1000 birth=1\n" /* grown */
             "object a1 A 48 address=0x2000 birth=2\n"                          /* survives */
             "object other A 48 address=0x2040 birth=5\n" /* born elsewhere: another */
             "object a3 A 48 address=0x2080 birth=2\n"
             "object s str 80 address=0x3000 birth=3\n" /* texts don't grow: another */
             "object b B 10 address=0x4000\n");
    struct barrow_heap_diff *diff = barrow_heap_diff_new(NULL);
    assert_int_equal(made.count, 2);
    assert_int_equal(barrow_heap_diff_add(diff, made.heaps[0], NULL), 0);
    assert_int_equal(barrow_heap_diff_add(diff, made.heaps[1], NULL), 0);
    assert_int_equal(barrow_heap_diff_match(diff, made.heaps[0], made.heaps[1], NULL), 0);
    const struct barrow_heap_change *a = row_of(diff, "app.A"), *list = row_of(diff, "list");
    assert_int_equal(a->at[0].objects, 2);
    assert_int_equal(a->at[1].objects, 3);
    assert_int_equal(a->survived.objects, 1);
    assert_int_equal(a->fresh.objects, 2);
    assert_int_equal(a->gone.objects, 1);
    assert_int_equal(list->survived.objects, 1);
    assert_int_equal(list->grown.objects, 1);
    assert_int_equal(list->grown.bytes, 200);
    assert_int_equal(row_of(diff, "str")->fresh.objects, 1);
    assert_int_equal(row_of(diff, "str")->gone.bytes, 60);
    assert_int_equal(row_of(diff, "app.B")->at[0].objects, 0);
    barrow_heap_diff_free(diff);
    unmake(&made);
}

/* Each object of both is in exactly one of the sums; a snapshot compared with itself survives
 * whole. */
static void test_diff_adds_up(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 200; seed++) {
        struct barrow_heap *before = maker_random(seed, 40, 60);
        struct barrow_heap *after = maker_random(seed % 3 ? seed + 1 : seed, 50, 60);
        struct barrow_heap_diff *diff = barrow_heap_diff_new(NULL);
        size_t count;
        uint64_t old = 0, new = 0;
        assert_int_equal(barrow_heap_diff_add(diff, before, NULL), 0);
        assert_int_equal(barrow_heap_diff_add(diff, after, NULL), 0);
        assert_int_equal(barrow_heap_diff_match(diff, before, after, NULL), 0);
        struct barrow_heap_change *rows = barrow_heap_diff_rows(diff, &count);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(rows[i].at[1].objects,
                             rows[i].fresh.objects + rows[i].survived.objects);
            assert_int_equal(rows[i].at[0].objects,
                             rows[i].gone.objects + rows[i].survived.objects);
            old += rows[i].at[0].objects;
            new += rows[i].at[1].objects;
        }
        assert_int_equal(old, before->object_count);
        assert_int_equal(new, after->object_count);
        barrow_heap_diff_free(diff);
        barrow_heap_free(before);
        barrow_heap_free(after);
    }
}

static void test_slope(void **state)
{
    (void)state;
    const uint64_t times[] = {0, 1000000000, 2000000000, 3000000000}, values[] = {5, 7, 9, 11};
    assert_true(barrow_slope(times, values, 4) > 1.999 && barrow_slope(times, values, 4) < 2.001);
    assert_true(barrow_slope(times, values, 1) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_graph),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_noise_comes_last),
        cmocka_unit_test(test_merged),
        cmocka_unit_test(test_suspect_container),
        cmocka_unit_test(test_suspect_chain),
        cmocka_unit_test(test_diff),
        cmocka_unit_test(test_diff_adds_up),
        cmocka_unit_test(test_slope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
