#include "cli/mem_draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/memory.h"
#include "cli/view.h"
#include "series/picture.h"

enum { ROWS = 14, LABEL_WIDTH = 10, MARGIN = 2, DOTS_X = 2, DOTS_Y = 4, MOST_CALL_ROWS = 12 };

static const enum barrow_style hues[] = {STYLE_RSS, STYLE_HEAP, STYLE_NAME, STYLE_WARM, STYLE_HOT};

struct cell {
    unsigned char dots; /* as Unicode's Braille patterns count them */
    unsigned char hue;  /* of the last line that passed */
};

struct grid {
    const struct barrow_mem_drawing *of;
    const struct barrow_terminal *t;
    size_t columns;
    double top_mib, step_mib, step_s;
    struct cell *cells; /* row by row, the highest first */
};

static size_t text_columns(const struct barrow_terminal *t)
{
    return (size_t)t->width - LABEL_WIDTH - MARGIN - 1;
}

size_t barrow_mem_draw_columns(const struct barrow_terminal *t)
{
    return text_columns(t) * DOTS_X;
}

/* ---- dots ---- */

static void set_dot(struct grid *g, long x, long y, size_t hue)
{
    static const unsigned char bits[DOTS_Y][DOTS_X] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};

    if (x < 0 || y < 0 || x >= (long)g->columns * DOTS_X || y >= ROWS * DOTS_Y)
        return;
    struct cell *cell = &g->cells[(size_t)(y / DOTS_Y) * g->columns + (size_t)(x / DOTS_X)];
    cell->dots |= bits[y % DOTS_Y][x % DOTS_X];
    cell->hue = (unsigned char)(hue % (sizeof hues / sizeof *hues));
}

static double dot_x(const struct grid *g, double time_s)
{
    return time_s / g->of->plot->seconds * (double)(g->columns * DOTS_X - 1);
}

static double dot_y(const struct grid *g, double bytes)
{
    return (1 - bytes / (1 << 20) / g->top_mib) * (ROWS * DOTS_Y - 1);
}

/* Each dot that the line passes; its length is bounded by the grid. */
static void draw_line(struct grid *g, double x0, double y0, double x1, double y1, size_t hue)
{
    long steps = lround(fmax(fabs(x1 - x0), fabs(y1 - y0)));

    for (long i = 0; i <= steps; i++) {
        double share = steps ? (double)i / (double)steps : 0;
        set_dot(g, lround(x0 + (x1 - x0) * share), lround(y0 + (y1 - y0) * share), hue);
    }
}

static void draw_track(struct grid *g, const struct barrow_track *track, size_t hue)
{
    for (size_t i = 0; i < track->points.count; i++) {
        struct barrow_reading a = track->points.items[i ? i - 1 : 0], b = track->points.items[i];
        draw_line(g, dot_x(g, a.time_s), dot_y(g, (double)a.bytes), dot_x(g, b.time_s),
                  dot_y(g, (double)b.bytes), hue);
    }
}

/* ---- text ---- */

static void put_cell(const struct grid *g, const struct cell *cell)
{
    if (!cell->dots)
        fputc(' ', g->t->out);
    else if (g->t->utf8) /* U+2800 and the dots */
        fprintf(g->t->out, "\xe2%c%c", 0xa0 + (cell->dots >> 6), 0x80 + (cell->dots & 0x3f));
    else
        fputc("*o+x#"[cell->hue], g -> t -> out);
}

static void print_row(const struct grid *g, size_t row)
{
    const struct barrow_terminal *t = g->t;
    const struct cell *cells = &g->cells[row * g->columns];
    size_t end = g->columns;
    enum barrow_style style = STYLE_PLAIN;
    char label[BARROW_UNITS_ROOM] = "";
    bool labelled = false;

    for (int i = 1; i * g->step_mib <= g->top_mib * (1 + 1e-9); i++)
        if (lround(dot_y(g, i * g->step_mib * (1 << 20))) / DOTS_Y == (long)row) {
            snprintf(label, sizeof label, "%g MiB", i * g->step_mib);
            labelled = true;
        }
    fprintf(t->out, "%*s %s", LABEL_WIDTH, label,
            labelled ? barrow_pick(t, "\u2524", "+") : barrow_pick(t, "\u2502", "|"));
    while (end && !cells[end - 1].dots)
        end--;
    for (size_t i = 0; i < end; i++) {
        if (cells[i].dots && hues[cells[i].hue] != style) {
            style = hues[cells[i].hue];
            fputs(barrow_style(t, STYLE_PLAIN), t->out);
            fputs(barrow_style(t, style), t->out);
        }
        put_cell(g, &cells[i]);
    }
    fprintf(t->out, "%s\n", style != STYLE_PLAIN ? barrow_style(t, STYLE_PLAIN) : "");
}

static size_t column_of(const struct grid *g, double time_s)
{
    double x = time_s / g->of->plot->seconds * (double)(g->columns - 1);

    return x <= 0 ? 0 : x >= (double)(g->columns - 1) ? g->columns - 1 : (size_t)lround(x);
}

