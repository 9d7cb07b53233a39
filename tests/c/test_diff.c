/* Differences of small profiles whose code moved in known ways; alignment beside trying all
 * pairings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "table/diff.h"
#include "table/diff_match.h"

/* ---- profiles: each allocation is a site of its own, called from one line of main ---- */

struct allocation {
    const char *file, *module, *function;
    uint32_t first_line, line;
    uint64_t bytes, blocks;
};
#define END                          \
    {                                \
        NULL, NULL, NULL, 0, 0, 0, 0 \
    }

enum { MOST = 64 };

struct made {
    struct barrow_profile profile;
    struct barrow_frame frames[2 * MOST];
    struct barrow_node nodes[2 * MOST];
    struct barrow_site sites[MOST + 1];
    struct barrow_process process;
};

/* Frames 1 and nodes 1 are the thread, 2 its main(). */
static struct made *make(const struct allocation *list, const char *thread, uint32_t main_line)
{
    struct made *made = calloc(1, sizeof *made);
    struct barrow_profile *p = &made->profile;
    uint32_t count = 0;
    made->frames[0] = (struct barrow_frame){"", "", "", 0, 0};
    made->frames[1] = (struct barrow_frame){thread, "", "", 0, 0};
    made->frames[2] = (struct barrow_frame){"main", "/app/main.py", "__main__", main_line, 5};
    made->nodes[1] = (struct barrow_node){.frame = 1, .depth = 1, .is_thread = true};
    made->nodes[2] = (struct barrow_node){.parent = 1, .frame = 2, .depth = 2};
    for (; list[count].file; count++) {
        const struct allocation *a = &list[count];
        made->frames[count + 3] =
            (struct barrow_frame){a->function, a->file, a->module, a->line, a->first_line};
        made->nodes[count + 3] = (struct barrow_node){.parent = 2, .frame = count + 3, .depth = 3};
        made->sites[count] = (struct barrow_site){.node = count + 3};
        for (int m = 0; m < BARROW_METRIC_COUNT; m++)
            made->sites[count].value[m] = (struct barrow_value){a->bytes, a->blocks};
    }
    *p = (struct barrow_profile){.frames = made->frames,
                                 .frame_count = count + 3,
                                 .nodes = made->nodes,
                                 .node_count = count + 3,
                                 .sites = made->sites,
                                 .sites_count = count,
                                 .processes = &made->process,
                                 .process_count = 1};
    return made;
}

/* The stack of a node is called from another line of main(). */
static void add_caller(struct made *made, uint32_t node, uint32_t line)
{
    struct barrow_profile *p = &made->profile;
    uint32_t frame = (uint32_t)p->frame_count++, caller = (uint32_t)p->node_count++;
    made->frames[frame] = made->frames[2];
    made->frames[frame].line = line;
    /* Parents come before their children: the new caller takes the node's place. */
    made->nodes[caller] = made->nodes[node];
    made->nodes[caller].parent = node;
    made->nodes[caller].depth = 3;
    made->nodes[node] = (struct barrow_node){.parent = 1, .frame = frame, .depth = 2};
    for (size_t i = 0; i < p->sites_count; i++)
        if (made->sites[i].node == node)
            made->sites[i].node = caller;
}

static struct barrow_diff_row *rows;
static size_t row_count;

static void diff(const struct barrow_profile *before, const struct barrow_profile *after,
                 enum barrow_grouping by)
{
    struct barrow_query query = {.metric = BARROW_METRIC_PEAK, .by = by};
    struct barrow_error err;
    free(rows);
    assert_int_equal(barrow_diff_rows(before, after, &query, &rows, &row_count, &err), 0);
}

static void diff_lists(const struct allocation *before, const struct allocation *after,
                       enum barrow_grouping by)
{
    struct made *a = make(before, "MainThread", 7), *b = make(after, "MainThread", 7);
    diff(&a->profile, &b->profile, by);
    free(a);
    free(b);
}

static void assert_no_change(const struct allocation *before, const struct allocation *after)
{
    for (int by = 0; by < BARROW_BY_COUNT; by++) {
        diff_lists(before, after, (enum barrow_grouping)by);
        assert_int_equal(row_count, 0);
    }
}

static const struct barrow_diff_row *row_at(uint32_t line)
{
    for (size_t i = 0; i < row_count; i++)
        if (rows[i].row.line == line)
            return &rows[i];
    fail_msg("no row of line %u", line);
    return NULL;
}

#define APP "/app/app.py", "app"

