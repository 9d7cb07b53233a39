/* barrow diff: what changed between two recordings. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/command.h"
#include "cli/diff_heap.h"
#include "cli/memory.h"
#include "cli/progress.h"
#include "cli/rows.h"
#include "cli/view.h"
#include "table/diff.h"
#include "table/keys.h"

struct diff_options {
    struct barrow_view_options view;
    int metric, by;
    const char *filter;
    bool heap;
};

struct comparison {
    const struct diff_options *options;
    const char *names[2]; /* before, after: as on the command line */
    struct barrow_view before, after;
    struct barrow_value whole[2];
    struct barrow_diff_row *rows;
    size_t count;
};

/* ---- JSON ---- */

static void put_change(struct barrow_json *json, const char *key, uint64_t before, uint64_t after)
{
    barrow_json_key(json, key);
    barrow_json_int(json, (int64_t)(after - before));
}

static void put_side(struct barrow_json *json, const char *key, const struct barrow_view *view,
                     struct barrow_value whole)
{
    barrow_json_key(json, key);
    barrow_json_begin_object(json);
    barrow_put_number(json, "bytes", whole.bytes);
    barrow_put_number(json, "blocks", whole.blocks);
    barrow_put_text(json, "command", view->profile->command);
    barrow_put_flag(json, "complete", view->profile->complete);
    barrow_json_end_object(json);
}

static void put_row(struct barrow_json *json, const struct comparison *c,
                    const struct barrow_diff_row *row)
{
    barrow_json_begin_object(json);
    barrow_row_json(json, barrow_diff_profile(row, c->before.profile, c->after.profile),
                    (enum barrow_grouping)c->options->by, &row->row);
    barrow_put_text(json, "status", barrow_diff_status_name(row->status));
    barrow_put_number(json, "before_bytes", row->before.bytes);
    barrow_put_number(json, "after_bytes", row->after.bytes);
    barrow_put_number(json, "before_blocks", row->before.blocks);
    barrow_put_number(json, "after_blocks", row->after.blocks);
    put_change(json, "bytes", row->before.bytes, row->after.bytes);
    put_change(json, "blocks", row->before.blocks, row->after.blocks);
    if (row->old_line)
        barrow_put_number(json, "moved_from", row->old_line);
    if (row->old_file)
        barrow_put_text(json, "moved_from_file", row->old_file);
    barrow_json_end_object(json);
}

static void write_json(struct comparison *c)
{
    struct barrow_json *json = &c->after.json;
    size_t limit = barrow_view_limit(&c->after, c->count);

    barrow_put_text(json, "metric", barrow_metric_names[c->options->metric]);
    barrow_put_text(json, "by", barrow_grouping_names[c->options->by]);
    put_side(json, "before", &c->before, c->whole[0]);
    put_side(json, "after", &c->after, c->whole[1]);
    barrow_json_key(json, "rows");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < limit; i++)
        put_row(json, c, &c->rows[i]);
    barrow_json_end_array(json);
}

/* ---- text ---- */

/* "+1.2 MiB", "-312 B", "0 B"; to be freed. */
static char *signed_amount(char *(*units)(char *, uint64_t), uint64_t before, uint64_t after)
{
    char text[BARROW_UNITS_ROOM];
    const char *sign = after > before ? "+" : after < before ? "-" : "";

    return barrow_format("%s%s", sign,
                         units(text, after > before ? after - before : before - after));
}

/* The two paths, or their last parts where those tell them apart; to be freed. */
static char *both_names(const struct comparison *c)
{
    const char *arrow = barrow_pick(&c->after.terminal, "\u2192", "->");
    const char *short_names[2];

    for (int i = 0; i < 2; i++) {
        const char *slash = strrchr(c->names[i], '/');
        short_names[i] = slash && slash[1] ? slash + 1 : c->names[i];
    }
    const char *const *names = strcmp(short_names[0], short_names[1]) ? short_names : c->names;
    return barrow_format("%s %s %s", names[0], arrow, names[1]);
}

static void print_headline(const struct comparison *c)
{
    static const char *const words[BARROW_METRIC_COUNT] = {
        [BARROW_METRIC_PEAK] = "live at the peak",
        [BARROW_METRIC_LEAKED] = "never freed",
        [BARROW_METRIC_TOTAL] = "allocated",
        [BARROW_METRIC_TEMPORARY] = "freed again at once",
    };
    const struct barrow_terminal *t = &c->after.terminal;
    uint64_t before = c->whole[0].bytes, after = c->whole[1].bytes;
    const char *filter = c->options->filter;
    char old[BARROW_UNITS_ROOM], new[BARROW_UNITS_ROOM];
    char *names = both_names(c), *change = signed_amount(barrow_units_bytes, before, after);
    char *share = barrow_share(after > before ? after - before : before - after, before);
    bool show_share = before && after != before;
    char *text = barrow_format("%s, %s%s%s: %s %s %s, %s%s%s%s%s", names, words[c->options->metric],
                               filter ? ", only " : "", filter ? filter : "",
                               barrow_units_bytes(old, before), barrow_pick(t, "\u2192", "->"),
                               barrow_units_bytes(new, after), change, show_share ? " (" : "",
                               show_share ? (after > before ? "+" : "-") : "",
                               show_share ? share : "", show_share ? ")" : "");
    char *line = barrow_printable(t, text);

    fprintf(t->out, "%s%s%s\n", barrow_style(t, STYLE_HEAD), line, barrow_style(t, STYLE_PLAIN));
    free(line);
    free(text);
    free(share);
    free(change);
    free(names);
}

