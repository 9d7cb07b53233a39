/* Commands of a command: `barrow mem run`, `barrow mem plot`.
 *
 * Each is a struct barrow_command of its own, with its options, help and errors; the list's names
 * hold the whole words ("mem run").  The family's command has struct barrow_subcommand as its
 * values, and calls these two from its `parse` and `main`.
 */
#ifndef BARROW_CLI_SUBCOMMAND_H
#define BARROW_CLI_SUBCOMMAND_H

#include "cli/command.h"

struct barrow_subcommand {
    const struct barrow_command_entry *entry; /* NULL: help was printed already */
    void *values;
};

int barrow_subcommand_parse(const struct barrow_command_entry *entries,
                            struct barrow_subcommand *chosen, int argc, char **argv, bool *help,
                            struct barrow_error *err);
int barrow_subcommand_main(const struct barrow_subcommand *chosen, int count, char **operands,
                           struct barrow_error *err);

#endif
