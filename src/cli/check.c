/* barrow check: are a recording's figures within their budgets, or near those of a baseline? */
#include "cli/check.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/units.h"
#include "cli/command.h"
#include "cli/memory.h"
#include "cli/output.h"
#include "cli/progress.h"

struct check_options {
    struct barrow_view_options view;
    struct barrow_texts budgets, tolerances;
    const char *baseline, *write_baseline;
};

/* How much more than in the baseline a figure may be. */
struct tolerance {
    const char *text; /* NULL: the figure is not compared */
    bool is_default, is_percent;
    double percent;
    uint64_t amount;
};

/* ---- options ---- */

static int unknown_figure(const char *option, const char *text, struct barrow_error *err)
{
    char list[200] = "";

    for (size_t f = 0; f < BARROW_FIGURE_COUNT; f++) {
        strcat(list, f ? ", " : "");
        strcat(list, barrow_figures[f].name);
    }
    return barrow_fail(err, BARROW_E_USAGE, "%s %s: expected NAME=AMOUNT, NAME one of: %s", option,
                       text, list);
}

/* What stands before the `=`; *amount: behind it. */
static int parse_figure(const char *option, const char *text, enum barrow_figure *figure,
                        const char **amount, struct barrow_error *err)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : 0;

    for (enum barrow_figure f = 0; equals && f < BARROW_FIGURE_COUNT; f++)
        if (strlen(barrow_figures[f].name) == length &&
            memcmp(barrow_figures[f].name, text, length) == 0) {
            *figure = f;
            *amount = equals + 1;
            return 0;
        }
    return unknown_figure(option, text, err);
}

static int parse_amount(const char *option, enum barrow_figure figure, const char *text,
                        uint64_t *amount, struct barrow_error *err)
{
    char *end;

    if (barrow_figures[figure].is_bytes)
        return barrow_units_parse_bytes(text, amount) == 0
                   ? 0
                   : barrow_fail(err, BARROW_E_USAGE, "%s %s=%s: expected a size like 64MB", option,
                                 barrow_figures[figure].name, text);
    errno = 0;
    *amount = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || errno)
        return barrow_fail(err, BARROW_E_USAGE, "%s %s=%s: expected a whole number", option,
                           barrow_figures[figure].name, text);
    return 0;
}

static int parse_budget(struct barrow_check *check, const char *text, struct barrow_error *err)
{
    struct barrow_check_verdict verdict = {0};
    const char *amount;

    if (parse_figure("--budget", text, &verdict.figure, &amount, err) < 0 ||
        parse_amount("--budget", verdict.figure, amount, &verdict.limit, err) < 0)
        return -1;
    for (size_t i = 0; i < check->count; i++)
        if (check->verdicts[i].figure == verdict.figure)
            return barrow_fail(err, BARROW_E_USAGE, "--budget %s: given twice",
                               barrow_figures[verdict.figure].name);
    check->verdicts[check->count++] = verdict;
    return 0;
}

/* "3%", "2.5 %" */
static bool parse_percent(const char *text, double *percent)
{
    char *end;

    if (!isdigit((unsigned char)*text))
        return false;
    *percent = strtod(text, &end);
    while (*end == ' ')
        end++;
    return strcmp(end, "%") == 0 && *percent < 1e6;
}

/* Figures that hardly differ from run to run are compared unasked: not what the kernel measured. */
static void default_tolerances(struct tolerance *tolerances)
{
    static const enum barrow_figure compared[] = {BARROW_FIGURE_PEAK, BARROW_FIGURE_LEAKED,
                                                  BARROW_FIGURE_TOTAL, BARROW_FIGURE_ALLOCATIONS};

    for (size_t i = 0; i < sizeof compared / sizeof *compared; i++)
        tolerances[compared[i]] =
            (struct tolerance){.text = "5%", .is_default = true, .is_percent = true, .percent = 5};
}

