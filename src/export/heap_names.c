#include "export/heap_names.h"

#include <stdbool.h>
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

int barrow_heap_names_init(struct barrow_heap_names *names, const struct barrow_graph *graph,
                           struct barrow_error *err)
{
    const struct barrow_heap *heap = graph->heap;

    *names = (struct barrow_heap_names){.graph = graph, .heap = heap};
    if (!copy_strings(names) || !name_classes(names)) {
        barrow_heap_names_free(names);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    }
    for (uint32_t i = 1; i < heap->string_count; i++) {
        const char *text = barrow_heap_string(names, i);
        if (strcmp(text, "__name__") == 0)
            names->name = i;
        else if (strcmp(text, "__qualname__") == 0)
            names->qualified_name = i;
    }
    return 0;
}

void barrow_heap_names_free(struct barrow_heap_names *names)
{
    for (uint32_t i = 0; names->classes && i < names->heap->type_count; i++)
        free(names->classes[i]);
    free(names->classes);
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

uint32_t barrow_heap_type_of_class(const struct barrow_heap *heap, uint32_t object)
{
    for (uint32_t i = 1; i < heap->type_count; i++)
        if (heap->types[i].object == object)
            return i;
    return 0;
}

uint32_t barrow_heap_function_name(const struct barrow_heap_names *names, uint32_t object)
{
    const struct barrow_heap *heap = names->heap;
    uint32_t found = 0;

    for (uint64_t e = heap->edge_start[object]; e < heap->edge_start[object + 1]; e++) {
        uint32_t name = heap->name[e] & HEAP_NAME_VALUE;
        if (heap->name[e] >> HEAP_NAME_SHIFT != HEAP_NAME_ATTRIBUTE || name == 0)
            continue;
        if (name == names->qualified_name)
            return barrow_words_text_of(names->graph, heap->target[e]);
        if (name == names->name)
            found = barrow_words_text_of(names->graph, heap->target[e]);
    }
    return found;
}
