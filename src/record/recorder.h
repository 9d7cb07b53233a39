/* Starting and ending a recording.  All of this is called with the interpreter lock held. */
#ifndef BARROW_RECORD_RECORDER_H
#define BARROW_RECORD_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ledger/census.h"

struct barrow_recorder_options {
    const char *path;      /* of the ledger; NULL: in memory */
    const char *root_path; /* FILE of the run's root process: descendants' names derive from it */
    uint8_t run_id[16];
    enum ledger_scope scope;
    uint64_t max_table_bytes; /* 0: the default */
    bool is_root;
    bool quiet;    /* no closing line */
    bool children; /* record forked children */
    bool check;    /* compare every capture with an uncached walk */
    const char *python_version;
    const char *executable;
    uint32_t python_hexversion;
    const char *command; /* argv, each item ended by NUL */
    uint32_t command_bytes;
};

#define BARROW_DEFAULT_MAX_TABLE (64ull << 20)

/* What a ledger that begins now says of this process. */
void barrow_recorder_describe(struct ledger_header *header,
                              const struct barrow_recorder_options *options);

/* *note: NULL, or one line that the user should see (static storage). */
int barrow_recorder_start(const struct barrow_recorder_options *options, const char **note,
                          struct barrow_error *err);

/* Ends the recording and leaves the ledger complete.  With `at_exit` what only a next recording
 * would need is left undone.  0 or -1 with the reason. */
int barrow_recorder_stop(enum ledger_end end, bool at_exit, struct barrow_error *err);

bool barrow_recorder_is_on(void);
/* True if it had to end before the program did: no space, or the ledger can't be written. */
bool barrow_recorder_ended_early(void);

/* The highest live bytes until now. */
int64_t barrow_recorder_peak_bytes(void);

/* One line on standard error, unless that is not any more what it was at the start. */
void barrow_recorder_say(const char *line);
/* The closing line of a run's root process. */
void barrow_recorder_say_goodbye(void);

void barrow_recorder_new_run_id(uint8_t id[16]);

/* The ledger's path during and after a recording; for one in memory a path below /proc that stays valid until
 * the next recording starts. */
const char *barrow_recorder_path(void);

void barrow_recorder_add_sys_path(const char *directory);

/* A named point in time. */
void barrow_recorder_mark(const char *name);

/* Stores a class census, if something is recorded; its time is now.  False: nothing is, or no room. */
bool barrow_recorder_census(const struct ledger_census *head,
                            const struct ledger_census_class *classes, size_t count);

/* The collector's callbacks. */
void barrow_gc_started(int generation);
void barrow_gc_stopped(int generation, uint64_t collected, uint64_t uncollectable);

/* The first free name for process `pid` of the run whose root writes `root_path`. */
void barrow_child_path(char *path, uint32_t limit, const char *root_path, int pid,
                       const uint8_t run_id[16]);

/* A region: a recording inside the recording, with its own baseline and its own exact peak. */
struct barrow_region_result {
    uint64_t start_ns, stop_ns;
    uint64_t peak_bytes, peak_ns; /* above the baseline */
    int64_t live_bytes, live_blocks; /* change from start to stop */
    uint64_t total_bytes, allocations, frees, temporary_allocations;
    uint64_t unknown_frees; /* of blocks older than the recording; in none of the others */
};
/* An id, or -1 if nothing is recorded or there is no room. */
int barrow_region_start(void);
int barrow_region_stop(int id, struct barrow_region_result *result);

#endif
