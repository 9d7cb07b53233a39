/* Heap snapshots as tables.
 *
 * The rows of all snapshots follow one another, and those of one snapshot are numbered as the graph
 * numbers them:
 *
 *     objects, roots   vertices of the graph; so ids of objects and roots are of one kind, and what
 *                      refers to something may be either
 *
 *     types, unowned   in the heap's order
 *
 *     refs             the references of objects, in the heap's order; then those of each root: to
 *                      the roots below it, and to objects
 *
 * Rows that are of the other kind, and the "none" at the front of types, are gaps.
 */
#include "export/sql_heap.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "export/heap_names.h"
#include "export/sql_define.h"
#include "graph/words.h"
#include "table/snapshots.h"

struct sql_heap {
    struct barrow_graph *graph;
    const struct barrow_heap *heap;
    struct barrow_heap_names names;
    uint32_t process;
    uint32_t *numbers; /* by vertex: its identity */
    size_t first_vertex, first_type, first_ref, first_unowned;
    size_t ref_count;
    uint32_t root_count; /* at least 1 */
    uint64_t *root_refs; /* by root, and one more: where its rows begin, from the heap's edges on */
    uint32_t *children;  /* roots by their parent */
    uint32_t *child_start;          /* by root, and one more */
    uint64_t *root_edge_start;      /* by root, and one more */
    struct barrow_class_row *types; /* by type; NULL: not loaded */
};

struct barrow_sql_heaps {
    struct barrow_snapshots places;
    BARROW_ARRAY(struct sql_heap) list; /* in their order */
    size_t vertices, types, refs, unowned;
    enum barrow_sql_need loaded;
};

/* ---- loading ---- */

/* Counts to positions: turns start[i + 1], how many there are of i, into where those of i begin. */
static void add_up(uint64_t *start, size_t count)
{
    for (size_t i = 0; i < count; i++)
        start[i + 1] += start[i];
}

/* The references of roots by root. */
static bool index_roots(struct sql_heap *h)
{
    const struct barrow_heap *heap = h->heap;
    size_t roots = h->root_count = heap->root_count ? heap->root_count : 1;
    uint64_t *next = calloc(roots + 1, sizeof *next);

    h->root_refs = calloc(roots + 2, sizeof *h->root_refs);
    h->root_edge_start = calloc(roots + 2, sizeof *h->root_edge_start);
    h->child_start = calloc(roots + 2, sizeof *h->child_start);
    h->children = calloc(roots + 1, sizeof *h->children);
    if (!next || !h->root_refs || !h->root_edge_start || !h->child_start || !h->children) {
        free(next);
        return false;
    }
    for (uint64_t e = 0; e < heap->root_edge_count; e++)
        h->root_edge_start[heap->root_edges[e].root + 1]++;
    add_up(h->root_edge_start, roots);
    for (uint32_t r = 1; r < heap->root_count; r++)
        next[heap->roots[r].parent + 1]++;
    add_up(next, roots);
    for (size_t r = 0; r <= roots; r++) {
        h->child_start[r] = (uint32_t)next[r];
        h->root_refs[r] = next[r] + h->root_edge_start[r];
    }
    for (uint32_t r = 1; r < heap->root_count; r++)
        h->children[next[heap->roots[r].parent]++] = r;
    h->ref_count = heap->edge_count + h->root_refs[roots];
    free(next);
    return true;
}

static int load_one(struct barrow_sql_heaps *heaps, const struct barrow_profile *profile,
                    const struct barrow_snapshot_place *place, struct barrow_identity *identity,
                    struct barrow_error *err)
{
    struct sql_heap *h = barrow_array_add(&heaps->list);

    if (!h)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    h->process = place->process;
    if (barrow_snapshot_load(&h->graph, profile, place, NULL, err) < 0 ||
        barrow_heap_names_init(&h->names, h->graph, err) < 0)
        return -1;
    h->heap = h->graph->heap;
    h->numbers = calloc((size_t)h->graph->vertex_count + 1, sizeof *h->numbers);
    if (!h->numbers || !index_roots(h))
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    h->first_vertex = heaps->vertices;
    h->first_type = heaps->types;
    h->first_ref = heaps->refs;
    h->first_unowned = heaps->unowned;
    heaps->vertices += h->graph->vertex_count;
    heaps->types += h->heap->type_count;
    heaps->refs += h->ref_count;
    heaps->unowned += h->heap->unowned_count;
    if (heaps->refs > UINT32_MAX || heaps->vertices > UINT32_MAX)
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "the heap snapshots have more than 2^32 references, too many for SQL");
    return barrow_identity_add(identity, h->heap, h->numbers, err);
}

