/* Why objects are alive: barrow._core.why().
 *
 * The walk is taken with the interpreter lock held; the graph is built without it, from columns
 * that nobody else sees.
 */
#include "base/array.h"
#include "graph/paths.h"
#include "graph/words.h"
#include "profile/profile.h"
#include "pymod/dig.h"
#include "pymod/heap.h"
#include "record/record.h"
#include "table/births.h"
#include "table/stack.h"

enum { STACK_LINES = 32 };

struct step_row {
    char *words, *what; /* ".cache", "dict" */
    uint64_t address, bytes, retained, frees;
    bool holds; /* the object goes with what this leads to */
};
struct birth_row {
    const char *function, *file; /* the profile's */
    uint32_t line;
};
struct why {
    struct barrow_pymod_heap heap;
    struct barrow_graph *graph; /* with dominators */
    struct barrow_paths *paths;
    uint32_t *numbers;
    size_t count, path_limit;
    char *path;
    BARROW_ARRAY(struct step_row) steps;
    BARROW_ARRAY(char *) others;
    struct barrow_retained retained;
    struct barrow_profile *profile; /* while the process is recorded */
    struct birth_row births[STACK_LINES];
    size_t birth_count;
    bool failed;
};

static int no_memory(struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the graph of a heap");
}

/* ---- the path ---- */

static bool dominates(const struct barrow_graph *graph, uint32_t vertex, uint32_t other)
{
    while (other != vertex && other && other != GRAPH_NONE)
        other = graph->idom[other];
    return other == vertex;
}

static void add_step(struct why *w, const struct barrow_step *step, struct barrow_buffer *words,
                     uint32_t vertex)
{
    struct barrow_buffer what = {0};
    bool is_root = barrow_graph_is_root(w->graph, vertex);
    struct step_row *row = barrow_array_add(&w->steps);
    if (!row) {
        w->failed = true;
        return;
    }
    barrow_words_vertex(&what, w->graph, vertex);
    row->words = barrow_buffer_text(words);
    row->what = barrow_buffer_text(&what);
    row->address = is_root ? 0 : w->heap.dig.heap.address[vertex];
    row->bytes = is_root ? 0 : barrow_heap_bytes(&w->heap.dig.heap, vertex);
    row->retained = w->graph->retained[vertex];
    row->frees = barrow_paths_cut(w->paths, step);
    row->holds = dominates(w->graph, vertex, w->numbers[0]);
    w->failed = w->failed || !row->words || !row->what;
}

static void take_steps(struct why *w, const struct barrow_step *steps, size_t count)
{
    bool after_dict = false;
    for (size_t i = 0; i < count && !w->failed; i++) {
        struct barrow_buffer words = {0};
        if (i == 0) {
            barrow_words_start(&words, w->graph, &steps[i]);
            barrow_words_origin(&words, w->graph, &steps[i]);
        } else if (barrow_step_is_dict(w->graph, steps[i].name, steps[i].to) && i + 1 < count) {
            after_dict = true; /* an object and its attributes are one in words */
            continue;
        } else {
            barrow_words_step(&words, w->graph, &steps[i], after_dict, BARROW_WORDS_EXACT);
        }
        after_dict = i == 0 && barrow_step_is_dict(w->graph, steps[i].name, steps[i].to);
        add_step(w, &steps[i], &words, steps[i].to);
    }
}

static char *words_of(const struct why *w, const struct barrow_step *steps, size_t count)
{
    struct barrow_buffer words = {0};
    barrow_words_path(&words, w->graph, steps, count);
    return barrow_buffer_text(&words);
}

static int take_path(struct why *w, uint32_t number, struct barrow_error *err)
{
    struct barrow_step *steps;
    size_t count;
    if (barrow_paths_to(w->paths, number, &steps, &count, err) < 0)
        return -1;
    if (count) {
        w->path = words_of(w, steps, count);
        take_steps(w, steps, count);
    }
    free(steps);
    return w->failed ? no_memory(err) : 0;
}

static int take_other(struct why *w, const struct barrow_step *last, struct barrow_error *err)
{
    struct barrow_step *steps;
    size_t count;
    if (barrow_paths_through(w->paths, last, &steps, &count, err) < 0)
        return -1;
    char **other = barrow_array_add(&w->others);
    if (other)
        *other = words_of(w, steps, count);
    free(steps);
    return other && *other ? 0 : no_memory(err);
}

static int take_others(struct why *w, uint32_t number, struct barrow_error *err)
{
    struct barrow_step *lasts;
    size_t count;
    if (w->graph->idom[number] == GRAPH_NONE)
        return 0;
    if (barrow_graph_referrers(w->graph, err) < 0 ||
        barrow_paths_referrers(w->paths, number, &lasts, &count, err) < 0)
        return -1;
    int result = 0;
    for (size_t i = 0; i < count && result == 0 && w->others.count + 1 < w->path_limit; i++)
        if (lasts[i].from != w->paths->parent[number])
            result = take_other(w, &lasts[i], err);
    free(lasts);
    return result;
}

/* ---- the birth ---- */

static void take_birth(struct why *w, const struct barrow_birth *birth)
{
    for (uint32_t n = birth->user; n && w->birth_count < STACK_LINES;
         n = barrow_stack_caller(w->profile, n)) {
        struct barrow_frame frame = barrow_stack_frame(w->profile, n);
        w->births[w->birth_count++] = (struct birth_row){frame.function, frame.file, frame.line};
    }
}

