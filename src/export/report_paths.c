/* Paths from the roots to the instances of the classes that matter, merged (graph/paths.h).
 *
 * For each class a tree in the order in which it is drawn, a row a node: the top, which bears the
 * class, then the steps from the roots, those that lead to most instances first.  Steps that lead
 * to few are one row.
 */
#include <stdlib.h>
#include <string.h>

#include "export/report_heap.h"

enum path_kind { PATH_STEP = 0, PATH_ROOT = 1, PATH_OTHERS = 2 };
enum { LEVELS = 100, FEW = 200 }; /* a step to less than 1 of 200 is not shown */

struct drawer {
    struct report_heap *to;
    const struct barrow_graph *graph;
    const struct barrow_paths *paths;
    uint32_t *objects;    /* by type, see type_start */
    uint32_t *type_start; /* by type, and one more */
    struct barrow_buffer words;
    size_t rows, budget;
};

struct path_row {
    uint32_t depth, kind, name, class;
    uint64_t objects, ends, bytes, retained;
};

static void put_row(struct drawer *d, const struct path_row *row)
{
    struct barrow_report_columns *to = d->to->columns;

    barrow_report_put(to, REPORT_HEAP_PATHS_DEPTH, row->depth);
    barrow_report_put(to, REPORT_HEAP_PATHS_KIND, row->kind);
    barrow_report_put(to, REPORT_HEAP_PATHS_NAME, row->name);
    barrow_report_put(to, REPORT_HEAP_PATHS_CLASS, row->class);
    barrow_report_put(to, REPORT_HEAP_PATHS_OBJECTS, row->objects);
    barrow_report_put(to, REPORT_HEAP_PATHS_ENDS, row->ends);
    barrow_report_put(to, REPORT_HEAP_PATHS_BYTES, row->bytes);
    barrow_report_put(to, REPORT_HEAP_PATHS_RETAINED, row->retained);
    d->rows++;
}

/* Sorts the objects by type. */
static bool sort_objects(struct drawer *d)
{
    const struct barrow_heap *heap = d->graph->heap;
    uint32_t *next;

    d->type_start = calloc((size_t)heap->type_count + 2, sizeof *d->type_start);
    d->objects = calloc((size_t)heap->object_count + 1, sizeof *d->objects);
    next = calloc((size_t)heap->type_count + 2, sizeof *next);
    if (!d->type_start || !d->objects || !next) {
        free(next);
        return false;
    }
    for (uint32_t i = 1; i <= heap->object_count; i++)
        d->type_start[heap->type[i] + 1]++;
    for (uint32_t t = 0; t < heap->type_count; t++)
        d->type_start[t + 1] += d->type_start[t];
    memcpy(next, d->type_start, ((size_t)heap->type_count + 1) * sizeof *next);
    for (uint32_t i = 1; i <= heap->object_count; i++)
        d->objects[next[heap->type[i]]++] = i;
    free(next);
    return true;
}

/* ---- one class ---- */

static void put_node(struct drawer *d, const struct barrow_merged *merged, uint32_t node,
                     uint32_t depth)
{
    const struct barrow_merged_node *n = &merged->nodes[node];
    struct path_row row = {
        .depth = depth,
        .kind = n->type ? PATH_STEP : PATH_ROOT,
        .objects = n->objects,
        .ends = n->ends,
        .bytes = n->bytes,
        .retained = n->retained,
    };

    barrow_merged_step_words(&d->words, merged, d->paths, node);
    row.name = report_heap_words(d->to, &d->words);
    if (n->type) {
        barrow_words_type(&d->words, d->graph, n->type);
        row.class = report_heap_words(d->to, &d->words);
    }
    put_row(d, &row);
}

