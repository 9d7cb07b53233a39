/* barrow census: of a live process (census_pid.c), or what a ledger tells of censuses over time
 * (census_file.c).  census.c has the command line and decides by the operand. */
#ifndef BARROW_CLI_CENSUS_H
#define BARROW_CLI_CENSUS_H

#include <stdint.h>

#include "cli/view.h"

struct census_options {
    struct barrow_view_options view;
    bool stop; /* a process, while it is read */
};

int barrow_census_pid(const struct census_options *options, uint32_t pid,
                      struct barrow_error *err);
int barrow_census_files(const struct census_options *options, int count, char **paths,
                        struct barrow_error *err);

#endif
