#include "table/calltree.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/map.h"
#include "table/stack.h"

struct builder {
    const struct barrow_profile *profile;
    bool threads, fold_recursion;
    BARROW_ARRAY(struct barrow_calltree_node) nodes;
    struct barrow_map children; /* (parent, frame, kind) -> node */
    uint32_t *shown_as;         /* profile node -> tree node */
    uint32_t *depth;            /* profile node -> how often its tree node is on its stack */
};

struct child_key {
    uint32_t parent, frame;
    bool is_thread, is_folded;
};

#define SAME_CHILD(nodes, i, key)                                      \
    (nodes[i].parent == key->parent && nodes[i].frame == key->frame && \
     nodes[i].is_thread == key->is_thread && nodes[i].is_folded == key->is_folded)
BARROW_MAP_FIND(find_child, const struct barrow_calltree_node *, const struct child_key *,
                SAME_CHILD)

/* The child of that description, made if it isn't there; 0: no memory. */
static uint32_t child(struct builder *b, const struct child_key *key)
{
    uint32_t hash = barrow_hash_2(key->parent,
                                  (uint64_t)key->frame << 2 | key->is_thread << 1 | key->is_folded);
    if (!barrow_map_reserve(&b->children, 1))
        return 0;
    uint32_t *place = find_child(&b->children, b->nodes.items, key, hash);
    if (*place)
        return *place;
    struct barrow_calltree_node *node = barrow_array_add(&b->nodes);
    if (!node)
        return 0;
    *node = (struct barrow_calltree_node){.parent = key->parent,
                                          .frame = key->frame,
                                          .recursion = 1,
                                          .is_thread = key->is_thread,
                                          .is_folded = key->is_folded};
    uint32_t index = (uint32_t)(b->nodes.count - 1);
    barrow_map_fill(&b->children, place, hash, index);
    return index;
}

/* The node among `from` and its innermost callers that shows `frame` already; 0: none. */
static uint32_t same_frame_above(const struct builder *b, uint32_t from, uint32_t frame)
{
    const struct barrow_calltree_node *nodes = b->nodes.items;

    for (int i = 0; i < BARROW_CALLTREE_CYCLE && from && !nodes[from].is_thread; i++) {
        if (nodes[from].frame == frame && !nodes[from].is_folded)
            return from;
        from = nodes[from].parent;
    }
    return 0;
}

/* Notes that profile node n is one more level of the recursion that `shown` stands for. */
static void count_recursion(struct builder *b, uint32_t n, uint32_t shown)
{
    uint32_t depth = 1, caller = b->profile->nodes[n].parent;

    for (int i = 0; i < 4 * BARROW_CALLTREE_CYCLE && caller; i++) {
        if (b->shown_as[caller] == shown) {
            depth = b->depth[caller] + 1;
            break;
        }
        caller = b->profile->nodes[caller].parent;
    }
    b->depth[n] = depth;
    if (depth > b->nodes.items[shown].recursion)
        b->nodes.items[shown].recursion = depth;
}

/* Finds the tree node of every profile node: parents come first in both. */
static int place_nodes(struct builder *b)
{
    const struct barrow_profile *p = b->profile;

    for (uint32_t n = 1; n < p->node_count; n++) {
        const struct barrow_node *node = &p->nodes[n];
        uint32_t parent = b->shown_as[node->parent];
        struct child_key key = {parent, node->frame, node->is_thread, node->is_folded};
        b->depth[n] = 1;
        if (node->is_thread && !b->threads) {
            b->shown_as[n] = parent;
            continue;
        }
        uint32_t shown = 0;
        if (b->fold_recursion && !node->is_thread && !node->is_folded)
            shown = same_frame_above(b, parent, node->frame);
        if (!shown && !(shown = child(b, &key)))
            return -1;
        if (b->fold_recursion)
            count_recursion(b, n, shown);
        b->shown_as[n] = shown;
    }
    return 0;
}

