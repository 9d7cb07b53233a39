#include "ledger/write_heap.h"

#include <string.h>

struct appending {
    struct ledger_writer *w;
    uint64_t at; /* end of what is there */
};

static int append(void *context, const void *bytes, uint64_t count)
{
    struct appending *to = context;
    if (!ledger_grow(to->w, LEDGER_HEAP, to->at + count))
        return to->w->heap_failure ? -to->w->heap_failure : -ENOSPC;
    memcpy(ledger_record(to->w, LEDGER_HEAP, to->at), bytes, count);
    to->at += count;
    return 0;
}

int ledger_add_heap(struct ledger_writer *w, const struct barrow_heap *heap,
                    struct ledger_heap_stream *stream)
{
    uint64_t start = (w->state->used[LEDGER_HEAP] + 7) & ~(uint64_t)7;
    struct appending to = {w, start};
    int r = barrow_heap_write(heap, append, &to);
    if (r < 0)
        return r;
    barrow_heap_seal(ledger_record(w, LEDGER_HEAP, start), to.at - start, HEAP_STREAM_LIVE);
    __atomic_store_n(&w->state->used[LEDGER_HEAP], to.at, __ATOMIC_RELEASE);
    *stream = (struct ledger_heap_stream){start, to.at - start};
    return 0;
}

void ledger_drop_heap(struct ledger_writer *w, const struct ledger_heap_stream *stream)
{
    uint8_t *base = ledger_record(w, LEDGER_HEAP, stream->offset);
    barrow_heap_seal(base, stream->bytes, HEAP_STREAM_DEAD);
    uintptr_t first = ((uintptr_t)base + HEAP_STREAM_HEAD_BYTES + 4095) & ~(uintptr_t)4095;
    uintptr_t last = ((uintptr_t)base + stream->bytes) & ~(uintptr_t)4095;
    if (last > first)
        BARROW_RAW(SYS_madvise, first, last - first, MADV_REMOVE);
}
