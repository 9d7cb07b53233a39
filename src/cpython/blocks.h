/* What blocks of memory cost: bytes as the allocator that holds them counts.
 *
 * Blocks of up to 512 bytes are the interpreter's allocator's, unless PYTHONMALLOC says otherwise; the size
 * class stands at the head of the 16 KiB pool that a block lies in.  Larger ones are the C library's.
 * Objects that are part of an executable or a library cost nothing here.
 *
 * barrow_blocks_init() finds out how the process allocates; the rest is read-only and takes no lock.
 * With the interpreter lock.
 */
#ifndef BARROW_CPYTHON_BLOCKS_H
#define BARROW_CPYTHON_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <Python.h>

enum barrow_allocator {
    BARROW_ALLOCATOR_PYMALLOC,
    BARROW_ALLOCATOR_PYMALLOC_DEBUG, /* PYTHONMALLOC=debug: guard bytes around each block */
    BARROW_ALLOCATOR_MALLOC,         /* PYTHONMALLOC=malloc */
    BARROW_ALLOCATOR_MALLOC_DEBUG,
};

struct barrow_image { /* a mapped segment of an executable or library */
    uintptr_t start, end;
};

struct barrow_blocks {
    enum barrow_allocator allocator;
    bool is_glibc; /* the C library's chunk headers are known */
    size_t guard_before, guard_bytes; /* of debug allocators */
    struct barrow_image *images;      /* ascending; memory by mmap */
    size_t image_count, image_room;
};

/* Looks at the process; false: no memory.  barrow_blocks_free() gives it back. */
bool barrow_blocks_init(struct barrow_blocks *blocks);
void barrow_blocks_free(struct barrow_blocks *blocks);

bool barrow_blocks_is_static(const struct barrow_blocks *blocks, const void *p);

enum { BARROW_POOL_BYTES = 16384, BARROW_SMALL_LIMIT = 512 };

/* By rule, where what was asked for is known to the byte and nothing need be read. */
static inline uint64_t barrow_blocks_rule(const struct barrow_blocks *blocks, size_t requested)
{
    requested += blocks->guard_bytes;
    if (blocks->allocator <= BARROW_ALLOCATOR_PYMALLOC_DEBUG && requested <= BARROW_SMALL_LIMIT)
        return requested ? (requested + 15) & ~(size_t)15 : 16;
    size_t chunk = (requested + 8 + 15) & ~(size_t)15;
    return chunk < 32 ? 32 : chunk;
}

/* Blocks that the C library may have asked the kernel for, in whole pages: it tells. */
enum { BARROW_LARGE_LIMIT = 64 << 10 };

/* A live block's true bytes.  `at_most_small`: it can't have been asked for more than 512 bytes (else
 * `requested` decides). */
uint64_t barrow_blocks_bytes(const struct barrow_blocks *blocks, const void *start,
                             size_t requested);

/* A table's or buffer's, of which what was asked for is known to the byte: by rule unless it is large. */
static inline uint64_t barrow_blocks_table(const struct barrow_blocks *blocks, const void *start,
                                           size_t requested)
{
    return requested < BARROW_LARGE_LIMIT ? barrow_blocks_rule(blocks, requested)
                                          : barrow_blocks_bytes(blocks, start, requested);
}

#endif
