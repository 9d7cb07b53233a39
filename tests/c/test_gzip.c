/* gzip as it is written without zlib (src/export/gzip.c is compiled into this test without it):
 * every byte of the file is accounted for.  With zlib: tests/python/test_formats.py unpacks
 * exports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/crc32.h"
#include "export/gzip.h"

static int to_buffer(void *context, const void *bytes, size_t count)
{
    barrow_buffer_add(context, bytes, count);
    return 0;
}

static uint32_t number(const char *at, int bytes)
{
    uint32_t value = 0;
    while (bytes--)
        value = value << 8 | (unsigned char)at[bytes];
    return value;
}

/* Reads stored blocks into `to`; returns how many bytes of the file they take. */
static size_t read_blocks(const char *at, struct barrow_buffer *to)
{
    const char *from = at;
    bool last = false;
    while (!last) {
        last = *at & 1;
        assert_int_equal(*at & ~1, 0);
        uint32_t length = number(at + 1, 2);
        assert_int_equal(number(at + 3, 2), length ^ 0xffff);
        barrow_buffer_add(to, at + 5, length);
        at += 5 + length;
    }
    return (size_t)(at - from);
}

static void check(const char *bytes, size_t count, size_t part)
{
    struct barrow_buffer file = {0}, back = {0};
    struct barrow_gzip *gzip = barrow_gzip_open(to_buffer, &file, 6);
    assert_non_null(gzip);
    for (size_t at = 0; at < count; at += part)
        assert_int_equal(barrow_gzip_write(gzip, bytes + at, count - at < part ? count - at : part),
                         0);
    assert_int_equal(barrow_gzip_close(gzip), 0);
    assert_memory_equal(file.bytes, "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
    size_t at = 10 + read_blocks(file.bytes + 10, &back);
    assert_int_equal(number(file.bytes + at, 4), barrow_crc32(bytes, count));
    assert_int_equal(number(file.bytes + at + 4, 4), count);
    assert_int_equal(file.used, at + 8);
    assert_int_equal(back.used, count);
    if (count)
        assert_memory_equal(back.bytes, bytes, count);
    barrow_buffer_free(&file);
    barrow_buffer_free(&back);
}

static void test_reads_back(void **state)
{
    static const size_t counts[] = {0, 1, 65534, 65535, 65536, 200000};
    char *bytes = malloc(200000);
    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < 200000; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        check(bytes, counts[i], 200000);
        check(bytes, counts[i], 997);
    }
    assert_false(barrow_gzip_compresses());
    free(bytes);
}

struct full {
    int left, calls;
};

static int to_full(void *context, const void *bytes, size_t count)
{
    struct full *full = context;
    (void)bytes;
    (void)count;
    full->calls++;
    return full->left-- > 0 ? 0 : -1;
}

static void test_stops_at_the_first_failure(void **state)
{
    static const char bytes[300000];
    struct full full = {.left = 2};
    struct barrow_gzip *gzip = barrow_gzip_open(to_full, &full, 6);
    (void)state;
    assert_non_null(gzip);
    assert_int_equal(barrow_gzip_write(gzip, bytes, sizeof bytes), -1);
    assert_int_equal(barrow_gzip_write(gzip, bytes, 1), -1);
    assert_int_equal(barrow_gzip_close(gzip), -1);
    assert_int_equal(full.calls, 3);
    assert_int_equal(barrow_gzip_close(NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_back),
        cmocka_unit_test(test_stops_at_the_first_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
