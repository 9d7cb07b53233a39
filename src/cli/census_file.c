/* barrow census FILE: classes over time, growing ones first. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/census.h"
#include "cli/memory.h"
#include "table/census.h"
#include "table/keys.h"

enum { TREND_COLUMNS = 12, WIDE = 100 };

/* ---- JSON ---- */

/* A slope to three decimals: more is noise. */
static double rounded(double per_hour)
{
    return round(per_hour * 1000) / 1000;
}

static void write_row(struct barrow_json *json, const struct barrow_census_row *row)
{
    barrow_json_begin_object(json);
    barrow_put_text(json, "class", row->name);
    barrow_put_number(json, "first_objects", row->objects.first);
    barrow_put_number(json, "last_objects", row->objects.last);
    barrow_put_number(json, "max_objects", row->objects.max);
    barrow_json_key(json, "objects_per_hour");
    barrow_json_double(json, rounded(row->objects.per_hour));
    barrow_put_number(json, "first_bytes", row->bytes.first);
    barrow_put_number(json, "last_bytes", row->bytes.last);
    barrow_put_number(json, "max_bytes", row->bytes.max);
    barrow_json_key(json, "bytes_per_hour");
    barrow_json_double(json, rounded(row->bytes.per_hour));
    barrow_json_end_object(json);
}

static void write_json(struct barrow_view *view, const struct barrow_census_table *table)
{
    struct barrow_json *json = &view->json;
    size_t limit = barrow_view_limit(view, table->row_count);

    barrow_put_text(json, "scope", table->is_all ? "all" : "tracked");
    barrow_put_number(json, "censuses", table->point_count);
    barrow_put_number(json, "processes", table->processes);
    barrow_json_key(json, "first_s");
    barrow_json_seconds(json, table->points[0]);
    barrow_json_key(json, "last_s");
    barrow_json_seconds(json, table->points[table->point_count - 1]);
    barrow_json_key(json, "longest_pause_s");
    barrow_json_seconds(json, table->longest_pause_ns);
    barrow_put_number(json, "objects", table->objects);
    barrow_put_number(json, "bytes", table->bytes);
    barrow_json_key(json, "rows");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < limit; i++)
        write_row(json, &table->rows[i]);
    barrow_json_end_array(json);
}

/* ---- text ---- */

/* "+1.2 MiB", "-12", "0". */
static void put_slope(struct barrow_columns *c, double per_hour, bool is_bytes)
{
    char amount[BARROW_UNITS_ROOM], text[BARROW_UNITS_ROOM + 1];
    double size = fabs(per_hour) + 0.5;
    uint64_t whole = size < 1e18 ? (uint64_t)size : (uint64_t)1e18;

    if (is_bytes)
        barrow_units_bytes(amount, whole);
    else
        barrow_units_count(amount, whole);
    snprintf(text, sizeof text, "%s%s", !whole ? "" : per_hour > 0 ? "+" : "-", amount);
    barrow_columns_put_styled(c, whole ? text : "0",
                              !whole         ? STYLE_DIM
                              : per_hour > 0 ? STYLE_WARM
                                             : STYLE_GOOD);
}

/* A line of bars, from zero to the class's own highest. */
static void put_trend(struct barrow_columns *c, const struct barrow_view *view,
                      const struct barrow_census_table *table, const struct barrow_census_row *row)
{
    static const char *const bars[] = {"\u2581", "\u2582", "\u2583", "\u2584",
                                       "\u2585", "\u2586", "\u2587", "\u2588"};
    static const char *const ascii[] = {"_", ".", "-", "~", "=", "+", "*", "#"};
    uint64_t bytes[TREND_COLUMNS], highest = 1;
    char text[TREND_COLUMNS * 4 + 1] = "";

    barrow_census_trend(table, row, bytes, TREND_COLUMNS);
    for (size_t i = 0; i < TREND_COLUMNS; i++)
        if (bytes[i] > highest)
            highest = bytes[i];
    for (size_t i = 0; i < TREND_COLUMNS; i++) {
        size_t level = (size_t)((double)bytes[i] / (double)highest * 7.999);
        strcat(text, bytes[i] ? barrow_pick(&view->terminal, bars[level], ascii[level]) : " ");
    }
    barrow_columns_put(c, text);
}

static void print_rows(const struct barrow_view *view, const struct barrow_census_table *table)
{
    static const struct barrow_column all[] = {
        {"objects/h", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END}, /* on wide terminals */
        {"bytes/h", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"first", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"last", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"max", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"objects", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"trend", ALIGN_LEFT, STYLE_HEAP, 0, CUT_END},
        {"class", ALIGN_LEFT, STYLE_NAME, 12, CUT_START},
    };
    bool is_wide = view->terminal.width >= WIDE;
    struct barrow_columns *c =
        barrow_columns_new(&view->terminal, is_wide ? all : all + 1, is_wide ? 8 : 7, NULL);

    for (size_t i = 0; i < barrow_view_limit(view, table->row_count); i++) {
        const struct barrow_census_row *row = &table->rows[i];
        if (is_wide)
            put_slope(c, row->objects.per_hour, false);
        put_slope(c, row->bytes.per_hour, true);
        barrow_put_bytes(c, row->bytes.first);
        barrow_put_bytes(c, row->bytes.last);
        barrow_put_bytes(c, row->bytes.max);
        barrow_put_count(c, row->objects.last);
        put_trend(c, view, table, row);
        barrow_columns_put(c, row->name);
    }
    barrow_columns_print(c);
    barrow_columns_free(c);
}

static void print_text(struct barrow_view *view, const struct barrow_census_table *table)
{
    uint64_t span = table->points[table->point_count - 1] - table->points[0];
    char number[BARROW_UNITS_ROOM], objects[BARROW_UNITS_ROOM], bytes[BARROW_UNITS_ROOM];
    char *duration = barrow_duration(&view->terminal, span);
    char *pause = barrow_duration(&view->terminal, table->longest_pause_ns);
    char *processes = table->processes > 1 ? barrow_format(" of %zu processes", table->processes)
                                           : barrow_copy("");

    if (table->point_count > 1)
        barrow_view_headline(view, "classes over time: %s censuses%s in %s",
                             barrow_units_count(number, table->point_count), processes, duration);
    else
        barrow_view_headline(view, "classes: one census, so nothing is known of growth");
    char *words = barrow_format("%s: %s in %s objects at the last census; the longest pause "
                                "for one was %s",
                                table->is_all ? "every object" : "what the collector tracks",
                                barrow_units_bytes(bytes, table->bytes),
                                barrow_units_count(objects, table->objects), pause);
    barrow_view_say(view, STYLE_DIM, "", words);
    if (table->row_count)
        print_rows(view, table);
    barrow_view_more(view, table->row_count, "classes");
    free(words);
    free(processes);
    free(pause);
    free(duration);
}

int barrow_census_files(const struct census_options *options, int count, char **paths,
                        struct barrow_error *err)
{
    struct barrow_view view;
    struct barrow_census_table table;

    if (barrow_view_open(&view, &options->view, count, paths, err) < 0)
        return -1;
    if (barrow_census_load(&table, (const char *const *)paths, (size_t)count, err) < 0) {
        barrow_view_drop(&view);
        return -1;
    }
    if (options->view.json)
        write_json(&view, &table);
    else
        print_text(&view, &table);
    barrow_census_table_free(&table);
    barrow_view_close(&view);
    return 0;
}
