/* Where a reader's bytes come from: a file or memory.  Private to src/ledger/read*.c. */
#ifndef BARROW_LEDGER_READ_SOURCE_H
#define BARROW_LEDGER_READ_SOURCE_H

#include "ledger/read.h"

struct ledger_source {
    int fd;               /* -1: memory */
    const uint8_t *bytes; /* memory */
    uint64_t size;        /* bytes there are; a file may shrink meanwhile */
};

/* Copies up to `count` bytes from `offset`; what can't be had (end of file, truncation meanwhile,
 * read error) is zeroed.  Returns how many bytes are real. */
uint64_t ledger_source_read(const struct ledger_source *source, uint64_t offset, void *to,
                            uint64_t count);

/* Finds the extents and assembles the tables (read_extents.c). */
int ledger_read_tables(struct barrow_ledger *ledger, const struct ledger_source *source,
                       struct barrow_error *err);

#endif
