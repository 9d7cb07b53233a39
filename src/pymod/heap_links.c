/* Who refers to objects: barrow._core.referrers(), ancestors(). */
#include "base/array.h"
#include "graph/words.h"
#include "pymod/dig.h"
#include "pymod/heap.h"
#include "record/record.h"

static uint64_t owner_of_edge(const struct barrow_heap *heap, uint64_t edge)
{
    uint64_t low = 1, high = heap->object_count;
    while (low < high) { /* the last object whose edges start at or before it */
        uint64_t middle = low + (high - low + 1) / 2;
        if (heap->edge_start[middle] <= edge)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static PyObject *object_at(const struct barrow_heap *heap, uint32_t number)
{
    return (PyObject *)(uintptr_t)heap->address[number];
}

/* ---- direct referrers ---- */

struct referrer {
    PyObject *object; /* its own reference; NULL: a root */
    char *words;
};
struct referrers {
    BARROW_ARRAY(struct referrer) list;
    bool failed;
};

static void add_referrer(struct referrers *r, PyObject *object, struct barrow_buffer *words)
{
    struct referrer *referrer = barrow_array_add(&r->list);
    char *text = barrow_buffer_text(words);
    if (!referrer || !text) {
        r->failed = true;
        free(text);
        return;
    }
    *referrer = (struct referrer){Py_XNewRef(object), text};
}

static void find_referrers(struct referrers *r, const struct barrow_pymod_heap *h, uint32_t number)
{
    const struct barrow_heap *heap = &h->dig.heap;
    for (uint64_t e = 0; e < heap->edge_count && !r->failed; e++) {
        if (heap->target[e] != number || heap->name[e] >> HEAP_NAME_SHIFT == HEAP_NAME_WEAK)
            continue;
        uint32_t from = (uint32_t)owner_of_edge(heap, e);
        struct barrow_step step = {.from = from, .to = number, .name = heap->name[e], .edge = e};
        struct barrow_buffer words = {0};
        barrow_words_step(&words, h->graph, &step, false, BARROW_WORDS_EXACT);
        add_referrer(r, object_at(heap, from), &words);
    }
    for (uint64_t e = 0; e < heap->root_edge_count && !r->failed; e++) {
        const struct heap_root_edge *edge = &heap->root_edges[e];
        if (edge->target != number)
            continue;
        struct barrow_step step = {
            .from = heap->object_count + edge->root, .to = number, .name = edge->name, .edge = e};
        struct barrow_buffer words = {0};
        barrow_words_start(&words, h->graph, &step);
        barrow_words_origin(&words, h->graph, &step);
        add_referrer(r, NULL, &words);
    }
}

static PyObject *referrer_rows(const struct referrers *r)
{
    PyObject *list = PyList_New((Py_ssize_t)r->list.count);
    for (size_t i = 0; list && i < r->list.count; i++) {
        const struct referrer *referrer = &r->list.items[i];
        PyObject *words =
            PyUnicode_DecodeUTF8(referrer->words, (Py_ssize_t)strlen(referrer->words), "replace");
        PyObject *row =
            words ? Py_BuildValue("ON", referrer->object ? referrer->object : Py_None, words)
                  : NULL;
        if (!row)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, row);
    }
    return list;
}

static PyObject *referrers(PyObject *module, PyObject *object)
{
    struct referrers r = {0};
    struct barrow_pymod_heap heap;
    struct barrow_error err;
    uint32_t number = 0;
    struct barrow_thread *thread = barrow_enter();
    int result = barrow_pymod_heap_take(&heap, 0, &err);
    if (result == 0) {
        barrow_pymod_heap_find(&heap, &object, 1, &number);
        if (number)
            find_referrers(&r, &heap, number);
        barrow_pymod_heap_free(&heap);
    }
    if (thread)
        barrow_leave(thread);
    PyObject *list = result < 0 ? barrow_pymod_raise(barrow_pymod_state(module), &err)
                     : r.failed ? PyErr_NoMemory()
                                : referrer_rows(&r);
    for (size_t i = 0; i < r.list.count; i++) {
        Py_XDECREF(r.list.items[i].object);
        free(r.list.items[i].words);
    }
    free(r.list.items);
    return list;
}

/* ---- referrers of referrers ---- */

enum { NOT_SEEN, SEEN, IGNORED, NOT_EXPANDED };

struct search {
    struct barrow_pymod_heap heap;
    uint8_t *state;  /* by number */
    uint32_t *place; /* by number: its position in `order` */
    uint32_t *order; /* numbers, in the order in which they were found */
    uint32_t *depth; /* by position */
    uint32_t found, expanded;
    PyTypeObject *until; /* stop at the first object of this class; or NULL */
    bool is_done;
};

static bool mark(struct search *s, PyObject *const *objects, size_t count, uint8_t state)
{
    uint32_t *numbers = calloc(count + 1, sizeof *numbers);
    if (!numbers)
        return false;
    barrow_pymod_heap_find(&s->heap, objects, count, numbers);
    for (size_t i = 0; i < count; i++) {
        if (state == SEEN && numbers[i] && s->state[numbers[i]] != SEEN) {
            s->place[numbers[i]] = s->found;
            s->order[s->found++] = numbers[i];
        }
        if (numbers[i])
            s->state[numbers[i]] = state;
    }
    free(numbers);
    return true;
}

static bool mark_tuple(struct search *s, PyObject *tuple, uint8_t state)
{
    return mark(s, ((PyTupleObject *)tuple)->ob_item, (size_t)PyTuple_GET_SIZE(tuple), state);
}

static bool is_source(const struct search *s, uint32_t vertex)
{
    const struct barrow_heap *heap = &s->heap.dig.heap;
    return !barrow_graph_is_root(s->heap.graph, vertex) && s->state[vertex] != IGNORED &&
           heap->types[heap->type[vertex]].flags & HEAP_TYPE_GC;
}

static void expand(struct search *s, uint32_t position)
{
    const struct barrow_graph *graph = s->heap.graph;
    const struct barrow_heap *heap = &s->heap.dig.heap;
    uint32_t number = s->order[position];
    for (uint64_t i = graph->source_start[number]; i < graph->source_start[number + 1]; i++) {
        uint32_t from = graph->source[i];
        if (!is_source(s, from) || s->state[from] == SEEN)
            continue;
        if (s->state[from] != NOT_EXPANDED)
            s->state[from] = SEEN;
        else if (s->place[from])
            continue; /* a stop that was found before */
        s->place[from] = s->found;
        s->depth[s->found] = s->depth[position] + 1;
        s->order[s->found++] = from;
        if (s->until && PyType_IsSubtype(Py_TYPE(object_at(heap, from)), s->until))
            s->is_done = true;
    }
}

/* `args` is starts, depth, ignored, stops, ...: those tuples are none of the program's referrers.
 */
static bool run(struct search *s, uint32_t most_depth, PyObject *args, struct barrow_error *err)
{
    PyObject *starts = PyTuple_GET_ITEM(args, 0), *ignored = PyTuple_GET_ITEM(args, 2),
             *stops = PyTuple_GET_ITEM(args, 3);
    PyObject *own[] = {args, starts, ignored, stops};
    size_t own_count = sizeof own / sizeof *own;
    uint32_t count = s->heap.dig.heap.object_count;
    s->state = calloc(count + 1, sizeof *s->state);
    s->place = calloc(count + 1, sizeof *s->place);
    s->order = calloc(count + 2, sizeof *s->order);
    s->depth = calloc(count + 2, sizeof *s->depth);
    s->found = 1; /* place 0 is none */
    if (!s->state || !s->place || !s->order || !s->depth || !mark_tuple(s, stops, NOT_EXPANDED) ||
        !mark_tuple(s, ignored, IGNORED) || !mark(s, own, own_count, IGNORED) ||
        !mark_tuple(s, starts, SEEN) || barrow_graph_referrers(s->heap.graph, err) < 0) {
        barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the referrers of objects");
        return false;
    }
    for (s->expanded = 1; s->expanded < s->found && !s->is_done; s->expanded++) {
        if (s->depth[s->expanded] >= most_depth)
            break;
        if (s->state[s->order[s->expanded]] != NOT_EXPANDED)
            expand(s, s->expanded);
    }
    return true;
}

/* The positions of an object's referrers, None if they weren't asked for. */
static PyObject *sources_of(const struct search *s, uint32_t position)
{
    const struct barrow_graph *graph = s->heap.graph;
    uint32_t number = s->order[position];
    if (position >= s->expanded || s->state[number] == NOT_EXPANDED)
        Py_RETURN_NONE;
    uint64_t first = graph->source_start[number], end = graph->source_start[number + 1];
    PyObject *list = PyList_New(0);
    for (uint64_t i = first; i < end && list; i++) {
        uint32_t from = graph->source[i];
        if (!is_source(s, from) || !s->place[from])
            continue;
        PyObject *place = PyLong_FromUnsignedLong(s->place[from] - 1);
        if (!place || PyList_Append(list, place) < 0)
            Py_CLEAR(list);
        Py_XDECREF(place);
    }
    return list;
}

static PyObject *search_answer(const struct search *s)
{
    uint32_t count = s->found - 1;
    const struct barrow_heap *heap = &s->heap.dig.heap;
    for (uint32_t i = 1; i < s->found; i++)
        Py_INCREF(object_at(heap, s->order[i]));
    PyObject *objects = PyList_New(count), *sources = PyList_New(count);
    for (uint32_t i = 0; i < count; i++)
        if (objects)
            PyList_SET_ITEM(objects, i, object_at(heap, s->order[i + 1]));
        else
            Py_DECREF(object_at(heap, s->order[i + 1]));
    for (uint32_t i = 0; i < count && sources; i++) {
        PyObject *list = sources_of(s, i + 1);
        if (!list)
            Py_CLEAR(sources);
        else
            PyList_SET_ITEM(sources, i, list);
    }
    if (objects && sources)
        return Py_BuildValue("NN", objects, sources);
    Py_XDECREF(objects);
    Py_XDECREF(sources);
    return NULL;
}

static PyObject *ancestors(PyObject *module, PyObject *args)
{
    struct search s = {0};
    struct barrow_error err;
    PyObject *starts, *ignored, *stops, *until;
    unsigned most_depth;
    if (!PyArg_ParseTuple(args, "O!IO!O!O:ancestors", &PyTuple_Type, &starts, &most_depth,
                          &PyTuple_Type, &ignored, &PyTuple_Type, &stops, &until))
        return NULL;
    s.until = PyType_Check(until) ? (PyTypeObject *)until : NULL;
    struct barrow_thread *thread = barrow_enter();
    int result = barrow_pymod_heap_take(&s.heap, 0, &err);
    bool taken = result == 0;
    if (taken && !run(&s, most_depth, args, &err))
        result = -1;
    if (thread)
        barrow_leave(thread);
    PyObject *answer =
        result < 0 ? barrow_pymod_raise(barrow_pymod_state(module), &err) : search_answer(&s);
    if (taken)
        barrow_pymod_heap_free(&s.heap);
    free(s.state);
    free(s.place);
    free(s.order);
    free(s.depth);
    return answer;
}

PyMethodDef barrow_heap_links_methods[] = {
    {"referrers", referrers, METH_O,
     "referrers(object)\n\n[(referrer or None, how)] of all strong references to it."},
    {"ancestors", ancestors, METH_VARARGS,
     "ancestors(starts, depth, ignored, stops, until)\n\nObjects that refer to objects: "
     "(objects, positions of the referrers of each)."},
    {NULL, NULL, 0, NULL},
};
