/* barrow flame: the call tree as a picture, cells as wide as the bytes they hold.
 *
 *     live at the peak, flame graph: 20 MiB after 900 ms · etl.py
 *     callers above what they call; a column is 204 KiB
 *     │<module>  etl.py:37                       12 MiB │Worker.run  worker.py:77  8.0 MiB │
 *     │main › read  etl.py:10           11 MiB │··│
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/command.h"
#include "cli/flame_draw.h"
#include "cli/memory.h"
#include "cli/output.h"
#include "export/svg.h"
#include "table/keys.h"

struct flame_options {
    struct barrow_view_options view;
    int metric;
    bool inverted, full, svg;
    const char *filter, *output;
    size_t width, max_depth; /* 0: not given */
    double percent;          /* negative: not given */
};

enum {
    PIPED_WIDTH = 100,
    PIPED_ROWS = 60,
    OTHER_LINES = 7, /* of the window: above and below the picture, and the next prompt */
    ROWS_AT_LEAST = 6,
    LARGEST_CUT = 3, /* cells named below the picture */
};

static const double SVG_PERCENT = 0.05; /* half a pixel */

static uint64_t least_bytes(const struct flame_options *o, uint64_t whole, double otherwise)
{
    return (uint64_t)((double)whole * (o->percent < 0 ? otherwise : o->percent) / 100);
}

/* ---- JSON ---- */

