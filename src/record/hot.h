/* The hot path: what an allocation and a free cost.
 *
 * An allocation under the interpreter lock, in order: prefetch the page-map slot, find the stack
 * (compare this thread's last walk in lock step), reach the site from the stack's leaf, bump five
 * counters, write the slot.  A free: read and clear the slot, close a climb if live bytes stand
 * higher than ever, bump three counters.
 */
#ifndef BARROW_RECORD_HOT_H
#define BARROW_RECORD_HOT_H

#include "record/state.h"

/* ---- peak ---- */

static inline int64_t live_total(const struct ledger_state *state)
{
    return state->live_bytes + __atomic_load_n(&state->native_live_bytes, __ATOMIC_RELAXED);
}

/* Called before live bytes go down: if they stand higher than ever, this is the new peak. */
static inline void close_climb(struct ledger_state *state)
{
    int64_t live = live_total(state);
    if (live > state->best_bytes) {
        state->best_bytes = live;
        state->best_ns = state->now_ns;
        state->epoch++;
    }
}

/* Called before a site's counters change: keeps what was live at the last closed climb. */
static inline void keep_peak(struct ledger_site *site, uint32_t epoch)
{
    if (site->epoch != epoch) {
        site->at_peak_bytes = site->allocated_bytes - site->freed_bytes;
        site->at_peak_blocks = (uint32_t)(site->allocations - site->frees);
        site->epoch = epoch;
    }
}

static inline uint32_t size_bucket(uint64_t bytes)
{
    if (LIKELY(bytes <= 512))
        return (uint32_t)(bytes + 15) >> 4;
    uint32_t top = 63 - (uint32_t)__builtin_clzll(bytes - 1);
    uint32_t bucket = 33 + 4 * (top - 9) + ((bytes - 1) >> (top - 2) & 3);
    return bucket < LEDGER_SIZE_BUCKETS ? bucket : LEDGER_SIZE_BUCKETS - 1;
}

/* ---- stack ---- */

static inline uint32_t guess_index(const barrow_frame *f)
{
    return ((uintptr_t)f >> 5) & (GUESSES - 1);
}

#define NEW_FRAMES 12 /* more than this many frames above the last walk take the slow path */

/* The leaf of the thread's present stack, whose caches are brought up to date.
 *
 *        this walk                     last walk (levels)
 *        f0  leaf                      7
 *        f1                            6
 *        f2  = levels[5].frame ──────► 5   found by the guess; from here rootwards in lock step:
 *        .                             4   same frame, same instruction?
 *        root                          0
 *
 * A cached address is dereferenced only after `previous` of a live frame proved that it is in the
 * chain; the empty asm hides that equality from the compiler, so that the loads need not wait for
 * one another.  Equal frames and instructions down to the root mean the same stack: nothing is
 * assumed from a partial match. */
static inline struct barrow_leaf *stack_leaf(struct barrow_thread *t, PyThreadState *state)
{
    barrow_frame *fresh[NEW_FRAMES];
    uint32_t fresh_count = 0, level;
    barrow_frame *f = barrow_frame_top(state);

    if (UNLIKELY(t->state != state || t->generation != barrow_recorder.generation))
        return barrow_stack_slow(t, state);
    if (LIKELY(t->levels[t->top].frame == f) && LIKELY(f != NULL)) {
        level = t->top;
    } else {
        for (;;) {
            if (UNLIKELY(f == NULL))
                return barrow_stack_slow(t, state);
            level = t->guesses[guess_index(f)];
            if (level < t->depth && t->levels[level].frame == f)
                break;
            if (UNLIKELY(fresh_count == NEW_FRAMES))
                return barrow_stack_slow(t, state);
            fresh[fresh_count++] = f;
            f = barrow_frame_previous(f);
        }
    }

    const struct barrow_level *c = &t->levels[level];
    const struct barrow_level *changed = NULL;
    for (;;) {
        if (UNLIKELY(c->instruction != barrow_frame_instruction(f)))
            changed = c;
        barrow_frame *expected = c[-1].frame;
        __asm__("" : "+r"(expected));
        if (UNLIKELY(barrow_frame_previous(f) != expected))
            return barrow_stack_slow(t, state);
        if (!expected)
            break;
        f = expected;
        c--;
    }

    if (LIKELY(!changed && fresh_count == 0)) {
        t->top = level;
        return &t->leaves[level];
    }
    uint32_t first = changed ? (uint32_t)(changed - t->levels) : level + 1;
    while (fresh_count > 0) {
        f = fresh[--fresh_count];
        if (UNLIKELY(++level >= LEVELS))
            return barrow_stack_slow(t, state);
        t->levels[level].frame = f;
        t->guesses[guess_index(f)] = (uint16_t)level;
    }
    t->top = level;
    t->depth = level + 1;
    barrow_stack_intern(t, first, level);
    return &t->leaves[level];
}

