/* barrow check, what it says: the figures, then for each that is over what did it. */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/check.h"
#include "cli/memory.h"
#include "cli/rows.h"
#include "table/keys.h"

enum { TEXT_SITES = 10 };

/* ---- sites ---- */

static int by_blocks(const void *a, const void *b)
{
    const struct barrow_row *one = a, *other = b;

    return one->blocks == other->blocks ? 0 : one->blocks > other->blocks ? -1 : 1;
}

/* Lines by their part of the figure. */
static int find_lines(const struct barrow_check *check, enum barrow_figure figure,
                      struct barrow_row **rows, size_t *count, struct barrow_error *err)
{
    struct barrow_query query = {.metric = barrow_figures[figure].metric, .by = BARROW_BY_LINE};

    if (barrow_profile_rows(check->view.profile, &query, rows, count, err) < 0)
        return -1;
    if (!barrow_figures[figure].is_bytes && *count)
        qsort(*rows, *count, sizeof **rows, by_blocks);
    return 0;
}

static size_t limit_of(const struct barrow_check *check, size_t count)
{
    size_t limit = check->view.options->limit;

    if (limit == LIMIT_NOT_GIVEN)
        limit = check->view.options->json ? 0 : TEXT_SITES;
    return limit && limit < count ? limit : count;
}

/* The line of a function that has most of the figure; NULL: none. */
static const struct barrow_row *line_of(const struct barrow_check *check,
                                        const struct barrow_growth *growth,
                                        const struct barrow_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct barrow_frame *frame = &check->view.profile->frames[rows[i].frame];
        if (strcmp(rows[i].function, growth->name) == 0 &&
            strcmp(rows[i].frame ? frame->module : "", growth->module) == 0)
            return &rows[i];
    }
    return NULL;
}

/* A baseline may tell figures and no functions. */
static bool tells_growth(const struct barrow_check *check,
                         const struct barrow_check_verdict *verdict)
{
    return verdict->from_baseline && check->before.function_count &&
           barrow_figures[verdict->figure].has_functions;
}

/* ---- JSON ---- */

static void put_lines(struct barrow_check *check, const struct barrow_row *rows, size_t count)
{
    struct barrow_json *json = &check->view.json;
    size_t shown = limit_of(check, count);

    barrow_json_key(json, "sites");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < shown; i++) {
        barrow_json_begin_object(json);
        barrow_row_json(json, check->view.profile, BARROW_BY_LINE, &rows[i]);
        barrow_put_number(json, "bytes", rows[i].bytes);
        barrow_put_number(json, "blocks", rows[i].blocks);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
}

static int put_growth(struct barrow_check *check, enum barrow_figure figure,
                      struct barrow_error *err)
{
    struct barrow_json *json = &check->view.json;
    struct barrow_growth *growths;
    size_t count;

    if (barrow_baseline_growth(&check->before, &check->now, figure, &growths, &count, err) < 0)
        return -1;
    barrow_json_key(json, "grown");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < limit_of(check, count); i++) {
        barrow_json_begin_object(json);
        barrow_put_text(json, "module", growths[i].module);
        barrow_put_text(json, "function", growths[i].name);
        barrow_put_number(json, "before", growths[i].before);
        barrow_put_number(json, "after", growths[i].after);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
    free(growths);
    return 0;
}

static int put_verdict(struct barrow_check *check, const struct barrow_check_verdict *verdict,
                       struct barrow_error *err)
{
    struct barrow_json *json = &check->view.json;
    const struct barrow_figure_traits *traits = &barrow_figures[verdict->figure];
    struct barrow_row *rows;
    size_t count;
    int rc = 0;

    barrow_json_begin_object(json);
    barrow_put_text(json, "figure", traits->name);
    barrow_put_text(json, "unit", traits->is_bytes ? "bytes" : "allocations");
    barrow_put_number(json, "value", verdict->value);
    barrow_put_number(json, "limit", verdict->limit);
    barrow_put_flag(json, "ok", !barrow_check_is_over(verdict));
    barrow_put_text(json, "from", verdict->from_baseline ? "baseline" : "budget");
    if (verdict->from_baseline) {
        barrow_put_number(json, "before", verdict->before);
        barrow_put_text(json, "tolerance", verdict->tolerance);
    }
    if (barrow_check_is_over(verdict) && tells_growth(check, verdict))
        rc = put_growth(check, verdict->figure, err);
    if (rc == 0 && barrow_check_is_over(verdict) && traits->has_functions) {
        rc = find_lines(check, verdict->figure, &rows, &count, err);
        if (rc == 0) {
            put_lines(check, rows, count);
            free(rows);
        }
    }
    barrow_json_end_object(json);
    return rc;
}

