#include "cli/bench.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/memory.h"
#include "cli/run.h"
#include "profile/profile.h"

/* barrow/_bench.py.  It leaves no name behind in the namespace of __main__. */
static const char driver[] = "__import__('barrow._bench', fromlist=['main']).main()";

/* What a statement's driver or a recording tells. */
struct figures {
    double metrics[BENCH_METRIC_COUNT]; /* NAN: not told */
    double loops;
    char python[32];
};

/* ---- the place ---- */

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    remove(path);
    return 0;
}

void bench_remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

int bench_place_make(struct bench_place *place, struct barrow_error *err)
{
    const char *temporary = getenv("TMPDIR");

    place->directory =
        barrow_format("%s/barrow-XXXXXX", temporary && *temporary == '/' ? temporary : "/tmp");
    if (mkdtemp(place->directory))
        return 0;
    barrow_fail(err, BARROW_E_IO, "can't make a directory in %s: %s; set TMPDIR to another",
                temporary && *temporary == '/' ? temporary : "/tmp", strerror(errno));
    free(place->directory);
    place->directory = NULL;
    return -1;
}

void bench_place_remove(struct bench_place *place)
{
    if (place->directory)
        bench_remove_tree(place->directory);
    free(place->directory);
    place->directory = NULL;
}

/* ---- what came out ---- */

static void forget(struct figures *f)
{
    *f = (struct figures){0};
    for (size_t i = 0; i < BENCH_METRIC_COUNT; i++)
        f->metrics[i] = NAN;
}

static void take_figure(struct figures *f, const char *name, const char *value)
{
    if (strcmp(name, "python") == 0)
        snprintf(f->python, sizeof f->python, "%s", value);
    else if (strcmp(name, "loops") == 0)
        f->loops = strtod(value, NULL);
    else if (strcmp(name, "time_ns") == 0)
        f->metrics[BENCH_TIME] = strtod(value, NULL) / 1e9;
    for (size_t i = 0; i < BENCH_METRIC_COUNT; i++)
        if (strcmp(name, bench_metrics[i].key) == 0)
            f->metrics[i] = strtod(value, NULL);
}

/* The lines `name value` of the driver. */
static int read_driver(struct figures *f, const char *path, struct barrow_error *err)
{
    char name[32], value[32];
    FILE *file = fopen(path, "re");

    if (!file)
        return barrow_fail(err, BARROW_E_FORMAT,
                           "the statement ended its process: nothing could be measured");
    while (fscanf(file, "%31s %31s", name, value) == 2)
        take_figure(f, name, value);
    fclose(file);
    return 0;
}

static bool has_ended(const struct barrow_profile *profile)
{
    for (size_t i = 0; i < profile->process_count; i++)
        if (profile->processes[i].is_root)
            return profile->processes[i].complete;
    return false;
}

struct reading {
    struct figures figures;
    struct barrow_error err;
    int rc;
};

/* The program and the processes it started, as one. */
static void load(struct reading *r, const char *directory)
{
    struct barrow_profile *profile;
    const char *paths[] = {directory};

    forget(&r->figures);
    r->rc = barrow_profile_load(&profile, paths, 1, &r->err);
    if (r->rc < 0)
        return;
    if (!has_ended(profile))
        r->rc = barrow_fail(&r->err, BARROW_E_FORMAT,
                            "the recording ended before the program did: is there room for it in "
                            "%s? TMPDIR names another place",
                            directory);
    double *metrics = r->figures.metrics;
    metrics[BENCH_PEAK] = (double)profile->peak_bytes;
    metrics[BENCH_LIVE] = (double)profile->live_bytes;
    metrics[BENCH_ALLOCATIONS] = (double)profile->allocations;
    metrics[BENCH_TOTAL] = (double)profile->total_bytes;
    snprintf(r->figures.python, sizeof r->figures.python, "%s", profile->python);
    barrow_profile_free(profile);
}

