/* barrow at: what lived at a time, or was born between two and still lived. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/command.h"
#include "cli/memory.h"
#include "cli/rows.h"
#include "cli/view.h"
#include "table/keys.h"

struct at_options {
    struct barrow_view_options view;
    int by;
    const char *filter;
    const char *time, *from, *to;
};

/* ---- times ---- */

static const struct unit {
    const char *name;
    double ns;
} units[] = {{"ms", 1e6}, {"us", 1e3}, {"min", 60e9}, {"h", 3600e9}, {"m", 60e9}, {"s", 1e9}};

/* "12.5", "500ms", "1m30s" */
static int parse_duration(const char *text, double *ns)
{
    bool bare = false;

    for (*ns = 0; *text;) {
        char *end;
        if (bare || !strchr("0123456789.", *text))
            return -1;
        double number = strtod(text, &end), scale = 0;
        if (end == text)
            return -1;
        for (size_t i = 0; !scale && i < sizeof units / sizeof *units; i++) {
            if (strncmp(end, units[i].name, strlen(units[i].name)) == 0) {
                scale = units[i].ns;
                end += strlen(units[i].name);
            }
        }
        bare = scale == 0;
        *ns += number * (bare ? 1e9 : scale);
        text = end;
    }
    return 0;
}

static int parse_time(const struct barrow_profile *p, const char *option, const char *text,
                      uint64_t *ns, struct barrow_error *err)
{
    char *end;
    double value;

    if (strcmp(text, "peak") == 0) {
        *ns = p->peak_ns;
        return 0;
    }
    if (strcmp(text, "end") == 0) {
        *ns = p->duration_ns;
        return 0;
    }
    double percent = strtod(text, &end);
    if (*text >= '0' && *text <= '9' && strcmp(end, "%") == 0 && percent <= 100) {
        *ns = (uint64_t)(percent / 100 * (double)p->duration_ns);
        return 0;
    }
    if (!*text || parse_duration(text, &value) < 0 || !isfinite(value) || value >= 0x1p63)
        return barrow_fail(err, BARROW_E_USAGE,
                           "--%s %.100s: expected a time since the start like 12.5, 500ms, 1m30s, "
                           "50%%, peak or end",
                           option, text);
    *ns = (uint64_t)llround(value);
    return 0;
}

/* ---- what lived ---- */

struct moment {
    uint64_t asked_ns, as_of_ns;
    bool known; /* there is a point at or before it */
};

struct answer {
    const struct at_options *options;
    struct barrow_view view;
    struct moment from, to; /* `from` only with --from */
    struct barrow_row *rows;
    size_t count;
    struct barrow_value whole;
};

static bool is_span(const struct answer *a)
{
    return a->options->from != NULL;
}

static void live_at(const struct answer *a, const struct barrow_points *points,
                    struct moment *moment, struct barrow_value *live)
{
    barrow_points_at(a->view.profile, points, moment->asked_ns, live, &moment->as_of_ns);
    for (size_t i = 0; i < points->count; i++)
        moment->known = moment->known || points->points[i].time_ns <= moment->asked_ns;
}

/* What lives beyond what lived before, site by site. */
static void subtract(struct barrow_value *live, const struct barrow_value *before, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        live[i].bytes -= before[i].bytes < live[i].bytes ? before[i].bytes : live[i].bytes;
        live[i].blocks -= before[i].blocks < live[i].blocks ? before[i].blocks : live[i].blocks;
    }
}

static int find_rows(struct answer *a, struct barrow_error *err)
{
    size_t sites = a->view.profile->sites_count;
    struct barrow_value *live = barrow_allocate((sites + 1) * sizeof *live);
    struct barrow_value *before = barrow_allocate((sites + 1) * sizeof *before);
    struct barrow_query query = {.metric = BARROW_METRIC_LEAKED,
                                 .by = (enum barrow_grouping)a->options->by,
                                 .filter = a->options->filter,
                                 .values = live};
    struct barrow_points points = {0};

    int rc = barrow_profile_points(a->view.profile, &points, err);
    if (rc == 0) {
        live_at(a, &points, &a->to, live);
        if (is_span(a)) {
            live_at(a, &points, &a->from, before);
            subtract(live, before, sites);
        }
        rc = barrow_profile_rows(a->view.profile, &query, &a->rows, &a->count, err);
        for (size_t i = 0; i < a->count; i++) {
            a->whole.bytes += a->rows[i].bytes;
            a->whole.blocks += a->rows[i].blocks;
        }
    }
    barrow_points_free(&points);
    free(before);
    free(live);
    return rc;
}

