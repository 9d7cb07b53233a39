/* barrow census: the command; see census.h. */
#include <string.h>

#include "cli/census.h"
#include "cli/command.h"

static int census_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    return barrow_census_files(values, count, operands, err);
}

static const struct barrow_option options[] = {
    VIEW_OPTION_LIMIT(struct census_options), VIEW_OPTION_JSON(struct census_options),
    VIEW_OPTION_COLOR(struct census_options), OPTIONS_END};

static const struct census_options defaults = {.view = VIEW_DEFAULTS};

const struct barrow_command barrow_command_census = {
    .usage = "[OPTIONS] FILE...",
    .about = "Shows how many objects each class had over time, and how many bytes, from the\n"
             "censuses that a watched service took (BARROW_CONFIG, barrow.watch): the\n"
             "growing classes first. Slopes are those of the straight line that fits all\n"
             "censuses best. Of several processes of a run the sum is shown.",
    .examples = "barrow census app.barrow\n"
                "barrow census --json app.barrow | jq '.rows[0]'",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = census_main,
};
