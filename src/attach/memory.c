#include "attach/memory.h"

#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, NEAR_SHIFT = 20 };

/* Little is looked at of a program's file, and each page that is read counts as resident there. */
static uint64_t piece_bytes(const struct barrow_region *r)
{
    return r->of_file ? 1 << 14 : 1 << 18;
}

void barrow_memory_init(struct barrow_memory *m, barrow_memory_read *read, void *context,
                        struct barrow_region *regions, size_t count)
{
    *m = (struct barrow_memory){
        .read = read, .context = context, .regions = regions, .count = count};
}

/* ---- address space of our own ---- */

static uint64_t region_bytes(const struct barrow_region *r)
{
    return r->end - r->start;
}

static uint64_t have_bytes(const struct barrow_region *r)
{
    return (region_bytes(r) / piece_bytes(r) / 64 + 1) * 8;
}

static uint64_t mark_bytes(const struct barrow_region *r)
{
    return (region_bytes(r) / 8 / 64 + 1) * 8;
}

/* The copy, then the bits of pieces and marks.  The kernel gives memory to what is touched only. */
static bool open_region(struct barrow_region *r)
{
    uint64_t copy = (region_bytes(r) + 7) & ~(uint64_t)7;
    void *space = mmap(NULL, copy + have_bytes(r) + mark_bytes(r), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (space == MAP_FAILED)
        return false;
    r->copy = space;
    r->have = (uint64_t *)(void *)(r->copy + copy);
    r->marks = r->have + have_bytes(r) / 8;
    return true;
}

void barrow_memory_free(struct barrow_memory *m)
{
    for (size_t i = 0; i < m->count; i++) {
        struct barrow_region *r = &m->regions[i];
        if (r->copy)
            munmap(r->copy, (size_t)((char *)r->marks - r->copy) + mark_bytes(r));
        r->copy = NULL;
    }
}

/* ---- finding ---- */

struct barrow_region *barrow_memory_region(struct barrow_memory *m, uint64_t address)
{
    uint32_t *near = &m->near[(address >> NEAR_SHIFT) % (sizeof m->near / sizeof *m->near)];
    size_t low = 0, high = m->count;

    if (*near) {
        struct barrow_region *r = &m->regions[*near - 1];
        if (address >= r->start && address < r->end)
            return r;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->regions[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == m->count || m->regions[low].start > address)
        return NULL;
    *near = (uint32_t)low + 1;
    return &m->regions[low];
}

/* ---- copying ---- */

/* A piece that has holes is read page by page. */
static void copy_piece(struct barrow_memory *m, struct barrow_region *r, uint64_t piece)
{
    uint64_t offset = piece * piece_bytes(r), left = region_bytes(r) - offset;
    size_t bytes = left < piece_bytes(r) ? (size_t)left : (size_t)piece_bytes(r);
    size_t got = m->read(m->context, r->start + offset, r->copy + offset, bytes);

    m->bytes += bytes;
    for (size_t at = got & ~(size_t)(PAGE - 1); got < bytes && at < bytes; at += PAGE)
        m->read(m->context, r->start + offset + at, r->copy + offset + at,
                bytes - at < PAGE ? bytes - at : PAGE);
}

const void *barrow_memory_look(struct barrow_memory *m, uint64_t address, uint64_t bytes)
{
    struct barrow_region *r = barrow_memory_region(m, address);

    if (!r || bytes > r->end - address || bytes == 0 || (!r->copy && !open_region(r)))
        return NULL;
    uint64_t offset = address - r->start, size = piece_bytes(r);
    for (uint64_t piece = offset / size; piece <= (offset + bytes - 1) / size; piece++) {
        if (r->have[piece / 64] >> (piece % 64) & 1)
            continue;
        r->have[piece / 64] |= (uint64_t)1 << (piece % 64);
        copy_piece(m, r, piece);
    }
    return r->copy + offset;
}

uint64_t barrow_memory_room(struct barrow_memory *m, uint64_t address)
{
    const struct barrow_region *r = barrow_memory_region(m, address);
    return r ? r->end - address : 0;
}

bool barrow_memory_mark(struct barrow_memory *m, uint64_t address)
{
    struct barrow_region *r = barrow_memory_region(m, address);

    if (!r || (!r->copy && !open_region(r)))
        return false;
    uint64_t bit = (address - r->start) / 8;
    if (r->marks[bit / 64] >> (bit % 64) & 1)
        return false;
    r->marks[bit / 64] |= (uint64_t)1 << (bit % 64);
    return true;
}

/* ---- reading ---- */

bool barrow_memory_copy(struct barrow_memory *m, uint64_t address, void *to, size_t bytes)
{
    const void *at = barrow_memory_look(m, address, bytes);

    if (at)
        memcpy(to, at, bytes);
    return at != NULL;
}

uint64_t barrow_memory_word(struct barrow_memory *m, uint64_t address)
{
    uint64_t word;
    return barrow_memory_copy(m, address, &word, sizeof word) ? word : 0;
}

uint32_t barrow_memory_half(struct barrow_memory *m, uint64_t address)
{
    uint32_t half;
    return barrow_memory_copy(m, address, &half, sizeof half) ? half : 0;
}

bool barrow_memory_text(struct barrow_memory *m, uint64_t address, char *text, size_t room)
{
    uint64_t there = barrow_memory_room(m, address);
    size_t bytes = there < room - 1 ? (size_t)there : room - 1;
    const char *at = barrow_memory_look(m, address, bytes);

    if (!at)
        return false;
    bytes = strnlen(at, bytes);
    memcpy(text, at, bytes);
    text[bytes] = '\0';
    return true;
}
