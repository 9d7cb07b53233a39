#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/bench.h"
#include "cli/columns.h"
#include "cli/memory.h"
#include "table/stats.h"

/* ---- amounts: four digits, as small differences are what one looks for ---- */

/* 1.234, 12.34, 123.4 and a unit. */
static char *scaled(double value, const char *unit)
{
    int decimals = value < 9.9995 ? 3 : value < 99.995 ? 2 : 1;

    return barrow_format("%.*f %s", decimals, value, unit);
}

static char *counted(double value, const char *unit)
{
    char text[BARROW_UNITS_ROOM];

    return barrow_format("%s%s", barrow_units_count(text, (uint64_t)(value + 0.5)), unit);
}

static char *bytes(double value)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;

    if (value < 10000)
        return counted(value, " B");
    for (value /= 1024; value >= 1023.95 && unit < 5; unit++)
        value /= 1024;
    return scaled(value, units[unit]);
}

static char *seconds(const struct barrow_terminal *t, double value)
{
    if (value < 0.99995e-6)
        return scaled(value * 1e9, "ns");
    if (value < 0.99995e-3)
        return scaled(value * 1e6, barrow_pick(t, "\u00b5s", "us"));
    return value < 0.99995 ? scaled(value * 1e3, "ms") : scaled(value, "s");
}

static char *amount(const struct barrow_terminal *t, enum bench_metric metric, double value)
{
    enum bench_unit unit = bench_metrics[metric].unit;

    if (!isfinite(value))
        return barrow_copy("?");
    char *size = unit == BENCH_UNIT_BYTES   ? bytes(fabs(value))
                 : unit == BENCH_UNIT_COUNT ? counted(fabs(value), "")
                                            : seconds(t, fabs(value));
    if (value >= 0)
        return size;
    char *negative = barrow_format("-%s", size);
    free(size);
    return negative;
}

/* "+12.5%", "+0.04%", "<0.01%" */
static char *percent(double share)
{
    double value = share * 100, size = fabs(value);
    int decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;

    if (isnan(share))
        return barrow_copy("");
    if (isinf(share))
        return barrow_copy("new");
    if (value == 0)
        return barrow_copy("0%");
    if (size < 0.01)
        return barrow_copy("<0.01%");
    return barrow_format("%+.*f%%", decimals, value);
}

/* ---- columns ---- */

static void put(struct barrow_columns *c, char *text, enum barrow_style style)
{
    barrow_columns_put_styled(c, text, style);
    free(text);
}

/* "low … high", both freed. */
static char *interval(const struct barrow_terminal *t, char *low, char *high)
{
    char *text = strcmp(low, high) == 0
                     ? barrow_copy(low)
                     : barrow_format("%s %s %s", low, barrow_pick(t, "\u2026", "..."), high);
    free(low);
    free(high);
    return text;
}

static char *spread(const struct barrow_terminal *t, enum bench_metric metric,
                    struct barrow_interval sure)
{
    if (sure.low == sure.high)
        return barrow_copy("the same in all runs");
    char *low = amount(t, metric, sure.low), *high = amount(t, metric, sure.high);
    if (strcmp(low, high) != 0)
        return interval(t, low, high);
    free(low);
    free(high);
    char *width = amount(t, metric, sure.high - sure.low);
    char *text = barrow_format("within %s", width);
    free(width);
    return text;
}

static void show_alone(const struct barrow_terminal *t, const struct bench_result *result)
{
    static const struct barrow_column columns[] = {
        {"", ALIGN_LEFT, STYLE_DIM, 0, CUT_END},
        {"median", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"95 % interval", ALIGN_LEFT, STYLE_DIM, 0, CUT_END},
    };
    struct barrow_columns *c =
        barrow_columns_new(t, columns, sizeof columns / sizeof *columns, NULL);

    for (size_t i = 0; i < BENCH_METRIC_COUNT; i++) {
        const bench_values *v = &result->subject->metrics[i];
        enum bench_metric metric = (enum bench_metric)i;
        struct barrow_interval sure = barrow_stats_median_interval(v->items, v->count);
        barrow_columns_put(c, bench_metrics[i].words);
        put(c, amount(t, metric, barrow_stats_median(v->items, v->count)), STYLE_PLAIN);
        put(c, spread(t, metric, sure), STYLE_DIM);
    }
    barrow_columns_print(c);
    barrow_columns_free(c);
}