/* In a process of its own: a program inherits as its highest resident memory what the process that
 * forked it has, and a large recording takes much to read. */
static int read_recording(struct figures *f, const char *directory, struct barrow_error *err)
{
    struct reading reading = {.rc = -1};
    int ends[2];

    if (pipe(ends) < 0)
        return barrow_fail(err, BARROW_E_IO, "can't make a pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0) {
        load(&reading, directory);
        _exit(write(ends[1], &reading, sizeof reading) != sizeof reading);
    }
    close(ends[1]);
    ssize_t got;
    do
        got = child > 0 ? read(ends[0], &reading, sizeof reading) : 0;
    while (got < 0 && errno == EINTR);
    close(ends[0]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (got != sizeof reading)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "the recording can't be read: out of memory?");
    *f = reading.figures;
    if (reading.rc < 0 && err)
        *err = reading.err;
    return reading.rc;
}

/* ---- one run ---- */

enum run_kind { RUN_WARM_UP, RUN_PLAIN, RUN_RECORDED };
static const char *const driver_modes[] = {"calibrate", "time", "memory"};
static const char *const run_words[] = {"warming up", "plain run", "recorded run"};

struct run {
    struct bench_side *side;
    const struct bench_place *place;
    enum run_kind kind;
    char *ledgers, *result, *errors; /* paths */
    struct figures figures;
    struct bench_outcome outcome;
};

static char **arguments(const struct run *run)
{
    const struct barrow_program *program = &run->side->program;
    char **argv = barrow_allocate((program->count + 9) * sizeof *argv);
    size_t n = 0;

    argv[n++] = barrow_copy(run->place->python);
    for (size_t i = 0; i < program->count; i++)
        argv[n++] = barrow_copy(program->words[i]);
    if (run->side->is_statement) {
        argv[n++] = barrow_copy("-c");
        argv[n++] = barrow_copy(driver);
        argv[n++] =
            barrow_copy(run->kind == RUN_WARM_UP && run->side->loops ? driver_modes[RUN_PLAIN]
                                                                     : driver_modes[run->kind]);
        argv[n++] = barrow_format("%zu", run->side->loops ? run->side->loops : 1);
        argv[n++] = barrow_copy(run->result);
        argv[n++] = barrow_copy(run->side->setup);
        argv[n++] = barrow_copy(run->side->name);
    }
    return argv;
}

/* Starts the program.  The variables are those of `barrow run`; without a recording none is left,
 * or the program would be part of one that barrow itself is in. */
static int execute(struct run *run, struct barrow_error *err)
{
    bool record = run->kind == RUN_RECORDED;
    char run_id[33], **argv = arguments(run);
    char *ledger = barrow_format("%s/bench.barrow", run->ledgers);
    const struct bench_side *side = run->side;
    const struct bench_variable variables[] = {
        {"PYTHONPATH", side->python_path ? side->python_path : getenv("PYTHONPATH")},
        {"PYTHONPYCACHEPREFIX", side->bytecode ? side->bytecode : getenv("PYTHONPYCACHEPREFIX")},
        {"PYTHONDONTWRITEBYTECODE", side->bytecode ? NULL : getenv("PYTHONDONTWRITEBYTECODE")},
        {"BARROW_RUN", record ? run_id : NULL},
        {"BARROW_OUT", record ? ledger : NULL},
        {"BARROW_OPTIONS", record ? "mode=count,scope=all,children=1,quiet=1" : NULL},
        {"BARROW_ROOT", NULL},
        {"BARROW_LINES", NULL},
        {"BARROW_PYTHON", NULL},
        {"BARROW_PYTHON_OPTIONS", NULL},
        {NULL, NULL}};
    struct bench_process process = {.argv = argv,
                                    .directory = side->directory,
                                    .variables = variables,
                                    .root_variable = record ? "BARROW_ROOT" : NULL,
                                    .errors = run->errors};
    int rc = barrow_run_make_id(run_id, err);

    if (rc == 0)
        rc = bench_process_run(&process, &run->outcome, err);
    for (size_t i = 0; argv[i]; i++)
        free(argv[i]);
    free(argv);
    free(ledger);
    return rc;
}