static void test_statuses_and_order(void **state)
{
    (void)state;
    const struct allocation before[] = {{APP, "f", 10, 11, 100, 1}, {APP, "f", 10, 12, 500, 5},
                                        {APP, "f", 10, 13, 70, 7},  {APP, "g", 20, 21, 300, 3},
                                        {APP, "g", 20, 22, 40, 2},  END};
    const struct allocation after[] = {{APP, "f", 10, 11, 400, 4}, {APP, "f", 10, 12, 300, 6},
                                       {APP, "f", 10, 13, 70, 7},  {APP, "h", 30, 31, 900, 9},
                                       {APP, "g", 20, 22, 40, 3},  END};
    diff_lists(before, after, BARROW_BY_LINE);
    assert_int_equal(row_count, 5);
    static const struct {
        uint32_t line;
        enum barrow_diff_status status;
        uint64_t before, after, before_blocks, after_blocks;
    } wanted[] = {{31, BARROW_DIFF_NEW, 0, 900, 0, 9},
                  {11, BARROW_DIFF_GROWN, 100, 400, 1, 4},
                  {21, BARROW_DIFF_GONE, 300, 0, 3, 0},
                  {12, BARROW_DIFF_SHRUNK, 500, 300, 5, 6},
                  {22, BARROW_DIFF_GROWN, 40, 40, 2, 3}};
    for (size_t i = 0; i < row_count; i++) {
        assert_int_equal(rows[i].row.line, wanted[i].line);
        assert_int_equal(rows[i].status, wanted[i].status);
        assert_int_equal(rows[i].before.bytes, wanted[i].before);
        assert_int_equal(rows[i].after.bytes, wanted[i].after);
        assert_int_equal(rows[i].before.blocks, wanted[i].before_blocks);
        assert_int_equal(rows[i].after.blocks, wanted[i].after_blocks);
        assert_int_equal(rows[i].old_line, 0);
    }
    diff_lists(before, after, BARROW_BY_FUNCTION);
    assert_int_equal(row_count, 3);
    assert_string_equal(rows[0].row.function, "h");
    assert_string_equal(rows[1].row.function, "g");
    assert_string_equal(rows[2].row.function, "f");
    assert_int_equal(rows[2].status, BARROW_DIFF_GROWN);
}

static void test_moved_function(void **state)
{
    (void)state;
    const struct allocation before[] = {
        {APP, "f", 10, 11, 100, 1}, {APP, "f", 10, 12, 500, 5}, {APP, "g", 20, 21, 300, 3}, END};
    /* By one line: f's 12 stands where its 13 stood, f and g change places. */
    const struct allocation one[] = {
        {APP, "f", 11, 12, 100, 1}, {APP, "f", 11, 13, 500, 5}, {APP, "g", 3, 4, 300, 3}, END};
    assert_no_change(before, one);
    assert_no_change(one, before);
}

/* Module bodies begin at line 1 wherever their lines are; every neighbour takes the other's number.
 */
static void test_lines_below_an_insertion(void **state)
{
    (void)state;
    const struct allocation before[] = {{APP, "<module>", 1, 1, 64, 1},
                                        {APP, "<module>", 1, 40, 100, 10},
                                        {APP, "<module>", 1, 41, 5000, 50},
                                        {APP, "<module>", 1, 42, 70, 7},
                                        END};
    const struct allocation after[] = {{APP, "<module>", 1, 1, 64, 1},
                                       {APP, "<module>", 1, 41, 100, 10},
                                       {APP, "<module>", 1, 42, 5000, 50},
                                       {APP, "<module>", 1, 43, 70, 7},
                                       END};
    assert_no_change(before, after);
    const struct allocation grown[] = {
        {APP, "<module>", 1, 1, 64, 1},    {APP, "<module>", 1, 2, 32, 1},
        {APP, "<module>", 1, 41, 100, 10}, {APP, "<module>", 1, 42, 9000, 90},
        {APP, "<module>", 1, 43, 70, 7},   END};
    diff_lists(before, grown, BARROW_BY_LINE);
    assert_int_equal(row_count, 2);
    assert_int_equal(row_at(42)->status, BARROW_DIFF_GROWN);
    assert_int_equal(row_at(42)->old_line, 41);
    assert_int_equal(row_at(2)->status, BARROW_DIFF_NEW);
    assert_int_equal(row_at(2)->old_line, 0);
    diff_lists(before, grown, BARROW_BY_STACK);
    assert_int_equal(row_count, 2);
    assert_int_equal(rows[0].old_line, 41);
    diff_lists(grown, before, BARROW_BY_LINE);
    assert_int_equal(row_count, 2);
    assert_int_equal(row_at(41)->status, BARROW_DIFF_SHRUNK);
    assert_int_equal(row_at(41)->old_line, 42);
    assert_int_equal(row_at(2)->status, BARROW_DIFF_GONE);
}

