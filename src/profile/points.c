/* What lived when: checkpoints of the ledgers, and what is known exactly besides.
 *
 * A checkpoint tells the live values of the ledger's sites that changed since the one before. Sites
 * of the profile may stand for several of the ledger's, so changes are summed up anew:
 *
 *     ledger    site 7: 100   site 9: 50          site 7: 0
 *                     \        /                     |
 *     profile       site 3: 150                 site 3: 50
 *
 * The exact peak lies between two checkpoints: it, and the checkpoint behind it, are compared site
 * by site with what was told before.
 */
#include <stdlib.h>
#include <string.h>

#include "profile/build.h"

struct collector {
    const struct barrow_profile *profile;
    BARROW_ARRAY(struct barrow_point) points;
    BARROW_ARRAY(struct barrow_change) changes;
    /* By site of the profile. */
    struct barrow_value *known; /* as of the last checkpoint */
    struct barrow_value *told;  /* as of the last point */
    uint32_t *touched;          /* number of the point that changed it last, and ... */
    uint32_t *change;           /* ... the index of that change */
};

static bool begin_point(struct collector *c, struct barrow_point point)
{
    struct barrow_point *added = c->points.count < UINT32_MAX ? barrow_array_add(&c->points) : NULL;
    if (!added)
        return false;
    *added = point;
    added->first = c->changes.count;
    return true;
}

static void end_point(struct collector *c)
{
    struct barrow_point *point = &c->points.items[c->points.count - 1];
    point->count = c->changes.count - point->first;
}

/* Tells that a site holds `live` as of the point begun last. */
static bool tell(struct collector *c, uint32_t site, struct barrow_value live)
{
    c->told[site] = live;
    if (c->touched[site] == c->points.count) {
        c->changes.items[c->change[site]].live = live;
        return true;
    }
    struct barrow_change *change =
        c->changes.count < UINT32_MAX ? barrow_array_add(&c->changes) : NULL;
    if (!change)
        return false;
    *change = (struct barrow_change){.site = site, .live = live};
    c->touched[site] = (uint32_t)c->points.count;
    c->change[site] = (uint32_t)c->changes.count - 1;
    return true;
}

static bool same(struct barrow_value a, struct barrow_value b)
{
    return a.bytes == b.bytes && a.blocks == b.blocks;
}

/* A point at which a metric of the sites tells what lived. */
static bool add_exact(struct collector *c, struct barrow_point point, enum barrow_metric metric)
{
    const struct barrow_profile *profile = c->profile;
    if (!begin_point(c, point))
        return false;
    for (uint32_t i = 0; i < profile->sites_count; i++) {
        const struct barrow_site *site = &profile->sites[i];
        if (site->process == point.process && !same(site->value[metric], c->told[i]) &&
            !tell(c, i, site->value[metric]))
            return false;
    }
    end_point(c);
    return true;
}

/* `anew`: what was told last is no checkpoint. */
static bool add_checkpoint(struct collector *c, const struct profile_member *member,
                           const struct barrow_checkpoint *from, struct barrow_value *ledger_live,
                           bool anew)
{
    struct barrow_point point = {.time_ns = member->start_ns + from->time_ns,
                                 .live_bytes = from->live_bytes,
                                 .process = member->process};
    if (!begin_point(c, point))
        return false;
    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t index = from->entries[i].site;
        if (index >= member->site_count || member->sites[index] == 0)
            continue;
        uint32_t site = member->sites[index] - 1;
        struct barrow_value now = {from->entries[i].live_bytes, from->entries[i].live_blocks};
        c->known[site].bytes += now.bytes - ledger_live[index].bytes;
        c->known[site].blocks += now.blocks - ledger_live[index].blocks;
        ledger_live[index] = now;
        if (!anew && !tell(c, site, c->known[site]))
            return false;
    }
    for (uint32_t i = 0; anew && i < c->profile->sites_count; i++)
        if (c->profile->sites[i].process == member->process && !same(c->known[i], c->told[i]) &&
            !tell(c, i, c->known[i]))
            return false;
    end_point(c);
    return true;
}

