/* The filter language, compiled for one profile.  Private to src/profile. */
#ifndef BARROW_PROFILE_FILTER_H
#define BARROW_PROFILE_FILTER_H

#include "profile/profile.h"

struct profile_filter {
    bool *nodes;      /* is a stack that ends at this node in? */
    bool *processes;
    bool domains[LEDGER_DOMAIN_COUNT];
};

/* `text` NULL or "": everything is in. */
int profile_filter_init(struct profile_filter *filter, const struct barrow_profile *profile,
                        const char *text, struct barrow_error *err);
void profile_filter_free(struct profile_filter *filter);

static inline bool profile_filter_takes(const struct profile_filter *filter,
                                        const struct barrow_site *site)
{
    return filter->nodes[site->node] && filter->processes[site->process] &&
           filter->domains[site->domain];
}

/* For each node, its thread group's node, 0: none.  To be freed; NULL: no memory. */
uint32_t *profile_threads_of_nodes(const struct barrow_profile *profile);

#endif
