/* barrow help [COMMAND]: made from the commands' own records. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/memory.h"

enum { OPTION_WIDTH = 26, HELP_WIDTH = 52 };

/* "-o, --output FILE" */
static char *spelling(const struct barrow_option *o)
{
    char letter[] = {'-', o->letter, ',', ' ', '\0'};

    return barrow_format("%s--%s%s%s", o->letter ? letter : "    ", o->name, o->argument ? " " : "",
                         o->argument ? o->argument : "");
}

/* Prints text in lines of HELP_WIDTH columns, all but the first indented to the second column. */
static void print_wrapped(const char *text)
{
    size_t used = 0;

    while (*text) {
        size_t word = strcspn(text, " ");
        if (used && used + 1 + word > HELP_WIDTH) {
            printf("\n%*s", OPTION_WIDTH + 2, "");
            used = 0;
        }
        printf("%s%.*s", used ? " " : "", (int)word, text);
        used += word + (used ? 1 : 0);
        text += word;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static void print_option(const struct barrow_option *o)
{
    char *text = spelling(o);

    if (strlen(text) >= OPTION_WIDTH)
        printf("  %s\n%*s", text, OPTION_WIDTH + 2, "");
    else
        printf("  %-*s", OPTION_WIDTH, text);
    free(text);
    char *words = barrow_copy(o->help);
    if (o->kind == OPTION_CHOICE) {
        for (size_t i = 0; o->choices[i]; i++) {
            char *longer = barrow_format("%s%s %s", words, i ? "," : ":", o->choices[i]);
            free(words);
            words = longer;
        }
    }
    print_wrapped(words);
    free(words);
}

static void print_options(const struct barrow_option *options)
{
    const char *group = NULL;

    for (const struct barrow_option *o = options; o->name; o++) {
        const char *heading = o->group ? o->group : "options";
        if (!group || strcmp(group, heading) != 0)
            printf("\n%s:\n", heading);
        group = heading;
        print_option(o);
    }
}

static void print_lines(const char *prefix, const char *lines)
{
    while (*lines) {
        size_t length = strcspn(lines, "\n");
        printf("%s%.*s\n", prefix, (int)length, lines);
        lines += length + (lines[length] == '\n');
    }
}

void barrow_help_command(const struct barrow_command_entry *entry)
{
    const struct barrow_command *command = entry->command;
    char *prefix = barrow_format("  barrow %s ", entry->name);

    printf("barrow %s: %s\n\nusage:\n", entry->name, entry->summary);
    print_lines(prefix, command->usage);
    printf("\n%s\n", command->about);
    if (command->options)
        print_options(command->options);
    if (command->examples) {
        printf("\nexamples:\n");
        print_lines("  ", command->examples);
    }
    free(prefix);
}

void barrow_help_all(void)
{
    puts("barrow finds out where a Python program's memory goes.\n\n"
         "usage:\n"
         "  barrow COMMAND [OPTIONS] ...\n\n"
         "commands:");
    for (const struct barrow_command_entry *e = barrow_commands; e->name; e++)
        printf("  %-11s %s\n", e->name, e->summary);
    puts("\nexamples:\n"
         "  barrow run app.py                 # record: writes app.PID.barrow\n"
         "  barrow summary app.1234.barrow    # the recording on one page\n"
         "  barrow table app.1234.barrow      # the lines that own the memory at the peak\n"
         "\nbarrow help COMMAND explains one; barrow --version says which barrow this is.");
}

static int help_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    (void)values;
    if (count > 1)
        return barrow_fail(err, BARROW_E_USAGE, "help explains one command at a time");
    if (count == 0) {
        barrow_help_all();
        return 0;
    }
    const struct barrow_command_entry *entry = barrow_command_find(operands[0]);
    if (!entry)
        return barrow_command_unknown(operands[0], err);
    barrow_help_command(entry);
    return 0;
}

static const struct barrow_option options[] = {OPTIONS_END};

const struct barrow_command barrow_command_help = {
    .usage = "[COMMAND]",
    .about = "Lists the commands, or explains one. `barrow COMMAND --help` is the same.",
    .examples = "barrow help run",
    .options = options,
    .main = help_main,
};
