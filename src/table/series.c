#include "table/series.h"

#include <stdlib.h>

size_t barrow_series_index(const struct barrow_profile *p, size_t count, uint64_t time_ns)
{
    if (p->duration_ns == 0)
        return 0;
    __uint128_t index = (__uint128_t)time_ns * count / p->duration_ns;
    return index < count ? (size_t)index : count - 1;
}

/* What each process has now, and the sum. */
struct sweep {
    const struct barrow_profile *profile;
    struct barrow_interval *intervals;
    size_t count, at; /* interval that the sweep has reached */
    struct level {
        uint64_t rss, heap, end_ns;
    } * levels; /* one a process */
    uint64_t rss, heap;
};

static void note_sum(struct sweep *s)
{
    struct barrow_interval *now = &s->intervals[s->at];

    if (s->rss > now->rss_bytes)
        now->rss_bytes = s->rss;
    if (s->heap > now->heap_bytes)
        now->heap_bytes = s->heap;
}

static void advance(struct sweep *s, uint64_t time_ns)
{
    size_t target = barrow_series_index(s->profile, s->count, time_ns);

    while (s->at < target) {
        s->at++;
        note_sum(s);
    }
}

static void set_level(struct sweep *s, size_t process, uint64_t rss, uint64_t heap)
{
    struct level *level = &s->levels[process];

    s->rss += rss - level->rss;
    s->heap += heap - level->heap;
    level->rss = rss;
    level->heap = heap;
    note_sum(s);
}

/* Takes out the processes that ended before `time_ns`, in the order of their ends. */
static void end_processes(struct sweep *s, uint64_t time_ns)
{
    for (;;) {
        size_t first = s->profile->process_count;
        for (size_t i = 0; i < s->profile->process_count; i++) {
            struct level *level = &s->levels[i];
            if ((level->rss || level->heap) && level->end_ns < time_ns &&
                (first == s->profile->process_count || level->end_ns < s->levels[first].end_ns))
                first = i;
        }
        if (first == s->profile->process_count)
            return;
        advance(s, s->levels[first].end_ns);
        set_level(s, first, 0, 0);
    }
}

static void sweep_samples(struct sweep *s)
{
    const struct barrow_profile *p = s->profile;
    uint64_t checked_ns = 0;

    for (size_t i = 0; i < p->sample_count; i++) {
        const struct barrow_sample *sample = &p->samples[i];
        if (sample->process >= p->process_count)
            continue;
        if (sample->time_ns > checked_ns)
            end_processes(s, checked_ns = sample->time_ns);
        advance(s, sample->time_ns);
        if (sample->time_ns > s->levels[sample->process].end_ns)
            s->levels[sample->process].end_ns = sample->time_ns;
        set_level(s, sample->process, sample->rss_bytes, sample->heap_bytes);
    }
    end_processes(s, p->duration_ns);
    advance(s, p->duration_ns);
}

int barrow_series_build(const struct barrow_profile *p, struct barrow_interval *intervals,
                        size_t count, struct barrow_error *err)
{
    struct sweep s = {.profile = p, .intervals = intervals, .count = count};

    s.levels = calloc(p->process_count + 1, sizeof *s.levels);
    if (!s.levels)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++)
        intervals[i] = (struct barrow_interval){0, 0, 0};
    for (size_t i = 0; i < p->process_count; i++)
        s.levels[i].end_ns = p->processes[i].start_ns + p->processes[i].duration_ns;
    if (p->sample_count)
        sweep_samples(&s);
    free(s.levels);
    struct barrow_interval *peak = &intervals[barrow_series_index(p, count, p->peak_ns)];
    if (p->peak_bytes > peak->heap_bytes)
        peak->heap_bytes = p->peak_bytes;
    for (size_t i = 0; i < p->gc_event_count; i++) {
        const struct barrow_gc_event *event = &p->gc_events[i];
        struct barrow_interval *interval =
            &intervals[barrow_series_index(p, count, event->time_ns)];
        if (event->pause_ns > interval->gc_pause_ns)
            interval->gc_pause_ns = event->pause_ns;
    }
    return 0;
}
