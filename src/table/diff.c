/* Rows of both profiles, joined by what diff_match.c found to be the same. */
#include "table/diff.h"

#include <stdlib.h>
#include <string.h>

#include "table/diff_match.h"
#include "table/stack.h"

const char *barrow_diff_status_name(enum barrow_diff_status status)
{
    static const char *const names[] = {
#define X(name, text) [BARROW_DIFF_##name] = text,
        BARROW_DIFF_STATUSES(X)
#undef X
    };
    return names[status];
}

/* ---- groups ---- */

struct diff {
    const struct barrow_profile *before, *after;
    enum barrow_grouping by;
    struct diff_match match;
    struct diff_pairs groups; /* (file, function), or (callers, line) */
    struct diff_pairs cells;  /* (group, domain): the rows' numbers */
    uint32_t *stacks[2]; /* by stack: number of the stack that ends at a node, by side and node */
    BARROW_ARRAY(struct barrow_diff_row) rows;
};

/* Stacks are equal if their lines are, from the root down; threads don't count. */
static bool number_stacks(struct diff *diff, const struct diff_side *side, uint32_t **stacks)
{
    const struct barrow_profile *profile = side->profile;
    *stacks = malloc((profile->node_count + 1) * sizeof **stacks);
    if (!*stacks)
        return false;
    for (size_t i = 0; i < profile->node_count; i++) {
        const struct barrow_node *node = &profile->nodes[i];
        (*stacks)[i] = 0;
        if (i == 0 || node->is_thread)
            continue;
        uint32_t line = node->is_folded ? 0 : side->lines[side->of_frame[node->frame]].number;
        (*stacks)[i] = diff_pair(&diff->groups, (*stacks)[node->parent], line);
        if (!(*stacks)[i])
            return false;
    }
    return true;
}

/* What a row is, as a number that equal things of both sides have; false: no memory. */
static bool group_of(struct diff *diff, int side_number, const struct barrow_row *row,
                     uint32_t *group)
{
    const struct diff_side *side = side_number ? &diff->match.after : &diff->match.before;
    switch (diff->by) {
    case BARROW_BY_LINE:
        *group = side->lines[side->of_frame[row->frame]].number;
        return true;
    case BARROW_BY_FUNCTION:
        *group = diff_pair(&diff->groups, side->files[row->frame], side->functions[row->frame]);
        return *group != 0;
    case BARROW_BY_FILE:
        *group = side->files[row->frame];
        return true;
    case BARROW_BY_STACK:
        *group = diff->stacks[side_number][row->node];
        return true;
    default:
        *group = diff_text(&diff->match.texts, row->name);
        return *group != 0;
    }
}

/* ---- joining ---- */

static struct barrow_diff_row *cell_of(struct diff *diff, int side, const struct barrow_row *row)
{
    uint32_t group;
    if (!group_of(diff, side, row, &group))
        return NULL;
    uint32_t number = diff_pair(&diff->cells, group, row->domain);
    if (number > diff->rows.count) {
        if (!barrow_array_add(&diff->rows))
            return NULL;
        diff->rows.items[number - 1].status = BARROW_DIFF_NEW;
    }
    return number ? &diff->rows.items[number - 1] : NULL;
}

static uint32_t line_of(const struct diff *diff, const struct barrow_profile *profile,
                        const struct barrow_row *row)
{
    uint32_t leaf;
    if (diff->by != BARROW_BY_STACK)
        return row->line;
    leaf = barrow_stack_leaf(profile, row->node);
    return leaf ? barrow_stack_frame(profile, leaf).line : 0;
}

static const char *file_of(const struct diff *diff, const struct barrow_row *row)
{
    if (diff->by == BARROW_BY_LINE || diff->by == BARROW_BY_FUNCTION)
        return row->file;
    return diff->by == BARROW_BY_FILE ? row->name : "";
}

static bool add_before(struct diff *diff, const struct barrow_row *row)
{
    struct barrow_diff_row *cell = cell_of(diff, 0, row);
    if (!cell)
        return false;
    cell->status = BARROW_DIFF_GONE;
    cell->row = *row;
    cell->before.bytes += row->bytes;
    cell->before.blocks += row->blocks;
    return true;
}

