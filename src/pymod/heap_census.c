/* How many objects each class has: barrow._core.count_tracked(), tracked(), count_all(). */
#include "base/array.h"
#include "base/map.h"
#include "cpython/gc_list.h"
#include "pymod/dig.h"
#include "pymod/heap.h"
#include "record/record.h"

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

static void free_counts(struct counts *counts)
{
    free(counts->classes.items);
    barrow_map_free(&counts->by_type);
}

static PyObject *rows_of(const struct counts *counts)
{
    for (size_t i = 0; i < counts->classes.count; i++)
        Py_INCREF(counts->classes.items[i].type);
    PyObject *list = PyList_New((Py_ssize_t)counts->classes.count);
    for (size_t i = 0; list && i < counts->classes.count; i++) {
        const struct count *count = &counts->classes.items[i];
        PyObject *row = Py_BuildValue("OKK", count->type, count->objects, count->bytes);
        if (!row)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, row);
    }
    for (size_t i = 0; i < counts->classes.count; i++)
        Py_DECREF(counts->classes.items[i].type);
    return list;
}

static PyObject *unknown_lists(PyObject *module)
{
    struct barrow_error err;
    barrow_fail(&err, BARROW_E_UNSUPPORTED,
                "this interpreter keeps its objects where barrow doesn't know them");
    return barrow_pymod_raise(barrow_pymod_state(module), &err);
}

/* Calls for each object that the collector tracks. */
#define EACH_TRACKED(at)                                                            \
    for (int i_ = 0; i_ < BARROW_GC_LISTS; i_++)                                    \
        for (const PyGC_Head *head_ = barrow_gc_list(PyInterpreterState_Get(), i_), \
                             *at = barrow_gc_next(head_);                           \
             at != head_; at = barrow_gc_next(at))

static PyObject *count_tracked(PyObject *module, PyObject *unused)
{
    struct counts counts = {0};
    struct count *count = NULL;
    bool ok = true;
    (void)unused;
    if (!barrow_gc_lists_are_known())
        return unknown_lists(module);
    struct barrow_thread *thread = barrow_enter();
    EACH_TRACKED(at)
    {
        PyTypeObject *type = Py_TYPE(barrow_gc_object(at));
        if (!count || count->type != type)
            count = count_of(&counts, type);
        if (count)
            count->objects++;
        else
            ok = false;
    }
    if (thread)
        barrow_leave(thread);
    PyObject *list = ok ? rows_of(&counts) : PyErr_NoMemory();
    free_counts(&counts);
    return list;
}

/* ---- the objects of some classes ---- */

static bool is_one_of(const PyTypeObject *type, PyObject *types)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(types); i++)
        if ((PyObject *)type == PyTuple_GET_ITEM(types, i))
            return true;
    return false;
}

static PyObject *tracked(PyObject *module, PyObject *types)
{
    BARROW_ARRAY(PyObject *) found = {0};
    bool ok = true;
    if (!PyTuple_Check(types)) {
        PyErr_SetString(PyExc_TypeError, "tracked() takes a tuple of classes");
        return NULL;
    }
    if (!barrow_gc_lists_are_known())
        return unknown_lists(module);
    EACH_TRACKED(at)
    {
        PyObject *object = barrow_gc_object(at);
        if (!is_one_of(Py_TYPE(object), types))
            continue;
        PyObject **slot = barrow_array_add(&found);
        if (slot)
            *slot = Py_NewRef(object);
        else
            ok = false;
    }
    PyObject *list = ok ? PyList_New((Py_ssize_t)found.count) : PyErr_NoMemory();
    for (size_t i = 0; i < found.count; i++)
        if (list)
            PyList_SET_ITEM(list, (Py_ssize_t)i, found.items[i]);
        else
            Py_DECREF(found.items[i]);
    free(found.items);
    return list;
}

/* ---- every object, with sizes ---- */

static bool add_up(struct counts *counts, const struct barrow_heap *heap)
{
    for (uint32_t i = 1; i <= heap->object_count; i++) {
        /* Classes are objects of the snapshot: that is where their addresses are. */
        uint32_t class = heap->types[heap->type[i]].object;
        if (!class)
            continue;
        struct count *count = count_of(counts, (PyTypeObject *)(uintptr_t)heap->address[class]);
        if (!count)
            return false;
        count->objects++;
        count->bytes += barrow_heap_bytes(heap, i);
    }
    return true;
}

