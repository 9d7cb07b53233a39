/* Objects are visited in the order in which they are entered, not in that of their numbers: meeting
 * one gives it a number, entering it gives it a position:
 *
 *     order[position]        the object's number         first_edge[position] .. [position + 1]
 *     position_of[number]    0: met, but not entered
 */
#include "dig/reach.h"

#include <string.h>

#include "dig/state.h"
#include "os/raw.h"

struct reach_walk {
    struct dig_walk *w;
    const struct barrow_reach_options *options;
    PyObject *builtins;
    struct dig_column order_column, edge_column, position_column, bytes_column, stop_column,
        held_column;
    uint32_t *order, *position_of;
    uint64_t *first_edge, *bytes;
    uint32_t entered, visited;
    uint8_t *stop_of; /* by type: 0 not asked yet, else enum verdict */
    uint32_t type_room, position_room;
};
enum verdict { ENTER = 1, STOP };

/* ---- where to stop ---- */

static enum verdict judge(const struct reach_walk *r, const struct dig_type *t)
{
    unsigned stops = r->options->stops;
    bool is_function =
        t->type == &PyFunction_Type || t->type == &PyMethod_Type || t->type == &PyCFunction_Type;
    if ((t->is_module && stops & BARROW_REACH_STOP_MODULES) ||
        (t->is_type && stops & BARROW_REACH_STOP_CLASSES) ||
        (t->kind == DIG_CODE && stops & BARROW_REACH_STOP_CODE) ||
        (t->is_frame && stops & BARROW_REACH_STOP_FRAMES) ||
        (is_function && stops & BARROW_REACH_STOP_FUNCTIONS))
        return STOP;
    for (size_t i = 0; i < r->options->stop_class_count; i++)
        if (PyType_IsSubtype(t->type, (PyTypeObject *)r->options->stop_classes[i]))
            return STOP;
    return ENTER;
}

static bool is_stop(struct reach_walk *r, PyObject *o)
{
    struct dig_walk *w = r->w;
    uint32_t index = barrow_walk_type(w, Py_TYPE(o));
    if (index >= r->type_room) {
        if (!barrow_column_reserve(&r->stop_column, (size_t)index * 2 + 256)) {
            w->failed = true;
            return true;
        }
        r->stop_of = r->stop_column.at;
        r->type_room = (uint32_t)r->stop_column.bytes;
    }
    if (!r->stop_of[index])
        r->stop_of[index] = (uint8_t)judge(r, &w->types[index]);
    return r->stop_of[index] == STOP;
}

static bool is_globals(const struct reach_walk *r, PyObject *source, const PyObject *target)
{
    if (target == r->builtins)
        return true;
    if (!PyFunction_Check(source))
        return false;
    const PyFunctionObject *function = (PyFunctionObject *)source;
    return target == function->func_globals || target == function->func_builtins;
}

/* ---- entering and visiting ---- */

/* Its position, 0 if it had one; or no memory. */
static uint32_t enter(struct reach_walk *r, uint32_t number)
{
    struct dig_walk *w = r->w;
    if (number >= r->position_room) {
        if (!barrow_column_reserve(&r->position_column, ((size_t)number + 1) * 4)) {
            w->failed = true;
            return 0;
        }
        r->position_of = r->position_column.at;
        r->position_room = (uint32_t)(r->position_column.bytes / 4);
    }
    if (!number || r->position_of[number])
        return 0;
    size_t room = (size_t)r->entered + 3;
    if (!barrow_column_reserve(&r->order_column, room * 4) ||
        !barrow_column_reserve(&r->edge_column, room * 8) ||
        !barrow_column_reserve(&r->bytes_column, room * 8)) {
        w->failed = true;
        return 0;
    }
    r->order = r->order_column.at;
    r->first_edge = r->edge_column.at;
    r->bytes = r->bytes_column.at;
    r->order[++r->entered] = number;
    return r->position_of[number] = r->entered;
}

static uint64_t bytes_of(const struct dig_walk *w, uint32_t number)
{
    const struct barrow_heap *heap = &w->dig->heap;
    const struct heap_large *large = w->dig->columns[COLUMN_LARGE].at;
    if (w->bytes[number] != UINT32_MAX)
        return w->bytes[number];
    for (uint32_t i = 0; i < heap->large_count; i++)
        if (large[i].object == number)
            return large[i].bytes;
    return UINT32_MAX;
}