/* A line that lost its counterpart keeps its number apart from the line that took it. */
static void test_number_taken_over(void **state)
{
    (void)state;
    const struct allocation before[] = {{APP, "f", 10, 20, 1000, 10},
                                        {APP, "f", 10, 21, 77, 1},
                                        {APP, "f", 10, 22, 300, 30},
                                        {APP, "f", 10, 23, 400, 40},
                                        END};
    const struct allocation after[] = {{APP, "f", 10, 20, 1000, 10},
                                       {APP, "f", 10, 21, 300, 30},
                                       {APP, "f", 10, 22, 400, 40},
                                       END};
    diff_lists(before, after, BARROW_BY_LINE);
    assert_int_equal(row_count, 1);
    assert_int_equal(rows[0].row.line, 21);
    assert_int_equal(rows[0].status, BARROW_DIFF_GONE);
    assert_int_equal(rows[0].before.bytes, 77);
}

static void test_lines_that_changed_places(void **state)
{
    (void)state;
    const struct allocation before[] = {{APP, "f", 10, 20, 1000, 10},
                                        {APP, "f", 10, 21, 300, 30},
                                        {APP, "f", 10, 22, 4000, 4},
                                        END};
    const struct allocation after[] = {{APP, "f", 10, 20, 4000, 4},
                                       {APP, "f", 10, 21, 1000, 10},
                                       {APP, "f", 10, 22, 300, 30},
                                       END};
    assert_no_change(before, after);
}

/* Callers own nothing: what they call tells them apart. A call more before two others. */
static void test_calls_tell_callers_apart(void **state)
{
    (void)state;
    const struct allocation before[] = {
        {APP, "f", 50, 51, 100, 1}, {APP, "g", 60, 61, 200, 1}, END};
    const struct allocation after[] = {
        {APP, "f", 50, 51, 100, 1}, {APP, "g", 60, 61, 200, 1}, {APP, "new", 70, 71, 70, 1}, END};
    struct made *a = make(before, "MainThread", 7), *b = make(after, "MainThread", 7);
    add_caller(a, 3, 8); /* main:8 calls f, main:9 g */
    add_caller(a, 4, 9);
    add_caller(b, 5, 8); /* main:8 calls new, main:9 f, main:10 g */
    add_caller(b, 3, 9);
    add_caller(b, 4, 10);
    diff(&a->profile, &b->profile, BARROW_BY_STACK);
    assert_int_equal(row_count, 1);
    assert_int_equal(rows[0].status, BARROW_DIFF_NEW);
    assert_int_equal(rows[0].after.bytes, 70);
    free(a);
    free(b);
}

static void test_functions_of_one_name(void **state)
{
    (void)state;
    const struct allocation before[] = {{APP, "f.<locals>.<lambda>", 10, 10, 100, 1},
                                        {APP, "f.<locals>.<lambda>", 11, 11, 200, 2},
                                        END};
    const struct allocation after[] = {{APP, "f.<locals>.<lambda>", 11, 11, 100, 1},
                                       {APP, "f.<locals>.<lambda>", 12, 12, 200, 2},
                                       END};
    assert_no_change(before, after);
}

static void test_moved_files(void **state)
{
    (void)state;
    const struct allocation before[] = {{"/old/pkg/a.py", "pkg.a", "f", 10, 11, 100, 1},
                                        {"/old/pkg/__init__.py", "pkg", "g", 3, 4, 50, 1},
                                        {"/app/app.py", "app", "f", 10, 11, 30, 3},
                                        END};
    const struct allocation after[] = {{"/new/pkg/a.py", "pkg.a", "f", 15, 16, 100, 1},
                                       {"/new/pkg.py", "pkg", "g", 3, 4, 50, 1},
                                       {"/app/app.py", "app", "f", 10, 11, 30, 3},
                                       END};
    assert_no_change(before, after);
    struct allocation grown[4];
    memcpy(grown, after, sizeof grown);
    grown[0].bytes = 1000;
    diff_lists(before, grown, BARROW_BY_LINE);
    assert_int_equal(row_count, 1);
    assert_int_equal(rows[0].old_line, 11);
    assert_string_equal(rows[0].old_file, "/old/pkg/a.py");
    diff_lists(before, grown, BARROW_BY_FILE);
    assert_int_equal(row_count, 1);
    assert_string_equal(rows[0].old_file, "/old/pkg/a.py");
}

