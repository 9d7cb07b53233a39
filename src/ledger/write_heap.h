/* Adding a heap snapshot to a ledger that is being written.
 *
 * Threads: one at a time a ledger.  Allocates by mmap(2) only.
 */
#ifndef BARROW_LEDGER_WRITE_HEAP_H
#define BARROW_LEDGER_WRITE_HEAP_H

#include "ledger/heap.h"
#include "ledger/write.h"

struct ledger_heap_stream { /* where it lies in the HEAP table */
    uint64_t offset, bytes;
};

/* Appends the snapshot; readers see it once it is whole.  0; or -errno, and the table is as before. */
int ledger_add_heap(struct ledger_writer *w, const struct barrow_heap *heap,
                    struct ledger_heap_stream *stream);

/* Readers skip it from now on, and its space goes back to the file system where that can be done. */
void ledger_drop_heap(struct ledger_writer *w, const struct ledger_heap_stream *stream);

#endif