/* Objects of different processes are never the same: each process has an identity of its own, which
 * goes on with the numbers of the one before. */
static int load_all(struct barrow_sql_heaps *heaps, const struct barrow_profile *profile,
                    struct barrow_error *err)
{
    struct barrow_identity *identities = calloc(profile->process_count + 1, sizeof *identities);
    uint32_t last = 0;
    int rc = identities ? 0 : barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");

    for (size_t i = 0; i < heaps->places.count && rc == 0; i++) {
        struct barrow_identity *identity = &identities[heaps->places.items[i].process];
        identity->last = last;
        rc = load_one(heaps, profile, &heaps->places.items[i], identity, err);
        last = identity->last;
    }
    for (size_t i = 0; identities && i < profile->process_count; i++)
        barrow_identity_free(&identities[i]);
    free(identities);
    return rc;
}

static int load_types(struct sql_heap *h, struct barrow_error *err)
{
    struct barrow_class_row *rows = NULL;
    size_t count = 0;

    if (barrow_graph_classes(h->graph, &rows, &count, err) < 0)
        return -1;
    h->types = calloc((size_t)h->heap->type_count + 1, sizeof *h->types);
    for (size_t i = 0; h->types && i < count; i++)
        if (rows[i].type < h->heap->type_count)
            h->types[rows[i].type] = rows[i];
    free(rows);
    return h->types ? 0 : barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
}

bool barrow_sql_heaps_are_loaded(const struct barrow_sql_heaps *heaps, enum barrow_sql_need need)
{
    return heaps && heaps->loaded >= need;
}

int barrow_sql_heaps_load(struct barrow_sql_data *data, enum barrow_sql_need need,
                          struct barrow_error *err)
{
    struct barrow_sql_heaps *heaps = data->heaps;

    if (barrow_sql_heaps_are_loaded(heaps, need))
        return 0;
    if (!heaps) {
        heaps = calloc(1, sizeof *heaps);
        if (!heaps)
            return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
        if (barrow_snapshots_find(&heaps->places, data->profile, err) < 0 ||
            load_all(heaps, data->profile, err) < 0) {
            barrow_sql_heaps_free(heaps);
            return -1;
        }
        heaps->loaded = SQL_NEEDS_HEAPS;
        data->heaps = heaps;
    }
    if (need == SQL_NEEDS_TYPES) {
        for (size_t i = 0; i < heaps->list.count; i++)
            if (!heaps->list.items[i].types && load_types(&heaps->list.items[i], err) < 0)
                return -1;
        heaps->loaded = SQL_NEEDS_TYPES;
    }
    return 0;
}

static void drop(struct sql_heap *h)
{
    if (h->names.heap)
        barrow_heap_names_free(&h->names);
    if (h->graph)
        barrow_graph_free(h->graph);
    free(h->numbers);
    free(h->root_refs);
    free(h->children);
    free(h->child_start);
    free(h->root_edge_start);
    free(h->types);
}

void barrow_sql_heaps_free(struct barrow_sql_heaps *heaps)
{
    if (!heaps)
        return;
    for (size_t i = 0; i < heaps->list.count; i++)
        drop(&heaps->list.items[i]);
    free(heaps->list.items);
    barrow_snapshots_free(&heaps->places);
    free(heaps);
}

/* ---- from rows to snapshots ---- */

/* The last snapshot whose `first` is not beyond the row. */
#define SNAPSHOT_OF(heaps, first, row, found)               \
    do {                                                    \
        size_t low = 0, high = (heaps)->list.count;         \
        while (high - low > 1) {                            \
            size_t middle = low + (high - low) / 2;         \
            if ((heaps)->list.items[middle].first <= (row)) \
                low = middle;                               \
            else                                            \
                high = middle;                              \
        }                                                   \
        (found) = &(heaps)->list.items[low];                \
    } while (0)

static const struct sql_heap *heap_of_vertex(const struct barrow_sql_data *data, size_t row,
                                             uint32_t *vertex)
{
    const struct sql_heap *h;

    SNAPSHOT_OF(data->heaps, first_vertex, row, h);
    *vertex = (uint32_t)(row - h->first_vertex);
    return h;
}

