/* The base: errors, arrays, arena, buffer, map, crc32, notes, units, JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/buffer.h"
#include "base/crc32.h"
#include "base/error.h"
#include "base/json.h"
#include "base/map.h"
#include "base/notes.h"
#include "base/units.h"

static void test_error(void **state)
{
    (void)state;
    struct barrow_error err;
    char long_text[1000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    assert_int_equal(barrow_fail(&err, BARROW_E_IO, "%s: %d", "file", 7), -1);
    assert_int_equal(err.code, BARROW_E_IO);
    assert_string_equal(err.text, "file: 7");
    assert_int_equal(barrow_fail(NULL, BARROW_E_IO, "nobody cares"), -1);
    barrow_fail(&err, BARROW_E_FORMAT, "%s", long_text);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void test_crc32(void **state)
{
    (void)state;
    assert_int_equal(barrow_crc32("", 0), 0);
    assert_int_equal(barrow_crc32("123456789", 9), 0xcbf43926);
    assert_int_equal(barrow_crc32_more(barrow_crc32("1234", 4), "56789", 5), 0xcbf43926);
    unsigned char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (unsigned char)i;
    assert_int_equal(barrow_crc32(all, sizeof all), 0x29058c73); /* zlib.crc32(bytes(range(256))) */
}

static void test_array_and_arena(void **state)
{
    (void)state;
    BARROW_ARRAY(uint64_t) numbers = {0};
    struct barrow_arena arena = {0};
    char *texts[2000];
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t *number = barrow_array_add(&numbers);
        assert_int_equal(*number, 0);
        *number = i * i;
    }
    assert_int_equal(numbers.count, 1000);
    assert_int_equal(numbers.items[999], 999 * 999);
    assert_false(barrow_array_reserve(&numbers, SIZE_MAX / 4));
    assert_int_equal(numbers.items[999], 999 * 999);
    free(numbers.items);

    for (int i = 0; i < 2000; i++) {
        char text[400];
        int length = snprintf(text, sizeof text, "%d %0*d", i, i % 300 + 1, i);
        texts[i] = barrow_arena_text(&arena, text, (size_t)length);
        assert_int_equal((uintptr_t)texts[i] % 8, 0);
    }
    char *large = barrow_arena_alloc(&arena, 1 << 20);
    memset(large, 1, 1 << 20);
    for (int i = 0; i < 2000; i++)
        assert_int_equal(atoi(texts[i]), i);
    assert_null(barrow_arena_alloc(&arena, SIZE_MAX - 3));
    barrow_arena_free(&arena);
}

static void test_buffer(void **state)
{
    (void)state;
    struct barrow_buffer buffer = {0};
    assert_string_equal(barrow_buffer_text(&buffer), "");
    for (int i = 0; i < 100; i++) {
        barrow_buffer_add_text(&buffer, "abc");
        barrow_buffer_add_byte(&buffer, ' ');
    }
    barrow_buffer_add(&buffer, "\0x", 2);
    assert_int_equal(buffer.used, 402);
    assert_memory_equal(barrow_buffer_text(&buffer) + 396, "abc \0x", 7);
    barrow_buffer_add(&buffer, "", SIZE_MAX / 2 + 1);
    assert_true(buffer.failed);
    assert_null(barrow_buffer_text(&buffer));
    barrow_buffer_free(&buffer);
}

#define SAME_NUMBER(numbers, i, key) ((numbers)[(i)-1] == (key))
BARROW_MAP_FIND(find_number, const uint64_t *, uint64_t, SAME_NUMBER)

static void test_map(void **state)
{
    (void)state;
    struct barrow_map map = {0};
    BARROW_ARRAY(uint64_t) numbers = {0};
    for (uint64_t round = 0; round < 3; round++)
        for (uint64_t i = 0; i < 5000; i++) {
            uint64_t key = i * 0x100000001u;
            /* A poor hash, so that runs of occupied slots and equal hashes are met. */
            uint32_t hash = (uint32_t)(i / 7);
            assert_true(barrow_map_reserve(&map, 1));
            uint32_t *found = find_number(&map, numbers.items, key, hash);
            assert_int_equal(*found, round ? i + 1 : 0);
            if (!*found) {
                *(uint64_t *)barrow_array_add(&numbers) = key;
                barrow_map_fill(&map, found, hash, (uint32_t)numbers.count);
            }
        }
    assert_int_equal(map.count, 5000);
    barrow_map_clear(&map);
    assert_int_equal(*find_number(&map, numbers.items, 0, 0), 0);
    barrow_map_free(&map);
    free(numbers.items);
    assert_int_not_equal(barrow_hash_bytes("abcdefgh", 8), barrow_hash_bytes("abcdefgi", 8));
    assert_int_not_equal(barrow_hash_bytes("a", 1), barrow_hash_bytes("a\0", 2));
}