static PyObject *count_all(PyObject *module, PyObject *unused)
{
    struct counts counts = {0};
    struct barrow_pymod_heap heap;
    struct barrow_error err;
    (void)unused;
    struct barrow_thread *thread = barrow_enter();
    int result = barrow_pymod_heap_take(&heap, 0, &err);
    bool ok = result == 0 && add_up(&counts, &heap.dig.heap);
    if (result == 0)
        barrow_pymod_heap_free(&heap);
    if (thread)
        barrow_leave(thread);
    PyObject *list = result < 0 ? barrow_pymod_raise(barrow_pymod_state(module), &err)
                     : ok       ? rows_of(&counts)
                                : PyErr_NoMemory();
    free_counts(&counts);
    return list;
}

/* ---- objects chosen from the whole heap ---- */

enum choice { EVERY_OBJECT, UNREFERRED };

/* Objects that the collector tracks and that none of those refers to. */
static void mark_referred(const struct barrow_heap *heap, uint8_t *is_referred)
{
    for (uint32_t i = 1; i <= heap->object_count; i++) {
        if (!(heap->types[heap->type[i]].flags & HEAP_TYPE_GC))
            continue;
        for (uint64_t e = heap->edge_start[i]; e < heap->edge_start[i + 1]; e++)
            if (heap->name[e] >> HEAP_NAME_SHIFT != HEAP_NAME_WEAK)
                is_referred[heap->target[e]] = 1;
    }
    for (uint32_t i = 1; i <= heap->object_count; i++)
        if (!PyObject_GC_IsTracked((PyObject *)(uintptr_t)heap->address[i]))
            is_referred[i] = 1;
}

static PyObject *objects_of(PyObject *module, enum choice choice)
{
    struct barrow_pymod_heap h;
    struct barrow_error err;
    struct barrow_thread *thread = barrow_enter();
    int result = barrow_pymod_heap_take(&h, 0, &err);
    const struct barrow_heap *heap = &h.dig.heap;
    uint8_t *skip = result == 0 ? calloc(heap->object_count + 1u, 1) : NULL;
    if (skip && choice == UNREFERRED)
        mark_referred(heap, skip);
    if (thread)
        barrow_leave(thread);
    if (result < 0)
        return barrow_pymod_raise(barrow_pymod_state(module), &err);
    Py_ssize_t count = 0;
    for (uint32_t i = 1; skip && i <= heap->object_count; i++)
        if (!skip[i]) {
            Py_INCREF((PyObject *)(uintptr_t)heap->address[i]);
            count++;
        }
    PyObject *list = skip ? PyList_New(count) : PyErr_NoMemory();
    Py_ssize_t at = 0;
    for (uint32_t i = 1; skip && i <= heap->object_count; i++) {
        PyObject *object = (PyObject *)(uintptr_t)heap->address[i];
        if (skip[i])
            continue;
        if (list)
            PyList_SET_ITEM(list, at++, object);
        else
            Py_DECREF(object);
    }
    free(skip);
    barrow_pymod_heap_free(&h);
    return list;
}

static PyObject *every_object(PyObject *module, PyObject *unused)
{
    (void)unused;
    return objects_of(module, EVERY_OBJECT);
}

static PyObject *unreferred(PyObject *module, PyObject *unused)
{
    (void)unused;
    return objects_of(module, UNREFERRED);
}

PyMethodDef barrow_heap_census_methods[] = {
    {"every_object", every_object, METH_NOARGS, "every_object()\n\nA list of all objects."},
    {"unreferred", unreferred, METH_NOARGS,
     "unreferred()\n\nThe tracked objects that no other object refers to."},
    {"count_tracked", count_tracked, METH_NOARGS,
     "count_tracked()\n\nThe objects that the collector tracks: (class, objects, 0) a class."},
    {"tracked", tracked, METH_O,
     "tracked(classes)\n\nThe tracked objects of exactly these classes."},
    {"count_all", count_all, METH_NOARGS,
     "count_all()\n\nAll objects: (class, objects, bytes) a class."},
    {NULL, NULL, 0, NULL},
};