/* ---- output ---- */

static void put_moment(struct barrow_json *json, const char *key, const char *as_of,
                       const struct moment *moment)
{
    barrow_put_seconds(json, key, moment->asked_ns);
    barrow_json_key(json, as_of);
    if (moment->known)
        barrow_json_seconds(json, moment->as_of_ns);
    else
        barrow_json_null(json);
}

static void write_json(struct answer *a)
{
    struct barrow_json *json = &a->view.json;
    size_t limit = barrow_view_limit(&a->view, a->count);

    if (is_span(a)) {
        put_moment(json, "from_s", "from_as_of_s", &a->from);
        put_moment(json, "to_s", "as_of_s", &a->to);
    } else {
        put_moment(json, "time_s", "as_of_s", &a->to);
    }
    barrow_put_text(json, "by", barrow_grouping_names[a->options->by]);
    barrow_put_number(json, "total_bytes", a->whole.bytes);
    barrow_put_number(json, "total_blocks", a->whole.blocks);
    barrow_json_key(json, "rows");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < limit; i++) {
        barrow_json_begin_object(json);
        barrow_row_json(json, a->view.profile, (enum barrow_grouping)a->options->by, &a->rows[i]);
        barrow_put_number(json, "bytes", a->rows[i].bytes);
        barrow_put_number(json, "blocks", a->rows[i].blocks);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
}

/* "1.2 s", or "1.2 s (as of 1.1 s, 85 ms before)": the point that is really shown; to be freed. */
static char *moment_words(const struct answer *a, const struct moment *moment)
{
    const struct barrow_terminal *t = &a->view.terminal;
    char *asked = barrow_duration(t, moment->asked_ns);

    if (!moment->known || moment->as_of_ns >= moment->asked_ns)
        return asked;
    char *as_of = barrow_duration(t, moment->as_of_ns);
    char *distance = barrow_duration(t, moment->asked_ns - moment->as_of_ns);
    char *words = barrow_format("%s (as of %s, %s before)", asked, as_of, distance);
    free(distance);
    free(as_of);
    free(asked);
    return words;
}

static void print_headline(const struct answer *a)
{
    const char *by = barrow_grouping_names[a->options->by], *filter = a->options->filter;
    char bytes[BARROW_UNITS_ROOM];
    char *words = moment_words(a, &a->to);
    char *only = barrow_format("%s%s", filter ? ", only " : "", filter ? filter : "");

    barrow_units_bytes(bytes, a->whole.bytes);
    if (!is_span(a)) {
        barrow_view_headline(&a->view, "live at %s, by %s%s: %s", words, by, only, bytes);
    } else {
        char *from = barrow_duration(&a->view.terminal, a->from.asked_ns);
        char *to = barrow_duration(&a->view.terminal, a->to.asked_ns);
        barrow_view_headline(&a->view, "grown between %s and %s and still alive then, by %s%s: %s",
                             from, to, by, only, bytes);
        free(from);
        free(to);
    }
    free(only);
    free(words);
}

/* Between which points the growth was really taken, if they are not those that were asked for. */
static void print_resolution(const struct answer *a)
{
    char *from = moment_words(a, &a->from), *to = moment_words(a, &a->to);

    if (strchr(from, '(') || strchr(to, '(')) {
        char *words = barrow_format("from %s to %s", from, to);
        barrow_view_say(&a->view, STYLE_DIM, " ", words);
        free(words);
    }
    free(from);
    free(to);
}

