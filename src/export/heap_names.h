/* The words of a heap snapshot for exporters, which need the same ones a million times: texts that are ended by NUL
 * and made once.  They belong to the names, and are as the snapshot has them, so not always valid UTF-8.
 */
#ifndef BARROW_EXPORT_HEAP_NAMES_H
#define BARROW_EXPORT_HEAP_NAMES_H

#include <stdint.h>

#include "base/error.h"
#include "graph/graph.h"

struct barrow_heap_names {
    const struct barrow_graph *graph;
    const struct barrow_heap *heap; /* the graph's */
    char *strings;                  /* all of them, each with a NUL */
    char **classes;                 /* by type: "pkg.mod.Class"; builtins without a module */
    /* Strings of the attributes that hold the name of functions; 0: there is none. */
    uint32_t name, qualified_name;
};

/* `graph` must outlive the names.  Fails for want of memory. */
int barrow_heap_names_init(struct barrow_heap_names *names, const struct barrow_graph *graph,
                           struct barrow_error *err);
void barrow_heap_names_free(struct barrow_heap_names *names);

/* String i of the heap. */
static inline const char *barrow_heap_string(const struct barrow_heap_names *names, uint32_t string)
{
    return names->strings + names->heap->string_start[string] + string;
}

/* Where an object's code is; NULL: nowhere. */
const struct heap_place *barrow_heap_place(const struct barrow_heap *heap, uint32_t object);
/* The type whose class the object is; 0: it is no class, or one of which there are no instances. */
uint32_t barrow_heap_type_of_class(const struct barrow_heap *heap, uint32_t object);
/* The string that is the qualified name of a function, else its name; 0: not known. */
uint32_t barrow_heap_function_name(const struct barrow_heap_names *names, uint32_t object);

/* The kind of a reference in a word: "attribute", "index", ... */
const char *barrow_heap_kind_words(enum heap_name kind);
/* The kind of a root in words: "modules", "held by C code", ... */
const char *barrow_heap_root_words(uint32_t kind);

#endif
