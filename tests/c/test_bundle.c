/* Bundles: the golden one, what is written is what is read, damage, and lies.
 *
 * tests/data/bundle1.barrow holds the ledgers of tests/data/family; make_ledger.py wrote it. */
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
#include "ledger/inputs.h"
#include "ledger/zstd.h"
#include "profile/profile.h"

#define BUNDLE TEST_DATA "/bundle1.barrow"
#define FAMILY TEST_DATA "/family"

static const char *const members[] = {FAMILY "/app.100.barrow", FAMILY "/app.101.barrow",
                                      FAMILY "/app.102.barrow"};
enum { MEMBERS = 3 };

static struct barrow_profile *load(const char *const *paths, size_t count)
{
    struct barrow_profile *profile;
    struct barrow_error err;
    if (barrow_profile_load(&profile, paths, count, &err) < 0)
        fail_msg("%s", err.text);
    return profile;
}

static void assert_same_rows(const struct barrow_profile *a, const struct barrow_profile *b)
{
    for (int i = 0; i < BARROW_METRIC_COUNT * BARROW_BY_COUNT; i++) {
        struct barrow_query query = {.metric = (enum barrow_metric)(i % BARROW_METRIC_COUNT),
                                     .by = (enum barrow_grouping)(i / BARROW_METRIC_COUNT)};
        struct barrow_row *one, *other;
        size_t count, other_count;
        assert_int_equal(barrow_profile_rows(a, &query, &one, &count, NULL), 0);
        assert_int_equal(barrow_profile_rows(b, &query, &other, &other_count, NULL), 0);
        assert_int_equal(count, other_count);
        for (size_t row = 0; row < count; row++) {
            assert_string_equal(one[row].name, other[row].name);
            assert_string_equal(one[row].function, other[row].function);
            assert_string_equal(one[row].file, other[row].file);
            assert_int_equal(one[row].line, other[row].line);
            assert_memory_equal(one[row].value, other[row].value, sizeof one[row].value);
        }
        free(one);
        free(other);
    }
}

static void assert_same(const struct barrow_profile *a, const struct barrow_profile *b)
{
    assert_int_equal(a->process_count, b->process_count);
    assert_int_equal(a->peak_bytes, b->peak_bytes);
    assert_int_equal(a->peak_ns, b->peak_ns);
    assert_int_equal(a->total_bytes, b->total_bytes);
    assert_int_equal(a->sites_count, b->sites_count);
    assert_int_equal(a->sample_count, b->sample_count);
    assert_int_equal(a->warning_count, b->warning_count);
    assert_string_equal(a->command, b->command);
    assert_same_rows(a, b);
}

static void assert_same_as_family(const char *const *paths, size_t count)
{
    static const char *const family = FAMILY;
    struct barrow_profile *bundle = load(paths, count), *parts = load(&family, 1);
    assert_same(bundle, parts);
    barrow_profile_free(bundle);
    barrow_profile_free(parts);
}

static void test_golden(void **state)
{
    (void)state;
    struct barrow_bundle *bundle;
    struct barrow_error err;
    static const char *const path = BUNDLE;
    assert_int_equal(barrow_bundle_open(&bundle, path, &err), 0);
    assert_int_equal(barrow_bundle_count(bundle), MEMBERS);
    assert_string_equal(barrow_bundle_path(bundle, 1), BUNDLE "/app.101.barrow");
    assert_int_equal(barrow_bundle_warnings(bundle)->count, 0);
    struct barrow_ledger *ledger;
    if (!ledger_has_zstd) {
        assert_int_equal(barrow_bundle_ledger(bundle, 0, &ledger, &err), -1);
        assert_int_equal(err.code, BARROW_E_UNSUPPORTED);
        assert_non_null(strstr(err.text, "libzstd"));
        barrow_bundle_free(bundle);
        skip();
    }
    barrow_bundle_free(bundle);
    assert_same_as_family(&path, 1);
    /* A bundle is no ledger, a ledger no bundle. */
    assert_int_equal(barrow_ledger_open(&ledger, path, &err), -1);
    assert_int_equal(err.code, BARROW_E_FORMAT);
    assert_int_equal(barrow_bundle_open(&bundle, members[0], &err), -1);
    assert_int_equal(err.code, BARROW_E_FORMAT);
}

