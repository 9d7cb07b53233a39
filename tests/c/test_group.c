/* Grouping beside a model that is too simple to be wrong: for every site, walk its stack and add to
 * a list of rows. Random profiles, all groupings, metrics, filters of processes and domains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "profile/profile.h"

enum { FRAMES = 24, MOST_NODES = 400, MOST_SITES = 500, MOST_ROWS = 20000 };

static uint64_t seed;

static unsigned below(unsigned limit)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % limit;
}

/* ---- random profiles; texts are one each, as the loader makes them ---- */

static char texts[64][16];
static struct barrow_frame frames[FRAMES];
static struct barrow_node nodes[MOST_NODES];
static struct barrow_site sites[MOST_SITES];
static struct barrow_process processes[3];

static const char *text(const char *kind, unsigned number, unsigned slot)
{
    snprintf(texts[slot], sizeof texts[slot], "%s%u", kind, number);
    return texts[slot];
}

static bool is_known_frame(unsigned count, const struct barrow_frame *frame)
{
    for (unsigned i = 0; i < count; i++)
        if (frames[i].function == frame->function && frames[i].file == frame->file &&
            frames[i].line == frame->line && frames[i].first_line == frame->first_line)
            return true;
    return false;
}

static bool is_known_node(unsigned count, const struct barrow_node *node)
{
    for (unsigned i = 0; i < count; i++)
        if (nodes[i].parent == node->parent && nodes[i].frame == node->frame &&
            nodes[i].is_thread == node->is_thread)
            return true;
    return false;
}

static unsigned make_frames(void)
{
    static const char empty[] = "";
    unsigned threads = 3, count = 1;
    frames[0] = (struct barrow_frame){.function = empty, .file = empty, .module = empty};
    for (; count <= threads; count++)
        frames[count] = (struct barrow_frame){
            .function = text("thread", count, count), .file = empty, .module = empty};
    while (count < FRAMES) {
        unsigned file = below(4), function = below(4);
        struct barrow_frame frame = {.function = text("f", function, 10 + function),
                                     .file = text("file", file, 20 + file),
                                     .module = text("mod", file / 2, 30 + file / 2),
                                     .line = below(4),
                                     .first_line = below(2)};
        if (!is_known_frame(count, &frame))
            frames[count++] = frame;
    }
    return threads;
}

static void make_nodes(struct barrow_profile *profile, unsigned threads)
{
    unsigned wanted = 1 + below(MOST_NODES - 1), count = 1;
    memset(nodes, 0, sizeof nodes);
    for (unsigned tries = 0; count < wanted && tries < 10 * MOST_NODES; tries++) {
        struct barrow_node node = {0};
        if (below(8) == 0) {
            node.is_thread = true;
            node.frame = 1 + below(threads);
        } else {
            /* Deep chains and bushes; frames of few kinds, so that recursion is common. */
            node.parent = below(3) ? count - 1 : below(count);
            node.frame = 1 + threads + below(FRAMES - 1 - threads);
        }
        node.depth = nodes[node.parent].depth + 1;
        if (!is_known_node(count, &node))
            nodes[count++] = node;
    }
    profile->node_count = count;
}

static void make_profile(struct barrow_profile *profile)
{
    *profile = (struct barrow_profile){.frames = frames,
                                       .frame_count = FRAMES,
                                       .nodes = nodes,
                                       .sites = sites,
                                       .processes = processes,
                                       .process_count = 3};
    for (unsigned i = 0; i < 3; i++)
        processes[i].pid = 100 + i;
    make_nodes(profile, make_frames());
    profile->sites_count = below(MOST_SITES);
    for (size_t i = 0; i < profile->sites_count; i++) {
        sites[i] = (struct barrow_site){.node = below((unsigned)profile->node_count),
                                        .process = below(3),
                                        .domain = (enum ledger_domain)below(LEDGER_DOMAIN_COUNT)};
        for (unsigned m = 0; m < BARROW_METRIC_COUNT; m++)
            sites[i].value[m] = (struct barrow_value){below(5) * 16, below(3)};
    }
}

