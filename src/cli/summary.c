/* barrow summary: the recording on one page. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/command.h"
#include "cli/memory.h"
#include "cli/rows.h"
#include "cli/view.h"
#include "table/summary.h"

enum { TOP_LINES = 5 };

struct summary_options {
    struct barrow_view_options view;
};

/* ---- text ---- */

static void fact(const struct barrow_view *view, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void fact(const struct barrow_view *view, const char *name, const char *format, ...)
{
    const struct barrow_terminal *t = &view->terminal;
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    char *line = barrow_printable(t, text);
    line = barrow_fit(t, line, (size_t)t->width - 15, CUT_END);
    fprintf(t->out, "  %s%-11s%s  %s\n", barrow_style(t, STYLE_DIM), name,
            barrow_style(t, STYLE_PLAIN), line);
    free(line);
    free(text);
}

static void print_recording(const struct barrow_view *view)
{
    const struct barrow_profile *p = view->profile;
    char *duration = barrow_duration(&view->terminal, p->duration_ns);

    fact(view, "command", "%s", p->command);
    fact(view, "python", "%s", p->python);
    fact(view, "pid", "%u", p->pid);
    fact(view, "recorded", "%s; mode %s, scope %s", duration, barrow_mode_name(p->mode),
         barrow_scope_name(p->scope));
    if (p->complete) { /* else the second line tells */
        char *end = barrow_view_ending(view);
        fact(view, "ended", "%s", end);
        free(end);
    }
    free(duration);
}

static void print_memory(const struct barrow_view *view)
{
    const struct barrow_profile *p = view->profile;
    char a[BARROW_UNITS_ROOM], b[BARROW_UNITS_ROOM], sites[BARROW_UNITS_ROOM];
    char *when = barrow_duration(&view->terminal, p->peak_ns);

    fact(view, "peak", "%s after %s", barrow_units_bytes(a, p->peak_bytes), when);
    free(when);
    fact(view, p->complete ? "live at end" : "still live", "%s in %s blocks",
         barrow_units_bytes(a, p->live_bytes), barrow_units_count(b, p->live_blocks));
    fact(view, "allocated", "%s in %s allocations", barrow_units_bytes(a, p->total_bytes),
         barrow_units_count(b, p->allocations));
    char *share = barrow_share(p->temporary_allocations, p->allocations);
    fact(view, "temporary", "%s allocations (%s of them all)",
         barrow_units_count(b, p->temporary_allocations), share);
    free(share);
    fact(view, "freed", "%s%s%s%s", barrow_units_count(a, p->frees),
         p->unknown_frees ? ", and " : "",
         p->unknown_frees ? barrow_units_count(b, p->unknown_frees) : "",
         p->unknown_frees ? " blocks older than the recording" : "");
    if (p->max_rss_bytes)
        fact(view, "max RSS", "%s", barrow_units_bytes(a, p->max_rss_bytes));
    fact(view, "seen", "%s stacks, %s sites, %llu thread%s", barrow_units_count(a, p->stack_count),
         barrow_units_count(sites, p->site_count), (unsigned long long)p->threads,
         p->threads == 1 ? "" : "s");
}

/* Of `barrow run --check-stacks`. */
static void print_checks(const struct barrow_view *view)
{
    const struct barrow_profile *p = view->profile;
    char all[BARROW_UNITS_ROOM], wrong[BARROW_UNITS_ROOM];

    if (p->checked_captures)
        fact(view, "checked", "%s captured stacks, of which %s differed",
             barrow_units_count(all, p->checked_captures),
             barrow_units_count(wrong, p->capture_mismatches));
}

static void print_processes(const struct barrow_view *view)
{
    static const struct barrow_column columns[] = {
        {"pid", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"peak", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"live", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"inherited", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"started", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"ran", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"command", ALIGN_LEFT, STYLE_PLAIN, 12, CUT_END},
    };
    const struct barrow_profile *p = view->profile;
    const struct barrow_terminal *t = &view->terminal;
    char text[BARROW_UNITS_ROOM];
    size_t shown = p->process_count < TEXT_ROWS ? p->process_count : TEXT_ROWS;

    if (p->process_count < 2)
        return;
    fprintf(t->out,
            "\n%s%s processes%s (what a child inherited from its parent is left out of all "
            "else)\n",
            barrow_style(t, STYLE_HEAD), barrow_units_count(text, p->process_count),
            barrow_style(t, STYLE_PLAIN));
    struct barrow_columns *c =
        barrow_columns_new(t, columns, sizeof columns / sizeof *columns, NULL);
    for (size_t i = 0; i < shown; i++) {
        const struct barrow_process *process = &p->processes[i];
        char *started = barrow_duration(t, process->start_ns);
        char *ran = barrow_duration(t, process->duration_ns);
        char *pid = barrow_format("%u", process->pid);
        barrow_columns_put(c, pid);
        barrow_put_bytes(c, process->peak_bytes);
        barrow_put_bytes(c, process->live_bytes);
        barrow_put_bytes(c, process->inherited_bytes);
        barrow_columns_put(c, started);
        barrow_columns_put(c, ran);
        barrow_columns_put(c, process->command ? process->command : "");
        if (!process->complete)
            barrow_columns_below(c, barrow_end_words(process->end));
        free(pid);
        free(ran);
        free(started);
    }
    barrow_columns_print(c);
    barrow_columns_free(c);
    if (shown < p->process_count)
        fprintf(t->out, " %zu more; --json has them all\n", p->process_count - shown);
}

static int print_top_lines(const struct barrow_view *view, struct barrow_error *err)
{
    const struct barrow_terminal *t = &view->terminal;
    struct barrow_query query = {
        .metric = BARROW_METRIC_PEAK, .by = BARROW_BY_LINE, .limit = TOP_LINES};
    struct barrow_value whole;
    struct barrow_row *rows;
    size_t count;

    if (barrow_metric_sum(view->profile, BARROW_METRIC_PEAK, NULL, &whole, err) < 0 ||
        barrow_profile_rows(view->profile, &query, &rows, &count, err) < 0)
        return -1;
    if (count) {
        fprintf(t->out, "\n%slines that owned the most at the peak%s\n",
                barrow_style(t, STYLE_HEAD), barrow_style(t, STYLE_PLAIN));
        barrow_rows_print(view, BARROW_BY_LINE, rows, count < TOP_LINES ? count : TOP_LINES,
                          whole.bytes);
    }
    free(rows);
    return 0;
}

static int summary_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct summary_options *o = values;
    struct barrow_view view;

    if (barrow_view_open(&view, &o->view, count, operands, err) < 0)
        return -1;
    view.shows_peak = true;
    if (o->view.json) {
        barrow_summary_json(&view.json, view.profile);
        barrow_view_close(&view);
        return 0;
    }
    barrow_view_headline(&view, "summary%s",
                         view.profile->process_count > 1 ? " of all processes" : "");
    print_recording(&view);
    fputc('\n', view.terminal.out);
    print_memory(&view);
    print_checks(&view);
    if (print_top_lines(&view, err) < 0) {
        barrow_view_drop(&view);
        return -1;
    }
    print_processes(&view);
    barrow_view_close(&view);
    return 0;
}

static const struct barrow_option options[] = {VIEW_OPTION_JSON(struct summary_options),
                                               VIEW_OPTION_COLOR(struct summary_options),
                                               OPTIONS_END};

static const struct summary_options defaults = {.view = VIEW_DEFAULTS};

const struct barrow_command barrow_command_summary = {
    .usage = "[OPTIONS] FILE...",
    .about = "Shows what was recorded, how it ended, how much memory was in use at the\n"
             "peak and at the end, and the lines that owned the most. FILE may be a\n"
             "recording that is still being written, or that of a killed process. Several\n"
             "FILEs, or a directory, are shown as one: the processes of one run.",
    .examples = "barrow summary app.1234.barrow\n"
                "barrow summary app.1234.barrow app.1235.barrow\n"
                "barrow summary --json recordings/",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = summary_main,
};