static void test_notes(void **state)
{
    (void)state;
    struct barrow_notes notes = {0};
    for (int i = 0; i < 1000; i++)
        barrow_notes_add(&notes, "note %d", i);
    assert_int_equal(notes.count, 51);
    assert_string_equal(notes.items[49], "note 49");
    assert_string_equal(notes.items[50], "and more");
    barrow_notes_free(&notes);
}

static void test_units(void **state)
{
    (void)state;
    char text[BARROW_UNITS_ROOM];
    static const struct {
        uint64_t amount;
        const char *bytes;
    } bytes[] = {{0, "0 B"},
                 {1023, "1023 B"},
                 {1024, "1.0 KiB"},
                 {1536, "1.5 KiB"},
                 {10239, "9.9 KiB"},
                 {10240, "10 KiB"},
                 {1048575, "1023 KiB"},
                 {1572864, "1.5 MiB"},
                 {(uint64_t)9 << 40 | (uint64_t)1 << 39, "9.5 TiB"},
                 {UINT64_MAX, "15 EiB"}};
    static const struct {
        uint64_t ns;
        const char *text;
    } durations[] = {{0, "0 ns"},
                     {999, "999 ns"},
                     {1500, "1.5 µs"},
                     {999999, "999 µs"},
                     {340000000, "340 ms"},
                     {1290000000, "1.2 s"},
                     {59999999999, "59 s"},
                     {185000000000, "3 min 05 s"},
                     {7620000000000, "2 h 07 min"},
                     {UINT64_MAX, "5124095 h 34 min"}};
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++)
        assert_string_equal(barrow_units_bytes(text, bytes[i].amount), bytes[i].bytes);
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++)
        assert_string_equal(barrow_units_duration(text, durations[i].ns), durations[i].text);
    assert_string_equal(barrow_units_count(text, 0), "0");
    assert_string_equal(barrow_units_count(text, 999), "999");
    assert_string_equal(barrow_units_count(text, 1000), "1,000");
    assert_string_equal(barrow_units_count(text, UINT64_MAX), "18,446,744,073,709,551,615");
}

static void test_units_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"0", 0},
                {"4096", 4096},
                {"1 B", 1},
                {"24 MB", 24 << 20},
                {"24MiB", 24 << 20},
                {"24m", 24 << 20},
                {"1.5k", 1536},
                {"0.1 GB", 107374182},
                {"2T", (uint64_t)2 << 40},
                {"1 pb", (uint64_t)1 << 50},
                {"9007199254740993", 9007199254740992}};
    static const char *const bad[] = {"",      "MB",   "-1",  ".5",  "1,5M", "1 XB",  "1MBs",
                                      "1 M B", "0x10", "inf", "nan", "1e3",  "8192P", " 1"};
    uint64_t bytes;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(barrow_units_parse_bytes(good[i].text, &bytes), 0);
        assert_int_equal(bytes, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(barrow_units_parse_bytes(bad[i], &bytes), -1);
}

/* What a writer puts out, compared and freed. */
struct written {
    FILE *file;
    char *text;
    size_t size;
};

static void written_equals(struct written *out, const char *expected)
{
    fclose(out->file);
    assert_string_equal(out->text, expected);
    free(out->text);
}

static void test_json_layout(void **state)
{
    (void)state;
    for (int indent = 0; indent <= 2; indent += 2) {
        struct written out = {0};
        struct barrow_json json;
        out.file = open_memstream(&out.text, &out.size);
        barrow_json_init(&json, out.file, indent);
        barrow_json_begin_object(&json);
        barrow_json_key(&json, "a\n");
        barrow_json_begin_array(&json);
        barrow_json_uint(&json, UINT64_MAX);
        barrow_json_int(&json, INT64_MIN);
        barrow_json_begin_object(&json);
        barrow_json_end_object(&json);
        barrow_json_begin_array(&json);
        barrow_json_end_array(&json);
        barrow_json_end_array(&json);
        barrow_json_key(&json, "b");
        barrow_json_bool(&json, true);
        barrow_json_key(&json, "c");
        barrow_json_string(&json, NULL);
        barrow_json_end_object(&json);
        written_equals(&out, indent ? "{\n  \"a\\n\": [\n    18446744073709551615,\n"
                                      "    -9223372036854775808,\n    {},\n    []\n  ],\n"
                                      "  \"b\": true,\n  \"c\": null\n}\n"
                                    : "{\"a\\n\": [18446744073709551615, -9223372036854775808, "
                                      "{}, []], \"b\": true, \"c\": null}\n");
    }
}

