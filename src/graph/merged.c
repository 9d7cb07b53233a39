/* Merged paths: the union of the paths of many objects, folded by what the steps are called.
 *
 * Each vertex has one path, so it has one node: that of its parent, and from there the child of its
 * step's name and its class.  `node_of` remembers it, and a walk ends where it meets what is known:
 *
 *     [0] app.cache[0]  ─┐                      node 3: app.cache   1 vertex
 *     [1] app.cache[1]  ─┼──► one node, [*]     node 4: [*]         3 vertices
 *     [2] app.cache[2]  ─┘
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/map.h"
#include "graph/paths.h"

enum { DEEPEST = 200 }; /* deeper steps share the last node */

struct merge {
    const struct barrow_paths *paths;
    const struct barrow_heap *heap;
    BARROW_ARRAY(struct barrow_merged_node) nodes;
    struct barrow_map map;
    uint32_t *node_of; /* by vertex: its node + 1; 0: not known yet */
    uint8_t *covered;  /* by vertex, for retained: one of the enum below */
    BARROW_ARRAY(uint32_t) climbed;
    uint64_t unreached;
};
enum { UNKNOWN, CLEAR, COVERED, ASKED };

struct key {
    uint32_t parent, name, type;
};
#define SAME_NODE(nodes, i, key)                                           \
    ((nodes)[i].parent == (key).parent && (nodes)[i].name == (key).name && \
     (nodes)[i].type == (key).type)
BARROW_MAP_FIND(find_node, const struct barrow_merged_node *, struct key, SAME_NODE)

/* ---- from vertices to nodes ---- */

static bool is_dict_vertex(const struct merge *m, uint32_t vertex)
{
    struct barrow_step step;

    return barrow_paths_step(m->paths, vertex, &step) &&
           barrow_step_is_dict(m->paths->graph, step.name, vertex);
}

/* A step's name without what tells its objects apart. */
static uint32_t fold_name(const struct merge *m, const struct barrow_step *step)
{
    uint32_t kind = step->name >> HEAP_NAME_SHIFT;

    if (barrow_step_is_item(m->paths->graph, step->from, step->name)) {
        /* Of an object's own dict: an attribute like any other. */
        bool attribute = is_dict_vertex(m, step->from);
        return HEAP_NAME(HEAP_NAME_VALUE, attribute ? barrow_step_key(m->paths->graph, step) : 0);
    }
    switch ((enum heap_name)kind) {
    case HEAP_NAME_ATTRIBUTE:
    case HEAP_NAME_VARIABLE:
    case HEAP_NAME_INTERNAL:
        return step->name;
    default:
        return HEAP_NAME(kind, 0);
    }
}

/* The child of `parent` with that name and type, new or not; its number + 1, 0: no memory. */
static uint32_t enter(struct merge *m, uint32_t parent, uint32_t name, uint32_t type,
                      uint32_t vertex)
{
    struct key key = {parent, name, type};
    uint32_t hash = barrow_hash_2((uint64_t)parent << 32 | name, type);

    if (!barrow_map_reserve(&m->map, 1))
        return 0;
    uint32_t *found = find_node(&m->map, m->nodes.items, key, hash);
    if (!*found) {
        uint32_t depth = m->nodes.items[parent].depth + 1;
        struct barrow_merged_node *node = barrow_array_add(&m->nodes);
        if (!node)
            return 0;
        *node = (struct barrow_merged_node){
            .parent = parent, .name = name, .type = type, .example = vertex, .depth = depth};
        barrow_map_fill(&m->map, found, hash, (uint32_t)m->nodes.count - 1);
    }
    return *found + 1;
}

/* Roots are nodes by themselves, told apart by their number. */
static uint32_t enter_root(struct merge *m, uint32_t parent, uint32_t vertex)
{
    uint32_t name = HEAP_NAME(15, vertex - m->heap->object_count);
    uint32_t node = enter(m, parent, name, 0, vertex);

    if (node)
        m->nodes.items[node - 1].vertices = 1;
    return node;
}

