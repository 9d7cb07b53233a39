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
#include "record/trigger.h"

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

static inline struct barrow_memo *memo_at(struct barrow_thread *t, uint32_t parent,
                                          uintptr_t instruction)
{
    return &t->memos[(instruction >> 1 ^ instruction >> 11 ^ parent * 0x9e5u) & (MEMOS - 1)];
}

/* The same pointer, but the compiler doesn't know it: after `live == hidden(cached)` it goes on with
 * the cached one, whose loads need not wait for those of the live chain. */
static inline const barrow_frame *hidden(const barrow_frame *f)
{
    __asm__("" : "+r"(f));
    return f;
}

/* Compares levels from `c` (whose frame is `f`) down to the root with the live chain.  False if the
 * chain leads elsewhere; else *changed is the rootmost level whose instruction differs.
 *
 * A cached address is dereferenced only after `previous` of a live frame proved that it is in the
 * chain. */
static inline bool chain_holds(const struct barrow_level *c, const barrow_frame *f,
                               const struct barrow_level **changed)
{
    const barrow_frame *expected;
    for (;; c--) {
        expected = c[-1].frame;
        if (UNLIKELY(c->instruction != barrow_frame_instruction(f)))
            *changed = c;
        if (UNLIKELY(barrow_frame_previous(f) != hidden(expected)))
            break;
        f = expected;
    }
    return expected == BOTTOM && barrow_frame_previous(f) == NULL;
}

/* The leaf of the thread's present stack, or NULL if that takes more than a look at the caches.
 *
 *        this walk                     last walk (levels)
 *        f0  leaf                      7
 *        f1                            6
 *        f2  = levels[5].frame ──────► 5   found by the guess; from here rootwards in lock step:
 *        .                             4   same frame, same instruction?
 *        root                          0
 *
 * Equal frames and instructions down to the root mean the same stack: nothing is assumed from a
 * partial match. */
static inline struct barrow_leaf *stack_leaf_cached(struct barrow_thread *t, PyThreadState *state)
{
    const barrow_frame *f = barrow_frame_top(state);
    struct barrow_level *level = &t->levels[t->top];
    struct barrow_leaf *leaf = &t->leaves[t->top];

    if (UNLIKELY(level->frame != f || !f || t->state != state ||
                 t->generation != barrow_recorder.generation))
        return NULL;
    uintptr_t instruction = barrow_frame_instruction(f);
    const struct barrow_level *c = level;
    const barrow_frame *caller = c[-1].frame;
    while (LIKELY(barrow_frame_previous(f) == hidden(caller))) {
        c--;
        f = caller;
        caller = c[-1].frame;
        if (UNLIKELY(c->instruction != barrow_frame_instruction(f)))
            return NULL;
    }
    if (UNLIKELY(caller != BOTTOM || barrow_frame_previous(f) != NULL))
        return NULL;
    if (level->instruction == instruction)
        return leaf;
    /* The same activation, gone on to another instruction. */
    struct barrow_memo *memo = memo_at(t, leaf[-1].node, instruction);
    if (UNLIKELY(memo->instruction != instruction || memo->parent != leaf[-1].node))
        return NULL;
    t->depth = t->top + 1;
    level->instruction = instruction;
    *leaf = memo->leaf;
    return leaf;
}

static inline struct barrow_leaf *stack_leaf(struct barrow_thread *t, PyThreadState *state)
{
    struct barrow_leaf *leaf = stack_leaf_cached(t, state);
    return LIKELY(leaf != NULL) ? leaf : barrow_stack_moved(t, state);
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

/* A block and its site in one word; sites that differ by a multiple of 2^21 look alike. */
static inline uint64_t last_key(const void *p, uint32_t site)
{
    return (uintptr_t)p >> 4 | (uint64_t)site << 43;
}

static inline void remember_last(struct barrow_thread *t, const void *p, uint32_t site)
{
    t->last[1] = t->last[0];
    t->last[0] = last_key(p, site);
}

/* A block freed by its own thread with at most one allocation of that thread in between. */
static inline bool is_temporary(const struct barrow_thread *t, const void *p, uint32_t site)
{
    uint64_t key = last_key(p, site);
    return t->last[0] == key || t->last[1] == key;
}

static inline void thread_add(struct barrow_thread *t, int64_t bytes)
{
    struct barrow_counters *c = &t->counters;
    c->net_bytes += bytes;
    if (c->net_bytes > c->highest_bytes)
        c->highest_bytes = c->net_bytes;
    if (UNLIKELY(live_total(barrow_recorder.state) >= barrow_trigger_mark))
        barrow_trigger_mark_reached();
}

/* Books at a stack that is known.  False if it can't be done here.  `counting`, a constant: for the
 * thread too (counters.h). */
static inline bool book_at(struct barrow_thread *t, struct barrow_leaf *leaf,
                           enum ledger_domain domain, void *p, size_t bytes, uint32_t *slot,
                           bool counting)
{
    struct recorder *r = &barrow_recorder;
    struct ledger_state *state = r->state;
    uint32_t index = leaf->sites[domain];
    if (UNLIKELY(index == 0 || *slot != 0))
        return false;
    struct ledger_site *site = &r->sites[index];
    keep_peak(site, state->epoch);
    site->allocated_bytes += bytes;
    site->allocations++;
    state->live_bytes += (int64_t)bytes;
    state->sizes[domain][size_bucket(bytes)]++;
    pagemap_set(slot, index, bytes);
    remember_last(t, p, index);
    if (counting)
        thread_add(t, (int64_t)bytes);
    return true;
}

/* An allocation of OBJ or MEM, under the interpreter lock. */
static inline void book_alloc(struct barrow_thread *t, enum ledger_domain domain, void *p,
                              size_t bytes, bool counting)
{
    uint32_t *slot = pagemap_find(&barrow_recorder.map, p);
    __builtin_prefetch(slot, 1);
    PyThreadState *state = barrow_state_here();
    if (LIKELY(slot && state && !((uint64_t)bytes >> 32) && !((uintptr_t)p & 15))) {
        struct barrow_leaf *leaf = stack_leaf_cached(t, state);
        if (LIKELY(leaf != NULL) && LIKELY(book_at(t, leaf, domain, p, bytes, slot, counting)))
            return;
    }
    barrow_book_moved(t, domain, p, bytes);
}

/* A free of OBJ or MEM, under the interpreter lock. */
static inline void book_free(struct barrow_thread *t, void *p, bool counting)
{
    struct recorder *r = &barrow_recorder;
    struct ledger_state *state = r->state;
    uint32_t *slot = pagemap_find(&r->map, p);
    uint32_t value = slot ? *slot : 0;
    uint32_t index = value & PAGEMAP_SITE_MASK;
    /* Nothing booked here, or inherited, or a code object, or a block without a slot of its own. */
    if (UNLIKELY(index <= r->inherited_sites || value & PAGEMAP_MARK || (uintptr_t)p & 15)) {
        barrow_book_free(t, p);
        return;
    }
    uint64_t bytes = pagemap_size(slot, value);
    pagemap_clear(slot, value);
    struct ledger_site *site = &r->sites[index];
    close_climb(state);
    keep_peak(site, state->epoch);
    site->freed_bytes += bytes;
    site->frees++;
    state->live_bytes -= (int64_t)bytes;
    if (counting)
        t->counters.net_bytes -= (int64_t)bytes;
    if (is_temporary(t, p, index)) {
        site->temporary_bytes += bytes;
        site->temporaries++;
    }
}

#endif
