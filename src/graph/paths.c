/* One search from the roots, and the paths that it found. */
#include "graph/paths.h"

#include <stdlib.h>
#include <string.h>

static int no_memory(struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_NO_MEMORY,
                       "not enough memory for paths: try a larger machine");
}

static uint32_t root_index(const struct barrow_graph *graph, uint32_t vertex)
{
    return vertex ? vertex - graph->object_count : 0;
}

/* ---- what explains little ---- */

/* References that all functions, frames, instances or classes have. */
static const char *const noise[] = {"__globals__", "__builtins__", "f_globals", "f_builtins",
                                    "__class__",   "__module__",   "__base__",  "__bases__",
                                    "__mro__",     "subclasses"};

static bool is_noise_string(const char *text, uint32_t length)
{
    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++)
        if (strlen(noise[i]) == length && memcmp(noise[i], text, length) == 0)
            return true;
    return false;
}

/* In what order roots are begun with.  Frames are second: a path through a module's variable is
 * told rather than one of as many names through a local variable, which has two references less. */
enum rank { FIRST, FRAMES, LITTLE };
enum { HEAD_START = 2 };

static enum rank rank_of(uint32_t kind)
{
    switch ((enum heap_root_kind)kind) {
    case HEAP_ROOT_FRAME:
        return FRAMES;
    case HEAP_ROOT_INTERPRETER:
    case HEAP_ROOT_BUILTINS:
    case HEAP_ROOT_STATIC_TYPES:
    case HEAP_ROOT_INTERNED:
    case HEAP_ROOT_IMMORTAL:
    case HEAP_ROOT_C_CODE:
        return LITTLE;
    default:
        return FIRST;
    }
}

/* ---- the search ---- */

/* A queue for each rank: `queue` holds vertices whose good references are to be followed, `later`
 * those whose noise is, once the queue has run dry. */
struct search {
    struct barrow_paths *paths;
    const struct barrow_heap *heap;
    uint8_t *is_noise; /* by string */
    uint32_t *queue, *later;
    size_t queue_head, queue_end, later_head, later_end;
};

static bool is_noise(const struct search *s, uint32_t name)
{
    uint32_t kind = name >> HEAP_NAME_SHIFT, value = name & HEAP_NAME_MASK;

    if (kind == HEAP_NAME_CLASS)
        return true;
    return (kind == HEAP_NAME_ATTRIBUTE || kind == HEAP_NAME_INTERNAL) &&
           value < s->heap->string_count && s->is_noise[value];
}

static void reach(struct search *s, uint32_t from, uint32_t nth, uint32_t to)
{
    if (s->paths->parent[to] != GRAPH_NONE)
        return;
    s->paths->parent[to] = from;
    s->paths->nth[to] = nth;
    s->queue[s->queue_end++] = to;
}

/* That a frame of a module's body has the module's namespace as well explains little. */
static void follow_root(struct search *s, uint32_t vertex, bool noisy)
{
    uint32_t root = root_index(s->paths->graph, vertex);
    const uint64_t *start = &s->paths->root_edges[root];
    bool frame = s->heap->roots[root].kind == HEAP_ROOT_FRAME, postponed = false;

    for (uint64_t e = start[0]; e < start[1]; e++) {
        const struct heap_root_edge *edge = &s->heap->root_edges[e];
        uint32_t kind = edge->name >> HEAP_NAME_SHIFT;
        bool noise_edge = frame && kind == HEAP_NAME_INTERNAL;
        if (kind == HEAP_NAME_WEAK)
            continue;
        if (noise_edge == noisy)
            reach(s, vertex, (uint32_t)(e - start[0]), edge->target);
        else
            postponed = true;
    }
    if (postponed && !noisy)
        s->later[s->later_end++] = vertex;
}

static void follow(struct search *s, uint32_t vertex, bool noisy)
{
    uint64_t first = s->heap->edge_start[vertex], end = s->heap->edge_start[vertex + 1];
    bool postponed = false;

    for (uint64_t e = first; e < end; e++) {
        uint32_t to = s->heap->target[e], name = s->heap->name[e];
        if (s->paths->parent[to] != GRAPH_NONE || name >> HEAP_NAME_SHIFT == HEAP_NAME_WEAK)
            continue;
        if (is_noise(s, name) == noisy)
            reach(s, vertex, (uint32_t)(e - first), to);
        else
            postponed = true;
    }
    if (postponed && !noisy)
        s->later[s->later_end++] = vertex;
}

static void follow_any(struct search *s, uint32_t vertex, bool noisy)
{
    if (barrow_graph_is_root(s->paths->graph, vertex))
        follow_root(s, vertex, noisy);
    else
        follow(s, vertex, noisy);
}

/* That many references further from all that was reached. */
static void advance(struct search *s, int levels)
{
    for (; levels > 0; levels--)
        for (size_t end = s->queue_end; s->queue_head < end;)
            follow_any(s, s->queue[s->queue_head++], false);
}

