/* The ledger, format 1: the bytes of a *.barrow file.
 *
 * The recorded process maps the file MAP_SHARED and keeps its tables in it, so the file
 * is complete at every instant: readers may open it while it grows, after a SIGKILL, and
 * when it is truncated or damaged.  All numbers are little-endian; all structs below are
 * free of padding holes.  docs/internals/ledger.md is the prose.
 *
 *     page 0      struct ledger_header           written once, checksummed
 *     page 1      a copy of page 0               used when page 0 is damaged
 *     page 2..3   struct ledger_state            counters that change all the time
 *     page 4..    extents, one after another     each: a header page, then whole pages of records
 *
 * A table of kind K is the concatenation of its extents' records, in order of
 * `first_record`; `state.used[K]` says how many of them are valid.  A reader takes
 * min(used, what the extents hold): a lost extent leaves a hole, it never shifts indices.
 * Index 0 of CODES, NODES, SITES and offset 0 of STRINGS are reserved for "none".
 *
 * Times are nanoseconds since the start of recording (CLOCK_MONOTONIC).
 */
#ifndef BARROW_LEDGER_FORMAT_H
#define BARROW_LEDGER_FORMAT_H

#include <stdint.h>

#include "ledger/kinds.h"

#define LEDGER_MAGIC "\211BARROW\n"
#define LEDGER_FORMAT 1u
#define LEDGER_BYTE_ORDER 0x01020304u
#define LEDGER_PAGE 4096u
#define LEDGER_STATE_OFFSET (2 * LEDGER_PAGE)
#define LEDGER_STATE_PAGES 2u
#define LEDGER_EXTENTS_OFFSET ((2 + LEDGER_STATE_PAGES) * LEDGER_PAGE)

enum ledger_mode { LEDGER_MODE_COUNT = 0, LEDGER_MODE_EVENTS = 1, LEDGER_MODE_SAMPLE = 2 };
enum ledger_scope { LEDGER_SCOPE_ALL = 0, LEDGER_SCOPE_SYSTEM = 1 };

/* X(number, NAME, its name in output).  At most 16. */
#define LEDGER_DOMAINS(X) \
    X(0, OBJ, "obj")      \
    X(1, MEM, "mem")      \
    X(2, MALLOC, "malloc") \
    X(3, MMAP, "mmap")
enum ledger_domain {
#define X(number, name, text) LEDGER_DOMAIN_##name = number,
    LEDGER_DOMAINS(X)
#undef X
    LEDGER_DOMAIN_COUNT
};

/* How a recording ended: X(number, NAME, 1 if the ledger is complete, words). */
#define LEDGER_ENDS(X)                                                     \
    X(0, NONE, 0, "still running, or killed")                              \
    X(1, EXIT, 1, "the program ended")                                     \
    X(2, STOP, 1, "stop() was called")                                     \
    X(3, UNDERSCORE_EXIT, 1, "the program called _exit")                   \
    X(4, EXEC, 1, "the process was replaced by exec")                      \
    X(5, NO_SPACE, 0, "recording ended early: no space for the ledger")    \
    X(6, IO_ERROR, 0, "recording ended early: the ledger can't be written")
enum ledger_end {
#define X(number, name, complete, words) LEDGER_END_##name = number,
    LEDGER_ENDS(X)
#undef X
};

/* What was given up, counted: X(number, name in the JSON object `dropped`, words). */
#define LEDGER_DROPS(X)                                                                        \
    X(0, folded_stacks, "captures shortened because the table budget was reached")             \
    X(1, missed_frees, "blocks whose free was not seen (their address was given out again)")   \
    X(2, reentrant_events, "events inside a signal handler that interrupted the recorder")     \
    X(3, lost_allocations, "allocations that could not be booked")                             \
    X(4, lost_samples, "process samples that could not be taken")                              \
    X(5, lost_checkpoints, "checkpoints that could not be stored")                             \
    X(6, lost_children, "child processes that could not be recorded")                          \
    X(7, unaligned_blocks, "blocks that share a 16-byte granule with another")                 \
    X(8, ended_early, "1 if recording ended before the program did")                           \
    X(9, lost_threads, "threads that could not be recorded")
