/* Profiles: the golden file's exact figures, and several ledgers together.
 *
 * The figures are those of tests/data/make_ledger.py, which checks them against a plain replay when
 * it writes the files.  A later version must still read the golden file, with these figures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/crc32.h"
#include "golden.h"
#include "profile/profile.h"

#define MS 1000000u

static struct barrow_profile *load(const char *const *paths, size_t count)
{
    struct barrow_profile *profile;
    struct barrow_error err;
    if (barrow_profile_load(&profile, paths, count, &err) < 0)
        fail_msg("%s", err.text);
    return profile;
}

static struct barrow_profile *load_golden(void)
{
    const char *paths[] = {TEST_DATA "/format1.barrow"};
    return load(paths, 1);
}

/* ---- rows as text, one a line ---- */

static void show_stack(FILE *to, const struct barrow_profile *profile, uint32_t node)
{
    for (; node; node = profile->nodes[node].parent)
        if (!profile->nodes[node].is_thread)
            fprintf(to, " %s:%u", profile->frames[profile->nodes[node].frame].function,
                    profile->frames[profile->nodes[node].frame].line);
}

static void rows_are(const struct barrow_profile *profile, struct barrow_query query,
                     const char *expected)
{
    struct barrow_error err;
    struct barrow_row *rows;
    size_t count, size;
    char *text;
    if (barrow_profile_rows(profile, &query, &rows, &count, &err) < 0)
        fail_msg("%s", err.text);
    FILE *to = open_memstream(&text, &size);
    for (size_t i = 0; i < count; i++) {
        const struct barrow_row *row = &rows[i];
        assert_int_equal(row->value[query.metric].bytes, row->bytes);
        assert_int_equal(row->value[query.metric].blocks, row->blocks);
        fprintf(to, "%lu %lu", row->bytes, row->blocks);
        if (query.by == BARROW_BY_LINE)
            fprintf(to, " %s %s:%u %d", row->function, row->file, row->line, row->domain);
        else if (query.by == BARROW_BY_FUNCTION)
            fprintf(to, " %s %s %d", row->function, row->file, row->domain);
        else if (query.by == BARROW_BY_STACK)
            show_stack(to, profile, row->node);
        else
            fprintf(to, " %s", row->name);
        fputc('\n', to);
    }
    fclose(to);
    free(rows);
    assert_string_equal(text, expected);
    free(text);
}

#define ROWS(profile, expected, ...) rows_are(profile, (struct barrow_query){__VA_ARGS__}, expected)

/* ---- the golden file ---- */

static void test_golden_summary(void **state)
{
    (void)state;
    struct barrow_profile *p = load_golden();
    assert_string_equal(p->command, "app.py --size 'two words'");
    assert_string_equal(p->python, "3.11.2");
    assert_int_equal(p->pid, 100);
    assert_int_equal(p->mode, LEDGER_MODE_COUNT);
    assert_int_equal(p->scope, LEDGER_SCOPE_ALL);
    assert_true(p->complete);
    assert_int_equal(p->start_realtime_ns, 1700000000000000000);
    assert_int_equal(p->duration_ns, 1250 * MS);
    assert_int_equal(p->peak_bytes, 1161224);
    assert_int_equal(p->peak_ns, 400 * MS);
    assert_int_equal(p->live_bytes, 76654);
    assert_int_equal(p->live_blocks, 20);
    assert_int_equal(p->total_bytes, 1181650);
    assert_int_equal(p->allocations, 35);
    assert_int_equal(p->frees, 15);
    assert_int_equal(p->unknown_frees, 7);
    assert_int_equal(p->temporary_allocations, 5);
    assert_int_equal(p->temporary_bytes, 320);
    assert_int_equal(p->inherited_bytes, 0);
    assert_int_equal(p->peak_imprecision_bytes, 196608);
    /* Of 12 records two are one: they differ only within their line. */
    assert_int_equal(p->site_count, 11);
    assert_int_equal(p->sites_count, p->site_count);
    assert_int_equal(p->stack_count, 11);
    assert_int_equal(p->threads, 4);
    assert_int_equal(p->max_rss_bytes, 11000000);
    assert_int_equal(p->dropped[LEDGER_DROP_folded_stacks], 2);
    assert_int_equal(p->dropped[LEDGER_DROP_lost_samples], 1);
    assert_int_equal(p->warning_count, 0);
    assert_int_equal(p->process_count, 1);
    assert_true(p->processes[0].is_root);
    assert_int_equal(p->processes[0].end, LEDGER_END_EXIT);
    barrow_profile_free(p);
}