static void drain(struct search *s)
{
    for (;;) {
        while (s->queue_head < s->queue_end) {
            uint32_t vertex = s->queue[s->queue_head++];
            follow_any(s, vertex, false);
        }
        size_t end = s->later_end;
        if (s->later_head == end)
            return;
        while (s->later_head < end)
            follow_any(s, s->later[s->later_head++], true);
    }
}

static void start_roots(struct search *s, enum rank rank)
{
    const struct barrow_heap *heap = s->heap;

    if (rank == FIRST)
        s->queue[s->queue_end++] = 0;
    for (uint32_t r = 1; r < heap->root_count; r++)
        if (rank_of(heap->roots[r].kind) == rank) {
            uint32_t parent = heap->roots[r].parent;
            s->paths->parent[heap->object_count + r] = parent ? heap->object_count + parent : 0;
            s->queue[s->queue_end++] = heap->object_count + r;
        }
}

static bool search_init(struct search *s, struct barrow_paths *paths)
{
    const struct barrow_heap *heap = paths->graph->heap;

    *s = (struct search){.paths = paths, .heap = heap};
    s->queue = malloc(paths->graph->vertex_count * sizeof *s->queue);
    s->later = malloc(paths->graph->vertex_count * sizeof *s->later);
    s->is_noise = calloc(heap->string_count + 1u, 1);
    if (!s->queue || !s->later || !s->is_noise)
        return false;
    for (uint32_t i = 1; i < heap->string_count; i++)
        s->is_noise[i] = is_noise_string(heap->strings + heap->string_start[i],
                                         heap->string_start[i + 1] - heap->string_start[i]);
    return true;
}

static bool paths_init(struct barrow_paths *paths, const struct barrow_graph *graph)
{
    const struct barrow_heap *heap = graph->heap;
    size_t bytes = graph->vertex_count * sizeof(uint32_t);

    paths->graph = graph;
    paths->parent = malloc(bytes);
    paths->nth = calloc(1, bytes);
    paths->root_edges = calloc(heap->root_count + 1u, sizeof *paths->root_edges);
    if (!paths->parent || !paths->nth || !paths->root_edges)
        return false;
    memset(paths->parent, 0xff, bytes); /* GRAPH_NONE */
    uint64_t e = 0;
    for (uint32_t r = 0; r <= heap->root_count; r++) {
        while (e < heap->root_edge_count && heap->root_edges[e].root < r)
            e++;
        paths->root_edges[r] = e;
    }
    return true;
}

int barrow_paths_find(struct barrow_paths **out, const struct barrow_graph *graph,
                      struct barrow_error *err)
{
    return barrow_paths_find_without(out, graph, GRAPH_NONE, err);
}

int barrow_paths_find_without(struct barrow_paths **out, const struct barrow_graph *graph,
                              uint32_t avoid, struct barrow_error *err)
{
    struct search s = {0};
    struct barrow_paths *paths = calloc(1, sizeof *paths);
    bool ok = paths && paths_init(paths, graph) && search_init(&s, paths);

    *out = NULL;
    if (ok) {
        if (avoid != GRAPH_NONE)
            paths->parent[avoid] = 0; /* been there */
        start_roots(&s, FIRST);
        advance(&s, HEAD_START);
        start_roots(&s, FRAMES);
        drain(&s);
        start_roots(&s, LITTLE);
        drain(&s);
        if (avoid != GRAPH_NONE)
            paths->parent[avoid] = GRAPH_NONE;
    }
    free(s.queue);
    free(s.later);
    free(s.is_noise);
    if (!ok) {
        barrow_paths_free(paths);
        return no_memory(err);
    }
    *out = paths;
    return 0;
}

void barrow_paths_free(struct barrow_paths *paths)
{
    if (!paths)
        return;
    free(paths->parent);
    free(paths->nth);
    free(paths->root_edges);
    free(paths);
}

/* ---- single paths ---- */

bool barrow_paths_step(const struct barrow_paths *paths, uint32_t vertex, struct barrow_step *step)
{
    const struct barrow_heap *heap = paths->graph->heap;

    if (barrow_graph_is_root(paths->graph, vertex) || paths->parent[vertex] == GRAPH_NONE)
        return false;
    uint32_t from = paths->parent[vertex];
    *step = (struct barrow_step){.from = from, .to = vertex};
    if (barrow_graph_is_root(paths->graph, from)) {
        step->edge = paths->root_edges[root_index(paths->graph, from)] + paths->nth[vertex];
        step->name = heap->root_edges[step->edge].name;
    } else {
        step->edge = heap->edge_start[from] + paths->nth[vertex];
        step->name = heap->name[step->edge];
    }
    return true;
}

/* Fills what leads to `vertex`, with room for `extra` steps behind it. */
static int climb(const struct barrow_paths *paths, uint32_t vertex, size_t extra,
                 struct barrow_step **steps, size_t *count, struct barrow_error *err)
{
    struct barrow_step step;
    size_t depth = 0;

