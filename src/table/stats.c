#include "table/stats.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { RESAMPLES = 4000, EXACT_AT_MOST = 100 };

static const struct barrow_interval unknown = {NAN, NAN};

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void sort(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
}

/* ---- the median ---- */

static double median_of_sorted(const double *values, size_t count)
{
    if (count == 0)
        return NAN;
    double above = values[count / 2];
    return count % 2 ? above : (values[count / 2 - 1] + above) / 2;
}

double barrow_stats_median(const double *values, size_t count)
{
    double *sorted = count ? malloc(count * sizeof *sorted) : NULL;

    if (!sorted)
        return NAN;
    memcpy(sorted, values, count * sizeof *sorted);
    sort(sorted, count);
    double median = median_of_sorted(sorted, count);
    free(sorted);
    return median;
}

/* ---- the bootstrap: medians of samples drawn from the sample ---- */

struct dice {
    uint64_t state;
};

/* SplitMix64. */
static uint64_t draw(struct dice *dice)
{
    uint64_t z = dice->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* `room` holds `count` values. */
static double median_of_resample(struct dice *dice, const double *values, size_t count,
                                 double *room)
{
    for (size_t i = 0; i < count; i++)
        room[i] = values[draw(dice) % count];
    sort(room, count);
    return median_of_sorted(room, count);
}

/* The middle 95 % of the resamples' figures. */
static struct barrow_interval middle(double *figures)
{
    sort(figures, RESAMPLES);
    return (struct barrow_interval){figures[RESAMPLES / 40],
                                    figures[RESAMPLES - 1 - RESAMPLES / 40]};
}

struct barrow_interval barrow_stats_median_interval(const double *values, size_t count)
{
    double *figures = count ? malloc((RESAMPLES + count) * sizeof *figures) : NULL;
    struct dice dice = {0};

    if (!figures)
        return unknown;
    for (size_t i = 0; i < RESAMPLES; i++)
        figures[i] = median_of_resample(&dice, values, count, figures + RESAMPLES);
    struct barrow_interval interval = middle(figures);
    free(figures);
    return interval;
}

/* ---- change ---- */

static double change(double before, double after)
{
    if (before < 0 || after < 0)
        return NAN;
    if (before == 0)
        return after == 0 ? 0 : INFINITY;
    return after / before - 1;
}

double barrow_stats_change(const double *before, size_t before_count, const double *after,
                           size_t after_count)
{
    return change(barrow_stats_median(before, before_count),
                  barrow_stats_median(after, after_count));
}

static int any_negative(const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (values[i] < 0)
            return 1;
    return 0;
}

struct barrow_interval barrow_stats_change_interval(const double *before, size_t before_count,
                                                    const double *after, size_t after_count)
{
    size_t most = before_count > after_count ? before_count : after_count;
    struct dice dice = {0};

    if (before_count == 0 || after_count == 0 || any_negative(before, before_count) ||
        any_negative(after, after_count))
        return unknown;
    double *figures = malloc((RESAMPLES + most) * sizeof *figures);
    if (!figures)
        return unknown;
    for (size_t i = 0; i < RESAMPLES; i++) {
        double old = median_of_resample(&dice, before, before_count, figures + RESAMPLES);
        double new = median_of_resample(&dice, after, after_count, figures + RESAMPLES);
        figures[i] = change(old, new);
    }
    struct barrow_interval interval = middle(figures);
    free(figures);
    return interval;
}

/* ---- Mann-Whitney ----
 *
 * All values are ranked together; equal ones share the mean of their ranks.  Ranks are kept
 * doubled, so that they are whole numbers.  If both sides come from one source, each choice of
 * `a_count` ranks is as likely as any other to be that of `a`.  So p is the share of choices whose
 * sum is as far from the expected one as that of `a`, or farther. */

struct ranked {
    double value;
    uint32_t doubled_rank;
    int is_a;
};

static int by_ranked_value(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

/* Sorts and ranks.  Gives the sum of t^3 - t over the groups of t equal values. */
static double rank(struct ranked *items, size_t count)
{
    double ties = 0;

    qsort(items, count, sizeof *items, by_ranked_value);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && items[end].value == items[first].value;)
            end++;
        for (size_t i = first; i < end; i++)
            items[i].doubled_rank = (uint32_t)(first + 1 + end);
        double size = (double)(end - first);
        ties += size * size * size - size;
    }
    return ties;
}

/* ways[k][s]: number of choices of k of the ranks seen so far whose sum is s. */
static double exact_p(const struct ranked *items, size_t count, size_t chosen, uint64_t sum)
{
    uint64_t expected = (uint64_t)chosen * (count + 1), distance, most = 2 * count * chosen;
    double far = 0, all = 0;
    size_t width = most + 1;
    double *ways = calloc((chosen + 1) * width, sizeof *ways);

    if (!ways)
        return NAN;
    ways[0] = 1;
    for (size_t i = 0; i < count; i++) {
        size_t r = items[i].doubled_rank;
        for (size_t k = chosen < i + 1 ? chosen : i + 1; k > 0; k--)
            for (size_t s = most; s >= r; s--)
                ways[k * width + s] += ways[(k - 1) * width + s - r];
    }
    distance = sum > expected ? sum - expected : expected - sum;
    for (size_t s = 0; s <= most; s++) {
        double number = ways[chosen * width + s];
        all += number;
        if ((s > expected ? s - expected : expected - s) >= distance)
            far += number;
    }
    free(ways);
    return far / all;
}

static double normal_p(double a_count, double b_count, double doubled_sum, double ties)
{
    double count = a_count + b_count;
    double u = doubled_sum / 2 - a_count * (a_count + 1) / 2;
    double variance = a_count * b_count / 12 * (count + 1 - ties / (count * (count - 1)));
    double distance = fabs(u - a_count * b_count / 2) - 0.5;

    if (variance <= 0 || distance <= 0)
        return 1;
    return erfc(distance / sqrt(variance) / sqrt(2));
}

double barrow_stats_mann_whitney(const double *a, size_t a_count, const double *b, size_t b_count)
{
    if (a_count > b_count) /* p is the same, and the table of ways smaller */
        return barrow_stats_mann_whitney(b, b_count, a, a_count);
    size_t count = a_count + b_count;
    struct ranked *items = a_count && b_count ? malloc(count * sizeof *items) : NULL;
    uint64_t sum = 0;

    if (!items)
        return NAN;
    for (size_t i = 0; i < count; i++)
        items[i] = (struct ranked){i < a_count ? a[i] : b[i - a_count], 0, i < a_count};
    double ties = rank(items, count);
    for (size_t i = 0; i < count; i++)
        sum += items[i].is_a ? items[i].doubled_rank : 0;
    double p = count <= EXACT_AT_MOST
                   ? exact_p(items, count, a_count, sum)
                   : normal_p((double)a_count, (double)b_count, (double)sum, ties);
    free(items);
    return p;
}
