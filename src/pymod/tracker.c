/* Births, deaths and lifetimes of the objects of some classes: barrow._core.tracker_*().
 *
 * One reference tracer serves all trackers that are on.  Each knows by address what it saw being
 * born:
 *
 *     address ──(page map)──► entry: row of its class, time of birth         rows: figures a class
 *
 * Interpreters forget to tell of some deaths (3.13.0 to 3.13.2 of most, later ones of deeply nested
 * objects), so before figures are given a walk of the heap finds out who is gone.
 *
 * Memory comes from mmap(2): events come from within allocations and deallocations of the
 * interpreter. All with the lock of the interpreter that the tracker belongs to; other
 * interpreters' objects are not seen.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/pagemap.h"
#include "cpython/ref_tracer.h"
#include "cpython/type_name.h"
#include "dig/columns.h"
#include "os/raw.h"
#include "pymod/heap.h"
#include "record/record.h"

enum {
    NAME_BYTES = 256,
    SUB_BITS = 4, /* of a lifetime: so many bits behind its first one tell buckets apart */
    BUCKETS = 64 << SUB_BITS,
    CACHE = 1024,
};

struct row {
    char name[NAME_BYTES];
    uint64_t births, deaths, older_deaths; /* older: of objects born before the start */
    uint64_t untold;                       /* of `deaths`, those that were found out later */
    uint64_t least_ns, most_ns, total_ns;
    uint32_t buckets[BUCKETS];
};
struct entry {
    const PyObject *object; /* NULL: free */
    uint32_t row, next_free;
    uint64_t born_ns;
    bool was_met; /* by the walk that looks for deaths */
};
struct tracker {
    struct tracker *next; /* of those that are on */
    PyInterpreterState *interpreter;
    PyObject *classes; /* a tuple; its own reference */
    bool with_subclasses, is_on, failed;
    struct {
        const PyTypeObject *type;
        uint32_t row; /* + 1; 0: isn't tracked */
    } cache[CACHE];
    struct dig_column row_column, entry_column, chunk_column;
    uint32_t row_count, entry_count, free_entry, chunk_count;
    struct barrow_pagemap map; /* address -> entry, 0: none */
};
static struct tracker *trackers; /* that are on */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- lifetimes: 16 buckets for each power of two ---- */

static uint32_t bucket_of(uint64_t ns)
{
    if (ns < 1u << SUB_BITS)
        return (uint32_t)ns;
    uint32_t power = 63u - (uint32_t)__builtin_clzll(ns);
    uint32_t below = (uint32_t)(ns >> (power - SUB_BITS)) & ((1u << SUB_BITS) - 1);
    return ((power - SUB_BITS + 1) << SUB_BITS) + below;
}

/* The least lifetime of a bucket. */
static uint64_t bucket_start(uint32_t bucket)
{
    if (bucket < 1u << SUB_BITS)
        return bucket;
    uint32_t power = (bucket >> SUB_BITS) + SUB_BITS - 1;
    uint64_t below = bucket & ((1u << SUB_BITS) - 1);
    return (1ull << power) + (below << (power - SUB_BITS));
}

/* ---- rows ---- */

static struct row *row_at(const struct tracker *t, uint32_t row)
{
    return (struct row *)t->row_column.at + row;
}

static bool is_wanted(const struct tracker *t, PyTypeObject *type)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(t->classes); i++) {
        PyTypeObject *wanted = (PyTypeObject *)PyTuple_GET_ITEM(t->classes, i);
        if (type == wanted || (t->with_subclasses && PyType_IsSubtype(type, wanted)))
            return true;
    }
    return false;
}

/* Classes of one name share a row. */
static uint32_t row_named(struct tracker *t, PyTypeObject *type)
{
    char name[NAME_BYTES] = "";
    name[barrow_type_name(type, name, NAME_BYTES - 1)] = '\0';
    for (uint32_t i = 0; i < t->row_count; i++)
        if (strcmp(row_at(t, i)->name, name) == 0)
            return i + 1;
    if (!barrow_column_reserve(&t->row_column, (t->row_count + (size_t)1) * sizeof(struct row))) {
        t->failed = true;
        return 0;
    }
    memcpy(row_at(t, t->row_count)->name, name, NAME_BYTES);
    return ++t->row_count;
}

