/* Booking in general: any thread, any domain, with the lock or without it (record.h).
 *
 * hooks_python.c books the common case itself (hot.h) and comes here for the rest. */
#include <string.h>

#include "record/hot.h"

#define FOLD_BYTES (64 << 10)

void barrow_count_drop(enum ledger_drop drop)
{
    struct ledger_state *state = barrow_recorder.state;
    if (state)
        __atomic_add_fetch(&state->dropped[drop], 1, __ATOMIC_RELAXED);
}

uint32_t *barrow_count_make_slot(const void *p)
{
    struct barrow_pagemap *map = &barrow_recorder.map;
    uintptr_t a = (uintptr_t)p;
    if (a >> 47)
        return NULL;
    uint32_t *slot = pagemap_find(map, p);
    if (slot)
        return slot;
    uint32_t *chunk = raw_memory(PAGEMAP_CHUNK_BYTES), *none = NULL;
    if (!chunk)
        return NULL;
    if (!__atomic_compare_exchange_n(&map->chunks[a >> PAGEMAP_CHUNK_BITS], &none, chunk, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        raw_munmap(chunk, PAGEMAP_CHUNK_BYTES);
    return pagemap_find(map, p);
}

/* ---- live bytes and the peak ---- */

/* Without the lock: the climb may be closed by several threads at once; the largest wins. */
static void close_climb_atomic(struct ledger_state *state)
{
    int64_t live = live_total(state);
    int64_t best = __atomic_load_n(&state->best_bytes, __ATOMIC_RELAXED);
    while (live > best)
        if (__atomic_compare_exchange_n(&state->best_bytes, &best, live, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED)) {
            state->best_ns = state->now_ns;
            __atomic_add_fetch(&state->epoch, 1, __ATOMIC_RELAXED);
            break;
        }
}

static void add_live(struct barrow_thread *t, int64_t bytes, bool locked)
{
    struct ledger_state *state = barrow_recorder.state;
    if (locked) {
        state->live_bytes += bytes;
        return;
    }
    /* A Python thread that let go of the lock for a moment is mostly alone: its bookings stay
     * exact. Threads that never had it may be many at once: they keep their changes to themselves
     * for a while. */
    t->native_delta += bytes;
    if (!t->state && !t->is_batching) {
        t->is_batching = 1;
        __atomic_add_fetch(&state->native_imprecision_bytes, FOLD_BYTES, __ATOMIC_RELAXED);
    }
    if (!t->state && t->native_delta < FOLD_BYTES && t->native_delta > -FOLD_BYTES)
        return;
    __atomic_add_fetch(&state->native_live_bytes, t->native_delta, __ATOMIC_RELAXED);
    t->native_delta = 0;
}

static bool is_locked(struct barrow_thread *t)
{
    bool holds_lock;
    barrow_thread_state(t, &holds_lock);
    return holds_lock && !barrow_recorder.many_locks;
}

/* ---- sites ---- */

uint32_t barrow_site_here(struct barrow_thread *t, enum ledger_domain domain)
{
    bool holds_lock;
    PyThreadState *python = barrow_thread_state(t, &holds_lock);
    t->in_native = domain > LEDGER_DOMAIN_MEM;
    struct barrow_leaf *leaf = python ? stack_leaf(t, python) : barrow_stack_native(t);
    t->in_native = 0;
    if (UNLIKELY(barrow_recorder.checking) && python)
        barrow_stack_check(t, python, leaf);
    return domain <= LEDGER_DOMAIN_MEM ? leaf_site(t, leaf, domain)
                                       : barrow_stack_site(t, leaf, domain);
}

/* Sites of OBJ and MEM are only ever touched under the lock, unless there are many locks. */
static bool is_plain(uint32_t site)
{
    const struct ledger_site_info *info =
        ledger_record(&barrow_recorder.writer, LEDGER_SITE_INFO, site);
    return (info->domain_next & 15) <= LEDGER_DOMAIN_MEM && !barrow_recorder.many_locks;
}

static void bump(uint64_t *counter, uint64_t by, bool plain)
{
    if (plain)
        *counter += by;
    else
        __atomic_add_fetch(counter, by, __ATOMIC_RELAXED);
}

static void site_alloc(struct barrow_thread *t, uint32_t index, size_t bytes, size_t blocks,
                       bool locked)
{
    struct ledger_site *site = &barrow_recorder.sites[index];
    struct ledger_state *state = barrow_recorder.state;
    bool plain = is_plain(index);
    const struct ledger_site_info *info =
        ledger_record(&barrow_recorder.writer, LEDGER_SITE_INFO, index);
    keep_peak(site, state->epoch);
    bump(&site->allocated_bytes, bytes, plain);
    bump(&site->allocations, blocks, plain);
    bump(&state->sizes[info->domain_next & 3][size_bucket(bytes)], 1, plain);
    add_live(t, (int64_t)bytes, locked);
    thread_add(t, (int64_t)bytes);
}

static void site_free(struct barrow_thread *t, uint32_t index, size_t bytes, size_t blocks,
                      bool locked)
{
    struct ledger_site *site = &barrow_recorder.sites[index];
    struct ledger_state *state = barrow_recorder.state;
    bool plain = is_plain(index);
    t->counters.net_bytes -= (int64_t)bytes;
    if (index <= barrow_recorder.inherited_sites) {
        bump(&site->freed_bytes, bytes, false);
        bump(&site->frees, blocks, false);
        return;
    }
    if (locked)
        close_climb(state);
    else
        close_climb_atomic(state);
    keep_peak(site, state->epoch);
    bump(&site->freed_bytes, bytes, plain);
    bump(&site->frees, blocks, plain);
    add_live(t, -(int64_t)bytes, locked);
}

static void site_temporary(uint32_t index, size_t bytes)
{
    struct ledger_site *site = &barrow_recorder.sites[index];
    bool plain = is_plain(index);
    bump(&site->temporary_bytes, bytes, plain);
    bump(&site->temporaries, 1, plain);
}

void barrow_site_alloc(struct barrow_thread *t, uint32_t site, size_t bytes, size_t blocks)
{
    if (site)
        site_alloc(t, site, bytes, blocks, is_locked(t));
}

void barrow_site_free(struct barrow_thread *t, uint32_t site, size_t bytes, size_t blocks)
{
    if (site)
        site_free(t, site, bytes, blocks, is_locked(t));
}

void barrow_count_unknown_free(struct barrow_thread *t)
{
    struct ledger_state *state = barrow_recorder.state;
    if (is_locked(t))
        state->unknown_frees++;
    else
        __atomic_add_fetch(&state->native_unknown_frees, 1, __ATOMIC_RELAXED);
}

/* ---- blocks ---- */

__attribute__((noinline, cold)) void barrow_count_missed_free(struct barrow_thread *t, void *p,
                                                              uint32_t *slot)
{
    if (*slot & PAGEMAP_MARK) {
        barrow_code_died(p);
        *slot &= ~PAGEMAP_MARK;
    }
    uint32_t value = *slot, site = value & PAGEMAP_SITE_MASK;
    *slot = 0;
    if (!site)
        return;
    barrow_count_drop(LEDGER_DROP_missed_frees);
    site_free(t, site, pagemap_size(slot, value), 1, is_locked(t));
}

void barrow_book_alloc(struct barrow_thread *t, enum ledger_domain domain, void *p, size_t bytes)
{
    if (!p)
        return;
    /* A replaced allocator may put two blocks of 8 bytes in a granule: the second has no slot, and
     * goes where the blocks of 4 GiB and more are. */
    bool is_big = (uint64_t)bytes >> 32 || (uintptr_t)p & 15;
    uint32_t *slot = (uintptr_t)p & 15 ? NULL : barrow_count_make_slot(p);
    uint32_t site = slot || is_big ? barrow_site_here(t, domain) : 0;
    if (UNLIKELY(!site)) {
        barrow_count_drop(LEDGER_DROP_lost_allocations);
        return;
    }
    if (slot && UNLIKELY(*slot))
        barrow_count_missed_free(t, p, slot);
    site_alloc(t, site, bytes, 1, is_locked(t));
    if (is_big)
        barrow_big_insert(t, site, (uintptr_t)p, bytes);
    else
        pagemap_set(slot, site, bytes);
    remember_last(t, p, site);
}

void barrow_book_moved(struct barrow_thread *t, enum ledger_domain domain, void *p, size_t bytes)
{
    PyThreadState *state = barrow_state_here();
    uint32_t *slot = pagemap_find(&barrow_recorder.map, p);
    if (LIKELY(slot && state && !((uint64_t)bytes >> 32) && !((uintptr_t)p & 15))) {
        struct barrow_leaf *leaf = barrow_stack_moved(t, state);
        if (LIKELY(leaf_site(t, leaf, domain) && book_at(t, leaf, domain, p, bytes, slot, true)))
            return;
    }
    barrow_book_alloc(t, domain, p, bytes);
}

void barrow_take(struct barrow_thread *t, void *p, struct barrow_taken *taken)
{
    *taken = (struct barrow_taken){.p = p};
    if (!p)
        return;
    uint32_t *slot = pagemap_find(&barrow_recorder.map, p);
    uint32_t value = slot && !((uintptr_t)p & 15) ? *slot : 0;
    if (UNLIKELY(value & PAGEMAP_MARK)) {
        barrow_code_died(p);
        value &= ~PAGEMAP_MARK;
        *slot = value;
    }
    taken->site = value & PAGEMAP_SITE_MASK;
    if (taken->site) {
        taken->bytes = pagemap_size(slot, value);
        pagemap_clear(slot, value);
        taken->known = true;
    } else {
        taken->known = barrow_big_remove(t, (uintptr_t)p, &taken->site, &taken->bytes);
    }
    if (taken->known)
        taken->temporary = is_temporary(t, p, taken->site);
}

void barrow_take_commit(struct barrow_thread *t, const struct barrow_taken *taken)
{
    if (!taken->p)
        return;
    if (!taken->known) {
        barrow_count_unknown_free(t);
        return;
    }
    site_free(t, taken->site, taken->bytes, 1, is_locked(t));
    if (taken->temporary && taken->site > barrow_recorder.inherited_sites)
        site_temporary(taken->site, taken->bytes);
}

void barrow_take_undo(struct barrow_thread *t, const struct barrow_taken *taken)
{
    if (!taken->known)
        return;
    if ((uint64_t)taken->bytes >> 32 || (uintptr_t)taken->p & 15)
        barrow_big_insert(t, taken->site, (uintptr_t)taken->p, taken->bytes);
    else
        pagemap_set(pagemap_find(&barrow_recorder.map, taken->p), taken->site, taken->bytes);
}

void barrow_book_free(struct barrow_thread *t, void *p)
{
    struct barrow_taken taken;
    if (!p)
        return;
    barrow_take(t, p, &taken);
    barrow_take_commit(t, &taken);
}