/* Snapshots are numbered from 1, as on the command line. */
static struct barrow_sql_value snapshot_of(const struct barrow_sql_data *data,
                                           const struct sql_heap *h)
{
    return number((uint64_t)(h - data->heaps->list.items) + 1);
}

static const struct sql_heap *heap_number(const struct barrow_sql_data *data, int64_t snapshot)
{
    const struct barrow_sql_heaps *heaps = data->heaps;

    return snapshot >= 1 && (uint64_t)snapshot <= heaps->list.count
               ? &heaps->list.items[snapshot - 1]
               : NULL;
}

static struct barrow_sql_value id_of(const struct sql_heap *h, uint32_t vertex)
{
    return vertex == GRAPH_NONE ? null() : number(h->first_vertex + vertex);
}

static struct barrow_sql_value string(const struct sql_heap *h, uint32_t string)
{
    return text(barrow_heap_string(&h->names, string));
}

/* ---- snapshots: row 0 is a gap ---- */

#define SNAPSHOTS(X)                                                                             \
    X(id, "INTEGER", SQL_ID, number(row), "from 1, by time")                                     \
    X(process_id, "INTEGER", SQL_PLAIN, number(place->process), "processes.id")                  \
    X(pid, "INTEGER", SQL_PLAIN, pid_of(p, place->process), "of the process")                    \
    X(time_s, "REAL", SQL_PLAIN, seconds(place->time_ns), "since the start of the root process") \
    X(pause_s, "REAL", SQL_PLAIN, seconds(place->info.pause_ns),                                 \
      "how long the program stood still")                                                        \
    X(label, "TEXT", SQL_PLAIN, string(r, r->heap->label), "what the program calls it")          \
    X(at_peak, "INTEGER", SQL_PLAIN, number(place->info.flags &HEAP_FLAG_AT_PEAK ? 1 : 0),       \
      "1: taken near the peak")                                                                  \
    X(at_exit, "INTEGER", SQL_PLAIN, number(place->info.flags &HEAP_FLAG_AT_EXIT ? 1 : 0),       \
      "1: taken when the program ended")                                                         \
    X(objects, "INTEGER", SQL_PLAIN, number(r->heap->object_count), "how many there are")        \
    X(refs, "INTEGER", SQL_PLAIN, number(r->heap->edge_count), "references between them")        \
    X(bytes, "INTEGER", SQL_PLAIN, number(r->graph->total_bytes), "of all objects")              \
    X(garbage_objects, "INTEGER", SQL_PLAIN, number(r->graph->unreachable),                      \
      "that wait for the collector: no root leads to them")                                      \
    X(garbage_bytes, "INTEGER", SQL_PLAIN,                                                       \
      number(r->graph->total_bytes - r->graph->reachable_bytes), "bytes of garbage_objects")     \
    X(live_bytes, "INTEGER", SQL_PLAIN, known(place->info.live_bytes),                           \
      "allocated and not freed then, as the recording counts")

static struct barrow_sql_value pid_of(const struct barrow_profile *p, uint32_t process)
{
    return process < p->process_count ? number(p->processes[process].pid) : null();
}

static size_t snapshots_count(const struct barrow_sql_data *data)
{
    return data->heaps->list.count + 1;
}
static bool snapshots_has(const struct barrow_sql_data *data, size_t row)
{
    (void)data;
    return row > 0;
}
DEFINE(snapshots, SNAPSHOTS, const struct sql_heap *r = &data->heaps->list.items[row - 1];
       const struct barrow_snapshot_place *place = &data->heaps->places.items[row - 1])
TABLE(snapshots, "a heap snapshot", .has = snapshots_has, .needs = SQL_NEEDS_HEAPS);

/* ---- types ---- */

#define TYPES(X)                                                                            \
    X(id, "INTEGER", SQL_ID, number(row), "number of the class; each snapshot has its own") \
    X(snapshot, "INTEGER", SQL_SLICE, snapshot_of(data, h), "snapshots.id")                 \
    X(class, "TEXT", SQL_PLAIN, text(h->names.classes[type]), "with its module")            \
    X(module, "TEXT", SQL_PLAIN, string(h, r->module), "NULL: a builtin")                   \
    X(name, "TEXT", SQL_PLAIN, string(h, r->name), "without the module")                    \
    X(base_id, "INTEGER", SQL_INDEX, r->base ? number(h->first_type + r->base) : null(),    \
      "types.id of its first base; NULL: object")                                           \
    X(object_id, "INTEGER", SQL_INDEX, r->object ? id_of(h, r->object) : null(),            \
      "objects.id of the class itself")                                                     \
    X(objects, "INTEGER", SQL_PLAIN, number(h->types[type].objects), "instances")           \
    X(bytes, "INTEGER", SQL_PLAIN, number(h->types[type].bytes), "of the instances")        \
    X(retained, "INTEGER", SQL_PLAIN, number(h->types[type].retained),                      \
      "bytes that would go with all of them")

