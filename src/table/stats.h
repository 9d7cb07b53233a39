/* Statistics of repeated measurements: what is typical, how sure that is, what differs.
 *
 * Measurements of memory are nearly constant with a few outliers, and those of time are skewed, so
 * nothing here assumes a distribution: medians, bootstrap intervals, the Mann-Whitney test.  The
 * bootstrap draws from a generator of its own that always starts alike: equal measurements give
 * equal intervals.
 *
 * No function changes its arguments.  All give NAN where nothing can be said: without values, or
 * without memory.
 */
#ifndef BARROW_TABLE_STATS_H
#define BARROW_TABLE_STATS_H

#include <stddef.h>

struct barrow_interval {
    double low, high;
};

double barrow_stats_median(const double *values, size_t count);

/* Where the median lies with 95 % confidence (percentiles of the bootstrap). */
struct barrow_interval barrow_stats_median_interval(const double *values, size_t count);

/* By which share the median of `after` differs from that of `before`: 0.1 is 10 % more.  INFINITY
 * if only `after` is something; NAN if one of them is negative. */
double barrow_stats_change(const double *before, size_t before_count, const double *after,
                           size_t after_count);
/* Where that lies with 95 % confidence; NAN if any value is negative. */
struct barrow_interval barrow_stats_change_interval(const double *before, size_t before_count,
                                                    const double *after, size_t after_count);

/* The two-sided p of the Mann-Whitney test: how often ranks would differ as much or more if both
 * came from the same source.  Exact, also with equal values, up to 100 values in all; beyond that
 * the normal approximation, corrected for ties and continuity. */
double barrow_stats_mann_whitney(const double *a, size_t a_count, const double *b, size_t b_count);

#endif