/* A birth that can't be told is no error: the rest stands without it. */
static void find_birth(struct why *w, uint32_t number, const char *ledger)
{
    const uint32_t *births = w->heap.dig.heap.birth;
    struct barrow_births table;
    struct barrow_error err;
    uint32_t site = births ? births[number] : 0;
    if (!ledger || !site || barrow_profile_load(&w->profile, &ledger, 1, &err) < 0)
        return;
    if (barrow_births_load(&table, w->profile, 0, site + 1, 0, &err) < 0)
        return;
    take_birth(w, barrow_birth_of(&table, site));
    barrow_births_free(&table);
}

/* ---- without the interpreter lock ---- */

static int find_out(struct why *w, const char *ledger, struct barrow_error *err)
{
    uint32_t number = w->numbers[0];
    if (barrow_graph_of(&w->graph, &w->heap.dig.heap, NULL, err) < 0 ||
        barrow_graph_retained_of(w->graph, w->numbers, w->count, &w->retained, err) < 0)
        return -1;
    if (w->path_limit == 0)
        return 0;
    if (barrow_paths_find(&w->paths, w->graph, err) < 0 || take_path(w, number, err) < 0 ||
        take_others(w, number, err) < 0)
        return -1;
    find_birth(w, number, ledger);
    return 0;
}

static void free_why(struct why *w)
{
    for (size_t i = 0; i < w->steps.count; i++) {
        free(w->steps.items[i].words);
        free(w->steps.items[i].what);
    }
    for (size_t i = 0; i < w->others.count; i++)
        free(w->others.items[i]);
    free(w->steps.items);
    free(w->others.items);
    free(w->path);
    free(w->numbers);
    barrow_paths_free(w->paths);
    barrow_graph_free(w->graph);
    barrow_profile_free(w->profile);
}

/* ---- as Python objects ---- */

static PyObject *text(const char *bytes)
{
    return PyUnicode_DecodeUTF8(bytes ? bytes : "", bytes ? (Py_ssize_t)strlen(bytes) : 0,
                                "replace");
}

static PyObject *list_of(const struct why *w, size_t count,
                         PyObject *(*make)(const struct why *, size_t))
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list && i < count; i++) {
        PyObject *row = make(w, i);
        if (!row)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, row);
    }
    return list;
}

static PyObject *step_at(const struct why *w, size_t i)
{
    const struct step_row *row = &w->steps.items[i];
    return Py_BuildValue("NNKKKKN", text(row->words), text(row->what), row->address, row->bytes,
                         row->retained, row->frees, PyBool_FromLong(row->holds));
}

static PyObject *other_at(const struct why *w, size_t i)
{
    return text(w->others.items[i]);
}

static PyObject *birth_at(const struct why *w, size_t i)
{
    const struct birth_row *row = &w->births[i];
    return Py_BuildValue("NNI", text(row->function), text(row->file), row->line);
}

static PyObject *answer(const struct why *w)
{
    PyObject *steps = list_of(w, w->steps.count, step_at);
    PyObject *others = steps ? list_of(w, w->others.count, other_at) : NULL;
    PyObject *births = others ? list_of(w, w->birth_count, birth_at) : NULL;
    PyObject *path = births ? text(w->path) : NULL;
    if (path)
        return Py_BuildValue("{s:K,s:k,s:N,s:N,s:N,s:N}", "retained", w->retained.bytes,
                             "retained_objects", (unsigned long)w->retained.objects, "path", path,
                             "steps", steps, "others", others, "birth", births);
    Py_XDECREF(steps);
    Py_XDECREF(others);
    Py_XDECREF(births);
    return NULL;
}

/* Numbers without zeros and doubles; false: no memory. */
static bool find_numbers(struct why *w, PyObject *const *objects, size_t given)
{
    w->numbers = calloc(given + 1, sizeof *w->numbers);
    if (!w->numbers)
        return false;
    barrow_pymod_heap_find(&w->heap, objects, given, w->numbers);
    for (size_t i = 0; i < given; i++) {
        bool is_new = w->numbers[i] != 0;
        for (size_t k = 0; k < w->count && is_new; k++)
            is_new = w->numbers[k] != w->numbers[i];
        if (is_new)
            w->numbers[w->count++] = w->numbers[i];
    }
    return true;
}

static int ask(struct why *w, PyObject *const *objects, size_t count, const char *ledger,
               struct barrow_error *err)
{
    if (barrow_pymod_heap_take(&w->heap, 0, err) < 0)
        return -1;
    int result = find_numbers(w, objects, count) ? 0 : no_memory(err);
    if (result == 0 && w->count) { /* else nothing but barrow's own variables refers to it */
        Py_BEGIN_ALLOW_THREADS result = find_out(w, ledger, err);
        Py_END_ALLOW_THREADS
    }
    return result;
}

/* No tuple of arguments: that would be one more that refers to the objects. */
static PyObject *why(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    struct why w = {0};
    struct barrow_error err;
    const char *ledger = NULL;
    Py_ssize_t limit = count >= 3 ? PyLong_AsSsize_t(args[0]) : -1;
    if (limit < 0 || (args[1] != Py_None && !(ledger = PyUnicode_AsUTF8(args[1])))) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "why(paths, ledger, object, ...)");
        return NULL;
    }
    w.path_limit = (size_t)limit;
    struct barrow_thread *thread = barrow_enter();
    int result = ask(&w, args + 2, (size_t)count - 2, ledger, &err);
    if (thread)
        barrow_leave(thread);
    PyObject *value =
        result == 0 ? answer(&w) : barrow_pymod_raise(barrow_pymod_state(module), &err);
    free_why(&w);
    if (w.heap.graph)
        barrow_pymod_heap_free(&w.heap);
    return value;
}

PyMethodDef barrow_heap_why_methods[] = {
    {"why", (PyCFunction)(void *)(uintptr_t)why, METH_FASTCALL,
     "why(paths, ledger, object, ...)\n\nWhat objects retain together, and why the first is "
     "alive."},
    {NULL, NULL, 0, NULL},
};
