/* barrow export: the profile in another program's format. */
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/view.h"
#include "export/export.h"

struct export_options {
    struct barrow_view_options view;
    int format, metric;
    const char *output;
};

static const char *const formats[] = {
#define X(name, traits, help) #name,
    BARROW_EXPORTERS(X)
#undef X
        NULL};

static int check_options(const struct export_options *o, struct barrow_error *err)
{
    if (o->format < 0)
        return barrow_fail(err, BARROW_E_USAGE,
                           "which format? --format is needed; barrow help export lists them");
    if (o->metric >= 0 && barrow_export_formats[o->format].traits & EXPORT_NO_METRIC)
        return barrow_fail(
            err, BARROW_E_USAGE, "--metric makes no difference to %s, which holds %s; leave it out",
            formats[o->format],
            strcmp(formats[o->format], "trace") == 0 ? "memory over time" : "all metrics");
    return 0;
}

static int write_profile(const struct barrow_view *view, const struct export_options *o,
                         struct barrow_error *err)
{
    const struct barrow_export_format *format = &barrow_export_formats[o->format];
    enum barrow_metric metric = o->metric < 0 ? BARROW_METRIC_PEAK : (enum barrow_metric)o->metric;
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
        rc = format->write(view->profile, metric, output.to, err);
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
    int rc = write_profile(&view, o, err);
    barrow_view_drop(&view);
    return rc;
}

static const struct barrow_option options[] = {
    {"format", 'F', OPTION_CHOICE, "FORMAT", offsetof(struct export_options, format), formats, NULL,
     "what to write"},
    VIEW_OPTION_METRIC(struct export_options),
    {"output", 'o', OPTION_TEXT, "OUT", offsetof(struct export_options, output), NULL, NULL,
     "write to this file, which appears when it is complete (standard output by default)"},
    OPTIONS_END};

static const struct export_options defaults = {.view = VIEW_DEFAULTS, .format = -1, .metric = -1};

const struct barrow_command barrow_command_export = {
    .usage = "--format FORMAT [OPTIONS] FILE...",
    .about = "Writes the profile for another program. Formats:\n"
#define X(name, traits, help) "  " #name ": " help "\n"
    BARROW_EXPORTERS(X)
#undef X
        "folded and csv hold the metric that is asked for, speedscope opens with it; the\n"
        "others hold all there is.",
    .examples =
        "barrow export --format folded app.1234.barrow | flamegraph.pl > app.svg\n"
        "barrow export --format csv --metric leaked -o leaks.csv app.1234.barrow\n"
        "barrow export --format pprof -o app.pb.gz app.1234.barrow; go tool pprof app.pb.gz",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = export_main,
};