/* The row of a class's objects + 1; 0: they aren't tracked. */
static uint32_t row_of(struct tracker *t, PyTypeObject *type)
{
    size_t at = ((uintptr_t)type >> 5) % CACHE;
    if (t->cache[at].type != type) {
        t->cache[at].type = type;
        t->cache[at].row = is_wanted(t, type) ? row_named(t, type) : 0;
    }
    return t->cache[at].row;
}

/* A class is freed: another may get its address. */
static void forget_class(struct tracker *t, const PyObject *class)
{
    size_t at = ((uintptr_t) class >> 5) % CACHE;
    if ((const PyObject *)t->cache[at].type == class)
        t->cache[at].type = NULL;
}

/* ---- objects ---- */

static uint32_t *slot_of(struct tracker *t, const PyObject *o)
{
    uint32_t *slot = pagemap_find(&t->map, o);
    if (slot || (uintptr_t)o >> 47)
        return slot;
    if (!barrow_column_reserve(&t->chunk_column, (t->chunk_count + (size_t)1) * sizeof(void *)))
        return NULL;
    uint32_t *chunk = raw_memory(PAGEMAP_CHUNK_BYTES);
    if (!chunk)
        return NULL;
    ((void **)t->chunk_column.at)[t->chunk_count++] = chunk;
    t->map.chunks[(uintptr_t)o >> PAGEMAP_CHUNK_BITS] = chunk;
    return pagemap_find(&t->map, o);
}

static struct entry *entry_at(const struct tracker *t, uint32_t entry)
{
    return (struct entry *)t->entry_column.at + entry;
}

/* A new entry's number, from 1; 0: no memory. */
static uint32_t take_entry(struct tracker *t)
{
    uint32_t entry = t->free_entry;
    if (entry) {
        t->free_entry = entry_at(t, entry)->next_free;
        return entry;
    }
    if (!barrow_column_reserve(&t->entry_column,
                               (t->entry_count + (size_t)2) * sizeof(struct entry)))
        return 0;
    return ++t->entry_count;
}

static void give_back(struct tracker *t, uint32_t *slot)
{
    struct entry *entry = entry_at(t, *slot);
    entry->object = NULL;
    entry->next_free = t->free_entry;
    t->free_entry = *slot;
    *slot = 0;
}

static void note_untold_death(struct tracker *t, uint32_t entry)
{
    struct row *row = row_at(t, entry_at(t, entry)->row);
    row->deaths++;
    row->untold++;
}

static void note_birth(struct tracker *t, const PyObject *o, uint32_t row)
{
    uint32_t *slot = slot_of(t, o);
    uint32_t entry = slot ? *slot : 0;
    if (slot && !entry)
        entry = take_entry(t);
    if (!entry) {
        t->failed = true;
        return;
    }
    if (*slot)
        note_untold_death(t, entry);
    *slot = entry;
    *entry_at(t, entry) = (struct entry){.object = o, .row = row, .born_ns = now_ns()};
    row_at(t, row)->births++;
}

static void note_death(struct tracker *t, const PyObject *o, uint32_t row)
{
    uint32_t *slot = pagemap_find(&t->map, o);
    if (!slot || !*slot) {
        row_at(t, row)->older_deaths++;
        return;
    }
    struct entry *entry = entry_at(t, *slot);
    struct row *figures = row_at(t, entry->row); /* its class may have been changed meanwhile */
    uint64_t lived = now_ns() - entry->born_ns;
    figures->deaths++;
    figures->total_ns += lived;
    figures->buckets[bucket_of(lived)]++;
    if (figures->deaths - figures->untold == 1 || lived < figures->least_ns)
        figures->least_ns = lived;
    if (lived > figures->most_ns)
        figures->most_ns = lived;
    give_back(t, slot);
}

static int on_event(PyObject *o, int event, void *unused)
{
    (void)unused;
    if (event > BARROW_REF_DESTROY || !o) { /* 3.15 tells when another tracer takes over */
        for (struct tracker *t = trackers; t; t = t->next)
            t->failed = true;
        return 0;
    }
    PyInterpreterState *here = barrow_interpreter_now();
    PyTypeObject *type = Py_TYPE(o);
    for (struct tracker *t = trackers; t; t = t->next) {
        if (t->interpreter != here)
            continue;
        uint32_t row = row_of(t, type);
        if (row && event == BARROW_REF_CREATE)
            note_birth(t, o, row - 1);
        else if (row)
            note_death(t, o, row - 1);
        if (event == BARROW_REF_DESTROY && PyType_FastSubclass(type, Py_TPFLAGS_TYPE_SUBCLASS))
            forget_class(t, o);
    }
    return 0;
}

