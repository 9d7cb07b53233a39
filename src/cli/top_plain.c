#include "cli/top_plain.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "cli/memory.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/top_words.h"
#include "table/keys.h"

static const char *const states[] = {
    [TOP_RUNNING] = "running", [TOP_ENDED] = "ended", [TOP_LOST] = "lost"};

/* ---- JSON ---- */

static void put_signed(struct barrow_json *json, const char *key, int64_t value)
{
    barrow_json_key(json, key);
    barrow_json_int(json, value);
}

static void put_totals(struct barrow_json *json, const struct barrow_top *top)
{
    const struct barrow_profile *p = top->profile;
    uint64_t collections = 0;

    for (size_t i = 0; i < LEDGER_GC_GENERATIONS; i++)
        collections += p->gc[i].collections;
    barrow_put_text(json, "command", p->command);
    barrow_put_number(json, "pid", p->pid);
    barrow_put_text(json, "state", states[top->state]);
    barrow_put_seconds(json, "duration_s", p->duration_ns);
    barrow_put_seconds(json, "rates_over_s", top->rates_over_ns);
    barrow_put_number(json, "rss_bytes", barrow_top_rss(p));
    barrow_put_number(json, "max_rss_bytes", p->max_rss_bytes);
    barrow_put_number(json, "live_bytes", p->live_bytes);
    barrow_put_number(json, "live_blocks", p->live_blocks);
    put_signed(json, "growth_bytes", top->growth_bytes);
    barrow_put_number(json, "peak_bytes", p->peak_bytes);
    barrow_put_seconds(json, "peak_time_s", p->peak_ns);
    barrow_put_number(json, "total_bytes", p->total_bytes);
    barrow_put_number(json, "allocations", p->allocations);
    barrow_put_number(json, "bytes_per_s", top->bytes_per_s);
    barrow_put_number(json, "allocations_per_s", top->allocations_per_s);
    barrow_put_number(json, "gc_collections", collections);
}

static void write_json(struct barrow_top *top, const struct barrow_view *view,
                       const struct barrow_top_wishes *wishes, const struct barrow_top_row *rows,
                       size_t count)
{
    struct barrow_json json;

    barrow_json_init(&json, stdout, 0);
    barrow_json_begin_object(&json);
    put_totals(&json, top);
    barrow_put_text(&json, "by", barrow_top_group_names[wishes->by]);
    barrow_json_key(&json, "rows");
    barrow_json_begin_array(&json);
    for (size_t i = 0; i < barrow_view_limit(view, count); i++) {
        static const enum barrow_grouping groupings[TOP_GROUP_COUNT] = {
#define X(name, text) BARROW_BY_##name,
            TOP_GROUPS(X)
#undef X
        };
        barrow_json_begin_object(&json);
        barrow_row_json(&json, top->profile, groupings[wishes->by], rows[i].row);
        barrow_put_number(&json, "bytes", rows[i].live_bytes);
        barrow_put_number(&json, "blocks", rows[i].live_blocks);
        put_signed(&json, "growth_bytes", rows[i].growth_bytes);
        barrow_put_number(&json, "bytes_per_s", rows[i].bytes_per_s);
        barrow_put_number(&json, "allocations_per_s", rows[i].allocations_per_s);
        barrow_json_end_object(&json);
    }
    barrow_json_end_array(&json);
    barrow_json_end_object(&json);
}

/* ---- text ---- */

static void print_line(const struct barrow_view *view, enum barrow_style style, char *text)
{
    const struct barrow_terminal *t = &view->terminal;
    char *line = barrow_fit(t, barrow_printable(t, text), (size_t)t->width, CUT_END);

    fprintf(t->out, "%s%s%s\n", barrow_style(t, style), line, barrow_style(t, STYLE_PLAIN));
    free(line);
    free(text);
}

static void print_head(const struct barrow_view *view, const struct barrow_top *top)
{
    const struct barrow_terminal *t = &view->terminal;
    char *command = barrow_top_command(top), *life = barrow_top_life(top, t);

    print_line(view, STYLE_HEAD,
               barrow_format("%s%s%s", life, barrow_pick(t, " \u00b7 ", " - "), command));
    print_line(view, STYLE_PLAIN, barrow_top_memory(top, t));
    print_line(view, STYLE_PLAIN, barrow_top_activity(top, t));
    free(command);
    free(life);
}

static void print_rows(const struct barrow_view *view, const struct barrow_top_wishes *wishes,
                       const struct barrow_top_row *rows, size_t count)
{
    bool places = wishes->by == TOP_BY_LINE || wishes->by == TOP_BY_FUNCTION;
    const struct barrow_column columns[] = {
        {"live", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"growth", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"rate", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"allocs/s", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {places ? "function" : barrow_top_group_names[wishes->by], ALIGN_LEFT, STYLE_NAME, 10,
         CUT_MIDDLE},
        {wishes->by == TOP_BY_LINE ? "line" : "file", ALIGN_LEFT, STYLE_PLAIN, 12, CUT_START}};
    struct barrow_columns *c = barrow_columns_new(&view->terminal, columns, places ? 6 : 5, NULL);
    char text[TOP_CELL_ROOM];

    for (size_t i = 0; i < barrow_view_limit(view, count); i++) {
        char *name = barrow_top_row_name(&rows[i], wishes->by);
        char *place = barrow_top_row_place(&rows[i], wishes->by);
        barrow_put_bytes(c, rows[i].live_bytes);
        barrow_columns_put(c, barrow_top_growth(text, rows[i].growth_bytes));
        barrow_columns_put(c, barrow_top_rate(text, rows[i].bytes_per_s));
        barrow_columns_put(c, barrow_top_count(text, rows[i].allocations_per_s));
        barrow_columns_put(c, name);
        if (places)
            barrow_columns_put(c, place);
        free(name);
        free(place);
    }
    barrow_columns_print(c);
    barrow_columns_free(c);
}

static void show(struct barrow_top *top, struct barrow_view *view,
                 const struct barrow_top_wishes *wishes, bool first)
{
    size_t count;
    struct barrow_top_row *rows = barrow_top_rows(top, wishes->by, wishes->sort, NULL, &count);

    if (wishes->view.json) {
        write_json(top, view, wishes, rows, count);
    } else {
        if (!first)
            fputc('\n', view->terminal.out);
        print_head(view, top);
        print_rows(view, wishes, rows, count);
        barrow_view_more(view, count, "rows");
    }
    free(rows);
}

static void wait_ns(uint64_t ns)
{
    struct timespec time = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

    nanosleep(&time, NULL);
}

int barrow_top_plain(struct barrow_top *top, const struct barrow_top_wishes *wishes,
                     struct barrow_error *err)
{
    struct barrow_view view = {.options = &wishes->view};

    signal(SIGPIPE, SIG_IGN); /* see barrow_output_end() */
    barrow_terminal_init(&view.terminal, stdout, (enum barrow_color)wishes->view.color);
    for (bool first = true;; first = false) {
        if ((!first || !top->profile) && barrow_top_load(top, err) < 0)
            return -1;
        show(top, &view, wishes, first);
        if (fflush(stdout) != 0 || wishes->once || top->state != TOP_RUNNING)
            return barrow_output_end(stdout, "standard output", err);
        wait_ns(barrow_top_interval_ns(top, wishes->interval_ns));
    }
}