/* "the statement", or the script's name. */
static int fail_run(const struct run *run, const char *story, struct barrow_error *err)
{
    const struct bench_side *side = run->side;

    return barrow_fail(err, BARROW_E_FORMAT, "%.80s%s%s (%s) %s",
                       side->is_statement ? "the statement" : side->name,
                       side->revision ? " at " : "", side->revision ? side->revision : "",
                       run_words[run->kind], story);
}

static int measure(struct run *run, struct barrow_error *err)
{
    if (mkdir(run->ledgers, 0700) < 0)
        return barrow_fail(err, BARROW_E_IO, "can't make %s: %s", run->ledgers, strerror(errno));
    forget(&run->figures);
    if (execute(run, err) < 0)
        return -1;
    if (run->outcome.status != 0) {
        char *story = bench_process_story(run->outcome.status, run->errors);
        int rc = fail_run(run, story, err);
        free(story);
        return rc;
    }
    if (run->side->is_statement)
        return read_driver(&run->figures, run->result, err);
    return run->kind == RUN_RECORDED ? read_recording(&run->figures, run->ledgers, err) : 0;
}

static int do_run(struct run *run, struct barrow_error *err)
{
    run->ledgers = barrow_format("%s/ledgers", run->place->directory);
    run->result = barrow_format("%s/ledgers/figures", run->place->directory);
    run->errors = barrow_format("%s/stderr", run->place->directory);
    int rc = measure(run, err);
    bench_remove_tree(run->ledgers);
    free(run->ledgers);
    free(run->result);
    free(run->errors);
    return rc;
}

static int add(struct bench_side *side, enum bench_metric metric, double value,
               struct barrow_error *err)
{
    if (isnan(value))
        return barrow_fail(err, BARROW_E_FORMAT,
                           "no figure for %s: is barrow of the same version "
                           "there as this command?",
                           bench_metrics[metric].words);
    double *to = barrow_array_add(&side->metrics[metric]);
    if (!to)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    *to = value;
    return 0;
}

int bench_run_warm_up(struct bench_side *side, const struct bench_place *place, size_t loops,
                      struct barrow_error *err)
{
    struct run run = {.side = side, .place = place, .kind = RUN_WARM_UP};

    side->loops = side->is_statement ? loops : 1;
    if (do_run(&run, err) < 0)
        return -1;
    if (side->loops == 0)
        side->loops = (size_t)run.figures.loops;
    return 0;
}

int bench_run_plain(struct bench_side *side, const struct bench_place *place,
                    struct barrow_error *err)
{
    struct run run = {.side = side, .place = place, .kind = RUN_PLAIN};

    if (do_run(&run, err) < 0)
        return -1;
    double time = side->is_statement ? run.figures.metrics[BENCH_TIME] / (double)side->loops
                                     : run.outcome.seconds;
    if (add(side, BENCH_TIME, time, err) < 0)
        return -1;
    return add(side, BENCH_MAX_RSS, run.outcome.max_rss_bytes, err);
}

int bench_run_recorded(struct bench_side *side, const struct bench_place *place,
                       struct barrow_error *err)
{
    static const enum bench_metric told[] = {BENCH_PEAK, BENCH_LIVE, BENCH_ALLOCATIONS,
                                             BENCH_TOTAL};
    struct run run = {.side = side, .place = place, .kind = RUN_RECORDED};

    if (do_run(&run, err) < 0)
        return -1;
    memcpy(side->python, run.figures.python, sizeof side->python);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (add(side, told[i], run.figures.metrics[told[i]], err) < 0)
            return -1;
    return 0;
}