enum ledger_drop {
#define X(number, name, words) LEDGER_DROP_##name = number,
    LEDGER_DROPS(X)
#undef X
    LEDGER_DROP_LIMIT = 32
};

struct ledger_header {
    char magic[8];
    uint32_t format;
    uint32_t byte_order;
    uint32_t checksum; /* crc32 (IEEE) of the page with this field 0 */
    uint32_t page_bytes;
    uint8_t run_id[16]; /* the same for a process and its descendants */
    uint32_t pid;
    uint32_t parent_pid;
    uint64_t start_realtime_ns;
    uint64_t start_monotonic_ns;
    uint32_t python_hexversion;
    uint8_t mode;
    uint8_t scope;
    uint8_t is_root;  /* 1: the process that `barrow run` or record() started in */
    uint8_t is_bundle; /* 1: this file holds ledgers of the run, in MEMBER extents, and no tables */
    uint32_t inherited_sites; /* in a fork child: sites 1..n hold what the parent had; else 0 */
    uint32_t inherited_nodes;
    uint64_t max_table_bytes;
    uint64_t reserved1[4];
    char barrow_version[16];
    char python_version[96];
    char executable[512];
    char working_directory[512];
    uint32_t command_bytes; /* of `command` in use */
    char command[2048];     /* argv, each item ended by NUL; cut at 2048 bytes */
    uint8_t reserved2[788];
};

struct ledger_gc_totals { /* of one generation */
    uint64_t collections;
    uint64_t collected;
    uint64_t uncollectable;
    uint64_t pause_ns;
    uint64_t longest_ns;
    uint64_t reserved;
};

#define LEDGER_GC_GENERATIONS 3
#define LEDGER_PAUSE_BUCKETS 48 /* bucket i: pauses of [2^i, 2^(i+1)) ns */

/* Size histogram: bucket 0 is 0 bytes; 1..32 are ((b-1)*16, b*16]; above 512, four buckets an
 * octave: 33 + 4*(floor(log2(n-1)) - 9) + the two bits below the top bit of n-1. */
#define LEDGER_SIZE_BUCKETS 192

struct ledger_state {
    /* Written under the interpreter lock; one cache line. */
    int64_t live_bytes;     /* of own blocks (not inherited), as counted under the lock */
    int64_t best_bytes;     /* highest live total of a closed climb; see below */
    uint32_t epoch;         /* number of climbs closed so far, from 1 */
    uint32_t reserved0;
    uint64_t best_ns;       /* time of best_bytes */
    uint64_t now_ns;        /* coarse clock, written by the helper thread */
    uint64_t unknown_frees; /* frees of blocks older than the recording */
    uint64_t reserved1[2];
    /* Written without the lock, by atomic operations; one cache line. */
    int64_t native_live_bytes; /* live total = live_bytes + native_live_bytes */
    uint64_t native_unknown_frees;
    uint64_t reserved2[6];
    /* Rarely written. */
    uint32_t end;    /* enum ledger_end */
    uint32_t end_signal;
    uint64_t end_ns;
    uint64_t threads; /* threads that allocated */
    uint64_t max_rss_bytes;
    uint64_t file_bytes; /* length of the file in use */
    uint64_t sample_interval_ns;
    uint64_t checkpoint_interval_ns;
    uint64_t native_imprecision_bytes; /* the peak may be off by this much: threads x 64 KiB */
    uint64_t inherited_bytes; /* live in the parent when this child was forked */
    uint64_t inherited_blocks;
    uint64_t checked_captures;   /* in check mode: captures compared with an uncached walk ... */
    uint64_t capture_mismatches; /* ... and those that differed */
    uint64_t reserved3[4];
    uint64_t used[LEDGER_KIND_LIMIT];    /* records (bytes) in use of each table */
    uint64_t dropped[LEDGER_DROP_LIMIT]; /* enum ledger_drop */
    struct ledger_gc_totals gc[LEDGER_GC_GENERATIONS];
    uint64_t gc_pauses[LEDGER_PAUSE_BUCKETS];
    uint64_t sizes[4][LEDGER_SIZE_BUCKETS]; /* allocations by size, per domain */
    uint8_t reserved4[752];
};

#define LEDGER_EXTENT_MAGIC 0x4e545845u /* "EXTN" */

