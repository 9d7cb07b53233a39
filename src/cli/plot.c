#include "cli/plot.h"

#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/memory.h"

enum { ROWS = 12, LABEL_WIDTH = 9, MARGIN = 2, EIGHTHS = 8 };

static const char *const blocks[EIGHTHS + 1] = {" ",      "\u2581", "\u2582", "\u2583", "\u2584",
                                                "\u2585", "\u2586", "\u2587", "\u2588"};

struct plot {
    const struct barrow_view *view;
    const struct barrow_terminal *terminal;
    const struct barrow_interval *intervals;
    size_t count;
    uint64_t top;  /* bytes at the upper edge */
    int per_label; /* rows from one label to the next */
};

size_t barrow_plot_columns(const struct barrow_terminal *t)
{
    return (size_t)t->width - LABEL_WIDTH - MARGIN - 1;
}

/* ---- scales ---- */

/* The smallest digit times a power of ten that is at least n; `digits` rise from 1 to 9. */
static uint64_t round_number(uint64_t n, const char *digits)
{
    for (uint64_t power = 1;; power *= 10)
        for (const char *digit = digits; *digit; digit++)
            if ((uint64_t)(*digit - '0') * power >= n)
                return (uint64_t)(*digit - '0') * power;
}

/* Two to four labels, at round numbers of a binary unit. */
static void choose_scale(struct plot *plot)
{
    uint64_t highest = 1;

    for (size_t i = 0; i < plot->count; i++) {
        const struct barrow_interval *at = &plot->intervals[i];
        highest = at->rss_bytes > highest ? at->rss_bytes : highest;
        highest = at->heap_bytes > highest ? at->heap_bytes : highest;
    }
    if (highest > UINT64_MAX / 8)
        highest = UINT64_MAX / 8; /* damaged numbers must not overflow the scale */
    uint64_t unit = 1, quarter = highest / 4 + 1;
    while (quarter / unit >= 1024)
        unit *= 1024;
    uint64_t step = round_number((quarter + unit - 1) / unit, "12345");
    if (step >= 1000) { /* 1000 KiB would be an odd label */
        unit *= 1024;
        step = 1;
    }
    step *= unit;
    uint64_t labels = (highest + step - 1) / step; /* 1 to 4 */
    labels = labels > 4 ? 4 : labels;
    plot->per_label = ROWS / (int)labels;
    plot->top = step * labels;
}

/* ---- the area ---- */

static int level_of(const struct plot *plot, uint64_t bytes, int steps)
{
    return (int)((__uint128_t)bytes * (unsigned)steps / plot->top);
}

/* Row of the RSS line, 0 at the bottom; -1: not known. */
static int rss_row(const struct plot *plot, size_t column)
{
    uint64_t rss = plot->intervals[column].rss_bytes;
    int row = level_of(plot, rss, ROWS);

    return rss == 0 ? -1 : row < ROWS ? row : ROWS - 1;
}

/* Does the RSS line pass the cell: 2 on it, 1 climbing or falling through it? */
static int rss_at(const struct plot *plot, size_t column, int row)
{
    int here = rss_row(plot, column), before = column ? rss_row(plot, column - 1) : here;

    if (here == row)
        return 2;
    if (here < 0 || before < 0)
        return 0;
    return (row > here && row < before) || (row < here && row > before);
}

struct glyph {
    const char *text;
    enum barrow_style style;
};

static struct glyph glyph_at(const struct plot *plot, size_t column, int row)
{
    const struct barrow_terminal *t = plot->terminal;
    int rss = rss_at(plot, column, row);
    uint64_t heap_bytes = plot->intervals[column].heap_bytes;
    int heap = level_of(plot, heap_bytes, ROWS * EIGHTHS) - row * EIGHTHS;

    if (rss)
        return (struct glyph){
            rss == 2 ? barrow_pick(t, "\u2022", "*") : barrow_pick(t, "\u2506", ":"), STYLE_RSS};
    if (row == 0 && heap_bytes && heap <= 0)
        heap = 1; /* little is not nothing */
    if (heap <= 0)
        return (struct glyph){" ", STYLE_PLAIN};
    if (!t->utf8)
        return (struct glyph){heap >= EIGHTHS / 2 ? "#" : ".", STYLE_HEAP};
    return (struct glyph){blocks[heap > EIGHTHS ? EIGHTHS : heap], STYLE_HEAP};
}

static void print_row(const struct plot *plot, int row)
{
    const struct barrow_terminal *t = plot->terminal;
    enum barrow_style style = STYLE_PLAIN;
    char label[BARROW_UNITS_ROOM] = "";
    bool labelled = (row + 1) % plot->per_label == 0;
    size_t end = plot->count;

    if (labelled)
        barrow_units_bytes(label, plot->top / ROWS * (unsigned)(row + 1) +
                                      plot->top % ROWS * (unsigned)(row + 1) / ROWS);
    fprintf(t->out, "%*s %s", LABEL_WIDTH, label,
            labelled ? barrow_pick(t, "\u2524", "+") : barrow_pick(t, "\u2502", "|"));
    while (end && *glyph_at(plot, end - 1, row).text == ' ')
        end--;
    for (size_t i = 0; i < end; i++) {
        struct glyph glyph = glyph_at(plot, i, row);
        if (glyph.style != style && *glyph.text != ' ') {
            fputs(barrow_style(t, STYLE_PLAIN), t->out);
            fputs(barrow_style(t, glyph.style), t->out);
            style = glyph.style;
        }
        fputs(glyph.text, t->out);
    }
    fprintf(t->out, "%s\n", style ? barrow_style(t, STYLE_PLAIN) : "");
}

