/* A profile being put together.  Private to src/profile. */
#ifndef BARROW_PROFILE_BUILD_H
#define BARROW_PROFILE_BUILD_H

#include "base/notes.h"
#include "profile/member.h"
#include "profile/profile.h"

/* What a finished profile keeps (`internal`). */
struct profile_internal {
    struct barrow_arena arena; /* of its strings */
    /* The root first, then by start.  Trimmed when they have been added. */
    BARROW_ARRAY(struct profile_member) members;
};

struct profile_build {
    struct barrow_profile *profile; /* its sums are filled while members are added */
    struct profile_names names;
    struct profile_internal *internal; /* the profile's */
    BARROW_ARRAY(struct barrow_site) sites;
    BARROW_ARRAY(uint32_t) last_site;     /* by node: its newest site + 1, 0: none */
    BARROW_ARRAY(uint32_t) earlier_site;  /* by site: the site of its node before it + 1 */
    BARROW_ARRAY(struct barrow_sample) samples;
    BARROW_ARRAY(struct barrow_gc_event) gc_events;
    BARROW_ARRAY(struct barrow_mark) marks;
    BARROW_ARRAY(struct barrow_profiled) profiled;
    BARROW_ARRAY(struct barrow_process) processes;
    struct barrow_notes warnings;
    uint64_t epoch_ns; /* CLOCK_MONOTONIC at the root's start */
};

/* build.c: begin, then add one ledger after another (the root first), then finish; end in any case. */
int profile_build_begin(struct profile_build *build, struct barrow_error *err);
/* The build owns the ledger from now on, also on failure. */
bool profile_build_add(struct profile_build *build, struct barrow_ledger *ledger);
int profile_build_finish(struct profile_build *build, struct barrow_error *err);
/* Frees the build; gives its profile to *out if `result` is 0, else frees that too. */
void profile_build_end(struct profile_build *build, struct barrow_profile **out, int result);
int profile_no_memory(struct barrow_error *err);

/* The parts of adding and finishing.  All return false when memory is out. */

/* A member's sites with their counters, and its process' sums (sites.c). */
bool profile_build_sites(struct profile_build *build, struct profile_member *member,
                         struct barrow_process *process);
/* A member's samples, gc events and marks (series.c). */
bool profile_build_series(struct profile_build *build, struct profile_member *member);
/* When all members are in: sorts them by time and drops the doubles of thinning. */
void profile_build_sort_series(struct profile_build *build);
/* A member's lines of functions chosen for profiling; when all are in: sorts and adds them up
 * (profiled.c). */
bool profile_build_profiled(struct profile_build *build, struct profile_member *member);
void profile_build_sum_profiled(struct profile_build *build);
/* When all members are in: the peak of several processes together (peak.c). */
bool profile_build_merged_peak(struct profile_build *build);

#endif
