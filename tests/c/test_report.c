/* The report's pieces: base64, columns, sources' choice, the page around them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "export/report.h"
#include "export/report_base64.h"
#include "export/report_columns.h"

/* ---- base64 ---- */

/* `text` in pieces of `piece` bytes; to be freed. */
static char *encoded(const char *text, size_t piece)
{
    char *out = NULL;
    size_t length, left = strlen(text);
    FILE *to = open_memstream(&out, &length);
    struct barrow_base64 base64 = {.to = to};

    for (; left; left -= piece < left ? piece : left) {
        barrow_base64_write(&base64, text, piece < left ? piece : left);
        text += piece < left ? piece : left;
    }
    barrow_base64_end(&base64);
    fclose(to);
    return out;
}

static void test_base64(void **state)
{
    static const char *const pairs[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar~~~", "Zm9vYmFyfn5+"}};
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        for (size_t piece = 1; piece < 10; piece++) {
            char *text = encoded(pairs[i][0], piece);
            assert_string_equal(text, pairs[i][1]);
            free(text);
        }
    }
}

static void test_base64_of_much(void **state)
{
    enum { BYTES = 20001 };
    char *much = malloc(BYTES + 1);
    (void)state;
    for (size_t i = 0; i < BYTES; i++)
        much[i] = (char)(i % 251 + 1);
    much[BYTES] = '\0';
    char *whole = encoded(much, BYTES);
    assert_int_equal(strlen(whole), BYTES / 3 * 4);
    for (size_t piece = 1; piece < BYTES; piece = piece * 7 + 1) {
        char *text = encoded(much, piece);
        assert_string_equal(text, whole);
        free(text);
    }
    free(whole);
    free(much);
}

/* ---- columns ---- */

static void assert_bytes(const struct barrow_report_columns *columns,
                         enum barrow_report_column column, const void *bytes, size_t count)
{
    const struct barrow_buffer *buffer = &columns->data[column].buffer;
    assert_int_equal(buffer->used, count);
    assert_memory_equal(buffer->bytes, bytes, count);
}