static size_t types_count(const struct barrow_sql_data *data)
{
    return data->heaps->types;
}
static const struct sql_heap *heap_of_type(const struct barrow_sql_data *data, size_t row,
                                           uint32_t *type)
{
    const struct sql_heap *h;

    SNAPSHOT_OF(data->heaps, first_type, row, h);
    *type = (uint32_t)(row - h->first_type);
    return h;
}
static bool types_has(const struct barrow_sql_data *data, size_t row)
{
    uint32_t type;

    heap_of_type(data, row, &type);
    return type > 0;
}
static void types_range(const struct barrow_sql_data *data, size_t column, int64_t value,
                        size_t *first, size_t *end)
{
    const struct sql_heap *h = heap_number(data, value);

    (void)column;
    *first = h ? h->first_type : 0;
    *end = h ? h->first_type + h->heap->type_count : 0;
}
DEFINE(types, TYPES, uint32_t type; const struct sql_heap *h = heap_of_type(data, row, &type);
       const struct heap_type *r = &h->heap->types[type])
TABLE(types, "a class in a heap snapshot", .has = types_has, .range = types_range,
      .needs = SQL_NEEDS_TYPES);

/* ---- objects ---- */

static const struct barrow_site *site_numbered(const struct barrow_profile *p,
                                               const struct sql_heap *h, uint32_t number)
{
    uint32_t site = barrow_profile_site_of(p, h->process, number);

    return site == BARROW_NO_SITE ? NULL : &p->sites[site];
}

/* Where an object was born; NULL: not known. */
static const struct barrow_site *birth(const struct barrow_profile *p, const struct sql_heap *h,
                                       uint32_t object)
{
    return h->heap->birth ? site_numbered(p, h, h->heap->birth[object]) : NULL;
}

static const struct barrow_frame *birth_frame(const struct barrow_profile *p,
                                              const struct sql_heap *h, uint32_t object)
{
    const struct barrow_site *site = birth(p, h, object);

    return &p->frames[site ? leaf_frame(p, site) : 0];
}

static struct barrow_sql_value birth_stack(const struct barrow_profile *p, const struct sql_heap *h,
                                           uint32_t object)
{
    const struct barrow_site *site = birth(p, h, object);

    return site ? number(site->node) : null();
}

static struct barrow_sql_value birth_site(const struct barrow_profile *p, const struct sql_heap *h,
                                          uint32_t object)
{
    const struct barrow_site *site = birth(p, h, object);

    return site ? number((uint64_t)(site - p->sites)) : null();
}

static struct barrow_sql_value length(const struct sql_heap *h, uint32_t object)
{
    uint32_t flags = h->heap->types[h->heap->type[object]].flags;

    if (!h->heap->length || !(flags & (HEAP_TYPE_CONTAINER | HEAP_TYPE_TEXT)))
        return null();
    return number(h->heap->length[object]);
}

static struct barrow_sql_value place_file(const struct sql_heap *h, uint32_t object)
{
    const struct heap_place *place = barrow_heap_place(h->heap, object);

    return place ? string(h, place->file) : null();
}

static struct barrow_sql_value place_line(const struct sql_heap *h, uint32_t object)
{
    const struct heap_place *place = barrow_heap_place(h->heap, object);

    return place ? known(place->line) : null();
}