/* ---- deaths that nobody told of ---- */

static void find_gone(struct tracker *t, const struct barrow_heap *heap)
{
    for (uint32_t i = 1; i <= t->entry_count; i++)
        entry_at(t, i)->was_met = false;
    for (uint32_t i = 1; i <= heap->object_count; i++) {
        const PyObject *o = (const PyObject *)(uintptr_t)heap->address[i];
        const uint32_t *slot = pagemap_find(&t->map, o);
        if (slot && *slot && entry_at(t, *slot)->object == o)
            entry_at(t, *slot)->was_met = true;
    }
    for (uint32_t i = 1; i <= t->entry_count; i++) {
        const struct entry *entry = entry_at(t, i);
        if (!entry->object || entry->was_met)
            continue;
        note_untold_death(t, i);
        give_back(t, pagemap_find(&t->map, entry->object));
    }
}

/* Takes a walk of the whole heap if anything seems alive. */
static int find_untold_deaths(struct tracker *t, struct barrow_error *err)
{
    struct barrow_pymod_heap heap;
    uint64_t living = 0;
    for (uint32_t i = 0; i < t->row_count; i++)
        living += row_at(t, i)->births - row_at(t, i)->deaths;
    if (!living || !t->is_on)
        return 0;
    struct barrow_thread *thread = barrow_enter();
    int result = barrow_pymod_heap_take(&heap, 0, err);
    if (result == 0) {
        find_gone(t, &heap.dig.heap);
        barrow_pymod_heap_free(&heap);
    }
    if (thread)
        barrow_leave(thread);
    return result;
}

/* ---- from Python ---- */

static const char capsule_name[] = "barrow.tracker";

static struct tracker *tracker_of(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, capsule_name);
}

/* Takes it out of the list; the tracer goes with the last one, if nobody else took its place. */
static bool end_tracking(struct tracker *t)
{
    struct tracker **at = &trackers;
    bool was_told = !BARROW_HAVE_REF_TRACER || barrow_ref_tracer_is(on_event);
    while (*at && *at != t)
        at = &(*at)->next;
    if (*at)
        *at = t->next;
    t->is_on = false;
    if (!trackers && was_told && BARROW_HAVE_REF_TRACER)
        barrow_ref_tracer_put(NULL, NULL);
    return was_told;
}

static void tracker_free(PyObject *capsule)
{
    struct tracker *t = tracker_of(capsule);
    void **chunks = t->chunk_column.at;
    if (t->is_on)
        end_tracking(t);
    for (uint32_t i = 0; i < t->chunk_count; i++)
        raw_munmap(chunks[i], PAGEMAP_CHUNK_BYTES);
    raw_munmap(t->map.chunks, PAGEMAP_CHUNKS * sizeof *t->map.chunks);
    barrow_column_free(&t->row_column);
    barrow_column_free(&t->entry_column);
    barrow_column_free(&t->chunk_column);
    Py_DECREF(t->classes);
    raw_munmap(t, sizeof *t);
}

static PyObject *tracker_new(PyObject *module, PyObject *args)
{
    PyObject *classes;
    int with_subclasses;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!p:tracker_new", &PyTuple_Type, &classes, &with_subclasses))
        return NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(classes); i++)
        if (!PyType_Check(PyTuple_GET_ITEM(classes, i)))
            return PyErr_Format(PyExc_TypeError, "Tracker() takes classes, not %R",
                                PyTuple_GET_ITEM(classes, i));
    struct tracker *t = raw_memory(sizeof *t);
    uint32_t **chunks = t ? raw_memory(PAGEMAP_CHUNKS * sizeof *chunks) : NULL;
    PyObject *capsule = chunks ? PyCapsule_New(t, capsule_name, tracker_free) : NULL;
    if (!capsule) {
        if (chunks)
            raw_munmap(chunks, PAGEMAP_CHUNKS * sizeof *chunks);
        if (t)
            raw_munmap(t, sizeof *t);
        return PyErr_NoMemory();
    }
    t->map.chunks = chunks;
    t->classes = Py_NewRef(classes);
    t->with_subclasses = with_subclasses;
    t->interpreter = PyInterpreterState_Get();
    return capsule;
}