static uint32_t enter_object(struct merge *m, uint32_t parent, uint32_t vertex)
{
    struct barrow_step step;
    const struct barrow_merged_node *above = &m->nodes.items[parent];

    barrow_paths_step(m->paths, vertex, &step);
    if (barrow_step_is_dict(m->paths->graph, step.name, vertex) && above->type)
        return parent + 1; /* folded into its owner */
    uint32_t name = fold_name(m, &step), type = m->heap->type[vertex];
    uint32_t kind = name >> HEAP_NAME_SHIFT;
    bool again = above->name == name && above->type == type &&
                 (kind == HEAP_NAME_ATTRIBUTE || (name & HEAP_NAME_MASK));
    uint32_t node = parent + 1;
    if (again || above->depth >= DEEPEST)
        m->nodes.items[parent].repeats = true;
    else
        node = enter(m, parent, name, type, vertex);
    if (node)
        m->nodes.items[node - 1].vertices++;
    return node;
}

/* The node of a vertex + 1; 0: no memory. */
static uint32_t node_of(struct merge *m, uint32_t vertex)
{
    m->climbed.count = 0;
    for (uint32_t v = vertex; v != 0 && !m->node_of[v]; v = m->paths->parent[v]) {
        uint32_t *place = barrow_array_add(&m->climbed);
        if (!place)
            return 0;
        *place = v;
    }
    size_t left = m->climbed.count;
    uint32_t top = left ? m->climbed.items[left - 1] : vertex;
    uint32_t node = left && m->paths->parent[top] != 0 ? m->node_of[m->paths->parent[top]] : 1;
    if (!left)
        return vertex ? m->node_of[vertex] : 1;
    while (left-- && node) {
        uint32_t v = m->climbed.items[left];
        node =
            v > m->heap->object_count ? enter_root(m, node - 1, v) : enter_object(m, node - 1, v);
        m->node_of[v] = node;
    }
    return node;
}

/* ---- sums ---- */

/* Is there one of the objects asked for above this one in the dominator tree? */
static bool is_covered(struct merge *m, uint32_t vertex)
{
    const uint32_t *idom = m->paths->graph->idom;
    uint32_t v = idom[vertex];

    while (v != GRAPH_NONE && v != 0 && m->covered[v] == UNKNOWN)
        v = idom[v];
    bool covered = v != GRAPH_NONE && v != 0 && m->covered[v] != CLEAR;
    for (uint32_t u = idom[vertex]; u != v; u = idom[u])
        m->covered[u] = covered ? COVERED : CLEAR;
    return covered;
}

static bool add_objects(struct merge *m, const uint32_t *objects, size_t count)
{
    const struct barrow_graph *graph = m->paths->graph;

    for (size_t i = 0; i < count; i++)
        m->covered[objects[i]] = ASKED;
    for (size_t i = 0; i < count; i++) {
        uint32_t v = objects[i];
        if (v != 0 && m->paths->parent[v] == GRAPH_NONE) {
            m->unreached++;
            continue;
        }
        uint32_t node = node_of(m, v);
        if (!node)
            return false;
        struct barrow_merged_node *n = &m->nodes.items[node - 1];
        n->ends++;
        n->objects++;
        n->bytes += barrow_graph_is_root(graph, v) ? 0 : barrow_heap_bytes(m->heap, v);
        if (!is_covered(m, v))
            n->retained += graph->retained[v];
    }
    for (size_t i = m->nodes.count; i-- > 1;) {
        const struct barrow_merged_node *n = &m->nodes.items[i];
        struct barrow_merged_node *parent = &m->nodes.items[n->parent];
        parent->objects += n->objects;
        parent->bytes += n->bytes;
        parent->retained += n->retained;
    }
    return true;
}

static int by_parent(const void *a, const void *b, void *nodes)
{
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    const struct barrow_merged_node *x = (struct barrow_merged_node *)nodes + i;
    const struct barrow_merged_node *y = (struct barrow_merged_node *)nodes + j;

    if (x->parent != y->parent)
        return x->parent < y->parent ? -1 : 1;
    if (x->objects != y->objects)
        return x->objects > y->objects ? -1 : 1;
    if (x->retained != y->retained)
        return x->retained > y->retained ? -1 : 1;
    return i < j ? -1 : i > j;
}

