#include <stdlib.h>

#include "graph/graph.h"

static int by_retained(const void *left, const void *right)
{
    const struct barrow_class_row *a = left, *b = right;
    if (a->retained != b->retained)
        return a->retained > b->retained ? -1 : 1;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return a->type < b->type ? -1 : a->type > b->type;
}

/* Classes of one object retain what that does; the others become groups.  Returns how many. */
static uint32_t make_groups(const struct barrow_graph *graph, const struct barrow_class_row *rows,
                            uint32_t *group_of, uint32_t *group)
{
    const struct barrow_heap *heap = graph->heap;
    uint32_t groups = 0;
    for (uint32_t type = 0; type < heap->type_count; type++)
        group_of[type] = rows[type].objects > 1 ? ++groups : 0;
    for (uint32_t v = 1; v <= graph->object_count; v++)
        group[v] = group_of[heap->type[v]];
    return groups;
}

static int add_retained(struct barrow_graph *graph, struct barrow_class_row *rows,
                        struct barrow_error *err)
{
    const struct barrow_heap *heap = graph->heap;
    uint32_t *group_of = calloc((size_t)heap->type_count + 1, sizeof *group_of);
    uint32_t *group = calloc((size_t)graph->object_count + 1, sizeof *group);
    uint64_t *retained = calloc((size_t)heap->type_count + 1, sizeof *retained);
    int result = 0;
    if (!group_of || !group || !retained)
        result = barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the table of classes");
    if (result == 0)
        result = barrow_graph_retained_by(graph, group, make_groups(graph, rows, group_of, group),
                                          retained, NULL, err);
    for (uint32_t v = 1; result == 0 && v <= graph->object_count; v++)
        if (!group[v] && graph->idom[v] != GRAPH_NONE)
            rows[heap->type[v]].retained = graph->retained[v];
    for (uint32_t type = 0; result == 0 && type < heap->type_count; type++)
        if (group_of[type])
            rows[type].retained = retained[group_of[type]];
    free(group_of);
    free(group);
    free(retained);
    return result;
}

int barrow_graph_classes(struct barrow_graph *graph, struct barrow_class_row **out, size_t *count,
                         struct barrow_error *err)
{
    const struct barrow_heap *heap = graph->heap;
    struct barrow_class_row *rows = calloc((size_t)heap->type_count + 1, sizeof *rows);
    size_t kept = 0;
    *out = NULL;
    *count = 0;
    if (!rows)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the table of classes");
    for (uint32_t type = 0; type < heap->type_count; type++)
        rows[type].type = type;
    for (uint32_t v = 1; v <= graph->object_count; v++) {
        rows[heap->type[v]].objects++;
        rows[heap->type[v]].bytes += barrow_heap_bytes(heap, v);
    }
    if (add_retained(graph, rows, err) < 0) {
        free(rows);
        return -1;
    }
    for (uint32_t type = 0; type < heap->type_count; type++)
        if (rows[type].objects)
            rows[kept++] = rows[type];
    qsort(rows, kept, sizeof *rows, by_retained);
    *out = rows;
    *count = kept;
    return 0;
}
