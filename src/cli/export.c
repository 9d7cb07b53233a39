/* barrow export: the profile, or a heap snapshot, in another program's format. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/view.h"
#include "export/export.h"
#include "table/snapshots.h"

struct export_options {
    struct barrow_view_options view;
    int format, metric;
    size_t snapshot; /* from 1; 0: the last */
    const char *output;
};

static const char *const formats[] = {
#define X(name, traits, help) #name,
    BARROW_EXPORTERS(X) BARROW_GRAPH_EXPORTERS(X)
#undef X
        NULL};

/* What a format holds, so that --metric makes no difference to it. */
static const char *contents(const struct barrow_export_format *format)
{
    if (format->write_graph)
        return "one heap snapshot";
    return strcmp(format->name, "trace") == 0 ? "memory over time" : "all metrics";
}

static int check_options(const struct export_options *o, struct barrow_error *err)
{
    if (o->format < 0)
        return barrow_fail(err, BARROW_E_USAGE,
                           "which format? --format is needed; barrow help export lists them");
    const struct barrow_export_format *format = &barrow_export_formats[o->format];
    if (o->metric >= 0 && format->traits & EXPORT_NO_METRIC)
        return barrow_fail(err, BARROW_E_USAGE,
                           "--metric makes no difference to %s, which holds %s; leave it out",
                           format->name, contents(format));
    if (o->snapshot && !format->write_graph)
        return barrow_fail(err, BARROW_E_USAGE,
                           "--snapshot makes no difference to %s, which holds a profile; leave it "
                           "out",
                           format->name);
    return 0;
}

/* ---- a heap snapshot ---- */

/* The one that was asked for; the last by default. */
static const struct barrow_snapshot_place *choose(const struct barrow_snapshots *snapshots,
                                                  const struct export_options *o,
                                                  struct barrow_error *err)
{
    size_t number = o->snapshot ? o->snapshot : snapshots->count;

    if (snapshots->count == 0)
        barrow_fail(err, BARROW_E_USAGE,
                    "%s takes a heap snapshot, and there is none in this recording; barrow run "
                    "--dig takes one when the program ends",
                    formats[o->format]);
    else if (number > snapshots->count)
        barrow_fail(err, BARROW_E_USAGE,
                    "there is no snapshot %zu: this recording has %zu, numbered from 1", number,
                    snapshots->count);
    else
        return &snapshots->items[number - 1];
    return NULL;
}

static int write_snapshot(const struct barrow_profile *profile, const struct export_options *o,
                          FILE *to, struct barrow_error *err)
{
    struct barrow_snapshots snapshots;
    struct barrow_graph *graph = NULL;
    uint32_t *numbers = NULL;

    if (barrow_snapshots_find(&snapshots, profile, err) < 0)
        return -1;
    const struct barrow_snapshot_place *place = choose(&snapshots, o, err);
    int rc = place ? barrow_snapshot_load(&graph, profile, place, NULL, err) : -1;
    if (rc == 0)
        rc = barrow_snapshot_numbers(&numbers, profile, place, graph, err);
    if (rc == 0) {
        const struct barrow_snapshot snapshot = {
            .graph = graph,
            .numbers = numbers,
            .profile = profile,
            .process = place->process,
        };
        for (size_t i = 0; i < graph->warnings.count; i++)
            fprintf(stderr, "barrow: note: %s\n", graph->warnings.items[i]);
        rc = barrow_export_formats[o->format].write_graph(&snapshot, to, err);
    }
    free(numbers);
    if (graph)
        barrow_graph_free(graph);
    barrow_snapshots_free(&snapshots);
    return rc;
}

/* ---- all formats ---- */

static int write_to(const struct barrow_profile *profile, const struct export_options *o, FILE *to,
                    struct barrow_error *err)
{
    enum barrow_metric metric = o->metric < 0 ? BARROW_METRIC_PEAK : (enum barrow_metric)o->metric;
    const struct barrow_export_format *format = &barrow_export_formats[o->format];

    if (format->write_graph)
        return write_snapshot(profile, o, to, err);
    return format->write(profile, metric, to, err);
}

static int write_output(const struct barrow_view *view, const struct export_options *o,
                        struct barrow_error *err)
{
    const struct barrow_export_format *format = &barrow_export_formats[o->format];
    struct barrow_output output;

    if (barrow_output_open(&output, o->output, err) < 0)
        return -1;
    bool terminal = isatty(fileno(output.to));
    int rc = 0;
    if (terminal && format->traits & EXPORT_BINARY)
        rc = barrow_fail(err, BARROW_E_USAGE, "%s is not for a terminal: name a file with -o",
                         format->name);
    if (!terminal)
        barrow_progress_start("writing");
    if (rc == 0)
        rc = write_to(view->profile, o, output.to, err);
    if (rc == 0)
        rc = barrow_output_commit(&output, err);
    else
        barrow_output_abandon(&output);
    barrow_progress_stop();
    return rc;
}

static int export_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct export_options *o = values;
    struct barrow_view view;

    if (check_options(o, err) < 0 || barrow_view_open(&view, &o->view, count, operands, err) < 0)
        return -1;
    int rc = write_output(&view, o, err);
    barrow_view_drop(&view);
    return rc;
}

static const struct barrow_option options[] = {
    {"format", 'F', OPTION_CHOICE, "FORMAT", offsetof(struct export_options, format), formats, NULL,
     "what to write"},
    VIEW_OPTION_METRIC(struct export_options),
    {"snapshot", 's', OPTION_COUNT, "N", offsetof(struct export_options, snapshot), NULL, NULL,
     "heapsnapshot: the Nth heap snapshot (the last by default)"},
    {"output", 'o', OPTION_TEXT, "OUT", offsetof(struct export_options, output), NULL, NULL,
     "write to this file, which appears when it is complete (standard output by default)"},
    OPTIONS_END};

static const struct export_options defaults = {.view = VIEW_DEFAULTS, .format = -1, .metric = -1};

const struct barrow_command barrow_command_export = {
    .usage = "--format FORMAT [OPTIONS] FILE...",
    .about = "Writes the profile, or a heap snapshot, for another program. Formats:\n"
#define X(name, traits, help) "  " #name ": " help "\n"
    BARROW_EXPORTERS(X) BARROW_GRAPH_EXPORTERS(X)
#undef X
        "folded and csv hold the metric that is asked for, speedscope opens with it; the\n"
        "others hold all there is. Heap snapshots keep the ids of objects from one to\n"
        "the next, so that DevTools can compare them.",
    .examples =
        "barrow export --format folded app.1234.barrow | flamegraph.pl > app.svg\n"
        "barrow export --format csv --metric leaked -o leaks.csv app.1234.barrow\n"
        "barrow export --format pprof -o app.pb.gz app.1234.barrow; go tool pprof app.pb.gz\n"
        "barrow export --format heapsnapshot -o app.heapsnapshot app.1234.barrow",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = export_main,
};
