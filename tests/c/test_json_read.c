/* base/json_read.h: what is JSON and what is not, values, limits, and that the writer's output
 * reads back. */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/json_read.h"

/* Of the exact size, so that reading beyond the end is found. */
static int parse_bytes(struct barrow_json_document *document, const char *bytes, size_t count,
                       struct barrow_error *err)
{
    char *copy = malloc(count ? count : 1);
    memcpy(copy, bytes, count);
    int rc = barrow_json_parse(document, copy, count, "x.json", err);
    free(copy);
    return rc;
}

static const struct barrow_json_value *good(struct barrow_json_document *document, const char *text)
{
    struct barrow_error err = {0};
    if (parse_bytes(document, text, strlen(text), &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return document->root;
}

static void test_values(void **state)
{
    (void)state;
    struct barrow_json_document document;
    const struct barrow_json_value *root =
        good(&document, " {\"a\": [1, -2, 1.5e3, true, false, null],\n \"b\" : {}, \"c\":[ ] ,"
                        "\"\": \"x\"} \r\n\t");
    const struct barrow_json_value *a = barrow_json_get(root, "a");
    assert_int_equal(root->kind, JSON_OBJECT);
    assert_int_equal(root->count, 4);
    assert_int_equal(a->kind, JSON_ARRAY);
    assert_int_equal(a->count, 6);
    assert_int_equal(a->line, 1);
    const struct barrow_json_value *v = a->first;
    assert_true(v->is_uint && v->uint == 1 && v->number == 1);
    v = v->next;
    assert_true(v->kind == JSON_NUMBER && !v->is_uint && v->number == -2);
    v = v->next;
    assert_true(!v->is_uint && v->number == 1500);
    v = v->next;
    assert_true(v->kind == JSON_BOOL && v->truth);
    v = v->next;
    assert_true(v->kind == JSON_BOOL && !v->truth);
    v = v->next;
    assert_true(v->kind == JSON_NULL && v->next == NULL);
    assert_int_equal(barrow_json_get(root, "b")->kind, JSON_OBJECT);
    assert_int_equal(barrow_json_get(root, "b")->line, 2);
    assert_null(barrow_json_get(root, "c")->first);
    assert_string_equal(barrow_json_get(root, "")->text, "x");
    assert_null(barrow_json_get(root, "d"));
    assert_null(barrow_json_get(a, "a"));
    assert_null(barrow_json_get(NULL, "a"));
    barrow_json_free(&document);
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double number;
        bool is_uint;
        uint64_t uint;
    } numbers[] = {
        {"0", 0, true, 0},
        {"-0", -0.0, false, 0},
        {"18446744073709551615", 0x1p64, true, UINT64_MAX},
        {"18446744073709551616", 0x1p64, false, 0},
        {"0.1", 0.1, false, 0},
        {"1E+2", 100, false, 0},
        {"1e-2", 0.01, false, 0},
        {"1e999", INFINITY, false, 0},
    };
    /* Where there is such a locale its decimal comma must change nothing. */
    setlocale(LC_NUMERIC, "de_DE.UTF-8");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct barrow_json_document document;
        const struct barrow_json_value *v = good(&document, numbers[i].text);
        assert_int_equal(v->kind, JSON_NUMBER);
        assert_true(v->number == numbers[i].number);
        assert_int_equal(v->is_uint, numbers[i].is_uint);
        if (v->is_uint)
            assert_true(v->uint == numbers[i].uint);
        barrow_json_free(&document);
    }
    setlocale(LC_NUMERIC, "C");
}

static void test_strings(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *bytes;
        size_t count;
    } strings[] = {
        {"\"\"", "", 0},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8},
        {"\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10},
        {"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9},
        {"\"a\\u0000b\"", "a\0b", 3},
        {"\"\\udcff\"", "\xed\xb3\xbf", 3}, /* lone surrogates */
        {"\"\\ud800x\"", "\xed\xa0\x80x", 4},
        {"\"\\ud800\\n\"", "\xed\xa0\x80\n", 4},
        {"\"\\ud800\\ud800\\udc00\"", "\xed\xa0\x80\xf0\x90\x80\x80", 7},
    };
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        struct barrow_json_document document;
        const struct barrow_json_value *v = good(&document, strings[i].text);
        assert_int_equal(v->kind, JSON_STRING);
        assert_int_equal(v->count, strings[i].count);
        assert_memory_equal(v->text, strings[i].bytes, strings[i].count + 1);
        barrow_json_free(&document);
    }
}

static void test_keys(void **state)
{
    (void)state;
    struct barrow_json_document document;
    const struct barrow_json_value *root =
        good(&document, "{\"a\": 1, \"a\\u0000b\": 2, \"a\": 3, \"ab\": 4}");
    assert_int_equal(barrow_json_get(root, "a")->uint, 3); /* the last of equal ones */
    assert_int_equal(root->first->next->key_count, 3);
    assert_int_equal(barrow_json_get(root, "ab")->uint, 4);
    barrow_json_free(&document);
}

