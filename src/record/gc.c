/* Collections of the garbage collector: totals per generation, a histogram of pauses, and the
 * longest ones in full.  Called from gc.callbacks, under the interpreter lock. */
#include "record/recorder.h"
#include "record/state.h"

static uint64_t started_ns;

static void keep_if_long(struct ledger_state *state, const struct ledger_gc_event *event)
{
    struct ledger_table *t = &barrow_recorder.writer.tables[LEDGER_GC_EVENTS];
    struct ledger_gc_event *events = (struct ledger_gc_event *)t->base;
    uint64_t count = state->used[LEDGER_GC_EVENTS], shortest = 0;
    if (count < t->capacity) {
        events[count] = *event;
        __atomic_store_n(&state->used[LEDGER_GC_EVENTS], count + 1, __ATOMIC_RELEASE);
        return;
    }
    for (uint64_t i = 1; i < count; i++)
        if (events[i].pause_ns < events[shortest].pause_ns)
            shortest = i;
    if (events[shortest].pause_ns < event->pause_ns)
        events[shortest] = *event;
}

void barrow_gc_started(int generation)
{
    (void)generation;
    started_ns = barrow_recorder.on ? raw_monotonic_ns() : 0;
}

void barrow_gc_stopped(int generation, uint64_t collected, uint64_t uncollectable)
{
    struct ledger_state *state = barrow_recorder.state;
    if (!barrow_recorder.on || !started_ns || generation < 0 || generation >= LEDGER_GC_GENERATIONS)
        return;
    uint64_t pause = raw_monotonic_ns() - started_ns;
    struct ledger_gc_totals *totals = &state->gc[generation];
    uint32_t bucket = pause ? 63 - (uint32_t)__builtin_clzll(pause) : 0;
    totals->collections++;
    totals->collected += collected;
    totals->uncollectable += uncollectable;
    totals->pause_ns += pause;
    if (pause > totals->longest_ns)
        totals->longest_ns = pause;
    state->gc_pauses[bucket < LEDGER_PAUSE_BUCKETS ? bucket : LEDGER_PAUSE_BUCKETS - 1]++;
    struct ledger_gc_event event = {
        .time_ns = started_ns - barrow_recorder.start_ns,
        .pause_ns = pause,
        .generation = (uint32_t)generation,
        .collected = (uint32_t)collected,
        .uncollectable = (uint32_t)uncollectable,
    };
    keep_if_long(state, &event);
    started_ns = 0;
}
