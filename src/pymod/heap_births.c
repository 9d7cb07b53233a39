/* Where the objects of some classes were born: barrow._core.births(). */
#include "profile/profile.h"
#include "pymod/dig.h"
#include "pymod/heap.h"
#include "record/record.h"
#include "table/births.h"

struct question {
    struct barrow_pymod_heap heap;
    struct barrow_profile *profile;
    struct barrow_births births;
    struct barrow_birth_line *lines;
    size_t line_count;
    uint8_t *is_wanted; /* by type */
};

static bool choose_types(struct question *q, PyObject *classes, bool with_subclasses)
{
    const struct barrow_heap *heap = &q->heap.dig.heap;
    q->is_wanted = calloc(heap->type_count + 1u, 1);
    for (uint32_t i = 1; q->is_wanted && i < heap->type_count; i++) {
        PyTypeObject *type = (PyTypeObject *)(uintptr_t)heap->address[heap->types[i].object];
        for (Py_ssize_t k = 0; type && k < PyTuple_GET_SIZE(classes); k++) {
            PyTypeObject *wanted = (PyTypeObject *)PyTuple_GET_ITEM(classes, k);
            if (type == wanted || (with_subclasses && PyType_IsSubtype(type, wanted)))
                q->is_wanted[i] = 1;
        }
    }
    return q->is_wanted != NULL;
}

static int no_memory(struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for adding up births");
}

/* Without the interpreter lock. */
static int add_up(struct question *q, const char *ledger, struct barrow_error *err)
{
    const struct barrow_heap *heap = &q->heap.dig.heap;
    struct barrow_birth_tally tally = {.births = &q->births};
    uint32_t most = 0;
    for (uint32_t i = 1; heap->birth && i <= heap->object_count; i++)
        if (q->is_wanted[heap->type[i]] && heap->birth[i] > most)
            most = heap->birth[i];
    if (!most)
        return 0;
    if (barrow_profile_load(&q->profile, &ledger, 1, err) < 0 ||
        barrow_births_load(&q->births, q->profile, 0, most + 1, 0, err) < 0)
        return -1;
    for (uint32_t i = 1; i <= heap->object_count; i++)
        if (q->is_wanted[heap->type[i]] &&
            !barrow_birth_tally_add(&tally, heap->birth[i], barrow_heap_bytes(heap, i)))
            return no_memory(err);
    return barrow_birth_tally_lines(&tally, q->profile, &q->lines, &q->line_count, err);
}

static PyObject *rows_of(const struct question *q)
{
    PyObject *list = PyList_New((Py_ssize_t)q->line_count);
    for (size_t i = 0; list && i < q->line_count; i++) {
        const struct barrow_birth_line *line = &q->lines[i];
        const struct barrow_frame *frame = &q->profile->frames[line->frame];
        PyObject *row = Py_BuildValue("ssIKK", frame->function, frame->file, frame->line,
                                      line->objects, line->bytes);
        if (!row)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, row);
    }
    return list;
}

static void free_question(struct question *q)
{
    free(q->is_wanted);
    free(q->lines);
    barrow_births_free(&q->births);
    barrow_profile_free(q->profile);
    if (q->heap.graph)
        barrow_pymod_heap_free(&q->heap);
}

static PyObject *births(PyObject *module, PyObject *args)
{
    struct question q = {0};
    struct barrow_error err;
    PyObject *classes;
    int with_subclasses, result;
    const char *ledger;
    if (!PyArg_ParseTuple(args, "O!ps:births", &PyTuple_Type, &classes, &with_subclasses, &ledger))
        return NULL;
    struct barrow_thread *thread = barrow_enter();
    result = barrow_pymod_heap_take(&q.heap, 0, &err);
    if (result == 0 && !choose_types(&q, classes, with_subclasses))
        result = no_memory(&err);
    if (result == 0) {
        Py_BEGIN_ALLOW_THREADS result = add_up(&q, ledger, &err);
        Py_END_ALLOW_THREADS
    }
    if (thread)
        barrow_leave(thread);
    PyObject *list =
        result == 0 ? rows_of(&q) : barrow_pymod_raise(barrow_pymod_state(module), &err);
    free_question(&q);
    return list;
}

PyMethodDef barrow_heap_births_methods[] = {
    {"births", births, METH_VARARGS,
     "births(classes, subclasses, ledger)\n\n(function, file, line, objects, bytes) of where the "
     "objects of classes that are alive were born."},
    {NULL, NULL, 0, NULL},
};