static void print_text(struct answer *a)
{
    const struct barrow_profile *p = a->view.profile;
    const struct barrow_terminal *t = &a->view.terminal;

    print_headline(a);
    if (is_span(a))
        print_resolution(a);
    if (!a->to.known) {
        char *when = barrow_duration(t, a->to.asked_ns);
        fprintf(t->out, " nothing is known of the time before %s: no checkpoint was taken yet\n",
                when);
        free(when);
    } else if (a->to.asked_ns > p->duration_ns) {
        char *when = barrow_duration(t, p->duration_ns);
        fprintf(t->out, " the recording ended before, after %s\n", when);
        free(when);
    } else if (a->count == 0) {
        fprintf(t->out, " nothing to show\n");
    }
    barrow_rows_print(&a->view, (enum barrow_grouping)a->options->by, a->rows,
                      barrow_view_limit(&a->view, a->count), a->whole.bytes);
    barrow_view_more(&a->view, a->count, "rows");
}

/* ---- the command ---- */

static int check_options(const struct at_options *o, struct barrow_error *err)
{
    if (o->time && (o->from || o->to))
        return barrow_fail(err, BARROW_E_USAGE, "either --time, or --from and --to");
    if (!o->time && !o->from && !o->to)
        return barrow_fail(err, BARROW_E_USAGE,
                           "at which time? Give --time, or --from and --to, in seconds since the "
                           "start");
    if (!o->time && (!o->from || !o->to))
        return barrow_fail(err, BARROW_E_USAGE, "--from and --to belong together");
    return 0;
}

static int parse_times(struct answer *a, struct barrow_error *err)
{
    const struct at_options *o = a->options;
    const struct barrow_profile *p = a->view.profile;

    if (o->time)
        return parse_time(p, "time", o->time, &a->to.asked_ns, err);
    if (parse_time(p, "from", o->from, &a->from.asked_ns, err) < 0 ||
        parse_time(p, "to", o->to, &a->to.asked_ns, err) < 0)
        return -1;
    if (a->from.asked_ns > a->to.asked_ns)
        return barrow_fail(err, BARROW_E_USAGE, "--from %s lies behind --to %s", o->from, o->to);
    return 0;
}

static int at_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    struct answer a = {.options = values};

    if (check_options(a.options, err) < 0 ||
        barrow_view_open(&a.view, &a.options->view, count, operands, err) < 0)
        return -1;
    if (parse_times(&a, err) < 0 || find_rows(&a, err) < 0) {
        free(a.rows);
        barrow_view_drop(&a.view);
        return -1;
    }
    if (a.options->view.json)
        write_json(&a);
    else
        print_text(&a);
    free(a.rows);
    barrow_view_close(&a.view);
    return 0;
}

static const struct barrow_option options[] = {
    {"time", 't', OPTION_TEXT, "T", offsetof(struct at_options, time), NULL, NULL,
     "what lived at this time"},
    {"from", 0, OPTION_TEXT, "T", offsetof(struct at_options, from), NULL, NULL,
     "what grew from this time ..."},
    {"to", 0, OPTION_TEXT, "T", offsetof(struct at_options, to), NULL, NULL,
     "... to this one, and was still alive"},
    {"by", 'b', OPTION_CHOICE, "GROUPING", offsetof(struct at_options, by), barrow_grouping_names,
     NULL, "what a row is (line by default)"},
    VIEW_OPTION_FILTER(struct at_options),
    VIEW_OPTION_LIMIT(struct at_options),
    VIEW_OPTION_JSON(struct at_options),
    VIEW_OPTION_COLOR(struct at_options),
    OPTIONS_END};

static const struct at_options defaults = {.view = VIEW_DEFAULTS, .by = BARROW_BY_LINE};

const struct barrow_command barrow_command_at = {
    .usage = "--time T [OPTIONS] FILE...\n--from T --to T [OPTIONS] FILE...",
    .about = "Shows what was alive at a time, or what grew between two times and was still\n"
             "alive at the second: for each stack what it held more then.\n"
             "Times count from the start: 12.5 (seconds), 500ms, 1m30s, 50% (of the whole),\n"
             "peak, end. A recording knows what was alive at its checkpoints, at the peak and\n"
             "at the end; the last of these at or before the time is shown, and the first\n"
             "line says how far before it lies.",
    .examples = "barrow at --time 12.5 app.1234.barrow\n"
                "barrow at --from 10 --to peak --by function app.1234.barrow",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = at_main,
};