/* Beside its own ledgers, in whatever order, a bundle adds nothing. */
static void test_counted_once(void **state)
{
    (void)state;
    if (!ledger_has_zstd)
        skip();
    static const char *const paths[][2] = {
        {BUNDLE, FAMILY}, {FAMILY, BUNDLE}, {BUNDLE, BUNDLE}, {FAMILY "/app.101.barrow", BUNDLE}};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_same_as_family(paths[i], 2);
}

/* ---- writing ---- */

static char made[] = "/tmp/barrow-test-bundle.XXXXXX";

static void write_bundle(FILE *to, const char *const *paths, size_t count, bool compress)
{
    struct barrow_bundle_writer writer;
    struct ledger_header header;
    assert_int_equal(barrow_ledger_read_header(&header, paths[0], NULL), 0);
    assert_int_equal(barrow_bundle_begin(&writer, to, &header, NULL), 0);
    writer.compress = compress;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(barrow_bundle_add_file(&writer, paths[i], NULL), 0);
    assert_int_equal(barrow_bundle_end(&writer, NULL), 0);
    assert_int_equal(fflush(to), 0);
}

static void assert_same_ledger(const struct barrow_ledger *a, const struct barrow_ledger *b)
{
    assert_int_equal(a->file_bytes, b->file_bytes);
    assert_memory_equal(&a->header, &b->header, sizeof a->header);
    assert_memory_equal(&a->state, &b->state, sizeof a->state);
    assert_int_equal(a->warnings.count, b->warnings.count);
    for (int kind = 1; kind < LEDGER_KIND_LIMIT; kind++) {
        const struct barrow_ledger_table *one = &a->tables[kind], *other = &b->tables[kind];
        static const uint32_t sizes[LEDGER_KIND_LIMIT] = {
#define X(number, name, size, what) [number] = size,
            LEDGER_KINDS(X)
#undef X
        };
        assert_int_equal(one->count, other->count);
        if (one->count)
            assert_memory_equal(one->records, other->records, (size_t)one->count * sizes[kind]);
    }
}

static void check_written(bool compress)
{
    strcpy(made + sizeof made - 7, "XXXXXX");
    int fd = mkstemp(made);
    FILE *to = fdopen(fd, "w+");
    struct barrow_bundle *bundle;
    const char *path = made;
    write_bundle(to, members, MEMBERS, compress);
    assert_int_equal(barrow_bundle_open(&bundle, made, NULL), 0);
    assert_int_equal(barrow_bundle_count(bundle), MEMBERS);
    for (size_t i = 0; i < MEMBERS; i++) {
        struct barrow_ledger *one, *other;
        assert_int_equal(barrow_bundle_ledger(bundle, i, &one, NULL), 0);
        assert_int_equal(barrow_ledger_open(&other, members[i], NULL), 0);
        assert_same_ledger(one, other);
        barrow_ledger_free(one);
        barrow_ledger_free(other);
    }
    barrow_bundle_free(bundle);
    assert_same_as_family(&path, 1);
    fclose(to);
    unlink(made);
}

static void test_written_is_read(void **state)
{
    (void)state;
    check_written(false);
    if (ledger_has_zstd)
        check_written(true);
}