enum ledger_codec { LEDGER_CODEC_STORED = 0, LEDGER_CODEC_ZSTD = 1 };

struct ledger_extent {
    uint32_t magic;
    uint32_t checksum; /* crc32 of the first 64 bytes with this field 0 */
    uint16_t kind;
    uint16_t version;  /* of the kind; 1 */
    uint32_t record_bytes;
    uint64_t offset;       /* of this header in the file */
    uint64_t payload_bytes; /* whole pages, following this header page */
    uint64_t first_record;
    uint64_t capacity;     /* records */
    uint32_t codec;        /* enum ledger_codec */
    uint32_t reserved;
    uint64_t reserved1;
    /* not under `checksum` */
    uint64_t sealed_bytes;    /* blobs: length of the payload, else 0 */
    uint32_t sealed_checksum; /* crc32 of it */
    uint32_t reserved2;
};

/* STRINGS: at a string's offset lies a u32 length, then the bytes (UTF-8, surrogatepass). */

struct ledger_code {
    uint32_t file;     /* string offsets */
    uint32_t name;     /* qualified name */
    uint32_t line_table; /* co_linetable, verbatim (CPython 3.11+ location table) */
    uint32_t first_line;
    uint64_t content; /* hash of file, name, first line, bytecode and line table */
    uint64_t reserved[2];
};

/* A stack node is a frame seen below one particular caller chain.  `parent` is the caller's
 * node; 0 for a thread group's root.  Roots have code 0 and are listed in THREAD_GROUPS.
 * A node with code LEDGER_CODE_ALIAS is an index of the recorder's: readers skip it.
 * Two nodes of the same parent may be equal in (code, offset): readers merge them.
 * A node whose code is 0 and which is no root was being written: readers treat it as unknown. */
#define LEDGER_CODE_ALIAS 0xffffffffu
#define LEDGER_CODE_FOLDED 0xfffffffeu /* stands for frames left out to keep the table budget */
struct ledger_node {
    uint64_t instruction; /* the recorder's key; meaningless to readers */
    uint32_t parent;
    uint32_t code;
    int32_t offset; /* instruction within the code, in code units of 2 bytes; -1: before the first */
    uint32_t first_child; /* recorder's links: meaningless to readers */
    uint32_t next;
    uint32_t site;
};

/* One cache line.  Live = allocated - freed.  What was live at the peak: if the climb is open
 * (live total > best_bytes) what is live now, else epoch == state.epoch ? at_peak : live.
 * at_peak_* are valid only if epoch == state.epoch. */
struct ledger_site {
    uint64_t allocated_bytes;
    uint64_t allocations;
    uint64_t freed_bytes;
    uint64_t frees;
    uint64_t at_peak_bytes;
    uint64_t temporary_bytes;
    uint64_t temporaries;
    uint32_t at_peak_blocks;
    uint32_t epoch;
};

struct ledger_site_info {
    uint32_t node;
    uint32_t domain_next; /* domain in the low 4 bits; the rest is the recorder's link */
};

struct ledger_sample {
    uint64_t time_ns;
    uint64_t rss_bytes;
    uint64_t pss_bytes;  /* 0: not measured */
    uint64_t heap_bytes; /* live bytes as counted */
    uint64_t minor_faults;
    uint64_t major_faults;
    uint64_t gc_collections;
    uint32_t threads;
    uint32_t file_pages; /* of rss: pages of files and shared memory, in units of 4096 bytes */
};

struct ledger_gc_event {
    uint64_t time_ns; /* start */
    uint64_t pause_ns;
    uint32_t generation;
    uint32_t collected;
    uint32_t uncollectable;
    uint32_t reserved;
};

struct ledger_mark {
    uint64_t time_ns;
    uint64_t duration_ns;
    uint32_t name;
    uint32_t kind; /* 0 user annotation, 1 fork, 2 exec, 3 region */
    uint64_t value;
};

struct ledger_thread_group {
    uint32_t name; /* with trailing digits as one `*` */
    uint32_t node;
    uint64_t threads; /* how many had this name */
};

struct ledger_sys_path {
    uint32_t directory;
    uint32_t reserved;
};

