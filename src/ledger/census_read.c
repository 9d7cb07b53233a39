#include <string.h>

#include "base/crc32.h"
#include "ledger/census.h"

struct barrow_censuses barrow_ledger_censuses(const struct barrow_ledger *ledger)
{
    const struct barrow_ledger_table *table = &ledger->tables[LEDGER_CENSUS];
    const uint8_t *bytes = table->records;
    return (struct barrow_censuses){.at = bytes, .end = bytes ? bytes + table->count : bytes};
}

bool barrow_censuses_next(struct barrow_censuses *walk, struct barrow_census *census)
{
    while ((size_t)(walk->end - walk->at) >= sizeof census->head) {
        const uint8_t *entries = walk->at + sizeof census->head;
        size_t left = (size_t)(walk->end - entries);
        memcpy(&census->head, walk->at, sizeof census->head);
        size_t bytes = (size_t)census->head.entries * sizeof *census->entries;
        if (census->head.magic == LEDGER_CENSUS_MAGIC && bytes <= left &&
            barrow_crc32(entries, bytes) == census->head.checksum) {
            walk->at = entries + bytes;
            census->entries = (const struct ledger_census_entry *)(const void *)entries;
            return true;
        }
        walk->at += 16; /* all sizes are multiples of 16, so the next one begins on one too */
    }
    return false;
}
