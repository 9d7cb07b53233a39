/* barrow table: rows of one grouping, largest first. */
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/memory.h"
#include "cli/rows.h"
#include "cli/view.h"
#include "table/keys.h"

struct table_options {
    struct barrow_view_options view;
    int metric, by;
    bool inclusive;
    const char *filter;
};

static void write_json(struct barrow_view *view, const struct table_options *o,
                       const struct barrow_row *rows, size_t count, struct barrow_value whole)
{
    struct barrow_json *json = &view->json;
    size_t limit = barrow_view_limit(view, count);

    barrow_put_text(json, "metric", barrow_metric_names[o->metric]);
    barrow_put_text(json, "by", barrow_grouping_names[o->by]);
    barrow_put_flag(json, "inclusive", o->inclusive);
    barrow_put_number(json, "total_bytes", whole.bytes);
    barrow_json_key(json, "rows");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < limit; i++) {
        barrow_json_begin_object(json);
        barrow_row_json(json, view->profile, (enum barrow_grouping)o->by, &rows[i]);
        barrow_put_number(json, "bytes", rows[i].bytes);
        barrow_put_number(json, "blocks", rows[i].blocks);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
}

static void print_text(struct barrow_view *view, const struct table_options *o,
                       const struct barrow_row *rows, size_t count, struct barrow_value whole)
{
    char *how =
        barrow_format("by %s%s", barrow_grouping_names[o->by], o->inclusive ? " with callees" : "");

    barrow_view_headline_metric(view, (enum barrow_metric)o->metric, how, o->filter, whole);
    free(how);
    barrow_rows_print(view, (enum barrow_grouping)o->by, rows, barrow_view_limit(view, count),
                      whole.bytes);
    if (count == 0)
        fprintf(view->terminal.out, " nothing to show\n");
    barrow_view_more(view, count, "rows");
}

static int table_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct table_options *o = values;
    struct barrow_query query = {.metric = (enum barrow_metric)o->metric,
                                 .by = (enum barrow_grouping)o->by,
                                 .inclusive = o->inclusive,
                                 .filter = o->filter};
    struct barrow_view view;
    struct barrow_row *rows = NULL;
    struct barrow_value whole;
    size_t row_count = 0;

    if (barrow_view_open(&view, &o->view, count, operands, err) < 0)
        return -1;
    view.shows_peak = o->metric == BARROW_METRIC_PEAK;
    if (barrow_metric_sum(view.profile, query.metric, o->filter, &whole, err) < 0 ||
        barrow_profile_rows(view.profile, &query, &rows, &row_count, err) < 0) {
        barrow_view_drop(&view);
        return -1;
    }
    if (o->view.json)
        write_json(&view, o, rows, row_count, whole);
    else
        print_text(&view, o, rows, row_count, whole);
    free(rows);
    barrow_view_close(&view);
    return 0;
}

static const struct barrow_option options[] = {
    VIEW_OPTION_METRIC(struct table_options),
    {"by", 'b', OPTION_CHOICE, "GROUPING", offsetof(struct table_options, by),
     barrow_grouping_names, NULL, "what a row is (line by default)"},
    {"inclusive", 'i', OPTION_FLAG, NULL, offsetof(struct table_options, inclusive), NULL, NULL,
     "count what a line's calls allocate too, not only its own"},
    VIEW_OPTION_FILTER(struct table_options),
    VIEW_OPTION_LIMIT(struct table_options),
    VIEW_OPTION_JSON(struct table_options),
    VIEW_OPTION_COLOR(struct table_options),
    OPTIONS_END};

static const struct table_options defaults = {
    .view = VIEW_DEFAULTS, .metric = BARROW_METRIC_PEAK, .by = BARROW_BY_LINE};

const struct barrow_command barrow_command_table = {
    .usage = "[OPTIONS] FILE...",
    .about = "Shows who owns the memory, largest first. Bytes are those the program asked\n"
             "for.\n"
             "  peak       what was alive when the program used the most memory\n"
             "  leaked     what was never freed; module globals are part of it\n"
             "  total      all that was ever allocated\n"
             "  temporary  what was freed again at once, by the thread that allocated it\n"
             "Several FILEs, or a directory, are shown as one: the processes of one run.",
    .examples = "barrow table app.1234.barrow\n"
                "barrow table --metric leaked --by function app.1234.barrow\n"
                "barrow table --filter 'file=*/parser.py' app.1234.barrow\n"
                "barrow table --inclusive --by module --json app.1234.barrow",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = table_main,
};
