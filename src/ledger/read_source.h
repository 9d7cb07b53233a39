/* Where a reader's bytes come from: a file or memory.  Private to src/ledger/read*.c. */
#ifndef BARROW_LEDGER_READ_SOURCE_H
#define BARROW_LEDGER_READ_SOURCE_H

#include "ledger/read.h"

struct ledger_source {
    int fd;               /* -1: memory */
    const uint8_t *bytes; /* memory */
    bool is_lasting;      /* bytes will be there as long as the ledger is */
    uint64_t size;        /* bytes there are; a file may shrink meanwhile */
};

/* Copies up to `count` bytes from `offset`; what can't be had (end of file, truncation meanwhile,
 * read error) is zeroed.  Returns how many bytes are real. */
uint64_t ledger_source_read(const struct ledger_source *source, uint64_t offset, void *to,
                            uint64_t count);

/* Opens a regular file; source->fd is to be closed. */
int ledger_source_open(struct ledger_source *source, const char *path, struct barrow_error *err);

/* The header or its copy, checked.  `*damaged` is true if the copy had to be used. */
int ledger_read_header(struct ledger_header *header, const struct ledger_source *source,
                       const char *path, bool *damaged, struct barrow_error *err);

/* Is this page at `offset` the header of an extent, of whatever kind? (read_extents.c) */
bool ledger_is_extent(const struct ledger_extent *extent, uint64_t offset);
/* The next page from `offset` on that is an extent's header, or the end.  `*blank` is false if a
 * page in between holds anything. */
uint64_t ledger_find_extent(const struct ledger_source *source, uint64_t offset, bool *blank);

/* Finds the extents and assembles the tables (read_extents.c). */
int ledger_read_tables(struct barrow_ledger *ledger, const struct ledger_source *source,
                       struct barrow_error *err);

/* A byte store that is read when it is asked for (read_lazy.c). */
struct ledger_lazy {
    struct ledger_source source; /* with a descriptor of its own */
    bool owns_bytes;
    struct ledger_extent *extents;
    size_t extent_count;
    uint64_t bytes; /* there are */
};
/* Keeps the extents of `kind`; *out is NULL if there are none.  0 or -errno: ENOMEM, or why the file can't be kept
 * open. */
int ledger_lazy_new(struct ledger_lazy **out, const struct ledger_source *source, unsigned kind,
                    const struct ledger_extent *extents, size_t count, uint64_t used);
void ledger_lazy_free(struct ledger_lazy *lazy);
/* As ledger_source_read, with offsets in the store. */
uint64_t ledger_lazy_read(const struct ledger_lazy *lazy, uint64_t offset, void *to,
                          uint64_t count);

/* As barrow_ledger_open_bytes; the bytes, which are malloc's, become the ledger's. */
int ledger_open_given_bytes(struct barrow_ledger **out, uint8_t *bytes, size_t count,
                            const char *name, struct barrow_error *err);

#endif
