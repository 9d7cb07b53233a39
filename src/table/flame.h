/* Flame graphs: a call tree laid out as cells on a ruler of bytes.
 *
 *     0         start of read                      all bytes
 *     |<module>                             |worker|    depth 1
 *     |main                    |import json |           depth 2
 *     |read         |index  |..|                        depth 3
 *
 * A cell is as wide as what its frame and all it called hold.  Children lie within their parent, the
 * largest at the left; what a frame holds itself stays free at the right.  Inverted, the frames that
 * hold the memory are at depth 1 and their callers below them.
 *
 * Children below a limit are put together in one cell at the right; so the number of cells is bounded
 * by the picture's resolution, however large the tree is.
 */
#ifndef BARROW_TABLE_FLAME_H
#define BARROW_TABLE_FLAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "table/calltree.h"

struct barrow_flame_cell {
    uint32_t parent, first_child, next_sibling; /* 0: none */
    uint32_t depth;
    uint32_t node;    /* of the call tree, for its frame; the largest one's of cells put together */
    uint32_t count;   /* 0: a cell of its own; else how many small ones were put together */
    uint32_t hidden;  /* levels below that were left out for their depth */
    uint64_t largest; /* bytes of `node`'s cell: all, unless put together */
    uint64_t start;  /* on the ruler */
    struct barrow_value total, own;
};

struct barrow_flame {
    struct barrow_flame_cell *cells; /* [0]: the whole; parents before children, each depth from left to right */
    size_t count;
    uint32_t depth;  /* of the deepest cell */
    uint32_t hidden; /* so many levels deeper the stacks go */
};

struct barrow_flame_limits {
    bool inverted;
    uint32_t max_depth;   /* 0: any */
    uint64_t least_bytes; /* smaller cells are put together; 0: none is */
};

/* Free with barrow_flame_free(); the call tree is not needed for the layout afterwards, but cells name its nodes. */
int barrow_flame_build(struct barrow_flame *flame, const struct barrow_calltree *tree,
                       const struct barrow_flame_limits *limits, struct barrow_error *err);
void barrow_flame_free(struct barrow_flame *flame);

#endif
