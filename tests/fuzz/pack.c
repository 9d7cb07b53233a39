#include "pack.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "ledger/format.h"

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

uint8_t *fuzz_ledger_bytes(const uint8_t *data, size_t size, size_t *bytes_count)
{
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
    *bytes_count = size;
    return bytes;
}