static void test_golden_series(void **state)
{
    (void)state;
    struct barrow_profile *p = load_golden();
    static const uint64_t times[] = {0, 10, 300, 400, 1240}; /* one was doubled, two out of order */
    assert_int_equal(p->sample_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(p->samples[i].time_ns, times[i] * MS);
    assert_int_equal(p->samples[3].heap_bytes, 1161224);
    assert_int_equal(p->samples[3].rss_bytes, 9000000 + 1161224);
    assert_int_equal(p->samples[3].pss_bytes, 8000000);
    assert_int_equal(p->sample_interval_ns, 10 * MS);
    assert_int_equal(p->gc_event_count, 2);
    assert_int_equal(p->gc_events[0].time_ns, 90 * MS);
    assert_int_equal(p->gc_events[1].pause_ns, 3 * MS);
    assert_int_equal(p->gc[2].uncollectable, 1);
    assert_int_equal(p->gc_pauses[19], 12);
    assert_int_equal(p->sizes[LEDGER_DOMAIN_MALLOC][33], 3);
    barrow_profile_free(p);
}

#define LOAD "Loader.load /srv/app/pkg/load.py"
static void test_golden_lines(void **state)
{
    (void)state;
    struct barrow_profile *p = load_golden();
    ROWS(p,
         "1048576 1 helper /srv/app/pkg/__init__.py:5 3\n"
         "100000 2 " LOAD ":300 2\n"
         "12100 17 " LOAD ":12 0\n"
         "500 1  :0 2\n"
         "48 3 " LOAD ":10 0\n",
         .metric = BARROW_METRIC_PEAK, .by = BARROW_BY_LINE);
    ROWS(p,
         "50000 1 " LOAD ":300 2\n"
         "20000 1 _find_and_load <frozen importlib._bootstrap>:1176 0\n"
         "6500 10 " LOAD ":12 0\n"
         "66 2 na?me /tmp/\xed\xb3\xbf\"x\".py:4 1\n"
         "48 3 " LOAD ":10 0\n"
         "24 1 helper /srv/app/pkg/__init__.py:7 1\n"
         "16 2 <module> /srv/app/app.py:3 0\n",
         .metric = BARROW_METRIC_LEAKED, .by = BARROW_BY_LINE);
    ROWS(p, "320 5 JSONDecoder.decode /usr/lib/python3.11/json/decoder.py:337 1\n",
         .metric = BARROW_METRIC_TEMPORARY, .by = BARROW_BY_LINE);
    ROWS(p, "1048576 1 helper /srv/app/pkg/__init__.py:5 3\n100000 2 " LOAD ":300 2\n",
         .metric = BARROW_METRIC_TOTAL, .by = BARROW_BY_LINE, .limit = 2);
    barrow_profile_free(p);
}

static void test_golden_groups(void **state)
{
    (void)state;
    struct barrow_profile *p = load_golden();
    ROWS(p,
         "1048576 1 helper /srv/app/pkg/__init__.py 3\n"
         "100000 2 " LOAD " 2\n"
         "12148 20 " LOAD " 0\n"
         "500 1   2\n",
         .by = BARROW_BY_FUNCTION);
    ROWS(p, "1048576 1 /srv/app/pkg/__init__.py\n112148 22 /srv/app/pkg/load.py\n500 1 \n",
         .by = BARROW_BY_FILE);
    ROWS(p,
         "1048600 2 pkg\n112148 22 pkg.load\n20000 1 importlib._bootstrap\n500 1 \n"
         "320 5 json.decoder\n66 2 \xed\xb3\xbf\"x\"\n16 2 __main__\n",
         .metric = BARROW_METRIC_TOTAL, .by = BARROW_BY_MODULE);
    ROWS(p, "1048576 1 mmap\n100500 3 malloc\n12148 20 obj\n", .by = BARROW_BY_DOMAIN);
    ROWS(p, "1159124 17 MainThread\n2100 7 worker-*\n", .by = BARROW_BY_THREAD);
    ROWS(p,
         "50000 1 Loader.load:300 <module>:3\n"
         "20000 1 _find_and_load:1176 <module>:41\n"
         "5000 5 Loader.load:12 <module>:3\n"
         "1500 5 Loader.load:12\n"
         "66 2 na?me:4 <module>:41\n"
         "48 3 Loader.load:10 <module>:3\n"
         "24 1 helper:7 [frames left out]:0 <module>:41\n"
         "16 2 <module>:3\n",
         .metric = BARROW_METRIC_LEAKED, .by = BARROW_BY_STACK);
    barrow_profile_free(p);
}

static void test_golden_inclusive(void **state)
{
    (void)state;
    struct barrow_profile *p = load_golden();
    ROWS(p, /* helper calls itself: counted once */
         "1048576 1 <module> /srv/app/app.py 3\n"
         "1048576 1 helper /srv/app/pkg/__init__.py 3\n"
         "100000 2 <module> /srv/app/app.py 2\n"
         "100000 2 " LOAD " 2\n"
         "12148 20 " LOAD " 0\n"
         "10048 13 <module> /srv/app/app.py 0\n"
         "500 1   2\n",
         .by = BARROW_BY_FUNCTION, .inclusive = true);
    ROWS(p, "320 5 __main__\n320 5 json.decoder\n320 5 pkg.load\n",
         .metric = BARROW_METRIC_TEMPORARY, .by = BARROW_BY_MODULE, .inclusive = true);
    ROWS(p, "1159124 17 MainThread\n2100 7 worker-*\n", .by = BARROW_BY_THREAD, .inclusive = true);
    barrow_profile_free(p);
}

static void test_golden_is_the_same_from_memory(void **state)
{
    (void)state;
    struct barrow_profile *p;
    struct barrow_error err;
    assert_int_equal(barrow_profile_load_bytes(&p, golden, golden_bytes, "memory", &err), 0);
    assert_string_equal(p->processes[0].path, "memory");
    ROWS(p, "1159124 17 MainThread\n2100 7 worker-*\n", .by = BARROW_BY_THREAD);
    barrow_profile_free(p);
}

/* ---- filters ---- */

static void test_filters(void **state)
{
    (void)state;
    static const struct {
        const char *filter, *domains; /* what is left of the peak */
    } filters[] = {
        {NULL, "1048576 1 mmap\n100500 3 malloc\n12148 20 obj\n"},
        {"", "1048576 1 mmap\n100500 3 malloc\n12148 20 obj\n"},
        {"domain=m*", "1048576 1 mmap\n100500 3 malloc\n"},
        {"domain!=m*", "12148 20 obj\n"},
        {"domain=m*,domain!=mmap", "100500 3 malloc\n"},
        {"file=load.py", "100000 2 malloc\n12148 20 obj\n"},
        {"file=*/load.py", "100000 2 malloc\n12148 20 obj\n"},
        {"file=/load.py", ""},
        {"file=", "500 1 malloc\n"},
        {"function=Loader.*,line=12", "12100 17 obj\n"},
        {"line!=[13]*", "1048576 1 mmap\n500 1 malloc\n"},
        {"module=pkg", "1048576 1 mmap\n"},
        {"module=pkg*", "1048576 1 mmap\n100000 2 malloc\n12148 20 obj\n"},
        {"any.module=__main__", "1048576 1 mmap\n100000 2 malloc\n10048 13 obj\n"},
        {"any.module!=__main__", "2100 7 obj\n500 1 malloc\n"},
        {"any.function=<module>,any.line=41", "1048576 1 mmap\n"},
        {"any.file=*", "1048576 1 mmap\n100000 2 malloc\n12148 20 obj\n"},
        {"thread=worker-\\*", "2100 7 obj\n"},
        {"thread!=MainThread", "2100 7 obj\n"},
        {"process=100", "1048576 1 mmap\n100500 3 malloc\n12148 20 obj\n"},
        {"process!=100", ""},
        {"function=a\\,b", ""},
    };
    struct barrow_profile *p = load_golden();
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++)
        ROWS(p, filters[i].domains, .by = BARROW_BY_DOMAIN, .filter = filters[i].filter);
    ROWS(p, "2100 7 " LOAD " 0\n", .by = BARROW_BY_FUNCTION, .inclusive = true,
         .filter = "thread=worker*");

    static const char *const wrong[] = {"file",   "=x", "fil=x",    "any.thread=x",
                                        "any.=x", ",",  "file=x,y", "any.file"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct barrow_query query = {.filter = wrong[i]};
        struct barrow_row *rows;
        struct barrow_error err;
        size_t count;
        assert_int_equal(barrow_profile_rows(p, &query, &rows, &count, &err), -1);
        assert_int_equal(err.code, BARROW_E_USAGE);
        assert_null(rows);
    }
    assert_non_null(strstr(barrow_filter_help(), "any.file"));
    barrow_profile_free(p);
}

