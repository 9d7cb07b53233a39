#include "cli/subcommand.h"

#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"

enum { MAX_SUBCOMMANDS = 16 };

/* "run" of "mem run" */
static const char *last_word(const struct barrow_command_entry *entry)
{
    return strchr(entry->name, ' ') + 1;
}

static int unknown(const struct barrow_command_entry *entries, const char *name,
                   struct barrow_error *err)
{
    const char *names[MAX_SUBCOMMANDS];
    int family = (int)strcspn(entries->name, " ");
    char list[200] = "";
    size_t count = 0;

    for (; entries[count].name && count < MAX_SUBCOMMANDS; count++) {
        names[count] = last_word(&entries[count]);
        strncat(list, count ? ", " : "", sizeof list - strlen(list) - 1);
        strncat(list, names[count], sizeof list - strlen(list) - 1);
    }
    if (!name)
        return barrow_fail(err, BARROW_E_USAGE, "barrow %.*s what? There are: %s", family,
                           entries->name, list);
    const char *near = barrow_nearest(name, names, count);
    if (near)
        return barrow_fail(err, BARROW_E_USAGE,
                           "there is no command '%.*s %.100s'; did you mean '%.*s %s'?", family,
                           entries->name, name, family, entries->name, near);
    return barrow_fail(err, BARROW_E_USAGE, "there is no command '%.*s %.100s'; there are: %s",
                       family, entries->name, name, list);
}

static const struct barrow_command_entry *find(const struct barrow_command_entry *entries,
                                               const char *name)
{
    for (const struct barrow_command_entry *e = entries; e->name; e++)
        if (strcmp(last_word(e), name) == 0)
            return e;
    return NULL;
}

int barrow_subcommand_parse(const struct barrow_command_entry *entries,
                            struct barrow_subcommand *chosen, int argc, char **argv, bool *help,
                            struct barrow_error *err)
{
    const char *name = argc > 0 ? argv[0] : NULL;
    bool explain = false;

    if (name && (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0)) {
        *help = true;
        return 0;
    }
    const struct barrow_command_entry *entry = name ? find(entries, name) : NULL;
    if (!entry)
        return unknown(entries, name, err);
    const struct barrow_command *command = entry->command;
    chosen->values = barrow_allocate(command->values_bytes);
    if (command->defaults)
        memcpy(chosen->values, command->defaults, command->values_bytes);
    int count = (command->parse ? command->parse : barrow_options_parse)(
        command->options, chosen->values, argc - 1, argv + 1, &explain, err);
    if (explain) {
        barrow_help_command(entry);
        return 0;
    }
    chosen->entry = entry;
    if (count > 0)
        memmove(argv, argv + 1, (size_t)count * sizeof *argv);
    return count;
}

int barrow_subcommand_main(const struct barrow_subcommand *chosen, int count, char **operands,
                           struct barrow_error *err)
{
    int rc = chosen->entry ? chosen->entry->command->main(chosen->values, count, operands, err) : 0;

    free(chosen->values);
    return rc;
}
