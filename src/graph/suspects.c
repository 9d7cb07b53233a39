/* Leak suspects. */
#include "graph/suspects.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* Eclipse MAT's constants. */
static const double big_drop = 0.7; /* child/parent below it: the objects pile up here */
static const double same_way = 0.8; /* of a group's objects, on one path */
enum { GROUP_SAMPLE = 10000 };      /* of a group, whose paths are merged */
enum {
    CHAIN_LEAST = 8,
    FEW_PARTS = 4
}; /* of one class in a row: a chain; large parts of a container */

struct hunt {
    struct barrow_graph *graph;
    const struct barrow_heap *heap;
    const struct barrow_paths *paths;
    const struct barrow_suspect_query *query;
    uint64_t least;   /* bytes that a suspect needs */
    uint64_t *weight; /* by vertex: bytes that count, at or below it */
    uint32_t *number; /* ... and how many objects */
    uint64_t *by_type;
    uint32_t *examples; /* sample of a group */
    BARROW_ARRAY(uint32_t) todo;
    BARROW_ARRAY(uint32_t) small; /* children left over, tops first */
    BARROW_ARRAY(struct barrow_suspect) found;
    struct barrow_error *err;
};

static int no_memory(struct hunt *h)
{
    return barrow_fail(h->err, BARROW_E_NO_MEMORY, "not enough memory to look for leaks");
}

static bool is_object(const struct hunt *h, uint32_t vertex)
{
    return !barrow_graph_is_root(h->graph, vertex);
}

static uint32_t flags_of(const struct hunt *h, uint32_t vertex)
{
    return is_object(h, vertex) ? h->heap->types[h->heap->type[vertex]].flags : 0;
}

/* ---- weights ---- */

/* Adds what counts up the dominator tree, leaves first. */
static int weigh(struct hunt *h)
{
    const struct barrow_graph *g = h->graph;
    uint32_t *pending = calloc(g->vertex_count, sizeof *pending);
    uint32_t *queue = malloc(g->vertex_count * sizeof *queue), end = 0;

    if (!pending || !queue) {
        free(pending);
        free(queue);
        return no_memory(h);
    }
    for (uint32_t v = 0; v < g->vertex_count; v++) {
        if (is_object(h, v) && h->query->counts[v]) {
            h->weight[v] = barrow_heap_bytes(h->heap, v);
            h->number[v] = 1;
        }
        pending[v] = g->child_start[v + 1] - g->child_start[v];
        if (!pending[v])
            queue[end++] = v;
    }
    for (uint32_t i = 0; i < end; i++) {
        uint32_t v = queue[i], up = g->idom[v];
        if (up == GRAPH_NONE)
            continue;
        h->weight[up] += h->weight[v];
        h->number[up] += h->number[v];
        if (--pending[up] == 0)
            queue[end++] = up;
    }
    free(pending);
    free(queue);
    return 0;
}

/* ---- suspects ---- */

static struct barrow_suspect *add_suspect(struct hunt *h, const uint32_t *members, size_t count)
{
    struct barrow_suspect *s = barrow_array_add(&h->found);

    if (!s)
        return NULL;
    s->members = malloc((count + 1) * sizeof *members);
    if (!s->members)
        return NULL;
    memcpy(s->members, members, count * sizeof *members);
    s->member_count = count;
    for (size_t i = 0; i < count; i++) {
        s->bytes += h->weight[members[i]];
        s->objects += h->number[members[i]];
    }
    return s;
}

/* The class that weighs most among them. */
static uint32_t main_type(struct hunt *h, const uint32_t *members, size_t count)
{
    uint32_t best = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t type = h->heap->type[members[i]];
        h->by_type[type] += h->weight[members[i]] + 1;
        if (h->by_type[type] > h->by_type[best] || !best)
            best = type;
    }
    for (size_t i = 0; i < count; i++)
        h->by_type[h->heap->type[members[i]]] = 0;
    return best;
}

/* The object above a merged node, or in it, that all of them go through; 0: a root only. */
static uint32_t single_vertex(const struct barrow_merged *merged, uint32_t node, size_t members)
{
    if (members == 1 && node)
        node = merged->nodes[node].parent; /* it doesn't hold itself */
    while (node && merged->nodes[node].type && merged->nodes[node].vertices > 1)
        node = merged->nodes[node].parent;
    return node && merged->nodes[node].type ? merged->nodes[node].example : 0;
}

