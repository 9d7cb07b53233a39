#include "pymod/heap.h"

#include "base/map.h"
#include "pymod/dig.h"

int barrow_pymod_heap_take(struct barrow_pymod_heap *heap, uint32_t flags, struct barrow_error *err)
{
    struct barrow_dig_options options = barrow_dig_options_now(NULL, flags);
    options.with_hashes = false;
    options.each_block = NULL;
    if (barrow_dig_walk(&heap->dig, &options, err) < 0)
        return -1;
    struct barrow_heap *columns = &heap->dig.heap;
    heap->graph = calloc(1, sizeof *heap->graph);
    if (!heap->graph) {
        barrow_dig_free(&heap->dig);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the graph of a heap");
    }
    heap->graph->heap = columns;
    heap->graph->object_count = columns->object_count;
    heap->graph->vertex_count = columns->object_count + columns->root_count;
    return 0;
}

void barrow_pymod_heap_free(struct barrow_pymod_heap *heap)
{
    barrow_graph_free(heap->graph);
    barrow_dig_free(&heap->dig);
}

/* ---- from objects to their numbers ---- */

#define SAME_OBJECT(objects, value, key) ((objects)[(value)-1] == (key))
BARROW_MAP_FIND(find_object, PyObject *const *, const PyObject *, SAME_OBJECT)

void barrow_pymod_heap_find(const struct barrow_pymod_heap *heap, PyObject *const *objects,
                            size_t count, uint32_t *numbers)
{
    const struct barrow_heap *columns = &heap->dig.heap;
    struct barrow_map map = {0};
    memset(numbers, 0, count * sizeof *numbers);
    if (!count || !barrow_map_reserve(&map, count))
        return;
    for (size_t i = 0; i < count; i++) {
        uint32_t hash = barrow_hash_1((uintptr_t)objects[i]);
        uint32_t *value = find_object(&map, objects, objects[i], hash);
        if (!*value)
            barrow_map_fill(&map, value, hash, (uint32_t)i + 1);
    }
    for (uint32_t number = 1; number <= columns->object_count; number++) {
        PyObject *o = (PyObject *)(uintptr_t)columns->address[number];
        uint32_t *value = find_object(&map, objects, o, barrow_hash_1((uintptr_t)o));
        if (*value)
            numbers[*value - 1] = number;
    }
    for (size_t i = 0; i < count; i++) /* those that were given twice */
        numbers[i] =
            numbers[*find_object(&map, objects, objects[i], barrow_hash_1((uintptr_t)objects[i])) -
                    1];
    barrow_map_free(&map);
}
