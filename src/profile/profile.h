/* The profile: stacks x values, the noun that record's views and exporters take.
 *
 * A profile is loaded from one or several ledgers of one run (live, dead or damaged; what could
 * not be read is in `warnings`).  Equal frames and equal stacks are one, whatever process or
 * code instance they came from.  Everything a profile holds belongs to it and lives until
 * barrow_profile_free().  Not thread-safe.  Errors: damaged or foreign input fails with
 * BARROW_E_FORMAT only if nothing at all can be shown.
 *
 * Bytes are requested bytes.  Inherited sites of fork children are not in `sites`; their sum is
 * in the process record.
 *
 * Several processes: peaks lie at different times and are never added.  `peak_bytes` is the highest sum of
 * the live series (samples and each process' own exact peak; 0 before its start and after its
 * end), at `peak_ns`.  A site's PEAK value is then what it held nearest to that time: at the process'
 * own peak or at a checkpoint, whichever is nearer, and 0 if the process did not live; so these
 * need not sum to `peak_bytes`.  With one process they do, within `peak_imprecision_bytes`.
 */
#ifndef BARROW_PROFILE_PROFILE_H
#define BARROW_PROFILE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ledger/format.h"

/* X(NAME, its name on the command line, words) */
#define BARROW_METRICS(X)                                                  \
    X(PEAK, "peak", "live at the peak")                                    \
    X(LEAKED, "leaked", "still allocated when recording ended")            \
    X(TOTAL, "total", "allocated in all")                                  \
    X(TEMPORARY, "temporary", "freed again at once")
enum barrow_metric {
#define X(name, text, words) BARROW_METRIC_##name,
    BARROW_METRICS(X)
#undef X
    BARROW_METRIC_COUNT
};

struct barrow_frame {     /* a line of a function; index 0: no Python frame */
    const char *function; /* qualified name */
    const char *file;
    const char *module; /* dotted name by sys.path, "__main__" for the script, else file stem */
    uint32_t line;      /* 0: unknown */
    uint32_t first_line;
};

struct barrow_value {
    uint64_t bytes;
    uint64_t blocks;
};

/* A merged stack node.  Index 0 is the tree's root.  Parents come before children. */
struct barrow_node {
    uint32_t parent;
    uint32_t frame;
    uint32_t depth;
    bool is_thread; /* a thread group: `frame`'s function is the group's name */
    bool is_folded; /* stands for frames left out to keep the table budget */
};

struct barrow_site {
    uint32_t node;
    uint32_t process;
    enum ledger_domain domain;
    struct barrow_value value[BARROW_METRIC_COUNT];
    uint64_t frees;
};

struct barrow_sample {
    uint64_t time_ns; /* since the start of the run's root process */
    uint32_t process;
    uint64_t rss_bytes, pss_bytes, heap_bytes, minor_faults, major_faults;
    uint64_t file_bytes; /* of rss_bytes: pages of files and shared memory; 0: not measured */
    uint32_t threads;
};

struct barrow_gc_event {
    uint64_t time_ns, pause_ns;
    uint32_t process, generation, collected, uncollectable;
};

struct barrow_mark { /* a point in time that the program gave a name */
    uint64_t time_ns, duration_ns;
    uint32_t process;
    const char *name;
};

/* A line of a function that was chosen for profiling, or such a function itself; see struct
 * ledger_line.  Summed, or the highest, over the processes and over code objects that are equal. */
struct barrow_profiled {
    uint32_t frame;   /* its function, file, line; of a function its first line */
    bool is_function; /* occurrences: calls; memory: RSS at the call */
    uint64_t occurrences, memory_bytes, peak_bytes;
    int64_t increment_bytes;
};

struct barrow_process {
    const char *path; /* of the ledger */
    uint32_t pid, parent_pid;
    bool is_root, complete;
    enum ledger_end end;
    uint64_t start_ns; /* relative to the root's start */
    uint64_t duration_ns, peak_bytes, peak_ns, live_bytes, live_blocks, max_rss_bytes;
    uint64_t inherited_bytes, inherited_blocks; /* at the fork */
    const char *command; /* words joined by spaces, quoted where needed */
};

struct barrow_profile {
    /* The whole, as `barrow summary` shows it. */
    const char *command, *python;
    uint32_t pid;
    enum ledger_mode mode;
    enum ledger_scope scope;
    bool complete;
    uint64_t start_realtime_ns, duration_ns, peak_bytes, peak_ns;
    uint64_t live_bytes, live_blocks, total_bytes, allocations, frees;
    uint64_t unknown_frees, temporary_allocations, temporary_bytes;
    uint64_t inherited_bytes, inherited_blocks;
    uint64_t peak_imprecision_bytes;
    uint64_t site_count, stack_count, threads, max_rss_bytes;
    uint64_t dropped[LEDGER_DROP_LIMIT];
    uint64_t checked_captures, capture_mismatches; /* of `--check-stacks`; else 0 */

