/* What lived when, on the golden file: see tests/data/make_ledger.py for its events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "profile/profile.h"

#define MS 1000000u

struct fixture {
    struct barrow_profile *profile;
    struct barrow_points points;
    struct barrow_value *live;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    const char *paths[] = {TEST_DATA "/format1.barrow"};
    struct barrow_error err;
    if (barrow_profile_load(&fixture.profile, paths, 1, &err) < 0 ||
        barrow_profile_points(fixture.profile, &fixture.points, &err) < 0)
        return -1;
    fixture.live = calloc(fixture.profile->sites_count, sizeof *fixture.live);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    barrow_points_free(&fixture->points);
    barrow_profile_free(fixture->profile);
    free(fixture->live);
    return 0;
}

/* Live bytes of all sites at a time. */
static uint64_t sum_at(struct fixture *f, uint64_t time_ns, uint64_t *as_of_ns)
{
    uint64_t sum = 0;
    barrow_points_at(f->profile, &f->points, time_ns, f->live, as_of_ns);
    for (size_t i = 0; i < f->profile->sites_count; i++)
        sum += f->live[i].bytes;
    return sum;
}

static void test_points_in_order(void **state)
{
    const struct fixture *f = *state;
    const struct barrow_point *points = f->points.points;
    assert_int_equal(f->points.count, 4);
    const uint64_t times[] = {100 * MS, 400 * MS, 500 * MS, 1250ull * MS};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(points[i].time_ns, times[i]);
        assert_int_equal(points[i].is_peak, i == 1);
        assert_int_equal(points[i].is_end, i == 3);
    }
    assert_int_equal(points[0].count, 2);
}

static void test_checkpoint(void **state)
{
    struct fixture *f = *state;
    uint64_t as_of;
    assert_int_equal(sum_at(f, 50 * MS, &as_of), 0);
    assert_int_equal(sum_at(f, 399 * MS, &as_of), 110000);
    assert_int_equal(as_of, 100 * MS);
    /* 10,000 of the first checkpoint, 50,000 and 2,100 of the second; the peak between is gone. */
    assert_int_equal(sum_at(f, 501 * MS, &as_of), 62100);
    assert_int_equal(as_of, 500 * MS);
}

static void values_are(struct fixture *f, uint64_t time_ns, enum barrow_metric metric)
{
    uint64_t as_of;
    sum_at(f, time_ns, &as_of);
    assert_int_equal(as_of, time_ns);
    for (size_t i = 0; i < f->profile->sites_count; i++) {
        assert_int_equal(f->live[i].bytes, f->profile->sites[i].value[metric].bytes);
        assert_int_equal(f->live[i].blocks, f->profile->sites[i].value[metric].blocks);
    }
}

static void test_peak_and_end_are_exact(void **state)
{
    struct fixture *f = *state;
    uint64_t as_of;
    values_are(f, 400 * MS, BARROW_METRIC_PEAK);
    values_are(f, 1250ull * MS, BARROW_METRIC_LEAKED);
    assert_int_equal(sum_at(f, 400 * MS, &as_of), f->profile->peak_bytes);
    assert_int_equal(sum_at(f, 1251ull * MS, &as_of), 0);
}

/* A child's points stand in its parent's time, and none of them tells a merged peak. */
static void test_family(void **state)
{
    (void)state;
    const char *paths[] = {TEST_DATA "/family"};
    struct barrow_profile *profile;
    struct barrow_points points;
    struct barrow_error err;
    assert_int_equal(barrow_profile_load(&profile, paths, 1, &err), 0);
    assert_int_equal(barrow_profile_points(profile, &points, &err), 0);
    size_t ends = 0;
    for (size_t i = 0; i < points.count; i++) {
        const struct barrow_process *process = &profile->processes[points.points[i].process];
        assert_true(points.points[i].time_ns >= process->start_ns);
        assert_false(points.points[i].is_peak);
        ends += points.points[i].is_end;
        assert_true(i == 0 || points.points[i - 1].time_ns <= points.points[i].time_ns);
    }
    assert_int_equal(ends, profile->process_count);
    barrow_points_free(&points);
    barrow_profile_free(profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points_in_order),
        cmocka_unit_test(test_checkpoint),
        cmocka_unit_test(test_peak_and_end_are_exact),
        cmocka_unit_test(test_family),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
