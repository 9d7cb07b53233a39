/* What the line profiler needs of the recorder: counters.h. */
#include "record/hooks_python.h"
#include "record/state.h"

bool barrow_counters_start(void)
{
    return barrow_recorder.on && barrow_hooks_python_count();
}

uint64_t barrow_recording_stamp(void)
{
    return barrow_recorder.on ? barrow_recorder.start_ns : 0;
}

struct barrow_counters *barrow_counters_of(struct barrow_thread *t)
{
    return &t->counters;
}

size_t barrow_counters_newest(const struct barrow_thread *t, const void *p)
{
    const uint64_t place = ((uint64_t)1 << 43) - 1;
    if ((t->last[0] & place) != ((uintptr_t)p >> 4 & place))
        return 0;
    const uint32_t *slot = pagemap_find(&barrow_recorder.map, p);
    uint32_t value = slot ? *slot : 0;
    return value & PAGEMAP_SITE_MASK ? pagemap_size(slot, value) : 0;
}

bool barrow_line_records_add(void *code_object, uint32_t count, uint32_t *first, uint32_t *code)
{
    struct recorder *r = &barrow_recorder;
    uint32_t instance;
    raw_lock_take(&r->intern_lock);
    uint64_t used = r->state->used[LEDGER_LINES];
    bool has_room = used + count <= r->writer.tables[LEDGER_LINES].capacity ||
                    ledger_grow(&r->writer, LEDGER_LINES, used + count);
    *code = has_room ? barrow_code_intern(code_object, &instance) : 0;
    if (*code) {
        *first = (uint32_t)used;
        __atomic_store_n(&r->state->used[LEDGER_LINES], used + count, __ATOMIC_RELEASE);
    }
    raw_lock_release(&r->intern_lock);
    return *code != 0;
}

struct ledger_line *barrow_line_record(uint32_t number)
{
    return ledger_record(&barrow_recorder.writer, LEDGER_LINES, number);
}