/* ---- the model ---- */

static struct barrow_row model[MOST_ROWS];
static size_t model_count;

static bool is_same_path(uint32_t a, uint32_t b)
{
    while (a && !nodes[a].is_thread && b && !nodes[b].is_thread) {
        if (nodes[a].frame != nodes[b].frame)
            return false;
        a = nodes[a].parent;
        b = nodes[b].parent;
    }
    return (!a || nodes[a].is_thread) && (!b || nodes[b].is_thread);
}

static bool is_same_group(const struct barrow_row *a, const struct barrow_row *b,
                          enum barrow_grouping by)
{
    bool with_domain = by == BARROW_BY_LINE || by == BARROW_BY_FUNCTION || by == BARROW_BY_DOMAIN;
    if (by == BARROW_BY_STACK)
        return is_same_path(a->node, b->node);
    return strcmp(a->name, b->name) == 0 && strcmp(a->function, b->function) == 0 &&
           strcmp(a->file, b->file) == 0 && a->line == b->line &&
           (!with_domain || a->domain == b->domain);
}

static struct barrow_row group_of(const struct barrow_site *site, uint32_t node,
                                  enum barrow_grouping by)
{
    static const char *const domains[] = {"obj", "mem", "malloc", "mmap"};
    struct barrow_row row = {.name = "", .function = "", .file = "", .domain = site->domain};
    const struct barrow_frame *frame =
        &frames[node == 0 || nodes[node].is_thread ? 0 : nodes[node].frame];
    uint32_t at = node;
    switch (by) {
    case BARROW_BY_LINE:
        row.line = frame->line; /* fall through */
    case BARROW_BY_FUNCTION:
        row.function = frame->function;
        row.file = frame->file;
        break;
    case BARROW_BY_FILE:
        row.name = frame->file;
        break;
    case BARROW_BY_MODULE:
        row.name = frame->module;
        break;
    case BARROW_BY_DOMAIN:
        row.name = domains[site->domain];
        break;
    case BARROW_BY_THREAD:
        while (at && !nodes[at].is_thread)
            at = nodes[at].parent;
        row.name = at ? frames[nodes[at].frame].function : "";
        break;
    default:
        row.node = node;
    }
    return row;
}

static void model_add(const struct barrow_row *group, const struct barrow_site *site,
                      enum barrow_grouping by)
{
    size_t i = 0;
    while (i < model_count && !is_same_group(&model[i], group, by))
        i++;
    assert_true(i < MOST_ROWS);
    if (i == model_count)
        model[model_count++] = *group;
    for (unsigned m = 0; m < BARROW_METRIC_COUNT; m++) {
        model[i].value[m].bytes += site->value[m].bytes;
        model[i].value[m].blocks += site->value[m].blocks;
    }
}

static void model_site(const struct barrow_site *site, const struct barrow_query *query)
{
    struct barrow_row seen[MOST_NODES];
    size_t count = 0;
    bool by_frame = query->by <= BARROW_BY_MODULE;
    for (uint32_t node = site->node;; node = nodes[node].parent) {
        bool is_leaf = node == site->node, is_frame = node && !nodes[node].is_thread;
        bool known = false;
        struct barrow_row group = group_of(site, node, query->by);
        for (size_t i = 0; i < count; i++)
            known = known || is_same_group(&seen[i], &group, query->by);
        if (!known && (is_leaf || (query->inclusive && by_frame && is_frame))) {
            model_add(&group, site, query->by);
            seen[count++] = group;
        }
        if (node == 0)
            break;
    }
}