static inline uint32_t leaf_site(struct barrow_thread *t, struct barrow_leaf *leaf,
                                 enum ledger_domain domain)
{
    uint32_t site = leaf->sites[domain];
    if (UNLIKELY(site == 0))
        site = barrow_stack_site(t, leaf, domain);
    return site;
}

/* ---- booking under the interpreter lock ---- */

static inline void remember_last(struct barrow_thread *t, void *p, uint32_t site)
{
    t->last[1] = t->last[0];
    t->last_site[1] = t->last_site[0];
    t->last[0] = p;
    t->last_site[0] = site;
}

/* A block freed by its own thread with at most one allocation of that thread in between. */
static inline bool is_temporary(const struct barrow_thread *t, const void *p, uint32_t site)
{
    return (t->last[0] == p && t->last_site[0] == site) ||
           (t->last[1] == p && t->last_site[1] == site);
}

static inline void book_alloc(struct barrow_thread *t, enum ledger_domain domain, void *p,
                              size_t bytes)
{
    struct recorder *r = &barrow_recorder;
    uint32_t *slot = pagemap_find(&r->map, p);
    __builtin_prefetch(slot, 1);
    PyThreadState *python = barrow_state_here();
    if (UNLIKELY(!slot || (uint64_t)bytes >> 32 || ((uintptr_t)p & 15) || !python)) {
        barrow_book_alloc(t, domain, p, bytes);
        return;
    }
    struct barrow_leaf *leaf = stack_leaf(t, python);
    uint32_t index = leaf_site(t, leaf, domain);
    if (UNLIKELY(r->checking))
        barrow_stack_check(t, python, leaf);
    if (UNLIKELY(index == 0)) {
        barrow_count_drop(LEDGER_DROP_lost_allocations);
        return;
    }
    if (UNLIKELY(*slot))
        barrow_count_missed_free(t, p, slot);
    struct ledger_site *site = &r->sites[index];
    struct ledger_state *state = r->state;
    keep_peak(site, state->epoch);
    site->allocated_bytes += bytes;
    site->allocations++;
    state->live_bytes += (int64_t)bytes;
    state->sizes[domain][size_bucket(bytes)]++;
    pagemap_set(slot, index, bytes);
    remember_last(t, p, index);
}

static inline void book_free(struct barrow_thread *t, void *p)
{
    struct recorder *r = &barrow_recorder;
    struct ledger_state *state = r->state;
    uint32_t *slot = pagemap_find(&r->map, p);
    uint32_t value = slot ? *slot : 0;
    if (UNLIKELY(value == 0 || value & PAGEMAP_MARK || (value & PAGEMAP_SITE_MASK) <= r->inherited_sites)) {
        barrow_book_free(t, p);
        return;
    }
    uint64_t bytes = pagemap_size(slot, value);
    uint32_t index = value & PAGEMAP_SITE_MASK;
    pagemap_clear(slot, value);
    struct ledger_site *site = &r->sites[index];
    close_climb(state);
    keep_peak(site, state->epoch);
    site->freed_bytes += bytes;
    site->frees++;
    state->live_bytes -= (int64_t)bytes;
    if (is_temporary(t, p, index)) {
        site->temporary_bytes += bytes;
        site->temporaries++;
    }
}

#endif