#define OBJECTS(X)                                                                               \
    X(id, "INTEGER", SQL_ID, number(row), "number of the object; each snapshot has its own")     \
    X(snapshot, "INTEGER", SQL_SLICE, snapshot_of(data, h), "snapshots.id")                      \
    X(identity, "INTEGER", SQL_INDEX, number(h->numbers[v]),                                     \
      "the same for the same object in all snapshots")                                           \
    X(address, "INTEGER", SQL_INDEX, number(h->heap->address[v]), "in memory")                   \
    X(type_id, "INTEGER", SQL_INDEX, number(h->first_type + h->heap->type[v]), "types.id")       \
    X(class, "TEXT", SQL_PLAIN, text(h->names.classes[h->heap->type[v]]), "with its module")     \
    X(module, "TEXT", SQL_PLAIN, string(h, h->heap->types[h->heap->type[v]].module),             \
      "of the class; NULL: a builtin")                                                           \
    X(bytes, "INTEGER", SQL_PLAIN, number(barrow_heap_bytes(h->heap, v)),                        \
      "of its blocks, as the allocator rounds them")                                             \
    X(retained, "INTEGER", SQL_PLAIN, number(h->graph->retained[v]),                             \
      "bytes that would go with it")                                                             \
    X(idom, "INTEGER", SQL_INDEX, id_of(h, h->graph->idom[v]),                                   \
      "objects.id or roots.id: what keeps it alive; NULL: it is garbage")                        \
    X(site_id, "INTEGER", SQL_INDEX, birth_site(p, h, v), "sites.id: where it was born")         \
    X(stack_id, "INTEGER", SQL_INDEX, birth_stack(p, h, v), "stacks.id: the calls that made it") \
    X(birth_function, "TEXT", SQL_PLAIN, text(birth_frame(p, h, v)->function),                   \
      "that made it; NULL: not known")                                                           \
    X(birth_file, "TEXT", SQL_PLAIN, text(birth_frame(p, h, v)->file), "of that function")       \
    X(birth_line, "INTEGER", SQL_PLAIN, known(birth_frame(p, h, v)->line), "of that file")       \
    X(length, "INTEGER", SQL_PLAIN, length(h, v), "len() of builtin containers and texts")       \
    X(hash, "INTEGER", SQL_PLAIN, known(h->heap->hash ? h->heap->hash[v] : 0),                   \
      "of what a str, bytes, int or float holds")                                                \
    X(text, "TEXT", SQL_PLAIN, string(h, barrow_words_text_of(h->graph, v)),                     \
      "of a str, where the snapshot has it: names of the source code")                           \
    X(file, "TEXT", SQL_PLAIN, place_file(h, v), "of code, functions, classes, frames")          \
    X(line, "INTEGER", SQL_PLAIN, place_line(h, v), "of that file")

static size_t objects_count(const struct barrow_sql_data *data)
{
    return data->heaps->vertices;
}
static bool objects_has(const struct barrow_sql_data *data, size_t row)
{
    uint32_t vertex;
    const struct sql_heap *h = heap_of_vertex(data, row, &vertex);

    return !barrow_graph_is_root(h->graph, vertex);
}
static void vertices_range(const struct barrow_sql_data *data, size_t column, int64_t value,
                           size_t *first, size_t *end)
{
    const struct sql_heap *h = heap_number(data, value);

    (void)column;
    *first = h ? h->first_vertex : 0;
    *end = h ? h->first_vertex + h->graph->vertex_count : 0;
}
DEFINE(objects, OBJECTS, uint32_t v; const struct sql_heap *h = heap_of_vertex(data, row, &v))
TABLE(objects, "an object in a heap snapshot", .has = objects_has, .range = vertices_range,
      .needs = SQL_NEEDS_HEAPS);

/* ---- roots ---- */

static const struct heap_root *root_of(const struct sql_heap *h, uint32_t vertex)
{
    static const struct heap_root all = {.kind = HEAP_ROOT_ALL};

    return h->heap->root_count ? &h->heap->roots[vertex ? vertex - h->graph->object_count : 0]
                               : &all;
}

static struct barrow_sql_value root_id(const struct sql_heap *h, uint32_t root)
{
    return id_of(h, root ? h->graph->object_count + root : 0);
}

#define ROOTS(X)                                                                             \
    X(id, "INTEGER", SQL_ID, number(row), "number of the root, of one kind with objects.id") \
    X(snapshot, "INTEGER", SQL_SLICE, snapshot_of(data, h), "snapshots.id")                  \
    X(parent_id, "INTEGER", SQL_INDEX, v ? root_id(h, r->parent) : null(),                   \
      "roots.id: the root that it is part of; NULL: everything")                             \
    X(kind, "TEXT", SQL_PLAIN, text(barrow_heap_root_words(r->kind)),                        \
      "module, thread, frame, builtins, held by C code, ...")                                \
    X(name, "TEXT", SQL_PLAIN, string(h, r->name), "of the module, thread or function")      \
    X(file, "TEXT", SQL_PLAIN, string(h, r->file), "of a frame")                             \
    X(line, "INTEGER", SQL_PLAIN, known(r->line), "of that file")                            \
    X(retained, "INTEGER", SQL_PLAIN, number(h->graph->retained[v]),                         \
      "bytes that only it keeps alive")

