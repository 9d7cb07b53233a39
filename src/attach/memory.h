/* Another process's memory, copied as it is looked at.
 *
 * Memory is read in pieces, of a quarter of a mebibyte in a heap, when something in them is first
 * looked at, and never again: a walk over a heap reads each piece once, and what is never pointed at (buffers
 * of arrays, reserved but unused space) is not read at all.  A copy lies at the same distances as
 * the original, so an object that spans pieces is in one place here too:
 *
 *     theirs   | region ---------------------|     | region ------|
 *     ours     | copied |   -    | copied |  |     |   nothing    |     address space, not memory
 *     marks    one bit for 8 bytes, made when the region is first looked at
 *
 * Pieces are of different moments while the process runs; what is read from them has to be checked
 * before it is believed.  One thread at a time.
 */
#ifndef BARROW_ATTACH_MEMORY_H
#define BARROW_ATTACH_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct barrow_region {
    uint64_t start, end;
    bool of_file; /* mapped from a file: program text, its data; else heap */
    bool writable;

    char *copy;      /* NULL: not looked at yet */
    uint64_t *have;  /* bit: that piece is copied */
    uint64_t *marks;
};

/* Copies memory; returns how many bytes could be read from the beginning. */
typedef size_t barrow_memory_read(void *context, uint64_t address, void *to, size_t bytes);

struct barrow_memory {
    barrow_memory_read *read;
    void *context;
    struct barrow_region *regions; /* ascending, they don't overlap */
    size_t count;
    uint64_t bytes;      /* copied so far */
    uint32_t near[1024]; /* region + 1 that an address was in, by its upper bits */
};

/* `regions` stays the caller's, and is changed. */
void barrow_memory_init(struct barrow_memory *memory, barrow_memory_read *read, void *context,
                        struct barrow_region *regions, size_t count);
void barrow_memory_free(struct barrow_memory *memory);

/* The region of an address, or NULL. */
struct barrow_region *barrow_memory_region(struct barrow_memory *memory, uint64_t address);
/* Our copy of `bytes` bytes, which must lie in one region, else NULL.  What can't be read is zero.
 */
const void *barrow_memory_look(struct barrow_memory *memory, uint64_t address, uint64_t bytes);
/* How many bytes from `address` on lie in its region. */
uint64_t barrow_memory_room(struct barrow_memory *memory, uint64_t address);
/* Marks an address (a multiple of 8); false: it was marked, or is nowhere. */
bool barrow_memory_mark(struct barrow_memory *memory, uint64_t address);

/* Copies `bytes` bytes; false: they aren't all there. */
bool barrow_memory_copy(struct barrow_memory *memory, uint64_t address, void *to, size_t bytes);
/* One word; 0 where nothing is. */
uint64_t barrow_memory_word(struct barrow_memory *memory, uint64_t address);
uint32_t barrow_memory_half(struct barrow_memory *memory, uint64_t address);
/* The text up to its NUL, at most `room` - 1 bytes of it; false: it can't be read. */
bool barrow_memory_text(struct barrow_memory *memory, uint64_t address, char *text, size_t room);

#endif