/* Follows the members' merged path as far as most of them go one way.  1: found; 0: they go
 * different ways. */
static int name_holder(struct hunt *h, struct barrow_suspect *s)
{
    size_t count = s->member_count < GROUP_SAMPLE ? s->member_count : GROUP_SAMPLE;
    struct barrow_merged merged;
    struct barrow_buffer words = {0};

    for (size_t i = 0; i < count; i++)
        h->examples[i] = s->members[(uint64_t)i * s->member_count / count];
    if (barrow_merged_of(&merged, h->paths, h->examples, count, h->err) < 0)
        return -1;
    uint32_t node = merged.nodes[0].objects ? barrow_merged_common(&merged, same_way) : 0;
    if (node) {
        barrow_merged_words(&words, &merged, h->paths, node);
        s->path = barrow_buffer_text(&words);
        s->holder = single_vertex(&merged, node, count);
    }
    barrow_merged_free(&merged);
    if (node && !s->path) {
        barrow_buffer_free(&words);
        return no_memory(h);
    }
    return node != 0;
}

static void drop_last(struct hunt *h)
{
    struct barrow_suspect *s = &h->found.items[--h->found.count];

    free(s->members);
    free(s->path);
    memset(s, 0, sizeof *s);
}

/* What is held, as a suspect, if it is enough. */
static int suspect(struct hunt *h, const uint32_t *members, size_t count)
{
    struct barrow_suspect *s = add_suspect(h, members, count);

    if (!s)
        return no_memory(h);
    s->type = main_type(h, members, count);
    int named = s->bytes >= h->least ? name_holder(h, s) : 0;
    if (named == 0)
        drop_last(h);
    return named < 0 ? -1 : 0;
}

/* The small ones, by class: each class that weighs enough is a suspect. */
static int suspect_groups(struct hunt *h, size_t first)
{
    uint32_t *small = h->small.items;
    size_t count = h->small.count, at = first;

    for (size_t i = first; i < count; i++)
        h->by_type[h->heap->type[small[i]]] += h->weight[small[i]];
    for (size_t i = first; i < count; i++) {
        uint32_t v = small[i];
        if (h->by_type[h->heap->type[v]] >= h->least)
            small[at++] = v;
        else
            h->by_type[h->heap->type[v]] = 0;
    }
    for (size_t i = first; i < at; i++)
        h->by_type[h->heap->type[small[i]]] = 0;
    /* One class after another to the front. */
    int rc = 0;
    while (first < at && rc == 0) {
        uint32_t type = h->heap->type[small[first]];
        size_t end = first;
        for (size_t i = first; i < at; i++)
            if (h->heap->type[small[i]] == type) {
                uint32_t swapped = small[end];
                small[end++] = small[i];
                small[i] = swapped;
            }
        rc = suspect(h, small + first, end - first);
        first = end;
    }
    return rc;
}

/* ---- the descent ---- */

/* The dict of an object's own attributes is no container but a part of the object. */
static bool is_container(const struct hunt *h, uint32_t vertex)
{
    struct barrow_step step;

    if (!(flags_of(h, vertex) & HEAP_TYPE_CONTAINER))
        return false;
    return !(barrow_paths_step(h->paths, vertex, &step) &&
             barrow_step_is_dict(h->graph, step.name, vertex));
}

static uint32_t largest_child(const struct hunt *h, uint32_t vertex, uint32_t type)
{
    const struct barrow_graph *g = h->graph;
    uint32_t best = 0;

    for (uint32_t i = g->child_start[vertex]; i < g->child_start[vertex + 1]; i++) {
        uint32_t c = g->child[i];
        if (is_object(h, c) && (!type || h->heap->type[c] == type) &&
            (!best || h->weight[c] > h->weight[best]))
            best = c;
    }
    return best;
}

/* A chain or tree of one class, its links perhaps in the objects' dicts? */
static bool is_chain(const struct hunt *h, uint32_t vertex)
{
    uint32_t type = h->heap->type[vertex];

    for (int length = 1; length < CHAIN_LEAST; length++) {
        uint32_t next = largest_child(h, vertex, type);
        if (!next) {
            uint32_t dict = largest_child(h, vertex, 0);
            if (dict && flags_of(h, dict) & HEAP_TYPE_DICT && !is_container(h, dict))
                next = largest_child(h, dict, type);
        }
        if (!next)
            return false;
        vertex = next;
    }
    return true;
}