static bool roots_has(const struct barrow_sql_data *data, size_t row)
{
    return !objects_has(data, row);
}
#define roots_count objects_count
DEFINE(roots, ROOTS, uint32_t v; const struct sql_heap *h = heap_of_vertex(data, row, &v);
       const struct heap_root *r = root_of(h, v))
TABLE(roots, "what keeps objects alive by itself: a module, a frame, C code", .has = roots_has,
      .range = vertices_range, .needs = SQL_NEEDS_HEAPS);

/* ---- unowned ---- */

#define UNOWNED(X)                                                                           \
    X(id, "INTEGER", SQL_ID, number(row), "number of the row")                               \
    X(snapshot, "INTEGER", SQL_SLICE, snapshot_of(data, h), "snapshots.id")                  \
    X(site_id, "INTEGER", SQL_INDEX, site ? number((uint64_t)(site - p->sites)) : null(),    \
      "sites.id: where they were born")                                                      \
    X(blocks, "INTEGER", SQL_PLAIN, number(r->blocks), "how many lived that no object owns") \
    X(bytes, "INTEGER", SQL_PLAIN, number(r->bytes), "that were asked for")

static size_t unowned_count(const struct barrow_sql_data *data)
{
    return data->heaps->unowned;
}
static const struct sql_heap *heap_of_unowned(const struct barrow_sql_data *data, size_t row,
                                              const struct heap_unowned **unowned)
{
    const struct sql_heap *h;

    SNAPSHOT_OF(data->heaps, first_unowned, row, h);
    *unowned = &h->heap->unowned[row - h->first_unowned];
    return h;
}
static void unowned_range(const struct barrow_sql_data *data, size_t column, int64_t value,
                          size_t *first, size_t *end)
{
    const struct sql_heap *h = heap_number(data, value);

    (void)column;
    *first = h ? h->first_unowned : 0;
    *end = h ? h->first_unowned + h->heap->unowned_count : 0;
}
DEFINE(unowned, UNOWNED, const struct heap_unowned *r;
       const struct sql_heap *h = heap_of_unowned(data, row, &r);
       const struct barrow_site *site = site_numbered(p, h, r->site))
TABLE(unowned, "live blocks of a birth place that belong to no object, at a heap snapshot",
      .range = unowned_range, .needs = SQL_NEEDS_HEAPS);

/* ---- refs ---- */

struct ref {
    const struct sql_heap *heap;
    uint32_t source, target; /* vertices */
    uint32_t name;           /* as in heap->name */
    uint32_t key;            /* of a dict's value: the object that is its key; 0: not known */
    bool is_part;            /* from a root to one below it */
};

