/* The ledger's writing side: a file whose tables are mapped into this process.
 *
 *     writer.tables[K].base ──► | extent 1 | extent 2 | ... | reserved, not mapped |
 *                                    │          │
 *     the file            | header | state | x | extent 1 | x | extent 2 | ...      x: extent header
 *
 * Each table is one contiguous array in memory, whatever its extents' places in the file, so a
 * record is `base + index * size`.  When the reserved address range runs out, a range of twice
 * the size is reserved and the same file pages are mapped there as well; the old range stays
 * valid (both show the same pages), so nobody who still holds the old `base` is hurt.
 *
 * Space is taken from the file system before it is mapped, so that storing never faults.
 *
 * Threads: ledger_grow may be called by any thread (it locks); everything else by the one that
 * starts, forks or ends the recording.  No function here allocates from the C library.
 */
#ifndef BARROW_LEDGER_WRITE_H
#define BARROW_LEDGER_WRITE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "ledger/format.h"
#include "os/raw.h"

struct ledger_table {
    uint8_t *base;
    uint64_t capacity;       /* records mapped; grows */
    uint64_t mapped_bytes;
    uint64_t reserved_bytes; /* of address space at base */
    uint32_t record_bytes;
    uint32_t extent_bytes;   /* payload of the next extent: a multiple of the first one's */
    uint32_t first_extent_bytes;
};

enum ledger_backing {
    LEDGER_FILE,   /* the file itself is mapped */
    LEDGER_MEMORY, /* an unnamed memory file; `path` is where it goes at the end, or "" */
};

#define LEDGER_EXTENT_LIMIT 1024

struct ledger_writer {
    struct ledger_header *header;
    struct ledger_state *state;
    struct ledger_table tables[LEDGER_KIND_LIMIT];
    enum ledger_backing backing;
    char path[PATH_MAX];
    dev_t device;
    ino_t inode;
    int fd;             /* LEDGER_MEMORY: the memory file, else -1 */
    int helper_fd;      /* open in the descriptor table of thread helper_tid alone; else -1 */
    int helper_tid;
    uint64_t file_bytes;
    raw_lock grow_lock;
    uint32_t extent_count;
    struct { /* where each extent lies, for mapping it a second time */
        uint64_t offset;
        uint64_t bytes;
        uint64_t kind;
    } extents[LEDGER_EXTENT_LIMIT];
    int failure; /* errno of the first growth that failed for good, else 0 */
    int heap_failure; /* errno of the last growth of the HEAP table, else 0 */
};

/* Creates the ledger at `path` (which must not exist), or in memory if `path` is NULL.  *header is
 * copied; magic, sizes and checksums are filled in.  Falls back to LEDGER_MEMORY with the path
 * kept if the file system can't map a file shared; `*note` then names the reason, else NULL. */
int ledger_create(struct ledger_writer *w, const char *path, const struct ledger_header *header,
                  const char **note, struct barrow_error *err);

/* Makes room for `records` records in all; false if there is no space (w->failure tells why), the
 * address space is used up, or the file can't be reached from this thread at the moment. */
bool ledger_grow(struct ledger_writer *w, enum ledger_kind kind, uint64_t records);

/* The tables' contents at one moment, in private memory, taken right before a fork: the parent goes
 * on writing into pages that its child shares until the child has tables of its own. */
struct ledger_snapshot {
    struct ledger_state state;
    uint8_t *records; /* of all tables, in the order of their kinds; NULL: no memory */
    uint64_t bytes;
};
void ledger_snapshot_take(const struct ledger_writer *w, struct ledger_snapshot *snapshot);
void ledger_snapshot_free(struct ledger_snapshot *snapshot);

/* In a fork's child: moves all tables to a new file at `path` at the same addresses, with the
 * contents of the snapshot.  On failure the tables become private memory and false is returned. */
bool ledger_move_to_new_file(struct ledger_writer *w, const char *path, const struct ledger_header *header,
                             const struct ledger_snapshot *snapshot);

/* Ends writing: copies a memory ledger to its path if it has one. 0 or -errno. */
int ledger_finish(struct ledger_writer *w);

/* Unmaps everything and forgets it. */
void ledger_release(struct ledger_writer *w);

/* Opens the ledger's file for the calling thread; -errno if it is not there any more. */
int ledger_open_own_file(const struct ledger_writer *w, bool *is_temporary);

static inline void *ledger_record(const struct ledger_writer *w, enum ledger_kind kind, uint64_t index)
{
    const struct ledger_table *t = &w->tables[kind];
    return t->base + index * t->record_bytes;
}

#endif
