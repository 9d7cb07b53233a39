/* The page map: from the address of a live block to its site and size.
 *
 * One u32 slot for each 16 bytes of address space, in two levels, both demand-paged:
 *
 *     address  | 47 ........ 24 | 23 ............ 4 | 3..0 |
 *                     │                   │
 *     chunks[2^23] ───┘      slots[2^20] ─┘   (4 MiB a chunk, only touched pages take memory)
 *
 *     slot of a block's first granule:   | mark 1 | small size 5 | site 26 |
 *     the slot after it:                 | size 32                         |   blocks over 16 bytes
 *
 * A block of at most 16 bytes owns one granule: its size (0..16) is in the first slot.  A larger
 * block owns at least two: small size is then PAGEMAP_LARGE and the next slot holds the size, so
 * a free needs no other look-up.  0 means "no block known here".  The mark says that the block is
 * a code object whose death must be noticed; a marked slot may have site 0 (a code object that is
 * older than the recording).
 *
 * A slot has one owner at a time, the owner of the block, so slots need no atomics.  Installing a
 * chunk is a compare-and-swap.  Addresses of 2^47 and above and sizes of 4 GiB and above are the
 * caller's business.
 */
#ifndef BARROW_BASE_PAGEMAP_H
#define BARROW_BASE_PAGEMAP_H

#include <stdint.h>
#include <string.h>

#define PAGEMAP_CHUNK_BITS 24
#define PAGEMAP_CHUNKS (1ull << (47 - PAGEMAP_CHUNK_BITS))
#define PAGEMAP_SLOTS (1ull << (PAGEMAP_CHUNK_BITS - 4))
/* One page more than the slots: the last granule's block keeps its size there. */
#define PAGEMAP_CHUNK_BYTES (PAGEMAP_SLOTS * 4 + 4096)

#define PAGEMAP_SITE_BITS 26
#define PAGEMAP_SITE_MASK ((1u << PAGEMAP_SITE_BITS) - 1)
#define PAGEMAP_SIZE_SHIFT PAGEMAP_SITE_BITS
#define PAGEMAP_LARGE 31u
#define PAGEMAP_MARK 0x80000000u

struct barrow_pagemap {
    uint32_t **chunks;
};

/* The slot of an address, or NULL if nothing was ever booked near it. */
static inline uint32_t *pagemap_find(const struct barrow_pagemap *map, const void *p)
{
    uintptr_t a = (uintptr_t)p;
    if (__builtin_expect(a >> 47, 0))
        return NULL;
    uint32_t *chunk = __atomic_load_n(&map->chunks[a >> PAGEMAP_CHUNK_BITS], __ATOMIC_RELAXED);
    if (__builtin_expect(!chunk, 0))
        return NULL;
    return chunk + ((a >> 4) & (PAGEMAP_SLOTS - 1));
}

static inline void pagemap_set(uint32_t *slot, uint32_t site, uint64_t bytes)
{
    if (bytes <= 16) {
        slot[0] = site | (uint32_t)bytes << PAGEMAP_SIZE_SHIFT;
    } else {
        uint64_t both = (site | PAGEMAP_LARGE << PAGEMAP_SIZE_SHIFT) | bytes << 32;
        memcpy(slot, &both, 8);
    }
}

/* The size of the block whose first slot holds `value`; clears nothing. */
static inline uint64_t pagemap_size(const uint32_t *slot, uint32_t value)
{
    uint32_t small = value >> PAGEMAP_SIZE_SHIFT & 31;
    return small == PAGEMAP_LARGE ? slot[1] : small;
}

static inline void pagemap_clear(uint32_t *slot, uint32_t value)
{
    if ((value >> PAGEMAP_SIZE_SHIFT & 31) == PAGEMAP_LARGE)
        memset(slot, 0, 8);
    else
        slot[0] = 0;
}

#endif