static int parse_tolerance(struct tolerance *tolerances, const char *text, struct barrow_error *err)
{
    struct tolerance given = {.text = text, .is_default = true};
    enum barrow_figure figure;
    const char *amount;

    if (parse_percent(text, &given.percent)) {
        given.is_percent = true;
        for (enum barrow_figure f = 0; f < BARROW_FIGURE_COUNT; f++)
            if (tolerances[f].is_default)
                tolerances[f] = given;
        return 0;
    }
    if (!strchr(text, '='))
        return barrow_fail(err, BARROW_E_USAGE,
                           "--tolerance %s: expected a percentage like 5%%, or NAME=5%%, or "
                           "NAME=64KB",
                           text);
    if (parse_figure("--tolerance", text, &figure, &amount, err) < 0)
        return -1;
    given.text = amount;
    given.is_default = false;
    given.is_percent = parse_percent(amount, &given.percent);
    if (!given.is_percent && parse_amount("--tolerance", figure, amount, &given.amount, err) < 0)
        return -1;
    tolerances[figure] = given;
    return 0;
}

static int check_options(const struct check_options *o, struct barrow_check *check,
                         struct tolerance *tolerances, struct barrow_error *err)
{
    if (!o->budgets.count && !o->baseline && !o->write_baseline)
        return barrow_fail(err, BARROW_E_USAGE,
                           "nothing to check: give --budget NAME=AMOUNT or --baseline FILE");
    if (o->tolerances.count && !o->baseline)
        return barrow_fail(err, BARROW_E_USAGE, "--tolerance is of a --baseline: give one");
    if (o->write_baseline && strcmp(o->write_baseline, "-") == 0)
        return barrow_fail(err, BARROW_E_USAGE, "--write-baseline needs a file's name");
    for (size_t i = 0; i < o->budgets.count; i++)
        if (parse_budget(check, o->budgets.items[i], err) < 0)
            return -1;
    default_tolerances(tolerances);
    for (size_t i = 0; i < o->tolerances.count; i++)
        if (parse_tolerance(tolerances, o->tolerances.items[i], err) < 0)
            return -1;
    return 0;
}

/* ---- the baseline ---- */

/* A baseline is JSON, else it is a ledger or a directory of ledgers. */
static bool is_json(const char *path)
{
    FILE *file = fopen(path, "re");
    int c = EOF;

    if (!file)
        return false;
    while ((c = fgetc(file)) != EOF && isspace(c))
        ;
    fclose(file);
    return c == '{';
}

static int read_baseline(struct barrow_check *check, struct barrow_profile **profile,
                         struct barrow_error *err)
{
    const char *const paths[] = {check->baseline_path};
    struct stat info;

    if (stat(paths[0], &info) == 0 && S_ISREG(info.st_mode) && is_json(paths[0]))
        return barrow_baseline_read(&check->before, paths[0], err);
    if (barrow_profile_load(profile, paths, 1, err) < 0)
        return -1;
    return barrow_baseline_of(&check->before, *profile, err);
}

static uint64_t raised(uint64_t before, const struct tolerance *tolerance)
{
    uint64_t limit, extra = tolerance->is_percent
                                ? (uint64_t)((double)before * tolerance->percent / 100)
                                : tolerance->amount;

    return __builtin_add_overflow(before, extra, &limit) ? UINT64_MAX : limit;
}

static int judge(struct barrow_check *check, const struct tolerance *tolerances,
                 struct barrow_error *err)
{
    for (size_t i = 0; i < check->count; i++) {
        enum barrow_figure f = check->verdicts[i].figure;
        if (!check->now.has[f])
            return barrow_fail(err, BARROW_E_FORMAT,
                               "--budget %s: the recording does not tell; it has no samples",
                               barrow_figures[f].name);
        check->verdicts[i].value = check->now.value[f];
    }
    for (enum barrow_figure f = 0; check->baseline_path && f < BARROW_FIGURE_COUNT; f++)
        if (tolerances[f].text && check->before.has[f] && check->now.has[f])
            check->verdicts[check->count++] = (struct barrow_check_verdict){
                .figure = f,
                .value = check->now.value[f],
                .limit = raised(check->before.value[f], &tolerances[f]),
                .from_baseline = true,
                .before = check->before.value[f],
                .tolerance = tolerances[f].text,
            };
    return 0;
}

static int write_baseline(const struct barrow_check *check, const char *path,
                          struct barrow_error *err)
{
    struct barrow_output output;
    struct barrow_json json;

    if (barrow_output_open(&output, path, err) < 0)
        return -1;
    barrow_json_init(&json, output.to, 1);
    barrow_baseline_write(&check->now, &json);
    return barrow_output_commit(&output, err);
}

/* ---- the command ---- */

