/* A command of the executable: what it is called, which options it takes, what it does.
 *
 * From this one record come parsing, `barrow help NAME`, `barrow NAME --help` and the errors.
 */
#ifndef BARROW_CLI_COMMAND_H
#define BARROW_CLI_COMMAND_H

#include <stddef.h>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/options.h"

struct barrow_command {
    const char *usage;    /* what follows `barrow NAME`; several forms are lines of their own */
    const char *about;    /* what it shows and what to know about it; lines of at most 78 columns */
    const char *examples; /* lines `command  # what for`, or NULL */
    const struct barrow_option *options; /* ended by an entry without a name */

    /* The options' values: a copy of `defaults` that the options are written into. */
    const void *defaults;
    size_t values_bytes;

    /* NULL: barrow_options_parse().  Same contract. */
    int (*parse)(const struct barrow_option *options, void *values, int argc, char **argv,
                 bool *help, struct barrow_error *err);
    /* Operands are what is left of the command line.  0; -1 and *err; or 1, the exit status of a
     * command that answers no (output over budget). */
    int (*main)(const void *values, int count, char **operands, struct barrow_error *err);
};

#define X(name, summary) extern const struct barrow_command barrow_command_##name;
BARROW_COMMANDS(X)
#undef X

/* A line of commands.h. */
struct barrow_command_entry {
    const char *name;
    const char *summary;
    const struct barrow_command *command;
};
/* All commands, ended by an entry without a name. */
extern const struct barrow_command_entry barrow_commands[];

const struct barrow_command_entry *barrow_command_find(const char *name);
/* Fails with "no such command", naming the nearest one there is. */
int barrow_command_unknown(const char *name, struct barrow_error *err);

/* Help on standard output: one command, or all of them. */
void barrow_help_command(const struct barrow_command_entry *entry);
void barrow_help_all(void);

#endif
