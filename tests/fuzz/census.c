/* Any bytes as a ledger with censuses: the table over time, its figures and trends.
 *
 * Checksums can't be guessed, so those of the censuses are made good, as pack.h does for the
 * others. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "pack.h"
#include "table/census.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend_censuses(uint8_t *at, uint8_t *end)
{
    struct ledger_census head;
    while ((size_t)(end - at) >= sizeof head) {
        memcpy(&head, at, sizeof head);
        size_t room = ((size_t)(end - at) - sizeof head) / sizeof(struct ledger_census_entry);
        head.magic = LEDGER_CENSUS_MAGIC;
        if (head.entries > room)
            head.entries %= (uint32_t)room + 1;
        size_t bytes = head.entries * sizeof(struct ledger_census_entry);
        head.checksum = barrow_crc32(at + sizeof head, bytes);
        memcpy(at, &head, sizeof head);
        at += sizeof head + bytes;
    }
}

static void mend(uint8_t *bytes, size_t size)
{
    struct ledger_extent extent;
    for (size_t at = LEDGER_EXTENTS_OFFSET; at + LEDGER_PAGE < size; at += LEDGER_PAGE) {
        memcpy(&extent, bytes + at, sizeof extent);
        if (extent.magic != LEDGER_EXTENT_MAGIC || extent.kind != LEDGER_CENSUS)
            continue;
        size_t left = size - at - LEDGER_PAGE;
        mend_censuses(bytes + at + LEDGER_PAGE,
                      bytes + at + LEDGER_PAGE +
                          (extent.payload_bytes < left ? extent.payload_bytes : left));
    }
}

static void look(const struct barrow_census_table *table)
{
    uint64_t trend[16];
    for (size_t i = 0; i < table->row_count; i++) {
        const struct barrow_census_row *row = &table->rows[i];
        if (row->bytes.last > row->bytes.max || row->change_count == 0)
            abort();
        for (size_t k = 0; k < row->change_count; k++)
            if (row->changes[k].point >= table->point_count ||
                (k && row->changes[k].point <= row->changes[k - 1].point))
                abort();
        barrow_census_trend(table, row, trend, 16);
        if (trend[15] != row->bytes.last)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct barrow_inputs inputs = {0};
    struct barrow_census_table table;
    struct barrow_error err = {0};
    size_t original = size;
    uint8_t *bytes = fuzz_ledger_bytes(data, size, &size);
    if (original % 16) /* one in 16 stays as it is */
        mend(bytes, size);
    int rc = barrow_inputs_of_bytes(&inputs, bytes, size, "fuzz", &err);
    if (rc == 0 && (rc = barrow_census_load_inputs(&table, &inputs, &err)) == 0) {
        look(&table);
        barrow_census_table_free(&table);
    }
    if (rc < 0 && (!err.text[0] || strchr(err.text, '\n')))
        abort();
    barrow_inputs_free(&inputs);
    free(bytes);
    return 0;
}
