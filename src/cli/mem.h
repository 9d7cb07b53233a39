/* What the commands of `barrow mem` share: mprof's files in the working directory. */
#ifndef BARROW_CLI_MEM_H
#define BARROW_CLI_MEM_H

#include "cli/command.h"
#include "cli/view.h"
#include "series/dat.h"

/* X(name, one line of help): a file mem_NAME.c each, which defines barrow_mem_NAME. */
#define BARROW_MEM_COMMANDS(X)                                       \
    X(run, "sample a program's memory while it runs")                \
    X(list, "the files in this directory, with their numbers")       \
    X(plot, "draw them: in the terminal, as SVG or PNG")              \
    X(peak, "the highest memory")                                    \
    X(rm, "delete files by number or name")                          \
    X(clean, "delete all files that mem run wrote in this directory")

#define X(name, summary) extern const struct barrow_command barrow_mem_##name;
BARROW_MEM_COMMANDS(X)
#undef X

struct barrow_mem_files { /* mprofile_YYYYMMDDhhmmss.dat, the oldest first */
    BARROW_ARRAY(char *) names;
};

int barrow_mem_files_find(struct barrow_mem_files *files, struct barrow_error *err);
void barrow_mem_files_free(struct barrow_mem_files *files);
/* The files that operands name: by number (0: the oldest, -1: the newest) or by path; without any
 * operand, the newest.  `chosen` points into `files` and `operands`. */
int barrow_mem_files_choose(const struct barrow_mem_files *files, int count, char **operands,
                            const char **chosen, struct barrow_error *err);

/* A `parse` of commands that take such operands: -1 is a number, no option. */
int barrow_mem_parse(const struct barrow_option *options, void *values, int argc, char **argv,
                     bool *help, struct barrow_error *err);

/* First member of the options of those that only show or delete. */
struct barrow_mem_options {
    struct barrow_view_options view;
    bool dry_run;
};

/* ---- figures as in the files ---- */

/* "41.3 MiB (from the kernel)" needs to know where a peak comes from. */
const char *barrow_mem_measure_words(enum barrow_measure measure); /* "RSS" */

#endif