/* ---- several ledgers ---- */

#define FAMILY TEST_DATA "/family"

static void test_family_summary(void **state)
{
    (void)state;
    const char *paths[] = {FAMILY "/app.101.barrow", FAMILY, FAMILY "/app.100.barrow"};
    struct barrow_profile *p = load(paths, 3); /* each once */
    assert_int_equal(p->process_count, 3);
    assert_int_equal(p->processes[0].pid, 100); /* the root, then by start */
    assert_int_equal(p->processes[1].pid, 101);
    assert_int_equal(p->processes[2].pid, 102);
    assert_int_equal(p->processes[1].start_ns, 300 * MS);
    assert_string_equal(p->processes[2].command, "python3.11 -X dev -c x");
    assert_int_equal(p->pid, 100);
    assert_false(p->complete); /* 102 was killed */
    assert_int_equal(p->processes[2].duration_ns, 70 * MS);
    assert_int_equal(p->duration_ns, 1250 * MS);
    assert_int_equal(p->live_bytes, 76654 + 700000 + 369);
    assert_int_equal(p->total_bytes, 1181650 + 2700000 + 369);
    assert_int_equal(p->allocations, 35 + 2 + 3);
    assert_int_equal(p->frees, 15 + 1); /* without that of an inherited block */
    assert_int_equal(p->inherited_bytes, 10000);
    assert_int_equal(p->inherited_blocks, 10);
    assert_int_equal(p->processes[1].inherited_bytes, 10000);
    assert_int_equal(p->site_count, 11 + 1 + 1);
    assert_int_equal(p->samples[2].process, 0);
    assert_int_equal(p->samples[3].process, 1);
    assert_int_equal(p->samples[3].time_ns, 360 * MS);
    barrow_profile_free(p);
}

