/* Named roots: what the interpreter, its threads, their frames and C code hold. */
#include <string.h>

#include "cpython/object.h"
#include "cpython/roots.h"
#include "dig/state.h"

/* ---- building the tree ---- */

static uint32_t add_root(struct dig_walk *w, enum heap_root_kind kind, uint32_t parent,
                         uint32_t name)
{
    struct barrow_heap *heap = &w->dig->heap;
    uint32_t index = heap->root_count;
    struct heap_root *root = barrow_walk_append(w, COLUMN_ROOTS, index, sizeof *root);
    if (!root)
        return 0;
    *root = (struct heap_root){.kind = kind, .parent = parent, .name = name};
    heap->root_count = index + 1;
    return index;
}

static struct heap_root *root_at(struct dig_walk *w, uint32_t index)
{
    return (struct heap_root *)w->dig->columns[COLUMN_ROOTS].at + index;
}

static void hold_number(struct dig_walk *w, uint32_t root, uint32_t number, uint32_t name)
{
    struct barrow_heap *heap = &w->dig->heap;
    struct dig_column *c = &w->dig->columns[COLUMN_ROOT_EDGES];
    if (!number ||
        !barrow_column_reserve(c, (heap->root_edge_count + 1) * sizeof(struct heap_root_edge))) {
        w->failed = true;
        return;
    }
    ((struct heap_root_edge *)c->at)[heap->root_edge_count++] =
        (struct heap_root_edge){root, number, name};
}

static void hold(struct dig_walk *w, uint32_t root, PyObject *o, uint32_t name)
{
    if (o)
        hold_number(w, root, barrow_walk_object(w, o), name);
}

/* ---- interpreter and modules ---- */

struct holders {
    struct dig_walk *w;
    uint32_t root[BARROW_HOLDER_THREAD + 1]; /* 0: not there yet */
    enum barrow_holder now;
};

static void on_root(void *context, enum barrow_holder holder, const char *name, PyObject *o)
{
    struct holders *holders = context;
    if (holder == holders->now)
        hold(holders->w, holders->root[holder], o,
             HEAP_NAME(HEAP_NAME_INTERNAL, barrow_walk_words(holders->w, name)));
}

/* One holder at a time, as edges are grouped by root. */
static void add_holders(struct dig_walk *w, PyInterpreterState *interp)
{
    static const struct {
        enum barrow_holder holder;
        enum heap_root_kind kind;
    } kinds[] = {{BARROW_HOLDER_INTERPRETER, HEAP_ROOT_INTERPRETER},
                 {BARROW_HOLDER_BUILTINS, HEAP_ROOT_BUILTINS},
                 {BARROW_HOLDER_GARBAGE, HEAP_ROOT_GARBAGE},
                 {BARROW_HOLDER_CALLBACKS, HEAP_ROOT_CALLBACKS}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct holders holders = {.w = w, .now = kinds[i].holder};
        holders.root[kinds[i].holder] = add_root(w, kinds[i].kind, 0, 0);
        barrow_interpreter_roots(interp, on_root, &holders);
    }
}

static void add_modules(struct dig_walk *w)
{
    PyObject *modules = PyImport_GetModuleDict(), *name, *module;
    uint32_t group = add_root(w, HEAP_ROOT_MODULES, 0, 0);
    Py_ssize_t at = 0;
    if (!modules || !PyDict_CheckExact(modules))
        return;
    while (PyDict_Next(modules, &at, &name, &module)) {
        if (!PyUnicode_Check(name) || module == Py_None)
            continue;
        uint32_t root = add_root(w, HEAP_ROOT_MODULE, group, barrow_walk_string_of(w, name));
        hold(w, root, module, HEAP_NAME(HEAP_NAME_INTERNAL, 0));
    }
}

/* ---- threads and frames ---- */

static bool is_hidden(const struct dig_walk *w, const barrow_frame *f)
{
    char buffer[4096];
    uint32_t bytes;
    const char *hidden = w->options->hidden_files;
    const char *file =
        barrow_text_look(barrow_frame_code(f)->co_filename, buffer, sizeof buffer, &bytes);
    return hidden && bytes > strlen(hidden) && memcmp(file, hidden, strlen(hidden)) == 0;
}