/* The next one that was entered; returns its bytes. */
static uint64_t visit_next(struct reach_walk *r, bool is_flat)
{
    struct dig_walk *w = r->w;
    uint32_t position = ++r->visited, number = r->order[position];
    r->first_edge[position] = w->edge_count;
    barrow_walk_visit(w, number);
    r->first_edge[position + 1] = w->edge_count;
    r->bytes[position] = bytes_of(w, number);
    PyObject *source = w->address[number];
    bool skip_globals = r->options->stops & BARROW_REACH_STOP_GLOBALS;
    for (uint64_t e = r->first_edge[position]; e < w->edge_count && !is_flat && !w->failed; e++) {
        PyObject *target = w->address[w->target[e]];
        if (w->name[e] >> HEAP_NAME_SHIFT == HEAP_NAME_WEAK ||
            (skip_globals && is_globals(r, source, target)) || is_stop(r, target))
            continue;
        enter(r, w->target[e]);
    }
    return r->bytes[position];
}

static void visit_start(struct reach_walk *r, struct barrow_reach_start *start)
{
    start->own = start->bytes = 0;
    if (!enter(r, barrow_walk_object(r->w, start->object)))
        return;
    start->own = start->bytes = visit_next(r, start->is_flat);
    while (r->visited < r->entered && !r->w->failed)
        start->bytes += visit_next(r, false);
}

/* ---- what is exclusive ---- */

/* Calls for each strong reference from one that was entered to another. */
#define EACH_INNER_EDGE(r, from, to)                                               \
    for (uint64_t e = (r)->first_edge[from]; e < (r)->first_edge[(from) + 1]; e++) \
        if ((r)->w->name[e] >> HEAP_NAME_SHIFT != HEAP_NAME_WEAK &&                \
            (r)->w->target[e] < (r)->position_room &&                              \
            ((to) = (r)->position_of[(r)->w->target[e]]))

/* Marks who is held from elsewhere; `held` has what is left of reference counts, then a mark. */
static bool find_held(struct reach_walk *r, uint32_t *left, uint8_t *is_held)
{
    struct dig_column stack_column = {0};
    uint32_t to, depth = 0;
    if (!barrow_column_reserve(&stack_column, ((size_t)r->entered + 1) * 4))
        return false;
    uint32_t *stack = stack_column.at;
    for (uint32_t p = 1; p <= r->entered; p++)
        left[p] = r->w->references[r->order[p]];
    for (uint32_t p = 1; p <= r->entered; p++)
        EACH_INNER_EDGE(r, p, to)
    if (left[to] && left[to] != UINT32_MAX)
        left[to]--;
    for (size_t i = 0; i < r->options->start_count; i++) {
        uint32_t number = barrow_walk_known(r->w, r->options->starts[i].object);
        left[r->position_of[number]] = 0;
        is_held[r->position_of[number]] = 2; /* a start: goes, whoever holds it */
    }
    for (uint32_t p = 1; p <= r->entered; p++)
        if (left[p] && !is_held[p]) {
            is_held[p] = 1;
            stack[depth++] = p;
        }
    while (depth) {
        uint32_t p = stack[--depth];
        EACH_INNER_EDGE(r, p, to)
        if (!is_held[to]) {
            is_held[to] = 1;
            stack[depth++] = to;
        }
    }
    barrow_column_free(&stack_column);
    return true;
}

/* ---- the answer ---- */

static bool list_objects(const struct reach_walk *r, struct barrow_reach *reach)
{
    const struct dig_walk *w = r->w;
    for (uint32_t p = 1; p <= r->entered && r->options->listed; p++) {
        const struct dig_type *t = &w->types[w->type[r->order[p]]];
        if (!PyType_IsSubtype(t->type, r->options->listed))
            continue;
        if (!barrow_column_reserve(&reach->listed_column,
                                   (reach->listed_count + 1) * sizeof *reach->listed))
            return false;
        reach->listed = reach->listed_column.at;
        reach->listed[reach->listed_count++] = w->address[r->order[p]];
    }
    return true;
}

