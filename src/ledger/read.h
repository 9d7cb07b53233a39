/* Reading a ledger: bytes in, checked tables out.
 *
 * A ledger is opened once and read completely, with pread(2): it may grow, change, be truncated or
 * be replaced meanwhile without harm, and nothing refers to the file afterwards.  A ledger that is
 * being written is read as of some instant during the call; single counters may be mid-update.
 * Only heap snapshots, which may be longer than all the rest, stay in the file until they are asked for
 * (ledger/heap.h): a ledger that has some keeps the file open.
 *
 * Everything is checked here, once.  Damage costs what it hits and is told in `warnings`:
 *   - the header page has a copy;
 *   - an extent whose header is damaged is skipped, the walk goes on at the next page that holds a
 *     valid header, and its records read as zeros;
 *   - records that the file no longer holds (truncation) lower the table's count.
 * So record i is at index i of its table, and a zeroed record is "none".  What records say (indices,
 * string offsets, counters) is for the next layer to check: only bounds are guaranteed here.
 * Memory is bounded by the file's size, whatever the file claims.
 *
 * Errors: BARROW_E_IO (can't be read), BARROW_E_FORMAT (no ledger, or both headers are damaged),
 * BARROW_E_UNSUPPORTED (of a newer barrow), BARROW_E_NO_MEMORY.
 * Threads: one ledger, one thread.
 */
#ifndef BARROW_LEDGER_READ_H
#define BARROW_LEDGER_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/notes.h"
#include "ledger/format.h"

struct barrow_ledger_table {
    void *records;
    uint32_t count; /* valid indices are below */
    uint32_t lost;  /* of these, so many are zeroed because their extent is damaged */
    uint64_t missing; /* records that `used` promises beyond `count` */
};

struct barrow_ledger {
    char *path;
    struct ledger_header header; /* its texts are ended by NUL, command_bytes is in range */
    struct ledger_state state;   /* `used` is as found: take the tables' counts */
    bool state_lost;             /* the state pages are missing or blank: `state` is zeros */
    uint64_t file_bytes;         /* what there was to read */
    struct barrow_ledger_table tables[LEDGER_KIND_LIMIT]; /* that of HEAP stays empty */
    struct ledger_lazy *heap; /* where HEAP's bytes are; NULL: there are none */
    struct barrow_notes warnings; /* one line each, without the path */
};

int barrow_ledger_open(struct barrow_ledger **out, const char *path, struct barrow_error *err);
/* The same from memory; `bytes` is not needed afterwards.  `name` stands for the path. */
int barrow_ledger_open_bytes(struct barrow_ledger **out, const void *bytes, size_t count,
                             const char *name, struct barrow_error *err);
/* Only the header: cheap, to see whether a file is a ledger and of which run. */
int barrow_ledger_read_header(struct ledger_header *header, const char *path,
                              struct barrow_error *err);
void barrow_ledger_free(struct barrow_ledger *ledger);

/* The table of a kind, typed:
 *     const struct ledger_node *nodes = barrow_ledger_nodes(ledger);      // ->tables[].count of them
 */
#define BARROW_LEDGER_TABLES(X)                              \
    X(codes, CODES, struct ledger_code)                      \
    X(nodes, NODES, struct ledger_node)                      \
    X(sites, SITES, struct ledger_site)                      \
    X(site_info, SITE_INFO, struct ledger_site_info)         \
    X(samples, SAMPLES, struct ledger_sample)                \
    X(gc_events, GC_EVENTS, struct ledger_gc_event)          \
    X(marks, MARKS, struct ledger_mark)                      \
    X(thread_groups, THREAD_GROUPS, struct ledger_thread_group) \
    X(sys_path, SYS_PATH, struct ledger_sys_path)            \
    X(regions, REGIONS, struct ledger_region)                \
    X(region_sites, REGION_SITES, struct ledger_site)        \
    X(lines, LINES, struct ledger_line)
#define X(name, kind, type)                                                                  \
    static inline const type *barrow_ledger_##name(const struct barrow_ledger *ledger,       \
                                                   uint32_t *count)                          \
    {                                                                                        \
        *count = ledger->tables[LEDGER_##kind].count;                                        \
        return (const type *)ledger->tables[LEDGER_##kind].records;                          \
    }
BARROW_LEDGER_TABLES(X)
#undef X

/* The string at `offset` of STRINGS; false if there is none (offset 0, damage).  Not ended by NUL. */
bool barrow_ledger_string(const struct barrow_ledger *ledger, uint32_t offset, const char **text,
                          uint32_t *length);

/* Checkpoints in order of time.  Damaged ones are left out.
 *     struct barrow_checkpoints walk = barrow_ledger_checkpoints(ledger);
 *     struct barrow_checkpoint point;
 *     while (barrow_checkpoints_next(&walk, &point)) ...
 */
struct barrow_checkpoints {
    const uint8_t *at, *end;
};
struct barrow_checkpoint {
    uint64_t time_ns, live_bytes;
    const struct ledger_checkpoint_entry *entries;
    uint32_t count;
};
struct barrow_checkpoints barrow_ledger_checkpoints(const struct barrow_ledger *ledger);
bool barrow_checkpoints_next(struct barrow_checkpoints *walk, struct barrow_checkpoint *point);

/* Gives back a table's memory early; its count becomes 0. */
void barrow_ledger_drop_table(struct barrow_ledger *ledger, enum ledger_kind kind);

#endif