static void compare(const struct barrow_profile *profile, const struct barrow_query *query,
                    uint32_t process, bool any_domain, enum ledger_domain domain)
{
    struct barrow_row *rows;
    struct barrow_error err;
    size_t count, expected = 0;
    model_count = 0;
    for (size_t i = 0; i < profile->sites_count; i++)
        if ((process == 3 || sites[i].process == process) &&
            (any_domain || sites[i].domain == domain))
            model_site(&sites[i], query);
    assert_int_equal(barrow_profile_rows(profile, query, &rows, &count, &err), 0);
    for (size_t i = 0; i < model_count; i++)
        expected += model[i].value[query->metric].bytes || model[i].value[query->metric].blocks;
    assert_int_equal(count, expected);
    for (size_t i = 0; i < count; i++) {
        size_t j = 0;
        while (j < model_count && !is_same_group(&model[j], &rows[i], query->by))
            j++;
        assert_true(j < model_count);
        assert_memory_equal(rows[i].value, model[j].value, sizeof rows[i].value);
        if (i > 0)
            assert_true(
                rows[i - 1].bytes > rows[i].bytes ||
                (rows[i - 1].bytes == rows[i].bytes && rows[i - 1].blocks >= rows[i].blocks));
    }
    free(rows);
}

static void test_like_the_model(void **state)
{
    (void)state;
    static const char *const domains[] = {"obj", "mem", "malloc", "mmap"};
    for (seed = 1; seed < 60; seed++) {
        struct barrow_profile profile;
        uint64_t this_seed = seed;
        make_profile(&profile);
        for (enum barrow_grouping by = 0; by < BARROW_BY_COUNT; by++)
            for (int inclusive = 0; inclusive < 2; inclusive++) {
                char filter[64] = "";
                uint32_t process = below(4);
                bool any_domain = below(2);
                enum ledger_domain domain = (enum ledger_domain)below(LEDGER_DOMAIN_COUNT);
                int length = process < 3 ? snprintf(filter, sizeof filter, "process=%u",
                                                    processes[process].pid)
                                         : 0;
                if (!any_domain)
                    snprintf(filter + length, sizeof filter - (size_t)length, "%sdomain=%s",
                             length ? "," : "", domains[domain]);
                struct barrow_query query = {.metric =
                                                 (enum barrow_metric)below(BARROW_METRIC_COUNT),
                                             .by = by,
                                             .inclusive = inclusive,
                                             .filter = filter};
                compare(&profile, &query, process, any_domain, domain);
            }
        seed = this_seed;
    }
}

/* What is equal in bytes and blocks stands in the order of its names, so that output is stable. */
static void test_order_of_equals(void **state)
{
    (void)state;
    struct barrow_profile profile;
    seed = 77;
    make_profile(&profile);
    profile.sites_count = MOST_SITES;
    for (size_t i = 0; i < MOST_SITES; i++) {
        sites[i] = (struct barrow_site){.node = below((unsigned)profile.node_count)};
        sites[i].value[BARROW_METRIC_TOTAL] = (struct barrow_value){0, 0};
    }
    for (unsigned i = 0; i < FRAMES; i++) { /* one block for each frame's first node */
        for (uint32_t node = 1; node < profile.node_count; node++)
            if (nodes[node].frame == i && !nodes[node].is_thread) {
                sites[i].node = node;
                sites[i].value[BARROW_METRIC_TOTAL] = (struct barrow_value){64, 1};
                break;
            }
    }
    struct barrow_query query = {.metric = BARROW_METRIC_TOTAL, .by = BARROW_BY_FILE};
    struct barrow_row *rows;
    struct barrow_error err;
    size_t count;
    query.by = BARROW_BY_STACK;
    assert_int_equal(barrow_profile_rows(&profile, &query, &rows, &count, &err), 0);
    assert_true(count > 5);
    for (size_t i = 1; i < count; i++)
        if (rows[i].bytes == rows[i - 1].bytes)
            assert_true(rows[i].node > rows[i - 1].node);
    free(rows);
    query.by = BARROW_BY_LINE;
    assert_int_equal(barrow_profile_rows(&profile, &query, &rows, &count, &err), 0);
    size_t equal = 0;
    for (size_t i = 1; i < count; i++)
        if (rows[i].bytes == rows[i - 1].bytes) {
            int order = strcmp(rows[i - 1].file, rows[i].file);
            assert_true(order < 0 || (order == 0 && rows[i - 1].line <= rows[i].line));
            equal++;
        }
    assert_true(equal > 3);
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_the_model),
        cmocka_unit_test(test_order_of_equals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