static enum barrow_style change_style(const struct bench_comparison *c)
{
    if (!c->is_significant || c->after == c->before)
        return STYLE_DIM;
    return c->after > c->before ? STYLE_HOT : STYLE_GOOD;
}

static char *p_value(double p)
{
    if (isnan(p))
        return barrow_copy("?");
    return p < 0.001 ? barrow_copy("<0.001") : barrow_format("%.3f", p);
}

static void put_comparison(struct barrow_columns *c, const struct barrow_terminal *t,
                           const struct bench_result *result, enum bench_metric metric)
{
    struct bench_comparison d = bench_compare(result, metric);

    barrow_columns_put(c, bench_metrics[metric].words);
    put(c, amount(t, metric, d.before), STYLE_PLAIN);
    put(c, amount(t, metric, d.after), STYLE_PLAIN);
    barrow_columns_put(c, d.is_significant ? "" : "~");
    put(c, percent(d.change), change_style(&d));
    put(c,
        isfinite(d.low) && isfinite(d.high) ? interval(t, percent(d.low), percent(d.high))
                                            : barrow_copy(""),
        STYLE_DIM);
    put(c, p_value(d.p), STYLE_DIM);
}

static void show_both(const struct barrow_terminal *t, const struct bench_result *result)
{
    static const struct barrow_column columns[] = {
        {"", ALIGN_LEFT, STYLE_DIM, 0, CUT_END},
        {"A", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"B", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"", ALIGN_RIGHT, STYLE_DIM, 0, CUT_END},
        {"B to A", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"95 % interval", ALIGN_LEFT, STYLE_DIM, 0, CUT_END},
        {"p", ALIGN_RIGHT, STYLE_DIM, 0, CUT_END},
    };
    struct barrow_columns *c =
        barrow_columns_new(t, columns, sizeof columns / sizeof *columns, NULL);

    for (size_t i = 0; i < BENCH_METRIC_COUNT; i++)
        put_comparison(c, t, result, (enum bench_metric)i);
    barrow_columns_print(c);
    barrow_columns_free(c);
}

/* ---- words ---- */

