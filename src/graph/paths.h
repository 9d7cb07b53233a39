/* Paths: why an object is alive, in as few references as it takes.
 *
 * One search from all roots leaves with each vertex the one it was reached from.  What explains little comes
 * last: references that every function, instance or frame has (`__globals__`, the class, ...), and roots
 * that only say "the interpreter" or "some C code".  So a path through a module's variable is preferred to a
 * shorter one through those.  Weak references are never followed.
 *
 *      module app ──► dict ──► Server ──► list ──► Session          parent[Session] = list, ...
 *           ▲                               ▲
 *         root                              └ nth: which of its references, to find its name
 *
 * A merged tree is the union of the paths of many objects, where steps of the same name between the same
 * classes are one: a million elements of a list are one node, `[*]`.
 *
 * Paths refer to the graph and are freed before it.  Memory: 8 bytes a vertex.
 */
#ifndef BARROW_GRAPH_PATHS_H
#define BARROW_GRAPH_PATHS_H

#include "graph/graph.h"
#include "graph/words.h"

struct barrow_paths {
    const struct barrow_graph *graph;
    uint32_t *parent;     /* by vertex; GRAPH_NONE: not reached, and for vertex 0 */
    uint32_t *nth;        /* by vertex: the reference is the nth of its parent's */
    uint64_t *root_edges; /* by root: its first one in heap->root_edges; one entry more than roots */
};
int barrow_paths_find(struct barrow_paths **out, const struct barrow_graph *graph,
                      struct barrow_error *err);
/* As if `avoid` did not exist. */
int barrow_paths_find_without(struct barrow_paths **out, const struct barrow_graph *graph,
                              uint32_t avoid, struct barrow_error *err);
void barrow_paths_free(struct barrow_paths *paths);

/* The reference that leads to a vertex; false: it is a root or was not reached. */
bool barrow_paths_step(const struct barrow_paths *paths, uint32_t vertex, struct barrow_step *step);
/* All of them, from the innermost root on; *steps is to be freed.  None if the object was not reached. */
int barrow_paths_to(const struct barrow_paths *paths, uint32_t vertex, struct barrow_step **steps,
                    size_t *count, struct barrow_error *err);
/* The same through another referrer of the object than `paths` took: `last` is that last step. */
int barrow_paths_through(const struct barrow_paths *paths, const struct barrow_step *last,
                         struct barrow_step **steps, size_t *count, struct barrow_error *err);
/* The last steps of all paths to an object, one a referrer, shortest path first.  `paths` are those without
 * the object; needs graph->source. */
int barrow_paths_referrers(const struct barrow_paths *paths, uint32_t vertex,
                           struct barrow_step **steps, size_t *count, struct barrow_error *err);

/* What is freed when this one reference is cut: all that its target retains if nothing else, and no second
 * reference, holds that; else nothing. */
uint64_t barrow_paths_cut(const struct barrow_paths *paths, const struct barrow_step *step);

/* ---- many objects (merged.c) ---- */

struct barrow_merged_node {
    uint32_t parent;
    uint32_t name;     /* of the step that leads here, without positions */
    uint32_t type;     /* of the objects here; 0: a root */
    uint32_t example;  /* a vertex here */
    uint32_t vertices; /* how many there are */
    uint32_t depth;
    bool repeats;      /* stands for a chain of such steps */
    uint32_t ends;     /* of the objects asked for, so many are here */
    uint64_t objects;  /* ... and here or below */
    uint64_t bytes, retained; /* of these; retained counts each byte once */
    uint32_t first_child, children; /* in `order`, most objects first */
};
struct barrow_merged { /* nodes[0] is the top, "everything"; parents come before children */
    struct barrow_merged_node *nodes;
    uint32_t count;
    uint32_t *order;
    uint64_t unreached; /* of the objects asked for: no root leads to them */
};
/* `objects` are `count` different vertices of the graph. */
int barrow_merged_of(struct barrow_merged *merged, const struct barrow_paths *paths,
                     const uint32_t *objects, size_t count, struct barrow_error *err);
void barrow_merged_free(struct barrow_merged *merged);
/* The node furthest down that at least `share` of all objects pass or end in; 0: none below the top. */
uint32_t barrow_merged_common(const struct barrow_merged *merged, double share);
/* The path to a node in one line: "app.Server.sessions[*].user". */
void barrow_merged_words(struct barrow_buffer *out, const struct barrow_merged *merged,
                         const struct barrow_paths *paths, uint32_t node);
/* The last step of it only: ".user". */
void barrow_merged_step_words(struct barrow_buffer *out, const struct barrow_merged *merged,
                              const struct barrow_paths *paths, uint32_t node);

#endif
