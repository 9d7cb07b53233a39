#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/memory.h"
#include "cli/top_model.h"

/* A load may take this part of the time between loads. */
enum { COST_FACTOR = 12 };

const char *const barrow_top_group_names[] = {
#define X(name, text) text,
    TOP_GROUPS(X)
#undef X
        NULL};
const char *const barrow_top_sort_names[] = {
#define X(name, text) text,
    TOP_SORTS(X)
#undef X
        NULL};
static const enum barrow_grouping groupings[TOP_GROUP_COUNT] = {
#define X(name, text) BARROW_BY_##name,
    TOP_GROUPS(X)
#undef X
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- the past ---- */

struct counters {
    uint64_t key; /* of the row */
    uint64_t live_bytes, total_bytes, allocations;
};

struct top_past {
    uint64_t time_ns;     /* CLOCK_MONOTONIC */
    uint64_t recorded_ns; /* on the recording's clock */
    int references;
    struct counters whole;
    struct {
        struct counters *items; /* by key */
        size_t count;
    } by[TOP_GROUP_COUNT];
};

static uint64_t hash_text(uint64_t hash, const char *text)
{
    do /* with the final NUL, so that texts stay apart */
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    while (*text++);
    return hash;
}

/* 64 bits: that two of a million rows are taken for one is out of the question. */
static uint64_t key_of(const struct barrow_row *row)
{
    uint64_t hash = hash_text(0xcbf29ce484222325u, row->name);

    hash = hash_text(hash_text(hash, row->function), row->file);
    return (hash ^ row->line) * 0x9e3779b97f4a7c15u ^ row->domain;
}

static struct counters counters_of(const struct barrow_row *row)
{
    return (struct counters){.key = key_of(row),
                             .live_bytes = row->value[BARROW_METRIC_LEAKED].bytes,
                             .total_bytes = row->value[BARROW_METRIC_TOTAL].bytes,
                             .allocations = row->value[BARROW_METRIC_TOTAL].blocks};
}

static int by_key(const void *left, const void *right)
{
    uint64_t a = ((const struct counters *)left)->key, b = ((const struct counters *)right)->key;

    return (a > b) - (a < b);
}

static struct counters whole_of(const struct barrow_profile *p)
{
    return (struct counters){
        .live_bytes = p->live_bytes, .total_bytes = p->total_bytes, .allocations = p->allocations};
}

/* What is kept of the newest state. */
static struct top_past *remember(const struct barrow_top *top)
{
    struct top_past *past = barrow_allocate(sizeof *past);

    past->time_ns = top->loaded_ns;
    past->recorded_ns = top->profile->duration_ns;
    past->references = 1;
    past->whole = whole_of(top->profile);
    for (int g = 0; g < TOP_GROUP_COUNT; g++) {
        size_t count = past->by[g].count = top->counts[g];
        past->by[g].items = barrow_allocate(count * sizeof *past->by[g].items);
        for (size_t i = 0; i < count; i++)
            past->by[g].items[i] = counters_of(&top->rows[g][i]);
        qsort(past->by[g].items, count, sizeof *past->by[g].items, by_key);
    }
    return past;
}

static void forget(struct top_past **past)
{
    if (*past && --(*past)->references == 0) {
        for (int g = 0; g < TOP_GROUP_COUNT; g++)
            free((*past)->by[g].items);
        free(*past);
    }
    *past = NULL;
}

static void replace(struct top_past **past, struct top_past *with)
{
    if (with)
        with->references++;
    forget(past);
    *past = with;
}

/* The row's counters then; zeros if it was not there. */
static struct counters recall(const struct top_past *past, enum top_group by, uint64_t key)
{
    const struct counters wanted = {.key = key}, *found = NULL;

    if (past && past->by[by].count)
        found = bsearch(&wanted, past->by[by].items, past->by[by].count, sizeof wanted, by_key);
    return found ? *found : (struct counters){0};
}

/* ---- loading ---- */

static uint64_t per_second(uint64_t now, uint64_t before, uint64_t ns)
{
    return now > before && ns ? (uint64_t)((__uint128_t)(now - before) * 1000000000u / ns) : 0;
}

static void free_newest(struct barrow_top *top)
{
    for (int g = 0; g < TOP_GROUP_COUNT; g++) {
        free(top->rows[g]);
        top->rows[g] = NULL;
    }
    barrow_profile_free(top->profile);
    top->profile = NULL;
}

/* Rates and growth of the whole. */
static void compare(struct barrow_top *top)
{
    struct counters now = whole_of(top->profile), then = {0};

    top->rates_over_ns = top->profile->duration_ns;
    if (top->before) {
        then = top->before->whole;
        top->rates_over_ns = top->loaded_ns - top->before->time_ns;
    }
    top->bytes_per_s = per_second(now.total_bytes, then.total_bytes, top->rates_over_ns);
    top->allocations_per_s = per_second(now.allocations, then.allocations, top->rates_over_ns);
    top->growth_bytes = (int64_t)(now.live_bytes - top->baseline->whole.live_bytes);
    top->baseline_ns = top->baseline->recorded_ns;
}

static bool is_unfinished(const struct barrow_profile *p)
{
    for (size_t i = 0; i < p->process_count; i++)
        if (p->processes[i].end == LEDGER_END_NONE)
            return true;
    return false;
}

static int read_profile(struct barrow_top *top, struct barrow_top *newest, struct barrow_error *err)
{
    for (int attempt = 0;; attempt++) {
        if (barrow_profile_load(&newest->profile, top->target.paths, top->target.count, err) < 0)
            return -1;
        newest->state = TOP_ENDED;
        if (!is_unfinished(newest->profile))
            return 0;
        newest->state = TOP_RUNNING;
        if (barrow_top_target_lives(&top->target, newest->profile))
            return 0;
        newest->state = TOP_LOST;
        if (attempt)
            return 0;
        /* It may have ended while the ledger was read: now that it is gone the ledger is final. */
        barrow_profile_free(newest->profile);
        newest->profile = NULL;
    }
}

static int read_newest(struct barrow_top *top, struct barrow_top *newest, struct barrow_error *err)
{
    if (read_profile(top, newest, err) < 0)
        return -1;
    for (int g = 0; g < TOP_GROUP_COUNT; g++) {
        struct barrow_query query = {
            .metric = BARROW_METRIC_TOTAL, .by = groupings[g], .filter = top->filter};
        if (barrow_profile_rows(newest->profile, &query, &newest->rows[g], &newest->counts[g],
                                err) < 0)
            return -1;
    }
    return 0;
}

int barrow_top_load(struct barrow_top *top, struct barrow_error *err)
{
    struct barrow_top newest = {0};
    uint64_t began_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID), at_ns = clock_ns(CLOCK_MONOTONIC);

    if (read_newest(top, &newest, err) < 0) {
        free_newest(&newest);
        return -1;
    }
    if (top->profile) {
        struct top_past *past = remember(top);
        replace(&top->before, past);
        forget(&past);
    }
    free_newest(top);
    top->profile = newest.profile;
    top->state = newest.state;
    memcpy(top->rows, newest.rows, sizeof top->rows);
    memcpy(top->counts, newest.counts, sizeof top->counts);
    top->loaded_ns = at_ns;
    if (!top->first)
        barrow_top_set_baseline(top);
    compare(top);
    top->cost_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - began_ns;
    return 0;
}

