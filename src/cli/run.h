/* Starting a program under the recorder: `barrow run`, and what else begins like it. */
#ifndef BARROW_CLI_RUN_H
#define BARROW_CLI_RUN_H

#include "cli/program.h"

struct barrow_run_options {
    const char *output, *python;
    bool force, quiet, no_children, check_stacks;
    int scope;
    uint64_t max_table;
    const char *lines; /* NULL: not for the line profiler; else patterns as lines/lines.h takes them */
    bool lines_rss;
    bool dig, dig_at_peak; /* heap snapshots: at exit; near the peak */
    uint64_t dig_at;       /* when live bytes reach this; 0: never */
    int dig_on;            /* on this signal: index into barrow_run_signals; 0: none */
    struct barrow_program program;
};

/* Lines of an option table; `type` has a member `run`, these options. */
#define RUN_OPTIONS_COMMON(type, group)                                                         \
    {"output", 'o', OPTION_TEXT, "FILE", offsetof(type, run.output), NULL, group,               \
     "the ledger (NAME.PID.barrow in the working directory by default)"},                       \
        {"force", 'f', OPTION_FLAG, NULL, offsetof(type, run.force), NULL, group,               \
         "overwrite FILE"},                                                                     \
        {"quiet", 'q', OPTION_FLAG, NULL, offsetof(type, run.quiet), NULL, group,               \
         "don't print the closing line"},                                                       \
        {"max-table", 0, OPTION_BYTES, "SIZE", offsetof(type, run.max_table), NULL, group,      \
         "memory for stacks and counters, e.g. 256M (64M or a quarter of the peak by default)"}, \
        {"no-children", 0, OPTION_FLAG, NULL, offsetof(type, run.no_children), NULL, group,     \
         "don't record processes that the program starts"},                                     \
        {"python", 0, OPTION_TEXT, "PATH", offsetof(type, run.python), NULL, group,             \
         "the interpreter (the one barrow is installed beside by default)"}

extern const char *const barrow_run_signals[];

/* A new run's id, in hexadecimal. */
int barrow_run_make_id(char text[33], struct barrow_error *err);

/* Becomes the interpreter; returns only on failure, -1.  Frees the program's words. */
int barrow_run(const struct barrow_run_options *options, struct barrow_error *err);

#endif