/* Lists each node's children. */
static bool sort_children(struct merge *m, struct barrow_merged *merged)
{
    uint32_t count = (uint32_t)m->nodes.count;
    uint32_t *order = calloc(count, sizeof *order);

    merged->order = order;
    if (!order)
        return false;
    for (uint32_t i = 1; i < count; i++)
        order[i - 1] = i;
    qsort_r(order, count - 1, sizeof *order, by_parent, m->nodes.items);
    for (uint32_t i = count - 1; i-- > 0;) {
        struct barrow_merged_node *parent = &m->nodes.items[m->nodes.items[order[i]].parent];
        parent->first_child = i;
        parent->children++;
    }
    return true;
}

int barrow_merged_of(struct barrow_merged *merged, const struct barrow_paths *paths,
                     const uint32_t *objects, size_t count, struct barrow_error *err)
{
    struct merge m = {.paths = paths, .heap = paths->graph->heap};

    *merged = (struct barrow_merged){0};
    m.node_of = calloc(paths->graph->vertex_count, sizeof *m.node_of);
    m.covered = calloc(paths->graph->vertex_count, 1);
    bool ok = m.node_of && m.covered && barrow_array_add(&m.nodes) &&
              add_objects(&m, objects, count) && sort_children(&m, merged);
    free(m.node_of);
    free(m.covered);
    free(m.climbed.items);
    barrow_map_free(&m.map);
    merged->nodes = m.nodes.items;
    merged->count = (uint32_t)m.nodes.count;
    merged->unreached = m.unreached;
    if (ok)
        return 0;
    barrow_merged_free(merged);
    return barrow_fail(err, BARROW_E_NO_MEMORY,
                       "not enough memory to merge the paths of %zu objects", count);
}

void barrow_merged_free(struct barrow_merged *merged)
{
    free(merged->nodes);
    free(merged->order);
    *merged = (struct barrow_merged){0};
}

/* ---- reading it ---- */

uint32_t barrow_merged_common(const struct barrow_merged *merged, double share)
{
    double least = share * (double)merged->nodes[0].objects;
    uint32_t node = 0;

    while (merged->nodes[node].children) {
        uint32_t child = merged->order[merged->nodes[node].first_child];
        if ((double)merged->nodes[child].objects < least)
            break;
        node = child;
    }
    return node;
}

static bool is_root_node(const struct barrow_merged *merged, uint32_t node)
{
    return merged->nodes[node].type == 0;
}

void barrow_merged_step_words(struct barrow_buffer *out, const struct barrow_merged *merged,
                              const struct barrow_paths *paths, uint32_t node)
{
    const struct barrow_merged_node *n = &merged->nodes[node];
    const struct barrow_graph *graph = paths->graph;
    struct barrow_step step, before;

    if (is_root_node(merged, node)) {
        barrow_words_vertex(out, graph, n->example);
        return;
    }
    if (!barrow_paths_step(paths, n->example, &step))
        return;
    bool exact = n->vertices == 1;
    bool after = barrow_paths_step(paths, step.from, &before) &&
                 barrow_step_is_dict(graph, before.name, before.to);
    if (barrow_graph_is_root(graph, step.from))
        barrow_words_start(out, graph, &step);
    else
        barrow_words_step(out, graph, &step, after,
                          exact ? BARROW_WORDS_EXACT : BARROW_WORDS_MERGED);
    if (n->repeats)
        barrow_buffer_add_text(out, "...");
}

void barrow_merged_words(struct barrow_buffer *out, const struct barrow_merged *merged,
                         const struct barrow_paths *paths, uint32_t node)
{
    uint32_t chain[DEEPEST + 2], length = 0, first = 0;
    struct barrow_step step;

    for (uint32_t n = node; n && length < DEEPEST + 2; n = merged->nodes[n].parent)
        chain[length++] = n;
    if (length == 0 || is_root_node(merged, node)) {
        barrow_words_vertex(out, paths->graph, merged->nodes[node].example);
        return;
    }
    while (length--) {
        if (is_root_node(merged, chain[length]))
            continue;
        if (!first)
            first = chain[length];
        barrow_merged_step_words(out, merged, paths, chain[length]);
    }
    uint32_t v = first ? merged->nodes[first].example : 0;
    while (v && barrow_paths_step(paths, v, &step) &&
           !barrow_graph_is_root(paths->graph, step.from))
        v = step.from;
    if (v && barrow_paths_step(paths, v, &step))
        barrow_words_origin(out, paths->graph, &step);
}
