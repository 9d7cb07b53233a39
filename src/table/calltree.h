/* The call tree: what each function's calls own, from the roots of all stacks.
 *
 * Stacks that differ only in their thread group become one unless threads are wanted.  With
 * `fold_recursion` a frame that is already among the innermost BARROW_CALLTREE_CYCLE frames of the
 * stack is the same node again, so that a function that calls itself, directly or through others,
 * is one node, however deep it went:
 *
 *     main > fib > fib > fib           main > fib            (up to 3 deep)
 *     main > eval > apply > eval       main > eval > apply   (up to 2 deep)
 *
 * Totals stay exact: no bytes are counted twice.
 */
#ifndef BARROW_TABLE_CALLTREE_H
#define BARROW_TABLE_CALLTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/profile.h"

enum { BARROW_CALLTREE_CYCLE = 16 };

struct barrow_calltree_node {
    uint32_t parent, first_child, next_sibling; /* 0: none; siblings by falling bytes */
    uint32_t frame;
    uint32_t recursion; /* how often the deepest stack holds this node; at least 1 */
    bool is_thread, is_folded;
    struct barrow_value own, total;
};

struct barrow_calltree {
    struct barrow_calltree_node *nodes; /* [0]: the root; parents before children */
    size_t count;
};

/* `rows`: of the grouping BARROW_BY_STACK.  Free with barrow_calltree_free(). */
int barrow_calltree_build(struct barrow_calltree *tree, const struct barrow_profile *profile,
                          const struct barrow_row *rows, size_t count, bool threads,
                          bool fold_recursion, struct barrow_error *err);
void barrow_calltree_free(struct barrow_calltree *tree);

/* Next node in drawing order (parents first), staying below `top`; 0 at the end. */
uint32_t barrow_calltree_next(const struct barrow_calltree *tree, uint32_t node, uint32_t top,
                              bool into_children);
/* The node's frame as text is to show it: names of thread groups and left out frames included. */
struct barrow_frame barrow_calltree_frame(const struct barrow_calltree *tree,
                                          const struct barrow_profile *profile, uint32_t node);

#endif
