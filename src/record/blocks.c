#include "record/blocks.h"

#include <string.h>
#include <unistd.h>

#include "base/pagemap.h"
#include "ledger/write_heap.h"
#include "record/hot.h"
#include "record/recorder.h"

/* ---- live blocks ---- */

uint32_t barrow_recorded_birth(const void *block, uint64_t *bytes)
{
    const uint32_t *slot = pagemap_find(&barrow_recorder.map, block);
    uint32_t value = slot && !((uintptr_t)block & 15) ? *slot : 0;
    *bytes = value ? pagemap_size(slot, value) : 0;
    return value & PAGEMAP_SITE_MASK;
}

static bool is_pythons(uint32_t site)
{
    const struct ledger_site_info *info =
        ledger_record(&barrow_recorder.writer, LEDGER_SITE_INFO, site);
    uint32_t domain = info->domain_next & 15;
    return domain == LEDGER_DOMAIN_OBJ || domain == LEDGER_DOMAIN_MEM;
}

uint32_t barrow_recorded_python_birth(const void *block, uint64_t *bytes)
{
    uint32_t site = barrow_recorded_birth(block, bytes);
    return site && is_pythons(site) ? site : 0;
}

enum { PAGE_SLOTS = 4096 / sizeof(uint32_t) };

/* A slot that follows a larger block's first one holds its size. */
static void each_in_page(const uint32_t *slots, uintptr_t address, bool *skip,
                         void (*each)(void *, uintptr_t, uint64_t, uint32_t), void *context)
{
    for (uint64_t i = 0; i < PAGE_SLOTS; i++) {
        uint32_t value = slots[i], site = value & PAGEMAP_SITE_MASK;
        if (*skip || !value) {
            *skip = false;
            continue;
        }
        *skip = (value >> PAGEMAP_SIZE_SHIFT & 31) == PAGEMAP_LARGE;
        if (site && is_pythons(site))
            each(context, address + i * 16, pagemap_size(&slots[i], value), site);
    }
}

static void each_in_chunk(const uint32_t *chunk, uintptr_t address,
                          void (*each)(void *, uintptr_t, uint64_t, uint32_t), void *context)
{
    enum { PAGES = PAGEMAP_SLOTS / PAGE_SLOTS };
    static unsigned char resident[PAGES];
    bool is_known = BARROW_RAW(SYS_mincore, chunk, (uint64_t)PAGES * 4096, resident) == 0;
    bool skip = false;
    for (uint64_t page = 0; page < PAGES; page++)
        if (!is_known || resident[page] & 1)
            each_in_page(chunk + page * PAGE_SLOTS, address + page * PAGE_SLOTS * 16, &skip, each,
                         context);
        else
            skip = false;
}

void barrow_recorded_blocks(void (*each)(void *context, uintptr_t block, uint64_t bytes,
                                         uint32_t site),
                            void *context)
{
    enum { PAGE_CHUNKS = 4096 / sizeof(uint32_t *), PAGES = 256 };
    const struct barrow_pagemap *map = &barrow_recorder.map;
    unsigned char resident[PAGES];
    for (uint64_t i = 0; i < PAGEMAP_CHUNKS; i++) {
        uint64_t page = i / PAGE_CHUNKS % PAGES;
        if (i % (PAGES * PAGE_CHUNKS) == 0 &&
            BARROW_RAW(SYS_mincore, &map->chunks[i], PAGES * 4096, resident) != 0)
            memset(resident, 1, sizeof resident);
        if (!(resident[page] & 1))
            i += PAGE_CHUNKS - 1; /* never touched */
        else if (map->chunks[i])
            each_in_chunk(map->chunks[i], i << PAGEMAP_CHUNK_BITS, each, context);
    }
}

/* ---- snapshots in the ledger ---- */

static struct {
    uint32_t count;
    struct ledger_heap_stream at_peak; /* bytes 0: none */
} heaps;

static void date(struct barrow_heap *heap)
{
    const struct ledger_state *state = barrow_recorder.state;
    heap->number = ++heaps.count;
    heap->time_ns = barrow_now();
    heap->live_bytes = (uint64_t)live_total(state);
}

static int fail_to_write(struct barrow_error *err, const char *path, int error)
{
    return barrow_fail(err, BARROW_E_IO, "the heap snapshot can't be written to %s: %s", path,
                       strerror(error));
}

int barrow_recorder_add_heap(struct barrow_heap *heap, struct barrow_error *err)
{
    struct recorder *r = &barrow_recorder;
    struct ledger_heap_stream stream;
    date(heap);
    int result = ledger_add_heap(&r->writer, heap, &stream);
    if (result < 0)
        return fail_to_write(err, r->writer.path[0] ? r->writer.path : "memory", -result);
    if (heap->flags & HEAP_FLAG_AT_PEAK) {
        if (heaps.at_peak.bytes)
            ledger_drop_heap(&r->writer, &heaps.at_peak);
        heaps.at_peak = stream;
    }
    return 0;
}

void barrow_recorder_forget_heaps(void)
{
    memset(&heaps, 0, sizeof heaps);
}

/* The tables as they are now, but for heap snapshots, which may be large and have files of their
 * own. */
static bool copy_tables(struct ledger_writer *w)
{
    const struct ledger_writer *from = &barrow_recorder.writer;
    for (int kind = 1; kind < LEDGER_KIND_LIMIT; kind++) {
        uint64_t count = from->state->used[kind];
        if (kind == LEDGER_HEAP || count == 0)
            continue;
        if (!ledger_grow(w, (enum ledger_kind)kind, count))
            return false;
        memcpy(w->tables[kind].base, from->tables[kind].base,
               count * from->tables[kind].record_bytes);
    }
    *w->state = *from->state;
    w->state->used[LEDGER_HEAP] = 0;
    w->state->file_bytes = w->file_bytes;
    return true;
}

int barrow_heap_to_file(struct barrow_heap *heap, const char *path,
                        const struct ledger_header *header, struct barrow_error *err)
{
    struct ledger_writer *w = raw_memory(sizeof *w);
    struct ledger_heap_stream stream;
    const char *note;
    int result = -1;
    bool is_recording = barrow_recorder.on;
    if (!w)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for a heap snapshot");
    if (ledger_create(w, path, is_recording ? &barrow_recorder.header : header, &note, err) < 0)
        goto out;
    heap->number = 1;
    w->state->epoch = 1;
    if (is_recording && !copy_tables(w))
        result = fail_to_write(err, path, w->failure ? w->failure : ENOSPC);
    else
        result = 0;
    if (is_recording && result == 0) {
        heap->time_ns = barrow_now();
        heap->live_bytes = (uint64_t)live_total(barrow_recorder.state);
    }
    if (result == 0) {
        int r = ledger_add_heap(w, heap, &stream);
        result = r < 0 ? fail_to_write(err, path, -r) : 0;
    }
    w->state->end_ns = heap->time_ns;
    __atomic_store_n(&w->state->end, result == 0 ? LEDGER_END_STOP : LEDGER_END_IO_ERROR,
                     __ATOMIC_RELEASE);
    if (result == 0) {
        int r = ledger_finish(w);
        result = r < 0 ? fail_to_write(err, path, -r) : 0;
    } else {
        unlink(path);
    }
    ledger_release(w);
out:
    raw_munmap(w, sizeof *w);
    return result;
}
