#include "table/snapshots.h"

#include <stdlib.h>

#include "base/array.h"
#include "ledger/read.h"

static int compare_times(const void *left, const void *right)
{
    const struct barrow_snapshot_place *a = left, *b = right;

    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns ? -1 : 1;
    if (a->process != b->process)
        return a->process < b->process ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

/* Appends those of one process; false: no memory. */
static bool find_in(struct barrow_snapshots *snapshots, const struct barrow_profile *profile,
                    uint32_t process)
{
    const struct barrow_ledger *ledger = barrow_profile_ledger(profile, process);
    uint32_t count = ledger ? barrow_heap_count(ledger) : 0;
    struct barrow_error why;

    for (uint32_t number = 1; number <= count; number++) {
        struct barrow_snapshot_place place = {.process = process, .number = number};
        if (barrow_heap_describe(&place.info, ledger, number, &why) < 0) {
            barrow_notes_add(&snapshots->warnings, "%s", why.text);
            continue;
        }
        place.time_ns = profile->processes[process].start_ns + place.info.time_ns;
        struct barrow_snapshot_place *items =
            realloc(snapshots->items, (snapshots->count + 1) * sizeof *items);
        if (!items)
            return false;
        snapshots->items = items;
        items[snapshots->count++] = place;
    }
    return true;
}

int barrow_snapshots_find(struct barrow_snapshots *snapshots, const struct barrow_profile *profile,
                          struct barrow_error *err)
{
    *snapshots = (struct barrow_snapshots){0};
    for (uint32_t i = 0; i < profile->process_count; i++) {
        if (find_in(snapshots, profile, i))
            continue;
        barrow_snapshots_free(snapshots);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    }
    if (snapshots->count)
        qsort(snapshots->items, snapshots->count, sizeof *snapshots->items, compare_times);
    return 0;
}

void barrow_snapshots_free(struct barrow_snapshots *snapshots)
{
    free(snapshots->items);
    barrow_notes_free(&snapshots->warnings);
    *snapshots = (struct barrow_snapshots){0};
}

int barrow_snapshot_load(struct barrow_graph **out, const struct barrow_profile *profile,
                         const struct barrow_snapshot_place *place,
                         const struct barrow_graph_progress *progress, struct barrow_error *err)
{
    return barrow_graph_of_ledger(out, barrow_profile_ledger(profile, place->process),
                                  place->number, progress, err);
}

/* Shows the identity the snapshots before `place`. */
static int see_earlier(struct barrow_identity *identity, const struct barrow_profile *profile,
                       const struct barrow_snapshot_place *place, struct barrow_error *err)
{
    const struct barrow_ledger *ledger = barrow_profile_ledger(profile, place->process);
    struct barrow_notes ignored = {0};
    struct barrow_error why;
    int rc = 0;

    for (uint32_t number = 1; number < place->number && rc == 0; number++) {
        struct barrow_heap *heap = NULL;
        if (barrow_heap_read(&heap, ledger, number, &ignored, &why) < 0)
            continue; /* a damaged one has no part in it */
        uint32_t *numbers =
            calloc((size_t)heap->object_count + heap->root_count + 1, sizeof *numbers);
        rc = numbers ? barrow_identity_add(identity, heap, numbers, err)
                     : barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
        free(numbers);
        barrow_heap_free(heap);
    }
    barrow_notes_free(&ignored);
    return rc;
}

int barrow_snapshot_numbers(uint32_t **numbers, const struct barrow_profile *profile,
                            const struct barrow_snapshot_place *place,
                            const struct barrow_graph *graph, struct barrow_error *err)
{
    struct barrow_identity identity = {0};

    *numbers = calloc((size_t)graph->vertex_count + 1, sizeof **numbers);
    int rc = *numbers ? see_earlier(&identity, profile, place, err)
                      : barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    if (rc == 0)
        rc = barrow_identity_add(&identity, graph->heap, *numbers, err);
    barrow_identity_free(&identity);
    if (rc < 0) {
        free(*numbers);
        *numbers = NULL;
    }
    return rc;
}
