/* co_linetable decoded beside what CPython says of the same table (tests/data/make_lines.py), and
 * damaged tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "profile/lines.h"

static size_t unhex(uint8_t *to, const char *hex)
{
    size_t count = 0;
    for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        to[count++] = (uint8_t)byte;
    return count;
}

/* Checks every unit of one code object; returns how many there were. */
static size_t check_code(char *text)
{
    char *rest, *word = strtok_r(text, " \n", &rest), *hex = strtok_r(NULL, " \n", &rest);
    uint32_t first_line = (uint32_t)strtoul(word, NULL, 10);
    uint8_t *table = malloc(strlen(hex) / 2 + 1);
    size_t count = unhex(table, hex);
    struct barrow_lines lines;
    assert_true(barrow_lines_decode(&lines, table, count, first_line));

    int32_t unit = 0;
    uint32_t line = first_line;
    while ((word = strtok_r(NULL, " \n", &rest))) {
        char *what;
        int32_t start = (int32_t)strtol(word, &what, 10);
        for (; unit < start; unit++)
            assert_int_equal(barrow_lines_at(&lines, unit), line);
        unsigned long next = strtoul(what + 1, NULL, 10); /* "-" and "end" are 0 */
        line = next ? (uint32_t)next : first_line;
    }
    assert_int_equal(barrow_lines_at(&lines, unit), 0); /* behind the end */
    assert_int_equal(barrow_lines_at(&lines, -1), 0);
    barrow_lines_free(&lines);
    free(table);
    return (size_t)unit;
}

static void check_file(const char *name)
{
    FILE *file = fopen(name, "r");
    char *text = NULL;
    size_t room = 0, codes = 0, units = 0;
    assert_non_null(file);
    while (getline(&text, &room, file) > 0) {
        units += check_code(text);
        codes++;
    }
    print_message("%s: %zu code objects, %zu units\n", name, codes, units);
    assert_true(codes >= 5 && units > 300);
    free(text);
    fclose(file);
}

static void test_like_cpython(void **state)
{
    (void)state;
    const char *more = getenv("BARROW_LINES"); /* further files, for a thorough run */
    if (more) {
        check_file(more);
        return;
    }
    check_file(TEST_DATA "/lines-3.11.txt");
    check_file(TEST_DATA "/lines-3.12.txt");
    check_file(TEST_DATA "/lines-3.13.txt");
}

static void test_no_line_is_the_first_line(void **state)
{
    (void)state;
    /* 2 units at +1, 1 unit of none, 3 units of the same line again, 1 unit at line 0 */
    static const uint8_t table[] = {0xd9, 1, 2, 0xf8, 0x82, 0x12, 0xe8, 0x2b};
    struct barrow_lines lines;
    assert_true(barrow_lines_decode(&lines, table, sizeof table, 20));
    assert_int_equal(barrow_lines_at(&lines, 0), 21);
    assert_int_equal(barrow_lines_at(&lines, 1), 21);
    assert_int_equal(barrow_lines_at(&lines, 2), 20);
    assert_int_equal(barrow_lines_at(&lines, 5), 21);
    assert_int_equal(barrow_lines_at(&lines, 6), 20);
    assert_int_equal(barrow_lines_at(&lines, 7), 0);
    barrow_lines_free(&lines);
}

static void test_damaged(void **state)
{
    (void)state;
    static const uint8_t table[] = {0xd9, 1,    2,    0xef, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f,
                                    0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x3f, 0xf7, 0x7f};
    for (size_t count = 0; count <= sizeof table; count++) {
        uint8_t *copy = malloc(count + 1); /* so that reading too far is seen */
        copy = realloc(copy, count ? count : 1);
        memcpy(copy, table, count);
        for (int flip = 0; flip < 256 && count; flip++) {
            struct barrow_lines lines;
            copy[count - 1] = (uint8_t)flip;
            assert_true(barrow_lines_decode(&lines, copy, count, 7));
            for (int32_t unit = -1; unit < 40; unit++)
                barrow_lines_at(&lines, unit);
            barrow_lines_free(&lines);
        }
        free(copy);
    }
    struct barrow_lines empty;
    assert_true(barrow_lines_decode(&empty, "", 0, 7));
    assert_int_equal(barrow_lines_at(&empty, 0), 0);
    barrow_lines_free(&empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_cpython),
        cmocka_unit_test(test_no_line_is_the_first_line),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
