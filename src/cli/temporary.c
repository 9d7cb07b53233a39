/* barrow temporary: churn, by line, the most allocations first. */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/command.h"
#include "cli/memory.h"
#include "cli/rows.h"
#include "cli/view.h"
#include "table/keys.h"
#include "table/summary.h"

struct temporary_options {
    struct barrow_view_options view;
    const char *filter;
};

static int by_falling_blocks(const void *a, const void *b)
{
    const struct barrow_row *x = a, *y = b;

    if (x->blocks != y->blocks)
        return x->blocks > y->blocks ? -1 : 1;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    int order = strcmp(x->file, y->file);
    if (order || x->line != y->line)
        return order ? order : x->line < y->line ? -1 : 1;
    order = strcmp(x->function, y->function);
    return order ? order : (int)x->domain - (int)y->domain;
}

static void write_json(struct barrow_view *view, const struct barrow_row *rows, size_t count)
{
    struct barrow_json *json = &view->json;
    size_t limit = barrow_view_limit(view, count);

    barrow_put_text(json, "metric", "temporary");
    barrow_put_text(json, "by", "line");
    barrow_put_number(json, "allocations", view->profile->allocations);
    barrow_put_number(json, "temporary_allocations", view->profile->temporary_allocations);
    barrow_json_key(json, "rows");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < limit; i++) {
        barrow_json_begin_object(json);
        barrow_row_json(json, view->profile, BARROW_BY_LINE, &rows[i]);
        barrow_put_number(json, "bytes", rows[i].bytes);
        barrow_put_number(json, "blocks", rows[i].blocks);
        barrow_put_number(json, "allocations", rows[i].value[BARROW_METRIC_TOTAL].blocks);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
}

static void print_rows(const struct barrow_view *view, const struct barrow_row *rows, size_t count)
{
    static const struct barrow_column columns[] = {
        {"count", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"of all", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"of line", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"bytes", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        BARROW_COLUMN_DOMAIN,
        BARROW_COLUMN_FUNCTION,
        BARROW_COLUMN_LINE,
    };
    struct barrow_columns *c = barrow_columns_new(&view->terminal, columns, 7, "source");

    for (size_t i = 0; i < count; i++) {
        const struct barrow_row *row = &rows[i];
        char *place = barrow_place(row->file, row->line);
        char *of_line = barrow_share(row->blocks, row->value[BARROW_METRIC_TOTAL].blocks);
        barrow_put_count(c, row->blocks);
        barrow_put_share(c, row->blocks, view->profile->allocations);
        barrow_columns_put(c, of_line);
        barrow_put_bytes(c, row->bytes);
        barrow_columns_put(c, barrow_domain_name(row->domain));
        barrow_columns_put(c, *row->function || *row->file ? row->function : barrow_no_frame);
        barrow_columns_put(c, place);
        barrow_put_source(c, view, row->file, row->line);
        free(of_line);
        free(place);
    }
    barrow_columns_print(c);
    barrow_columns_free(c);
}

static void print_text(struct barrow_view *view, const struct temporary_options *o,
                       const struct barrow_row *rows, size_t count)
{
    const struct barrow_profile *p = view->profile;
    char some[BARROW_UNITS_ROOM], all[BARROW_UNITS_ROOM];

    barrow_view_headline(view, "freed again at once, by line%s%s: %s of %s allocations",
                         o->filter ? ", only " : "", o->filter ? o->filter : "",
                         barrow_units_count(some, p->temporary_allocations),
                         barrow_units_count(all, p->allocations));
    if (count)
        print_rows(view, rows, barrow_view_limit(view, count));
    else
        fprintf(view->terminal.out, " nothing was freed at once\n");
    barrow_view_more(view, count, "lines");
}

static int temporary_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct temporary_options *o = values;
    struct barrow_query query = {
        .metric = BARROW_METRIC_TEMPORARY, .by = BARROW_BY_LINE, .filter = o->filter};
    struct barrow_view view;
    struct barrow_row *rows = NULL;
    size_t row_count = 0;

    if (barrow_view_open(&view, &o->view, count, operands, err) < 0)
        return -1;
    if (barrow_profile_rows(view.profile, &query, &rows, &row_count, err) < 0) {
        barrow_view_drop(&view);
        return -1;
    }
    if (row_count)
        qsort(rows, row_count, sizeof *rows, by_falling_blocks);
    if (o->view.json)
        write_json(&view, rows, row_count);
    else
        print_text(&view, o, rows, row_count);
    free(rows);
    barrow_view_close(&view);
    return 0;
}

static const struct barrow_option options[] = {
    VIEW_OPTION_FILTER(struct temporary_options), VIEW_OPTION_LIMIT(struct temporary_options),
    VIEW_OPTION_JSON(struct temporary_options), VIEW_OPTION_COLOR(struct temporary_options),
    OPTIONS_END};

static const struct temporary_options defaults = {.view = VIEW_DEFAULTS};

const struct barrow_command barrow_command_temporary = {
    .usage = "[OPTIONS] FILE...",
    .about = "Shows churn: allocations that the allocating thread freed again before it\n"
             "made more than one other. They cost time rather than memory. `of all` is\n"
             "their share of all allocations of the program, `of line` that of their\n"
             "line's allocations.",
    .examples = "barrow temporary app.1234.barrow\n"
                "barrow temporary --filter 'module=app*' --limit 0 app.1234.barrow",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = temporary_main,
};
