/* What `barrow top` watches: ledgers named by path, or the one that a process writes; and whether
 * the recorded processes still live. */
#ifndef BARROW_CLI_TOP_TARGET_H
#define BARROW_CLI_TOP_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "profile/profile.h"

struct barrow_top_target { /* {.ledger = -1} is empty */
    const char **paths; /* to load */
    size_t count;
    uint32_t pid; /* as named by the user; 0: files were */

    char *ledger_path; /* of the process' ledger: keeps it, wherever its name leads to later */
    int ledger;
    struct barrow_top_process {
        uint32_t pid;
        int fd; /* of the process (pidfd); -1: it is gone, or was another's */
    } * processes;
    size_t process_count;
};

/* `operands`: one process id, or ledgers (a file whose name is a number: ./123). */
int barrow_top_target_init(struct barrow_top_target *target, int count, char **operands,
                           struct barrow_error *err);
void barrow_top_target_free(struct barrow_top_target *target);

/* Whether a process of the profile that has not said how it ended is alive, on this machine. */
bool barrow_top_target_lives(struct barrow_top_target *target,
                             const struct barrow_profile *profile);

#endif