static void add_frame(struct dig_walk *w, const barrow_frame *f, uint32_t thread)
{
    PyCodeObject *code = barrow_frame_code(f);
    uint32_t root =
        add_root(w, HEAP_ROOT_FRAME, thread, barrow_walk_string_of(w, code->co_qualname));
    uint32_t file = barrow_walk_string_of(w, code->co_filename);
    if (w->failed)
        return;
    root_at(w, root)->file = file;
    root_at(w, root)->line = barrow_frame_line(f);
    for (int i = 0; i < code->co_nlocalsplus; i++)
        hold(w, root, barrow_frame_local(f, i),
             HEAP_NAME(HEAP_NAME_VARIABLE,
                       barrow_walk_string_of(w, PyTuple_GET_ITEM(code->co_localsplusnames, i))));
    struct holders holders = {.w = w, .now = BARROW_HOLDER_THREAD};
    holders.root[BARROW_HOLDER_THREAD] = root;
    barrow_frame_roots(f, on_root, &holders);
}

static void add_thread(struct dig_walk *w, PyThreadState *thread, uint32_t group)
{
    char name[64] = "";
    const barrow_frame *rootmost = NULL;
    for (const barrow_frame *f = barrow_frame_top(thread); f; f = barrow_frame_previous(f))
        if (!barrow_frame_is_hidden(f))
            rootmost = f;
    if (!rootmost || !barrow_thread_name_look(rootmost, name, sizeof name))
        memcpy(name, "MainThread", PyThreadState_Next(thread) ? 0 : 11); /* the oldest one */
    uint32_t root = add_root(w, HEAP_ROOT_THREAD, group, barrow_walk_words(w, name));
    struct holders holders = {.w = w, .now = BARROW_HOLDER_THREAD};
    holders.root[BARROW_HOLDER_THREAD] = root;
    barrow_thread_roots(thread, on_root, &holders);
    for (const barrow_frame *f = barrow_frame_top(thread); f && !w->failed;
         f = barrow_frame_previous(f))
        if (!barrow_frame_is_hidden(f) && !is_hidden(w, f))
            add_frame(w, f, root);
}

void barrow_walk_roots(struct dig_walk *w)
{
    PyInterpreterState *here = PyInterpreterState_Get();
    add_root(w, HEAP_ROOT_ALL, 0, 0);
    add_modules(w);
    for (PyInterpreterState *interp = PyInterpreterState_Head(); interp;
         interp = PyInterpreterState_Next(interp)) {
        if (interp != here)
            continue; /* its lock isn't ours */
        add_holders(w, interp);
        uint32_t group = add_root(w, HEAP_ROOT_THREADS, 0, 0);
        for (PyThreadState *thread = PyInterpreterState_ThreadHead(interp); thread;
             thread = PyThreadState_Next(thread))
            add_thread(w, thread, group);
    }
}

/* ---- what nobody in sight holds ---- */

static void count_references(struct dig_walk *w, uint32_t *seen)
{
    const struct barrow_heap *heap = &w->dig->heap;
    const struct heap_root_edge *edges = w->dig->columns[COLUMN_ROOT_EDGES].at;
    for (uint64_t e = 0; e < w->edge_count; e++)
        if (w->name[e] >> HEAP_NAME_SHIFT != HEAP_NAME_WEAK)
            seen[w->target[e]]++;
    for (uint64_t e = 0; e < heap->root_edge_count; e++)
        if (root_at(w, edges[e].root)->kind != HEAP_ROOT_MODULE)
            seen[edges[e].target]++;
}

static bool is_missing(const struct dig_walk *w, const uint32_t *seen, uint32_t number)
{
    return w->references[number] != UINT32_MAX && w->references[number] > seen[number];
}

/* barrow's own variables are gone when it returns: they hold nothing. */
static void count_locals(const struct dig_walk *w, const barrow_frame *f, uint32_t *seen)
{
    for (int i = 0; i < barrow_frame_code(f)->co_nlocalsplus; i++) {
        uint32_t number = barrow_walk_known(w, barrow_frame_local(f, i));
        if (number && is_missing(w, seen, number))
            seen[number]++;
    }
}

/* The values on running frames' evaluation stacks.  How far a stack is filled isn't known while a
 * frame is in a call, and above that lie values long gone: what is there counts only if it is an
 * object that somebody out of sight refers to.  Nothing is followed that the walk hasn't met. */
