/* barrow bench: what a statement or a script costs, measured many times. */
#include "cli/bench.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/interpreter.h"
#include "cli/memory.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/view.h"
#include "table/stats.h"

enum { RUNS_AT_LEAST = 3 };
static const double significant_p = 0.05;

const struct bench_metric_info bench_metrics[BENCH_METRIC_COUNT] = {
#define X(name, key, words, unit) {key, words, BENCH_UNIT_##unit},
    BENCH_METRICS(X)
#undef X
};

struct bench_options {
    struct barrow_view_options view;
    size_t runs, loops;
    double fail_over; /* percent; NAN: not given */
    const char *setup, *vs, *vs_rev, *python, *module, *write_baseline, *baseline;
    /* The rest of the command line. */
    char **words; /* what is measured, and its arguments */
    int count;
};

/* ---- comparing ---- */

struct bench_comparison bench_compare(const struct bench_result *result, enum bench_metric metric)
{
    const bench_values *a = &result->reference->metrics[metric];
    const bench_values *b = &result->subject->metrics[metric];
    struct barrow_interval interval =
        barrow_stats_change_interval(a->items, a->count, b->items, b->count);
    double p = barrow_stats_mann_whitney(a->items, a->count, b->items, b->count);

    return (struct bench_comparison){
        .before = barrow_stats_median(a->items, a->count),
        .after = barrow_stats_median(b->items, b->count),
        .change = barrow_stats_change(a->items, a->count, b->items, b->count),
        .low = interval.low,
        .high = interval.high,
        .p = p,
        .is_significant = p <= significant_p};
}

bool bench_is_over(const struct bench_comparison *c, double percent)
{
    /* Without a share (from a negative amount, which only "live after" can be) any growth counts.
     */
    bool more = isnan(c->change) ? c->after > c->before : c->change * 100 > percent;

    return c->is_significant && more && !isnan(percent);
}

static bool any_over(const struct bench_result *result)
{
    for (size_t i = 0; i < BENCH_METRIC_COUNT; i++) {
        struct bench_comparison c = bench_compare(result, (enum bench_metric)i);
        if (bench_is_over(&c, result->fail_over))
            return true;
    }
    return false;
}

/* ---- sides ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), wanted = strlen(end);

    return length > wanted && strcmp(text + length - wanted, end) == 0;
}

/* Whatever is no file is a statement, but for what looks like the name of a script. */
static int classify(struct bench_side *side, struct barrow_error *err)
{
    struct stat info;
    const char *name = side->name;

    if (!*name || !name[strspn(name, " \t\n;")])
        return barrow_fail(err, BARROW_E_USAGE, "the statement is empty");
    side->is_statement = stat(name, &info) != 0;
    if (side->is_statement && ends_with(name, ".py") && !strpbrk(name, " \t\n=(;"))
        return barrow_fail(err, BARROW_E_USAGE, "there is no script %s", name);
    return 0;
}

/* "load.py data.csv", "-m module"; to be freed. */
static char *command_of(const struct bench_options *o, const char *name, bool is_module,
                        int argument_count)
{
    char *command = barrow_format("%s%s", is_module ? "-m " : "", name);

    for (int i = 0; i < argument_count; i++) {
        char *longer = barrow_format("%s %s", command, o->words[o->module ? i : i + 1]);
        free(command);
        command = longer;
    }
    return command;
}

static int prepare(struct bench_side *side, const struct bench_options *o, const char *name,
                   bool is_module, struct barrow_error *err)
{
    static const struct barrow_option no_options[] = {OPTIONS_END};
    int argument_count = o->module ? o->count : o->count - 1, count = 0;
    char **words = barrow_allocate((size_t)(o->count + 4) * sizeof *words);
    bool help = false;

    side->name = name;
    side->setup = o->setup;
    if (!is_module && classify(side, err) < 0) {
        free(words);
        return -1;
    }
    if (!side->is_statement)
        side->name = side->command = command_of(o, name, is_module, argument_count);
    words[count++] = is_module ? "-m" : side->is_statement ? "-c" : "--";
    words[count++] = (char *)name;
    for (int i = 0; i < argument_count; i++)
        words[count++] = o->words[o->module ? i : i + 1];
    int rc = barrow_program_parse(&side->program, no_options, NULL, getenv("BARROW_PYTHON_OPTIONS"),
                                  count, words, &help, err);
    if (side->is_statement && rc == 0)
        side->program.count -= (size_t)count; /* run by the driver, which has its text */
    free(words);
    return rc;
}