static bool add_member(struct collector *c, const struct profile_member *member)
{
    const struct barrow_process *process = &c->profile->processes[member->process];
    struct barrow_checkpoints walk = barrow_ledger_checkpoints(member->ledger);
    struct barrow_checkpoint checkpoint;
    struct barrow_value *ledger_live = calloc(member->site_count + 1u, sizeof *ledger_live);
    bool ok = ledger_live != NULL, anew = false;
    bool to_come = c->profile->process_count == 1; /* the peak: else sites don't tell it */
    struct barrow_point peak = {.time_ns = member->start_ns + process->peak_ns,
                                .live_bytes = process->peak_bytes,
                                .process = member->process,
                                .is_peak = true};
    struct barrow_point end = {.time_ns = member->start_ns + process->duration_ns,
                               .live_bytes = process->live_bytes,
                               .process = member->process,
                               .is_end = true};

    while (ok && barrow_checkpoints_next(&walk, &checkpoint)) {
        if (to_come && checkpoint.time_ns > process->peak_ns) {
            ok = add_exact(c, peak, BARROW_METRIC_PEAK);
            to_come = false;
            anew = true;
        }
        ok = ok && add_checkpoint(c, member, &checkpoint, ledger_live, anew);
        anew = false;
    }
    if (ok && to_come)
        ok = add_exact(c, peak, BARROW_METRIC_PEAK);
    ok = ok && add_exact(c, end, BARROW_METRIC_LEAKED);
    free(ledger_live);
    return ok;
}

/* Of one instant: in the order in which they were made. */
static int compare_points(const void *left, const void *right)
{
    const struct barrow_point *a = left, *b = right;
    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns ? -1 : 1;
    return (a->first > b->first) - (a->first < b->first);
}

int barrow_profile_points(const struct barrow_profile *profile, struct barrow_points *points,
                          struct barrow_error *err)
{
    const struct profile_internal *internal = profile->internal;
    size_t room = profile->sites_count + 1;
    struct collector c = {
        .profile = profile,
        .known = calloc(room, sizeof *c.known),
        .told = calloc(room, sizeof *c.told),
        .touched = calloc(room, sizeof *c.touched),
        .change = calloc(room, sizeof *c.change),
    };
    bool ok = c.known && c.told && c.touched && c.change;

    for (size_t i = 0; ok && i < internal->members.count; i++)
        ok = add_member(&c, &internal->members.items[i]);
    if (ok)
        qsort(c.points.items, c.points.count, sizeof *c.points.items, compare_points);
    free(c.known);
    free(c.told);
    free(c.touched);
    free(c.change);
    *points = (struct barrow_points){.points = c.points.items,
                                     .count = c.points.count,
                                     .changes = c.changes.items,
                                     .change_count = c.changes.count};
    if (ok)
        return 0;
    barrow_points_free(points);
    return profile_no_memory(err);
}

void barrow_points_free(struct barrow_points *points)
{
    free(points->points);
    free(points->changes);
    *points = (struct barrow_points){0};
}

void barrow_points_at(const struct barrow_profile *profile, const struct barrow_points *points,
                      uint64_t time_ns, struct barrow_value *live, uint64_t *as_of_ns)
{
    bool any = false;
    *as_of_ns = time_ns;
    memset(live, 0, profile->sites_count * sizeof *live);
    for (uint32_t process = 0; process < profile->process_count; process++) {
        const struct barrow_process *lived = &profile->processes[process];
        if (time_ns < lived->start_ns || time_ns > lived->start_ns + lived->duration_ns)
            continue;
        uint64_t last = 0;
        bool found = false;
        for (size_t p = 0; p < points->count && points->points[p].time_ns <= time_ns; p++) {
            const struct barrow_point *point = &points->points[p];
            if (point->process != process)
                continue;
            for (size_t i = 0; i < point->count; i++)
                live[points->changes[point->first + i].site] =
                    points->changes[point->first + i].live;
            last = point->time_ns;
            found = true;
        }
        if (found && (!any || last < *as_of_ns)) {
            *as_of_ns = last;
            any = true;
        }
    }
}
