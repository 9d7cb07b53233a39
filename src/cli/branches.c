#include "cli/branches.h"

static size_t print_outer(const struct barrow_branches *b, int levels)
{
    const struct barrow_terminal *t = b->terminal;

    fputs(barrow_style(t, STYLE_DIM), t->out);
    for (int i = 1; i < levels && i < BARROW_BRANCHES_DEEP; i++)
        fputs(b->more[i] ? barrow_pick(t, "\u2502  ", "|  ") : "   ", t->out);
    return levels > 1
               ? 3 * (size_t)(levels < BARROW_BRANCHES_DEEP ? levels - 1 : BARROW_BRANCHES_DEEP - 1)
               : 0;
}

size_t barrow_branches_print(struct barrow_branches *b, bool more)
{
    const struct barrow_terminal *t = b->terminal;
    size_t used = print_outer(b, b->depth);

    if (b->depth < BARROW_BRANCHES_DEEP)
        b->more[b->depth] = more;
    if (b->depth > 0) {
        fputs(more ? barrow_pick(t, "\u251c\u2500 ", "|- ")
                   : barrow_pick(t, "\u2514\u2500 ", "`- "),
              t->out);
        used += 3;
    }
    fputs(barrow_style(t, STYLE_PLAIN), t->out);
    return used;
}

size_t barrow_branches_continue(const struct barrow_branches *b)
{
    size_t used = print_outer(b, b->depth + 1);

    fputs(barrow_style(b->terminal, STYLE_PLAIN), b->terminal->out);
    return used;
}
