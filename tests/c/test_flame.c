/* Flame graphs of random call trees beside models that are too simple to be wrong: from the roots
 * down each node is a cell; inverted each beginning of a path to the root is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "table/flame.h"

enum { MOST = 80, ROUNDS = 400, DEEP = 10000, WIDE = 300 };

static uint64_t seed;

static unsigned below(unsigned limit)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % limit;
}

/* ---- call trees ---- */

static void add_up(struct barrow_calltree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        tree->nodes[i].total = tree->nodes[i].own;
    for (size_t i = tree->count; i-- > 1;) {
        struct barrow_value *to = &tree->nodes[tree->nodes[i].parent].total;
        to->bytes += tree->nodes[i].total.bytes;
        to->blocks += tree->nodes[i].total.blocks;
    }
    for (uint32_t i = 1; i < tree->count; i++) { /* into the list of its parent, by falling bytes */
        uint32_t *place = &tree->nodes[tree->nodes[i].parent].first_child;
        while (*place && tree->nodes[*place].total.bytes >= tree->nodes[i].total.bytes)
            place = &tree->nodes[*place].next_sibling;
        tree->nodes[i].next_sibling = *place;
        *place = i;
    }
}

static struct barrow_calltree make_tree(size_t count, bool chain)
{
    struct barrow_calltree tree = {calloc(count, sizeof *tree.nodes), count};

    for (uint32_t i = 1; i < count; i++) {
        struct barrow_calltree_node *node = &tree.nodes[i];
        node->parent = chain || below(3) == 0 ? i - 1 : below(i);
        node->frame = below(5);
        node->is_folded = below(12) == 0;
        node->recursion = 1;
        if (below(3))
            node->own = (struct barrow_value){below(1000), 1 + below(4)};
    }
    add_up(&tree);
    return tree;
}

static struct barrow_flame build(const struct barrow_calltree *tree,
                                 struct barrow_flame_limits limits)
{
    struct barrow_flame flame;
    struct barrow_error err;

    assert_int_equal(barrow_flame_build(&flame, tree, &limits, &err), 0);
    return flame;
}

/* ---- models ---- */

static void check_from_the_roots(const struct barrow_calltree *tree)
{
    struct barrow_flame flame = build(tree, (struct barrow_flame_limits){0});
    uint32_t *cell_of = calloc(tree->count, sizeof *cell_of);
    size_t expected = 1;

    for (uint32_t i = 1; i < flame.count; i++) {
        assert_int_equal(flame.cells[i].count, 0);
        assert_int_equal(cell_of[flame.cells[i].node], 0);
        cell_of[flame.cells[i].node] = i;
    }
    for (uint32_t n = 1; n < tree->count; n++) {
        const struct barrow_calltree_node *node = &tree->nodes[n];
        const struct barrow_flame_cell *cell = &flame.cells[cell_of[n]];
        if (node->total.bytes == 0) {
            assert_int_equal(cell_of[n], 0);
            continue;
        }
        expected++;
        uint64_t start = flame.cells[cell->parent].start;
        for (uint32_t s = tree->nodes[node->parent].first_child; s != n;
             s = tree->nodes[s].next_sibling)
            start += tree->nodes[s].total.bytes;
        assert_int_equal(cell->parent, cell_of[node->parent]);
        assert_int_equal(cell->depth, flame.cells[cell->parent].depth + 1);
        assert_int_equal(cell->start, start);
        assert_memory_equal(&cell->total, &node->total, sizeof cell->total);
        assert_memory_equal(&cell->own, &node->own, sizeof cell->own);
    }
    assert_int_equal(flame.count, expected);
    free(cell_of);
    barrow_flame_free(&flame);
}

struct path {
    char looks[2 * MOST + 1]; /* of each frame, from the one that allocated */
    uint64_t bytes, own;
};

static void append_look(char *looks, const struct barrow_calltree_node *node)
{
    size_t length = strlen(looks);

    looks[length] = (char)('a' + node->frame * 2 + node->is_folded);
    looks[length + 1] = '\0';
}

static struct path *find_path(struct path *paths, size_t *count, const char *looks)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(paths[i].looks, looks) == 0)
            return &paths[i];
    struct path *path = &paths[(*count)++];
    *path = (struct path){.bytes = 0};
    strcpy(path->looks, looks);
    return path;
}

static void check_inverted(const struct barrow_calltree *tree)
{
    struct barrow_flame flame = build(tree, (struct barrow_flame_limits){.inverted = true});
    struct path *paths = calloc(MOST * MOST, sizeof *paths);
    size_t count = 0;

    for (uint32_t n = 1; n < tree->count; n++) {
        char looks[2 * MOST + 1] = "";
        for (uint32_t up = n; up && tree->nodes[n].own.bytes; up = tree->nodes[up].parent) {
            append_look(looks, &tree->nodes[up]);
            struct path *path = find_path(paths, &count, looks);
            path->bytes += tree->nodes[n].own.bytes;
            path->own += tree->nodes[up].parent ? 0 : tree->nodes[n].own.bytes;
        }
    }
    assert_int_equal(flame.count, count + 1);
    for (uint32_t i = 1; i < flame.count; i++) {
        char looks[2 * MOST + 1] = "", back[2 * MOST + 1] = "";
        for (uint32_t up = i; up; up = flame.cells[up].parent)
            append_look(back, &tree->nodes[flame.cells[up].node]);
        for (size_t k = strlen(back); k-- > 0;)
            strncat(looks, &back[k], 1);
        size_t known = count;
        const struct path *path = find_path(paths, &count, looks);
        assert_int_equal(count, known);
        assert_int_equal(flame.cells[i].total.bytes, path->bytes);
        assert_int_equal(flame.cells[i].own.bytes, path->own);
    }
    free(paths);
    barrow_flame_free(&flame);
}