/* A module that is two files on one side tells nothing, unless their names do; a file that both
 * have stays itself. */
static void test_files_that_can_not_be_told_apart(void **state)
{
    (void)state;
    const struct allocation before[] = {{"/a/util.py", "util", "f", 10, 11, 100, 1}, END};
    const struct allocation two[] = {{"/b/util.py", "util", "f", 10, 11, 100, 1},
                                     {"/c/util.py", "util", "f", 10, 11, 200, 1},
                                     END};
    diff_lists(before, two, BARROW_BY_FILE);
    assert_int_equal(row_count, 3);
    const struct allocation named[] = {{"/b/util.py", "util", "f", 10, 11, 100, 1},
                                       {"/b/util/__init__.py", "util", "f", 10, 11, 200, 1},
                                       END};
    diff_lists(before, named, BARROW_BY_FILE);
    assert_int_equal(row_count, 1);
    assert_string_equal(rows[0].row.name, "/b/util/__init__.py");
    const struct allocation both[] = {{"/a/util.py", "other", "f", 10, 11, 100, 1},
                                      {"/c/util.py", "util", "f", 10, 11, 200, 1},
                                      END};
    diff_lists(before, both, BARROW_BY_LINE);
    assert_int_equal(row_count, 1);
    assert_string_equal(rows[0].row.file, "/c/util.py");
}

static void test_threads_do_not_part_stacks(void **state)
{
    (void)state;
    const struct allocation list[] = {{APP, "f", 10, 11, 100, 1}, END};
    struct made *a = make(list, "MainThread", 7), *b = make(list, "worker-*", 8);
    diff(&a->profile, &b->profile, BARROW_BY_STACK); /* main's line moved too */
    assert_int_equal(row_count, 0);
    diff(&a->profile, &b->profile, BARROW_BY_THREAD);
    assert_int_equal(row_count, 2);
    b->nodes[2].is_folded = true;
    diff(&a->profile, &b->profile, BARROW_BY_STACK);
    assert_int_equal(row_count, 2);
    free(a);
    free(b);
}

/* ---- random profiles: changes add up, nothing is lost, the other way round is the mirror ---- */

static uint64_t seed;

static unsigned below(unsigned limit)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % limit;
}

static void random_list(struct allocation *list)
{
    static const char *const files[] = {"/a/x.py", "/b/x.py", "/b/y.py"};
    static const char *const modules[] = {"x", "x", "y"};
    static const char *const functions[] = {"f", "g", "<lambda>"};
    uint32_t count = below(30), shift = below(3), used[3][3][2][40] = {0};
    for (uint32_t i = 0; i < count; i++) {
        unsigned file = below(3), function = below(3), code = below(2), line = below(12);
        if (used[file][function][code][line]++)
            continue;
        *list++ = (struct allocation){files[file],
                                      modules[file],
                                      functions[function],
                                      20 * code + 1 + shift,
                                      20 * code + 1 + shift + line,
                                      below(4) * 10,
                                      1 + below(3)};
    }
    *list = (struct allocation)END;
}

static int64_t change_of(const struct barrow_diff_row *row)
{
    return (int64_t)(row->after.bytes - row->before.bytes);
}

static void test_changes_add_up(void **state)
{
    (void)state;
    for (seed = 1; seed < 3000; seed += 2) {
        struct allocation lists[2][MOST];
        int64_t whole = 0, mirrored = 0, sum = 0, away = 0, away_mirrored = 0;
        uint64_t start = seed;
        enum barrow_grouping by = (enum barrow_grouping)below(BARROW_BY_COUNT);
        random_list(lists[0]);
        random_list(lists[1]);
        for (int i = 0; lists[0][i].file; i++)
            whole -= (int64_t)lists[0][i].bytes;
        for (int i = 0; lists[1][i].file; i++)
            whole += (int64_t)lists[1][i].bytes;
        diff_lists(lists[0], lists[1], by);
        size_t count = row_count;
        for (size_t i = 0; i < row_count; i++) {
            sum += change_of(&rows[i]);
            away += llabs(change_of(&rows[i]));
            assert_true(i == 0 || llabs(change_of(&rows[i])) <= llabs(change_of(&rows[i - 1])));
        }
        assert_int_equal(sum, whole);
        diff_lists(lists[1], lists[0], by);
        for (size_t i = 0; i < row_count; i++) {
            mirrored += change_of(&rows[i]);
            away_mirrored += llabs(change_of(&rows[i]));
        }
        assert_int_equal(mirrored, -whole);
        if (by != BARROW_BY_LINE && by != BARROW_BY_STACK) { /* of equally good alignments, any */
            assert_int_equal(row_count, count);
            assert_int_equal(away_mirrored, away);
        }
        diff_lists(lists[0], lists[0], by);
        assert_int_equal(row_count, 0);
        seed = start;
    }
}

