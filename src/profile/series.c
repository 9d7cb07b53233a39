/* What happened over time: process samples, the longest garbage collections, marks. */
#include "profile/build.h"

#include <stdlib.h>
#include <string.h>

static bool add_samples(struct profile_build *build, struct profile_member *member)
{
    uint32_t count;
    const struct ledger_sample *from = barrow_ledger_samples(member->ledger, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (from[i].time_ns == 0 && from[i].rss_bytes == 0)
            continue;
        struct barrow_sample *sample = barrow_array_add(&build->samples);
        if (!sample)
            return false;
        *sample = (struct barrow_sample){
            .time_ns = member->start_ns + from[i].time_ns,
            .process = member->process,
            .rss_bytes = from[i].rss_bytes,
            .pss_bytes = from[i].pss_bytes,
            .heap_bytes = from[i].heap_bytes,
            .minor_faults = from[i].minor_faults,
            .major_faults = from[i].major_faults,
            .file_bytes = 4096ull * from[i].file_pages,
            .threads = from[i].threads,
        };
    }
    return true;
}

static bool add_gc_events(struct profile_build *build, struct profile_member *member)
{
    uint32_t count;
    const struct ledger_gc_event *from = barrow_ledger_gc_events(member->ledger, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (from[i].time_ns == 0 && from[i].pause_ns == 0)
            continue;
        struct barrow_gc_event *event = barrow_array_add(&build->gc_events);
        if (!event)
            return false;
        *event = (struct barrow_gc_event){
            .time_ns = member->start_ns + from[i].time_ns,
            .pause_ns = from[i].pause_ns,
            .process = member->process,
            .generation = from[i].generation,
            .collected = from[i].collected,
            .uncollectable = from[i].uncollectable,
        };
    }
    return true;
}

static bool add_marks(struct profile_build *build, struct profile_member *member)
{
    uint32_t count;
    const struct ledger_mark *from = barrow_ledger_marks(member->ledger, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct profile_text *name = profile_member_text(member, &build->names, from[i].name);
        struct barrow_mark *mark = name ? barrow_array_add(&build->marks) : NULL;
        if (!mark)
            return false;
        *mark = (struct barrow_mark){
            .time_ns = member->start_ns + from[i].time_ns,
            .duration_ns = from[i].duration_ns,
            .process = member->process,
            .name = name->chars,
        };
    }
    return true;
}

static int by_time(uint64_t a, uint64_t b, uint32_t process_a, uint32_t process_b)
{
    if (a != b)
        return a < b ? -1 : 1;
    return (process_a > process_b) - (process_a < process_b);
}

static int compare_samples(const void *left, const void *right)
{
    const struct barrow_sample *a = left, *b = right;
    return by_time(a->time_ns, b->time_ns, a->process, b->process);
}

static int compare_gc_events(const void *left, const void *right)
{
    const struct barrow_gc_event *a = left, *b = right;
    return by_time(a->time_ns, b->time_ns, a->process, b->process);
}

static int compare_marks(const void *left, const void *right)
{
    const struct barrow_mark *a = left, *b = right;
    int order = by_time(a->time_ns, b->time_ns, a->process, b->process);
    return order ? order : strcmp(a->name, b->name);
}

/* A writer that thins its samples moves them while we read: one may then be seen twice. */
static void drop_doubles(struct profile_build *build)
{
    size_t kept = 0;
    struct barrow_sample *samples = build->samples.items;
    for (size_t i = 0; i < build->samples.count; i++)
        if (kept == 0 || compare_samples(&samples[kept - 1], &samples[i]) != 0)
            samples[kept++] = samples[i];
    build->samples.count = kept;
}

bool profile_build_series(struct profile_build *build, struct profile_member *member)
{
    return add_samples(build, member) && add_gc_events(build, member) && add_marks(build, member);
}

void profile_build_sort_series(struct profile_build *build)
{
    if (build->samples.count)
        qsort(build->samples.items, build->samples.count, sizeof *build->samples.items,
              compare_samples);
    if (build->gc_events.count)
        qsort(build->gc_events.items, build->gc_events.count, sizeof *build->gc_events.items,
              compare_gc_events);
    if (build->marks.count)
        qsort(build->marks.items, build->marks.count, sizeof *build->marks.items, compare_marks);
    drop_doubles(build);
}
