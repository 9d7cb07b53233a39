#include "export/report_heap.h"

#include <stdlib.h>
#include <string.h>

#include "graph/words.h"
#include "table/keys.h"

/* ---- strings ---- */

/* Where the page's string for a text is kept; NULL: it is "", or there is no memory. */
static uint32_t *page_string(struct report_heap *heap, const char *text)
{
    uint32_t string = snapshot_string(&heap->strings, text);

    if (string == 0)
        return NULL;
    while (heap->page_strings.count <= string)
        if (!barrow_array_add(&heap->page_strings)) {
            heap->failed = true;
            return NULL;
        }
    return &heap->page_strings.items[string];
}

uint32_t report_heap_string(struct report_heap *heap, const char *text)
{
    uint32_t *index = page_string(heap, text);

    if (!index)
        return 0;
    if (*index == 0)
        *index = heap->add_text(heap->context,
                                heap->strings.list.items[index - heap->page_strings.items]);
    return *index;
}

/* Strings that the page has already. */
static void know_strings(struct report_heap *heap)
{
    for (size_t i = 1; i < heap->known_count; i++) {
        uint32_t *index = page_string(heap, heap->known[i]);
        if (index)
            *index = (uint32_t)i;
    }
}

uint32_t report_heap_words(struct report_heap *heap, struct barrow_buffer *words)
{
    const char *text = barrow_buffer_text(words);
    uint32_t string = text ? report_heap_string(heap, text) : 0;

    heap->failed |= !text;
    words->used = 0;
    return string;
}

/* ---- a snapshot ---- */

static uint32_t module_of(struct report_heap *heap, const struct barrow_graph *graph, uint32_t type)
{
    struct barrow_buffer words = {0};

    barrow_words_string(&words, graph, graph->heap->types[type].module);
    uint32_t string = report_heap_words(heap, &words);
    barrow_buffer_free(&words);
    return string;
}

static bool keep_classes(struct report_heap *heap, struct report_snapshot *snapshot,
                         const struct barrow_graph *graph, const struct barrow_class_row *rows,
                         size_t count)
{
    snapshot->classes = calloc(count + 1, sizeof *snapshot->classes);
    if (!snapshot->classes)
        return false;
    for (size_t i = 0; i < count; i++) {
        char *name = barrow_graph_class_name(graph, rows[i].type);
        if (!name)
            return false;
        snapshot->classes[i] = (struct report_class){
            .name = report_heap_string(heap, name),
            .module = module_of(heap, graph, rows[i].type),
            .objects = rows[i].objects,
            .bytes = rows[i].bytes,
            .retained = rows[i].retained,
        };
        free(name);
    }
    snapshot->class_count = count;
    return true;
}

static void tell_snapshot(struct report_heap *heap, struct report_snapshot *snapshot,
                          const struct barrow_graph *graph)
{
    struct barrow_buffer words = {0};

    barrow_words_string(&words, graph, graph->heap->label);
    snapshot->label = report_heap_words(heap, &words);
    snapshot->objects = graph->object_count;
    snapshot->bytes = graph->total_bytes;
    snapshot->garbage_objects = graph->unreachable;
    snapshot->garbage_bytes = graph->total_bytes - graph->reachable_bytes;
    barrow_buffer_free(&words);
}

static int put_trees(struct report_heap *heap, struct report_snapshot *snapshot,
                     struct barrow_graph *graph, const struct barrow_class_row *rows, size_t count,
                     struct barrow_error *err)
{
    struct barrow_paths *paths;

    if (barrow_paths_find(&paths, graph, err) < 0)
        return -1;
    int rc = report_heap_dominators(heap, graph, paths, snapshot->place.process,
                                    &snapshot->nodes_written, err);
    if (rc == 0)
        rc = report_heap_paths(heap, paths, rows, count, &snapshot->path_nodes_written, err);
    barrow_paths_free(paths);
    return rc;
}

/* `whole`: with dominators and paths. */
static int put_snapshot(struct report_heap *heap, struct report_snapshot *snapshot,
                        struct barrow_graph *graph, bool whole, struct barrow_error *err)
{
    struct barrow_class_row *rows = NULL;
    size_t count = 0;

    tell_snapshot(heap, snapshot, graph);
    if (barrow_graph_classes(graph, &rows, &count, err) < 0)
        return -1;
    int rc = keep_classes(heap, snapshot, graph, rows, count)
                 ? 0
                 : barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    if (rc == 0 && whole)
        rc = put_trees(heap, snapshot, graph, rows, count, err);
    free(rows);
    return rc;
}

/* A snapshot that can't be read costs itself. */
static int load_snapshot(struct report_heap *heap, const struct barrow_snapshot_place *place,
                         bool whole, struct barrow_error *err)
{
    struct barrow_graph *graph;
    struct barrow_error why;

    if (barrow_snapshot_load(&graph, heap->profile, place, NULL, &why) < 0) {
        if (why.code == BARROW_E_NO_MEMORY)
            return barrow_fail(err, why.code, "%s", why.text);
        barrow_notes_add(&heap->warnings, "%s", why.text);
        return 0;
    }
    for (size_t i = 0; i < graph->warnings.count; i++)
        barrow_notes_add(&heap->warnings, "%s", graph->warnings.items[i]);
    struct report_snapshot *snapshot = barrow_array_add(&heap->list);
    int rc = -1;
    if (snapshot) {
        snapshot->place = *place;
        rc = put_snapshot(heap, snapshot, graph, whole, err);
    } else {
        barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    }
    barrow_graph_free(graph);
    return rc;
}

