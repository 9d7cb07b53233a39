/* The reader: the golden file's tables, and the same file with damage of every sort, each with what
 * it may cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/crc32.h"
#include "golden.h"
#include "ledger/read.h"

static struct ledger_extent *extent_at(unsigned char *bytes, size_t offset)
{
    return (struct ledger_extent *)(void *)(bytes + offset);
}

/* The first extent of a kind, from `from` on. */
static size_t find(unsigned char *bytes, enum ledger_kind kind, size_t from)
{
    for (size_t at = from; at < golden_bytes; at += LEDGER_PAGE)
        if (extent_at(bytes, at)->magic == LEDGER_EXTENT_MAGIC &&
            extent_at(bytes, at)->kind == kind)
            return at;
    fail_msg("no extent of kind %d", kind);
    return 0;
}

static void sign(struct ledger_extent *extent)
{
    extent->checksum = 0;
    extent->checksum = barrow_crc32(extent, 64);
}

static void sign_header(unsigned char *page)
{
    struct ledger_header *header = (struct ledger_header *)(void *)page;
    header->checksum = 0;
    header->checksum = barrow_crc32(header, sizeof *header);
}

static struct barrow_ledger *open_bytes(const unsigned char *bytes, size_t count)
{
    struct barrow_ledger *ledger;
    struct barrow_error err;
    if (barrow_ledger_open_bytes(&ledger, bytes, count, "x.barrow", &err) < 0)
        fail_msg("%s", err.text);
    return ledger;
}

static bool is_warned(const struct barrow_ledger *ledger, const char *words)
{
    for (size_t i = 0; i < ledger->warnings.count; i++)
        if (strstr(ledger->warnings.items[i], words))
            return true;
    return false;
}

/* ---- the intact file ---- */

static void check_tables(const struct barrow_ledger *ledger)
{
    static const struct {
        enum ledger_kind kind;
        uint32_t count;
    } tables[] = {{LEDGER_CODES, 7},      {LEDGER_NODES, 17},        {LEDGER_SITES, 13},
                  {LEDGER_SITE_INFO, 13}, {LEDGER_SAMPLES, 6},       {LEDGER_GC_EVENTS, 2},
                  {LEDGER_MARKS, 1},      {LEDGER_CHECKPOINTS, 128}, {LEDGER_THREAD_GROUPS, 2},
                  {LEDGER_SYS_PATH, 2},   {LEDGER_REGIONS, 1},       {LEDGER_REGION_SITES, 4},
                  {LEDGER_MODULES, 1}};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        assert_int_equal(ledger->tables[tables[i].kind].count, tables[i].count);
    assert_true(ledger->tables[LEDGER_STRINGS].count > LEDGER_PAGE); /* two extents */
    assert_int_equal(ledger->warnings.count, 0);

    uint32_t count;
    const char *text;
    assert_int_equal(barrow_ledger_sites(ledger, &count)[1].allocations, 10);
    assert_int_equal(barrow_ledger_marks(ledger, &count)->duration_ns, 50000000);
    assert_true(
        barrow_ledger_string(ledger, barrow_ledger_codes(ledger, &count)[2].name, &text, &count));
    assert_int_equal(count, 11);
    assert_memory_equal(text, "Loader.load", 11);
    assert_false(barrow_ledger_string(ledger, 0, &text, &count));
    assert_false(barrow_ledger_string(ledger, 0xffffffff, &text, &count));
    assert_false(
        barrow_ledger_string(ledger, ledger->tables[LEDGER_STRINGS].count - 3, &text, &count));
}

static void test_tables(void **state)
{
    (void)state;
    struct barrow_ledger *ledger;
    struct barrow_error err;
    assert_int_equal(barrow_ledger_open(&ledger, TEST_DATA "/format1.barrow", &err), 0);
    check_tables(ledger);
    assert_int_equal(ledger->header.pid, 100);
    assert_int_equal(ledger->state.best_bytes, 1161224);
    barrow_ledger_drop_table(ledger, LEDGER_NODES);
    assert_int_equal(ledger->tables[LEDGER_NODES].count, 0);
    barrow_ledger_free(ledger);

    ledger = open_bytes(golden, golden_bytes);
    check_tables(ledger);
    barrow_ledger_free(ledger);
    barrow_ledger_free(NULL);
}

static void test_checkpoints(void **state)
{
    (void)state;
    for (int damaged = 0; damaged < 2; damaged++) {
        unsigned char *bytes = copy_of(golden_bytes);
        size_t extent = find(bytes, LEDGER_CHECKPOINTS, 0);
        bytes[extent + LEDGER_PAGE + 40] ^=
            (unsigned char)damaged; /* in an entry of the first one */
        struct barrow_ledger *ledger = open_bytes(bytes, golden_bytes);
        struct barrow_checkpoints walk = barrow_ledger_checkpoints(ledger);
        struct barrow_checkpoint point;
        if (!damaged) {
            assert_true(barrow_checkpoints_next(&walk, &point));
            assert_int_equal(point.time_ns, 100000000);
            assert_int_equal(point.count, 2);
            assert_int_equal(point.entries[1].live_bytes, 100000);
        }
        assert_true(barrow_checkpoints_next(&walk, &point));
        assert_int_equal(point.time_ns, 500000000);
        assert_int_equal(point.live_bytes, 62648);
        assert_int_equal(point.entries[1].live_blocks, 7);
        assert_false(barrow_checkpoints_next(&walk, &point));
        barrow_ledger_free(ledger);
        free(bytes);
    }
}