static void write_json(struct barrow_view *view, const struct flame_options *o,
                       const struct barrow_calltree *tree, const struct barrow_flame *flame)
{
    struct barrow_json *json = &view->json;

    barrow_put_text(json, "metric", barrow_metric_names[o->metric]);
    barrow_put_flag(json, "inverted", o->inverted);
    barrow_put_number(json, "bytes", flame->cells[0].total.bytes);
    barrow_put_number(json, "blocks", flame->cells[0].total.blocks);
    barrow_put_number(json, "hidden_levels", flame->hidden);
    barrow_json_key(json, "cells");
    barrow_json_begin_array(json);
    for (size_t i = 1; i < flame->count; i++) {
        const struct barrow_flame_cell *cell = &flame->cells[i];
        struct barrow_frame frame = barrow_calltree_frame(tree, view->profile, cell->node);
        barrow_json_begin_object(json);
        barrow_put_number(json, "depth", cell->depth);
        barrow_put_number(json, "start_bytes", cell->start);
        barrow_put_number(json, "bytes", cell->total.bytes);
        barrow_put_number(json, "blocks", cell->total.blocks);
        barrow_put_number(json, "own_bytes", cell->own.bytes);
        if (cell->count) {
            barrow_put_number(json, "put_together", cell->count);
        } else {
            barrow_put_text(json, "function", frame.function);
            barrow_put_text(json, "file", frame.file);
            barrow_put_number(json, "line", frame.line);
            if (tree->nodes[cell->node].recursion > 1)
                barrow_put_number(json, "recursion", tree->nodes[cell->node].recursion);
        }
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
}

/* ---- text ---- */

/* Rows that the window has for the picture. */
static size_t window_rows(const struct barrow_terminal *t)
{
    struct winsize size;
    const char *lines = getenv("LINES");
    size_t height = PIPED_ROWS + OTHER_LINES;

    if (lines && atoi(lines) > 0)
        height = (size_t)atoi(lines);
    else if (ioctl(fileno(t->out), TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
        height = size.ws_row;
    return height > OTHER_LINES + ROWS_AT_LEAST ? height - OTHER_LINES : ROWS_AT_LEAST;
}

static void choose_width(struct barrow_terminal *t, const struct flame_options *o)
{
    const char *columns = getenv("COLUMNS");

    if (o->width)
        t->width = (int)(o->width < 1000 ? o->width : 1000);
    else if (!isatty(fileno(t->out)) && !(columns && atoi(columns) > 0))
        t->width = PIPED_WIDTH;
    if (t->width < 40)
        t->width = 40;
}

/* The cells of that kind that hold most, biggest first.  At most LARGEST_CUT; returns how many. */
static size_t find_largest(const struct barrow_flame_picture *p, uint32_t *found,
                           bool (*is_kind)(const struct barrow_flame_picture *, uint32_t))
{
    const struct barrow_flame_cell *cells = p->flame->cells;
    size_t count = 0;

    for (uint32_t i = 1; i < p->flame->count; i++) {
        if (!is_kind(p, i))
            continue;
        size_t at = count;
        while (at && cells[found[at - 1]].largest < cells[i].largest)
            at--;
        if (at == LARGEST_CUT)
            continue;
        count += count < LARGEST_CUT;
        memmove(&found[at + 1], &found[at], (count - at - 1) * sizeof *found);
        found[at] = i;
    }
    return count;
}

/* `text` and "eval  a.py:3 (1.2 MiB), ..."; takes the text. */
static void tell(const struct barrow_flame_picture *p, char *text, const char *before,
                 bool (*is_kind)(const struct barrow_flame_picture *, uint32_t))
{
    uint32_t found[LARGEST_CUT];
    char size[BARROW_UNITS_ROOM];
    size_t count = find_largest(p, found, is_kind);

    for (size_t i = 0; i < count; i++) {
        char *name = barrow_flame_name(p, found[i], true);
        char *longer = barrow_format("%s%s %s (%s)", text, i ? "," : before, name,
                                     barrow_units_bytes(size, p->flame->cells[found[i]].largest));
        free(name);
        free(text);
        text = longer;
    }
    barrow_view_say(p->view, STYLE_DIM, "", text);
    free(text);
}

static size_t rows_drawn(const struct barrow_flame_picture *p)
{
    return p->rows && p->rows < p->rows_needed ? p->rows : p->rows_needed;
}

/* The last row that is drawn, of cells that go on below it. */
static bool goes_deeper(const struct barrow_flame_picture *p, uint32_t cell)
{
    const struct barrow_flame_cell *c = &p->flame->cells[cell];

    if (c->count || p->row[cell] + 1 != rows_drawn(p))
        return false;
    return c->hidden || (c->first_child && p->row[c->first_child] >= rows_drawn(p));
}

static bool is_small(const struct barrow_flame_picture *p, uint32_t cell)
{
    return p->flame->cells[cell].count > 0;
}

/* "+12 levels deeper, below eval  a.py:3 (1.2 MiB)" */
static void tell_depth(const struct barrow_flame_picture *p)
{
    size_t levels = p->rows_needed - rows_drawn(p) + p->flame->hidden;

    if (levels)
        tell(p, barrow_format("+%zu level%s deeper", levels, levels == 1 ? "" : "s"), ", below",
             goes_deeper);
}

/* "···: 40 calls too small to draw (below 42 KiB), 1.0 MiB in all; the largest: f00  many.py:2 (4
 * KiB)" */
static void tell_small(const struct barrow_flame_picture *p, uint64_t least)
{
    char bytes[BARROW_UNITS_ROOM], number[BARROW_UNITS_ROOM], limit[BARROW_UNITS_ROOM];
    uint64_t count = 0, in_all = 0;

    for (uint32_t i = 1; i < p->flame->count; i++)
        if (is_small(p, i)) {
            count += p->flame->cells[i].count;
            in_all += p->flame->cells[i].total.bytes;
        }
    if (count)
        tell(p,
             barrow_format("%s %s call%s too small to draw (below %s), %s in all",
                           barrow_pick(&p->view->terminal, "\u00b7\u00b7\u00b7", "..."),
                           barrow_units_count(number, count), count == 1 ? "" : "s",
                           barrow_units_bytes(limit, least), barrow_units_bytes(bytes, in_all)),
             "; the largest:", is_small);
}

static void print_text(struct barrow_view *view, const struct flame_options *o,
                       struct barrow_flame_picture *p, uint64_t least)
{
    char size[BARROW_UNITS_ROOM];
    uint64_t whole = p->flame->cells[0].total.bytes;

    barrow_view_headline_metric(view, (enum barrow_metric)o->metric,
                                o->inverted ? "flame graph, inverted" : "flame graph", o->filter,
                                p->flame->cells[0].total);
    if (p->flame->count == 1) {
        fprintf(view->terminal.out, " nothing to show\n");
        return;
    }
    char *scale = barrow_format("%s; a column is %s",
                                o->inverted ? "what allocated at the top, its callers below it"
                                            : "callers at the top, what they call below them",
                                barrow_units_bytes(size, whole / p->columns));
    barrow_view_say(view, STYLE_DIM, "", scale);
    free(scale);
    barrow_flame_draw(p);
    tell_depth(p);
    tell_small(p, least);
}

/* ---- */

static int show_text(struct barrow_view *view, const struct flame_options *o,
                     const struct barrow_calltree *tree, struct barrow_error *err)
{
    struct barrow_terminal *t = &view->terminal;
    struct barrow_flame flame;
    bool piped = !isatty(fileno(t->out));

    choose_width(t, o);
    bool color = barrow_flame_takes_colors(t);
    size_t columns = (size_t)t->width - !color; /* the last bar stands behind the last column */
    uint64_t whole = tree->nodes[0].total.bytes;
    uint64_t least = (whole * barrow_flame_least_columns(color) + columns - 1) / columns;
    uint64_t wanted = least_bytes(o, whole, 0);
    struct barrow_flame_limits limits = {.inverted = o->inverted,
                                         .max_depth = (uint32_t)o->max_depth,
                                         .least_bytes = wanted > least ? wanted : least};
    if (barrow_flame_build(&flame, tree, &limits, err) < 0)
        return -1;
    struct barrow_flame_picture picture = {
        .view = view,
        .tree = tree,
        .flame = &flame,
        .inverted = o->inverted,
        .full = o->full,
        .color = color,
        .columns = columns,
        .rows = piped && o->full && !getenv("LINES") ? 0 : window_rows(t),
    };
    print_text(view, o, &picture, limits.least_bytes);
    barrow_flame_picture_free(&picture);
    barrow_flame_free(&flame);
    return 0;
}

static int show_json(struct barrow_view *view, const struct flame_options *o,
                     const struct barrow_calltree *tree, struct barrow_error *err)
{
    struct barrow_flame flame;
    struct barrow_flame_limits limits = {.inverted = o->inverted,
                                         .max_depth = (uint32_t)o->max_depth,
                                         .least_bytes =
                                             least_bytes(o, tree->nodes[0].total.bytes, 0)};

    if (barrow_flame_build(&flame, tree, &limits, err) < 0)
        return -1;
    write_json(view, o, tree, &flame);
    barrow_flame_free(&flame);
    return 0;
}

static int write_svg(struct barrow_view *view, const struct flame_options *o,
                     const struct barrow_calltree *tree, struct barrow_error *err)
{
    struct barrow_output output;
    struct barrow_svg_flame picture = {.profile = view->profile,
                                       .tree = tree,
                                       .metric = (enum barrow_metric)o->metric,
                                       .inverted = o->inverted,
                                       .filter = o->filter,
                                       .max_depth = (uint32_t)o->max_depth,
                                       .least_bytes =
                                           least_bytes(o, tree->nodes[0].total.bytes, SVG_PERCENT)};

    if (barrow_output_open(&output, o->output, err) < 0)
        return -1;
    if (barrow_svg_flame(&picture, output.to, err) == 0)
        return barrow_output_commit(&output, err);
    barrow_output_abandon(&output);
    return -1;
}

static int check_options(const struct flame_options *o, struct barrow_error *err)
{
    if (o->output && !o->svg)
        return barrow_fail(err, BARROW_E_USAGE, "-o is for the picture that --svg writes");
    if (o->svg && o->view.json)
        return barrow_fail(err, BARROW_E_USAGE, "--svg or --json: only one of them");
    return 0;
}

static int flame_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct flame_options *o = values;
    struct barrow_query query = {
        .metric = (enum barrow_metric)o->metric, .by = BARROW_BY_STACK, .filter = o->filter};
    struct barrow_view view;
    struct barrow_calltree tree = {0};
    struct barrow_row *rows = NULL;
    size_t row_count;

    if (check_options(o, err) < 0 || barrow_view_open(&view, &o->view, count, operands, err) < 0)
        return -1;
    view.shows_peak = o->metric == BARROW_METRIC_PEAK;
    int rc = barrow_profile_rows(view.profile, &query, &rows, &row_count, err);
    if (rc == 0)
        rc = barrow_calltree_build(&tree, view.profile, rows, row_count, false, !o->full, err);
    free(rows);
    if (rc == 0)
        rc = (o->svg ? write_svg : o->view.json ? show_json : show_text)(&view, o, &tree, err);
    barrow_calltree_free(&tree);
    if (rc < 0 || o->svg)
        barrow_view_drop(&view);
    else
        barrow_view_close(&view);
    return rc;
}

static const struct barrow_option options[] = {
    VIEW_OPTION_METRIC(struct flame_options),
    {"inverted", 0, OPTION_FLAG, NULL, offsetof(struct flame_options, inverted), NULL, NULL,
     "begin with the calls that allocated, their callers below them"},
    {"min-share", 0, OPTION_PERCENT, "PERCENT", offsetof(struct flame_options, percent), NULL, NULL,
     "put calls below this share of the whole together"},
    {"max-depth", 0, OPTION_COUNT, "N", offsetof(struct flame_options, max_depth), NULL, NULL,
     "leave out what is deeper than N calls"},
    {"full", 0, OPTION_FLAG, NULL, offsetof(struct flame_options, full), NULL, NULL,
     "a row for every call: neither fold recursion nor let calls share a row"},
    {"width", 0, OPTION_COUNT, "N", offsetof(struct flame_options, width), NULL, NULL,
     "columns of text (by default those of the terminal, else 100)"},
    {"svg", 0, OPTION_FLAG, NULL, offsetof(struct flame_options, svg), NULL, NULL,
     "write a picture instead, for browsers and documents"},
    {"output", 'o', OPTION_TEXT, "OUT.svg", offsetof(struct flame_options, output), NULL, NULL,
     "file for the picture (standard output by default)"},
    VIEW_OPTION_FILTER(struct flame_options),
    VIEW_OPTION_JSON(struct flame_options),
    VIEW_OPTION_COLOR(struct flame_options),
    OPTIONS_END};

static const struct flame_options defaults = {
    .view = VIEW_DEFAULTS, .metric = BARROW_METRIC_PEAK, .percent = -1};

const struct barrow_command barrow_command_flame = {
    .usage = "[OPTIONS] FILE...",
    .about = "Draws the call tree: each call a cell as wide as the bytes that it and all it\n"
             "called hold, below its caller. In the terminal the picture fits the window:\n"
             "calls that do nothing but call on share a cell (`main > read`) if there are\n"
             "more calls than lines; what is too small or too deep is told below.",
    .examples = "barrow flame app.1234.barrow\n"
                "barrow flame --inverted --metric leaked app.1234.barrow\n"
                "barrow flame --svg -o app.svg app.1234.barrow",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = flame_main,
};