/* A line: text in a style, cut to the terminal. */
static void say(const struct barrow_terminal *t, enum barrow_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(const struct barrow_terminal *t, enum barrow_style style, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    char *line = barrow_fit(t, barrow_printable(t, text), (size_t)t->width, CUT_END);
    fprintf(t->out, "%s%s%s\n", barrow_style(t, style), line, barrow_style(t, STYLE_PLAIN));
    free(line);
    free(text);
}

/* A name that leaves so many columns of a line to others; to be freed. */
static char *shortened(const struct barrow_terminal *t, const char *name, size_t others)
{
    size_t width = (size_t)t->width > others + 20 ? (size_t)t->width - others : 20;

    return barrow_fit(t, barrow_printable(t, name), width, CUT_END);
}

static void say_side(const struct barrow_terminal *t, char letter,
                     const struct bench_result *result, const struct bench_side *side)
{
    bool is_old = side == result->reference && result->baseline;
    const char *revision = side->revision ? side->revision
                           : !is_old && result->reference->revision && !result->baseline
                               ? "the tree as it is"
                               : NULL;

    char *rest = barrow_format("%s%s%s%s", revision ? "  at " : "", revision ? revision : "",
                               is_old ? "  in " : "", is_old ? result->baseline : "");
    char *name = shortened(t, side->name, 4 + strlen(rest));
    say(t, STYLE_PLAIN, " %c  %s%s", letter, name, rest);
    free(name);
    free(rest);
}

static void headline(const struct barrow_terminal *t, const struct bench_result *result)
{
    size_t runs = result->runs;

    if (!result->reference) {
        char *name = shortened(t, result->subject->name, 46);
        say(t, STYLE_HEAD, "%s: %zu recorded runs and %zu plain ones", name, runs, runs);
        free(name);
        return;
    }
    say(t, STYLE_HEAD, "B compared with A: %zu recorded runs and %zu plain ones %s", runs, runs,
        result->baseline ? "of B" : "of each");
    say_side(t, 'A', result, result->reference);
    say_side(t, 'B', result, result->subject);
}

/* An option that stands behind a script is the script's; NULL: none that is like one of ours. */
static const char *stray_option(const struct barrow_program *program)
{
    static const char *const options[] = {"--vs", "--vs-rev", "--baseline", "--fail-over"};

    for (size_t i = 0; i < program->count; i++)
        for (size_t k = 0; k < sizeof options / sizeof *options; k++)
            if (strcmp(program->words[i], options[k]) == 0)
                return options[k];
    return NULL;
}

/* What one must know to read the figures. */
static void notes(const struct barrow_terminal *t, const struct bench_result *result)
{
    const struct bench_side *subject = result->subject, *reference = result->reference;
    char count[BARROW_UNITS_ROOM];

    if (*subject->setup)
        say(t, STYLE_DIM, "Setup: %s", subject->setup);
    if (subject->is_statement)
        say(t, STYLE_DIM, "Max RSS is that of the whole process, all else of the statement alone.");
    else
        say(t, STYLE_DIM, "The whole program is measured, the start of the interpreter included.");
    if (stray_option(&subject->program))
        say(t, STYLE_WARN, "%s went to the program: options of barrow stand before it.",
            stray_option(&subject->program));
    if (subject->loops > 1)
        say(t, STYLE_DIM, "Time: the mean of %s executions in a row.",
            barrow_units_count(count, subject->loops));
    if (!reference)
        return;
    say(t, STYLE_DIM, "~ the runs show no difference (p > 0.05).");
    if (strcmp(subject->python, reference->python) != 0)
        say(t, STYLE_WARN, "A ran on Python %s, B on %s.", reference->python, subject->python);
    if (result->baseline && (strcmp(subject->name, reference->name) != 0 ||
                             strcmp(subject->setup, reference->setup) != 0))
        say(t, STYLE_WARN, "The baseline is of something else.");
    if (result->baseline && subject->loops != reference->loops)
        say(t, STYLE_WARN, "The times are of different numbers of executions in a row.");
    if (result->runs < 4 && reference->metrics[BENCH_TIME].count < 4)
        say(t, STYLE_WARN, "With 3 runs nothing can be significant: -n 4 or more.");
}

static void verdict(const struct barrow_terminal *t, const struct bench_result *result)
{
    if (!result->reference || isnan(result->fail_over))
        return;
    char *list = barrow_copy("");
    for (size_t i = 0; i < BENCH_METRIC_COUNT; i++) {
        struct bench_comparison c = bench_compare(result, (enum bench_metric)i);
        if (!bench_is_over(&c, result->fail_over))
            continue;
        char *longer = barrow_format("%s%s%s", list, *list ? ", " : "", bench_metrics[i].words);
        free(list);
        list = longer;
    }
    if (*list)
        say(t, STYLE_WARN, "More by over %g %%: %s.", result->fail_over, list);
    else
        say(t, STYLE_PLAIN, "Nothing is more by over %g %%.", result->fail_over);
    free(list);
}

void bench_show(const struct barrow_terminal *t, const struct bench_result *result)
{
    headline(t, result);
    fputc('\n', t->out);
    if (result->reference)
        show_both(t, result);
    else
        show_alone(t, result);
    fputc('\n', t->out);
    notes(t, result);
    verdict(t, result);
}
