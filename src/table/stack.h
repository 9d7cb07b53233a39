/* Walking one stack of a profile, leaf first, thread groups left out.
 *
 *     for (uint32_t n = barrow_stack_leaf(profile, row->node); n; n = barrow_stack_caller(profile,
 * n))
 *         ... barrow_stack_frame(profile, n) ...
 *
 * A stack without a Python frame has no such n.
 */
#ifndef BARROW_TABLE_STACK_H
#define BARROW_TABLE_STACK_H

#include "profile/profile.h"

/* Function name shown for frames that were left out to keep the table budget. */
#define BARROW_FOLDED_NAME "(frames left out)"

static inline uint32_t barrow_stack_leaf(const struct barrow_profile *p, uint32_t node)
{
    while (node && p->nodes[node].is_thread)
        node = p->nodes[node].parent;
    return node;
}

static inline uint32_t barrow_stack_caller(const struct barrow_profile *p, uint32_t node)
{
    return barrow_stack_leaf(p, p->nodes[node].parent);
}

static inline struct barrow_frame barrow_stack_frame(const struct barrow_profile *p, uint32_t node)
{
    if (p->nodes[node].is_folded)
        return (struct barrow_frame){.function = BARROW_FOLDED_NAME, .file = "", .module = ""};
    return p->frames[p->nodes[node].frame];
}

#endif
