/* The golden file cut off at every length, with every byte and every bit that matters flipped:
 * never a crash, an endless loop or an error of more than a line.  Minutes under sanitizers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "golden.h"
#include "ledger/format.h"
#include "profile/profile.h"

/* Loads and groups, each time in another way; anything is right but a crash, an error of more than
 * a line, or figures out of nothing.  Returns whether there was a profile. */
static bool survives(const unsigned char *bytes, size_t count)
{
    struct barrow_profile *profile;
    struct barrow_error err = {0};
    if (barrow_profile_load_bytes(&profile, bytes, count, "x.barrow", &err) < 0) {
        assert_true(err.code == BARROW_E_FORMAT || err.code == BARROW_E_UNSUPPORTED);
        assert_true(err.text[0] && !strchr(err.text, '\n'));
        return false;
    }
    static unsigned turn;
    struct barrow_query query = {.metric = BARROW_METRIC_TOTAL,
                                 .by = (enum barrow_grouping)(++turn % BARROW_BY_COUNT),
                                 .inclusive = turn / BARROW_BY_COUNT % 2};
    struct barrow_row *rows;
    size_t found;
    assert_int_equal(barrow_profile_rows(profile, &query, &rows, &found, &err), 0);
    free(rows);
    barrow_profile_free(profile);
    return true;
}

static void test_cut_anywhere(void **state)
{
    (void)state;
    size_t needed = LEDGER_PAGE; /* the header; what is missing of it reads as zeros */
    while (golden[needed - 1] == 0)
        needed--;
    assert_in_range(needed, 1000, LEDGER_PAGE);
    for (size_t count = 0; count < golden_bytes; count++) {
        unsigned char *bytes = copy_of(count);
        assert_int_equal(survives(bytes, count), count >= needed);
        free(bytes);
    }
}

static void test_any_byte_flipped(void **state)
{
    (void)state;
    unsigned char *bytes = copy_of(golden_bytes);
    for (size_t i = 0; i < golden_bytes; i++) {
        bytes[i] ^= 0xff;
        assert_true(survives(bytes, golden_bytes));
        bytes[i] ^= 0xff;
    }
    assert_memory_equal(bytes, golden, golden_bytes);
    free(bytes);
}

/* Every bit where structure is: headers, the state's counters, extents' headers, the first records.
 */
static void test_any_bit_flipped(void **state)
{
    (void)state;
    unsigned char *bytes = copy_of(golden_bytes);
    for (size_t i = 0; i < golden_bytes; i++) {
        size_t in_page = i % LEDGER_PAGE;
        bool is_header = i < LEDGER_STATE_OFFSET && in_page < 128;
        bool is_state = i >= LEDGER_STATE_OFFSET && i < LEDGER_EXTENTS_OFFSET && in_page < 512;
        bool is_extent = i >= LEDGER_EXTENTS_OFFSET && in_page < 128;
        if (!is_header && !is_state && !is_extent)
            continue;
        for (unsigned bit = 1; bit < 256; bit *= 2) {
            bytes[i] ^= (unsigned char)bit;
            assert_true(survives(bytes, golden_bytes));
            bytes[i] ^= (unsigned char)bit;
        }
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_any_byte_flipped),
        cmocka_unit_test(test_any_bit_flipped),
    };
    return cmocka_run_group_tests(tests, read_golden, drop_golden);
}