static int push(struct hunt *h, uint32_t vertex)
{
    uint32_t *place = barrow_array_add(&h->todo);

    if (!place)
        return no_memory(h);
    *place = vertex;
    return 0;
}

static int leave(struct hunt *h, uint32_t vertex)
{
    uint32_t *place = h->weight[vertex] ? barrow_array_add(&h->small) : &(uint32_t){0};

    if (!place)
        return no_memory(h);
    *place = vertex;
    return 0;
}

/* Sorts a vertex's children into large ones, to be looked at, and small ones. */
static int look_into(struct hunt *h, uint32_t vertex)
{
    const struct barrow_graph *g = h->graph;
    uint32_t first = g->child_start[vertex], end = g->child_start[vertex + 1], large = 0;
    size_t before = h->small.count;
    uint64_t in_large = 0;

    for (uint32_t i = first; i < end; i++)
        if (is_object(h, g->child[i]) && h->weight[g->child[i]] >= h->least) {
            large++;
            in_large += h->weight[g->child[i]];
        }
    bool piles_up = is_container(h, vertex) &&
                    (large > FEW_PARTS || (double)in_large < big_drop * (double)h->weight[vertex]);
    int rc = 0;
    for (uint32_t i = first; i < end && rc == 0; i++) {
        uint32_t c = g->child[i];
        bool is_large = is_object(h, c) && h->weight[c] >= h->least && !piles_up;
        if (is_object(h, c))
            rc = is_large ? push(h, c) : leave(h, c);
    }
    if (rc == 0 && piles_up && h->small.count > before)
        rc = suspect(h, h->small.items + before, h->small.count - before);
    else if (rc == 0 && is_object(h, vertex))
        rc = suspect_groups(h, before);
    if (is_object(h, vertex))
        h->small.count = before;
    return rc;
}

static int look_at(struct hunt *h, uint32_t vertex)
{
    uint64_t own = h->query->counts[vertex] ? barrow_heap_bytes(h->heap, vertex) : 0;

    if (own >= h->least || is_chain(h, vertex))
        return suspect(h, &vertex, 1);
    return look_into(h, vertex);
}

/* From the roots, through which nothing is dominated but by the process. */
static int descend(struct hunt *h)
{
    const struct barrow_graph *g = h->graph;
    int rc = look_into(h, 0);

    for (uint32_t v = g->object_count + 1; v < g->vertex_count && rc == 0; v++)
        if (g->idom[v] != GRAPH_NONE)
            rc = look_into(h, v);
    if (rc == 0)
        rc = suspect_groups(h, 0);
    h->small.count = 0;
    while (h->todo.count && rc == 0)
        rc = look_at(h, h->todo.items[--h->todo.count]);
    return rc;
}

/* The collector waits until 700 (from 3.13: 2000) objects that it tracks have gathered, and longer
 * for those that outlived a collection. */
enum { USUAL_GARBAGE = 5000 };

static int add_garbage(struct hunt *h)
{
    uint32_t collectable = 0;
    int rc = 0;

    h->small.count = 0;
    for (uint32_t v = 1; v <= h->graph->object_count && rc == 0; v++)
        if (h->query->counts[v] && h->graph->idom[v] == GRAPH_NONE) {
            /* Garbage may have dominators of its own: each object for itself. */
            h->weight[v] = barrow_heap_bytes(h->heap, v);
            h->number[v] = 1;
            collectable += (flags_of(h, v) & HEAP_TYPE_GC) != 0;
            rc = leave(h, v);
        }
    if (rc < 0 || collectable <= USUAL_GARBAGE)
        return rc;
    struct barrow_suspect *s = add_suspect(h, h->small.items, h->small.count);
    if (!s)
        return no_memory(h);
    s->kind = BARROW_SUSPECT_GARBAGE;
    s->type = main_type(h, s->members, s->member_count);
    if (s->bytes < h->least)
        drop_last(h);
    return 0;
}

/* ---- the result ---- */

