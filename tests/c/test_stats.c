/* Statistics: against values counted out by hand or by trying all choices. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "table/stats.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define P(a, b) barrow_stats_mann_whitney(a, LENGTH(a), b, LENGTH(b))

static void assert_near(double is, double should_be)
{
    if (!(fabs(is - should_be) <= 1e-12 + 1e-9 * fabs(should_be)))
        fail_msg("%.17g is not %.17g", is, should_be);
}

static void test_median(void **state)
{
    (void)state;
    const double values[] = {9, -1, 5, 7};
    assert_near(barrow_stats_median(values, 4), 6);
    assert_near(barrow_stats_median(values, 3), 5);
    assert_near(barrow_stats_median(values, 1), 9);
    assert_true(isnan(barrow_stats_median(values, 0)));
    assert_near(values[0], 9); /* left as it was */
}

static void test_median_interval(void **state)
{
    (void)state;
    const double same[] = {4, 4, 4}, spread[] = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19};
    struct barrow_interval i = barrow_stats_median_interval(same, 3);
    assert_near(i.low, 4);
    assert_near(i.high, 4);
    i = barrow_stats_median_interval(spread, LENGTH(spread));
    /* The exact bootstrap distribution of this median has its 2.5 % and 97.5 % points at 12 and 17,
     * one half more or less. */
    assert_true(i.low >= 11.5 && i.low <= 12.5);
    assert_true(i.high >= 16.5 && i.high <= 17.5);
    struct barrow_interval again = barrow_stats_median_interval(spread, LENGTH(spread));
    assert_near(again.low, i.low);
    assert_near(again.high, i.high);
    assert_true(isnan(barrow_stats_median_interval(spread, 0).low));
}

/* Nineteen of twenty intervals should hold the true median: of 400 samples nearly all do, not all.
 */
static void test_median_interval_covers(void **state)
{
    (void)state;
    uint64_t seed = 42;
    int held = 0, samples = 400;
    for (int s = 0; s < samples; s++) {
        double values[15];
        for (size_t i = 0; i < LENGTH(values); i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            values[i] = (double)(seed >> 11) / 9007199254740992.0; /* even between 0 and 1 */
        }
        struct barrow_interval i = barrow_stats_median_interval(values, LENGTH(values));
        held += i.low <= 0.5 && i.high >= 0.5;
    }
    assert_in_range(held, samples * 90 / 100, samples * 99 / 100);
}

static void test_change(void **state)
{
    (void)state;
    const double before[] = {100, 100, 100, 100}, after[] = {110, 110, 110, 110};
    const double zero[] = {0, 0, 0, 0}, negative[] = {-5, -5, -5, -5};
    assert_near(barrow_stats_change(before, 4, after, 4), 0.1);
    assert_near(barrow_stats_change(after, 4, zero, 4), -1);
    assert_near(barrow_stats_change(zero, 4, zero, 4), 0);
    assert_true(isinf(barrow_stats_change(zero, 4, after, 4)));
    assert_true(isnan(barrow_stats_change(negative, 4, after, 4)));
    assert_true(isnan(barrow_stats_change(before, 4, after, 0)));
    struct barrow_interval i = barrow_stats_change_interval(before, 4, after, 4);
    assert_near(i.low, 0.1);
    assert_near(i.high, 0.1);
    assert_true(isnan(barrow_stats_change_interval(before, 4, negative, 4).low));
    assert_true(isnan(barrow_stats_change_interval(before, 0, after, 4).low));
}

static void test_change_interval(void **state)
{
    (void)state;
    const double before[] = {98, 99, 100, 101, 102}, after[] = {118, 119, 120, 121, 122};
    struct barrow_interval i = barrow_stats_change_interval(before, 5, after, 5);
    assert_true(i.low < 0.2 && i.low >= 118.0 / 102 - 1);
    assert_true(i.high > 0.2 && i.high <= 122.0 / 98 - 1);
}

static void test_mann_whitney_exact(void **state)
{
    (void)state;
    const double low[] = {1, 2, 3, 4, 5}, high[] = {6, 7, 8, 9, 10};
    assert_near(P(low, high), 2.0 / 252);
    assert_near(P(high, low), 2.0 / 252);
    const double a[] = {1.1, 2.2, 3.3, 4.4}, b[] = {0.5, 2.0, 5.0, 6.0, 7.0};
    assert_near(P(a, b), 70.0 / 126);
    assert_near(P(b, a), 70.0 / 126);
    const double three[] = {1, 2, 3}, others[] = {4, 5, 6};
    assert_near(P(three, others), 0.1);
}

static void test_mann_whitney_ties(void **state)
{
    (void)state;
    const double a[] = {1, 2, 2, 3}, b[] = {2, 3, 3, 4, 4};
    assert_near(P(a, b), 13.0 / 126);
    const double sevens[] = {7, 7, 7}, more[] = {7, 7, 7, 7};
    assert_near(P(sevens, more), 1);
    const double ones[] = {1, 1, 1, 1}, twos[] = {2, 2, 2, 2};
    assert_near(P(ones, twos), 2.0 / 70);
    assert_true(isnan(barrow_stats_mann_whitney(a, 4, b, 0)));
}

/* 1 ... 60 beside 21 ... 80: U = 800, 40 pairs of equal values. */
static void test_mann_whitney_normal(void **state)
{
    (void)state;
    double a[60], b[60], c[60];
    for (int i = 0; i < 60; i++) {
        a[i] = i + 1;
        b[i] = i + 21;
        c[i] = 3;
    }
    assert_near(P(a, b), 1.5511775890425412e-07);
    assert_near(P(b, a), 1.5511775890425412e-07);
    assert_near(P(a, a), 1);
    assert_near(P(c, c), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_median),
        cmocka_unit_test(test_median_interval),
        cmocka_unit_test(test_median_interval_covers),
        cmocka_unit_test(test_change),
        cmocka_unit_test(test_change_interval),
        cmocka_unit_test(test_mann_whitney_exact),
        cmocka_unit_test(test_mann_whitney_ties),
        cmocka_unit_test(test_mann_whitney_normal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