static int check_all(struct barrow_check *check, const struct check_options *o,
                     const struct tolerance *tolerances, struct barrow_error *err)
{
    bool over = false;

    if (barrow_baseline_of(&check->now, check->view.profile, err) < 0 ||
        judge(check, tolerances, err) < 0)
        return -1;
    for (size_t i = 0; i < check->count; i++) {
        over |= barrow_check_is_over(&check->verdicts[i]);
        check->view.shows_peak |= check->verdicts[i].figure == BARROW_FIGURE_PEAK;
    }
    if (o->write_baseline && !over && write_baseline(check, o->write_baseline, err) < 0)
        return -1;
    if ((o->view.json ? barrow_check_json(check, err) : barrow_check_print(check, err)) < 0)
        return -1;
    if (o->write_baseline && !o->view.json)
        fprintf(check->view.terminal.out,
                over ? "%s is not written: the check failed\n" : "wrote %s\n", o->write_baseline);
    return over;
}

static int check_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct check_options *o = values;
    struct tolerance tolerances[BARROW_FIGURE_COUNT] = {0};
    struct barrow_check check = {.baseline_path = o->baseline};
    struct barrow_profile *before = NULL;
    int rc = -1;

    if (check_options(o, &check, tolerances, err) < 0 ||
        (o->baseline && read_baseline(&check, &before, err) < 0))
        goto out;
    if (barrow_view_open(&check.view, &o->view, count, operands, err) < 0)
        goto out;
    rc = check_all(&check, o, tolerances, err);
    if (rc < 0)
        barrow_view_drop(&check.view);
    else
        barrow_view_close(&check.view);
out:
    barrow_baseline_free(&check.now);
    barrow_baseline_free(&check.before);
    if (before)
        barrow_profile_free(before);
    return rc;
}

static const struct barrow_option options[] = {
    {"budget", 'b', OPTION_LIST, "NAME=AMOUNT", offsetof(struct check_options, budgets), NULL, NULL,
     "the most a figure may be, like peak=500MB or allocations=100000; may be given for each of "
     "peak, leaked, total, allocations, temporary, max_rss"},
    {"baseline", 0, OPTION_TEXT, "FILE", offsetof(struct check_options, baseline), NULL, NULL,
     "what it was: a file of --write-baseline, or a recording"},
    {"tolerance", 't', OPTION_LIST, "[NAME=]MORE", offsetof(struct check_options, tolerances), NULL,
     NULL, "how much more than the baseline is allowed: 5%, peak=2%, leaked=64KB (5% by default)"},
    {"write-baseline", 'w', OPTION_TEXT, "FILE", offsetof(struct check_options, write_baseline),
     NULL, NULL, "write a baseline, unless the check fails"},
    {"limit", 'n', OPTION_COUNT, "N", offsetof(struct check_options, view.limit), NULL, NULL,
     "name the N largest sites of a figure that is over; 0: all (text names 10 otherwise, JSON "
     "all)"},
    VIEW_OPTION_JSON(struct check_options),
    VIEW_OPTION_COLOR(struct check_options),
    OPTIONS_END};

static const struct check_options defaults = {.view = VIEW_DEFAULTS};

const struct barrow_command barrow_command_check = {
    .usage = "--budget NAME=AMOUNT... [--baseline FILE] [OPTIONS] FILE...",
    .about = "Tells whether a recording keeps to its budgets: exit status 0 if it does, 1 if\n"
             "not, with the lines that own what is too much, and 2 if it can't tell.\n"
             "  peak         bytes live at the peak\n"
             "  leaked       bytes never freed; module globals are part of it\n"
             "  total        bytes allocated in all\n"
             "  allocations  their number\n"
             "  temporary    bytes freed again at once\n"
             "  max_rss      bytes resident at most, as the kernel counts\n"
             "Sizes: 1 KB is 1024 bytes, as is 1 KiB. With a baseline, peak, leaked, total and\n"
             "allocations are compared, others if a --tolerance names them; what grew is shown\n"
             "function by function. Several FILEs, or a directory, are the processes of one run.",
    .examples = "barrow check --budget peak=500MB --budget leaked=1MB app.1234.barrow\n"
                "barrow check --write-baseline base.json app.1234.barrow\n"
                "barrow check --baseline base.json --tolerance peak=2% app.1234.barrow",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = check_main,
};
