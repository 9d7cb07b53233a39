/* The lines in front of a drawn tree's rows:
 *
 *     ├─ first
 *     │  └─ its child
 *     └─ last
 *
 * A caller that recurses says at each row whether more siblings follow, and steps down and up.
 */
#ifndef BARROW_CLI_BRANCHES_H
#define BARROW_CLI_BRANCHES_H

#include "cli/terminal.h"

enum { BARROW_BRANCHES_DEEP = 64 }; /* deeper rows look as this deep */

struct barrow_branches {
    const struct barrow_terminal *terminal;
    int depth; /* 0: rows without a line */
    bool more[BARROW_BRANCHES_DEEP];
};

/* Prints what stands before a row at the present depth; the columns it took.  `more`: siblings follow. */
size_t barrow_branches_print(struct barrow_branches *b, bool more);
/* The same for a row that continues the one before it: no branch of its own. */
size_t barrow_branches_continue(const struct barrow_branches *b);

static inline void barrow_branches_down(struct barrow_branches *b)
{
    b->depth++;
}
static inline void barrow_branches_up(struct barrow_branches *b)
{
    b->depth--;
}

#endif
