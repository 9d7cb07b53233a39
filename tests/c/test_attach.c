/* src/attach on images of processes: finding the interpreter, counting objects, what is damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attach/census.h"
#include "process_image.h"

static unsigned char *read_file(const char *name, size_t *size)
{
    char path[512];
    unsigned char *bytes = malloc(1 << 20);

    snprintf(path, sizeof path, TEST_DATA "/%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    *size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

static const struct barrow_live_class *find(const struct barrow_live_census *census,
                                            const char *name)
{
    for (size_t i = 0; i < census->count; i++)
        if (strcmp(census->classes[i].name, name) == 0)
            return &census->classes[i];
    fail_msg("no class %s", name);
    return NULL;
}

static void check(const struct barrow_live_census *census, const char *name, uint64_t objects,
                  uint64_t tracked, uint64_t bytes)
{
    const struct barrow_live_class *class = find(census, name);

    if (class->objects != objects || class->tracked != tracked || class->bytes != bytes)
        fail_msg("%s: %lu objects, %lu tracked, %lu bytes", name, (unsigned long)class->objects,
                 (unsigned long)class->tracked, (unsigned long)class->bytes);
}

/* What make_process.py put there.  Types in the program's data have no bytes. */
static void check_counts(const char *name, uint32_t version, const char *words, uint64_t text_bytes)
{
    struct process_image image;
    struct barrow_runtime runtime;
    struct barrow_live_census census;
    struct barrow_error err = {0};
    char text[24];
    size_t size;
    unsigned char *bytes = read_file(name, &size);

    open_process_image(&image, bytes, size);
    if (barrow_runtime_find(&runtime, &image.target, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(runtime.version, version);
    assert_string_equal(barrow_runtime_version(&runtime, text), words);
    assert_int_equal(barrow_live_census_take(&census, &image.target, &runtime, &err), 0);
    assert_false(census.torn);
    assert_int_equal(census.tracked, 5);
    check(&census, "int", 7, 0, 7 * 32);
    check(&census, "tuple", 3, 0, 3 * 64); /* with a head, though not tracked */
    check(&census, "app.things.Outer.Thing", 3, 3, 3 * 48);
    check(&census, "list", 1, 1, 64 + 64);
    check(&census, "dict", 2, 0, 2 * (64 + 128));
    check(&census, "str", 4, 0, text_bytes);
    assert_int_equal(find(&census, "type")->objects, 1);
    assert_string_equal(census.classes[0].name, "type");
    barrow_live_census_free(&census);
    close_process_image(&image);
    free(bytes);
}

static void test_by_table(void **state)
{
    (void)state;
    check_counts("process-3.13.image", 0x030d00f0, "3.13.0", 64 + 64 + 64 + 48);
}

static void test_by_symbol(void **state)
{
    (void)state;
    check_counts("process-3.11.image", 0x030b02f0, "3.11.2", 64 + 64 + 64 + 64);
}

/* A changed image; -1: the interpreter isn't found, else the census' tracked objects. */
static int64_t count_changed(const char *name, size_t at, const void *change, size_t length,
                             struct barrow_error *err, bool *torn)
{
    struct process_image image;
    struct barrow_runtime runtime;
    struct barrow_live_census census = {0};
    size_t size;
    unsigned char *bytes = read_file(name, &size);
    int64_t tracked = -1;

    memcpy(bytes + at, change, length);
    open_process_image(&image, bytes, size);
    if (barrow_runtime_find(&runtime, &image.target, err) == 0 &&
        barrow_live_census_take(&census, &image.target, &runtime, err) == 0)
        tracked = (int64_t)census.tracked;
    *torn = census.torn;
    barrow_live_census_free(&census);
    close_process_image(&image);
    free(bytes);
    return tracked;
}

static void expect_error(size_t at, uint64_t value, const char *words)
{
    struct barrow_error err = {0};
    bool torn;

    assert_int_equal(
        count_changed("process-3.13.image", 16 + at, &value, sizeof value, &err, &torn), -1);
    if (!strstr(err.text, words))
        fail_msg("%s", err.text);
}

static void test_refuses(void **state)
{
    (void)state;
    expect_error(0, 0, "runs no Python");
    expect_error(8, 0x031000f0, "runs Python 3.16.0; barrow reads CPython 3.11 to 3.15");
    expect_error(8, 0x030f00b1, "runs Python 3.15.0b1;");
    expect_error(16, 1, "free-threaded");
    expect_error(40, 1ull << 40, "damaged");
    expect_error(0x800, 0, "only starting");
}

/* Places in process-3.13.image: the head of the oldest generation, the links of its first object.
 */
enum { RING = 16 + 0x1080 + 24 + 48, FIRST = 16 + 0x4000 + 16 };

/* A list that leads into nothing from one end is followed from the other. */
static void test_torn_lists(void **state)
{
    (void)state;
    static const char name[] = "process-3.13.image";
    struct barrow_error err = {0};
    uint64_t nowhere[2] = {0x4141414141414140, 0x4242424242424240};
    uint64_t first[2] = {0x200000, 0x200000};
    bool torn;

    assert_int_equal(count_changed(name, RING, nowhere, 8, &err, &torn), 5);
    assert_false(torn);
    assert_int_equal(count_changed(name, RING + 8, nowhere, 8, &err, &torn), 5);
    assert_false(torn);
    assert_int_equal(count_changed(name, FIRST, nowhere, 8, &err, &torn), 5);
    assert_false(torn); /* the way back met the way there */
    assert_int_equal(count_changed(name, RING, nowhere, 16, &err, &torn), 0);
    assert_true(torn);
    assert_int_equal(count_changed(name, FIRST, first, 8, &err, &torn), 5);
    assert_false(torn); /* a loop is left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_table), cmocka_unit_test(test_by_symbol),
        cmocka_unit_test(test_refuses), cmocka_unit_test(test_torn_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
