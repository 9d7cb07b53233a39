/* What the nodes and edges of a .heapsnapshot are called, and of which of its types they are.
 *
 * DevTools groups objects by their names, so an object is called as its class; classes, modules, functions and code
 * have names of their own.  Of str and bytes the text is shown where the snapshot has it, else their length and a
 * hash of what they hold: so DevTools' filter for duplicated strings finds the true ones.
 */
#ifndef BARROW_EXPORT_SNAPSHOT_WORDS_H
#define BARROW_EXPORT_SNAPSHOT_WORDS_H

#include "export/heap_names.h"
#include "export/snapshot_strings.h"

/* X(NAME, what the format calls it), in V8's order. */
#define SNAPSHOT_NODES(X)                  \
    X(HIDDEN, "hidden")                    \
    X(ARRAY, "array")                      \
    X(STRING, "string")                    \
    X(OBJECT, "object")                    \
    X(CODE, "code")                        \
    X(CLOSURE, "closure")                  \
    X(REGEXP, "regexp")                    \
    X(NUMBER, "number")                    \
    X(NATIVE, "native")                    \
    X(SYNTHETIC, "synthetic")              \
    X(CONCATENATED, "concatenated string") \
    X(SLICED, "sliced string")             \
    X(SYMBOL, "symbol")                    \
    X(BIGINT, "bigint")                    \
    X(SHAPE, "object shape")
#define SNAPSHOT_EDGES(X)    \
    X(CONTEXT, "context")    \
    X(ELEMENT, "element")    \
    X(PROPERTY, "property")  \
    X(INTERNAL, "internal")  \
    X(HIDDEN, "hidden")      \
    X(SHORTCUT, "shortcut")  \
    X(WEAK, "weak")
enum snapshot_node {
#define X(name, text) SNAPSHOT_NODE_##name,
    SNAPSHOT_NODES(X)
#undef X
};
enum snapshot_edge {
#define X(name, text) SNAPSHOT_EDGE_##name,
    SNAPSHOT_EDGES(X)
#undef X
};

struct snapshot_name {
    uint32_t type; /* enum snapshot_node or snapshot_edge */
    uint32_t text; /* string; of ELEMENT edges the position */
};

struct snapshot_words {
    struct barrow_heap_names names;
    struct snapshot_strings *strings;
    /* Strings made already, 0: not yet.  By the heap's string: as it is, "(string)", "['string']"; by type: the class,
     * "[class]". */
    uint32_t *plain, *bracketed, *keys, *classes, *key_classes;
};

/* `graph` and `strings` must outlive the words.  Fails for want of memory. */
int snapshot_words_init(struct snapshot_words *words, const struct barrow_graph *graph,
                        struct snapshot_strings *strings, struct barrow_error *err);
void snapshot_words_free(struct snapshot_words *words);

struct snapshot_name snapshot_words_object(struct snapshot_words *words, uint32_t object);
uint32_t snapshot_words_root(struct snapshot_words *words, uint32_t root);
/* `edge`: an index in the heap's edges, one of `source`. */
struct snapshot_name snapshot_words_edge(struct snapshot_words *words, uint32_t source,
                                         uint64_t edge);
/* The same edge as one that does not keep its target alive. */
struct snapshot_name snapshot_words_weak(struct snapshot_words *words, struct snapshot_name name);
struct snapshot_name snapshot_words_root_edge(struct snapshot_words *words, uint32_t name);

#endif
