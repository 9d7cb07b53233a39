/* Regions: a recording inside the recording, with a baseline and an exact peak of its own.
 *
 * The O(1) peak works for one question at a time: "what was live when live bytes stood highest
 * since...".  At a region's start the answer so far is put aside (of each site, what was live at
 * the peak until now), and the question starts again from the present live bytes.  At its end the
 * higher of the two peaks is the answer that goes on, so the outer peak is as exact as before.
 *
 * Regions are few and end in any order; what is put aside lies in anonymous memory.
 */
#include <string.h>

#include "record/hot.h"
#include "record/recorder.h"

#define REGION_LIMIT 64

struct saved_site {
    uint64_t allocated_bytes, allocations, freed_bytes, frees, temporaries;
    uint64_t at_peak_bytes;
    uint32_t at_peak_blocks;
};

static struct region {
    bool is_open;
    uint32_t record; /* in REGIONS, or UINT32_MAX */
    uint64_t start_ns;
    int64_t start_live;
    int64_t outer_best;
    uint64_t outer_best_ns;
    struct saved_site *sites; /* by site number */
    uint64_t site_count;
    uint64_t unknown_frees;
} regions[REGION_LIMIT];

/* What was live at the best of the present question, site by site. */
static void at_peak(const struct ledger_site *site, const struct ledger_state *state,
                    uint64_t *bytes, uint32_t *blocks)
{
    if (site->epoch == state->epoch) {
        *bytes = site->at_peak_bytes;
        *blocks = site->at_peak_blocks;
    } else {
        *bytes = site->allocated_bytes - site->freed_bytes;
        *blocks = (uint32_t)(site->allocations - site->frees);
    }
}

static uint64_t unknown_frees(const struct ledger_state *state)
{
    return state->unknown_frees + __atomic_load_n(&state->native_unknown_frees, __ATOMIC_RELAXED);
}

static void record_start(struct region *region)
{
    struct recorder *r = &barrow_recorder;
    uint64_t count = r->state->used[LEDGER_REGIONS];
    region->record = UINT32_MAX;
    if (count >= 1024 || (count >= r->writer.tables[LEDGER_REGIONS].capacity &&
                          !ledger_grow(&r->writer, LEDGER_REGIONS, count + 1)))
        return;
    *(struct ledger_region *)ledger_record(&r->writer, LEDGER_REGIONS, count) =
        (struct ledger_region){.start_ns = region->start_ns,
                               .start_live_bytes = (uint64_t)region->start_live};
    region->record = (uint32_t)count;
    __atomic_store_n(&r->state->used[LEDGER_REGIONS], count + 1, __ATOMIC_RELEASE);
}

int barrow_region_start(void)
{
    struct recorder *r = &barrow_recorder;
    struct ledger_state *state = r->state;
    int id = 0;
    while (id < REGION_LIMIT && regions[id].is_open)
        id++;
    if (id == REGION_LIMIT || !r->on)
        return -1;
    struct region *region = &regions[id];
    uint64_t count = state->used[LEDGER_SITES];
    region->sites = raw_memory(count * sizeof *region->sites);
    if (!region->sites)
        return -1;
    close_climb(state);
    region->is_open = true;
    region->start_ns = barrow_now();
    region->start_live = live_total(state);
    region->unknown_frees = unknown_frees(state);
    region->outer_best = state->best_bytes;
    region->outer_best_ns = state->best_ns;
    region->site_count = count;
    for (uint64_t i = 1; i < count; i++) {
        const struct ledger_site *s = &r->sites[i];
        struct saved_site *saved = &region->sites[i];
        *saved = (struct saved_site){
            s->allocated_bytes, s->allocations, s->freed_bytes, s->frees, s->temporaries, 0, 0};
        at_peak(s, state, &saved->at_peak_bytes, &saved->at_peak_blocks);
    }
    record_start(region);
    state->best_bytes = region->start_live;
    state->best_ns = region->start_ns;
    state->epoch++;
    return id;
}

static void sum_up(const struct region *region, struct barrow_region_result *result)
{
    struct recorder *r = &barrow_recorder;
    static const struct saved_site nothing;
    for (uint64_t i = 1; i < r->state->used[LEDGER_SITES]; i++) {
        const struct ledger_site *s = &r->sites[i];
        const struct saved_site *was = i < region->site_count ? &region->sites[i] : &nothing;
        uint64_t allocated = s->allocated_bytes - was->allocated_bytes;
        uint64_t allocations = s->allocations - was->allocations;
        result->total_bytes += allocated;
        result->allocations += allocations;
        result->frees += s->frees - was->frees;
        result->temporary_allocations += s->temporaries - was->temporaries;
        result->live_bytes += (int64_t)(allocated - (s->freed_bytes - was->freed_bytes));
        result->live_blocks += (int64_t)(allocations - (s->frees - was->frees));
    }
}

/* The outer peak stands: sites get back what was live then. */
static void restore_outer_peak(const struct region *region)
{
    struct recorder *r = &barrow_recorder;
    struct ledger_state *state = r->state;
    state->epoch++;
    for (uint64_t i = 1; i < state->used[LEDGER_SITES]; i++) {
        bool is_old = i < region->site_count;
        r->sites[i].at_peak_bytes = is_old ? region->sites[i].at_peak_bytes : 0;
        r->sites[i].at_peak_blocks = is_old ? region->sites[i].at_peak_blocks : 0;
        r->sites[i].epoch = state->epoch;
    }
    state->best_bytes = region->outer_best;
    state->best_ns = region->outer_best_ns;
}

int barrow_region_stop(int id, struct barrow_region_result *result)
{
    struct recorder *r = &barrow_recorder;
    struct ledger_state *state = r->state;
    if (id < 0 || id >= REGION_LIMIT || !regions[id].is_open || !state)
        return -1;
    struct region *region = &regions[id];
    memset(result, 0, sizeof *result);
    close_climb(state);
    result->start_ns = region->start_ns;
    result->stop_ns = barrow_now();
    result->peak_bytes = (uint64_t)(state->best_bytes - region->start_live);
    /* The clock of peaks is coarse: it may be a little behind. */
    result->peak_ns = state->best_ns > region->start_ns ? state->best_ns : region->start_ns;
    result->unknown_frees = unknown_frees(state) - region->unknown_frees;
    sum_up(region, result);
    if (region->record != UINT32_MAX) {
        struct ledger_region *record = ledger_record(&r->writer, LEDGER_REGIONS, region->record);
        record->peak_bytes = result->peak_bytes;
        record->peak_ns = result->peak_ns;
        record->stop_ns = result->stop_ns;
    }
    if (state->best_bytes <= region->outer_best)
        restore_outer_peak(region);
    raw_munmap(region->sites, region->site_count * sizeof *region->sites);
    region->is_open = false;
    return 0;
}
