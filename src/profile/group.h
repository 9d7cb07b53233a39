/* Units and their sums.  Private to src/profile. */
#ifndef BARROW_PROFILE_GROUP_H
#define BARROW_PROFILE_GROUP_H

#include "base/array.h"
#include "profile/filter.h"

struct profile_sums {
    struct barrow_value value[BARROW_METRIC_COUNT];
};

struct profile_units {
    uint32_t *of_node;              /* by node: the unit that a stack ending there belongs to */
    BARROW_ARRAY(uint32_t) examples; /* by unit: a frame or node that shows what it is */
    unsigned domains;               /* sums per unit: one for each domain, or 1 */
};

static inline void profile_sums_add(struct profile_sums *sums, const struct barrow_value *value)
{
    for (int i = 0; i < BARROW_METRIC_COUNT; i++) {
        sums->value[i].bytes += value[i].bytes;
        sums->value[i].blocks += value[i].blocks;
    }
}

/* Where in an array of sums those of a unit in a domain are. */
static inline size_t profile_unit_sum(const struct profile_units *units, uint32_t unit,
                                      enum ledger_domain domain)
{
    return (size_t)unit * units->domains + (units->domains > 1 ? domain : 0);
}

/* Adds what a site counts for in a query. */
static inline void profile_sums_add_site(struct profile_sums *sums,
                                         const struct barrow_profile *profile,
                                         const struct barrow_query *query, size_t site)
{
    if (query->values) {
        sums->value[query->metric].bytes += query->values[site].bytes;
        sums->value[query->metric].blocks += query->values[site].blocks;
    } else {
        profile_sums_add(sums, profile->sites[site].value);
    }
}

/* Adds each site that the filter takes to every unit of its stack, once (inclusive.c).
 * false: no memory. */
bool profile_sum_inclusive(const struct barrow_profile *profile, const struct barrow_query *query,
                           const struct profile_filter *filter, const struct profile_units *units,
                           struct profile_sums *sums);

#endif
