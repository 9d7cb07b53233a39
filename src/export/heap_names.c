#include "export/heap_names.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/words.h"

static const char *const kind_words[] = {
    [HEAP_NAME_REF] = "reference",     [HEAP_NAME_ATTRIBUTE] = "attribute",
    [HEAP_NAME_INDEX] = "index",       [HEAP_NAME_KEY] = "key",
    [HEAP_NAME_VALUE] = "value",       [HEAP_NAME_ELEMENT] = "element",
    [HEAP_NAME_VARIABLE] = "variable", [HEAP_NAME_CLASS] = "class",
    [HEAP_NAME_WEAK] = "weak",         [HEAP_NAME_INTERNAL] = "internal",
    [HEAP_NAME_STACK] = "stack",       [HEAP_NAME_COUNTED] = "counted",
};

static const char *const root_words[] = {
#define X(number, name, words) [HEAP_ROOT_##name] = words,
    HEAP_ROOT_KINDS(X)
#undef X
};

const char *barrow_heap_kind_words(enum heap_name kind)
{
    size_t i = (size_t)kind;

    return i < sizeof kind_words / sizeof *kind_words ? kind_words[i] : "reference";
}

const char *barrow_heap_root_words(uint32_t kind)
{
    return kind < sizeof root_words / sizeof *root_words ? root_words[kind] : "root";
}

/* ---- made once ---- */

/* A copy of all strings with a NUL behind each. */
static bool copy_strings(struct barrow_heap_names *names)
{
    const struct barrow_heap *heap = names->heap;
    size_t bytes = heap->string_count ? heap->string_start[heap->string_count] : 0;
    char *to = names->strings = malloc(bytes + heap->string_count + 1);

    if (!to)
        return false;
    *to = '\0';
    for (uint32_t i = 0; i < heap->string_count; i++) {
        size_t length = heap->string_start[i + 1] - heap->string_start[i];
        memcpy(to, heap->strings + heap->string_start[i], length);
        to[length] = '\0';
        to += length + 1;
    }
    return true;
}

static bool name_classes(struct barrow_heap_names *names)
{
    uint32_t count = names->heap->type_count;

    names->classes = calloc((size_t)count + 1, sizeof *names->classes);
    for (uint32_t i = 0; names->classes && i < count; i++)
        if (!(names->classes[i] = barrow_graph_class_name(names->graph, i)))
            return false;
    return names->classes != NULL;
}

static bool find_modules(struct barrow_heap_names *names)
{
    const struct barrow_heap *heap = names->heap;

    names->modules = calloc((size_t)heap->root_count + 1, sizeof *names->modules);
    for (uint64_t e = 0; names->modules && e < heap->root_edge_count; e++) {
        const struct heap_root_edge *edge = &heap->root_edges[e];
        bool is_module = heap->types[heap->type[edge->target]].flags & HEAP_TYPE_MODULE;
        if (heap->roots[edge->root].kind == HEAP_ROOT_MODULE && is_module &&
            names->module_count < heap->root_count)
            names->modules[names->module_count++] =
                (struct barrow_heap_module){edge->target, edge->root};
    }
    return names->modules != NULL;
}

int barrow_heap_names_init(struct barrow_heap_names *names, const struct barrow_graph *graph,
                           struct barrow_error *err)
{
    *names = (struct barrow_heap_names){.graph = graph, .heap = graph->heap};
    if (!copy_strings(names) || !name_classes(names) || !find_modules(names)) {
        barrow_heap_names_free(names);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    }
    return 0;
}

void barrow_heap_names_free(struct barrow_heap_names *names)
{
    for (uint32_t i = 0; names->classes && i < names->heap->type_count; i++)
        free(names->classes[i]);
    free(names->classes);
    free(names->modules);
    free(names->strings);
    *names = (struct barrow_heap_names){0};
}

/* ---- of objects ---- */

const struct heap_place *barrow_heap_place(const struct barrow_heap *heap, uint32_t object)
{
    uint32_t low = 0, high = heap->place_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (heap->places[middle].object < object)
            low = middle + 1;
        else
            high = middle;
    }
    return low < heap->place_count && heap->places[low].object == object ? &heap->places[low]
                                                                         : NULL;
}

