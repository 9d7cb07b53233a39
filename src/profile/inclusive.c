/* Inclusive sums: what was allocated in a unit and in everything it called.
 *
 * A walk over the tree, children before parents.  Each level of the path has a running sum of the
 * subtree below it; when a node is left, its sum is added to the caller's level and, if no node
 * above it is of the same unit, to that unit: so recursion counts a stack once.
 *
 *     path    main ─ f ─ g ─ f      leaving the inner f: `f` is on the path above, only passed up
 *     level    0     1   2   3      leaving the outer f: its sum, which has the inner one, counts
 *
 * Work is O(nodes + sites), whatever the depth of the stacks.
 */
#include <stdlib.h>
#include <string.h>

#include "profile/group.h"

/* Lists of things by node: those of node n are items[start[n]] .. items[start[n + 1] - 1]. */
struct lists {
    uint32_t *start, *items;
};

struct walk {
    const struct barrow_profile *profile;
    const struct barrow_query *query;
    const struct profile_filter *filter;
    const struct profile_units *units;
    struct profile_sums *sums;
    struct lists children, sites;
    uint32_t *pending;            /* nodes to visit, the next one last */
    uint32_t *path;               /* by depth */
    uint32_t *on_path;            /* by unit: how many nodes of the path are of it */
    struct profile_sums *running; /* by depth and domain */
};

static uint32_t parent_of(const struct barrow_profile *profile, size_t i)
{
    return profile->nodes[i].parent;
}

static uint32_t node_of_site(const struct barrow_profile *profile, size_t i)
{
    return profile->sites[i].node;
}

/* Sorts things first..count-1 by the node that `node_of` gives. */
static bool lists_init(struct lists *lists, const struct barrow_profile *profile, size_t first,
                       size_t count, uint32_t (*node_of)(const struct barrow_profile *, size_t))
{
    lists->start = calloc(profile->node_count + 2, sizeof *lists->start);
    lists->items = malloc((count + 1) * sizeof *lists->items);
    if (!lists->start || !lists->items)
        return false;
    for (size_t i = first; i < count; i++)
        lists->start[node_of(profile, i) + 2]++;
    for (size_t i = 2; i < profile->node_count + 2; i++)
        lists->start[i] += lists->start[i - 1];
    /* start[n + 1] is where n's list begins, and moves on to where it ends. */
    for (size_t i = first; i < count; i++)
        lists->items[lists->start[node_of(profile, i) + 1]++] = (uint32_t)i;
    return true;
}

/* Is this a frame, or the root or a thread group, above all frames? */
static bool is_frame(const struct barrow_profile *profile, uint32_t node)
{
    return node != 0 && !profile->nodes[node].is_thread;
}

static void enter(struct walk *walk, uint32_t node, uint32_t depth)
{
    unsigned domains = walk->units->domains;
    struct profile_sums *running = &walk->running[(size_t)depth * domains];
    uint32_t unit = walk->units->of_node[node];
    memset(running, 0, domains * sizeof *running);
    walk->path[depth] = node;
    if (is_frame(walk->profile, node))
        walk->on_path[unit]++;
    for (uint32_t i = walk->sites.start[node]; i < walk->sites.start[node + 1]; i++) {
        uint32_t number = walk->sites.items[i];
        const struct barrow_site *site = &walk->profile->sites[number];
        if (!profile_filter_takes(walk->filter, site))
            continue;
        if (is_frame(walk->profile, node))
            profile_sums_add_site(&running[domains > 1 ? site->domain : 0], walk->profile,
                                  walk->query, number);
        else /* no Python frame: a unit of its own */
            profile_sums_add_site(&walk->sums[profile_unit_sum(walk->units, unit, site->domain)],
                                  walk->profile, walk->query, number);
    }
}

static void leave(struct walk *walk, uint32_t depth)
{
    unsigned domains = walk->units->domains;
    struct profile_sums *running = &walk->running[(size_t)depth * domains];
    uint32_t node = walk->path[depth], unit = walk->units->of_node[node];
    if (!is_frame(walk->profile, node))
        return;
    bool outermost = --walk->on_path[unit] == 0 && !walk->profile->nodes[node].is_folded;
    for (unsigned domain = 0; domain < domains; domain++) {
        profile_sums_add(&(running - domains)[domain], running[domain].value);
        if (outermost)
            profile_sums_add(&walk->sums[profile_unit_sum(walk->units, unit, domain)],
                             running[domain].value);
    }
}

static void walk_tree(struct walk *walk)
{
    const struct barrow_node *nodes = walk->profile->nodes;
    uint32_t pending = 0, depth = 0; /* depth: length of the path */
    walk->pending[pending++] = 0;
    while (pending > 0) {
        uint32_t node = walk->pending[--pending];
        while (depth > nodes[node].depth)
            leave(walk, --depth);
        enter(walk, node, depth++);
        for (uint32_t i = walk->children.start[node]; i < walk->children.start[node + 1]; i++)
            walk->pending[pending++] = walk->children.items[i];
    }
    while (depth > 0)
        leave(walk, --depth);
}

bool profile_sum_inclusive(const struct barrow_profile *profile, const struct barrow_query *query,
                           const struct profile_filter *filter, const struct profile_units *units,
                           struct profile_sums *sums)
{
    struct walk walk = {
        .profile = profile, .query = query, .filter = filter, .units = units, .sums = sums};
    size_t levels = 1;
    for (size_t i = 0; i < profile->node_count; i++)
        if (profile->nodes[i].depth >= levels)
            levels = profile->nodes[i].depth + (size_t)1;
    walk.pending = malloc(profile->node_count * sizeof *walk.pending);
    walk.path = malloc(levels * sizeof *walk.path);
    walk.on_path = calloc(units->examples.count, sizeof *walk.on_path);
    walk.running = malloc(levels * units->domains * sizeof *walk.running);
    bool ok = lists_init(&walk.children, profile, 1, profile->node_count, parent_of) &&
              lists_init(&walk.sites, profile, 0, profile->sites_count, node_of_site) &&
              walk.pending && walk.path && walk.on_path && walk.running;
    if (ok)
        walk_tree(&walk);
    free(walk.children.start);
    free(walk.children.items);
    free(walk.sites.start);
    free(walk.sites.items);
    free(walk.pending);
    free(walk.path);
    free(walk.on_path);
    free(walk.running);
    return ok;
}