static bool add_after(struct diff *diff, const struct barrow_row *row)
{
    struct barrow_diff_row *cell = cell_of(diff, 1, row);
    if (!cell)
        return false;
    if (cell->status == BARROW_DIFF_GONE) {
        uint32_t line = line_of(diff, diff->before, &cell->row);
        const char *file = file_of(diff, &cell->row);
        cell->old_line = line != line_of(diff, diff->after, row) ? line : 0;
        cell->old_file = strcmp(file, file_of(diff, row)) ? file : NULL;
        cell->status = BARROW_DIFF_GROWN; /* or shrunk, see below */
    }
    cell->row = *row;
    cell->after.bytes += row->bytes;
    cell->after.blocks += row->blocks;
    return true;
}

static bool join(struct diff *diff, const struct barrow_row *before, size_t before_count,
                 const struct barrow_row *after, size_t after_count)
{
    if (!diff_match_init(&diff->match, diff->before, diff->after))
        return false;
    if (diff->by == BARROW_BY_STACK &&
        (!number_stacks(diff, &diff->match.before, &diff->stacks[0]) ||
         !number_stacks(diff, &diff->match.after, &diff->stacks[1])))
        return false;
    for (size_t i = 0; i < before_count; i++)
        if (!add_before(diff, &before[i]))
            return false;
    for (size_t i = 0; i < after_count; i++)
        if (!add_after(diff, &after[i]))
            return false;
    return true;
}

/* ---- the result ---- */

static uint64_t apart(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static int compare_rows(const void *left, const void *right)
{
    const struct barrow_diff_row *a = left, *b = right;
    uint64_t x = apart(a->before.bytes, a->after.bytes);
    uint64_t y = apart(b->before.bytes, b->after.bytes);
    if (x == y) {
        x = apart(a->before.blocks, a->after.blocks);
        y = apart(b->before.blocks, b->after.blocks);
    }
    if (x != y)
        return x > y ? -1 : 1;
    int order = strcmp(a->row.name, b->row.name);
    if (order == 0)
        order = strcmp(a->row.file, b->row.file);
    if (order == 0)
        order = (a->row.line > b->row.line) - (a->row.line < b->row.line);
    if (order == 0)
        order = strcmp(a->row.function, b->row.function);
    if (order == 0)
        order = (int)a->row.domain - (int)b->row.domain;
    if (order == 0)
        order = (int)a->status - (int)b->status;
    return order ? order : (a->row.node > b->row.node) - (a->row.node < b->row.node);
}

static void finish(struct diff *diff, size_t limit, struct barrow_diff_row **rows, size_t *count)
{
    size_t kept = 0;
    for (size_t i = 0; i < diff->rows.count; i++) {
        struct barrow_diff_row row = diff->rows.items[i];
        if (row.before.bytes == row.after.bytes && row.before.blocks == row.after.blocks)
            continue;
        bool less = row.after.bytes < row.before.bytes ||
                    (row.after.bytes == row.before.bytes && row.after.blocks < row.before.blocks);
        if (row.status == BARROW_DIFF_GROWN && less)
            row.status = BARROW_DIFF_SHRUNK;
        diff->rows.items[kept++] = row;
    }
    if (kept)
        qsort(diff->rows.items, kept, sizeof *diff->rows.items, compare_rows);
    *rows = diff->rows.items;
    *count = limit && limit < kept ? limit : kept;
    diff->rows.items = NULL;
}

int barrow_diff_rows(const struct barrow_profile *before, const struct barrow_profile *after,
                     const struct barrow_query *query, struct barrow_diff_row **rows, size_t *count,
                     struct barrow_error *err)
{
    struct diff diff = {.before = before, .after = after, .by = query->by};
    struct barrow_query all = *query;
    struct barrow_row *old = NULL, *new = NULL;
    size_t old_count, new_count;
    int result = -1;

    *rows = NULL;
    *count = 0;
    all.limit = 0;
    if (barrow_profile_rows(before, &all, &old, &old_count, err) < 0 ||
        barrow_profile_rows(after, &all, &new, &new_count, err) < 0)
        goto out;
    if (join(&diff, old, old_count, new, new_count) && barrow_array_reserve(&diff.rows, 1)) {
        finish(&diff, query->limit, rows, count);
        result = 0;
    } else {
        barrow_fail(err, BARROW_E_NO_MEMORY, "no memory to compare the recordings");
    }
out:
    free(old);
    free(new);
    free(diff.stacks[0]);
    free(diff.stacks[1]);
    diff_pairs_free(&diff.groups);
    diff_pairs_free(&diff.cells);
    diff_match_free(&diff.match);
    free(diff.rows.items);
    return result;
}