/* What makes a comparison doubtful, in lines below the first. */
static void print_doubts(const struct comparison *c)
{
    const struct barrow_terminal *t = &c->after.terminal;
    const struct barrow_view *views[] = {&c->before, &c->after};

    for (int i = 0; i < 2; i++) {
        if (views[i]->profile->complete)
            continue;
        char *end = barrow_view_ending(views[i]);
        char *name = barrow_printable(t, c->names[i]);
        fprintf(t->out, "%s%s: %s%s\n", barrow_style(t, STYLE_WARN), name, end,
                barrow_style(t, STYLE_PLAIN));
        free(name);
        free(end);
    }
    if (strcmp(c->before.profile->command, c->after.profile->command) != 0) {
        char *text =
            barrow_format("%s, then %s", c->before.profile->command, c->after.profile->command);
        barrow_view_say(&c->after, STYLE_WARN, "the commands differ: ", text);
        free(text);
    }
}

static void put_numbers(struct barrow_columns *columns, const struct barrow_diff_row *row)
{
    bool more = row->after.bytes > row->before.bytes;
    bool equal = row->after.bytes == row->before.bytes;
    char *bytes = signed_amount(barrow_units_bytes, row->before.bytes, row->after.bytes);
    char *blocks = signed_amount(barrow_units_count, row->before.blocks, row->after.blocks);

    barrow_columns_put_styled(columns, bytes, equal ? STYLE_PLAIN : more ? STYLE_HOT : STYLE_GOOD);
    barrow_put_bytes(columns, row->before.bytes);
    barrow_put_bytes(columns, row->after.bytes);
    barrow_columns_put(columns, blocks);
    barrow_columns_put(columns, barrow_diff_status_name(row->status));
    free(bytes);
    free(blocks);
}

/* Where the row was before, as far as a reader sees a difference: "12", "old/app.py:12",
 * "old/app.py", ""; to be freed. */
static char *old_place(const struct barrow_diff_row *row)
{
    const char *now = *row->row.file ? row->row.file : row->row.name;
    bool moved =
        row->old_file && strcmp(barrow_short_path(row->old_file), barrow_short_path(now)) != 0;

    if (moved)
        return barrow_place(row->old_file, row->old_line ? row->old_line : row->row.line);
    return row->old_line ? barrow_format("%" PRIu32, row->old_line) : barrow_copy("");
}

