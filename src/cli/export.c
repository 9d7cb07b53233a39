/* barrow export: the profile in another program's format. */
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
#define X(name, help) #name,
    BARROW_EXPORTERS(X)
#undef X
        NULL};

static int export_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct export_options *o = values;
    struct barrow_output output;
    struct barrow_view view;

    if (o->format < 0)
        return barrow_fail(err, BARROW_E_USAGE,
                           "which format? --format is needed; barrow help export lists them");
    if (barrow_view_open(&view, &o->view, count, operands, err) < 0)
        return -1;
    int rc = barrow_output_open(&output, o->output, err);
    if (rc == 0) {
        if (!isatty(fileno(output.to)))
            barrow_progress_start("writing");
        rc = barrow_export_formats[o->format].write(view.profile, (enum barrow_metric)o->metric,
                                                    output.to, err);
        if (rc == 0)
            rc = barrow_output_commit(&output, err);
        else
            barrow_output_abandon(&output);
        barrow_progress_stop();
    }
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

static const struct export_options defaults = {
    .view = VIEW_DEFAULTS, .format = -1, .metric = BARROW_METRIC_PEAK};

const struct barrow_command barrow_command_export = {
    .usage = "--format FORMAT [OPTIONS] FILE...",
    .about = "Writes the profile for another program. Formats:\n"
#define X(name, help) "  " #name ": " help "\n"
    BARROW_EXPORTERS(X)
#undef X
        "json holds all metrics; the others the one that is asked for.",
    .examples = "barrow export --format folded app.1234.barrow | flamegraph.pl > app.svg\n"
                "barrow export --format csv --metric leaked -o leaks.csv app.1234.barrow",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = export_main,
};