/* A ledger of 100 MiB that is all but blank compresses better than readers believe. */
static void test_blank_ledger(void **state)
{
    (void)state;
    char ledger_path[] = "/tmp/barrow-test-blank.XXXXXX", path[] = "/tmp/barrow-test-blank.XXXXXX";
    FILE *ledger = fdopen(mkstemp(ledger_path), "w"), *to = fdopen(mkstemp(path), "w");
    struct ledger_header header;
    const char *paths[] = {ledger_path, path};
    assert_int_equal(barrow_ledger_read_header(&header, members[2], NULL), 0);
    header.checksum = 0;
    header.checksum = barrow_crc32(&header, sizeof header);
    fwrite(&header, 1, sizeof header, ledger);
    assert_int_equal(fflush(ledger), 0);
    assert_int_equal(ftruncate(fileno(ledger), 100 << 20), 0);
    write_bundle(to, paths, 1, ledger_has_zstd);
    struct barrow_profile *a = load(paths, 1), *b = load(paths + 1, 1);
    assert_same(a, b);
    barrow_profile_free(a);
    barrow_profile_free(b);
    fclose(ledger);
    fclose(to);
    unlink(ledger_path);
    unlink(path);
}

/* ---- damage ---- */

static unsigned char *bytes;
static size_t count;

/* Of two small ledgers, stored. */
static int make_bytes(void **state)
{
    (void)state;
    FILE *to = tmpfile();
    write_bundle(to, members + 1, 2, false);
    count = (size_t)ftello(to);
    fseeko(to, 0, SEEK_END);
    count = (size_t)ftello(to);
    bytes = malloc(count);
    rewind(to);
    assert_int_equal(fread(bytes, 1, count, to), count);
    fclose(to);
    return 0;
}

static int drop_bytes(void **state)
{
    (void)state;
    free(bytes);
    return 0;
}

/* How many processes can be shown; -1: none, for a reason of one line. */
static int shown(const unsigned char *from, size_t size, struct barrow_error *err)
{
    struct barrow_profile *profile;
    struct barrow_error why;
    if (!err)
        err = &why;
    /* Of the exact size, so that reading beyond it is seen. */
    unsigned char *copy = malloc(size ? size : 1);
    memcpy(copy, from, size);
    int result = barrow_profile_load_bytes(&profile, copy, size, "x.barrow", err);
    free(copy);
    if (result < 0) {
        assert_true(err->text[0] && !strchr(err->text, '\n'));
        return -1;
    }
    result = (int)profile->process_count;
    barrow_profile_free(profile);
    return result;
}

static void test_damaged_anywhere(void **state)
{
    (void)state;
    assert_int_equal(shown(bytes, count, NULL), 2);
    for (size_t i = 0; i < count; i += i % LEDGER_PAGE < 100 ? 1 : 37) {
        bytes[i] ^= 0xff;
        assert_in_range(shown(bytes, count, NULL), 1, 2);
        bytes[i] ^= 0xff;
    }
}

static void test_cut_anywhere(void **state)
{
    (void)state;
    int last = -1;
    for (size_t size = 0; size <= count; size += 512) {
        int now = shown(bytes, size, NULL);
        assert_in_range(now + 1, last + 1, 3);
        last = now;
    }
    assert_int_equal(last, 2);
}

static struct ledger_member *first_member(void)
{
    return (struct ledger_member *)(void *)(bytes + LEDGER_EXTENTS_OFFSET + LEDGER_PAGE);
}

static struct ledger_extent *first_extent(void)
{
    return (struct ledger_extent *)(void *)(bytes + LEDGER_EXTENTS_OFFSET);
}

static void test_names_are_one_line(void **state)
{
    (void)state;
    struct barrow_bundle *bundle;
    char *name = (char *)(first_member() + 1);
    memcpy(name, "\n\033", 2);
    assert_int_equal(barrow_bundle_open_bytes(&bundle, bytes, count, "x.barrow", NULL), 0);
    assert_string_equal(barrow_bundle_path(bundle, 0), "x.barrow/??p.101.barrow");
    barrow_bundle_free(bundle);
    memcpy(name, "ap", 2);
}

static void sign(struct ledger_extent *extent)
{
    extent->checksum = 0;
    extent->checksum = barrow_crc32(extent, 64);
}

