#include "heap_mend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../c/heap_maker.h"
#include "ledger/heap_code.h"

static void mend_head(uint8_t *at)
{
    struct heap_stream head;
    memcpy(&head, at, sizeof head);
    head.magic = HEAP_STREAM_MAGIC;
    head.version = HEAP_STREAM_VERSION;
    head.checksum = heap_stream_checksum(&head);
    memcpy(at, &head, sizeof head);
}

/* Returns behind the part; *is_last: the next is a stream's head. */
static size_t mend_part(uint8_t *bytes, size_t at, size_t size, bool *is_last)
{
    struct heap_part part;
    memcpy(&part, bytes + at, sizeof part);
    size_t left = size - at - sizeof part;
    part.magic = HEAP_PART_MAGIC;
    part.stored_bytes = part.stored_bytes < left ? part.stored_bytes : (uint32_t)left;
    if (part.codec == 0)
        part.raw_bytes = part.stored_bytes;
    part.checksum = 0;
    part.checksum = barrow_crc32_more(barrow_crc32(&part, sizeof part), bytes + at + sizeof part,
                                      part.stored_bytes);
    memcpy(bytes + at, &part, sizeof part);
    *is_last = part.kind == HEAP_PART_END;
    return at + sizeof part + heap_padded(part.stored_bytes);
}

static void mend(uint8_t *bytes, size_t size)
{
    bool is_head = true;
    for (size_t at = 0; at < size;) {
        if (is_head && size - at >= sizeof(struct heap_stream)) {
            mend_head(bytes + at);
            at += sizeof(struct heap_stream);
            is_head = false;
        } else if (!is_head && size - at >= sizeof(struct heap_part)) {
            at = mend_part(bytes, at, size, &is_head);
        } else {
            return;
        }
    }
}

static uint8_t *read_base(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(1 << 20);
    if (!file || !bytes)
        abort();
    *count = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

uint8_t *fuzz_heap_bytes(const uint8_t *data, size_t size, const char *base, size_t *bytes_count)
{
    size_t base_bytes = 0;
    uint8_t *base_data = base ? read_base(base, &base_bytes) : NULL;
    uint8_t *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, data, size);
    if (barrow_crc32(copy, size) % 16)
        mend(copy, size);
    unsigned char *file = maker_ledger_of(copy, size, base_data, base_bytes, bytes_count);
    free(base_data);
    free(copy);
    return file;
}