static void test_what_is_no_json(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *error;
    } texts[] = {
        {"", "x.json:1: no valid JSON: it is empty"},
        {" \n ", "x.json:2: no valid JSON: it is empty"},
        {"{", "a key in quotes is missing"},
        {"{,}", "a key in quotes is missing"},
        {"{\"a\"}", "a colon is missing behind a key"},
        {"{\"a\":}", "a value is missing, or none that JSON knows"},
        {"{\"a\":1,}", "a key in quotes is missing"},
        {"{\"a\":1 \"b\":2}", "an object does not go on with , or }"},
        {"{'a':1}", "a key in quotes is missing"},
        {"{a:1}", "a key in quotes is missing"},
        {"[1,]", "a value is missing"},
        {"[1 2]", "an array does not go on with , or ]"},
        {"[\n1,\n2", "x.json:3: no valid JSON: an array does not go on"},
        {"[1}", "an array does not go on with , or ]"},
        {"1 2", "something follows the value"},
        {"{} //", "something follows the value"},
        {"tru", "an unknown word"},
        {"nul", "an unknown word"},
        {"truex", "something follows the value"},
        {"NaN", "none that JSON knows"},
        {"-Infinity", "none that JSON knows"},
        {"+1", "none that JSON knows"},
        {".5", "none that JSON knows"},
        {"-", "none that JSON knows"},
        {"01", "a number begins with 0"},
        {"1.", "a number ends with its decimal point"},
        {"1e", "a number ends within its exponent"},
        {"0x10", "something follows the value"},
        {"\"", "a string does not end"},
        {"\"a\\", "an unknown escape"},
        {"\"\\x41\"", "an unknown escape"},
        {"\"\\u12g4\"", "\\u without four hexadecimal digits"},
        {"\"\\ud800\\u12\"", "\\u without four hexadecimal digits"},
        {"\"\t\"", "a control character in a string"},
        {"\"\n\"", "a control character in a string"},
        {"\"\xff\"", "a string is not UTF-8"},
        {"\"\xc0\x80\"", "a string is not UTF-8"},
        {"\"\xe2\x82\"", "a string is not UTF-8"},
        {"\xef\xbb\xbf{}", "none that JSON knows"}, /* a byte order mark */
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct barrow_json_document document;
        struct barrow_error err = {0};
        assert_int_equal(parse_bytes(&document, texts[i].text, strlen(texts[i].text), &err), -1);
        if (!strstr(err.text, texts[i].error))
            fail_msg("%s: %s, not %s", texts[i].text, err.text, texts[i].error);
        assert_int_equal(err.code, BARROW_E_FORMAT);
        assert_null(document.root);
    }
}

static void test_bytes_of_zero(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t count;
    } texts[] = {{"1\0", 2}, {"\"a\0b\"", 5}, {"\"\\\0\"", 4}, {"[\0]", 3}, {"\0", 1}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct barrow_json_document document;
        assert_int_equal(parse_bytes(&document, texts[i].bytes, texts[i].count, NULL), -1);
    }
}

static void test_levels(void **state)
{
    (void)state;
    char text[131] = "";
    struct barrow_json_document document;
    struct barrow_error err;
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    good(&document, text);
    barrow_json_free(&document);
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    assert_int_equal(parse_bytes(&document, text, 130, &err), -1);
    assert_non_null(strstr(err.text, "more than 64 levels"));
}

static void test_files(void **state)
{
    (void)state;
    char path[] = "/tmp/barrow-json-XXXXXX";
    int descriptor = mkstemp(path);
    struct barrow_json_document document;
    struct barrow_error err = {0};
    char *big = malloc(300001); /* read in several pieces */
    memset(big, ' ', 300000);
    memcpy(big + 299990, "[1]", 3);
    assert_int_equal(write(descriptor, big, 300000), 300000);
    assert_int_equal(barrow_json_read(&document, path, &err), 0);
    assert_int_equal(document.root->first->uint, 1);
    barrow_json_free(&document);
    close(descriptor);
    unlink(path);
    free(big);
    assert_int_equal(barrow_json_read(&document, path, &err), -1);
    assert_int_equal(err.code, BARROW_E_IO);
    assert_non_null(strstr(err.text, "No such file"));
    assert_int_equal(barrow_json_read(&document, "/", &err), -1);
    assert_non_null(strstr(err.text, "Is a directory"));
}

static void test_what_is_written_reads_back(void **state)
{
    (void)state;
    static const char all[] = "\x01\x7f\"\\/ \xc3\xa9 \xed\xb3\xbf \xf0\x9f\x98\x80";
    static const double doubles[] = {0.1, 1.0 / 3, 1e300, 5e-324, -123456.789};
    struct barrow_json_document document;
    struct barrow_json json;
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    barrow_json_init(&json, to, 2);
    barrow_json_begin_object(&json);
    barrow_json_key(&json, all);
    barrow_json_string(&json, all);
    barrow_json_key(&json, "n");
    barrow_json_begin_array(&json);
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++)
        barrow_json_double(&json, doubles[i]);
    barrow_json_end_array(&json);
    barrow_json_end_object(&json);
    fclose(to);
    const struct barrow_json_value *root = good(&document, text);
    const struct barrow_json_value *number = barrow_json_get(root, "n")->first;
    assert_string_equal(barrow_json_get(root, all)->text, all);
    for (size_t i = 0; number; i++, number = number->next)
        assert_true(number->number == doubles[i]);
    barrow_json_free(&document);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_what_is_no_json),
        cmocka_unit_test(test_bytes_of_zero),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_what_is_written_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