static void test_lies(void **state)
{
    (void)state;
    struct ledger_member *member = first_member(), honest = *member;
    struct ledger_extent *extent = first_extent(), honest_extent = *extent;
    static const uint64_t claims[] = {0, 1, UINT64_MAX, (uint64_t)1 << 40};
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        for (uint32_t codec = 0; codec < 3; codec++) {
            member->bytes = claims[i];
            extent->codec = codec;
            sign(extent);
            assert_int_equal(shown(bytes, count, NULL), 1);
        }
        *member = honest;
        *extent = honest_extent;
        member->name_bytes = (uint32_t)claims[i] - 5;
        assert_int_equal(shown(bytes, count, NULL), 1);
        *member = honest;
        extent->sealed_bytes = claims[i];
        assert_int_equal(shown(bytes, count, NULL), 1);
        *extent = honest_extent;
    }
    assert_int_equal(shown(bytes, count, NULL), 2);
}

static void test_nothing_in_it(void **state)
{
    (void)state;
    struct barrow_error err;
    assert_int_equal(shown(bytes, LEDGER_EXTENTS_OFFSET, &err), -1);
    assert_int_equal(err.code, BARROW_E_FORMAT);
    assert_non_null(strstr(err.text, "without ledgers"));
}

/* ---- bundles and bundles ---- */

static void test_flattened(void **state)
{
    (void)state;
    FILE *to = tmpfile();
    struct barrow_bundle *from, *bundle;
    struct barrow_bundle_writer writer;
    struct ledger_header header;
    unsigned char *copy = malloc(4 * count);
    bool damaged = true;
    memcpy(copy, bytes, count);
    assert_int_equal(barrow_bundle_open_bytes(&from, copy, count, "x.barrow", NULL), 0);
    assert_int_equal(barrow_bundle_header(from, 0, &header, NULL), 0);
    assert_int_equal(barrow_bundle_begin(&writer, to, &header, NULL), 0);
    assert_int_equal(barrow_bundle_add_member(&writer, from, 0, &damaged, NULL), 0);
    assert_false(damaged);
    copy[count - LEDGER_PAGE] ^= 1; /* in the last one */
    assert_int_equal(barrow_bundle_add_member(&writer, from, 1, &damaged, NULL), 0);
    assert_true(damaged);
    assert_int_equal(barrow_bundle_end(&writer, NULL), 0);
    barrow_bundle_free(from);
    fseeko(to, 0, SEEK_END);
    size_t size = (size_t)ftello(to);
    rewind(to);
    assert_true(size <= 4 * count && fread(copy, 1, size, to) == size);
    assert_int_equal(barrow_bundle_open_bytes(&bundle, copy, size, "y.barrow", NULL), 0);
    for (size_t i = 0; i < 2; i++) {
        struct barrow_ledger *ledger;
        assert_int_equal(barrow_bundle_ledger(bundle, i, &ledger, NULL), 0);
        assert_int_equal(ledger->warnings.count > 0, i == 1);
        barrow_ledger_free(ledger);
    }
    barrow_bundle_free(bundle);
    fclose(to);
    free(copy);
}

static void test_no_bundle_in_a_bundle(void **state)
{
    (void)state;
    FILE *to = tmpfile();
    struct barrow_error err;
    const char *paths[] = {BUNDLE};
    write_bundle(to, paths, 1, false);
    fseeko(to, 0, SEEK_END);
    size_t size = (size_t)ftello(to);
    unsigned char *outer = malloc(size);
    rewind(to);
    assert_int_equal(fread(outer, 1, size, to), size);
    assert_int_equal(shown(outer, size, &err), -1);
    assert_non_null(strstr(err.text, "within a bundle"));
    free(outer);
    fclose(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_counted_once),
        cmocka_unit_test(test_written_is_read),
        cmocka_unit_test(test_blank_ledger),
        cmocka_unit_test(test_damaged_anywhere),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_names_are_one_line),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_nothing_in_it),
        cmocka_unit_test(test_flattened),
        cmocka_unit_test(test_no_bundle_in_a_bundle),
    };
    return cmocka_run_group_tests(tests, make_bytes, drop_bytes);
}
