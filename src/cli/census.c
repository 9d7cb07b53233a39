/* barrow census: the command; see census.h. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/census.h"
#include "cli/command.h"

/* An operand of digits is a process; a file of that name is ./123. */
static bool is_pid(const char *operand, uint32_t *pid)
{
    if (!*operand || operand[strspn(operand, "0123456789")])
        return false;
    unsigned long number = strlen(operand) < 11 ? strtoul(operand, NULL, 10) : ULONG_MAX;
    *pid = number > INT32_MAX ? 0 : (uint32_t)number;
    return true;
}

static int census_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    uint32_t pid;

    if (count && is_pid(operands[0], &pid)) {
        if (count > 1)
            return barrow_fail(err, BARROW_E_USAGE, "a census is of one process: give one number");
        return barrow_census_pid(values, pid, err);
    }
    return barrow_census_files(values, count, operands, err);
}

static const struct barrow_option options[] = {
    VIEW_OPTION_LIMIT(struct census_options),
    {"top", 0, OPTION_COUNT, "N", offsetof(struct census_options, view.limit), NULL, NULL,
     "the same as --limit"},
    {"stop", 0, OPTION_FLAG, NULL, offsetof(struct census_options, stop), NULL, NULL,
     "let a process stand still while it is read, so that nothing is missed"},
    VIEW_OPTION_JSON(struct census_options),
    VIEW_OPTION_COLOR(struct census_options),
    OPTIONS_END};

static const struct census_options defaults = {.view = VIEW_DEFAULTS};

const struct barrow_command barrow_command_census = {
    .usage = "[OPTIONS] PID\n[OPTIONS] FILE...",
    .about = "Of a running Python process (CPython 3.11 to 3.15), counts the objects by\n"
             "class, with their bytes. Nothing has to be prepared: the process is only read,\n"
             "from outside; nothing is put into it and it goes on. Counted is what the\n"
             "collector tracks and what is reached from that. It takes the same user and a\n"
             "kernel that allows it, or CAP_SYS_PTRACE.\n"
             "Of a FILE, shows how many objects each class had over time, and how many\n"
             "bytes, from the censuses that a watched service took (BARROW_CONFIG,\n"
             "barrow.watch): the growing classes first. Slopes are those of the straight\n"
             "line that fits all censuses best. Of several processes of a run the sum is\n"
             "shown.",
    .examples = "barrow census 4242\n"
                "barrow census --json --top 10 4242\n"
                "barrow census app.barrow\n"
                "barrow census --json app.barrow | jq '.rows[0]'",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = census_main,
};