/* The type whose class the object is; 0: it has no instances. */
static uint32_t type_of_class(const struct barrow_heap *heap, uint32_t object)
{
    for (uint32_t i = 1; i < heap->type_count; i++)
        if (heap->types[i].object == object)
            return i;
    return 0;
}

/* How good a name an attribute holds: 0 is the best; the same string may have several numbers in a
 * heap. */
static size_t name_rank(const struct barrow_heap_names *names, uint32_t edge_name)
{
    static const char *const ranks[] = {"__qualname__", "co_qualname", "__name__", "co_name"};
    uint32_t string = edge_name & HEAP_NAME_MASK;
    size_t rank = 0;

    if (edge_name >> HEAP_NAME_SHIFT != HEAP_NAME_ATTRIBUTE || string >= names->heap->string_count)
        return SIZE_MAX;
    const char *text = barrow_heap_string(names, string);
    while (rank < sizeof ranks / sizeof *ranks && strcmp(text, ranks[rank]) != 0)
        rank++;
    return rank < sizeof ranks / sizeof *ranks ? rank : SIZE_MAX;
}

/* The string that is the qualified name of a function, code or class, else its name; 0: not known.
 */
static uint32_t own_name(const struct barrow_heap_names *names, uint32_t object)
{
    const struct barrow_heap *heap = names->heap;
    size_t best = SIZE_MAX;
    uint32_t found = 0;

    for (uint64_t e = heap->edge_start[object]; e < heap->edge_start[object + 1]; e++) {
        size_t rank = name_rank(names, heap->name[e]);
        uint32_t text = rank < best ? barrow_words_text_of(names->graph, heap->target[e]) : 0;
        if (text) {
            found = text;
            best = rank;
        }
    }
    return found;
}

/* " (app.py:12)" */
static void add_place(const struct barrow_heap_names *names, struct barrow_buffer *out,
                      uint32_t object)
{
    const struct heap_place *place = barrow_heap_place(names->heap, object);
    char line[16];

    if (!place)
        return;
    const char *file = barrow_heap_string(names, place->file), *slash = strrchr(file, '/');
    barrow_buffer_add_text(out, " (");
    barrow_buffer_add_text(out, slash ? slash + 1 : file);
    snprintf(line, sizeof line, ":%" PRIu32 ")", place->line);
    barrow_buffer_add_text(out, line);
}

/* What has a name of its own. */
static void add_named(const struct barrow_heap_names *names, struct barrow_buffer *out,
                      uint32_t object, const char *otherwise)
{
    uint32_t string = own_name(names, object);

    barrow_buffer_add_text(out, string ? barrow_heap_string(names, string) : otherwise);
    add_place(names, out, object);
}

static const char *module_name(const struct barrow_heap_names *names, uint32_t object)
{
    for (size_t i = 0; i < names->module_count; i++)
        if (names->modules[i].object == object)
            return barrow_heap_string(names, names->heap->roots[names->modules[i].root].name);
    return NULL;
}

void barrow_heap_object_words(const struct barrow_heap_names *names, struct barrow_buffer *out,
                              uint32_t object)
{
    const struct barrow_heap *heap = names->heap;
    uint32_t type = heap->type[object], flags = heap->types[type].flags, of;
    const char *module;

    if (flags & (HEAP_TYPE_FUNCTION | HEAP_TYPE_CODE)) {
        add_named(names, out, object, names->classes[type]);
    } else if (flags & HEAP_TYPE_TYPE && (of = type_of_class(heap, object))) {
        barrow_buffer_add_text(out, "class ");
        barrow_buffer_add_text(out, names->classes[of]);
    } else if (flags & HEAP_TYPE_TYPE &&
               (own_name(names, object) || barrow_heap_place(heap, object))) {
        barrow_buffer_add_text(out, "class ");
        add_named(names, out, object, "");
    } else if (flags & HEAP_TYPE_MODULE && (module = module_name(names, object))) {
        barrow_buffer_add_text(out, "module ");
        barrow_buffer_add_text(out, module);
    } else {
        barrow_buffer_add_text(out, names->classes[type]);
    }
}
