/* Cells are made breadth first: each one's children are appended behind all that are there, so the
 * array is its own queue, and no depth of stack needs recursion.
 *
 * From the roots down, a cell is a node of the call tree.  Inverted, a cell is a set of walkers:
 * each stands on a node of the call tree, began at a node that owns something, and carries its
 * bytes.
 *
 *     cell `decode`, walkers:   a:decode  b:decode  c:decode
 *     one step up each:         a:loads   b:loads   c:read         → cells `loads` {a, b}, `read`
 * {c}
 *
 * The walkers of a cell are a range of one array; those of its children are parts of that range, so
 * the steps are made in place.  Walkers that meet on a node become one: what is above is the same.
 */
#include "table/flame.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

struct walker {
    uint32_t node;
    struct barrow_value value;
};

struct range { /* of walkers */
    size_t first, end;
};

struct layout {
    const struct barrow_calltree *tree;
    const struct barrow_flame_limits *limits;
    BARROW_ARRAY(struct barrow_flame_cell) cells;
    uint32_t *levels; /* node -> levels that follow it: below, or inverted above */
    /* inverted */
    struct walker *walkers;
    BARROW_ARRAY(struct range) ranges; /* of the cells */
    struct found {
        struct barrow_value total, own; /* own: of walkers that are at the end */
        struct range range;
        uint32_t node;
    } * found; /* children of the cell in work */
};

static void add(struct barrow_value *to, const struct barrow_value *value)
{
    to->bytes += value->bytes;
    to->blocks += value->blocks;
}

/* ---- cells ---- */

/* Where the children of one cell go. */
struct pen {
    uint32_t parent, last; /* cells */
    uint64_t start;
    bool putting_together; /* `last` stands for the small ones */
};

static struct barrow_flame_cell *add_cell(struct layout *l, struct pen *pen, uint32_t node,
                                          const struct barrow_value *total)
{
    struct barrow_flame_cell *cell = barrow_array_add(&l->cells);

    if (!cell)
        return NULL;
    struct barrow_flame_cell *cells = l->cells.items;
    uint32_t index = (uint32_t)(l->cells.count - 1);
    *cell = (struct barrow_flame_cell){.parent = pen->parent,
                                       .depth = cells[pen->parent].depth + 1,
                                       .node = node,
                                       .largest = total->bytes,
                                       .start = pen->start,
                                       .total = *total};
    if (pen->last)
        cells[pen->last].next_sibling = index;
    else
        cells[pen->parent].first_child = index;
    pen->last = index;
    pen->start += total->bytes;
    return cell;
}

/* Children come by falling bytes, so the small ones lie side by side. */
static bool put_together(struct layout *l, struct pen *pen, uint32_t node,
                         const struct barrow_value *total)
{
    if (!pen->putting_together) {
        if (!add_cell(l, pen, node, total))
            return false;
        pen->putting_together = true;
    } else {
        add(&l->cells.items[pen->last].total, total);
        pen->start += total->bytes;
    }
    l->cells.items[pen->last].count++;
    return true;
}

static bool may_go_deeper(const struct layout *l, uint32_t cell)
{
    return !l->limits->max_depth || l->cells.items[cell].depth < l->limits->max_depth;
}

/* ---- from the roots down ---- */

static bool expand(struct layout *l, uint32_t cell)
{
    const struct barrow_calltree_node *nodes = l->tree->nodes;
    uint32_t node = l->cells.items[cell].node;
    struct pen pen = {.parent = cell, .start = l->cells.items[cell].start};

    if (l->cells.items[cell].count)
        return true;
    if (!may_go_deeper(l, cell)) {
        l->cells.items[cell].hidden = l->levels[node];
        return true;
    }
    for (uint32_t child = nodes[node].first_child; child; child = nodes[child].next_sibling) {
        const struct barrow_value *total = &nodes[child].total;
        if (total->bytes == 0)
            break;
        if (total->bytes < l->limits->least_bytes) {
            if (!put_together(l, &pen, child, total))
                return false;
            continue;
        }
        struct barrow_flame_cell *made = add_cell(l, &pen, child, total);
        if (!made)
            return false;
        made->own = nodes[child].own;
    }
    return true;
}

static void measure_below(struct layout *l)
{
    const struct barrow_calltree_node *nodes = l->tree->nodes;

    for (size_t n = l->tree->count; n-- > 1;) {
        uint32_t *parent = &l->levels[nodes[n].parent];
        if (nodes[n].total.bytes && l->levels[n] + 1 > *parent)
            *parent = l->levels[n] + 1;
    }
}

/* ---- inverted ---- */

/* What makes two nodes one cell. */
static uint64_t look_of(const struct barrow_calltree_node *node)
{
    return (uint64_t)node->frame << 2 | (uint64_t)node->is_thread << 1 | node->is_folded;
}

static int by_look(const void *left, const void *right, void *tree)
{
    const struct barrow_calltree_node *nodes = tree;
    uint32_t a = ((const struct walker *)left)->node, b = ((const struct walker *)right)->node;
    uint64_t x = look_of(&nodes[a]), y = look_of(&nodes[b]);

    if (x != y)
        return x < y ? -1 : 1;
    return (a > b) - (a < b);
}

static int by_falling_bytes(const void *left, const void *right)
{
    const struct found *a = left, *b = right;

    if (a->total.bytes != b->total.bytes)
        return a->total.bytes > b->total.bytes ? -1 : 1;
    return (a->node > b->node) - (a->node < b->node);
}