/* ---- files that are no ledger, or of the future ---- */

static void refuses(const unsigned char *bytes, size_t count, enum barrow_error_code code,
                    const char *words)
{
    struct barrow_ledger *ledger;
    struct barrow_error err;
    assert_int_equal(barrow_ledger_open_bytes(&ledger, bytes, count, "x.barrow", &err), -1);
    assert_null(ledger);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.text, words));
    assert_ptr_equal(strstr(err.text, "x.barrow: "), err.text);
    assert_null(strchr(err.text, '\n'));
}

static void test_refused(void **state)
{
    (void)state;
    refuses((const unsigned char *)"", 0, BARROW_E_FORMAT, "not a barrow ledger");
    refuses((const unsigned char *)"#!/bin/sh\necho\n", 15, BARROW_E_FORMAT, "not a barrow ledger");
    refuses(golden, 100, BARROW_E_FORMAT, "cut off");

    unsigned char *bytes = copy_of(golden_bytes);
    bytes[1000] ^= 1;
    bytes[LEDGER_PAGE + 2000] ^= 1;
    refuses(bytes, golden_bytes, BARROW_E_FORMAT, "damaged");
    memcpy(bytes, golden, 2 * LEDGER_PAGE);
    ((struct ledger_header *)(void *)bytes)->format = 2;
    sign_header(bytes);
    refuses(bytes, golden_bytes, BARROW_E_UNSUPPORTED, "format 2");
    memcpy(bytes, golden, LEDGER_PAGE);
    ((struct ledger_header *)(void *)bytes)->byte_order = 0x04030201;
    sign_header(bytes);
    refuses(bytes, golden_bytes, BARROW_E_UNSUPPORTED, "byte order");
    free(bytes);

    struct barrow_ledger *ledger;
    struct barrow_error err;
    assert_int_equal(barrow_ledger_open(&ledger, "/nonexistent/x.barrow", &err), -1);
    assert_int_equal(err.code, BARROW_E_IO);
    assert_int_equal(barrow_ledger_open(&ledger, "/dev/null", &err), -1);
    assert_int_equal(err.code, BARROW_E_IO);
    assert_non_null(strstr(err.text, "not a regular file"));
}

/* ---- damage that costs what it hits ---- */

static void test_header_copy(void **state)
{
    (void)state;
    unsigned char *bytes = copy_of(golden_bytes);
    memset(bytes, 0, LEDGER_PAGE);
    struct barrow_ledger *ledger = open_bytes(bytes, golden_bytes);
    assert_int_equal(ledger->header.pid, 100);
    assert_int_equal(ledger->warnings.count, 1);
    assert_true(is_warned(ledger, "its copy is used"));
    barrow_ledger_free(ledger);
    free(bytes);
}

static void test_state_lost(void **state)
{
    (void)state;
    unsigned char *bytes = copy_of(golden_bytes);
    memset(bytes + LEDGER_STATE_OFFSET, 0, LEDGER_STATE_PAGES * LEDGER_PAGE);
    struct barrow_ledger *ledger = open_bytes(bytes, golden_bytes);
    assert_true(ledger->state_lost);
    assert_true(is_warned(ledger, "page of totals"));
    uint32_t count;
    assert_int_equal(barrow_ledger_sites(ledger, &count)[1].allocations, 10);
    assert_true(count > 14); /* all that the extent holds; what was never used is zeros */
    assert_int_equal(barrow_ledger_sites(ledger, &count)[14].allocations, 0);
    barrow_ledger_free(ledger);
    free(bytes);
}

/* A damaged header of the first of two extents: a hole, nothing shifts. */
static void test_lost_extent(void **state)
{
    (void)state;
    unsigned char *bytes = copy_of(golden_bytes);
    size_t first = find(bytes, LEDGER_STRINGS, 0);
    size_t second = find(bytes, LEDGER_STRINGS, first + LEDGER_PAGE);
    uint32_t at = (uint32_t)extent_at(bytes, second)->first_record + 100;
    unsigned char expected = bytes[second + LEDGER_PAGE + 100];
    bytes[first + 5] ^= 1;
    struct barrow_ledger *ledger = open_bytes(bytes, golden_bytes);
    const unsigned char *strings = ledger->tables[LEDGER_STRINGS].records;
    assert_int_equal(strings[20], 0);
    assert_int_equal(strings[at], expected);
    assert_int_equal(ledger->tables[LEDGER_STRINGS].lost, LEDGER_PAGE);
    assert_true(is_warned(ledger, "8192 bytes at offset"));
    assert_true(is_warned(ledger, "STRINGS: 4096 of"));
    assert_int_equal(ledger->tables[LEDGER_NODES].count, 17);
    barrow_ledger_free(ledger);
    free(bytes);
}