static int add_rows(struct builder *b, const struct barrow_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t shown = b->shown_as[rows[i].node];
        if (shown == 0 || b->nodes.items[shown].is_thread) {
            struct child_key no_frame = {.parent = shown};
            if (!(shown = child(b, &no_frame)))
                return -1;
        }
        b->nodes.items[shown].own.bytes += rows[i].bytes;
        b->nodes.items[shown].own.blocks += rows[i].blocks;
    }
    return 0;
}

static void sum_up(struct builder *b)
{
    struct barrow_calltree_node *nodes = b->nodes.items;

    for (size_t i = b->nodes.count; i-- > 0;) {
        nodes[i].total.bytes += nodes[i].own.bytes;
        nodes[i].total.blocks += nodes[i].own.blocks;
        if (i) {
            nodes[nodes[i].parent].total.bytes += nodes[i].total.bytes;
            nodes[nodes[i].parent].total.blocks += nodes[i].total.blocks;
        }
    }
}

/* Rising bytes, then blocks, then falling index: linking in this order turns it round. */
static int by_rising_bytes(const void *a, const void *b, void *tree)
{
    const struct barrow_calltree_node *nodes = tree;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    const struct barrow_value *x = &nodes[i].total, *y = &nodes[j].total;

    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    if (x->blocks != y->blocks)
        return x->blocks < y->blocks ? -1 : 1;
    return i < j ? 1 : -1;
}

static int link_children(struct builder *b)
{
    struct barrow_calltree_node *nodes = b->nodes.items;
    size_t count = b->nodes.count;
    uint32_t *order = malloc(count * sizeof *order);

    if (!order)
        return -1;
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order + 1, count - 1, sizeof *order, by_rising_bytes, nodes);
    for (size_t i = 1; i < count; i++) {
        struct barrow_calltree_node *parent = &nodes[nodes[order[i]].parent];
        nodes[order[i]].next_sibling = parent->first_child;
        parent->first_child = order[i];
    }
    free(order);
    return 0;
}

int barrow_calltree_build(struct barrow_calltree *tree, const struct barrow_profile *profile,
                          const struct barrow_row *rows, size_t count, bool threads,
                          bool fold_recursion, struct barrow_error *err)
{
    struct builder b = {.profile = profile, .threads = threads, .fold_recursion = fold_recursion};
    int rc = -1;

    b.shown_as = calloc(profile->node_count + 1, sizeof *b.shown_as);
    b.depth = calloc(profile->node_count + 1, sizeof *b.depth);
    if (b.shown_as && b.depth && barrow_array_add(&b.nodes) && place_nodes(&b) == 0 &&
        add_rows(&b, rows, count) == 0) {
        sum_up(&b);
        rc = link_children(&b);
    }
    free(b.shown_as);
    free(b.depth);
    barrow_map_free(&b.children);
    if (rc < 0) {
        free(b.nodes.items);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory for the call tree");
    }
    tree->nodes = b.nodes.items;
    tree->count = b.nodes.count;
    return 0;
}

void barrow_calltree_free(struct barrow_calltree *tree)
{
    free(tree->nodes);
    tree->nodes = NULL;
}

uint32_t barrow_calltree_next(const struct barrow_calltree *tree, uint32_t node, uint32_t top,
                              bool into_children)
{
    const struct barrow_calltree_node *nodes = tree->nodes;

    if (into_children && nodes[node].first_child)
        return nodes[node].first_child;
    while (node != top && !nodes[node].next_sibling)
        node = nodes[node].parent;
    return node == top ? 0 : nodes[node].next_sibling;
}

struct barrow_frame barrow_calltree_frame(const struct barrow_calltree *tree,
                                          const struct barrow_profile *profile, uint32_t node)
{
    const struct barrow_calltree_node *n = &tree->nodes[node];

    if (n->is_folded)
        return (struct barrow_frame){.function = BARROW_FOLDED_NAME, .file = "", .module = ""};
    return profile->frames[n->frame];
}
