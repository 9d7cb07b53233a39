/* The graph: objects x references, the noun that dig's views and exporters take.
 *
 * Vertices: 0 is the super-root, 1 .. object_count are the heap's objects, and root r of heap->roots
 * (r >= 1) is vertex object_count + r.  Edges: those of the heap, those from roots to objects, and from each root
 * to its children.  Weak edges (HEAP_NAME_WEAK) are in the columns but retain nothing: dominators, paths and
 * reachability leave them out.  Objects that no root reaches are garbage that waits for the collector
 * (`unreachable`); their idom is GRAPH_NONE among themselves, see barrow_graph_garbage.
 *
 * retained[v]: bytes of v and of all that v dominates, which is what goes when v goes.
 *
 * A graph is built from columns once, takes no file, is not thread-safe, and belongs to its caller.  Columns stay
 * the caller's when built by barrow_graph_of().
 * Sources: semi-NCA (Georgiadis, Linear-Time Algorithms for Dominators, 2005); Tarjan 1972 for SCCs; leak suspects
 * as in Eclipse MAT (constants in suspects.c).
 */
#ifndef BARROW_GRAPH_GRAPH_H
#define BARROW_GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/notes.h"
#include "ledger/heap.h"

#define GRAPH_NONE 0xffffffffu

struct barrow_graph {
    struct barrow_heap *heap;
    uint32_t object_count, vertex_count;
    uint32_t *idom;     /* by vertex; GRAPH_NONE: not reachable (and for vertex 0) */
    uint64_t *retained; /* by vertex; of those that no root reaches their own bytes */
    uint32_t *order;    /* the `reached` vertices that roots reach, each behind its idom; [0] is 0 */
    uint32_t reached;
    uint64_t total_bytes, reachable_bytes;
    uint32_t unreachable; /* objects */
    /* Dominator tree, children of v by retained bytes, largest first: child[child_start[v]] ...
     * Built by barrow_graph_children(). */
    uint32_t *child_start, *child;
    /* Reverse edges, built by barrow_graph_referrers(): sources of v: source[source_start[v]] ...,
     * ascending, each once however many of its references lead to v; weak ones are left out. */
    uint64_t *source_start;
    uint32_t *source;
    bool owns_heap;
    struct barrow_notes warnings;
};

/* Calls `progress(context, done, of)` now and then during long work; may be NULL. */
struct barrow_graph_progress {
    void (*report)(void *context, const char *what, uint64_t done, uint64_t of);
    void *context;
};

/* Dominators and retained sizes of snapshot `number` (0: the last) of a ledger file.  Of several ledgers, in
 * a bundle or a directory, the first that has snapshots: the run's root process before its children. */
int barrow_graph_load(struct barrow_graph **out, const char *path, uint32_t number,
                      const struct barrow_graph_progress *progress, struct barrow_error *err);
/* The same of a ledger that is open; it is not needed afterwards.  Takes a third less memory than reading all
 * columns first. */
struct barrow_ledger;
int barrow_graph_of_ledger(struct barrow_graph **out, const struct barrow_ledger *ledger,
                           uint32_t number, const struct barrow_graph_progress *progress,
                           struct barrow_error *err);
/* The same of columns in memory, which must outlive the graph. */
int barrow_graph_of(struct barrow_graph **out, struct barrow_heap *heap,
                    const struct barrow_graph_progress *progress, struct barrow_error *err);
void barrow_graph_free(struct barrow_graph *graph);

/* Builds what the fields above name; nothing if it is there already. */
int barrow_graph_children(struct barrow_graph *graph, struct barrow_error *err);
int barrow_graph_referrers(struct barrow_graph *graph, struct barrow_error *err);

/* ---- what a set retains (groups.c) ---- */

/* Bytes and objects that no root would reach if all `count` vertices went: more than the sum of their
 * retained[] where the members only together keep something alive.  The members are counted too, as far as
 * roots reach them.  One pass over the graph. */
struct barrow_retained {
    uint64_t bytes;
    uint32_t objects;
};
int barrow_graph_retained_of(const struct barrow_graph *graph, const uint32_t *vertices,
                             size_t count, struct barrow_retained *retained,
                             struct barrow_error *err);

/* The same for many disjoint sets, 512 at a pass: group[object], 1 .. group_count, or 0 for none.
 * retained[] has group_count + 1 entries. */
int barrow_graph_retained_by(const struct barrow_graph *graph, const uint32_t *group,
                             uint32_t group_count, uint64_t *retained,
                             const struct barrow_graph_progress *progress,
                             struct barrow_error *err);

/* Objects that no root reaches, ascending; *objects is to be freed. */
int barrow_graph_garbage(const struct barrow_graph *graph, uint32_t **objects, size_t *count,
                         struct barrow_error *err);

static inline bool barrow_graph_is_root(const struct barrow_graph *graph, uint32_t vertex)
{
    return vertex == 0 || vertex > graph->object_count;
}

/* ---- words (words.c) ---- */

/* Texts belong to the heap; *length bytes, not ended by NUL. */
const char *barrow_graph_string(const struct barrow_graph *graph, uint32_t string, uint32_t *length);
/* "pkg.mod.Class"; builtins without a module.  To be freed. */
char *barrow_graph_class_name(const struct barrow_graph *graph, uint32_t type);

/* ---- classes (classes.c): rows of `barrow types` ---- */

struct barrow_class_row {
    uint32_t type;
    uint64_t objects, bytes;
    uint64_t retained; /* of all its objects together, each byte once */
};
/* Most retained first.  *rows is to be freed. */
int barrow_graph_classes(struct barrow_graph *graph, struct barrow_class_row **rows, size_t *count,
                         struct barrow_error *err);

/* ---- cycles (cycles.c): what only the collector can free ---- */

struct barrow_cycle {
    uint32_t *members; /* objects of one strongly connected component, or one object that refers to itself */
    uint32_t count;
    uint64_t bytes;    /* of its members */
    uint64_t retained; /* with all that goes when the members go */
    bool is_garbage;   /* no root reaches it */
};
/* Most retained first. */
int barrow_graph_cycles(struct barrow_graph *graph, struct barrow_cycle **cycles, size_t *count,
                        struct barrow_error *err);
void barrow_cycles_free(struct barrow_cycle *cycles, size_t count);

#endif