/* ---- classes: the same ones of all snapshots ---- */

static uint64_t weight_of(const struct report_class *class)
{
    return class->bytes > class->retained ? class->bytes : class->retained;
}

static int compare_weights(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a < b) - (a > b);
}

/* Fills `heaviest`, by name: the highest weight in any snapshot.  Gives what a class must weigh to
 * be among the chosen; 0: all are. */
static uint64_t weigh(const struct report_heap *heap, uint64_t *heaviest, size_t names,
                      uint64_t *sorted)
{
    for (size_t s = 0; s < heap->list.count; s++)
        for (size_t i = 0; i < heap->list.items[s].class_count; i++) {
            const struct report_class *class = &heap->list.items[s].classes[i];
            if (weight_of(class) > heaviest[class->name])
                heaviest[class->name] = weight_of(class);
        }
    memcpy(sorted, heaviest, names * sizeof *sorted);
    qsort(sorted, names, sizeof *sorted, compare_weights);
    return names > BARROW_REPORT_CLASSES ? sorted[BARROW_REPORT_CLASSES] : 0;
}

static void put_class(struct report_heap *heap, const struct report_class *class)
{
    struct barrow_report_columns *to = heap->columns;

    barrow_report_put(to, REPORT_HEAP_TYPES_CLASS, class->name);
    barrow_report_put(to, REPORT_HEAP_TYPES_MODULE, class->module);
    barrow_report_put(to, REPORT_HEAP_TYPES_OBJECTS, class->objects);
    barrow_report_put(to, REPORT_HEAP_TYPES_BYTES, class->bytes);
    barrow_report_put(to, REPORT_HEAP_TYPES_RETAINED, class->retained);
}

static bool put_classes(struct report_heap *heap)
{
    size_t names = 1;

    for (size_t s = 0; s < heap->list.count; s++)
        for (size_t i = 0; i < heap->list.items[s].class_count; i++)
            if (heap->list.items[s].classes[i].name >= names)
                names = (size_t)heap->list.items[s].classes[i].name + 1;
    uint64_t *heaviest = calloc(names, sizeof *heaviest), *sorted = calloc(names, sizeof *sorted);
    bool fine = heaviest && sorted;
    uint64_t least = fine ? weigh(heap, heaviest, names, sorted) : 0;
    for (size_t s = 0; fine && s < heap->list.count; s++) {
        struct report_snapshot *snapshot = &heap->list.items[s];
        struct report_class others = {0};
        for (size_t i = 0; i < snapshot->class_count; i++) {
            const struct report_class *class = &snapshot->classes[i];
            if (heaviest[class->name] > least) {
                put_class(heap, class);
                snapshot->classes_written++;
            } else {
                others.objects += class->objects;
                others.bytes += class->bytes;
            }
        }
        if (others.objects) {
            put_class(heap, &others);
            snapshot->classes_written++;
        }
    }
    free(sorted);
    free(heaviest);
    return fine;
}

/* ---- all of it ---- */

/* Of very many snapshots some are left out, evenly; never the last. */
static bool is_chosen(size_t i, size_t count)
{
    size_t most = BARROW_REPORT_SNAPSHOTS;

    return count <= most || (i + 1) * most / count != i * most / count;
}

int report_heap_put(struct report_heap *heap, struct barrow_error *err)
{
    struct barrow_snapshots places;
    int rc = 0;

    if (barrow_snapshots_find(&places, heap->profile, err) < 0)
        return -1;
    for (size_t i = 0; i < places.warnings.count; i++)
        barrow_notes_add(&heap->warnings, "%s", places.warnings.items[i]);
    if (places.count)
        know_strings(heap);
    for (size_t i = 0; i < places.count && rc == 0; i++)
        if (is_chosen(i, places.count))
            rc = load_snapshot(heap, &places.items[i],
                               i + BARROW_REPORT_WHOLE_SNAPSHOTS >= places.count, err);
    barrow_snapshots_free(&places);
    if (rc == 0 && (!put_classes(heap) || heap->failed || heap->strings.failed))
        rc = barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    return rc;
}

void report_heap_json(const struct report_heap *heap, struct barrow_json *json)
{
    if (heap->list.count == 0)
        return;
    barrow_json_key(json, "heaps");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < heap->list.count; i++) {
        const struct report_snapshot *s = &heap->list.items[i];
        barrow_json_begin_object(json);
        barrow_put_number(json, "process", s->place.process);
        barrow_put_seconds(json, "time_s", s->place.time_ns);
        barrow_put_seconds(json, "pause_s", s->place.info.pause_ns);
        barrow_put_number(json, "label", s->label);
        barrow_put_number(json, "flags", s->place.info.flags);
        barrow_put_number(json, "objects", s->objects);
        barrow_put_number(json, "bytes", s->bytes);
        barrow_put_number(json, "garbage_objects", s->garbage_objects);
        barrow_put_number(json, "garbage_bytes", s->garbage_bytes);
        barrow_put_number(json, "types", s->classes_written);
        barrow_put_number(json, "nodes", s->nodes_written);
        barrow_put_number(json, "paths", s->path_nodes_written);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
    barrow_json_key(json, "heap_warnings");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < heap->warnings.count; i++)
        barrow_json_string(json, heap->warnings.items[i]);
    barrow_json_end_array(json);
}

void report_heap_free(struct report_heap *heap)
{
    for (size_t i = 0; i < heap->list.count; i++)
        free(heap->list.items[i].classes);
    free(heap->list.items);
    free(heap->page_strings.items);
    snapshot_strings_free(&heap->strings);
    barrow_notes_free(&heap->warnings);
}
