/* How much memory processes use now, read from /proc: any process, not only Python.
 *
 * A family is one process, and its descendants if they are asked for.  A descendant stays in it
 * until it ends, also when its parent ends first; one that comes and goes between two readings is
 * never seen.
 *
 * Nothing here uses malloc, takes a lock or touches errno: the sampler's thread reads in processes
 * whose allocations are counted.  A family belongs to one thread at a time.
 */
#ifndef BARROW_SERIES_PROCESS_H
#define BARROW_SERIES_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* X(name, what it counts) */
#define BARROW_MEASURES(X)                                                                 \
    X(rss, "resident memory, pages shared with other processes in full")                   \
    X(pss, "resident memory, shared pages divided by the number of those who share them") \
    X(uss, "resident memory of this process alone")

enum barrow_measure {
#define X(name, text) BARROW_MEASURE_##name,
    BARROW_MEASURES(X)
#undef X
};

extern const char *const barrow_measure_names[]; /* ended by NULL */

/* What was read when. */
struct barrow_reading {
    double time_s; /* since 1970 */
    uint64_t bytes;
};

struct barrow_member {
    int pid;
    int statm_fd;   /* -1: opened at each reading */
    uint64_t bytes; /* at the last reading; 0: it ended */
};

struct barrow_family {
    enum barrow_measure measure;
    bool descendants;
    struct barrow_member *members; /* the process itself, then its descendants */
    size_t count, room;
    int status_fd;           /* of the process itself */
    uint64_t next_search_ns; /* when to look for new descendants */
    uint64_t next_read_ns;   /* PSS and USS: when to read again */
};

/* Fails if the process isn't there or can't be read, and takes the first reading. */
int barrow_family_init(struct barrow_family *family, int pid, enum barrow_measure measure,
                       bool descendants, struct barrow_error *err);
/* Reads every member anew and drops the descendants that ended.  False: the process itself ended,
 * and its figures are those of before.
 *
 * The search for descendants takes at most a third of a percent of the time; PSS and USS, for which
 * the kernel walks all pages and keeps the process's new mappings waiting, at most a tenth of it:
 * in between, the last reading stands. */
bool barrow_family_read(struct barrow_family *family);
/* Of all members together, at the last reading. */
uint64_t barrow_family_bytes(const struct barrow_family *family);
/* The highest RSS that the process itself ever had, from the kernel (VmHWM: exact, nothing is
 * sampled); 0: not known, for instance because it ended. */
uint64_t barrow_family_highest_rss(const struct barrow_family *family);
/* Also after a barrow_family_init() that failed. */
void barrow_family_free(struct barrow_family *family);

#endif