static void print_rows(const struct comparison *c)
{
    static const struct barrow_column numbers[] = {{"change", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
                                                   {"before", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
                                                   {"after", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
                                                   {"blocks", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
                                                   {"status", ALIGN_LEFT, STYLE_PLAIN, 0, CUT_END}};
    static const struct barrow_column was = {"was", ALIGN_LEFT, STYLE_DIM, 8, CUT_START};
    enum { NUMBERS = sizeof numbers / sizeof *numbers };
    enum barrow_grouping by = (enum barrow_grouping)c->options->by;
    struct barrow_column columns[NUMBERS + BARROW_GROUP_COLUMNS + 1];
    size_t count = NUMBERS, shown = barrow_view_limit(&c->after, c->count);
    bool any_moved = false;

    memcpy(columns, numbers, sizeof numbers);
    count += barrow_group_columns(by, columns + count);
    for (size_t i = 0; i < shown; i++) {
        char *place = old_place(&c->rows[i]);
        any_moved = any_moved || *place;
        free(place);
    }
    if (any_moved)
        columns[count++] = was;
    struct barrow_columns *lines = barrow_columns_new(&c->after.terminal, columns, count,
                                                      by == BARROW_BY_LINE ? "source" : NULL);
    for (size_t i = 0; i < shown; i++) {
        const struct barrow_diff_row *row = &c->rows[i];
        put_numbers(lines, row);
        barrow_put_group(lines, row->status == BARROW_DIFF_GONE ? &c->before : &c->after, by,
                         &row->row);
        if (any_moved) {
            char *place = old_place(row);
            barrow_columns_put(lines, place);
            free(place);
        }
    }
    if (shown)
        barrow_columns_print(lines);
    barrow_columns_free(lines);
}

static void print_text(const struct comparison *c)
{
    print_headline(c);
    print_doubts(c);
    print_rows(c);
    if (c->count == 0)
        fprintf(c->after.terminal.out, " nothing changed\n");
    barrow_view_more(&c->after, c->count, "rows");
}

/* ---- both recordings ---- */

static int open_views(struct comparison *c, char **operands, struct barrow_error *err)
{
    char *subject = barrow_format("reading %s", operands[0]);

    c->before = (struct barrow_view){.options = &c->options->view};
    barrow_terminal_init(&c->before.terminal, stdout, (enum barrow_color)c->options->view.color);
    char *what = barrow_printable(&c->before.terminal, subject);
    barrow_progress_start(what);
    int rc = barrow_profile_load(&c->before.profile, (const char *const *)operands, 1, err);
    barrow_progress_stop();
    free(what);
    free(subject);
    /* This one decides how the output looks. */
    if (rc == 0)
        rc = barrow_view_open(&c->after, &c->options->view, 1, operands + 1, err);
    c->before.terminal = c->after.terminal;
    c->before.shows_peak = c->after.shows_peak = c->options->metric == BARROW_METRIC_PEAK;
    return rc;
}

static int compare(struct comparison *c, struct barrow_error *err)
{
    struct barrow_query query = {.metric = (enum barrow_metric)c->options->metric,
                                 .by = (enum barrow_grouping)c->options->by,
                                 .filter = c->options->filter};

    if (barrow_metric_sum(c->before.profile, query.metric, query.filter, &c->whole[0], err) < 0 ||
        barrow_metric_sum(c->after.profile, query.metric, query.filter, &c->whole[1], err) < 0)
        return -1;
    return barrow_diff_rows(c->before.profile, c->after.profile, &query, &c->rows, &c->count, err);
}

static int diff_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    struct comparison c = {.options = values};

    if (c.options->heap)
        return barrow_diff_heaps(&c.options->view, count, operands, err);
    if (count != 2)
        return barrow_fail(err, BARROW_E_USAGE,
                           "diff compares two recordings: barrow diff BEFORE AFTER");
    c.names[0] = operands[0];
    c.names[1] = operands[1];
    int rc = open_views(&c, operands, err);
    if (rc == 0)
        rc = compare(&c, err);
    if (rc == 0) {
        if (c.options->view.json) {
            write_json(&c);
            barrow_view_drop(&c.before);
        } else {
            print_text(&c);
            barrow_view_close(&c.before);
        }
        barrow_view_close(&c.after);
    }
    free(c.rows);
    barrow_view_drop(&c.before);
    barrow_view_drop(&c.after);
    return rc;
}

static const struct barrow_option options[] = {
    VIEW_OPTION_METRIC(struct diff_options),
    {"by", 'b', OPTION_CHOICE, "GROUPING", offsetof(struct diff_options, by), barrow_grouping_names,
     NULL, "what a row is (line by default)"},
    {"heap", 0, OPTION_FLAG, NULL, offsetof(struct diff_options, heap), NULL, NULL,
     "compare heap snapshots, class by class: all of one FILE, or the last of each of two"},
    VIEW_OPTION_FILTER(struct diff_options),
    VIEW_OPTION_LIMIT(struct diff_options),
    VIEW_OPTION_JSON(struct diff_options),
    VIEW_OPTION_COLOR(struct diff_options),
    OPTIONS_END};

static const struct diff_options defaults = {
    .view = VIEW_DEFAULTS, .metric = BARROW_METRIC_PEAK, .by = BARROW_BY_LINE};

const struct barrow_command barrow_command_diff = {
    .usage = "[OPTIONS] BEFORE AFTER\n"
             "--heap [OPTIONS] FILE [AFTER]",
    .about = "Shows what changed from one recording to another: what is new, gone, grown and\n"
             "shrunk, the largest change first. Each is a ledger, or a directory of one run's\n"
             "ledgers. What did not change is not shown.\n"
             "The peak is compared by default, as it decides how much memory a program needs;\n"
             "--metric leaked shows what a run leaves behind, --metric total what it allocates.\n"
             "Code may have changed in between. Lines are matched within functions of the same\n"
             "file and name, by their place in the function: what only moved is not a change.\n"
             "Files that moved are matched by module. The column `was` shows the line, or the\n"
             "file, of the first recording where it was another.\n"
             "--heap compares heap snapshots. Within one process objects are matched: `new` were\n"
             "not there before, `gone` are no longer, `grown` is what survivors gained; `per\n"
             "hour` is the trend over all snapshots of the file.",
    .examples = "barrow diff before.barrow after.barrow\n"
                "barrow diff --metric leaked --by function monday/ friday/\n"
                "barrow diff --by stack --json before.barrow after.barrow\n"
                "barrow diff --heap app.1234.barrow  # all its snapshots",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = diff_main,
};