/* Whatever a header with a good checksum claims. */
static void test_forged_extent(void **state)
{
    (void)state;
    static const struct {
        uint64_t payload_bytes, first_record, capacity;
        uint32_t record_bytes, codec;
    } claims[] = {
        {LEDGER_PAGE, 0, (uint64_t)1 << 60, 32, 0},
        {LEDGER_PAGE, (uint64_t)1 << 40, 128, 32, 0},
        {LEDGER_PAGE, UINT64_MAX, 128, 32, 0},
        {LEDGER_PAGE, 0, 128, 64, 0},
        {LEDGER_PAGE, 0, 128, 0, 0},
        {(uint64_t)1 << 45, 0, (uint64_t)1 << 40, 32, 0},
        {UINT64_MAX - LEDGER_PAGE + 1, 0, 128, 32, 0},
        {LEDGER_PAGE, 0, 128, 32, 1},
        {LEDGER_PAGE - 8, 0, 128, 32, 0},
        {0, 0, 0, 32, 0},
    };
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        unsigned char *bytes = copy_of(golden_bytes);
        struct ledger_extent *extent = extent_at(bytes, find(bytes, LEDGER_NODES, 0));
        struct ledger_state *state_page = (void *)(bytes + LEDGER_STATE_OFFSET);
        state_page->used[LEDGER_NODES] = (uint64_t)1 << 39;
        extent->payload_bytes = claims[i].payload_bytes;
        extent->first_record = claims[i].first_record;
        extent->capacity = claims[i].capacity;
        extent->record_bytes = claims[i].record_bytes;
        extent->codec = claims[i].codec;
        sign(extent);
        struct barrow_ledger *ledger = open_bytes(bytes, golden_bytes);
        assert_true(ledger->tables[LEDGER_NODES].count <= golden_bytes / 32);
        assert_true(ledger->warnings.count > 0);
        barrow_ledger_free(ledger);
        free(bytes);
    }
}

static void test_unknown_kind_is_skipped(void **state)
{
    (void)state;
    unsigned char *bytes = copy_of(golden_bytes);
    struct ledger_extent *extent = extent_at(bytes, find(bytes, LEDGER_MARKS, 0));
    extent->kind = 500;
    sign(extent);
    struct barrow_ledger *ledger = open_bytes(bytes, golden_bytes);
    assert_int_equal(ledger->tables[LEDGER_MARKS].count, 0);
    assert_int_equal(ledger->tables[LEDGER_MODULES].count, 1);
    barrow_ledger_free(ledger);

    extent->kind = LEDGER_MARKS;
    extent->version = 2;
    sign(extent);
    ledger = open_bytes(bytes, golden_bytes);
    assert_int_equal(ledger->tables[LEDGER_MARKS].count, 0);
    assert_true(is_warned(ledger, "MARKS at offset"));
    barrow_ledger_free(ledger);
    free(bytes);
}

static void test_damaged_count(void **state)
{
    (void)state;
    unsigned char *bytes = copy_of(golden_bytes);
    struct ledger_state *state_page = (void *)(bytes + LEDGER_STATE_OFFSET);
    state_page->used[LEDGER_NODES] = UINT64_MAX;
    state_page->used[LEDGER_CODES] = 9;
    struct barrow_ledger *ledger = open_bytes(bytes, golden_bytes);
    assert_int_equal(ledger->tables[LEDGER_NODES].count, LEDGER_PAGE / 32);
    assert_int_equal(ledger->tables[LEDGER_CODES].count, 9);
    assert_true(is_warned(ledger, "NODES: its count is damaged"));
    barrow_ledger_free(ledger);
    free(bytes);
}

/* A file that shrinks under the reader: the size is what it was, the bytes are gone. */
static void test_shrunk_meanwhile(void **state)
{
    (void)state;
    char path[] = "/tmp/barrow-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, golden, golden_bytes), (ssize_t)golden_bytes);
    for (size_t count = golden_bytes; count > LEDGER_PAGE; count -= LEDGER_PAGE / 2) {
        struct barrow_ledger *ledger;
        struct barrow_error err;
        assert_int_equal(ftruncate(fd, (off_t)count), 0);
        assert_int_equal(barrow_ledger_open(&ledger, path, &err), 0);
        assert_int_equal(ledger->file_bytes, count);
        barrow_ledger_free(ledger);
    }
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),        cmocka_unit_test(test_checkpoints),
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_header_copy),
        cmocka_unit_test(test_state_lost),    cmocka_unit_test(test_lost_extent),
        cmocka_unit_test(test_forged_extent), cmocka_unit_test(test_unknown_kind_is_skipped),
        cmocka_unit_test(test_damaged_count), cmocka_unit_test(test_shrunk_meanwhile),
    };
    return cmocka_run_group_tests(tests, read_golden, drop_golden);
}