static void print_axis(const struct grid *g)
{
    const struct barrow_terminal *t = g->t;
    int next = 1;
    size_t used = 1;

    fprintf(t->out, "%*s %s", LABEL_WIDTH, "0", barrow_pick(t, "\u253c", "+"));
    for (size_t i = 0; i < g->columns; i++) {
        bool tick = next * g->step_s <= g->of->plot->seconds * (1 + 1e-9) &&
                    column_of(g, next * g->step_s) == i;
        next += tick;
        fputs(tick ? barrow_pick(t, "\u252c", "+") : barrow_pick(t, "\u2500", "-"), t->out);
    }
    fprintf(t->out, "\n%*s0", LABEL_WIDTH + MARGIN, "");
    for (int i = 1; i * g->step_s <= g->of->plot->seconds * (1 + 1e-9); i++) {
        char *label = barrow_format("%.10g s", i * g->step_s);
        size_t at = column_of(g, i * g->step_s), width = strlen(label);
        if (at + width > g->columns)
            at = g->columns - width;
        if (at > used && at + width <= g->columns + 1) {
            fprintf(t->out, "%*s%s", (int)(at - used), "", label);
            used = at + width;
        }
        free(label);
    }
    fputc('\n', t->out);
}

/* ---- marked functions ---- */

static void print_spans(const struct grid *g, size_t file, size_t name)
{
    const struct barrow_terminal *t = g->t;
    const struct barrow_dat *dat = &g->of->plot->dats[file];
    char *marks = barrow_allocate(g->columns + 1);
    char *label = barrow_fit(t, barrow_printable(t, barrow_picture_short_name(dat, name)),
                             LABEL_WIDTH, CUT_START);
    size_t end = 0;

    for (size_t i = 0; i < dat->calls.count; i++) {
        const struct barrow_call *call = &dat->calls.items[i];
        if (call->name != name)
            continue;
        size_t from = column_of(g, call->enter.time_s - g->of->plot->starts[file]),
               to = column_of(g, call->leave.time_s - g->of->plot->starts[file]);
        for (size_t at = from; at <= to; at++)
            if (!marks[at] || marks[at] == '-')
                marks[at] = at == from ? '[' : at == to ? ']' : '-';
        end = to + 1 > end ? to + 1 : end;
    }
    fprintf(t->out, "%*s%s  %s", (int)(LABEL_WIDTH - barrow_width(label)), "", label,
            barrow_style(t, STYLE_DIM));
    for (size_t i = 0; i < end; i++)
        switch (marks[i]) {
        case '[':
            fputs(barrow_pick(t, "\u251c", "["), t->out);
            break;
        case ']':
            fputs(barrow_pick(t, "\u2524", "]"), t->out);
            break;
        case '-':
            fputs(barrow_pick(t, "\u2500", "-"), t->out);
            break;
        default:
            fputc(' ', t->out);
        }
    fprintf(t->out, "%s\n", barrow_style(t, STYLE_PLAIN));
    free(label);
    free(marks);
}

static void print_calls(const struct grid *g)
{
    size_t shown = 0, more = 0;

    for (size_t i = 0; i < g->of->plot->count; i++)
        for (size_t name = 0; name < g->of->plot->dats[i].names.count; name++) {
            if (shown == MOST_CALL_ROWS)
                more++;
            else
                print_spans(g, i, name), shown++;
        }
    if (more)
        fprintf(g->t->out, "%*s  and %zu functions more\n", LABEL_WIDTH, "", more);
}

/* ---- legend ---- */

static void print_legend(const struct grid *g)
{
    const struct barrow_plot *plot = g->of->plot;
    const struct barrow_terminal *t = g->t;

    for (size_t i = 0; plot->tracks.count > 1 && i < plot->tracks.count; i++) {
        const struct barrow_track *track = &plot->tracks.items[i];
        size_t hue = i % (sizeof hues / sizeof *hues);
        char *label = track->pid ? barrow_format("child %llu", (unsigned long long)track->pid)
                                 : barrow_printable(t, plot->count > 1 ? g->of->names[track->file]
                                                                       : "the process");
        fprintf(t->out, "%*s%s%s%s %s\n", LABEL_WIDTH + MARGIN, "", barrow_style(t, hues[hue]),
                t->utf8 ? "\u2812\u2812" : (const char *[]){"**", "oo", "++", "xx", "##"}[hue],
                barrow_style(t, STYLE_PLAIN), label);
        free(label);
    }
    if (plot->cut)
        fprintf(t->out, "%*sonly the first %d curves are drawn\n", LABEL_WIDTH + MARGIN, "",
                BARROW_PLOT_TRACKS);
    for (size_t i = 0; g->of->slope && i < plot->count; i++) {
        char *name = barrow_printable(t, plot->count > 1 ? g->of->names[i] : "");
        char rate[BARROW_SLOPE_ROOM];
        fprintf(t->out, "%*sslope %s%s%s\n", LABEL_WIDTH + MARGIN, "",
                barrow_plot_slope_text(rate, barrow_plot_slope(plot, i)), *name ? " of " : "",
                name);
        free(name);
    }
}

void barrow_mem_draw(const struct barrow_mem_drawing *drawing)
{
    const struct barrow_plot *plot = drawing->plot;
    struct grid g = {.of = drawing, .t = drawing->terminal};
    double highest = (double)plot->top_bytes / (1 << 20);

    g.columns = text_columns(g.t);
    g.step_mib = barrow_plot_step(highest, 4);
    g.top_mib = ceil(highest / g.step_mib) * g.step_mib;
    g.step_s = barrow_plot_step(plot->seconds, g.columns / 10 + 1);
    g.cells = barrow_allocate(ROWS * g.columns * sizeof *g.cells);
    for (size_t i = plot->tracks.count; i-- > 0;)
        draw_track(&g, &plot->tracks.items[i], i);
    for (size_t row = 0; row < ROWS; row++)
        print_row(&g, row);
    print_axis(&g);
    print_calls(&g);
    print_legend(&g);
    free(g.cells);
}
