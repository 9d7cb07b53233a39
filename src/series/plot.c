#include "series/plot.h"

#include <math.h>
#include <stdlib.h>

#include "base/units.h"

/* The readings of one column so far, by their place in the curve. */
struct column {
    double number;
    size_t first, low, high, last;
};

static bool add_point(struct barrow_track *track, struct barrow_reading reading, double start_s)
{
    struct barrow_reading *point = barrow_array_add(&track->points);

    if (!point)
        return false;
    *point = (struct barrow_reading){reading.time_s - start_s, reading.bytes};
    return true;
}

/* The column's readings that matter, each once and in their order. */
static bool add_column(struct barrow_track *track, const struct barrow_reading *readings,
                       const struct column *c, double start_s)
{
    size_t early = c->low < c->high ? c->low : c->high, late = c->low < c->high ? c->high : c->low;

    return add_point(track, readings[c->first], start_s) &&
           (early == c->first || add_point(track, readings[early], start_s)) &&
           (late == early || late == c->first || add_point(track, readings[late], start_s)) &&
           (c->last == late || c->last == c->first || c->last == early ||
            add_point(track, readings[c->last], start_s));
}

static bool thin(struct barrow_track *track, const struct barrow_curve *curve, double start_s,
                 double column_s)
{
    const struct barrow_reading *readings = curve->readings.items;
    struct column c = {.number = -1};

    for (size_t i = 0; i < curve->readings.count; i++) {
        double number = floor((readings[i].time_s - start_s) / column_s);
        if (number != c.number) {
            if (i > 0 && !add_column(track, readings, &c, start_s))
                return false;
            c = (struct column){number, i, i, i, i};
        }
        if (readings[i].bytes < readings[c.low].bytes)
            c.low = i;
        if (readings[i].bytes > readings[c.high].bytes)
            c.high = i;
        c.last = i;
    }
    return !curve->readings.count || add_column(track, readings, &c, start_s);
}

static int add_track(struct barrow_plot *plot, size_t file, const struct barrow_curve *curve,
                     double column_s)
{
    if (plot->tracks.count >= BARROW_PLOT_TRACKS) {
        plot->cut = true;
        return 0;
    }
    struct barrow_track *track = barrow_array_add(&plot->tracks);
    if (!track)
        return -1;
    track->file = file;
    track->pid = curve->pid;
    return thin(track, curve, plot->starts[file], column_s) ? 0 : -1;
}

static void raise_to(uint64_t *highest, uint64_t bytes)
{
    *highest = bytes > *highest ? bytes : *highest;
}

static void measure(struct barrow_plot *plot)
{
    plot->top_bytes = 1;
    for (size_t i = 0; i < plot->count; i++) {
        const struct barrow_dat *dat = &plot->dats[i];
        double first, last;
        barrow_dat_times(dat, &first, &last);
        plot->starts[i] = first;
        plot->seconds = fmax(plot->seconds, last - first);
        plot->calls += dat->calls.count;
        raise_to(&plot->top_bytes, barrow_dat_peak(dat, NULL));
        for (size_t j = 0; j < dat->children.count; j++)
            for (size_t k = 0; k < dat->children.items[j].readings.count; k++)
                raise_to(&plot->top_bytes, dat->children.items[j].readings.items[k].bytes);
        for (size_t j = 0; j < dat->calls.count; j++) {
            raise_to(&plot->top_bytes, dat->calls.items[j].enter.bytes);
            raise_to(&plot->top_bytes, dat->calls.items[j].leave.bytes);
        }
    }
    if (!(plot->seconds > 0))
        plot->seconds = 0.001; /* a single sample */
}

int barrow_plot_build(struct barrow_plot *plot, const struct barrow_dat *dats, size_t count,
                      size_t columns, struct barrow_error *err)
{
    *plot = (struct barrow_plot){.dats = dats, .count = count};
    plot->starts = calloc(count, sizeof *plot->starts);
    int rc = plot->starts ? 0 : -1;
    if (rc == 0)
        measure(plot);
    double column_s = plot->seconds / (double)columns;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = add_track(plot, i, &dats[i].self, column_s);
        for (size_t j = 0; rc == 0 && j < dats[i].children.count; j++)
            rc = add_track(plot, i, &dats[i].children.items[j], column_s);
    }
    if (rc == 0)
        return 0;
    barrow_plot_free(plot);
    return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
}

void barrow_plot_free(struct barrow_plot *plot)
{
    for (size_t i = 0; i < plot->tracks.count; i++)
        free(plot->tracks.items[i].points.items);
    free(plot->tracks.items);
    free(plot->starts);
    *plot = (struct barrow_plot){0};
}

/* Around the means, for sums of squares of times since 1970 would lose all digits. */
struct barrow_slope barrow_plot_slope(const struct barrow_plot *plot, size_t file)
{
    const struct barrow_curve *curve = &plot->dats[file].self;
    double start = plot->starts[file], n = (double)curve->readings.count;
    double mean_t = 0, mean_b = 0, products = 0, squares = 0;

    for (size_t i = 0; i < curve->readings.count; i++) {
        mean_t += (curve->readings.items[i].time_s - start) / n;
        mean_b += (double)curve->readings.items[i].bytes / n;
    }
    for (size_t i = 0; i < curve->readings.count; i++) {
        double t = curve->readings.items[i].time_s - start - mean_t;
        products += t * ((double)curve->readings.items[i].bytes - mean_b);
        squares += t * t;
    }
    double slope = squares > 0 ? products / squares : 0;
    return (struct barrow_slope){slope, mean_b - slope * mean_t};
}

char *barrow_plot_slope_text(char *text, struct barrow_slope slope)
{
    char size[BARROW_UNITS_ROOM];
    double rate = fmin(round(fabs(slope.bytes_per_s)), 0x1p62);
    const char *sign = rate == 0 ? "" : slope.bytes_per_s < 0 ? "-" : "+";

    snprintf(text, BARROW_SLOPE_ROOM, "%s%s/s", sign, barrow_units_bytes(size, (uint64_t)rate));
    return text;
}

double barrow_plot_step(double top, size_t count)
{
    double least = top / (double)count, power = pow(10, floor(log10(least)));

    for (int digit = 1;; digit = digit == 1 ? 2 : digit == 2 ? 5 : 10)
        if (digit * power >= least * (1 - 1e-9) || digit == 10)
            return digit * power;
}
