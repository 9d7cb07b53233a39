/* Names for the references that tp_traverse told of.
 *
 * What the object is known to hold, with names, is written down first; then each reference takes
 * the name of the next candidate that is the same object. Both come in nearly the same order, so a
 * short search finds it:
 *
 *     candidates  | __dict__ → A | args → B | "x" → C | ...
 *     references  | B | A | C |   each: from BACK before where the last one was found
 *
 * What stays without a name is shown by its position.
 */
#include <string.h>

#include "dig/state.h"

enum { REACH = 64, BACK = 4 };

static void add(struct dig_walk *w, PyObject *o, uint32_t name)
{
    if (!o)
        return;
    if (!barrow_column_reserve(&w->candidate_column,
                               (w->candidate_count + (size_t)1) * sizeof *w->candidates)) {
        w->failed = true;
        return;
    }
    w->candidates = w->candidate_column.at;
    w->candidates[w->candidate_count++] = (struct dig_candidate){o, name};
}

static uint32_t attribute(struct dig_walk *w, const char *name)
{
    return HEAP_NAME(HEAP_NAME_ATTRIBUTE, barrow_walk_words(w, name));
}

static void add_instance(struct dig_walk *w, PyObject *o, const struct dig_type *t)
{
    struct barrow_instance look = barrow_instance_look(o, t->type);
    PyDictKeysObject *keys = barrow_shared_keys(t->type);
    if (look.values && keys)
        for (Py_ssize_t i = 0; i < keys->dk_nentries && i < (Py_ssize_t)look.value_limit; i++)
            add(w, look.values[i],
                HEAP_NAME(HEAP_NAME_ATTRIBUTE,
                          barrow_walk_string_of(w, barrow_unicode_entries(keys)[i].me_key)));
    add(w, look.dict, attribute(w, "__dict__"));
    if (t->dict_offset)
        add(w, *(PyObject **)(void *)((char *)o + t->dict_offset), attribute(w, "__dict__"));
    if (t->dict_at_end && _PyObject_GetDictPtr(o))
        add(w, *_PyObject_GetDictPtr(o), attribute(w, "__dict__"));
    for (uint32_t i = 0; i < t->member_count; i++) {
        const struct dig_member *member = &w->members[t->first_member + i];
        add(w, *(PyObject **)(void *)((char *)o + member->offset), member->name);
    }
}

static void add_dict(struct dig_walk *w, PyObject *o)
{
    PyDictKeysObject *keys = barrow_dict_keys(o);
    PyObject **values = barrow_dict_values(o);
    for (Py_ssize_t i = 0; i < keys->dk_nentries; i++) {
        bool general = keys->dk_kind == DICT_KEYS_GENERAL;
        PyObject *key = general ? barrow_general_entries(keys)[i].me_key
                                : barrow_unicode_entries(keys)[i].me_key;
        PyObject *value = values    ? values[i]
                          : general ? barrow_general_entries(keys)[i].me_value
                                    : barrow_unicode_entries(keys)[i].me_value;
        if (!value)
            continue;
        if (general)
            add(w, key, HEAP_NAME(HEAP_NAME_KEY, 0));
        /* Keys that tp_traverse doesn't tell of can't stand before their values as an edge. */
        add(w, value,
            general ? HEAP_NAME(HEAP_NAME_VALUE, 0)
                    : HEAP_NAME(HEAP_NAME_ATTRIBUTE, barrow_walk_string_of(w, key)));
    }
}

static void add_items(struct dig_walk *w, PyObject *const *items, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++)
        add(w, items[i], HEAP_NAME(HEAP_NAME_INDEX, i));
}

/* Locals, cells and temporary values of a frame that isn't running. */
static void add_frame(struct dig_walk *w, const barrow_frame *f)
{
    if (!f || barrow_frame_is_shim(f))
        return;
    PyCodeObject *code = barrow_frame_code(f);
    add(w, (PyObject *)code, attribute(w, "f_code"));
    add(w, barrow_frame_function(f), attribute(w, "f_func"));
    for (int i = 0; i < code->co_nlocalsplus; i++)
        add(w, barrow_frame_local(f, i),
            HEAP_NAME(HEAP_NAME_VARIABLE,
                      barrow_walk_string_of(w, PyTuple_GET_ITEM(code->co_localsplusnames, i))));
}

static void add_closure(struct dig_walk *w, PyObject *o)
{
    PyFunctionObject *function = (PyFunctionObject *)o;
    add(w, function->func_globals, attribute(w, "__globals__"));
    add(w, function->func_builtins, attribute(w, "__builtins__"));
    add(w, function->func_module, attribute(w, "__module__"));
    add(w, function->func_doc, attribute(w, "__doc__"));
    add(w, function->func_closure, attribute(w, "__closure__"));
}

static void add_type(struct dig_walk *w, PyObject *o)
{
    PyTypeObject *type = (PyTypeObject *)o;
    add(w, type->tp_dict, attribute(w, "__dict__"));
    add(w, type->tp_mro, attribute(w, "__mro__"));
    add(w, type->tp_bases, attribute(w, "__bases__"));
    add(w, (PyObject *)type->tp_base, attribute(w, "__base__"));
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE)
        add(w, ((PyHeapTypeObject *)type)->ht_module, attribute(w, "__module__"));
}

