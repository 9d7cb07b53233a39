/* What was never freed, as findings: one for each line that left something behind, with the stack
 * that left most of it. */
#ifndef BARROW_TABLE_LEAKS_H
#define BARROW_TABLE_LEAKS_H

#include "profile/profile.h"

struct barrow_leak {
    uint32_t frame;  /* where it was allocated; 0: without a Python frame */
    uint32_t node;   /* leaf of the stack that holds most of the bytes */
    uint32_t stacks; /* how many stacks lead to the line (or 1) */
    uint64_t bytes, blocks;
    uint64_t node_bytes; /* of that stack */
};

/* By falling bytes.  `by_stack`: one finding a stack instead of one a line.  `filter` as in struct
 * barrow_query.  *leaks is to be freed with free(). */
int barrow_leaks_find(const struct barrow_profile *profile, const char *filter, bool by_stack,
                      struct barrow_leak **leaks, size_t *count, struct barrow_error *err);

#endif
