/* Objects of a class come in runs, so the class of the last object is looked at first; then a hash
 * map of classes.  What is to be known of a class is found out once, when it is first met; names at
 * the end, while no class can go away.
 */
#include "watch/probe.h"

#include <stdlib.h>

#include "base/map.h"
#include "cpython/gc_list.h"
#include "cpython/type_name.h"
#include "dig/size.h"
#include "dig/walk.h"
#include "os/raw.h"

struct count {
    struct barrow_size_rule rule;
    uint64_t objects, bytes;
};

struct counts {
    BARROW_ARRAY(struct count) classes;
    struct barrow_map by_type;
    struct barrow_blocks blocks;
    size_t last; /* class of the last object */
};

#define SAME_TYPE(classes, value, key) ((classes)[(value)-1].rule.type == (key))
BARROW_MAP_FIND(find_type, const struct count *, const PyTypeObject *, SAME_TYPE)

static struct count *count_of(struct counts *counts, PyTypeObject *type)
{
    uint32_t hash = barrow_hash_1((uintptr_t)type);
    if (!barrow_map_reserve(&counts->by_type, 1))
        return NULL;
    uint32_t *value = find_type(&counts->by_type, counts->classes.items, type, hash);
    if (*value)
        return &counts->classes.items[*value - 1];
    struct count *count = barrow_array_add(&counts->classes);
    if (count) {
        barrow_size_rule_of(&count->rule, type);
        barrow_map_fill(&counts->by_type, value, hash, (uint32_t)counts->classes.count);
    }
    return count;
}

static bool count_object(struct counts *counts, const PyGC_Head *at)
{
    PyObject *object = barrow_gc_object(at);
    struct count *count =
        counts->last < counts->classes.count ? &counts->classes.items[counts->last] : NULL;
    if (!count || count->rule.type != Py_TYPE(object))
        count = count_of(counts, Py_TYPE(object));
    if (!count)
        return false;
    counts->last = (size_t)(count - counts->classes.items);
    count->objects++;
    count->bytes += barrow_size_by_rule(&counts->blocks, &count->rule, object);
    return true;
}

/* Goes through a list from both ends: in a heap that was long in use each link leads to memory that
 * is in no cache, and two chains are waited for at the same time. */
static bool count_list(struct counts *counts, const PyGC_Head *head)
{
    const PyGC_Head *front = barrow_gc_next(head), *back = barrow_gc_previous(head);
    while (front != head) {
        const PyGC_Head *next = barrow_gc_next(front), *previous = barrow_gc_previous(back);
        __builtin_prefetch(next);
        __builtin_prefetch(previous);
        if (!count_object(counts, front))
            return false;
        if (front == back)
            break;
        if (!count_object(counts, back))
            return false;
        if (next == back)
            break;
        front = next;
        back = previous;
    }
    return true;
}

static bool count_tracked(struct counts *counts, const PyInterpreterState *interpreter)
{
    bool ok = true;
    for (int i = 0; i < BARROW_GC_LISTS && ok; i++)
        ok = count_list(counts, barrow_gc_list(interpreter, i));
    return ok;
}

static bool add_class(struct barrow_watch_census *census, const char *name, uint32_t name_bytes,
                      uint64_t objects, uint64_t bytes)
{
    struct ledger_census_class *class = &census->classes[census->count++];
    class->name = barrow_arena_text(&census->names, name, name_bytes);
    class->name_bytes = name_bytes;
    class->objects = objects;
    class->bytes = bytes;
    census->head.objects += objects;
    census->head.bytes += bytes;
    return class->name != NULL;
}

static bool name_classes(struct barrow_watch_census *census, const struct counts *counts)
{
    char name[512];
    bool ok = true;
    census->classes = calloc(counts->classes.count + 1, sizeof *census->classes);
    for (size_t i = 0; census->classes && i < counts->classes.count && ok; i++) {
        const struct count *count = &counts->classes.items[i];
        uint32_t bytes = barrow_type_name(count->rule.type, name, sizeof name);
        ok = add_class(census, name, bytes, count->objects, count->bytes);
    }
    return ok && census->classes;
}

static int take_tracked(struct barrow_watch_census *census, struct barrow_error *err)
{
    struct counts counts = {0};
    if (!barrow_gc_lists_are_known())
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "this interpreter's collector isn't as barrow knows it: no census");
    /* A class in C may make objects to tell its size: no collection may begin meanwhile. */
    bool was_enabled = PyGC_Disable();
    bool ok = barrow_blocks_init(&counts.blocks) &&
              count_tracked(&counts, PyInterpreterState_Main()) && name_classes(census, &counts);
    if (was_enabled)
        PyGC_Enable();
    barrow_blocks_free(&counts.blocks);
    free(counts.classes.items);
    barrow_map_free(&counts.by_type);
    return ok ? 0 : barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for a census");
}

/* ---- every object: by a walk ---- */

static uint32_t full_name(const struct barrow_heap *heap, const struct heap_type *type, char *name,
                          uint32_t limit)
{
    uint32_t used = 0, parts[] = {type->module, type->name};
    for (int i = 0; i < 2; i++) {
        uint32_t start = heap->string_start[parts[i]], end = heap->string_start[parts[i] + 1];
        if (used && used < limit)
            name[used++] = '.';
        for (; start < end && used < limit; start++)
            name[used++] = heap->strings[start] ? heap->strings[start] : '?';
    }
    return used;
}

static bool count_walked(struct barrow_watch_census *census, const struct barrow_heap *heap)
{
    char name[512];
    struct ledger_census_class *sums = calloc(heap->type_count + 1, sizeof *sums);
    bool ok = sums != NULL;
    census->classes = calloc(heap->type_count + 1, sizeof *census->classes);
    ok = ok && census->classes;
    for (uint32_t i = 1; ok && i <= heap->object_count; i++) {
        sums[heap->type[i]].objects++;
        sums[heap->type[i]].bytes += heap->bytes[i] < UINT32_MAX ? heap->bytes[i] : 0;
    }
    for (uint32_t i = 0; ok && i < heap->large_count; i++)
        sums[heap->type[heap->large[i].object]].bytes += heap->large[i].bytes;
    for (uint32_t i = 1; ok && i < heap->type_count; i++)
        if (sums[i].objects)
            ok = add_class(census, name, full_name(heap, &heap->types[i], name, sizeof name),
                           sums[i].objects, sums[i].bytes);
    free(sums);
    return ok;
}

static int take_all(struct barrow_watch_census *census, void *subtype_traverse,
                    struct barrow_error *err)
{
    struct barrow_dig dig;
    struct barrow_dig_options options = {.subtype_traverse = subtype_traverse};
    if (barrow_dig_walk(&dig, &options, err) < 0)
        return -1;
    bool ok = count_walked(census, &dig.heap);
    barrow_dig_free(&dig);
    return ok ? 0 : barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for a census");
}

int barrow_probe_census(struct barrow_watch_census *census, bool all, void *subtype_traverse,
                        struct barrow_error *err)
{
    uint64_t start = raw_monotonic_ns();
    *census = (struct barrow_watch_census){0};
    int rc = all ? take_all(census, subtype_traverse, err) : take_tracked(census, err);
    census->head.scope = all ? LEDGER_CENSUS_ALL : LEDGER_CENSUS_TRACKED;
    census->head.pause_ns = raw_monotonic_ns() - start;
    if (rc < 0)
        barrow_watch_census_free(census);
    else
        barrow_watch_census_merge(census);
    return rc;
}
