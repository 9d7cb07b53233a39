/* barrow mem peak: the highest memory, of the program or inside a function. */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/mem.h"
#include "cli/memory.h"

struct peak_options {
    struct barrow_view_options view;
    const char *function;
};

struct peak {
    uint64_t bytes;
    bool is_exact;
};

/* "load" names app.load: whole dotted parts at the end. */
static bool is_named(const char *name, const char *wanted)
{
    size_t length = strlen(name), end = strlen(wanted);

    return length >= end && strcmp(name + length - end, wanted) == 0 &&
           (length == end || name[length - end - 1] == '.');
}

static void raise_to(struct peak *peak, uint64_t bytes)
{
    peak->bytes = bytes > peak->bytes ? bytes : peak->bytes;
}

/* The first reading at or after a time; they are in order of time. */
static size_t first_after(const struct barrow_curve *curve, double time_s)
{
    size_t low = 0, high = curve->readings.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (curve->readings.items[middle].time_s < time_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Of the samples while one of its calls ran, and at its entry and exit.  False: no such function.
 */
static bool peak_inside(const struct barrow_dat *dat, const char *function, struct peak *peak)
{
    bool found = false;

    for (size_t i = 0; i < dat->calls.count; i++) {
        const struct barrow_call *call = &dat->calls.items[i];
        if (!is_named(dat->names.items[call->name], function))
            continue;
        found = true;
        raise_to(peak, call->enter.bytes);
        raise_to(peak, call->leave.bytes);
        const struct barrow_curve *curve = &dat->self;
        for (size_t j = first_after(curve, call->enter.time_s);
             j < curve->readings.count && curve->readings.items[j].time_s <= call->leave.time_s;
             j++)
            raise_to(peak, curve->readings.items[j].bytes);
    }
    return found;
}

static void print(const struct peak_options *o, const char *path, const struct barrow_dat *dat,
                  struct peak peak, struct barrow_json *json)
{
    char text[BARROW_UNITS_ROOM];
    struct barrow_terminal t;

    if (json) {
        barrow_json_begin_object(json);
        barrow_json_key(json, "file");
        barrow_json_string(json, path);
        barrow_json_key(json, "peak_bytes");
        barrow_json_uint(json, peak.bytes);
        barrow_json_key(json, "exact");
        barrow_json_bool(json, peak.is_exact);
        barrow_json_key(json, "metric");
        barrow_json_string(json, barrow_measure_names[dat->measure]);
        barrow_json_end_object(json);
        return;
    }
    barrow_terminal_init(&t, stdout, (enum barrow_color)o->view.color);
    char *name = barrow_printable(&t, path);
    printf("%s: peak %s%s%s%s, %s\n", name, barrow_style(&t, STYLE_HEAD),
           barrow_units_bytes(text, peak.bytes), barrow_style(&t, STYLE_PLAIN),
           dat->measure == BARROW_MEASURE_rss ? "" : barrow_mem_measure_words(dat->measure),
           peak.is_exact ? "exact, from the kernel" : "of the samples");
    free(name);
}

static int peak_of(const struct peak_options *o, const char *path, struct barrow_json *json,
                   struct barrow_error *err)
{
    struct barrow_dat dat;
    struct peak peak = {0};
    int rc = 0;

    if (barrow_dat_load(&dat, path, err) < 0)
        return -1;
    if (!dat.self.readings.count && !dat.peak_bytes)
        rc = barrow_fail(err, BARROW_E_FORMAT,
                         "%.300s holds no samples: the program ended before the first one", path);
    else if (!o->function)
        peak.bytes = barrow_dat_peak(&dat, &peak.is_exact);
    else if (!peak_inside(&dat, o->function, &peak))
        rc = barrow_fail(err, BARROW_E_USAGE,
                         "%.200s tells of no call of %.100s; it tells of %zu function%s", path,
                         o->function, dat.names.count, dat.names.count == 1 ? "" : "s");
    if (rc == 0)
        print(o, path, &dat, peak, json);
    barrow_dat_free(&dat);
    return rc;
}

static int mem_peak_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct peak_options *o = values;
    struct barrow_mem_files files;
    struct barrow_json json;
    const char **chosen = barrow_allocate(((size_t)count + 1) * sizeof *chosen);
    int rc = barrow_mem_files_find(&files, err);

    if (rc == 0)
        rc = barrow_mem_files_choose(&files, count, operands, chosen, err);
    if (rc == 0 && o->view.json) {
        barrow_json_init(&json, stdout, 2);
        barrow_json_begin_object(&json);
        barrow_json_key(&json, "rows");
        barrow_json_begin_array(&json);
    }
    for (int i = 0; rc == 0 && (i < count || i == 0); i++)
        rc = peak_of(o, chosen[i], o->view.json ? &json : NULL, err);
    if (rc == 0 && o->view.json) {
        barrow_json_end_array(&json);
        barrow_json_end_object(&json);
    }
    barrow_mem_files_free(&files);
    free(chosen);
    return rc;
}

static const struct barrow_option options[] = {
    {"func", 0, OPTION_TEXT, "NAME", offsetof(struct peak_options, function), NULL, NULL,
     "only while this function ran (it must be one that was marked with @profile)"},
    VIEW_OPTION_JSON(struct peak_options),
    VIEW_OPTION_COLOR(struct peak_options),
    OPTIONS_END};

static const struct peak_options defaults = {.view = VIEW_DEFAULTS};

const struct barrow_command barrow_mem_peak = {
    .usage = "[OPTIONS] [FILE...]",
    .about = "Tells the highest memory of a file, by default the newest: exact where the file\n"
             "holds what the kernel counted, else the highest sample.",
    .examples = "barrow mem peak\nbarrow mem peak --func load -1",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .parse = barrow_mem_parse,
    .main = mem_peak_main,
};