/* Sorts the range's walkers, joins those on one node, and finds which look alike. */
static size_t find_children(struct layout *l, struct range range)
{
    const struct barrow_calltree_node *nodes = l->tree->nodes;
    struct walker *walkers = l->walkers;
    size_t end = range.first, count = 0;

    qsort_r(walkers + range.first, range.end - range.first, sizeof *walkers, by_look,
            (void *)(uintptr_t)nodes);
    for (size_t i = range.first; i < range.end; i++) {
        if (end > range.first && walkers[end - 1].node == walkers[i].node)
            add(&walkers[end - 1].value, &walkers[i].value);
        else
            walkers[end++] = walkers[i];
    }
    for (size_t i = range.first; i < end; i++) {
        const struct barrow_calltree_node *node = &nodes[walkers[i].node];
        if (i == range.first || look_of(node) != look_of(&nodes[walkers[i - 1].node]))
            l->found[count++] = (struct found){.range = {.first = i}, .node = walkers[i].node};
        struct found *found = &l->found[count - 1];
        add(&found->total, &walkers[i].value);
        if (!node->parent)
            add(&found->own, &walkers[i].value);
        found->range.end = i + 1;
    }
    qsort(l->found, count, sizeof *l->found, by_falling_bytes);
    return count;
}

/* Each walker goes to its caller; those that have none leave. */
static struct range step(struct layout *l, struct range range)
{
    size_t end = range.first;

    for (size_t i = range.first; i < range.end; i++) {
        uint32_t caller = l->tree->nodes[l->walkers[i].node].parent;
        if (caller)
            l->walkers[end++] = (struct walker){caller, l->walkers[i].value};
    }
    range.end = end;
    return range;
}

static uint32_t levels_above(const struct layout *l, struct range range)
{
    uint32_t most = 0;

    for (size_t i = range.first; i < range.end; i++)
        if (l->levels[l->walkers[i].node] > most)
            most = l->levels[l->walkers[i].node];
    return most;
}

static bool expand_inverted(struct layout *l, uint32_t cell)
{
    struct range range = l->ranges.items[cell];
    struct pen pen = {.parent = cell, .start = l->cells.items[cell].start};

    if (l->cells.items[cell].count)
        return true;
    if (!may_go_deeper(l, cell)) {
        l->cells.items[cell].hidden = levels_above(l, range);
        return true;
    }
    size_t count = find_children(l, cell ? step(l, range) : range);
    for (size_t i = 0; i < count; i++) {
        struct found found = l->found[i];
        if (found.total.bytes < l->limits->least_bytes) {
            if (!put_together(l, &pen, found.node, &found.total))
                return false;
        } else {
            struct barrow_flame_cell *made = add_cell(l, &pen, found.node, &found.total);
            if (!made)
                return false;
            made->own = found.own;
        }
        if (l->ranges.count < l->cells.count) {
            struct range *kept = barrow_array_add(&l->ranges);
            if (!kept)
                return false;
            *kept = found.range;
        }
    }
    return true;
}

/* A walker for each node that owns something. */
static bool start_walkers(struct layout *l)
{
    const struct barrow_calltree_node *nodes = l->tree->nodes;
    size_t count = 0;

    l->walkers = malloc((l->tree->count + 1) * sizeof *l->walkers);
    l->found = malloc((l->tree->count + 1) * sizeof *l->found);
    struct range *whole = barrow_array_add(&l->ranges);
    if (!l->walkers || !l->found || !whole)
        return false;
    for (uint32_t n = 1; n < l->tree->count; n++) {
        if (nodes[n].own.bytes)
            l->walkers[count++] = (struct walker){n, nodes[n].own};
        l->levels[n] = nodes[n].parent ? l->levels[nodes[n].parent] + 1 : 0;
    }
    *whole = (struct range){0, count};
    return true;
}

/* ---- */

static bool lay_out(struct layout *l)
{
    bool inverted = l->limits->inverted;
    struct barrow_flame_cell *whole = barrow_array_add(&l->cells);

    l->levels = calloc(l->tree->count + 1, sizeof *l->levels);
    if (!whole || !l->levels)
        return false;
    whole->total = l->tree->nodes[0].total;
    whole->largest = whole->total.bytes;
    if (inverted && !start_walkers(l))
        return false;
    if (!inverted)
        measure_below(l);
    for (uint32_t cell = 0; cell < l->cells.count; cell++)
        if (inverted ? !expand_inverted(l, cell) : !expand(l, cell))
            return false;
    return true;
}

int barrow_flame_build(struct barrow_flame *flame, const struct barrow_calltree *tree,
                       const struct barrow_flame_limits *limits, struct barrow_error *err)
{
    struct layout l = {.tree = tree, .limits = limits};
    bool ok = lay_out(&l);

    free(l.levels);
    free(l.walkers);
    free(l.found);
    free(l.ranges.items);
    if (!ok) {
        free(l.cells.items);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory for the flame graph");
    }
    *flame = (struct barrow_flame){.cells = l.cells.items, .count = l.cells.count};
    flame->depth = flame->cells[flame->count - 1].depth;
    for (size_t i = 0; i < flame->count; i++)
        if (flame->cells[i].hidden > flame->hidden)
            flame->hidden = flame->cells[i].hidden;
    return 0;
}

void barrow_flame_free(struct barrow_flame *flame)
{
    free(flame->cells);
    flame->cells = NULL;
}