static void free_side(struct bench_side *side)
{
    barrow_program_free(&side->program);
    free(side->command);
    free(side->script);
    free(side->directory);
    free(side->python_path);
    free(side->bytecode);
    for (size_t i = 0; i < BENCH_METRIC_COUNT; i++)
        free(side->metrics[i].items);
}

/* ---- the whole ---- */

struct bench {
    const struct bench_options *options;
    struct bench_place place;
    struct bench_tree tree;
    struct bench_side subject, reference;
    struct bench_result result;
    struct barrow_json_document document; /* of the baseline */
};

static int check_options(const struct bench_options *o, struct barrow_error *err)
{
    bool compares = o->vs || o->vs_rev || o->baseline;

    if (o->runs < RUNS_AT_LEAST || o->runs > BENCH_RUNS_AT_MOST)
        return barrow_fail(err, BARROW_E_USAGE, "--runs %zu: expected %d at least, %d at most",
                           o->runs, RUNS_AT_LEAST, BENCH_RUNS_AT_MOST);
    if ((o->vs != NULL) + (o->vs_rev != NULL) + (o->baseline != NULL) > 1)
        return barrow_fail(err, BARROW_E_USAGE,
                           "--vs, --vs-rev and --baseline exclude each other: give one");
    if (!isnan(o->fail_over) && !compares)
        return barrow_fail(err, BARROW_E_USAGE,
                           "--fail-over needs something to compare with: --vs, --vs-rev or "
                           "--baseline");
    return 0;
}

/* Before minutes are spent on measuring. */
static int check_output(const char *path, struct barrow_error *err)
{
    char *folder = barrow_copy(path), *slash = strrchr(folder, '/');

    if (slash)
        slash[slash == folder] = '\0';
    int rc = access(slash ? folder : ".", W_OK);
    free(folder);
    return rc == 0 ? 0
                   : barrow_fail(err, BARROW_E_IO, "can't write %s: no such folder, or no right to",
                                 path);
}

static int find_sides(struct bench *b, struct barrow_error *err)
{
    const struct bench_options *o = b->options;
    const char *name = o->module ? o->module : o->words[0];

    if (prepare(&b->subject, o, name, o->module != NULL, err) < 0)
        return -1;
    if (!b->subject.is_statement && *o->setup)
        return barrow_fail(err, BARROW_E_USAGE, "--setup goes with a statement; %s is a %s", name,
                           o->module ? "module" : "script");
    if (o->vs || o->vs_rev) {
        if (prepare(&b->reference, o, o->vs ? o->vs : name, !o->vs && o->module, err) < 0)
            return -1;
        b->result.reference = &b->reference;
    }
    if (o->vs && b->subject.is_statement != b->reference.is_statement)
        return barrow_fail(err, BARROW_E_USAGE,
                           "a statement can't be compared with a script: --vs wants another %s",
                           b->subject.is_statement ? "statement" : "script");
    if (o->baseline) {
        if (bench_json_read(&b->reference, &b->document, o->baseline, err) < 0)
            return -1;
        b->result.reference = &b->reference;
        b->result.baseline = o->baseline;
    }
    if (o->baseline && b->subject.is_statement != b->reference.is_statement)
        return barrow_fail(err, BARROW_E_USAGE, "%s is of a %s, not of a %s", o->baseline,
                           b->reference.is_statement ? "statement" : "script",
                           b->subject.is_statement ? "statement" : "script");
    return 0;
}

/* Absolute, as the runs may be in another folder; symbolic links stay, as virtual environments are
 * found by them. */
static char *find_python(const struct bench *b, struct barrow_error *err)
{
    char here[PATH_MAX];
    char *python = barrow_interpreter_find(b->options->python, getenv("BARROW_PYTHON"),
                                           &b->subject.program, err);

    if (!python || *python == '/' || !getcwd(here, sizeof here))
        return python;
    char *absolute = barrow_format("%s/%s", here, python);
    free(python);
    return absolute;
}

/* ---- the order of the runs ---- */