static void add_stack_values(struct dig_walk *w, uint32_t *seen)
{
    PyThreadState *thread = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    uint32_t group = 0;
    for (; thread; thread = PyThreadState_Next(thread))
        for (const barrow_frame *f = barrow_frame_top(thread); f; f = barrow_frame_previous(f)) {
            if (barrow_frame_is_hidden(f))
                continue;
            PyCodeObject *code = barrow_frame_code(f);
            uint32_t root = 0;
            if (is_hidden(w, f))
                count_locals(w, f, seen);
            for (int i = 0; i < code->co_stacksize; i++) {
                uint32_t number = barrow_walk_known(w, barrow_frame_stack_value(f, i));
                if (!number || !is_missing(w, seen, number))
                    continue;
                seen[number]++;
                if (is_hidden(w, f))
                    continue; /* barrow's own call: gone when it returns */
                if (!group)
                    group = add_root(w, HEAP_ROOT_THREADS, 0, 0);
                if (!root) {
                    root = add_root(w, HEAP_ROOT_FRAME, group,
                                    barrow_walk_string_of(w, code->co_qualname));
                    uint32_t file = barrow_walk_string_of(w, code->co_filename);
                    if (w->failed)
                        return;
                    root_at(w, root)->file = file;
                    root_at(w, root)->line = barrow_frame_line(f);
                }
                hold_number(w, root, number, HEAP_NAME(HEAP_NAME_STACK, i));
            }
        }
}

enum { LEAF_BYTES = 4096 };

/* Why an object lives that somebody out of sight refers to; HEAP_ROOT_ALL: nobody does. */
static enum heap_root_kind kind_of_root(const struct dig_walk *w, const uint32_t *seen,
                                        uint32_t number)
{
    bool is_immortal = w->references[number] == UINT32_MAX;
    const struct dig_type *t = &w->types[w->type[number]];
    if (w->references[number] <= seen[number] && seen[number] > 0 && !is_immortal && !t->is_type)
        return HEAP_ROOT_ALL; /* nearly all */
    PyObject *o = w->address[number];
    if (t->is_type && !(((PyTypeObject *)o)->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return HEAP_ROOT_STATIC_TYPES;
    if (t->is_text && (is_immortal || seen[number] == 0) && barrow_text_is_interned(o))
        return HEAP_ROOT_INTERNED;
    if (is_immortal)
        return HEAP_ROOT_IMMORTAL;
    if (!is_missing(w, seen, number))
        return HEAP_ROOT_ALL;
    /* Texts, numbers and code that C code refers to as well are nobody's problem, unless big. */
    bool is_leaf = !(t->type->tp_flags & Py_TPFLAGS_HAVE_GC);
    if (is_leaf && seen[number] > 0 && w->bytes[number] < LEAF_BYTES)
        return HEAP_ROOT_ALL;
    return HEAP_ROOT_C_CODE;
}

/* The objects of one kind; `kinds` has a byte for each object. */
static void add_unseen(struct dig_walk *w, const uint8_t *kinds, const uint32_t *seen,
                       enum heap_root_kind kind)
{
    uint32_t root = add_root(w, kind, 0, 0);
    for (uint32_t number = 1; number <= w->count && !w->failed; number++) {
        if (kinds[number] != kind)
            continue;
        uint32_t count = kind == HEAP_ROOT_C_CODE ? w->references[number] - seen[number] : 0;
        if (count > HEAP_NAME_VALUE)
            count = HEAP_NAME_VALUE;
        hold_number(w, root, number,
                    kind == HEAP_ROOT_C_CODE ? HEAP_NAME(HEAP_NAME_COUNTED, count)
                                             : HEAP_NAME(HEAP_NAME_INTERNAL, 0));
    }
}

void barrow_walk_unseen_roots(struct dig_walk *w)
{
    struct dig_column seen_column = {0}, kind_column = {0};
    if (barrow_column_reserve(&seen_column, (w->count + (size_t)1) * 4) &&
        barrow_column_reserve(&kind_column, w->count + (size_t)1)) {
        uint32_t *seen = seen_column.at;
        uint8_t *kinds = kind_column.at;
        count_references(w, seen);
        add_stack_values(w, seen);
        for (uint32_t number = 1; number <= w->count; number++)
            kinds[number] = (uint8_t)kind_of_root(w, seen, number);
        add_unseen(w, kinds, seen, HEAP_ROOT_STATIC_TYPES);
        add_unseen(w, kinds, seen, HEAP_ROOT_INTERNED);
        add_unseen(w, kinds, seen, HEAP_ROOT_IMMORTAL);
        add_unseen(w, kinds, seen, HEAP_ROOT_C_CODE);
    } else {
        w->failed = true;
    }
    barrow_column_free(&seen_column);
    barrow_column_free(&kind_column);
}
