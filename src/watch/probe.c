/* A class's objects come in runs, so the class of the last object is looked at first; then a hash
 * map of classes.  Names are read once a class, at the end, while no class can go away.
 */
#include "watch/probe.h"

#include <stdlib.h>

#include "base/map.h"
#include "cpython/gc_list.h"
#include "cpython/type_name.h"
#include "os/raw.h"

struct count {
    PyTypeObject *type;
    uint64_t objects, bytes;
};

struct counts {
    BARROW_ARRAY(struct count) classes;
    struct barrow_map by_type;
};

#define SAME_TYPE(classes, value, key) ((classes)[(value)-1].type == (key))
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
        count->type = type;
        barrow_map_fill(&counts->by_type, value, hash, (uint32_t)counts->classes.count);
    }
    return count;
}

/* An object's bytes, of all its blocks. */
static uint64_t bytes_of(PyObject *object, PyTypeObject *type)
{
    Py_ssize_t items = type->tp_itemsize ? Py_SIZE(object) : 0;
    uint64_t bytes = (uint64_t)type->tp_basicsize +
                     (uint64_t)type->tp_itemsize * (uint64_t)(items < 0 ? -items : items);
    return bytes + sizeof(PyGC_Head);
}

static bool count_tracked(struct counts *counts, const PyInterpreterState *interpreter)
{
    struct count *count = NULL;
    for (int i = 0; i < BARROW_GC_LISTS; i++) {
        const PyGC_Head *head = barrow_gc_list(interpreter, i);
        for (const PyGC_Head *at = barrow_gc_next(head); at != head; at = barrow_gc_next(at)) {
            PyObject *object = barrow_gc_object(at);
            PyTypeObject *type = Py_TYPE(object);
            if (!count || count->type != type)
                count = count_of(counts, type);
            if (!count)
                return false;
            count->objects++;
            count->bytes += bytes_of(object, type);
        }
    }
    return true;
}

/* Names and totals; classes of the same name are still several. */
static bool name_classes(struct barrow_watch_census *census, const struct counts *counts)
{
    char name[512];
    census->classes = calloc(counts->classes.count + 1, sizeof *census->classes);
    for (size_t i = 0; census->classes && i < counts->classes.count; i++) {
        const struct count *count = &counts->classes.items[i];
        struct ledger_census_class *class = &census->classes[census->count++];
        class->name_bytes = barrow_type_name(count->type, name, sizeof name);
        class->name = barrow_arena_text(&census->names, name, class->name_bytes);
        class->objects = count->objects;
        class->bytes = count->bytes;
        census->head.objects += count->objects;
        census->head.bytes += count->bytes;
        if (!class->name)
            return false;
    }
    return census->classes != NULL;
}

int barrow_probe_census(struct barrow_watch_census *census, bool all, struct barrow_error *err)
{
    struct counts counts = {0};
    uint64_t start = raw_monotonic_ns();
    if (!barrow_gc_lists_are_known())
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "this interpreter's collector isn't as barrow knows it: no census");
    *census = (struct barrow_watch_census){0};
    bool ok = count_tracked(&counts, PyInterpreterState_Main()) && name_classes(census, &counts);
    census->head.scope = all ? LEDGER_CENSUS_ALL : LEDGER_CENSUS_TRACKED;
    free(counts.classes.items);
    barrow_map_free(&counts.by_type);
    census->head.pause_ns = raw_monotonic_ns() - start;
    if (ok) {
        barrow_watch_census_merge(census);
        return 0;
    }
    barrow_watch_census_free(census);
    return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for a census");
}
