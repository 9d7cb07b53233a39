/* The peak of several processes together.
 *
 * Each process gives a series of its live bytes: its samples, and its own exact peak as one point
 * more; it holds between the points and is 0 before the start and after the end. The merged peak is
 * the highest sum, at time T:
 *
 *     A  ___/‾‾‾‾\____          own peaks must not be added: they lie at different times
 *     B  ________/‾‾\_
 *                ^ T
 *
 * What each site held at T is known best from, in this order: the process' own exact peak, if T is
 * that instant; else whatever lies nearer to T, a checkpoint or the process' own peak.  A process
 * that did not live at T held nothing.  So with several processes the sites' peak values need not
 * sum to the merged peak; they do for the process whose peak decided it.
 */
#include <stdlib.h>
#include <string.h>

#include "profile/build.h"

struct point {
    uint64_t time_ns, bytes;
    uint32_t process;
};

struct points {
    BARROW_ARRAY(struct point) list;
};

static bool add_point(struct points *points, uint64_t time_ns, uint32_t process, uint64_t bytes)
{
    struct point *point = barrow_array_add(&points->list);
    if (!point)
        return false;
    *point = (struct point){.time_ns = time_ns, .bytes = bytes, .process = process};
    return true;
}

/* By time; of one instant, what lowers the sum first, so that an ending process does not overlap
 * with what follows it. */
static int compare_points(const void *left, const void *right)
{
    const struct point *a = left, *b = right;
    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns ? -1 : 1;
    return (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

static bool collect_points(const struct profile_build *build, struct points *points)
{
    for (size_t i = 0; i < build->samples.count; i++) {
        const struct barrow_sample *sample = &build->samples.items[i];
        if (!add_point(points, sample->time_ns, sample->process, sample->heap_bytes))
            return false;
    }
    for (size_t i = 0; i < build->processes.count; i++) {
        const struct barrow_process *process = &build->processes.items[i];
        uint64_t start = process->start_ns;
        if (!add_point(points, start + process->peak_ns, (uint32_t)i, process->peak_bytes) ||
            !add_point(points, start + process->duration_ns + 1, (uint32_t)i, 0))
            return false;
    }
    return true;
}

/* Sets the profile's peak to the highest sum. */
static bool sweep(struct profile_build *build)
{
    struct points points = {0};
    uint64_t sum = 0, *current = calloc(build->processes.count, sizeof *current);
    bool ok = current && collect_points(build, &points);
    if (ok && points.list.count)
        qsort(points.list.items, points.list.count, sizeof *points.list.items, compare_points);
    for (size_t i = 0; ok && i < points.list.count; i++) {
        const struct point *point = &points.list.items[i];
        sum += point->bytes - current[point->process];
        current[point->process] = point->bytes;
        if (sum > build->profile->peak_bytes) {
            build->profile->peak_bytes = sum;
            build->profile->peak_ns = point->time_ns;
        }
    }
    free(points.list.items);
    free(current);
    return ok;
}

/* ---- what the sites held ---- */

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static void clear_member(struct profile_build *build, const struct profile_member *member)
{
    for (size_t i = 0; i < build->sites.count; i++)
        if (build->sites.items[i].process == member->process)
            build->sites.items[i].value[BARROW_METRIC_PEAK] = (struct barrow_value){0};
}

/* The last checkpoint that counts: the one nearest to `time_ns`; false: there is none. */
static bool nearest_checkpoint(const struct profile_member *member, uint64_t time_ns,
                               uint64_t *found_ns)
{
    struct barrow_checkpoints walk = barrow_ledger_checkpoints(member->ledger);
    struct barrow_checkpoint point;
    bool any = false;
    while (barrow_checkpoints_next(&walk, &point)) {
        if (!any || distance(point.time_ns, time_ns) < distance(*found_ns, time_ns))
            *found_ns = point.time_ns;
        any = true;
    }
    return any;
}

/* Live values as of the checkpoint at `until_ns`: each tells the sites that changed. */
static bool take_checkpoint(struct profile_build *build, const struct profile_member *member,
                            uint64_t until_ns)
{
    uint32_t count = member->site_count;
    struct barrow_value *live = calloc(count + 1u, sizeof *live);
    struct barrow_checkpoints walk = barrow_ledger_checkpoints(member->ledger);
    struct barrow_checkpoint point;
    if (!live)
        return false;
    while (barrow_checkpoints_next(&walk, &point) && point.time_ns <= until_ns)
        for (uint32_t i = 0; i < point.count; i++)
            if (point.entries[i].site < count)
                live[point.entries[i].site] = (struct barrow_value){point.entries[i].live_bytes,
                                                                    point.entries[i].live_blocks};
    clear_member(build, member);
    for (uint32_t i = 0; i < count; i++) {
        if (member->sites[i] == 0)
            continue;
        struct barrow_site *site = &build->sites.items[member->sites[i] - 1];
        site->value[BARROW_METRIC_PEAK].bytes += live[i].bytes;
        site->value[BARROW_METRIC_PEAK].blocks += live[i].blocks;
    }
    free(live);
    return true;
}

bool profile_build_merged_peak(struct profile_build *build)
{
    if (!sweep(build))
        return false;
    for (size_t i = 0; i < build->internal->members.count; i++) {
        const struct profile_member *member = &build->internal->members.items[i];
        const struct barrow_process *process = &build->processes.items[i];
        uint64_t at = build->profile->peak_ns, checkpoint_ns;
        if (at < member->start_ns || at > member->start_ns + process->duration_ns) {
            clear_member(build, member);
            continue;
        }
        at -= member->start_ns;
        if (at != process->peak_ns && nearest_checkpoint(member, at, &checkpoint_ns) &&
            distance(checkpoint_ns, at) < distance(process->peak_ns, at) &&
            !take_checkpoint(build, member, checkpoint_ns))
            return false;
    }
    return true;
}