/* ---- what holds under any limits ---- */

static void check_family(const struct barrow_flame *flame, uint32_t parent, uint64_t least,
                         bool is_cut)
{
    const struct barrow_flame_cell *cells = flame->cells;
    uint64_t at = cells[parent].start, last = UINT64_MAX;

    for (uint32_t c = cells[parent].first_child; c; c = cells[c].next_sibling) {
        assert_true(c > parent);
        assert_int_equal(cells[c].start, at);
        at += cells[c].total.bytes;
        if (cells[c].count) {
            assert_int_equal(cells[c].next_sibling, 0);
            assert_int_equal(cells[c].first_child, 0);
            assert_true(cells[c].largest < least);
            assert_true(cells[c].largest <= last);
            assert_true(cells[c].total.bytes <= cells[c].largest * cells[c].count);
        } else {
            assert_true(cells[c].total.bytes >= least);
            assert_true(cells[c].total.bytes <= last);
            last = cells[c].total.bytes;
        }
    }
    if (!is_cut && !cells[parent].count)
        assert_int_equal(at - cells[parent].start + cells[parent].own.bytes,
                         cells[parent].total.bytes);
}

static void check_limits(const struct barrow_calltree *tree, bool inverted)
{
    struct barrow_flame_limits limits = {
        .inverted = inverted, .max_depth = 1 + below(6), .least_bytes = below(800)};
    struct barrow_flame whole = build(tree, (struct barrow_flame_limits){.inverted = inverted});
    struct barrow_flame flame = build(tree, limits);

    assert_true(flame.depth <= limits.max_depth);
    for (uint32_t i = 0; i < flame.count; i++) {
        assert_true(i == 0 || flame.cells[i].depth >= flame.cells[i - 1].depth);
        check_family(&flame, i, limits.least_bytes, flame.cells[i].depth == limits.max_depth);
    }
    barrow_flame_free(&flame);
    limits.least_bytes = 0;
    flame = build(tree, limits);
    assert_int_equal(flame.hidden,
                     whole.depth > limits.max_depth ? whole.depth - limits.max_depth : 0);
    for (uint32_t i = 0; i < flame.count; i++) /* breadth first: a cut leaves the beginning */
        assert_int_equal(flame.cells[i].total.bytes, whole.cells[i].total.bytes);
    barrow_flame_free(&flame);
    barrow_flame_free(&whole);
}

static void test_models(void **state)
{
    (void)state;
    for (seed = 1; seed <= ROUNDS; seed++) {
        uint64_t kept = seed;
        struct barrow_calltree tree = make_tree(2 + below(MOST - 2), false);
        check_from_the_roots(&tree);
        check_inverted(&tree);
        check_limits(&tree, false);
        check_limits(&tree, true);
        free(tree.nodes);
        seed = kept;
    }
}

static void test_nothing(void **state)
{
    (void)state;
    struct barrow_calltree_node root = {0};
    struct barrow_calltree tree = {&root, 1};
    for (int inverted = 0; inverted < 2; inverted++) {
        struct barrow_flame flame =
            build(&tree, (struct barrow_flame_limits){.inverted = inverted});
        assert_int_equal(flame.count, 1);
        assert_int_equal(flame.depth, 0);
        barrow_flame_free(&flame);
    }
}

/* Ten thousand calls deep, and at the end three hundred that differ: joining walkers that met keeps
 * the inverted layout from taking 300 x 10,000 steps for each of its cells. */
static void test_deep(void **state)
{
    (void)state;
    seed = 7;
    struct barrow_calltree tree = {calloc(DEEP + WIDE, sizeof *tree.nodes), DEEP + WIDE};
    for (uint32_t i = 1; i < DEEP + WIDE; i++) {
        tree.nodes[i].parent = i < DEEP ? i - 1 : DEEP - 1;
        tree.nodes[i].frame = i < DEEP ? i % 7 : 10;
        tree.nodes[i].own = (struct barrow_value){i >= DEEP, 1};
    }
    add_up(&tree);
    struct barrow_flame flame = build(&tree, (struct barrow_flame_limits){.inverted = true});
    assert_int_equal(flame.depth, DEEP);
    assert_int_equal(flame.count, DEEP + 1);
    assert_int_equal(flame.cells[flame.count - 1].own.bytes, WIDE);
    barrow_flame_free(&flame);
    flame = build(&tree, (struct barrow_flame_limits){.max_depth = 100});
    assert_int_equal(flame.hidden, DEEP - 100);
    barrow_flame_free(&flame);
    free(tree.nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_models),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
