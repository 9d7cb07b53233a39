/* barrow report: the recording as one HTML page. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/browse.h"
#include "cli/command.h"
#include "cli/memory.h"
#include "cli/output.h"
#include "cli/page.h"
#include "cli/progress.h"
#include "cli/view.h"
#include "export/report.h"

struct report_options {
    struct barrow_view_options view;
    const char *output, *base, *title;
    bool force, open, no_source;
};

/* ---- where to ---- */

/* "dir/app.123.barrow" becomes "app.123.html", a directory's name too. */
static char *default_name(const char *ledger)
{
    char *full = realpath(ledger, NULL);
    const char *path = full ? full : ledger, *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path, *ending = strrchr(name, '.');
    size_t length =
        ending && strcmp(ending, ".barrow") == 0 ? (size_t)(ending - name) : strlen(name);
    char *made =
        length ? barrow_format("%.*s.html", (int)length, name) : barrow_copy("report.html");

    free(full);
    return made;
}

/* Says before anything is read whether `path` can be taken. */
static int check_output(const struct report_options *o, const char *path, struct barrow_error *err)
{
    struct stat info;

    if (strcmp(path, "-") == 0)
        return o->open ? barrow_fail(err, BARROW_E_USAGE,
                                     "--open needs a file: standard output can't be opened")
                       : 0;
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode) && !o->force)
        return barrow_fail(err, BARROW_E_USAGE, "%s exists; -f overwrites it", path);
    return 0;
}

/* ---- writing ---- */

static size_t page_bytes(void)
{
    return (size_t)(barrow_page_end - barrow_page);
}

static int write_page(const struct barrow_report *report, const char *path, uint64_t *bytes,
                      struct barrow_error *err)
{
    struct barrow_output output;
    struct stat info;

    if (barrow_output_open(&output, path, err) < 0)
        return -1;
    if (output.temporary)
        fchmod(fileno(output.to), 0600); /* it holds source code, and names of files */
    if (!isatty(fileno(output.to)))
        barrow_progress_start("writing the report");
    int rc = barrow_report_write(report, output.to, err);
    if (rc == 0 && output.temporary && fflush(output.to) == 0 &&
        fstat(fileno(output.to), &info) == 0)
        *bytes = (uint64_t)info.st_size;
    if (rc == 0)
        rc = barrow_output_commit(&output, err);
    else
        barrow_output_abandon(&output);
    barrow_progress_stop();
    return rc;
}

/* One line on standard error: the product's name and size. */
static void say(const struct barrow_view *view, const char *path, uint64_t bytes)
{
    char size[BARROW_UNITS_ROOM];
    char *name = barrow_printable(&view->terminal, path);

    fprintf(stderr, "barrow: wrote %s, %s\n", name, barrow_units_bytes(size, bytes));
    free(name);
}

static int load_base(const struct report_options *o, struct barrow_profile **base,
                     struct barrow_error *err)
{
    int rc = 0;

    if (o->base) {
        barrow_progress_start("reading the base");
        rc = barrow_profile_load(base, &o->base, 1, err);
        barrow_progress_stop();
    }
    return rc;
}

static int make_report(const struct report_options *o, int count, char **operands, const char *path,
                       struct barrow_error *err)
{
    struct barrow_profile *base = NULL;
    struct barrow_view view;
    uint64_t bytes = 0;

    if (barrow_view_open(&view, &o->view, count, operands, err) < 0)
        return -1;
    int rc = load_base(o, &base, err);
    if (rc == 0) {
        struct barrow_report report = {
            .page = barrow_page,
            .page_bytes = page_bytes(),
            .title = o->title,
            .profile = view.profile,
            .base = base,
            .sources = !o->no_source,
        };
        rc = write_page(&report, path, &bytes, err);
    }
    if (rc == 0 && strcmp(path, "-") != 0)
        say(&view, path, bytes);
    if (base)
        barrow_profile_free(base);
    barrow_view_drop(&view);
    return rc;
}

static int report_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct report_options *o = values;

    if (count == 0)
        return barrow_fail(err, BARROW_E_USAGE,
                           "which recording? Name a ledger, or a directory of ledgers");
    char *path = o->output ? barrow_copy(o->output) : default_name(operands[0]);
    int rc = check_output(o, path, err);
    if (rc == 0 && page_bytes() == 0)
        rc = barrow_fail(err, BARROW_E_UNSUPPORTED,
                         "this barrow was built without its HTML page, because npm was missing; "
                         "build it where npm is, or see barrow help export");
    if (rc == 0)
        rc = make_report(o, count, operands, path, err);
    if (rc == 0 && o->open)
        rc = barrow_browse(path, err);
    free(path);
    return rc;
}

static const struct barrow_option options[] = {
    {"output", 'o', OPTION_TEXT, "OUT", offsetof(struct report_options, output), NULL, NULL,
     "write to this file (the recording's name with .html in the working directory by default); - "
     "is standard output"},
    {"force", 'f', OPTION_FLAG, NULL, offsetof(struct report_options, force), NULL, NULL,
     "overwrite OUT if it exists"},
    {"open", 0, OPTION_FLAG, NULL, offsetof(struct report_options, open), NULL, NULL,
     "show it with $BROWSER or xdg-open"},
    {"base", 0, OPTION_TEXT, "FILE", offsetof(struct report_options, base), NULL, NULL,
     "compare with this older recording, a ledger or a directory of them"},
    {"no-source", 0, OPTION_FLAG, NULL, offsetof(struct report_options, no_source), NULL, NULL,
     "leave the texts of the program's files out"},
    {"title", 0, OPTION_TEXT, "TITLE", offsetof(struct report_options, title), NULL, NULL,
     "title of the page (the command by default)"},
    OPTIONS_END};

static const struct report_options defaults = {.view = VIEW_DEFAULTS};

const struct barrow_command barrow_command_report = {
    .usage = "[OPTIONS] FILE...",
    .about = "Writes one HTML page that shows the recording in a browser: over time, as a\n"
             "flame graph, by line, function, file and module, beside the source, and\n"
             "compared with another recording. It needs no network and nothing beside it.\n"
             "It holds the program's source where that is at hand and as it was recorded,\n"
             "so it can be read by you alone (mode 0600) until you pass it on.",
    .examples = "barrow report app.1234.barrow                  # writes app.1234.html\n"
                "barrow report --open -o app.html recordings/   # a run of several processes\n"
                "barrow report --base old.barrow new.barrow",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = report_main,
};
