/* Looking for leaks in a heap snapshot: what piles up, who holds it, where it was born.
 *
 * What counts: with several snapshots, objects that are new since the first; of a recorded program, objects
 * whose places of birth kept growing until the snapshot; else all data.  What imports made never counts.
 */
#ifndef BARROW_CLI_LEAKS_FIND_H
#define BARROW_CLI_LEAKS_FIND_H

#include "cli/heap_view.h"
#include "cli/leak_holder.h"
#include "graph/suspects.h"

enum barrow_leak_evidence { LEAKS_BY_SNAPSHOTS, LEAKS_BY_TIME, LEAKS_BY_SIZE };

struct barrow_leak_finding {
    const struct barrow_suspect *suspect; /* NULL: blocks of no object */
    uint64_t bytes, objects;
    struct barrow_holder_place holder;
    char *path;
    struct barrow_birth_line birth; /* frame 0: not known */
};

struct barrow_leak_search {
    struct barrow_heap_view h;
    enum barrow_leak_evidence evidence;
    uint8_t *counts; /* by object: 1 if it does */
    struct barrow_suspect *suspects;
    size_t suspect_count;
    struct barrow_leak_finding *findings; /* largest first */
    size_t count;
    uint64_t least; /* bytes that a finding needs */
};

/* `s->h` has been opened from `operands`; the rest is zero.  Free it in any case. */
int barrow_leaks_search(struct barrow_leak_search *s, char **operands, struct barrow_error *err);
void barrow_leaks_search_free(struct barrow_leak_search *s);

#endif
