/* barrow mem plot: memory over time in the terminal, as SVG or PNG, or as JSON. */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/mem.h"
#include "cli/mem_draw.h"
#include "cli/memory.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "series/picture.h"

struct plot_options {
    struct barrow_view_options view;
    const char *output, *title;
    bool slope;
};

struct files { /* those to show */
    const char **names;
    struct barrow_dat *dats;
    size_t count;
};

/* ---- JSON ---- */

/* [[time, bytes], ...] in one array; `json` has no spaces in lines of samples. */
static void put_samples(struct barrow_json *json, const struct barrow_curve *curve)
{
    barrow_json_begin_array(json);
    for (size_t i = 0; i < curve->readings.count; i++) {
        barrow_json_begin_array(json);
        barrow_json_double(json, curve->readings.items[i].time_s);
        barrow_json_uint(json, curve->readings.items[i].bytes);
        barrow_json_end_array(json);
    }
    barrow_json_end_array(json);
}

static void put_call(struct barrow_json *json, const struct barrow_dat *dat,
                     const struct barrow_call *call)
{
    barrow_json_begin_object(json);
    barrow_json_key(json, "function");
    barrow_json_string(json, dat->names.items[call->name]);
    barrow_json_key(json, "level");
    barrow_json_uint(json, call->level);
    barrow_json_key(json, "enter");
    barrow_json_begin_array(json);
    barrow_json_double(json, call->enter.time_s);
    barrow_json_uint(json, call->enter.bytes);
    barrow_json_end_array(json);
    barrow_json_key(json, "leave");
    barrow_json_begin_array(json);
    barrow_json_double(json, call->leave.time_s);
    barrow_json_uint(json, call->leave.bytes);
    barrow_json_end_array(json);
    barrow_json_end_object(json);
}

static void put_head(struct barrow_json *json, const char *name, const struct barrow_dat *dat)
{
    bool is_exact;
    uint64_t peak = barrow_dat_peak(dat, &is_exact);

    barrow_json_key(json, "file");
    barrow_json_string(json, name);
    barrow_json_key(json, "command");
    barrow_json_string(json, dat->command);
    barrow_json_key(json, "metric");
    barrow_json_string(json, barrow_measure_names[dat->measure]);
    barrow_json_key(json, "peak_bytes");
    barrow_json_uint(json, peak);
    barrow_json_key(json, "peak_exact");
    barrow_json_bool(json, is_exact);
}

static void put_file(struct barrow_json *json, const struct barrow_plot *plot, size_t index,
                     const char *name, bool slope)
{
    const struct barrow_dat *dat = &plot->dats[index];

    barrow_json_begin_object(json);
    put_head(json, name, dat);
    if (slope) {
        barrow_json_key(json, "slope_bytes_per_s");
        barrow_json_double(json, barrow_plot_slope(plot, index).bytes_per_s);
    }
    barrow_json_key(json, "samples");
    put_samples(json, &dat->self);
    barrow_json_key(json, "children");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < dat->children.count; i++) {
        barrow_json_begin_object(json);
        barrow_json_key(json, "pid");
        barrow_json_uint(json, dat->children.items[i].pid);
        barrow_json_key(json, "samples");
        put_samples(json, &dat->children.items[i]);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
    barrow_json_key(json, "calls");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < dat->calls.count; i++)
        put_call(json, dat, &dat->calls.items[i]);
    barrow_json_end_array(json);
    barrow_json_end_object(json);
}

static int write_json(const struct plot_options *o, const struct files *files,
                      const struct barrow_plot *plot, struct barrow_error *err)
{
    struct barrow_output output;
    struct barrow_json json;

    if (barrow_output_open(&output, o->output, err) < 0)
        return -1;
    barrow_json_init(&json, output.to, 0);
    barrow_json_begin_object(&json);
    barrow_json_key(&json, "files");
    barrow_json_begin_array(&json);
    for (size_t i = 0; i < files->count; i++)
        put_file(&json, plot, i, files->names[i], o->slope);
    barrow_json_end_array(&json);
    barrow_json_end_object(&json);
    return barrow_output_commit(&output, err);
}

/* ---- pictures ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);

    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

static int write_picture(const struct plot_options *o, const struct files *files,
                         const struct barrow_plot *plot, struct barrow_error *err)
{
    struct barrow_picture picture = {plot, o->title, files->names, o->slope};
    struct barrow_output output;
    struct barrow_canvas canvas;
    int height = barrow_picture_height(&picture);

    if (barrow_output_open(&output, o->output, err) < 0)
        return -1;
    int rc = (ends_with(o->output, ".png") ? barrow_canvas_png : barrow_canvas_svg)(
        &canvas, output.to, BARROW_PICTURE_WIDTH, height, barrow_picture_title(&picture), err);
    if (rc == 0) {
        barrow_picture_draw(&picture, &canvas);
        rc = canvas.kind->end(&canvas, err);
    }
    barrow_canvas_free(&canvas);
    if (rc == 0)
        return barrow_output_commit(&output, err);
    barrow_output_abandon(&output);
    return -1;
}

/* ---- the terminal ---- */