int barrow_check_json(struct barrow_check *check, struct barrow_error *err)
{
    struct barrow_json *json = &check->view.json;
    bool ok = true;

    for (size_t i = 0; i < check->count; i++)
        ok &= !barrow_check_is_over(&check->verdicts[i]);
    barrow_put_flag(json, "ok", ok);
    barrow_put_text(json, "command", check->view.profile->command);
    barrow_put_flag(json, "complete", check->view.profile->complete);
    barrow_json_key(json, "figures");
    barrow_json_begin_object(json);
    for (enum barrow_figure f = 0; f < BARROW_FIGURE_COUNT; f++)
        if (check->now.has[f])
            barrow_put_number(json, barrow_figures[f].name, check->now.value[f]);
    barrow_json_end_object(json);
    barrow_json_key(json, "checks");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < check->count; i++)
        if (put_verdict(check, &check->verdicts[i], err) < 0)
            return -1;
    barrow_json_end_array(json);
    return 0;
}

/* ---- text ---- */

static char *amount(char *text, enum barrow_figure figure, uint64_t value)
{
    return barrow_figures[figure].is_bytes ? barrow_units_bytes(text, value)
                                           : barrow_units_count(text, value);
}

static void put_amount(struct barrow_columns *c, enum barrow_figure figure, uint64_t value)
{
    char text[BARROW_UNITS_ROOM];

    barrow_columns_put(c, amount(text, figure, value));
}

/* "budget", "baseline 12 MiB + 5%"; to be freed. */
static char *origin(const struct barrow_check_verdict *verdict)
{
    char before[BARROW_UNITS_ROOM];

    if (!verdict->from_baseline)
        return barrow_copy("budget");
    return barrow_format("baseline %s + %s", amount(before, verdict->figure, verdict->before),
                         verdict->tolerance);
}

static void print_figures(const struct barrow_check *check)
{
    static const struct barrow_column columns[] = {
        {"figure", ALIGN_LEFT, STYLE_NAME, 0, CUT_END},
        {"is", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"limit", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"verdict", ALIGN_LEFT, STYLE_PLAIN, 0, CUT_END},
        {"limit of", ALIGN_LEFT, STYLE_DIM, 10, CUT_END},
    };
    struct barrow_columns *c =
        barrow_columns_new(&check->view.terminal, columns, sizeof columns / sizeof *columns, NULL);

    for (size_t i = 0; i < check->count; i++) {
        const struct barrow_check_verdict *verdict = &check->verdicts[i];
        bool over = barrow_check_is_over(verdict);
        char *from = origin(verdict);
        barrow_columns_put(c, barrow_figures[verdict->figure].name);
        put_amount(c, verdict->figure, verdict->value);
        put_amount(c, verdict->figure, verdict->limit);
        barrow_columns_put_styled(c, over ? "OVER" : "ok", over ? STYLE_HOT : STYLE_GOOD);
        barrow_columns_put(c, from);
        free(from);
    }
    barrow_columns_print(c);
    barrow_columns_free(c);
}

/* Where there is no limit to check: what a baseline says. */
static void print_plain(const struct barrow_check *check)
{
    static const struct barrow_column columns[] = {
        {"figure", ALIGN_LEFT, STYLE_NAME, 0, CUT_END},
        {"is", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"what it is", ALIGN_LEFT, STYLE_DIM, 0, CUT_END},
    };
    struct barrow_columns *c =
        barrow_columns_new(&check->view.terminal, columns, sizeof columns / sizeof *columns, NULL);

    for (enum barrow_figure f = 0; f < BARROW_FIGURE_COUNT; f++) {
        if (!check->now.has[f])
            continue;
        barrow_columns_put(c, barrow_figures[f].name);
        put_amount(c, f, check->now.value[f]);
        barrow_columns_put(c, barrow_figures[f].words);
    }
    barrow_columns_print(c);
    barrow_columns_free(c);
}

/* "leaked is 5.2 MiB, 4.2 MiB above its budget of 1.0 MiB; lines with most of it" */
static void print_heading(const struct barrow_check *check,
                          const struct barrow_check_verdict *verdict, const char *what)
{
    char value[BARROW_UNITS_ROOM], limit[BARROW_UNITS_ROOM], more[BARROW_UNITS_ROOM];

    amount(value, verdict->figure, verdict->value);
    amount(limit, verdict->figure, verdict->limit);
    amount(more, verdict->figure, verdict->value - verdict->limit);
    char *text =
        barrow_format("%s is %s, %s above %s of %s%s", barrow_figures[verdict->figure].name, value,
                      more, verdict->from_baseline ? "the limit" : "its budget", limit, what);
    fputc('\n', check->view.terminal.out);
    barrow_view_say(&check->view, STYLE_HEAD, "", text);
    free(text);
}