/* The last i of start[0 .. count) with start[i] <= value. */
static uint32_t last_start(const uint64_t *start, uint32_t count, uint64_t value)
{
    uint32_t low = 0, high = count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (start[middle] <= value)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static struct ref object_ref(const struct sql_heap *h, uint64_t edge)
{
    const struct barrow_heap *heap = h->heap;
    uint32_t source = last_start(heap->edge_start, heap->object_count + 1, edge);
    struct ref ref = {h, source, heap->target[edge], heap->name[edge], 0, false};

    if (ref.name >> HEAP_NAME_SHIFT == HEAP_NAME_VALUE && edge > heap->edge_start[source] &&
        heap->name[edge - 1] >> HEAP_NAME_SHIFT == HEAP_NAME_KEY)
        ref.key = heap->target[edge - 1];
    return ref;
}

static struct ref root_ref(const struct sql_heap *h, uint64_t row)
{
    uint32_t root = last_start(h->root_refs, h->root_count, row);
    uint32_t source = root ? h->graph->object_count + root : 0;
    uint64_t at = row - h->root_refs[root];
    uint32_t children = h->child_start[root + 1] - h->child_start[root];

    if (at < children) {
        uint32_t child = h->children[h->child_start[root] + at];
        return (struct ref){h, source, h->graph->object_count + child, 0, 0, true};
    }
    const struct heap_root_edge *edge =
        &h->heap->root_edges[h->root_edge_start[root] + at - children];
    return (struct ref){h, source, edge->target, edge->name, 0, false};
}

static struct ref ref_of(const struct barrow_sql_data *data, size_t row)
{
    const struct sql_heap *h;

    SNAPSHOT_OF(data->heaps, first_ref, row, h);
    row -= h->first_ref;
    return row < h->heap->edge_count ? object_ref(h, row) : root_ref(h, row - h->heap->edge_count);
}

static enum heap_name kind_of(const struct ref *ref)
{
    return (enum heap_name)(ref->name >> HEAP_NAME_SHIFT);
}

static struct barrow_sql_value ref_name(const struct ref *ref)
{
    uint32_t value = ref->name & HEAP_NAME_MASK;

    switch (kind_of(ref)) {
    case HEAP_NAME_ATTRIBUTE:
    case HEAP_NAME_VARIABLE:
    case HEAP_NAME_INTERNAL:
        return value < ref->heap->heap->string_count ? string(ref->heap, value) : null();
    case HEAP_NAME_VALUE:
        return ref->key ? string(ref->heap, barrow_words_text_of(ref->heap->graph, ref->key))
                        : null();
    default:
        return null();
    }
}

static struct barrow_sql_value ref_position(const struct ref *ref)
{
    switch (kind_of(ref)) {
    case HEAP_NAME_REF:
    case HEAP_NAME_INDEX:
    case HEAP_NAME_STACK:
    case HEAP_NAME_COUNTED:
        return ref->is_part ? null() : number(ref->name & HEAP_NAME_MASK);
    default:
        return null();
    }
}

#define REFS(X)                                                                                   \
    X(source, "INTEGER", SQL_RANGE, id_of(r.heap, r.source), "objects.id or roots.id")            \
    X(target, "INTEGER", SQL_INDEX, id_of(r.heap, r.target), "objects.id, or roots.id of a part") \
    X(name, "TEXT", SQL_PLAIN, ref_name(&r),                                                      \
      "of the attribute or variable; of a dict's value its key, where that is known")             \
    X(position, "INTEGER", SQL_PLAIN, ref_position(&r),                                           \
      "in a list or tuple; of what C code holds, how many references")                            \
    X(kind, "TEXT", SQL_PLAIN, text(r.is_part ? "part" : barrow_heap_kind_words(kind_of(&r))),    \
      "attribute, index, key, value, element, variable, class, weak, internal, stack, counted, "  \
      "reference; part: from a root to one that is part of it")                                   \
    X(weak, "INTEGER", SQL_PLAIN, number(kind_of(&r) == HEAP_NAME_WEAK),                          \
      "1: does not keep its target alive")                                                        \
    X(snapshot, "INTEGER", SQL_SLICE, snapshot_of(data, r.heap), "snapshots.id")

enum { REFS_SOURCE = 0 }; /* its column */

static size_t refs_count(const struct barrow_sql_data *data)
{
    return data->heaps->refs;
}

/* Those that begin at a vertex. */
static void refs_of_source(const struct barrow_sql_data *data, size_t id, size_t *first,
                           size_t *end)
{
    uint32_t vertex;
    const struct sql_heap *h = heap_of_vertex(data, id, &vertex);

    if (!barrow_graph_is_root(h->graph, vertex)) {
        *first = h->first_ref + h->heap->edge_start[vertex];
        *end = h->first_ref + h->heap->edge_start[vertex + 1];
        return;
    }
    uint32_t root = vertex ? vertex - h->graph->object_count : 0;
    *first = h->first_ref + h->heap->edge_count + h->root_refs[root];
    *end = h->first_ref + h->heap->edge_count + h->root_refs[root + 1];
}

static void refs_range(const struct barrow_sql_data *data, size_t column, int64_t value,
                       size_t *first, size_t *end)
{
    const struct sql_heap *h;

    *first = *end = 0;
    if (column == REFS_SOURCE) {
        if (value >= 0 && (uint64_t)value < data->heaps->vertices)
            refs_of_source(data, (size_t)value, first, end);
    } else if ((h = heap_number(data, value))) {
        *first = h->first_ref;
        *end = h->first_ref + h->ref_count;
    }
}
DEFINE(refs, REFS, struct ref r = ref_of(data, row))
TABLE(refs, "a reference between objects, or from a root", .range = refs_range,
      .needs = SQL_NEEDS_HEAPS);
