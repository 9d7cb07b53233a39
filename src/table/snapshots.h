/* The heap snapshots of a recording: those of all its processes, by time.
 *
 *     barrow_snapshots_find(&snapshots, profile, err);
 *     for (size_t i = 0; i < snapshots.count; i++)
 *         barrow_snapshot_load(&graph, profile, &snapshots.items[i], NULL, err);
 *     barrow_snapshots_free(&snapshots);
 *
 * Finding them is cheap: no column is read.  What can't be read at all is left out and noted in `warnings`.
 */
#ifndef BARROW_TABLE_SNAPSHOTS_H
#define BARROW_TABLE_SNAPSHOTS_H

#include "graph/graph.h"
#include "graph/identity.h"
#include "profile/profile.h"

struct barrow_snapshot_place {
    uint32_t process; /* of the profile */
    uint32_t number;  /* in its process' ledger, from 1 */
    uint64_t time_ns; /* since the start of the run's root process */
    struct barrow_heap_info info;
};
struct barrow_snapshots {
    struct barrow_snapshot_place *items;
    size_t count;
    struct barrow_notes warnings;
};

int barrow_snapshots_find(struct barrow_snapshots *snapshots, const struct barrow_profile *profile,
                          struct barrow_error *err);
void barrow_snapshots_free(struct barrow_snapshots *snapshots);

/* Reads one, with its dominators and retained sizes. */
int barrow_snapshot_load(struct barrow_graph **out, const struct barrow_profile *profile,
                         const struct barrow_snapshot_place *place,
                         const struct barrow_graph_progress *progress, struct barrow_error *err);

/* Numbers of the vertices of `graph`, which is the snapshot at `place`, that are those of the process' earlier
 * snapshots too (graph/identity.h).  To be freed with free(); reads the earlier ones. */
int barrow_snapshot_numbers(uint32_t **numbers, const struct barrow_profile *profile,
                            const struct barrow_snapshot_place *place,
                            const struct barrow_graph *graph, struct barrow_error *err);

#endif