/* ---- alignment ---- */

static int pair_cost(const struct diff_place *old, const struct diff_place *new, int64_t *distance)
{
    int64_t moved = (int64_t) new->line - (int64_t)old->line;
    int cost = (moved == *distance ? 0 : 4) + (old->calls == new->calls ? 0 : 4);
    *distance = moved;
    if (old->blocks == new->blocks)
        return cost;
    bool like = old->blocks && new->blocks &&
                old->blocks / 2 <= new->blocks &&new->blocks / 2 <= old->blocks;
    return cost + (like ? 1 : 4);
}

/* The least cost of pairing old[0..a) with new[0..b), by trying everything. */
static int least_cost(const struct diff_place *old, size_t a, const struct diff_place *new,
                      size_t b, int64_t distance)
{
    int least = 4 * (int)(a + b);
    for (size_t i = 0; i < a; i++) {
        for (size_t j = 0; j < b; j++) {
            int64_t moved = distance;
            int cost = 4 * (int)(i + j) + pair_cost(&old[i], &new[j], &moved);
            cost += least_cost(old + i + 1, a - i - 1, new + j + 1, b - j - 1, moved);
            least = cost < least ? cost : least;
        }
    }
    return least;
}

static size_t random_places(struct diff_place *places)
{
    size_t count = below(6);
    uint32_t line = below(3);
    for (size_t i = 0; i < count; i++) {
        line += 1 + below(3);
        places[i] = (struct diff_place){line, below(5), below(2)};
    }
    return count;
}

static void test_alignment_is_the_cheapest(void **state)
{
    (void)state;
    for (seed = 1; seed < 40000; seed += 2) {
        struct diff_place old[8], new[8];
        uint64_t start = seed;
        size_t a = random_places(old), b = random_places(new), pairs = 0;
        int64_t distance = (int64_t)below(3) - 1, moved = distance;
        uint32_t to[8], next = 0;
        int cost = 0;
        assert_true(diff_align(old, a, new, b, distance, to));
        for (size_t i = 0; i < a; i++) {
            if (to[i] == DIFF_NONE)
                continue;
            assert_true(to[i] >= next && to[i] < b);
            next = to[i] + 1;
            cost += pair_cost(&old[i], &new[to[i]], &moved);
            pairs++;
        }
        cost += 4 * (int)(a + b - 2 * pairs);
        assert_int_equal(cost, least_cost(old, a, new, b, distance));
        seed = start;
    }
}

static void test_huge_functions(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    struct diff_place *old = calloc(COUNT, sizeof *old), *new = calloc(COUNT, sizeof *new);
    uint32_t *to = calloc(COUNT, sizeof *to);
    for (uint32_t i = 0; i < COUNT; i++) {
        old[i] = (struct diff_place){2 * i, i, 0};
        new[i] = (struct diff_place){2 * i + 5 + (i == 7), i + (i == 1), 0};
    }
    assert_true(diff_align(old, COUNT, new, COUNT, 5, to));
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(to[i], i == 7 ? DIFF_NONE : i);
    /* Lines far apart, as damage may make them. */
    old[0].line = 0;
    old[1].line = UINT32_MAX;
    new[0].line = 1;
    new[1].line = UINT32_MAX - 1;
    assert_true(diff_align(old, 2, new, 2, 0, to));
    free(old);
    free(new);
    free(to);
}

static int drop_rows(void **state)
{
    (void)state;
    free(rows);
    rows = NULL;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses_and_order),
        cmocka_unit_test(test_moved_function),
        cmocka_unit_test(test_lines_below_an_insertion),
        cmocka_unit_test(test_number_taken_over),
        cmocka_unit_test(test_lines_that_changed_places),
        cmocka_unit_test(test_calls_tell_callers_apart),
        cmocka_unit_test(test_functions_of_one_name),
        cmocka_unit_test(test_moved_files),
        cmocka_unit_test(test_files_that_can_not_be_told_apart),
        cmocka_unit_test(test_threads_do_not_part_stacks),
        cmocka_unit_test(test_changes_add_up),
        cmocka_unit_test(test_alignment_is_the_cheapest),
        cmocka_unit_test(test_huge_functions),
    };
    return cmocka_run_group_tests(tests, NULL, drop_rows);
}