    for (uint32_t v = vertex; barrow_paths_step(paths, v, &step); v = step.from)
        depth++;
    *count = depth;
    *steps = calloc(depth + extra + 1, sizeof **steps);
    if (!*steps)
        return no_memory(err);
    for (uint32_t v = vertex; barrow_paths_step(paths, v, &step); v = step.from)
        (*steps)[--depth] = step;
    return 0;
}

int barrow_paths_to(const struct barrow_paths *paths, uint32_t vertex, struct barrow_step **steps,
                    size_t *count, struct barrow_error *err)
{
    return climb(paths, vertex, 0, steps, count, err);
}

int barrow_paths_through(const struct barrow_paths *paths, const struct barrow_step *last,
                         struct barrow_step **steps, size_t *count, struct barrow_error *err)
{
    if (climb(paths, last->from, 1, steps, count, err) < 0)
        return -1;
    (*steps)[(*count)++] = *last;
    return 0;
}

/* ---- other paths ---- */

struct candidate {
    struct barrow_step step;
    uint32_t length;
};

static int by_length(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->length != y->length)
        return x->length < y->length ? -1 : 1;
    if (x->step.from != y->step.from)
        return x->step.from < y->step.from ? -1 : 1;
    return x->step.edge < y->step.edge ? -1 : x->step.edge > y->step.edge;
}

/* How far from a root the vertex is; 0: not reached. */
static uint32_t distance(const struct barrow_paths *paths, uint32_t vertex)
{
    uint32_t steps = 1;

    for (uint32_t v = vertex; !barrow_graph_is_root(paths->graph, v); steps++) {
        if (paths->parent[v] == GRAPH_NONE)
            return 0;
        v = paths->parent[v];
    }
    return steps;
}

/* Where `from` refers to `to`: the first such reference that is not weak. */
static bool find_step(const struct barrow_paths *paths, uint32_t from, uint32_t to,
                      struct barrow_step *step)
{
    const struct barrow_heap *heap = paths->graph->heap;
    bool root = barrow_graph_is_root(paths->graph, from);
    uint32_t r = root ? root_index(paths->graph, from) : 0;
    uint64_t first = root ? paths->root_edges[r] : heap->edge_start[from];
    uint64_t end = root ? paths->root_edges[r + 1] : heap->edge_start[from + 1];

    for (uint64_t e = first; e < end; e++) {
        uint32_t target = root ? heap->root_edges[e].target : heap->target[e];
        uint32_t name = root ? heap->root_edges[e].name : heap->name[e];
        if (target != to || name >> HEAP_NAME_SHIFT == HEAP_NAME_WEAK)
            continue;
        *step = (struct barrow_step){.from = from, .to = to, .name = name, .edge = e};
        return true;
    }
    return false;
}

int barrow_paths_referrers(const struct barrow_paths *paths, uint32_t vertex,
                           struct barrow_step **steps, size_t *count, struct barrow_error *err)
{
    const struct barrow_graph *graph = paths->graph;
    uint64_t first = graph->source_start[vertex], end = graph->source_start[vertex + 1];
    struct candidate *list = calloc(end - first + 1, sizeof *list);

    *steps = calloc(end - first + 1, sizeof **steps);
    *count = 0;
    if (!list || !*steps) {
        free(list);
        return no_memory(err);
    }
    uint32_t before = GRAPH_NONE;
    for (uint64_t i = first; i < end; i++) {
        uint32_t from = graph->source[i];
        if (from == before || !(list[*count].length = distance(paths, from)))
            continue;
        before = from;
        if (find_step(paths, from, vertex, &list[*count].step))
            (*count)++;
    }
    qsort(list, *count, sizeof *list, by_length);
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++)
        if (kept == 0 || (*steps)[kept - 1].from != list[i].step.from)
            (*steps)[kept++] = list[i].step;
    *count = kept;
    free(list);
    return 0;
}

uint64_t barrow_paths_cut(const struct barrow_paths *paths, const struct barrow_step *step)
{
    const struct barrow_heap *heap = paths->graph->heap;
    bool root = barrow_graph_is_root(paths->graph, step->from);
    uint32_t r = root ? root_index(paths->graph, step->from) : 0;
    uint64_t first = root ? paths->root_edges[r] : heap->edge_start[step->from];
    uint64_t end = root ? paths->root_edges[r + 1] : heap->edge_start[step->from + 1];

    if (paths->graph->idom[step->to] != step->from)
        return 0;
    for (uint64_t e = first; e < end; e++) {
        uint32_t target = root ? heap->root_edges[e].target : heap->target[e];
        uint32_t name = root ? heap->root_edges[e].name : heap->name[e];
        if (e != step->edge && target == step->to && name >> HEAP_NAME_SHIFT != HEAP_NAME_WEAK)
            return 0;
    }
    return paths->graph->retained[step->to];
}