static bool add_up(struct reach_walk *r, struct barrow_reach *reach)
{
    struct dig_walk *w = r->w;
    uint32_t types = w->type_count;
    size_t left_bytes = ((size_t)r->entered + 2) * 4;
    if (!barrow_column_reserve(&r->held_column, left_bytes + r->entered + 2) ||
        !barrow_column_reserve(&reach->column, (types + (size_t)1) * sizeof *reach->classes))
        return false;
    uint32_t *left = r->held_column.at;
    uint8_t *is_held = (uint8_t *)r->held_column.at + left_bytes;
    if (!find_held(r, left, is_held) || !list_objects(r, reach))
        return false;
    reach->classes = reach->column.at;
    for (uint32_t p = 1; p <= r->entered; p++) {
        struct barrow_reach_class *class = &reach->classes[w->type[r->order[p]]];
        class->objects++;
        class->bytes += r->bytes[p];
        reach->objects++;
        reach->bytes += r->bytes[p];
        if (is_held[p] != 1) {
            reach->exclusive_objects++;
            reach->exclusive_bytes += r->bytes[p];
        }
    }
    for (uint32_t i = 1; i < types; i++)
        if (reach->classes[i].objects) {
            reach->classes[reach->class_count] = reach->classes[i];
            reach->classes[reach->class_count++].type = w->types[i].type;
        }
    return true;
}

static int no_memory(struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for sizing objects");
}

/* A walk that has met nothing yet; to be ended by close_walk() in any case. */
static bool open_walk(struct dig_walk **walk, struct barrow_dig *dig,
                      struct barrow_dig_options *options, void *subtype_traverse)
{
    *options = (struct barrow_dig_options){.subtype_traverse = subtype_traverse};
    *dig = (struct barrow_dig){0};
    *walk = raw_memory(sizeof **walk);
    if (!*walk)
        return false;
    (*walk)->dig = dig;
    (*walk)->options = options;
    return barrow_walk_init(*walk);
}

static void close_walk(struct dig_walk *w, struct barrow_dig *dig)
{
    if (w) {
        barrow_walk_end(w);
        raw_munmap(w, sizeof *w);
    }
    barrow_dig_free(dig);
}

int barrow_dig_reach(struct barrow_reach *reach, const struct barrow_reach_options *options,
                     struct barrow_error *err)
{
    struct barrow_dig dig;
    struct barrow_dig_options walk_options;
    struct reach_walk r = {.options = options, .builtins = PyEval_GetBuiltins()};
    memset(reach, 0, sizeof *reach);
    bool ok = open_walk(&r.w, &dig, &walk_options, options->subtype_traverse);
    for (size_t i = 0; i < options->start_count && ok; i++) {
        visit_start(&r, &options->starts[i]);
        ok = !r.w->failed;
    }
    ok = ok && (!r.entered || add_up(&r, reach));
    barrow_column_free(&r.order_column);
    barrow_column_free(&r.edge_column);
    barrow_column_free(&r.position_column);
    barrow_column_free(&r.bytes_column);
    barrow_column_free(&r.stop_column);
    barrow_column_free(&r.held_column);
    close_walk(r.w, &dig);
    if (ok)
        return 0;
    barrow_reach_free(reach);
    return no_memory(err);
}

void barrow_reach_free(struct barrow_reach *reach)
{
    barrow_column_free(&reach->column);
    barrow_column_free(&reach->listed_column);
    memset(reach, 0, sizeof *reach);
}

/* ---- the references of one object ---- */

static bool has_text(uint32_t kind)
{
    return kind == HEAP_NAME_ATTRIBUTE || kind == HEAP_NAME_VARIABLE || kind == HEAP_NAME_INTERNAL;
}

static void tell_link(const struct dig_walk *w, uint64_t e, barrow_reach_each *each, void *context)
{
    struct barrow_reach_link link = {.target = w->address[w->target[e]], .name = w->name[e]};
    uint32_t kind = link.name >> HEAP_NAME_SHIFT;
    if (kind == HEAP_NAME_WEAK)
        return;
    if (has_text(kind)) {
        const uint32_t *start = (const uint32_t *)w->dig->columns[COLUMN_STRING_START].at +
                                (link.name & HEAP_NAME_MASK);
        link.text = (const char *)w->dig->columns[COLUMN_STRINGS].at + start[0];
        link.text_bytes = start[1] - start[0];
    }
    if (kind == HEAP_NAME_VALUE && e)
        link.key = w->address[w->target[e - 1]];
    each(context, &link);
}

int barrow_dig_links(PyObject *o, void *subtype_traverse, barrow_reach_each *each, void *context,
                     struct barrow_error *err)
{
    struct barrow_dig dig;
    struct barrow_dig_options options;
    struct dig_walk *w;
    bool ok = open_walk(&w, &dig, &options, subtype_traverse);
    if (ok) {
        uint32_t number = barrow_walk_object(w, o);
        if (number)
            barrow_walk_visit(w, number);
        ok = !w->failed;
        for (uint64_t e = 0; e < w->edge_count && ok; e++)
            tell_link(w, e, each, context);
    }
    close_walk(w, &dig);
    return ok ? 0 : no_memory(err);
}
