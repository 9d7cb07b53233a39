/* What the allocator really keeps for a block, read from where the allocator keeps it. */
#include "attach/walk.h"

/* pymalloc's pools are 16 KiB, at multiples of their size.  Each has blocks of one size behind this
 * header; a header is believed if all it says fits together. */
enum { POOL_BYTES = 1 << 14, POOL_HEADER = 48, POOL_LARGEST = 512 };
struct pool {
    uint32_t used, padding;
    uint64_t free, next, previous;
    uint32_t arena, size_class, next_offset, last_offset;
};

static uint64_t pool_block(struct barrow_walk *w, uint64_t block)
{
    uint64_t at = block & ~(uint64_t)(POOL_BYTES - 1);
    struct pool pool;

    if (block - at < POOL_HEADER || !barrow_memory_copy(w->memory, at, &pool, sizeof pool) ||
        pool.size_class >= POOL_LARGEST / 16)
        return 0;
    uint64_t bytes = (uint64_t)(pool.size_class + 1) * 16;
    bool fits = pool.last_offset == POOL_BYTES - bytes && pool.used > 0 &&
                pool.used <= (POOL_BYTES - POOL_HEADER) / bytes &&
                (block - at - POOL_HEADER) % bytes == 0;
    return fits ? bytes : 0;
}

/* The GNU C library keeps a chunk's size before it, with three flags. */
static uint64_t chunk_block(struct barrow_walk *w, uint64_t block)
{
    return block % 16 ? 0 : barrow_memory_word(w->memory, block - 8) & ~(uint64_t)7;
}

/* The rules, for other allocators. */
static uint64_t by_rule(uint64_t bytes)
{
    if (bytes <= POOL_LARGEST)
        return (bytes + 15) / 16 * 16;
    return (bytes + 8 + 15) / 16 * 16;
}

uint64_t barrow_walk_block(struct barrow_walk *w, uint64_t block, uint64_t at_least, uint64_t slack)
{
    enum { PAGE = 4096, MAPPED_FROM = 1 << 17 };
    const struct barrow_region *region = barrow_memory_region(w->memory, block);

    if (!region || region->of_file)
        return 0;
    uint64_t bytes = at_least <= POOL_LARGEST ? pool_block(w, block) : 0;
    if (bytes >= at_least && bytes <= at_least + slack + 15)
        return bytes;
    bytes = chunk_block(w, block);
    uint64_t most = at_least + slack + 32 + (at_least >= MAPPED_FROM ? PAGE : 0);
    if (bytes >= at_least + 8 && bytes <= most)
        return bytes;
    return by_rule(at_least);
}
