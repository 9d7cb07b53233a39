/* barrow: finds the command and runs it.  Knows no command by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/memory.h"
#include "cli/output.h"

#ifndef BARROW_VERSION
#define BARROW_VERSION "0.1.0"
#endif

enum { STATUS_ERROR = 2 };

const struct barrow_command_entry barrow_commands[] = {
#define X(name, summary) {#name, summary, &barrow_command_##name},
    BARROW_COMMANDS(X)
#undef X
        {NULL, NULL, NULL}};

const struct barrow_command_entry *barrow_command_find(const char *name)
{
    for (const struct barrow_command_entry *e = barrow_commands; e->name; e++)
        if (strcmp(e->name, name) == 0)
            return e;
    return NULL;
}

int barrow_command_unknown(const char *name, struct barrow_error *err)
{
    const char *names[64];
    size_t count = 0;
    struct stat info;

    for (; barrow_commands[count].name; count++)
        names[count] = barrow_commands[count].name;
    const char *near = barrow_nearest(name, names, count);
    if (near)
        return barrow_fail(err, BARROW_E_USAGE, "there is no command '%s'; did you mean '%s'?",
                           name, near);
    if (stat(name, &info) == 0)
        return barrow_fail(err, BARROW_E_USAGE,
                           "'%s' is a file, no command; try barrow run %s, or barrow summary %s",
                           name, name, name);
    return barrow_fail(err, BARROW_E_USAGE,
                       "there is no command '%s'; barrow help lists those there are", name);
}

/* One line, whatever names it holds. */
static int fail(const struct barrow_error *err)
{
    fputs("barrow: ", stderr);
    for (const char *p = err->text; *p; p++)
        fputc((unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p, stderr);
    fputc('\n', stderr);
    return STATUS_ERROR;
}

static int run(const struct barrow_command_entry *entry, int argc, char **argv,
               struct barrow_error *err)
{
    const struct barrow_command *command = entry->command;
    bool help = false;
    void *values = barrow_allocate(command->values_bytes);

    if (command->defaults)
        memcpy(values, command->defaults, command->values_bytes);
    int count = (command->parse ? command->parse : barrow_options_parse)(command->options, values,
                                                                         argc, argv, &help, err);
    int rc = count < 0 ? -1 : 0;
    if (help)
        barrow_help_command(entry);
    else if (rc == 0)
        rc = command->main(values, count, argv, err);
    free(values);
    return rc;
}

int main(int argc, char **argv)
{
    struct barrow_error err = {0};
    const char *name = argc > 1 ? argv[1] : NULL;
    int rc = 0;

    if (!name)
        rc = barrow_fail(&err, BARROW_E_USAGE, "a command is missing; barrow help lists them");
    else if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        printf("barrow %s\n", BARROW_VERSION);
    else if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        barrow_help_all();
    else if (name[0] == '-')
        rc = barrow_fail(&err, BARROW_E_USAGE,
                         "there is no option %s here; options follow the command", name);
    else {
        const struct barrow_command_entry *entry = barrow_command_find(name);
        rc = entry ? run(entry, argc - 2, argv + 2, &err) : barrow_command_unknown(name, &err);
    }
    if (rc < 0)
        return fail(&err);
    return barrow_output_end(stdout, "standard output", &err) < 0 ? fail(&err) : rc;
}