static void add_known(struct dig_walk *w, PyObject *o, const struct dig_type *t)
{
    w->candidate_count = 0;
    add_instance(w, o, t);
    if (t->is_type)
        add_type(w, o);
    if (t->is_dict)
        add_dict(w, o);
    if (t->is_list)
        add_items(w, ((PyListObject *)o)->ob_item, PyList_GET_SIZE(o));
    if (t->is_tuple)
        add_items(w, ((PyTupleObject *)o)->ob_item, PyTuple_GET_SIZE(o));
    if (t->is_generator)
        add_frame(w, barrow_generator_frame(o));
    if (t->is_frame)
        add_frame(w, barrow_frame_of_object(o));
    if (t->type == &PyFunction_Type)
        add_closure(w, o);
    if (t->is_module)
        add(w, PyModule_GetDict(o), attribute(w, "__dict__"));
}

static uint32_t find(const struct dig_walk *w, const PyObject *o, uint32_t *cursor)
{
    uint32_t count = w->candidate_count;
    uint32_t start = *cursor >= BACK ? *cursor - BACK : 0;
    for (uint32_t i = 0; i < REACH && i < count; i++) {
        uint32_t at = start + i < count ? start + i : start + i - count;
        if (w->candidates[at].object == o) {
            w->candidates[at].object = NULL;
            *cursor = at + 1 < count ? at + 1 : 0;
            return w->candidates[at].name;
        }
    }
    return UINT32_MAX;
}

/* X(class, class of the target or NULL: any, kind of name, name): references that lie at no known
 * place. */
#define BY_CLASS(X)                                                               \
    X("functools._lru_cache_wrapper", &PyDict_Type, ATTRIBUTE, "cache")           \
    X("functools._lru_cache_wrapper", &PyFunction_Type, ATTRIBUTE, "__wrapped__") \
    X("functools._lru_cache_wrapper", &PyType_Type, ATTRIBUTE, "cache_info_type") \
    X("functools._lru_cache_wrapper", NULL, INTERNAL, "cache entry")              \
    X("_abc._abc_data", &PySet_Type, ATTRIBUTE, "registry")                       \
    X("itertools._tee_dataobject", NULL, INTERNAL, "value")                       \
    X("mappingproxy", NULL, INTERNAL, "mapping")                                  \
    X("property", &PyUnicode_Type, ATTRIBUTE, "__name__")                         \
    X("module", NULL, INTERNAL, "module state")                                   \
    X("_contextvars.Context", NULL, INTERNAL, "variables")

static uint32_t name_by_class(struct dig_walk *w, const struct dig_type *t, PyObject *target)
{
#define X(class, target_class, kind, name)                      \
    if (strcmp(t->type->tp_name, class) == 0 &&                 \
        (!(target_class) || Py_TYPE(target) == (target_class))) \
        return HEAP_NAME(HEAP_NAME_##kind, barrow_walk_words(w, name));
    BY_CLASS(X)
#undef X
    return UINT32_MAX;
}

/* Elements and items that are all that such an object refers to. */
static void name_in_order(struct dig_walk *w, PyObject *o, const struct dig_type *t, uint64_t first)
{
    uint32_t position = 0;
    for (uint64_t e = first; e < w->edge_count; e++) {
        PyObject *target = w->address[w->target[e]];
        if (target == (PyObject *)t->type)
            w->name[e] = HEAP_NAME(HEAP_NAME_CLASS, 0);
        else if (t->is_set)
            w->name[e] = HEAP_NAME(HEAP_NAME_ELEMENT, 0);
        else
            w->name[e] = HEAP_NAME(HEAP_NAME_INDEX, position++);
    }
    (void)o;
}

void barrow_walk_name_edges(struct dig_walk *w, PyObject *o, const struct dig_type *t,
                            uint64_t first)
{
    bool is_builtin = !(t->type->tp_flags & Py_TPFLAGS_MANAGED_DICT) && !t->dict_offset;
    if ((t->is_set || t->is_deque) && is_builtin && t->type->tp_base == &PyBaseObject_Type) {
        name_in_order(w, o, t, first);
        return;
    }
    add_known(w, o, t);
    uint32_t cursor = 0;
    bool has_class = false;
    for (uint64_t e = first; e < w->edge_count; e++) {
        PyObject *target = w->address[w->target[e]];
        if (w->name[e] >> HEAP_NAME_SHIFT != HEAP_NAME_REF)
            continue;
        if (target == (PyObject *)t->type && !has_class) {
            has_class = true;
            w->name[e] = HEAP_NAME(HEAP_NAME_CLASS, 0);
            continue;
        }
        uint32_t name = find(w, target, &cursor);
        if (name == UINT32_MAX)
            name = name_by_class(w, t, target);
        if (name != UINT32_MAX)
            w->name[e] = name;
        else
            w->name[e] = t->is_set         ? HEAP_NAME(HEAP_NAME_ELEMENT, 0)
                         : t->is_generator ? HEAP_NAME(HEAP_NAME_STACK, e - first)
                                           : HEAP_NAME(HEAP_NAME_REF, e - first);
    }
}