/* The children of a node from the `first` one on, in one row. */
static void put_others(struct drawer *d, const struct barrow_merged *merged, uint32_t node,
                       uint32_t first, uint32_t depth)
{
    const struct barrow_merged_node *n = &merged->nodes[node];
    struct path_row row = {.depth = depth, .kind = PATH_OTHERS};

    for (uint32_t i = first; i < n->children; i++) {
        const struct barrow_merged_node *child = &merged->nodes[merged->order[n->first_child + i]];
        row.objects += child->objects;
        row.ends += child->ends;
        row.bytes += child->bytes;
        row.retained += child->retained;
    }
    if (first < n->children)
        put_row(d, &row);
}

static bool is_shown(const struct drawer *d, const struct barrow_merged *merged, uint32_t node)
{
    return d->budget > 0 && merged->nodes[node].objects >= merged->nodes[0].objects / FEW;
}

static void put_merged(struct drawer *d, const struct barrow_merged *merged)
{
    uint32_t path[LEVELS + 1] = {0}, next[LEVELS + 1] = {0}, depth = 0;

    for (;;) {
        const struct barrow_merged_node *n = &merged->nodes[path[depth]];
        uint32_t child =
            next[depth] < n->children ? merged->order[n->first_child + next[depth]] : 0;
        if (child && depth < LEVELS && is_shown(d, merged, child)) {
            next[depth]++;
            put_node(d, merged, child, ++depth);
            d->budget--;
            path[depth] = child;
            next[depth] = 0;
            continue;
        }
        put_others(d, merged, path[depth], next[depth], depth + 1);
        if (depth-- == 0)
            return;
    }
}

static int put_class(struct drawer *d, const struct barrow_class_row *class,
                     struct barrow_error *err)
{
    uint32_t first = d->type_start[class->type], count = d->type_start[class->type + 1] - first;
    struct barrow_merged merged;

    if (barrow_merged_of(&merged, d->paths, d->objects + first, count, err) < 0)
        return -1;
    barrow_words_type(&d->words, d->graph, class->type);
    const struct path_row top = {
        .name = report_heap_words(d->to, &d->words),
        .objects = class->objects,
        .ends = merged.unreached,
        .bytes = class->bytes,
        .retained = class->retained,
    };
    put_row(d, &top);
    d->budget = BARROW_REPORT_PATH_NODES;
    put_merged(d, &merged);
    barrow_merged_free(&merged);
    return 0;
}

/* ---- which classes ---- */

static uint64_t sort_key(const struct barrow_class_row *class, bool by_bytes)
{
    return by_bytes ? class->bytes : class->retained;
}

enum { BY_RETAINED = 1, BY_BYTES = 2 };

/* Marks the classes that are largest by one of the two. */
static void choose(const struct barrow_class_row *classes, size_t count, unsigned char by,
                   unsigned char *chosen)
{
    for (int n = 0; n < BARROW_REPORT_PATHS; n++) {
        size_t best = count;
        for (size_t i = 0; i < count; i++) {
            uint64_t key = sort_key(&classes[i], by == BY_BYTES);
            if (key && !(chosen[i] & by) &&
                (best == count || key > sort_key(&classes[best], by == BY_BYTES)))
                best = i;
        }
        if (best == count)
            return;
        chosen[best] |= by;
    }
}

int report_heap_paths(struct report_heap *heap, const struct barrow_paths *paths,
                      const struct barrow_class_row *classes, size_t class_count, size_t *rows,
                      struct barrow_error *err)
{
    struct drawer d = {.to = heap, .graph = paths->graph, .paths = paths};
    unsigned char *chosen = calloc(class_count + 1, sizeof *chosen);
    int rc = 0;

    if (!chosen || !sort_objects(&d))
        rc = barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    if (rc == 0) {
        choose(classes, class_count, BY_RETAINED, chosen);
        choose(classes, class_count, BY_BYTES, chosen);
    }
    for (size_t i = 0; i < class_count && rc == 0; i++)
        if (chosen[i])
            rc = put_class(&d, &classes[i], err);
    *rows = d.rows;
    barrow_buffer_free(&d.words);
    free(d.objects);
    free(d.type_start);
    free(chosen);
    return rc;
}