/* ---- the time axis ---- */

struct time_scale {
    uint64_t unit_ns, step; /* a tick every step x unit */
    const char *unit;
};

static struct time_scale choose_times(const struct plot *plot)
{
    static const struct {
        uint64_t ns, up_to; /* used for runs of at most so many */
        const char *name;
    } units[] = {{1000, 2000, "us"},
                 {1000000, 2000, "ms"},
                 {1000000000, 300, "s"},
                 {60000000000, 300, "min"},
                 {3600000000000, UINT64_MAX, "h"}};
    uint64_t duration = plot->view->profile->duration_ns;
    size_t i = 0, ticks = plot->count / 8 + 1;

    while (duration / units[i].ns > units[i].up_to)
        i++;
    uint64_t wanted = (duration / units[i].ns + ticks - 1) / ticks;
    return (struct time_scale){units[i].ns, round_number(wanted ? wanted : 1, "125"),
                               units[i].name};
}

static size_t column_of(const struct plot *plot, uint64_t time_ns)
{
    return barrow_series_index(plot->view->profile, plot->count, time_ns);
}

static void print_axis(const struct plot *plot, const struct time_scale *scale)
{
    const struct barrow_terminal *t = plot->terminal;
    uint64_t step_ns = scale->unit_ns * scale->step, tick_ns = step_ns;
    size_t peak = column_of(plot, plot->view->profile->peak_ns);

    fprintf(t->out, "%*s %s", LABEL_WIDTH, "0", barrow_pick(t, "\u253c", "+"));
    for (size_t i = 0; i < plot->count; i++) {
        bool tick = column_of(plot, tick_ns) == i && tick_ns < plot->view->profile->duration_ns;
        if (tick)
            tick_ns += step_ns;
        if (i == peak)
            fputs(barrow_pick(t, "\u25b2", "^"), t->out);
        else if (tick)
            fputs(barrow_pick(t, "\u252c", "+"), t->out);
        else
            fputs(barrow_pick(t, "\u2500", "-"), t->out);
    }
    fputc('\n', t->out);
}

static void print_times(const struct plot *plot, const struct time_scale *scale)
{
    const struct barrow_terminal *t = plot->terminal;
    uint64_t step_ns = scale->unit_ns * scale->step;
    size_t used = 1;

    fprintf(t->out, "%*s0", LABEL_WIDTH + MARGIN, "");
    for (uint64_t n = 1; n <= plot->count && n * step_ns < plot->view->profile->duration_ns; n++) {
        char *label = barrow_format("%llu %s", (unsigned long long)(n * scale->step), scale->unit);
        size_t at = column_of(plot, n * step_ns), width = strlen(label);
        if (at >= used + 1 && at + width <= plot->count) {
            fprintf(t->out, "%*s%s", (int)(at - used), "", label);
            used = at + width;
        }
        free(label);
    }
    fputc('\n', t->out);
}

/* ---- collections ---- */

static void print_pauses(const struct plot *plot)
{
    static const char ascii[] = " ..ooOOO@";
    const struct barrow_terminal *t = plot->terminal;
    uint64_t longest = 0;
    size_t end = 0;

    for (size_t i = 0; i < plot->count; i++) {
        uint64_t pause = plot->intervals[i].gc_pause_ns;
        longest = pause > longest ? pause : longest;
        end = pause ? i + 1 : end;
    }
    if (!longest)
        return;
    fprintf(t->out, "%*s  ", LABEL_WIDTH, "gc");
    for (size_t i = 0; i < end; i++) {
        uint64_t pause = plot->intervals[i].gc_pause_ns;
        int level = pause ? 1 + (int)((__uint128_t)pause * (EIGHTHS - 1) / longest) : 0;
        if (t->utf8)
            fputs(blocks[level], t->out);
        else
            fputc(ascii[level], t->out);
    }
    fputc('\n', t->out);
}

static void print_legend(const struct plot *plot)
{
    const struct barrow_terminal *t = plot->terminal;

    fprintf(t->out, "%*s%s%s%s heap   %s%s%s RSS   %s peak of the heap\n", LABEL_WIDTH + MARGIN, "",
            barrow_style(t, STYLE_HEAP), barrow_pick(t, "\u2588", "#"),
            barrow_style(t, STYLE_PLAIN), barrow_style(t, STYLE_RSS), barrow_pick(t, "\u2022", "*"),
            barrow_style(t, STYLE_PLAIN), barrow_pick(t, "\u25b2", "^"));
}

void barrow_plot_print(const struct barrow_view *view, const struct barrow_interval *intervals,
                       size_t count)
{
    struct plot plot = {
        .view = view, .terminal = &view->terminal, .intervals = intervals, .count = count};

    choose_scale(&plot);
    struct time_scale scale = choose_times(&plot);
    for (int row = ROWS - 1; row >= 0; row--)
        print_row(&plot, row);
    print_axis(&plot, &scale);
    print_times(&plot, &scale);
    print_pauses(&plot);
    print_legend(&plot);
}