/* As many executions of a statement on both sides: the first one is unlike those that follow. */
static int warm_up(struct bench *b, struct barrow_error *err)
{
    struct bench_side *subject = &b->subject, *reference = &b->reference;
    bool both = b->result.reference && !b->result.baseline;
    size_t loops = b->options->loops;

    if (b->result.baseline && !loops)
        loops = reference->loops;
    if (bench_run_warm_up(subject, &b->place, loops, err) < 0)
        return -1;
    if (both && bench_run_warm_up(reference, &b->place, loops, err) < 0)
        return -1;
    if (both && reference->loops < subject->loops)
        subject->loops = reference->loops;
    if (both)
        reference->loops = subject->loops;
    return 0;
}

/* A B, then B A, then A B: a machine that gets slower or faster meanwhile is no one's advantage. */
static int measure(struct bench *b, struct barrow_error *err)
{
    static char progress[64];
    struct bench_side *sides[2] = {&b->reference, &b->subject};
    bool both = b->result.reference && !b->result.baseline;
    int rc = 0;

    snprintf(progress, sizeof progress, "warming up");
    barrow_progress_start(progress);
    rc = warm_up(b, err);
    for (size_t i = 0; i < b->options->runs && rc == 0; i++) {
        snprintf(progress, sizeof progress, "run %zu of %zu", i + 1, b->options->runs);
        for (size_t k = both ? 0 : 1; k < 2 && rc == 0; k++)
            rc = bench_run_plain(sides[both && i % 2 ? 1 - k : k], &b->place, err);
        for (size_t k = both ? 0 : 1; k < 2 && rc == 0; k++)
            rc = bench_run_recorded(sides[both && i % 2 ? 1 - k : k], &b->place, err);
    }
    barrow_progress_stop();
    return rc;
}

/* All that leaves something on disk for the time being. */
static int run_all(struct bench *b, struct barrow_error *err)
{
    char *python = find_python(b, err);
    int rc = python ? 0 : -1;

    bench_signals_begin();
    b->place.python = python;
    if (rc == 0)
        rc = bench_place_make(&b->place, err);
    if (rc == 0 && b->options->vs_rev)
        rc = bench_tree_make(&b->tree, b->options->vs_rev, &b->place, &b->subject, &b->reference,
                             err);
    if (rc == 0)
        rc = measure(b, err);
    bench_signals_tidy();
    bench_tree_remove(&b->tree, &b->place);
    bench_place_remove(&b->place);
    bench_signals_end();
    free(python);
    return rc;
}

static int write_baseline(const struct bench *b, struct barrow_error *err)
{
    struct barrow_output output;

    if (barrow_output_open(&output, b->options->write_baseline, err) < 0)
        return -1;
    bench_json_write(output.to, &b->result);
    return barrow_output_commit(&output, err);
}

static int report(const struct bench *b, struct barrow_error *err)
{
    const struct bench_options *o = b->options;
    struct barrow_terminal terminal;

    if (o->write_baseline && write_baseline(b, err) < 0)
        return -1;
    if (o->view.json) {
        bench_json_write(stdout, &b->result);
    } else {
        barrow_terminal_init(&terminal, stdout, (enum barrow_color)o->view.color);
        bench_show(&terminal, &b->result);
    }
    return b->result.reference && any_over(&b->result) ? 1 : 0;
}

static int bench_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct bench_options *o = values;
    struct bench b = {.options = o};

    (void)count;
    (void)operands;
    b.result =
        (struct bench_result){.subject = &b.subject, .runs = o->runs, .fail_over = o->fail_over};
    int rc = check_options(o, err);
    if (rc == 0 && o->write_baseline)
        rc = check_output(o->write_baseline, err);
    if (rc == 0)
        rc = find_sides(&b, err);
    if (rc == 0)
        rc = run_all(&b, err);
    if (rc == 0)
        rc = report(&b, err);
    free_side(&b.subject);
    free_side(&b.reference);
    free(b.tree.revision);
    barrow_json_free(&b.document);
    return rc;
}

/* ---- the command line ---- */

/* Options, then what is measured.  All that follows a script or a module is its own; a statement
 * takes no arguments, so options may follow it. */