static void print_lines(const struct barrow_check *check, enum barrow_figure figure,
                        const struct barrow_row *rows, size_t count)
{
    static const struct barrow_column by_count[] = {
        {"blocks", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"share", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"bytes", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        BARROW_COLUMN_DOMAIN,
        BARROW_COLUMN_FUNCTION,
        BARROW_COLUMN_LINE,
    };
    const struct barrow_view *view = &check->view;

    if (barrow_figures[figure].is_bytes) {
        barrow_rows_print(view, BARROW_BY_LINE, rows, count, check->now.value[figure]);
        return;
    }
    struct barrow_columns *c =
        barrow_columns_new(&view->terminal, by_count, sizeof by_count / sizeof *by_count, "source");
    for (size_t i = 0; i < count; i++) {
        barrow_put_count(c, rows[i].blocks);
        barrow_put_share(c, rows[i].blocks, check->now.value[figure]);
        barrow_put_bytes(c, rows[i].bytes);
        barrow_put_group(c, view, BARROW_BY_LINE, &rows[i]);
    }
    barrow_columns_print(c);
    barrow_columns_free(c);
}

static void put_grown(struct barrow_columns *c, const struct barrow_check *check,
                      enum barrow_figure figure, const struct barrow_growth *growth,
                      const struct barrow_row *line)
{
    char text[BARROW_UNITS_ROOM];
    char *more = barrow_format("+%s", amount(text, figure, growth->after - growth->before));
    char *place = line ? barrow_place(line->file, line->line) : barrow_copy(growth->module);

    barrow_columns_put_styled(c, more, STYLE_HOT);
    if (growth->before)
        put_amount(c, figure, growth->before);
    else
        barrow_columns_put(c, "-");
    put_amount(c, figure, growth->after);
    barrow_columns_put(c, *growth->name ? growth->name : barrow_no_frame);
    barrow_columns_put(c, place);
    if (line)
        barrow_put_source(c, &check->view, line->file, line->line);
    free(place);
    free(more);
}

static int print_growth(const struct barrow_check *check, enum barrow_figure figure,
                        const struct barrow_row *rows, size_t row_count, struct barrow_error *err)
{
    static const struct barrow_column columns[] = {
        {"more", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"before", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"now", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        BARROW_COLUMN_FUNCTION,
        {"its line with most", ALIGN_LEFT, STYLE_PLAIN, 12, CUT_START},
    };
    struct barrow_growth *growths;
    size_t count;

    if (barrow_baseline_growth(&check->before, &check->now, figure, &growths, &count, err) < 0)
        return -1;
    struct barrow_columns *c = barrow_columns_new(&check->view.terminal, columns,
                                                  sizeof columns / sizeof *columns, "source");
    size_t shown = limit_of(check, count);
    for (size_t i = 0; i < shown; i++)
        put_grown(c, check, figure, &growths[i], line_of(check, &growths[i], rows, row_count));
    if (shown)
        barrow_columns_print(c);
    barrow_columns_free(c);
    free(growths);
    return 0;
}

static int print_offenders(const struct barrow_check *check,
                           const struct barrow_check_verdict *verdict, struct barrow_error *err)
{
    struct barrow_row *rows;
    size_t count;
    int rc = 0;

    if (!barrow_figures[verdict->figure].has_functions) {
        print_heading(check, verdict, "; `barrow timeline` shows when");
        return 0;
    }
    if (find_lines(check, verdict->figure, &rows, &count, err) < 0)
        return -1;
    bool growth = tells_growth(check, verdict);
    print_heading(check, verdict, growth ? "; what grew" : "; lines with most of it");
    if (growth)
        rc = print_growth(check, verdict->figure, rows, count, err);
    else
        print_lines(check, verdict->figure, rows, limit_of(check, count));
    free(rows);
    return rc;
}

int barrow_check_print(const struct barrow_check *check, struct barrow_error *err)
{
    size_t over = 0;

    for (size_t i = 0; i < check->count; i++)
        over += barrow_check_is_over(&check->verdicts[i]);
    if (check->count == 0) {
        barrow_view_headline(&check->view, "figures, nothing to check them against");
        print_plain(check);
        return 0;
    }
    if (over)
        barrow_view_headline(&check->view, "over %zu of %zu limit%s", over, check->count,
                             check->count == 1 ? "" : "s");
    else
        barrow_view_headline(&check->view, "within %zu limit%s", check->count,
                             check->count == 1 ? "" : "s");
    print_figures(check);
    for (size_t i = 0; i < check->count; i++)
        if (barrow_check_is_over(&check->verdicts[i]) &&
            print_offenders(check, &check->verdicts[i], err) < 0)
            return -1;
    return 0;
}