/* A checkpoint in the CHECKPOINTS byte store: this header, then `entries` of ledger_checkpoint_entry.
 * The first one that is still stored gives all live sites; later ones those that changed. */
#define LEDGER_CHECKPOINT_MAGIC 0x54504b43u /* "CKPT" */
struct ledger_checkpoint {
    uint32_t magic;
    uint32_t entries;
    uint64_t time_ns;
    uint64_t live_bytes;
    uint32_t checksum; /* crc32 of the entries */
    uint32_t reserved;
};
struct ledger_checkpoint_entry {
    uint32_t site;
    uint32_t live_blocks;
    uint64_t live_bytes;
};

/* A class census in the CENSUS byte store: this header, then `entries` of ledger_census_entry.  A full
 * one gives all classes there are; others those that changed since the one before, as absolute values
 * (0 objects: the class has none any more).  The first one that is stored is full. */
#define LEDGER_CENSUS_MAGIC 0x534e4543u /* "CENS" */
enum ledger_census_scope { LEDGER_CENSUS_TRACKED = 0, LEDGER_CENSUS_ALL = 1 };
struct ledger_census {
    uint32_t magic;
    uint32_t entries;
    uint64_t time_ns;
    uint64_t pause_ns; /* how long the program stood still */
    uint64_t objects;  /* of all classes */
    uint64_t bytes;
    uint16_t scope;    /* enum ledger_census_scope: what the collector tracks, or every object */
    uint16_t is_full;
    uint32_t checksum; /* crc32 of the entries */
};
struct ledger_census_entry {
    uint32_t name;    /* string: "package.module.Class"; builtins without a module */
    uint32_t objects; /* saturated */
    uint64_t bytes;
};

/* The payload of a MEMBER begins with this; then come the name, and the ledger's bytes as the codec
 * stores them.  A sealed blob: `sealed_bytes` counts all three, `sealed_checksum` is theirs. */
struct ledger_member {
    uint64_t bytes;      /* of the ledger */
    uint32_t name_bytes; /* of its file's name, without directories */
    uint32_t reserved;
};

/* A line of a function chosen for profiling, or the function itself (line 0).  All bytes are those of
 * the thread that ran it; a call's belong to the calling line too. */
struct ledger_line {
    uint32_t code;
    uint32_t line;
    uint64_t occurrences;    /* times the line was begun; line 0: calls */
    int64_t increment_bytes; /* sum of allocated minus freed while it ran */
    uint64_t memory_bytes;   /* highest at its end: RSS at the call + growth since; line 0: RSS at the call */
    uint64_t peak_bytes;     /* highest growth since the call while it ran */
    uint64_t reserved[3];
};

/* An inner record(): its sites' counters at start and at stop are 2 runs of REGION_SITES. */
struct ledger_region {
    uint64_t start_ns, stop_ns;
    uint64_t start_live_bytes;
    uint64_t peak_bytes, peak_ns;
    uint32_t start_record, stop_record;
    uint32_t start_count, stop_count;
};
/* Record i of a run is site i + 1.  (Same layout as ledger_site; at_peak_* resolved.) */

_Static_assert(sizeof(struct ledger_header) == 4096, "ledger header is one page");
_Static_assert(sizeof(struct ledger_state) == LEDGER_STATE_PAGES * 4096, "state pages");
_Static_assert(sizeof(struct ledger_code) == 40, "code record");
_Static_assert(sizeof(struct ledger_node) == 32, "node record");
_Static_assert(sizeof(struct ledger_site) == 64, "site record");
_Static_assert(sizeof(struct ledger_sample) == 64, "sample record");
_Static_assert(sizeof(struct ledger_gc_event) == 32, "gc record");
_Static_assert(sizeof(struct ledger_mark) == 32, "mark record");
_Static_assert(sizeof(struct ledger_thread_group) == 16, "thread group record");
_Static_assert(sizeof(struct ledger_extent) == 80, "extent header");
_Static_assert(sizeof(struct ledger_member) == 16, "member header");
_Static_assert(sizeof(struct ledger_line) == 64, "line record");
_Static_assert(sizeof(struct ledger_region) == 56, "region record");
_Static_assert(sizeof(struct ledger_census) == 48, "census header");
_Static_assert(sizeof(struct ledger_census_entry) == 16, "census entry");

#endif
