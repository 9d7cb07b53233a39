/* Where a command's product goes: standard output, or a file that appears whole or not at all. */
#ifndef BARROW_CLI_OUTPUT_H
#define BARROW_CLI_OUTPUT_H

#include <stdio.h>

#include "base/error.h"

struct barrow_output {
    FILE *to;
    const char *name; /* for errors */
    char *path;       /* NULL: written in place (standard output, a device, a pipe) */
    char *temporary;  /* beside `path`, renamed to it by barrow_output_commit() */
};

/* `path` NULL or "-": standard output. */
int barrow_output_open(struct barrow_output *output, const char *path, struct barrow_error *err);
/* Finishes the file.  After a failure nothing is left of it. */
int barrow_output_commit(struct barrow_output *output, struct barrow_error *err);
void barrow_output_abandon(struct barrow_output *output);

/* Flushes a stream and says whether all of it was written.  That a pipe's reader went away is no
 * error: it has what it wanted. */
int barrow_output_end(FILE *to, const char *name, struct barrow_error *err);

#endif
