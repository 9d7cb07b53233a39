/* Any bytes as a ledger: reader, profile, rows of every metric and grouping, checkpoints.
 *
 * An input that begins with the ledger's magic is a ledger.  Any other is one packed, so that most
 * of it is not blank and a change hits something: for each page a u16, how many bytes of it follow,
 * the rest of the page being zeros (tests/data/make_ledger.py packs the seeds).
 *
 * Headers and extents are guarded by checksums that a fuzzer can't guess, so they are made good
 * after unpacking; for one input in 16 they are left as they are. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "ledger/read.h"
#include "profile/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sign_header(uint8_t *page)
{
    struct ledger_header header;
    memcpy(&header, page, sizeof header);
    header.checksum = 0;
    header.checksum = barrow_crc32(&header, sizeof header);
    memcpy(page, &header, sizeof header);
}

static void sign_extent(uint8_t *page, uint64_t offset)
{
    struct ledger_extent extent;
    memcpy(&extent, page, sizeof extent);
    if (extent.magic != LEDGER_EXTENT_MAGIC)
        return;
    extent.offset = offset;
    extent.checksum = 0;
    extent.checksum = barrow_crc32(&extent, 64);
    memcpy(page, &extent, sizeof extent);
}

static void sign_checkpoint(uint8_t *at, size_t left)
{
    struct ledger_checkpoint point;
    memcpy(&point, at, sizeof point);
    size_t bytes = (size_t)point.entries * sizeof(struct ledger_checkpoint_entry);
    if (point.magic != LEDGER_CHECKPOINT_MAGIC || bytes > left - sizeof point)
        return;
    point.checksum = barrow_crc32(at + sizeof point, bytes);
    memcpy(at, &point, sizeof point);
}

static void sign_all(uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at + LEDGER_PAGE <= size; at += LEDGER_PAGE) {
        if (at < LEDGER_STATE_OFFSET)
            sign_header(bytes + at);
        else if (at >= LEDGER_EXTENTS_OFFSET)
            sign_extent(bytes + at, at);
    }
    for (size_t at = LEDGER_EXTENTS_OFFSET; at + sizeof(struct ledger_checkpoint) <= size; at += 8)
        sign_checkpoint(bytes + at, size - at);
}

enum { MOST_PAGES = 80 };

/* The ledger that an input stands for; to be freed. */
static uint8_t *unpack(const uint8_t *data, size_t size, size_t *unpacked)
{
    uint8_t *bytes = calloc(MOST_PAGES, LEDGER_PAGE);
    size_t pages = 0;
    while (bytes && size >= 2 && pages < MOST_PAGES) {
        size_t length = (size_t)data[0] | (size_t)data[1] << 8;
        data += 2;
        size -= 2;
        length = length < size ? length : size;
        length = length < LEDGER_PAGE ? length : LEDGER_PAGE;
        memcpy(bytes + pages++ * LEDGER_PAGE, data, length);
        data += length;
        size -= length;
    }
    *unpacked = pages * LEDGER_PAGE;
    /* Of the exact size, so that reading beyond it is seen. */
    uint8_t *exact = bytes ? realloc(bytes, *unpacked ? *unpacked : 1) : NULL;
    if (!exact)
        abort();
    return exact;
}

static void walk_checkpoints(const uint8_t *bytes, size_t size)
{
    struct barrow_ledger *ledger;
    if (barrow_ledger_open_bytes(&ledger, bytes, size, "fuzz", NULL) < 0)
        return;
    struct barrow_checkpoints walk = barrow_ledger_checkpoints(ledger);
    struct barrow_checkpoint point;
    volatile uint64_t sum = 0;
    while (barrow_checkpoints_next(&walk, &point))
        for (uint32_t i = 0; i < point.count; i++)
            sum += point.entries[i].live_bytes;
    (void)sum;
    barrow_ledger_free(ledger);
}

/* One query in seven, another set of them for each input. */
static void group(const struct barrow_profile *profile, unsigned input)
{
    static const char *const filters[] = {NULL, "any.module=*,domain=m*", "thread!=*,line=1*"};
    for (unsigned i = input % 7; i < BARROW_METRIC_COUNT * BARROW_BY_COUNT * 2; i += 7) {
        struct barrow_query query = {.metric = (enum barrow_metric)(i % BARROW_METRIC_COUNT),
                                     .by = (enum barrow_grouping)(i / 8),
                                     .inclusive = i / 4 % 2,
                                     .filter = filters[i % 3],
                                     .limit = i % 5};
        struct barrow_row *rows;
        size_t count;
        if (barrow_profile_rows(profile, &query, &rows, &count, NULL) < 0)
            abort();
        free(rows);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct barrow_profile *profile;
    struct barrow_error err = {0};
    bool as_it_is = size == 0 || data[size - 1] % 16 == 15;
    uint8_t *bytes;
    if (size < 8 || memcmp(data, LEDGER_MAGIC, 8) != 0) {
        bytes = unpack(data, size, &size);
    } else {
        bytes = malloc(size);
        memcpy(bytes, data, size);
    }
    if (!as_it_is)
        sign_all(bytes, size);
    if (barrow_profile_load_bytes(&profile, bytes, size, "fuzz", &err) == 0) {
        group(profile, barrow_crc32(bytes, size < 20000 ? size : 20000));
        barrow_profile_free(profile);
        walk_checkpoints(bytes, size);
    } else if (!err.text[0] || strchr(err.text, '\n')) {
        abort();
    }
    free(bytes);
    return 0;
}
