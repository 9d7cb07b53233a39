/* barrow timeline: memory and garbage collections over time. */
#include <stdlib.h>

#include "base/units.h"
#include "cli/command.h"
#include "cli/memory.h"
#include "cli/plot.h"
#include "cli/view.h"
#include "table/series_json.h"

struct timeline_options {
    struct barrow_view_options view;
};

struct gc_sum {
    uint64_t collections, pause_ns, longest_ns;
};

static struct gc_sum sum_of_gc(const struct barrow_profile *p)
{
    struct gc_sum sum = {0, 0, 0};

    for (size_t i = 0; i < LEDGER_GC_GENERATIONS; i++) {
        sum.collections += p->gc[i].collections;
        sum.pause_ns += p->gc[i].pause_ns;
        if (p->gc[i].longest_ns > sum.longest_ns)
            sum.longest_ns = p->gc[i].longest_ns;
    }
    return sum;
}

static void print_resolution(const struct barrow_view *view, size_t columns)
{
    const struct barrow_terminal *t = &view->terminal;
    const struct barrow_profile *p = view->profile;
    char *ran = barrow_duration(t, p->duration_ns);
    char *interval = barrow_duration(t, p->sample_interval_ns);
    char *column = barrow_duration(t, p->duration_ns / columns);

    fprintf(t->out, "%s%s in all; a sample every %s, a column is %s%s\n",
            barrow_style(t, STYLE_DIM), ran, interval, column, barrow_style(t, STYLE_PLAIN));
    free(column);
    free(interval);
    free(ran);
}

static void print_gc(const struct barrow_view *view)
{
    const struct barrow_terminal *t = &view->terminal;
    const struct barrow_profile *p = view->profile;
    struct gc_sum gc = sum_of_gc(p);
    char count[BARROW_UNITS_ROOM];
    char *all = barrow_duration(t, gc.pause_ns), *longest = barrow_duration(t, gc.longest_ns);
    char *share = barrow_share(gc.pause_ns, p->duration_ns);

    if (gc.collections)
        fprintf(t->out, "gc: %s collection%s, %s in all (%s of the run), the longest %s\n",
                barrow_units_count(count, gc.collections), gc.collections == 1 ? "" : "s", all,
                share, longest);
    else
        fprintf(t->out, "gc: no collections\n");
    free(share);
    free(longest);
    free(all);
}

static int print_text(struct barrow_view *view, struct barrow_error *err)
{
    const struct barrow_profile *p = view->profile;
    size_t count = barrow_plot_columns(&view->terminal);
    char peak[BARROW_UNITS_ROOM], *when = barrow_duration(&view->terminal, p->peak_ns);
    struct barrow_interval *intervals = barrow_allocate(count * sizeof *intervals);
    int rc = barrow_series_build(p, intervals, count, err);

    if (rc == 0) {
        barrow_view_headline(view, "memory over time: peak %s after %s",
                             barrow_units_bytes(peak, p->peak_bytes), when);
        print_resolution(view, count);
        if (p->sample_count)
            barrow_plot_print(view, intervals, count);
        else
            fprintf(view->terminal.out, "no samples: the recording ended before the first one\n");
        print_gc(view);
    }
    free(intervals);
    free(when);
    return rc;
}

static int timeline_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct timeline_options *o = values;
    struct barrow_view view;

    if (barrow_view_open(&view, &o->view, count, operands, err) < 0)
        return -1;
    view.shows_peak = true;
    if (o->view.json) {
        barrow_series_json(&view.json, view.profile, barrow_view_limit(&view, SIZE_MAX));
    } else if (print_text(&view, err) < 0) {
        barrow_view_drop(&view);
        return -1;
    }
    barrow_view_close(&view);
    return 0;
}

static const struct barrow_option options[] = {VIEW_OPTION_JSON(struct timeline_options),
                                               VIEW_OPTION_COLOR(struct timeline_options),
                                               OPTIONS_END};

static const struct timeline_options defaults = {.view = VIEW_DEFAULTS};

const struct barrow_command barrow_command_timeline = {
    .usage = "[OPTIONS] FILE...",
    .about = "Plots the heap (bytes that the program asked for and has not freed) and the\n"
             "process's resident memory (RSS) over time, and the pauses of the garbage\n"
             "collector. With --json: the samples, the longest collections and the totals\n"
             "of each generation. Long runs are sampled less often; the resolution is\n"
             "shown.",
    .examples = "barrow timeline app.1234.barrow\n"
                "barrow timeline --json app.1234.barrow | jq '.samples[-1].rss_bytes'",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = timeline_main,
};
