/* The cheapest order-keeping pairing of two lists of lines.
 *
 * cost(i, j), that of the best pairing which ends with the pair (i, j), needs two predecessors: the
 * best pair of the same distance, found in `by_distance`, and the best of whatever distance above
 * and to the left, kept as a running minimum by column.  With the cost of the lines passed over
 * taken off (`gain`), both are comparable wherever they end, so a cell costs O(1).
 */
#include <stdlib.h>

#include "table/diff_match.h"

enum {
    COST_ALONE = 4,    /* a line without a counterpart */
    COST_DISTANCE = 4, /* a pair that moved by another distance than the one before */
    COST_CALLS = 4,
    COST_BLOCKS = 1,
    COST_MANY_BLOCKS = 4, /* more than twice as many, or as few */
    CELLS_MOST = 1 << 21,
    DISTANCES_MOST = 1 << 20
};

struct cell {          /* pair (i, j) at index i * new_count + j */
    int32_t gain;      /* cost - COST_ALONE * (i + j) */
    uint32_t previous; /* the pair before it; DIFF_NONE: none */
};

struct table {
    const struct diff_place *old, *new;
    size_t old_count, new_count;
    int64_t distance; /* to begin with */
    struct cell *cells;
    uint32_t *by_distance; /* the best cell so far; DIFF_NONE: none */
    int64_t least_distance;
    uint32_t *best; /* by column: the best cell at or left of it, of the rows above */
};

static int unlikeness(const struct diff_place *old, const struct diff_place *new)
{
    uint64_t a = old->blocks, b = new->blocks;
    int cost = old->calls == new->calls ? 0 : COST_CALLS;
    if (a == b)
        return cost;
    return cost + (a / 2 <= b && b / 2 <= a && a && b ? COST_BLOCKS : COST_MANY_BLOCKS);
}

static int64_t distance_of(const struct table *t, size_t i, size_t j)
{
    return (int64_t)t->new[j].line - (int64_t)t->old[i].line;
}

static void fill_cell(struct table *t, size_t i, size_t j)
{
    int64_t distance = distance_of(t, i, j);
    uint32_t same = t->by_distance[distance - t->least_distance];
    uint32_t any = j ? t->best[j - 1] : DIFF_NONE;
    struct cell cell = {.gain = 2 * COST_ALONE + (distance == t->distance ? 0 : COST_DISTANCE),
                        .previous = DIFF_NONE};
    if (same != DIFF_NONE && t->cells[same].gain <= cell.gain)
        cell = (struct cell){t->cells[same].gain, same};
    if (any != DIFF_NONE && t->cells[any].gain + COST_DISTANCE < cell.gain)
        cell = (struct cell){t->cells[any].gain + COST_DISTANCE, any};
    cell.gain += unlikeness(&t->old[i], &t->new[j]) - 2 * COST_ALONE;
    t->cells[i * t->new_count + j] = cell;
}

static bool is_better(const struct table *t, uint32_t one, uint32_t other)
{
    return other == DIFF_NONE || (one != DIFF_NONE && t->cells[one].gain < t->cells[other].gain);
}

/* Row by row; a row's cells become predecessors when it is complete. */
static uint32_t fill(struct table *t)
{
    uint32_t last = DIFF_NONE;
    for (size_t i = 0; i < t->old_count; i++) {
        for (size_t j = 0; j < t->new_count; j++)
            fill_cell(t, i, j);
        uint32_t left = DIFF_NONE;
        for (size_t j = 0; j < t->new_count; j++) {
            uint32_t cell = (uint32_t)(i * t->new_count + j);
            uint32_t *same = &t->by_distance[distance_of(t, i, j) - t->least_distance];
            if (is_better(t, cell, *same))
                *same = cell;
            if (is_better(t, cell, t->best[j]))
                t->best[j] = cell;
            if (is_better(t, left, t->best[j]))
                t->best[j] = left;
            left = t->best[j];
        }
        last = left;
    }
    /* With `gain` as it is counted, leaving all alone has twice the cost of one. */
    return t->cells[last].gain <= 2 * COST_ALONE ? last : DIFF_NONE;
}

/* For generated files of tens of thousands of lines: what moved by no more than the whole. */
static void pair_unmoved(const struct table *t, uint32_t *to)
{
    for (size_t i = 0, j = 0; i < t->old_count && j < t->new_count;) {
        int64_t off = distance_of(t, i, j) - t->distance;
        if (off == 0)
            to[i] = (uint32_t)j;
        i += off >= 0;
        j += off <= 0;
    }
}

static bool align(struct table *t, uint32_t *to)
{
    int64_t most = distance_of(t, 0, t->new_count - 1);
    t->least_distance = distance_of(t, t->old_count - 1, 0);
    if (t->old_count > CELLS_MOST / t->new_count || most - t->least_distance >= DISTANCES_MOST) {
        pair_unmoved(t, to);
        return true;
    }
    size_t distances = (size_t)(most - t->least_distance) + 1;
    t->cells = malloc(t->old_count * t->new_count * sizeof *t->cells);
    t->by_distance = malloc(distances * sizeof *t->by_distance);
    t->best = malloc(t->new_count * sizeof *t->best);
    bool ok = t->cells && t->by_distance && t->best;
    for (size_t i = 0; ok && i < distances; i++)
        t->by_distance[i] = DIFF_NONE;
    for (size_t j = 0; ok && j < t->new_count; j++)
        t->best[j] = DIFF_NONE;
    for (uint32_t at = ok ? fill(t) : DIFF_NONE; at != DIFF_NONE; at = t->cells[at].previous)
        to[at / t->new_count] = at % (uint32_t)t->new_count;
    free(t->cells);
    free(t->by_distance);
    free(t->best);
    return ok;
}

bool diff_align(const struct diff_place *old, size_t old_count, const struct diff_place *new,
                size_t new_count, int64_t distance, uint32_t *to)
{
    size_t same = 0;
    for (size_t i = 0; i < old_count; i++)
        to[i] = DIFF_NONE;
    /* Most functions did not change at all. */
    while (same < old_count && same < new_count && unlikeness(&old[same], &new[same]) == 0 &&
           (int64_t) new[same].line - (int64_t)old[same].line == distance) {
        to[same] = (uint32_t)same;
        same++;
    }
    if (same == old_count || same == new_count)
        return true;
    struct table table = {.old = old + same,
                          .new = new + same,
                          .old_count = old_count - same,
                          .new_count = new_count - same,
                          .distance = distance};
    if (!align(&table, to + same))
        return false;
    for (size_t i = same; i < old_count; i++)
        if (to[i] != DIFF_NONE)
            to[i] += (uint32_t)same;
    return true;
}
