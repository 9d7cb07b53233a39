/* Which object of a snapshot is which of the snapshot before: numbers that stay.
 *
 *     struct barrow_identity identity = {0};
 *     for each snapshot of one process, in their order
 *         barrow_identity_add(&identity, heap, numbers, err);      // numbers[vertex]
 *     barrow_identity_free(&identity);
 *
 * An object is the same if it has the same address, the same class and was born at the same site: an address
 * alone is taken again by the next object of its size.  What is new gets the next numbers, so that younger
 * objects have larger ones; a number is never given twice.  Roots are the same if their kind, name and parent
 * are.  Number 0 is the super-root.
 *
 *     first      A B C D           numbers  1 2 3 4
 *     second     A   C   E         numbers  1   3   5
 *
 * Costs 24 bytes an object, and sorting them.
 */
#ifndef BARROW_GRAPH_IDENTITY_H
#define BARROW_GRAPH_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ledger/heap.h"

struct barrow_identity { /* {0}: nothing seen yet */
    struct barrow_identity_entry *known; /* the vertices of the last snapshot, sorted */
    size_t known_count;
    uint32_t last; /* number given */
};

/* Vertices are numbered as in graph.h: `numbers` has room for object_count + root_count of them, and at least for
 * one.  Fails for want of memory, or if there are no numbers left (BARROW_E_UNSUPPORTED). */
int barrow_identity_add(struct barrow_identity *identity, const struct barrow_heap *heap,
                        uint32_t *numbers, struct barrow_error *err);
void barrow_identity_free(struct barrow_identity *identity);

#endif