/* At 350 ms the child is at its own peak of 2,000,000, and the root holds what it had at its last
 * sample. */
static void test_family_peak(void **state)
{
    (void)state;
    const char *paths[] = {FAMILY};
    struct barrow_profile *p = load(paths, 1);
    assert_int_equal(p->peak_bytes, 2000000 + 110148);
    assert_int_equal(p->peak_ns, 350 * MS);
    assert_int_equal(p->processes[0].peak_bytes, 1161224);
    assert_int_equal(p->processes[1].peak_bytes, 2000000);
    ROWS(p, "2000000 1 obj\n", .by = BARROW_BY_DOMAIN, .filter = "process=101");
    ROWS(p, "", .by = BARROW_BY_DOMAIN, .filter = "process=102"); /* had not begun */
    /* The root's own peak, at 400 ms, is nearer than its checkpoints at 100 and 500 ms. */
    ROWS(p, "1048576 1 mmap\n100500 3 malloc\n12148 20 obj\n", .by = BARROW_BY_DOMAIN,
         .filter = "process=100");
    barrow_profile_free(p);
}

/* The golden file with its peak's time moved, so that a checkpoint is nearest. */
static void test_peak_from_checkpoint(void **state)
{
    (void)state;
    char directory[] = "/tmp/barrow-test-XXXXXX", path[100];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/root.barrow", directory);
    unsigned char *bytes = copy_of(golden_bytes);
    ((struct ledger_state *)(void *)(bytes + LEDGER_STATE_OFFSET))->best_ns = 1000 * MS;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, golden_bytes, file), golden_bytes);
    fclose(file);
    free(bytes);

    const char *paths[] = {path, FAMILY "/app.101.barrow"};
    struct barrow_profile *p = load(paths, 2);
    unlink(path);
    rmdir(directory);
    assert_int_equal(p->peak_ns, 350 * MS);
    /* At 500 ms: 10,000 from the first checkpoint, 50,000 and 2,100 from the second. */
    ROWS(p, "50000 1 " LOAD ":300 2\n12100 17 " LOAD ":12 0\n", .by = BARROW_BY_LINE,
         .filter = "process=100");
    barrow_profile_free(p);
}

