/* Leak suspects: where what counts has piled up.
 *
 * Eclipse MAT's leak hunter on a choice of objects.  Who asks says which objects count: those that are new
 * since an earlier snapshot, those whose birth places kept growing, or all that are data.  Their bytes are
 * added up the dominator tree; from the top the search descends
 *
 *     through a namespace (root, module, class, instance, frame, function): into every child that is
 *         itself large enough; the many small ones that are left are looked at as groups of one class;
 *     through a container: into its largest child while that holds at least 0.7 of it.  At the first big
 *         drop the objects pile up here: this is the accumulation point.
 *
 * Groups of small objects that no single object dominates are followed along their merged shortest paths while
 * more than 0.8 of them go the same way.  A chain of objects of one class (an undo list, itertools.tee) counts
 * as one thing, held by what holds its head.  What no root reaches is one suspect of its own.
 */
#ifndef BARROW_GRAPH_SUSPECTS_H
#define BARROW_GRAPH_SUSPECTS_H

#include "graph/paths.h"

enum barrow_suspect_kind {
    BARROW_SUSPECT_HELD,
    BARROW_SUSPECT_GARBAGE /* no root reaches it: waits for the collector, or is never collected */
};
struct barrow_suspect {
    enum barrow_suspect_kind kind;
    uint32_t holder;        /* the object that holds the members; 0: a root alone */
    uint32_t type;          /* the members' class, as far as most have one */
    uint64_t objects, bytes; /* that count, at or below the members in the dominator tree */
    uint32_t *members;      /* what is held, each a vertex */
    size_t member_count;
    char *path;             /* in words; NULL: garbage */
};

struct barrow_suspect_query {
    const uint8_t *counts; /* by object: 1 if it counts */
    double share;          /* of the bytes that count, that a suspect needs at least: 0.1 */
    uint64_t least_bytes;  /* and at least this much */
};
/* Largest first.  Builds graph->child. */
int barrow_suspects_find(struct barrow_graph *graph, const struct barrow_paths *paths,
                         const struct barrow_suspect_query *query, struct barrow_suspect **suspects,
                         size_t *count, struct barrow_error *err);
void barrow_suspects_free(struct barrow_suspect *suspects, size_t count);

/* Calls `visit` for each object that counts at or below the suspect's members. */
struct barrow_suspect_visitor {
    void (*visit)(void *context, uint32_t object);
    void *context;
};
int barrow_suspect_each(const struct barrow_graph *graph, const struct barrow_suspect *suspect,
                        const uint8_t *counts, struct barrow_suspect_visitor visitor,
                        struct barrow_error *err);

#endif