static PyObject *tracker_start(PyObject *module, PyObject *capsule)
{
    struct tracker *t = tracker_of(capsule);
    if (!t)
        return NULL;
    bool is_ours = barrow_ref_tracer_is(on_event), is_free = barrow_ref_tracer_is(NULL);
    if (!is_ours && !is_free) {
        PyErr_SetString(barrow_pymod_state(module)->error,
                        "something else traces this interpreter's objects (tracemalloc does while "
                        "it runs): stop that first");
        return NULL;
    }
    if (!t->is_on) {
        t->next = trackers;
        trackers = t;
        t->is_on = true;
    }
    if (is_free && !barrow_ref_tracer_put((void *)(uintptr_t)on_event, NULL)) {
        end_tracking(t);
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *tracker_stop(PyObject *module, PyObject *capsule)
{
    struct tracker *t = tracker_of(capsule);
    struct barrow_error err;
    if (!t)
        return NULL;
    int result = find_untold_deaths(t, &err);
    bool was_told = !t->is_on || end_tracking(t);
    return result < 0 ? barrow_pymod_raise(barrow_pymod_state(module), &err)
                      : PyBool_FromLong(was_told && !t->failed);
}

static PyObject *buckets_of(const struct row *row)
{
    PyObject *list = PyList_New(0);
    for (uint32_t i = 0; i < BUCKETS && list; i++) {
        if (!row->buckets[i])
            continue;
        PyObject *pair =
            Py_BuildValue("KKI", bucket_start(i),
                          i + 1 < BUCKETS ? bucket_start(i + 1) : UINT64_MAX, row->buckets[i]);
        if (!pair || PyList_Append(list, pair) < 0)
            Py_CLEAR(list);
        Py_XDECREF(pair);
    }
    return list;
}

/* The figures move while objects are made here: of tracked builtin classes, too. */
static PyObject *tracker_rows(PyObject *module, PyObject *capsule)
{
    struct tracker *t = tracker_of(capsule);
    struct barrow_error err;
    if (!t)
        return NULL;
    if (find_untold_deaths(t, &err) < 0)
        return barrow_pymod_raise(barrow_pymod_state(module), &err);
    PyObject *list = PyList_New(0);
    for (uint32_t i = 0; list && i < t->row_count; i++) {
        const struct row row = *row_at(t, i);
        PyObject *buckets = buckets_of(&row);
        PyObject *item =
            buckets ? Py_BuildValue("sKKKKKKKN", row.name, row.births, row.deaths, row.older_deaths,
                                    row.untold, row.least_ns, row.most_ns, row.total_ns, buckets)
                    : NULL;
        if (!item || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

/* The tracer that is there, and puts one back: what tracemalloc leaves behind must be told from
 * others. */
static PyObject *ref_tracer(PyObject *module, PyObject *unused)
{
    void *data;
    (void)module;
    (void)unused;
    void *function = barrow_ref_tracer_look(&data);
    return Py_BuildValue("KK", (unsigned long long)(uintptr_t)function,
                         (unsigned long long)(uintptr_t)data);
}

static PyObject *ref_tracer_put(PyObject *module, PyObject *args)
{
    unsigned long long function, data;
    (void)module;
    if (!PyArg_ParseTuple(args, "KK:ref_tracer_put", &function, &data) ||
        !barrow_ref_tracer_put((void *)(uintptr_t)function, (void *)(uintptr_t)data))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *has_ref_tracer(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyBool_FromLong(BARROW_HAVE_REF_TRACER);
}

PyMethodDef barrow_tracker_methods[] = {
    {"tracker_new", tracker_new, METH_VARARGS, "tracker_new(classes, subclasses)\n\nNot on yet."},
    {"tracker_start", tracker_start, METH_O, "tracker_start(tracker)\n\nOn from here on."},
    {"tracker_stop", tracker_stop, METH_O,
     "tracker_stop(tracker)\n\nFalse: something else took the tracer's place meanwhile."},
    {"tracker_rows", tracker_rows, METH_O,
     "tracker_rows(tracker)\n\n(class, births, deaths, older deaths, least, most, sum of "
     "lifetimes in ns, [(from ns, to ns, deaths)])."},
    {"ref_tracer", ref_tracer, METH_NOARGS, "ref_tracer()\n\n(function, data); 0: none."},
    {"ref_tracer_put", ref_tracer_put, METH_VARARGS, "ref_tracer_put(function, data)"},
    {"has_ref_tracer", has_ref_tracer, METH_NOARGS, "has_ref_tracer()\n\n3.13 and later have."},
    {NULL, NULL, 0, NULL},
};