/* A number brings its own separator with it; not where it stands first, or behind a key. */
static void test_json_integers(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "{\"k\": 0, \"l\": -7, \"m\": [10, 0, [18446744073709551615], -9223372036854775808, 99]}\n",
        "{\n \"k\": 0,\n \"l\": -7,\n \"m\": [\n  10,\n  0,\n  [\n   18446744073709551615\n  ],\n"
        "  -9223372036854775808,\n  99\n ]\n}\n"};
    for (int indent = 0; indent <= 1; indent++) {
        struct written out = {0};
        struct barrow_json json;
        out.file = open_memstream(&out.text, &out.size);
        barrow_json_init(&json, out.file, indent);
        barrow_json_begin_object(&json);
        barrow_json_key(&json, "k");
        barrow_json_uint(&json, 0);
        barrow_json_key(&json, "l");
        barrow_json_int(&json, -7);
        barrow_json_key(&json, "m");
        barrow_json_begin_array(&json);
        barrow_json_int(&json, 10);
        barrow_json_uint(&json, 0);
        barrow_json_begin_array(&json);
        barrow_json_uint(&json, UINT64_MAX);
        barrow_json_end_array(&json);
        barrow_json_int(&json, INT64_MIN);
        barrow_json_uint(&json, 99);
        barrow_json_end_array(&json);
        barrow_json_end_object(&json);
        written_equals(&out, expected[indent]);
    }
    struct written alone = {0};
    struct barrow_json json;
    alone.file = open_memstream(&alone.text, &alone.size);
    barrow_json_init(&json, alone.file, 0);
    barrow_json_int(&json, 1234567890);
    written_equals(&alone, "1234567890\n");
}

static void test_json_numbers(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } doubles[] = {{0.1, "0.1"},
                   {-2, "-2"},
                   {1.0 / 3, "0.3333333333333333"},
                   {1e300, "1e+300"},
                   {__builtin_nan(""), "null"},
                   {-__builtin_inf(), "null"}};
    static const struct {
        uint64_t ns;
        const char *text;
    } seconds[] = {{0, "0.0"}, {1500000000, "1.5"}, {2000000000, "2.0"}, {1, "0.000000001"}};
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
        struct written out = {0};
        struct barrow_json json;
        char expected[40];
        snprintf(expected, sizeof expected, "%s\n", doubles[i].text);
        out.file = open_memstream(&out.text, &out.size);
        barrow_json_init(&json, out.file, 0);
        barrow_json_double(&json, doubles[i].value);
        written_equals(&out, expected);
    }
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        struct written out = {0};
        struct barrow_json json;
        char expected[40];
        snprintf(expected, sizeof expected, "%s\n", seconds[i].text);
        out.file = open_memstream(&out.text, &out.size);
        barrow_json_init(&json, out.file, 0);
        barrow_json_seconds(&json, seconds[i].ns);
        written_equals(&out, expected);
    }
}

static void test_json_strings(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t count;
        const char *quoted;
    } strings[] = {
        {"", 0, "\"\""},
        {"a\"b\\c/", 6, "\"a\\\"b\\\\c/\""},
        {"\0\x1f\b\f\r\t\x7f", 7, "\"\\u0000\\u001f\\b\\f\\r\\t\\u007f\""},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {"x\xed\xb3\xbfy", 5, "\"x\\udcffy\""},  /* a lone surrogate */
        {"\xff\x80z", 3, "\"\\ufffd\\ufffdz\""}, /* no UTF-8 */
        {"\xe2\x82", 2, "\"\\ufffd\\ufffd\""},   /* cut off */
        {"\xc0\x80\xe0\x80\x80", 5, "\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\""}, /* overlong */
        {"\xf4\x90\x80\x80", 4, "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},            /* above U+10FFFF */
    };
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        struct written out = {0};
        char *copy = malloc(strings[i].count + 1); /* of the exact size: no reading beyond */
        memcpy(copy, strings[i].bytes, strings[i].count);
        copy = realloc(copy, strings[i].count ? strings[i].count : 1);
        out.file = open_memstream(&out.text, &out.size);
        barrow_json_quote(out.file, copy, strings[i].count);
        written_equals(&out, strings[i].quoted);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_crc32),
        cmocka_unit_test(test_array_and_arena),
        cmocka_unit_test(test_buffer),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_units_read),
        cmocka_unit_test(test_json_layout),
        cmocka_unit_test(test_json_integers),
        cmocka_unit_test(test_json_numbers),
        cmocka_unit_test(test_json_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
