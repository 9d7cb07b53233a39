/* barrow mem list: the files in the working directory. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/units.h"
#include "cli/mem.h"
#include "cli/memory.h"

/* What one file holds; without samples if it can't be read. */
struct line {
    const char *name;
    struct barrow_dat dat;
    struct barrow_error why; /* text[0]: it can't be read */
    double first_s, last_s;
};

static void load(struct line *line, const char *name)
{
    *line = (struct line){.name = name};
    if (barrow_dat_load(&line->dat, name, &line->why) == 0)
        barrow_dat_times(&line->dat, &line->first_s, &line->last_s);
}

static void put_json(struct barrow_json *json, size_t index, const struct line *line)
{
    barrow_json_begin_object(json);
    barrow_json_key(json, "index");
    barrow_json_uint(json, index);
    barrow_json_key(json, "file");
    barrow_json_string(json, line->name);
    if (line->why.text[0]) {
        barrow_json_key(json, "error");
        barrow_json_string(json, line->why.text);
    } else {
        barrow_json_key(json, "command");
        barrow_json_string(json, line->dat.command);
        barrow_json_key(json, "peak_bytes");
        barrow_json_uint(json, barrow_dat_peak(&line->dat, NULL));
        barrow_json_key(json, "samples");
        barrow_json_uint(json, line->dat.self.readings.count);
        barrow_json_key(json, "start_time_s");
        barrow_json_double(json, line->dat.self.readings.count ? line->first_s : 0);
        barrow_json_key(json, "duration_s");
        barrow_json_double(json, line->dat.self.readings.count ? line->last_s - line->first_s : 0);
    }
    barrow_json_end_object(json);
}

static void put_row(struct barrow_columns *c, const struct barrow_terminal *t, size_t index,
                    const struct line *line)
{
    char peak[BARROW_UNITS_ROOM];
    char *number = barrow_format("%zu", index);
    bool has_samples = line->dat.self.readings.count > 0;
    char *took = has_samples ? barrow_duration(t, (uint64_t)((line->last_s - line->first_s) * 1e9))
                             : barrow_copy("");

    barrow_columns_put(c, number);
    barrow_columns_put(
        c, !has_samples ? "" : barrow_units_bytes(peak, barrow_dat_peak(&line->dat, NULL)));
    barrow_columns_put(c, took);
    barrow_columns_put(c, line->name);
    barrow_columns_put(c, line->why.text[0]   ? "can't be read"
                          : line->dat.command ? line->dat.command
                                              : "");
    free(took);
    free(number);
}

static void print_text(const struct barrow_mem_files *files, enum barrow_color color)
{
    static const struct barrow_column titles[] = {
        {"", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"peak", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"took", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"file", ALIGN_LEFT, STYLE_NAME, 28, CUT_START},
        {"command", ALIGN_LEFT, STYLE_PLAIN, 10, CUT_END}};
    struct barrow_terminal t;
    char count[BARROW_UNITS_ROOM];

    barrow_terminal_init(&t, stdout, color);
    printf("%smemory over time: %s file%s in this directory%s\n", barrow_style(&t, STYLE_HEAD),
           barrow_units_count(count, files->names.count), files->names.count == 1 ? "" : "s",
           barrow_style(&t, STYLE_PLAIN));
    if (!files->names.count)
        return;
    struct barrow_columns *c = barrow_columns_new(&t, titles, sizeof titles / sizeof *titles, NULL);
    for (size_t i = 0; i < files->names.count; i++) {
        struct line line;
        load(&line, files->names.items[i]);
        put_row(c, &t, i, &line);
        barrow_dat_free(&line.dat);
    }
    barrow_columns_print(c);
    barrow_columns_free(c);
}

static void print_json(const struct barrow_mem_files *files)
{
    struct barrow_json json;

    barrow_json_init(&json, stdout, 2);
    barrow_json_begin_object(&json);
    barrow_json_key(&json, "rows");
    barrow_json_begin_array(&json);
    for (size_t i = 0; i < files->names.count; i++) {
        struct line line;
        load(&line, files->names.items[i]);
        put_json(&json, i, &line);
        barrow_dat_free(&line.dat);
    }
    barrow_json_end_array(&json);
    barrow_json_end_object(&json);
}

static int mem_list_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct barrow_mem_options *o = values;
    struct barrow_mem_files files;

    (void)operands;
    if (count)
        return barrow_fail(err, BARROW_E_USAGE, "list takes no names: it lists this directory");
    if (barrow_mem_files_find(&files, err) < 0)
        return -1;
    if (o->view.json)
        print_json(&files);
    else
        print_text(&files, (enum barrow_color)o->view.color);
    barrow_mem_files_free(&files);
    return 0;
}

static const struct barrow_option options[] = {VIEW_OPTION_JSON(struct barrow_mem_options),
                                               VIEW_OPTION_COLOR(struct barrow_mem_options),
                                               OPTIONS_END};

static const struct barrow_mem_options defaults = {.view = VIEW_DEFAULTS};

const struct barrow_command barrow_mem_list = {
    .usage = "[OPTIONS]",
    .about = "Lists the mprofile_YYYYMMDDhhmmss.dat of the working directory, the oldest first,\n"
             "with the numbers that plot, peak and rm take.",
    .examples = "barrow mem list",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .parse = barrow_mem_parse,
    .main = mem_list_main,
};
