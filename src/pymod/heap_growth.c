/* Which classes grew since the last call: barrow._core.growth().
 *
 * What was counted the last time is kept outside the heap that is counted, so it doesn't grow by
 * being looked at.  Classes are told by name: one that is made anew at each call of a function is
 * one.
 */
#include "base/arena.h"
#include "base/array.h"
#include "base/map.h"
#include "pymod/dig.h"
#include "pymod/heap.h"
#include "record/record.h"

struct count {
    const char *name;
    uint32_t name_bytes;
    uint64_t objects, bytes;
};
struct census {
    BARROW_ARRAY(struct count) classes;
    struct barrow_map by_name;
    struct barrow_arena names;
};
static struct census last; /* of the last call; the interpreter lock guards it */

struct key {
    const char *name;
    uint32_t bytes;
};
#define SAME_NAME(classes, value, key)                 \
    ((classes)[(value)-1].name_bytes == (key).bytes && \
     memcmp((classes)[(value)-1].name, (key).name, (key).bytes) == 0)
BARROW_MAP_FIND(find_name, const struct count *, struct key, SAME_NAME)

static void free_census(struct census *census)
{
    free(census->classes.items);
    barrow_map_free(&census->by_name);
    barrow_arena_free(&census->names);
    memset(census, 0, sizeof *census);
}

static const struct count *look_up(const struct census *census, const struct count *like)
{
    struct key key = {like->name, like->name_bytes};
    if (!census->classes.count)
        return NULL;
    uint32_t *value = find_name(&census->by_name, census->classes.items, key,
                                barrow_hash_bytes(key.name, key.bytes));
    return *value ? &census->classes.items[*value - 1] : NULL;
}

/* The entry of a class, new or of one that has the same name; NULL: no memory. */
static struct count *entry_of(struct census *census, const char *name, uint32_t bytes)
{
    struct key key = {name, bytes};
    uint32_t hash = barrow_hash_bytes(name, bytes);
    if (!barrow_map_reserve(&census->by_name, 1))
        return NULL;
    uint32_t *value = find_name(&census->by_name, census->classes.items, key, hash);
    if (*value)
        return &census->classes.items[*value - 1];
    struct count *count = barrow_array_add(&census->classes);
    const char *copy = barrow_arena_text(&census->names, name, bytes);
    if (!count || !copy)
        return NULL;
    *count = (struct count){.name = copy, .name_bytes = bytes};
    barrow_map_fill(&census->by_name, value, hash, (uint32_t)census->classes.count);
    return count;
}

static bool add_class(struct census *census, const struct barrow_graph *graph, uint32_t type,
                      const struct count *figures)
{
    char *name = barrow_graph_class_name(graph, type);
    struct count *count = name ? entry_of(census, name, (uint32_t)strlen(name)) : NULL;
    free(name);
    if (!count)
        return false;
    count->objects += figures->objects;
    count->bytes += figures->bytes;
    return true;
}

static bool take_census(struct census *census, const struct barrow_pymod_heap *h)
{
    const struct barrow_heap *heap = &h->dig.heap;
    struct count *by_type = calloc(heap->type_count + 1u, sizeof *by_type);
    bool ok = by_type != NULL;
    for (uint32_t i = 1; i <= heap->object_count && ok; i++) {
        by_type[heap->type[i]].objects++;
        by_type[heap->type[i]].bytes += barrow_heap_bytes(heap, i);
    }
    for (uint32_t t = 1; t < heap->type_count && ok; t++)
        if (by_type[t].objects)
            ok = add_class(census, h->graph, t, &by_type[t]);
    free(by_type);
    return ok;
}

/* (name, objects, bytes, more objects, more bytes) of what grew. */
static PyObject *grown_rows(const struct census *now, const struct census *before)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; i < now->classes.count && list; i++) {
        const struct count *count = &now->classes.items[i], *old = look_up(before, count);
        int64_t objects = (int64_t)(count->objects - (old ? old->objects : 0));
        int64_t bytes = (int64_t)(count->bytes - (old ? old->bytes : 0));
        if (objects <= 0 && bytes <= 0)
            continue;
        PyObject *name = PyUnicode_DecodeUTF8(count->name, count->name_bytes, "replace");
        PyObject *row = name ? Py_BuildValue("NKKLL", name, count->objects, count->bytes,
                                             (long long)objects, (long long)bytes)
                             : NULL;
        if (!row || PyList_Append(list, row) < 0)
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

static PyObject *growth(PyObject *module, PyObject *unused)
{
    struct census now = {0}, before;
    struct barrow_pymod_heap heap;
    struct barrow_error err;
    (void)unused;
    struct barrow_thread *thread = barrow_enter();
    int result = barrow_pymod_heap_take(&heap, 0, &err);
    bool ok = result == 0 && take_census(&now, &heap);
    if (result == 0)
        barrow_pymod_heap_free(&heap);
    if (thread)
        barrow_leave(thread);
    if (!ok) {
        free_census(&now);
        return result < 0 ? barrow_pymod_raise(barrow_pymod_state(module), &err) : PyErr_NoMemory();
    }
    /* Making objects may run Python code that asks again: until it is done the last census is ours.
     */
    before = last;
    last = (struct census){0};
    PyObject *list = grown_rows(&now, &before);
    thread = barrow_enter();
    free_census(&before);
    free_census(&last);
    last = now;
    if (thread)
        barrow_leave(thread);
    return list;
}

PyMethodDef barrow_heap_growth_methods[] = {
    {"growth", growth, METH_NOARGS,
     "growth()\n\n(class, objects, bytes, more objects, more bytes) since the last call."},
    {NULL, NULL, 0, NULL},
};