static void test_numbers(void **state)
{
    struct barrow_report_columns columns = {0};
    static const uint64_t values[] = {0, 127, 128, 300, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        barrow_report_put(&columns, REPORT_FRAMES_LINE, values[i]);
    /* 2^53 - 1 is 7 times seven ones, then four. */
    assert_bytes(&columns, REPORT_FRAMES_LINE,
                 "\0\x7f\x80\x01\xac\x02\xff\xff\xff\xff\xff\xff\xff\x0f", 14);
    assert_int_equal(columns.data[REPORT_FRAMES_LINE].count, 5);
    barrow_report_columns_free(&columns);
}

static void test_differences(void **state)
{
    struct barrow_report_columns columns = {0};
    static const uint64_t values[] = {5, 5, 4, 70, UINT64_MAX, 0};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        barrow_report_put(&columns, REPORT_NODES_PARENT, values[i]);
    /* 10, 0, 1, 132, then 2^52 - 1 - 70 and back from 2^52 - 1. */
    assert_bytes(&columns, REPORT_NODES_PARENT,
                 "\x0a\0\x01\x84\x01"
                 "\xf2\xfe\xff\xff\xff\xff\xff\x0f"
                 "\xfd\xff\xff\xff\xff\xff\xff\x0f",
                 21);
    barrow_report_columns_free(&columns);
}

/* What a text becomes; each ends with a NUL that the literal brings. */
static void test_texts(void **state)
{
#define BAD "\xef\xbf\xbd"
#define CASE(from, to)                       \
    {                                        \
        from, sizeof from - 1, to, sizeof to \
    }
    static const struct {
        const char *from;
        size_t from_bytes;
        const char *to;
        size_t to_bytes;
    } cases[] = {
        CASE("", ""),
        CASE("plain", "plain"),
        CASE("\xc3\xa9\xe6\x95\xb0\xf0\x9f\x98\x80", "\xc3\xa9\xe6\x95\xb0\xf0\x9f\x98\x80"),
        CASE("a\0b", "a" BAD "b"),
        CASE("\0", BAD),
        CASE("\xed\xb3\xbfz", BAD "z"),            /* a lone surrogate */
        CASE("\xe6\x95", BAD BAD),                 /* cut short */
        CASE("\xe6\x95\0\xb0", BAD BAD BAD BAD),   /* by a NUL */
        CASE("\xff\xfe\x80", BAD BAD BAD),         /* no UTF-8 */
        CASE("\xc0\xaf", BAD BAD),                 /* too long for a slash */
        CASE("\xf4\x90\x80\x80", BAD BAD BAD BAD), /* beyond the last character */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct barrow_report_columns columns = {0};
        char *copy = malloc(cases[i].from_bytes + 1);
        memcpy(copy, cases[i].from, cases[i].from_bytes + 1);
        barrow_report_put_text(&columns, REPORT_SOURCES_TEXT, copy, cases[i].from_bytes);
        assert_bytes(&columns, REPORT_SOURCES_TEXT, cases[i].to, cases[i].to_bytes);
        barrow_report_columns_free(&columns);
        free(copy);
    }
}

/* ---- the page ---- */

static int load(void **state)
{
    const char *paths[] = {TEST_DATA "/format1.barrow"};
    return barrow_profile_load((struct barrow_profile **)state, paths, 1, NULL);
}

static int unload(void **state)
{
    barrow_profile_free(*state);
    return 0;
}

/* The report in that page; NULL: it failed.  To be freed. */
static char *reported(struct barrow_report report, const char *page, struct barrow_error *err)
{
    char *text = NULL;
    size_t length;
    FILE *to = open_memstream(&text, &length);

    report.page_bytes = strlen(page);
    char *copy = malloc(report.page_bytes); /* without the NUL: reading beyond is seen */
    memcpy(copy, page, report.page_bytes);
    report.page = copy;
    int rc = barrow_report_write(&report, to, err);
    fclose(to);
    free(copy);
    if (rc == 0)
        return text;
    free(text);
    return NULL;
}

#define DATA "<script type=\"application/x-barrow\" id="

static void test_page(void **state)
{
    struct barrow_report report = {.profile = *state};
    char *text = reported(report, "<title>old</title>a<!--barrow:data-->b", NULL);
    const char begin[] = "<title>barrow: app.py --size 'two words'</title>a" DATA "\"main\">H4sI";
    const char end[] = "</script>\nb";
    assert_non_null(text);
    assert_memory_equal(text, begin, sizeof begin - 1);
    assert_string_equal(text + strlen(text) - strlen(end), end);
    assert_null(strstr(text, DATA "\"base\""));
    free(text);
}

static void test_page_with_base(void **state)
{
    struct barrow_report report = {
        .profile = *state, .base = *state, .title = "<T> & \x1b\xff\n\xc3\xa9"};
    char *text = reported(report, "<title></title><!--barrow:data-->", NULL);
    const char begin[] = "<title>&#60;T&#62; &#38;  \xef\xbf\xbd \xc3\xa9</title>" DATA;
    assert_non_null(text);
    assert_memory_equal(text, begin, sizeof begin - 1);
    char *main_data = strstr(text, DATA "\"main\">"), *base_data = strstr(text, DATA "\"base\">");
    assert_non_null(main_data);
    assert_non_null(base_data);
    /* The same profile, written twice. */
    char *first = strchr(main_data, '>') + 1, *second = strchr(base_data, '>') + 1;
    size_t length = (size_t)(strchr(first, '<') - first);
    assert_true(length > 1000);
    assert_memory_equal(first, second, length);
    free(text);
}

static void test_page_without_title(void **state)
{
    struct barrow_report report = {.profile = *state, .title = "new"};
    static const char *const pages[] = {"<title><!--barrow:data--></title>", "x<!--barrow:data-->",
                                        "<!--barrow:data--><title>later</title>"};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        char *text = reported(report, pages[i], NULL);
        assert_non_null(text);
        assert_null(strstr(text, "new"));
        free(text);
    }
}

static void test_pages_that_are_none(void **state)
{
    struct barrow_report report = {.profile = *state};
    static const char *const pages[] = {"", "<title></title>", "<!--barrow:data--",
                                        "<!--barrow:data--><!--barrow:data-->"};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        struct barrow_error err = {0};
        assert_null(reported(report, pages[i], &err));
        assert_int_equal(err.code, BARROW_E_UNSUPPORTED);
        assert_non_null(strstr(err.text, "<!--barrow:data-->"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_base64_of_much),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_page_with_base),
        cmocka_unit_test(test_page_without_title),
        cmocka_unit_test(test_pages_that_are_none),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