static void fails(const char *const *paths, size_t count, enum barrow_error_code code,
                  const char *words)
{
    struct barrow_profile *profile;
    struct barrow_error err;
    assert_int_equal(barrow_profile_load(&profile, paths, count, &err), -1);
    assert_null(profile);
    assert_int_equal(err.code, code);
    if (!strstr(err.text, words))
        fail_msg("'%s' is not in: %s", words, err.text);
}

static void write_file(const char *path, const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    fclose(file);
}

static void test_what_can_not_be_merged(void **state)
{
    (void)state;
    char directory[] = "/tmp/barrow-test-XXXXXX", other[100], junk[100];
    assert_non_null(mkdtemp(directory));
    snprintf(other, sizeof other, "%s/other.barrow", directory);
    snprintf(junk, sizeof junk, "%s/junk.barrow", directory);
    const char *empty[] = {directory}, *missing[] = {FAMILY, "/nonexistent/y.barrow"};
    const char *both[] = {FAMILY, other}, *bad[] = {junk};
    fails(empty, 1, BARROW_E_IO, "no *.barrow files");
    fails(missing, 2, BARROW_E_IO, "/nonexistent/y.barrow: No such file");
    fails(NULL, 0, BARROW_E_USAGE, "no ledger");

    write_file(junk, "junk", 4);
    fails(bad, 1, BARROW_E_FORMAT, "junk.barrow: not a barrow ledger");
    fails(empty, 1, BARROW_E_FORMAT, "junk.barrow: not a barrow ledger");

    unsigned char *bytes = copy_of(golden_bytes);
    struct ledger_header *header = (void *)bytes;
    header->run_id[3] ^= 1;
    header->checksum = 0;
    header->checksum = barrow_crc32(header, sizeof *header);
    write_file(other, bytes, golden_bytes);
    free(bytes);
    fails(both, 2, BARROW_E_USAGE, "other.barrow belongs to another run");

    /* The junk beside a good one is told and left out. */
    struct barrow_profile *p = load(empty, 1);
    assert_int_equal(p->warning_count, 1);
    assert_non_null(strstr(p->warnings[0], "junk.barrow: not a barrow ledger"));
    assert_int_equal(p->peak_bytes, 1161224);
    barrow_profile_free(p);
    unlink(other);
    unlink(junk);
    rmdir(directory);
}

static void test_inline_code_is_main(void **state)
{
    (void)state;
    const char *paths[] = {FAMILY "/app.102.barrow"};
    struct barrow_profile *p = load(paths, 1);
    ROWS(p, "369 3 __main__\n", .by = BARROW_BY_MODULE);
    assert_int_equal(p->peak_bytes, 369); /* an open climb: the peak is now */
    assert_int_equal(p->peak_ns, 70 * MS);
    barrow_profile_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_summary),
        cmocka_unit_test(test_golden_series),
        cmocka_unit_test(test_golden_lines),
        cmocka_unit_test(test_golden_groups),
        cmocka_unit_test(test_golden_inclusive),
        cmocka_unit_test(test_golden_is_the_same_from_memory),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_family_summary),
        cmocka_unit_test(test_family_peak),
        cmocka_unit_test(test_peak_from_checkpoint),
        cmocka_unit_test(test_what_can_not_be_merged),
        cmocka_unit_test(test_inline_code_is_main),
    };
    return cmocka_run_group_tests(tests, read_golden, drop_golden);
}
