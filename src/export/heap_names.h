/* The words of a heap snapshot for exporters, which need the same ones a million times: texts that are ended by NUL
 * and made once.  They belong to the names, and are as the snapshot has them, so not always valid UTF-8.
 */
#ifndef BARROW_EXPORT_HEAP_NAMES_H
#define BARROW_EXPORT_HEAP_NAMES_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "graph/graph.h"

struct barrow_heap_names {
    const struct barrow_graph *graph;
    const struct barrow_heap *heap; /* the graph's */
    char *strings;                  /* all of them, each with a NUL */
    char **classes;                 /* by type: "pkg.mod.Class"; builtins without a module */
    struct barrow_heap_module {     /* modules that are in a root of their own */
        uint32_t object, root;
    } *modules;
    size_t module_count;
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

/* What an object is called: "class pkg.Class", "module pkg", "function (app.py:12)", else its class.  Appended. */
void barrow_heap_object_words(const struct barrow_heap_names *names, struct barrow_buffer *out,
                              uint32_t object);
/* Where an object's code is; NULL: nowhere. */
const struct heap_place *barrow_heap_place(const struct barrow_heap *heap, uint32_t object);

/* The kind of a reference in a word: "attribute", "index", ... */
const char *barrow_heap_kind_words(enum heap_name kind);
/* The kind of a root in words: "modules", "held by C code", ... */
const char *barrow_heap_root_words(uint32_t kind);

#endif