/* What one object holds is one suspect, whatever classes it is of. */
static int unite(struct hunt *h)
{
    size_t kept = 0;

    for (size_t i = 0; i < h->found.count; i++) {
        struct barrow_suspect *s = &h->found.items[i], *same = NULL;
        for (size_t j = 0; j < kept && s->holder; j++)
            if (h->found.items[j].holder == s->holder)
                same = &h->found.items[j];
        if (!same) {
            h->found.items[kept++] = *s;
            continue;
        }
        size_t total = same->member_count + s->member_count;
        uint32_t *members = realloc(same->members, total * sizeof *members);
        if (!members) {
            h->found.count = kept;
            return no_memory(h);
        }
        memcpy(members + same->member_count, s->members, s->member_count * sizeof *members);
        if (s->bytes > same->bytes) {
            char *path = same->path;
            same->path = s->path;
            same->type = s->type;
            s->path = path;
        }
        same->members = members;
        same->member_count = total;
        same->bytes += s->bytes;
        same->objects += s->objects;
        free(s->members);
        free(s->path);
    }
    h->found.count = kept;
    return 0;
}

static int by_falling_bytes(const void *a, const void *b)
{
    const struct barrow_suspect *x = a, *y = b;

    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x->holder < y->holder ? -1 : x->holder > y->holder;
}

static int hunt(struct hunt *h)
{
    uint64_t all = 0;

    if (!h->weight || !h->number || !h->by_type || !h->examples)
        return no_memory(h);
    for (uint32_t v = 1; v <= h->graph->object_count; v++)
        all += h->query->counts[v] ? barrow_heap_bytes(h->heap, v) : 0;
    h->least = (uint64_t)((double)all * h->query->share);
    if (h->least < h->query->least_bytes)
        h->least = h->query->least_bytes;
    if (h->least == 0)
        h->least = 1;
    if (weigh(h) < 0 || descend(h) < 0 || add_garbage(h) < 0)
        return -1;
    return unite(h);
}

int barrow_suspects_find(struct barrow_graph *graph, const struct barrow_paths *paths,
                         const struct barrow_suspect_query *query, struct barrow_suspect **suspects,
                         size_t *count, struct barrow_error *err)
{
    struct hunt h = {
        .graph = graph, .heap = graph->heap, .paths = paths, .query = query, .err = err};

    *suspects = NULL;
    *count = 0;
    if (barrow_graph_children(graph, err) < 0)
        return -1;
    h.weight = calloc(graph->vertex_count, sizeof *h.weight);
    h.number = calloc(graph->vertex_count, sizeof *h.number);
    h.by_type = calloc(graph->heap->type_count + 1u, sizeof *h.by_type);
    h.examples = calloc(GROUP_SAMPLE, sizeof *h.examples);
    int rc = hunt(&h);
    free(h.weight);
    free(h.number);
    free(h.by_type);
    free(h.examples);
    free(h.todo.items);
    free(h.small.items);
    if (rc < 0) {
        barrow_suspects_free(h.found.items, h.found.count);
        return -1;
    }
    if (h.found.count)
        qsort(h.found.items, h.found.count, sizeof *h.found.items, by_falling_bytes);
    *suspects = h.found.items;
    *count = h.found.count;
    return 0;
}

void barrow_suspects_free(struct barrow_suspect *suspects, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(suspects[i].members);
        free(suspects[i].path);
    }
    free(suspects);
}

/* ---- what a suspect consists of ---- */

static bool visit_below(const struct barrow_graph *graph, const uint8_t *counts, uint32_t top,
                        struct barrow_suspect_visitor visitor)
{
    BARROW_ARRAY(uint32_t) todo = {0};
    uint32_t *place = barrow_array_add(&todo);

    if (place)
        *place = top;
    while (place && todo.count) {
        uint32_t v = todo.items[--todo.count];
        if (counts[v])
            visitor.visit(visitor.context, v);
        for (uint32_t i = graph->child_start[v]; i < graph->child_start[v + 1] && place; i++)
            if ((place = barrow_array_add(&todo)))
                *place = graph->child[i];
    }
    free(todo.items);
    return place != NULL;
}

int barrow_suspect_each(const struct barrow_graph *graph, const struct barrow_suspect *suspect,
                        const uint8_t *counts, struct barrow_suspect_visitor visitor,
                        struct barrow_error *err)
{
    for (size_t i = 0; i < suspect->member_count; i++) {
        uint32_t v = suspect->members[i];
        if (suspect->kind == BARROW_SUSPECT_GARBAGE)
            visitor.visit(visitor.context, v); /* each object is a member itself */
        else if (!visit_below(graph, counts, v, visitor))
            return barrow_fail(err, BARROW_E_NO_MEMORY, "not enough memory to look at a leak");
    }
    return 0;
}