    struct barrow_frame *frames;
    size_t frame_count;
    struct barrow_node *nodes;
    size_t node_count;
    struct barrow_site *sites;
    size_t sites_count;
    struct barrow_sample *samples; /* by time */
    size_t sample_count;
    uint64_t sample_interval_ns; /* resolution of `samples` */
    struct barrow_gc_event *gc_events; /* the longest, by time */
    size_t gc_event_count;
    struct barrow_mark *marks; /* by time */
    size_t mark_count;
    struct barrow_profiled *profiled; /* by file, function, line; a function before its lines */
    size_t profiled_count;
    struct ledger_gc_totals gc[LEDGER_GC_GENERATIONS];
    uint64_t gc_pauses[LEDGER_PAUSE_BUCKETS];
    uint64_t sizes[LEDGER_DOMAIN_COUNT][LEDGER_SIZE_BUCKETS];
    struct barrow_process *processes;
    size_t process_count;
    char **warnings; /* one line each: what is damaged or missing, and how much was lost */
    size_t warning_count;

    void *internal;
};

/* `paths`: ledgers or directories holding them.  All must be of one run id. */
int barrow_profile_load(struct barrow_profile **out, const char *const *paths, size_t count,
                        struct barrow_error *err);
/* The same from one ledger in memory; `bytes` is not needed afterwards, `name` stands for the path. */
int barrow_profile_load_bytes(struct barrow_profile **out, const void *bytes, size_t count,
                              const char *name, struct barrow_error *err);
void barrow_profile_free(struct barrow_profile *profile);

/* ---- what lived when (src/profile/points.c) ---- */

/* A point in time at which a process' live bytes are known site by site: its checkpoints, its exact
 * peak (profiles of one process only) and its end.  `changes[first .. first + count)` are the sites
 * whose live value differs from that process' point before; the first point tells all that lived. */
struct barrow_point {
    uint64_t time_ns; /* since the start of the run's root process */
    uint64_t live_bytes;
    uint32_t process;
    bool is_peak, is_end;
    size_t first, count;
};
struct barrow_change {
    uint32_t site; /* index in `sites` */
    struct barrow_value live;
};
struct barrow_points {
    struct barrow_point *points; /* by time */
    size_t count;
    struct barrow_change *changes;
    size_t change_count;
};
int barrow_profile_points(const struct barrow_profile *profile, struct barrow_points *points,
                          struct barrow_error *err);
void barrow_points_free(struct barrow_points *points);

/* What each site held at a time: `live`, an array of `sites_count`, is filled from each process'
 * last point at or before `time_ns`; 0 before a process' first point and after its end.
 * `*as_of_ns`: the oldest of the points used, or `time_ns` if none was. */
void barrow_points_at(const struct barrow_profile *profile, const struct barrow_points *points,
                      uint64_t time_ns, struct barrow_value *live, uint64_t *as_of_ns);

/* ---- where an object was born (src/profile/birth.c) ---- */

/* The index in `sites` of site `number` of the table SITES in the ledger of `process` (an index in
 * `processes`): of what a heap snapshot calls an object's birth.  BARROW_NO_SITE: unknown, inherited
 * by a fork, or lost. */
#define BARROW_NO_SITE UINT32_MAX
uint32_t barrow_profile_site_of(const struct barrow_profile *profile, uint32_t process,
                                uint32_t number);

/* The ledger of `process`, for what a profile leaves in it: heap snapshots (ledger/heap.h).  The tables that a profile
 * is made of are gone from it.  NULL: there is no such process. */
struct barrow_ledger;
const struct barrow_ledger *barrow_profile_ledger(const struct barrow_profile *profile,
                                                  uint32_t process);

/* ---- grouping: profile -> rows (src/profile/group.c) ---- */

/* X(NAME, its name on the command line) */
#define BARROW_GROUPINGS(X) \
    X(LINE, "line")         \
    X(FUNCTION, "function") \
    X(FILE, "file")         \
    X(MODULE, "module")     \
    X(DOMAIN, "domain")     \
    X(THREAD, "thread")     \
    X(STACK, "stack")
enum barrow_grouping {
#define X(name, text) BARROW_BY_##name,
    BARROW_GROUPINGS(X)
#undef X
    BARROW_BY_COUNT
};

struct barrow_row {
    const char *name;     /* file, module, domain or thread grouping: the group */
    const char *function; /* line, function ("" with no Python frame) */
    const char *file;
    uint32_t line;
    enum ledger_domain domain;
    uint32_t frame; /* line, function, file, module: a frame of the group */
    uint32_t node; /* stack: the leaf; walk parents, skip is_thread */
    uint64_t bytes, blocks;
    /* of the same group, for text views that show more than the metric asked for */
    struct barrow_value value[BARROW_METRIC_COUNT];
};

struct barrow_query {
    enum barrow_metric metric;
    enum barrow_grouping by;
    bool inclusive;     /* count a stack at each of its distinct frames, else at its leaf only */
    const char *filter; /* NULL, or words as in barrow_filter_help(); an error if malformed */
    size_t limit;       /* 0: all */
    /* NULL, or for each of the profile's sites what is summed in place of its metrics, such as what
     * it held at some time; rows' `value` is then 0 but for `metric`. */
    const struct barrow_value *values;
};

/* Rows by falling bytes, then blocks, then names; rows of 0 bytes and 0 blocks are left out.
 * `*rows` is to be freed with free(); strings belong to the profile. */
int barrow_profile_rows(const struct barrow_profile *profile, const struct barrow_query *query,
                        struct barrow_row **rows, size_t *count, struct barrow_error *err);

/* One text on the filter language: `key=glob`, `key!=glob`, joined by `,`; keys: file, function,
 * module, domain, thread, line, process.  Tests the leaf frame; `any.file=…` any frame of the stack. */
const char *barrow_filter_help(void);

#endif
