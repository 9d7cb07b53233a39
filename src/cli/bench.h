/* barrow bench, its parts: what is measured, how, and how it is shown.
 *
 *     bench.c          the command: options, who is compared with whom, the order of the runs
 *     bench_run.c      one run of one side: recorded for its memory, or plain for its time
 *     bench_process.c  a process under control: its time, how it ended, signals
 *     bench_tree.c     a revision in a git worktree of its own
 *     bench_json.c     the result as JSON, which is what a baseline holds; baselines read
 *     bench_show.c     the result for a person
 *
 * The *subject* is what the command line names first.  The *reference* is what it is compared with:
 * another statement or script, another revision, or a baseline.
 */
#ifndef BARROW_CLI_BENCH_H
#define BARROW_CLI_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/array.h"
#include "base/error.h"
#include "base/json_read.h"
#include "cli/program.h"
#include "cli/terminal.h"

/* X(NAME, key in JSON, words, unit).  Of each, less is better. */
#define BENCH_METRICS(X)                                \
    X(PEAK, "peak_bytes", "peak", BYTES)                \
    X(LIVE, "live_bytes", "live after", BYTES)          \
    X(ALLOCATIONS, "allocations", "allocations", COUNT) \
    X(TOTAL, "total_bytes", "allocated", BYTES)         \
    X(MAX_RSS, "max_rss_bytes", "max RSS", BYTES)       \
    X(TIME, "time_s", "time", SECONDS)
enum bench_metric {
#define X(name, key, words, unit) BENCH_##name,
    BENCH_METRICS(X)
#undef X
    BENCH_METRIC_COUNT
};
enum bench_unit { BENCH_UNIT_BYTES, BENCH_UNIT_COUNT, BENCH_UNIT_SECONDS };
struct bench_metric_info {
    const char *key, *words;
    enum bench_unit unit;
};
extern const struct bench_metric_info bench_metrics[BENCH_METRIC_COUNT];

typedef BARROW_ARRAY(double) bench_values; /* one a run */
enum { BENCH_RUNS_AT_MOST = 10000 };

struct bench_side {
    const char *name;     /* the statement, or the program and its arguments */
    const char *setup;    /* of a statement */
    const char *revision; /* what --vs-rev called it and its commit; NULL: the tree as it is */
    bool is_statement;
    /* How it is run. */
    struct barrow_program program; /* of a statement only the interpreter's options */
    char *command;                 /* memory of a program's name */
    char *script;                  /* its path in a revision's tree; NULL: as it was given */
    char *directory;               /* NULL: here */
    char *python_path;             /* PYTHONPATH; NULL: as it is */
    char *bytecode;                /* the folder for compiled modules; NULL: beside the modules */
    /* What came out. */
    size_t loops; /* executions of a statement in a plain run; `time` is that of one */
    char python[32];
    bench_values metrics[BENCH_METRIC_COUNT];
};

struct bench_result {
    struct bench_side *subject, *reference; /* reference NULL: no comparison */
    size_t runs;          /* of the subject, of each kind */
    const char *baseline; /* the file that the reference was read from, or NULL */
    double fail_over;     /* percent; NAN: --fail-over was not given */
};

/* How a metric of the subject differs from that of the reference. */
struct bench_comparison {
    double before, after;        /* medians */
    double change, low, high;    /* shares, 0.1 is 10 % more; NAN or INFINITY: see table/stats.h */
    double p;
    bool is_significant;         /* p is 0.05 at most */
};
struct bench_comparison bench_compare(const struct bench_result *result, enum bench_metric metric);
/* Whether it is significantly more by over `percent`; false if that is NAN. */
bool bench_is_over(const struct bench_comparison *comparison, double percent);

/* ---- processes (bench_process.c) ---- */

struct bench_variable {
    const char *name, *value; /* value NULL: unset */
};
struct bench_process {
    char *const *argv; /* [0]: a path, or a name to be found on PATH */
    const char *directory; /* NULL: here */
    const struct bench_variable *variables; /* ended by one without a name; may be NULL */
    const char *root_variable; /* is to hold the process' own number; may be NULL */
    const char *output, *errors; /* files for the standard streams; output NULL: nowhere */
};
struct bench_outcome {
    int status; /* as of wait() */
    double seconds;
    double max_rss_bytes;
};
/* Runs a program to its end in a process group of its own, with nothing on standard input.  Fails if
 * it can't be started, or if a signal asked barrow to end meanwhile, which the group was then given. */
int bench_process_run(const struct bench_process *process, struct bench_outcome *outcome,
                      struct barrow_error *err);
/* "ended with status 3: last lines of its standard error"; to be freed. */
char *bench_process_story(int status, const char *errors);

/* SIGINT, SIGTERM and SIGHUP make the present and all further runs fail instead of ending barrow,
 * so that what was put on disk can be removed. */
void bench_signals_begin(void);
/* After that, programs run again: for tidying up. */
void bench_signals_tidy(void);
/* Ends barrow by the signal that came, if one came. */
void bench_signals_end(void);

/* ---- runs (bench_run.c) ---- */

struct bench_place {   /* where runs put their files */
    char *directory;   /* private */
    const char *python;
};
/* A directory of our own below TMPDIR. */
int bench_place_make(struct bench_place *place, struct barrow_error *err);
void bench_place_remove(struct bench_place *place);
/* A folder and all that is in it. */
void bench_remove_tree(const char *path);

/* A run whose figures don't count: it fills caches.  `loops` 0: it also finds out how often a
 * statement is to be executed in a plain run. */
int bench_run_warm_up(struct bench_side *side, const struct bench_place *place, size_t loops,
                      struct barrow_error *err);
/* Each adds one value to the metrics it measures. */
int bench_run_plain(struct bench_side *side, const struct bench_place *place,
                    struct barrow_error *err);
int bench_run_recorded(struct bench_side *side, const struct bench_place *place,
                       struct barrow_error *err);

/* ---- revisions (bench_tree.c) ---- */

struct bench_tree { /* {0}: none */
    char *path;     /* of the worktree */
    char *top;      /* of the user's tree */
    char *revision; /* "main (1a2b3c4d5e)"; outlives the worktree, to be freed */
};
/* Checks `revision` out below `place`, and lets both sides run alike: the reference there, the
 * subject in the user's tree, each with its own tree first on PYTHONPATH.  Nothing is written to the
 * user's tree: compiled modules of both go to `place`. */
int bench_tree_make(struct bench_tree *tree, const char *revision, const struct bench_place *place,
                    struct bench_side *subject, struct bench_side *reference,
                    struct barrow_error *err);
/* Also after a failure.  Call bench_signals_tidy() before. */
void bench_tree_remove(struct bench_tree *tree, const struct bench_place *place);

/* ---- results ---- */

void bench_json_write(FILE *to, const struct bench_result *result);
/* Reads a baseline.  `document` holds its texts and is to be freed with barrow_json_free(). */
int bench_json_read(struct bench_side *side, struct barrow_json_document *document,
                    const char *path, struct barrow_error *err);

void bench_show(const struct barrow_terminal *terminal, const struct bench_result *result);

#endif