static int bench_parse(const struct barrow_option *options, void *values, int argc, char **argv,
                       bool *help, struct barrow_error *err)
{
    struct bench_options *o = values;
    bool ended = false;
    int next = 0;

    while (next < argc && !*help && !o->module) {
        char *word = argv[next];
        if (!ended && strcmp(word, "--") == 0) {
            ended = true;
            next++;
        } else if (!ended && word[0] == '-' && word[1]) {
            if (barrow_option_take(options, values, argc, argv, &next, help, err) < 0)
                return -1;
        } else if (o->count) {
            return barrow_fail(err, BARROW_E_USAGE,
                               "'%s' is one word too many: a statement is one argument (quote it), "
                               "and %s is no script",
                               word, o->words[0]);
        } else {
            struct stat info;
            o->words = argv + next;
            o->count = 1;
            if (stat(word, &info) == 0) {
                o->count = argc - next;
                return 0;
            }
            next++;
        }
    }
    if (o->module) {
        o->words = argv + next;
        o->count = argc - next;
    } else if (!o->count && !*help) {
        return barrow_fail(err, BARROW_E_USAGE,
                           "bench what? Give a statement in quotes, a script or -m module; barrow "
                           "help bench tells more");
    }
    return 0;
}

#define AT(member) offsetof(struct bench_options, member)
static const struct barrow_option options[] = {
    {"runs", 'n', OPTION_COUNT, "N", AT(runs), NULL, NULL,
     "run it N times recorded and N times plain (10 by default, 3 at least)"},
    {"setup", 's', OPTION_TEXT, "STATEMENT", AT(setup), NULL, NULL,
     "run this before, in the same process, without measuring it"},
    {"loops", 'l', OPTION_COUNT, "N", AT(loops), NULL, NULL,
     "time N executions of the statement in a row (by default one, or as many as take 10 ms)"},
    {"module", 'm', OPTION_TEXT, "MODULE", AT(module), NULL, NULL,
     "measure a module run as a script, with the arguments that follow"},
    {"python", 0, OPTION_TEXT, "PATH", AT(python), NULL, NULL,
     "the interpreter (the one barrow is installed beside by default)"},
    {"vs", 0, OPTION_TEXT, "REFERENCE", AT(vs), NULL, "comparing",
     "compare with another statement, or another script with the same arguments"},
    {"vs-rev", 0, OPTION_TEXT, "REVISION", AT(vs_rev), NULL, "comparing",
     "compare with the same at another revision, in a git worktree that is removed afterwards"},
    {"baseline", 0, OPTION_TEXT, "FILE", AT(baseline), NULL, "comparing",
     "compare with what -o wrote earlier"},
    {"fail-over", 0, OPTION_PERCENT, "PERCENT", AT(fail_over), NULL, "comparing",
     "exit with status 1 if a figure is significantly more, by over PERCENT"},
    {"write-baseline", 'o', OPTION_TEXT, "FILE", AT(write_baseline), NULL, "output",
     "write the figures, as --json does, for --baseline"},
    {"json", 0, OPTION_FLAG, NULL, AT(view.json), NULL, "output",
     "write JSON to standard output, every run's figures included"},
    {"color", 0, OPTION_CHOICE, "WHEN", AT(view.color), barrow_color_names, "output",
     "colours (auto: on a terminal, unless NO_COLOR is set)"},
    OPTIONS_END};

static const struct bench_options defaults = {
    .view = VIEW_DEFAULTS, .runs = 10, .fail_over = NAN, .setup = ""};

const struct barrow_command barrow_command_bench = {
    .usage = "[OPTIONS] STATEMENT\n"
             "[OPTIONS] SCRIPT [ARGS...]\n"
             "[OPTIONS] -m MODULE [ARGS...]",
    .about = "Measures what a statement or a program costs: peak, what stays, allocations,\n"
             "resident memory and time. Each run is a new process. Memory is measured in\n"
             "recorded runs, time and resident memory in runs without recording, each figure\n"
             "as the median of all runs with its 95 % interval. Of a statement its own\n"
             "allocations count, without the start of the interpreter and the setup; of a\n"
             "program all. What it prints goes nowhere.\n"
             "A comparison says by how much the figures are more or less than those of the\n"
             "reference (--vs, --vs-rev, --baseline), and ~ where the runs don't show any\n"
             "difference (Mann-Whitney test, p > 0.05). The two take turns.",
    .examples = "barrow bench '[i for i in range(10**6)]'\n"
                "barrow bench -s 'import json' 'json.loads(\"[1, 2]\")'\n"
                "barrow bench 'sorted(x)' --vs 'x.sort()' -s 'x = list(range(10**6))'\n"
                "barrow bench --vs-rev main load.py data.csv   # the tree as it is, against main\n"
                "barrow bench -o base.json load.py             # then, some day:\n"
                "barrow bench --baseline base.json --fail-over 5 load.py",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .parse = bench_parse,
    .main = bench_main,
};
