/* What the recorder knows of live blocks, for heap snapshots, and snapshots in its ledger.
 *
 * With the interpreter lock, in a process that is being recorded.  Threads without that lock may allocate
 * meanwhile: what they do to the map may be seen or not.
 */
#ifndef BARROW_RECORD_BLOCKS_H
#define BARROW_RECORD_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ledger/heap.h"

/* The site a block was born at and the bytes asked for; 0: it is not known. */
uint32_t barrow_recorded_birth(const void *block, uint64_t *bytes);

/* The same for blocks of Python's own allocators alone: as they are freed under the interpreter lock, what is in
 * them may be read. */
uint32_t barrow_recorded_python_birth(const void *block, uint64_t *bytes);

/* Calls `each` for every live block of Python's own allocators. */
void barrow_recorded_blocks(void (*each)(void *context, uintptr_t block, uint64_t bytes, uint32_t site),
                            void *context);

/* A new recording begins. */
void barrow_recorder_forget_heaps(void);

/* Appends a snapshot to the ledger: complete, or not there.  `heap`'s number, time and live bytes are set.
 * One near the peak replaces the one before it. */
int barrow_recorder_add_heap(struct barrow_heap *heap, struct barrow_error *err);

/* Writes the snapshot to a ledger of its own.  With a recording under way its tables are copied too, as they are
 * now, so that births can be told; else `header` says whose it is. */
struct ledger_header;
int barrow_heap_to_file(struct barrow_heap *heap, const char *path, const struct ledger_header *header,
                        struct barrow_error *err);

#endif