void barrow_top_free(struct barrow_top *top)
{
    free_newest(top);
    forget(&top->before);
    forget(&top->baseline);
    forget(&top->first);
    barrow_top_target_free(&top->target);
}

void barrow_top_set_baseline(struct barrow_top *top)
{
    struct top_past *past = remember(top);

    replace(&top->baseline, past);
    if (!top->first)
        replace(&top->first, past);
    forget(&past);
    compare(top);
}

void barrow_top_reset_baseline(struct barrow_top *top)
{
    replace(&top->baseline, top->first);
    compare(top);
}

uint64_t barrow_top_interval_ns(const struct barrow_top *top, uint64_t wanted_ns)
{
    uint64_t least = top->cost_ns * COST_FACTOR;

    return wanted_ns > least ? wanted_ns : least;
}

/* ---- rows ---- */

static bool matches(const struct barrow_row *row, const char *text)
{
    if (!text || !*text)
        return true;
    char *place = barrow_place(row->file, row->line);
    bool found = strcasestr(row->name, text) || strcasestr(row->function, text) ||
                 strcasestr(row->file, text) || strcasestr(place, text);
    free(place);
    return found;
}

static int by_names(const struct barrow_row *a, const struct barrow_row *b)
{
    int order = strcmp(a->name, b->name);

    if (!order)
        order = strcmp(a->function, b->function);
    if (!order)
        order = strcmp(a->file, b->file);
    if (!order)
        order = (a->line > b->line) - (a->line < b->line);
    return order ? order : (int)a->domain - (int)b->domain;
}

static int compare_rows(const void *left, const void *right, void *sort)
{
    const struct barrow_top_row *a = left, *b = right;

    switch (*(const enum top_sort *)sort) {
    case TOP_SORT_GROWTH:
        if (a->growth_bytes != b->growth_bytes)
            return a->growth_bytes > b->growth_bytes ? -1 : 1;
        break;
    case TOP_SORT_RATE:
        if (a->bytes_per_s != b->bytes_per_s)
            return a->bytes_per_s > b->bytes_per_s ? -1 : 1;
        break;
    case TOP_SORT_NAME:
        return by_names(a->row, b->row);
    default:
        break;
    }
    if (a->live_bytes != b->live_bytes)
        return a->live_bytes > b->live_bytes ? -1 : 1;
    return by_names(a->row, b->row);
}

struct barrow_top_row *barrow_top_rows(struct barrow_top *top, enum top_group by,
                                       enum top_sort sort, const char *text, size_t *count)
{
    struct barrow_top_row *rows = barrow_allocate(top->counts[by] * sizeof *rows);

    *count = 0;
    for (size_t i = 0; i < top->counts[by]; i++) {
        const struct barrow_row *row = &top->rows[by][i];
        struct counters now = counters_of(row);
        struct counters then = recall(top->before, by, now.key);
        struct barrow_top_row *made = &rows[*count];
        *made = (struct barrow_top_row){
            .row = row,
            .live_bytes = now.live_bytes,
            .live_blocks = row->value[BARROW_METRIC_LEAKED].blocks,
            .growth_bytes =
                (int64_t)(now.live_bytes - recall(top->baseline, by, now.key).live_bytes),
            .bytes_per_s = per_second(now.total_bytes, then.total_bytes, top->rates_over_ns),
            .allocations_per_s = per_second(now.allocations, then.allocations, top->rates_over_ns),
        };
        bool idle = !made->live_bytes && !made->growth_bytes && !made->allocations_per_s;
        if (!idle && matches(row, text))
            ++*count;
    }
    qsort_r(rows, *count, sizeof *rows, compare_rows, &sort);
    return rows;
}
