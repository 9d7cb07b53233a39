/* Questions about this process's heap, asked from within: sizes, counts, referrers, paths.
 *
 * Each takes what it needs in one go, with the interpreter lock held, and makes Python objects only then:
 * objects that are handed out are referred to before any Python code can run.
 */
#ifndef BARROW_PYMOD_HEAP_H
#define BARROW_PYMOD_HEAP_H

#include <stdlib.h>
#include <string.h>

#include "dig/walk.h"
#include "graph/graph.h"
#include "ledger/heap.h"
#include "pymod/pymod.h"

/* A walk of the whole heap, with an index of who refers to whom if that is asked for. */
struct barrow_pymod_heap {
    struct barrow_dig dig;
    struct barrow_graph *graph; /* of dig.heap */
};
/* `flags` as HEAP_FLAG_...  Takes the walk only; the graph has no dominators.  -1: nothing to free. */
int barrow_pymod_heap_take(struct barrow_pymod_heap *heap, uint32_t flags, struct barrow_error *err);
void barrow_pymod_heap_free(struct barrow_pymod_heap *heap);

/* numbers[i] of the i-th object, 0: it isn't in the snapshot. */
void barrow_pymod_heap_find(const struct barrow_pymod_heap *heap, PyObject *const *objects,
                            size_t count, uint32_t *numbers);

#endif