static void print_headline(const struct barrow_terminal *t, const struct plot_options *o,
                           const struct files *files, const struct barrow_plot *plot)
{
    char peak[BARROW_UNITS_ROOM];
    const struct barrow_dat *dat = files->dats;
    bool is_exact;
    uint64_t bytes = barrow_dat_peak(dat, &is_exact);
    char *took = barrow_duration(t, (uint64_t)(plot->seconds * 1e9));
    const char *title = o->title           ? o->title
                        : files->count > 1 ? NULL
                        : dat->command     ? dat->command
                                           : files->names[0];

    fputs(barrow_style(t, STYLE_HEAD), t->out);
    if (files->count > 1)
        fprintf(t->out, "memory over time: %zu files, up to %s, %s", files->count,
                barrow_units_bytes(peak, plot->top_bytes), took);
    else
        fprintf(t->out, "memory over time: %s, peak %s%s in %s",
                barrow_mem_measure_words(dat->measure), barrow_units_bytes(peak, bytes),
                is_exact ? "" : " of the samples", took);
    fprintf(t->out, "%s\n", barrow_style(t, STYLE_PLAIN));
    if (title) {
        char *text = barrow_fit(t, barrow_printable(t, title), (size_t)t->width, CUT_END);
        fprintf(t->out, "%s%s%s\n", barrow_style(t, STYLE_DIM), text, barrow_style(t, STYLE_PLAIN));
        free(text);
    }
    free(took);
}

static void print(const struct barrow_terminal *t, const struct plot_options *o,
                  const struct files *files, const struct barrow_plot *plot)
{
    struct barrow_mem_drawing drawing = {t, plot, files->names, o->slope};

    print_headline(t, o, files, plot);
    barrow_mem_draw(&drawing);
}

/* ---- the command ---- */

static int show(const struct plot_options *o, const struct files *files, struct barrow_error *err)
{
    struct barrow_terminal t;
    struct barrow_plot plot;
    bool is_picture = o->output && !o->view.json;

    barrow_terminal_init(&t, stdout, (enum barrow_color)o->view.color);
    size_t columns = is_picture ? BARROW_PICTURE_COLUMNS : barrow_mem_draw_columns(&t);
    if (barrow_plot_build(&plot, files->dats, files->count, columns, err) < 0)
        return -1;
    int rc = 0;
    if (o->view.json)
        rc = write_json(o, files, &plot, err);
    else if (is_picture)
        rc = write_picture(o, files, &plot, err);
    else
        print(&t, o, files, &plot);
    barrow_plot_free(&plot);
    return rc;
}

static int load_all(struct files *files, struct barrow_error *err)
{
    for (size_t i = 0; i < files->count; i++)
        if (barrow_dat_load(&files->dats[i], files->names[i], err) < 0)
            return -1;
        else if (!files->dats[i].self.readings.count)
            return barrow_fail(err, BARROW_E_FORMAT,
                               "%.300s holds no samples: the program ended before the first one",
                               files->names[i]);
    return 0;
}

static int check_output(const struct plot_options *o, struct barrow_error *err)
{
    if (!o->output || o->view.json || ends_with(o->output, ".svg") || ends_with(o->output, ".png"))
        return 0;
    return barrow_fail(err, BARROW_E_USAGE,
                       "-o %.200s: the name tells the format; it must end in .svg or .png",
                       o->output);
}

static int mem_plot_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct plot_options *o = values;
    struct barrow_mem_files found = {0};
    struct files files = {.count = count ? (size_t)count : 1};

    files.names = barrow_allocate(files.count * sizeof *files.names);
    files.dats = barrow_allocate(files.count * sizeof *files.dats);
    int rc = check_output(o, err);
    if (rc == 0)
        rc = barrow_mem_files_find(&found, err);
    if (rc == 0)
        rc = barrow_mem_files_choose(&found, count, operands, files.names, err);
    barrow_progress_start("reading");
    if (rc == 0)
        rc = load_all(&files, err);
    barrow_progress_stop();
    if (rc == 0)
        rc = show(o, &files, err);
    for (size_t i = 0; i < files.count; i++)
        barrow_dat_free(&files.dats[i]);
    barrow_mem_files_free(&found);
    free(files.dats);
    free(files.names);
    return rc;
}

static const struct barrow_option options[] = {
    {"output", 'o', OPTION_TEXT, "FILE", offsetof(struct plot_options, output), NULL, NULL,
     "write a picture: FILE ends in .svg or .png"},
    {"title", 't', OPTION_TEXT, "TEXT", offsetof(struct plot_options, title), NULL, NULL,
     "its title (the command by default)"},
    {"slope", 's', OPTION_FLAG, NULL, offsetof(struct plot_options, slope), NULL, NULL,
     "draw the straight line through the samples, and tell its slope"},
    VIEW_OPTION_JSON(struct plot_options),
    VIEW_OPTION_COLOR(struct plot_options),
    OPTIONS_END};

static const struct plot_options defaults = {.view = VIEW_DEFAULTS};

const struct barrow_command barrow_mem_plot = {
    .usage = "[OPTIONS] [FILE...]",
    .about = "Draws memory over time: in the terminal, or with -o as SVG or PNG. Several files\n"
             "are drawn over each other, each from its own start. Functions that were marked\n"
             "with @profile get brackets at their entry and exit. However many samples there\n"
             "are, each column shows its lowest and its highest. With --json: all samples.",
    .examples = "barrow mem plot\n"
                "barrow mem plot -s -t 'before and after' -o memory.png 0 -1",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .parse = barrow_mem_parse,
    .main = mem_plot_main,
};
