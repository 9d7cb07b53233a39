/* What `barrow top` shows: the newest state of a ledger, beside the one before and a baseline.
 *
 *     barrow_top_load() ─► profile ─► rows by line, function, file, module
 *                              │           │  live now
 *     the load before ─────────┼───────────┤  allocated since: rates
 *     baseline ────────────────┘           │  live then: growth
 *
 * Of older states only each row's counters are kept, by a hash of its names.  In a ledger that is
 * being written the metric `leaked` is what is live.
 */
#ifndef BARROW_CLI_TOP_MODEL_H
#define BARROW_CLI_TOP_MODEL_H

#include "cli/top_target.h"
#include "cli/view.h"

/* X(NAME, its name on the command line) */
#define TOP_GROUPS(X)       \
    X(LINE, "line")         \
    X(FUNCTION, "function") \
    X(FILE, "file")         \
    X(MODULE, "module")
enum top_group {
#define X(name, text) TOP_BY_##name,
    TOP_GROUPS(X)
#undef X
    TOP_GROUP_COUNT
};

/* X(NAME, its name on the command line) */
#define TOP_SORTS(X)    \
    X(LIVE, "live")     \
    X(GROWTH, "growth") \
    X(RATE, "rate")     \
    X(NAME, "name")
enum top_sort {
#define X(name, text) TOP_SORT_##name,
    TOP_SORTS(X)
#undef X
    TOP_SORT_COUNT
};

extern const char *const barrow_top_group_names[], *const barrow_top_sort_names[];

struct barrow_top_row {
    const struct barrow_row *row; /* its names; of the newest state */
    uint64_t live_bytes, live_blocks;
    int64_t growth_bytes;
    uint64_t bytes_per_s, allocations_per_s;
};

enum barrow_top_state {
    TOP_RUNNING,
    TOP_ENDED, /* the ledger says how */
    TOP_LOST   /* the process is gone, or out of sight, and the ledger says nothing */
};

struct top_past; /* counters of an older state */

struct barrow_top {
    struct barrow_top_target target;
    const char *filter; /* as in struct barrow_query; NULL: none */

    struct barrow_profile *profile; /* the newest state; NULL before the first load */
    enum barrow_top_state state;
    struct barrow_row *rows[TOP_GROUP_COUNT]; /* all that ever allocated */
    size_t counts[TOP_GROUP_COUNT];
    uint64_t loaded_ns; /* when, CLOCK_MONOTONIC */
    uint64_t cost_ns;   /* processor time of a load */

    uint64_t rates_over_ns; /* since the load before; after the first, since recording began */
    uint64_t bytes_per_s, allocations_per_s;
    int64_t growth_bytes;
    uint64_t baseline_ns; /* when it was set, on the recording's clock */

    struct top_past *before, *baseline, *first;
};

/* Reads the ledger anew; after a failure the last state stays.  {.target = ...} is a top that has
 * nothing yet. */
int barrow_top_load(struct barrow_top *top, struct barrow_error *err);
void barrow_top_free(struct barrow_top *top);

/* Growth counts from the newest state on; or again from the first one. */
void barrow_top_set_baseline(struct barrow_top *top);
void barrow_top_reset_baseline(struct barrow_top *top);

/* The rows that are worth a look and whose names hold `text` (NULL: all), sorted; to be freed. */
struct barrow_top_row *barrow_top_rows(struct barrow_top *top, enum top_group by,
                                       enum top_sort sort, const char *text, size_t *count);

/* The time to the next load: the one wanted, or more if loads are dear. */
uint64_t barrow_top_interval_ns(const struct barrow_top *top, uint64_t wanted_ns);

#endif
