/* Finding the snapshots of a ledger and taking them apart; what the parts mean is in heap_decode.c.
 *
 * Nothing is believed that is not under a good checksum, and what is under one is checked all the
 * same. Memory is bounded by what is stored: an item takes a byte before compression, and what is
 * compressed stands in proportion (HEAP_PART_RATIO).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/heap_read.h"
#include "ledger/zstd.h"

/* ---- finding snapshots ---- */

static bool read_stream_head(const struct ledger_lazy *store, uint64_t offset,
                             struct heap_stream *head)
{
    return store->bytes - offset >= sizeof *head &&
           ledger_lazy_read(store, offset, head, sizeof *head) == sizeof *head &&
           head->magic == HEAP_STREAM_MAGIC && head->checksum == heap_stream_checksum(head);
}

/* The next offset from `offset` on, a multiple of 8, where `magic` stands; else the end. */
static uint64_t find_magic(const struct ledger_lazy *store, uint64_t offset, uint32_t magic)
{
    uint64_t chunk[4096];
    offset = heap_padded(offset);
    while (offset < store->bytes) {
        uint64_t count = store->bytes - offset;
        if (count > sizeof chunk)
            count = sizeof chunk;
        ledger_lazy_read(store, offset, chunk, count);
        for (uint64_t i = 0; i < count / 8; i++)
            if ((uint32_t)chunk[i] == magic)
                return offset + i * 8;
        offset += sizeof chunk;
    }
    return store->bytes;
}

bool heap_next_part(const struct ledger_lazy *store, uint64_t *offset, uint64_t end,
                    struct heap_part *part)
{
    while (*offset < end && end - *offset >= sizeof *part) {
        ledger_lazy_read(store, *offset, part, sizeof *part);
        if (part->magic == HEAP_PART_MAGIC && part->raw_bytes <= HEAP_PART_ROOM &&
            part->stored_bytes <= end - *offset - sizeof *part &&
            part->raw_bytes / HEAP_PART_RATIO <= part->stored_bytes)
            return true;
        *offset = find_magic(store, *offset + 8, HEAP_PART_MAGIC);
    }
    return false;
}

uint64_t heap_after_part(uint64_t offset, const struct heap_part *part)
{
    return offset + sizeof *part + heap_padded(part->stored_bytes);
}

/* Where a stream without a length ends: behind its last part.  false: there is no such part. */
static bool find_end(const struct ledger_lazy *store, uint64_t start, uint64_t *end)
{
    struct heap_part part;
    uint64_t offset = start + HEAP_STREAM_HEAD_BYTES;
    while (offset < store->bytes && store->bytes - offset >= sizeof part) {
        ledger_lazy_read(store, offset, &part, sizeof part);
        if (part.magic != HEAP_PART_MAGIC || part.stored_bytes > store->bytes - offset)
            break;
        offset = heap_after_part(offset, &part);
        if (part.kind == HEAP_PART_END) {
            *end = offset;
            return true;
        }
    }
    return false;
}

/* The snapshot that begins at or behind *offset, which goes on behind it.  false: there are no
 * more. */
static bool next_stream(const struct ledger_lazy *store, uint64_t *offset, struct heap_range *found)
{
    while (*offset < store->bytes) {
        struct heap_stream *head = &found->head;
        uint64_t start = *offset, end = 0;
        if (!read_stream_head(store, start, head)) {
            *offset = find_magic(store, start + 8, HEAP_STREAM_MAGIC);
            continue;
        }
        bool is_sane = head->bytes >= sizeof *head && head->bytes <= store->bytes - start;
        bool whole = true;
        if (is_sane) {
            end = start + heap_padded(head->bytes);
        } else if (!find_end(store, start, &end)) {
            end = find_magic(store, start + 8, HEAP_STREAM_MAGIC);
            whole = head->bytes != 0; /* it was, before the file was cut off */
        }
        *offset = end;
        if (!whole || head->state == HEAP_STREAM_DEAD || head->version != HEAP_STREAM_VERSION)
            continue;
        found->start = start;
        found->end = end;
        return true;
    }
    return false;
}

uint32_t barrow_heap_count(const struct barrow_ledger *ledger)
{
    struct heap_range found;
    uint64_t offset = 0;
    uint32_t count = 0;
    while (ledger->heap && next_stream(ledger->heap, &offset, &found))
        count++;
    return count;
}

int heap_find(struct heap_range *place, const struct barrow_ledger *ledger, uint32_t *number,
              struct barrow_error *err)
{
    struct heap_range found;
    uint64_t offset = 0;
    uint32_t count = 0, wanted = *number;
    while (ledger->heap && next_stream(ledger->heap, &offset, &found)) {
        *number = ++count;
        *place = found;
        if (count == wanted)
            return 0;
    }
    if (count == 0)
        return barrow_fail(err, BARROW_E_USAGE,
                           "%.300s: no heap snapshot in it; take one with `barrow run --dig` or "
                           "barrow.dig()",
                           ledger->path);
    if (wanted)
        return barrow_fail(err, BARROW_E_USAGE,
                           "%.300s: no snapshot %" PRIu32 " in it; there %s %" PRIu32, ledger->path,
                           wanted, count == 1 ? "is" : "are", count);
    return 0;
}

int barrow_heap_describe(struct barrow_heap_info *info, const struct barrow_ledger *ledger,
                         uint32_t number, struct barrow_error *err)
{
    struct heap_range place;
    if (heap_find(&place, ledger, &number, err) < 0)
        return -1;
    *info = (struct barrow_heap_info){.time_ns = place.head.time_ns,
                                      .pause_ns = place.head.pause_ns,
                                      .live_bytes = place.head.live_bytes,
                                      .heap_bytes = place.head.heap_bytes,
                                      .edge_count = place.head.edge_count,
                                      .stored_bytes = place.end - place.start,
                                      .object_count = place.head.object_count,
                                      .type_count = place.head.type_count,
                                      .flags = place.head.flags};
    return 0;
}

/* ---- a part's bytes ---- */

/* Reads and unpacks the part at `offset` to reader->raw. */
static bool load_part(struct heap_reader *reader, uint64_t offset, const struct heap_part *part)
{
    const struct ledger_lazy *store = reader->ledger->heap;
    struct heap_part head = *part;
    uint32_t stored = part->stored_bytes;
    if (stored > reader->stored_room || part->raw_bytes > reader->raw_room ||
        ledger_lazy_read(store, offset + sizeof head, reader->stored, stored) < stored)
        return false;
    head.checksum = 0;
    if (barrow_crc32_more(barrow_crc32(&head, sizeof head), reader->stored, stored) !=
        part->checksum)
        return false;
    if (part->codec == LEDGER_CODEC_STORED) {
        memcpy(reader->raw, reader->stored, stored);
        return stored == part->raw_bytes;
    }
    if (part->codec == LEDGER_CODEC_ZSTD && !ledger_has_zstd)
        reader->needs_zstd = true;
    return part->codec == LEDGER_CODEC_ZSTD &&
           ledger_zstd_unpack(reader->raw, reader->raw_room, reader->stored, stored) ==
               part->raw_bytes;
}

/* ---- columns ---- */

static const struct {
    const char *words;
    bool is_required;
} parts[HEAP_PART_LIMIT] = {
#define X(number, name, fields, required, words) [number] = {words, required},
    HEAP_PARTS(X)
#undef X
};

static int no_memory(const struct heap_reader *reader, struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for a heap snapshot of %.300s",
                       reader->ledger->path);
}

static int damaged(const struct heap_reader *reader, unsigned kind, struct barrow_error *err)
{
    if (reader->needs_zstd)
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "%.300s: its heap snapshots are compressed with zstd, which this barrow "
                           "was built without; build it with libzstd",
                           reader->ledger->path);
    return barrow_fail(err, BARROW_E_FORMAT,
                       "%.300s: heap snapshot %" PRIu32
                       " can't be shown: its %s are damaged or cut "
                       "off",
                       reader->ledger->path, reader->heap->number, parts[kind].words);
}

/* Reads the parts whose kinds are in `wanted`. */
static int read_parts(struct heap_reader *reader, uint32_t wanted, struct barrow_error *err)
{
    struct heap_part part;
    uint64_t offset = reader->place.start + HEAP_STREAM_HEAD_BYTES;
    while (heap_next_part(reader->ledger->heap, &offset, reader->place.end, &part)) {
        unsigned kind = part.kind;
        uint64_t at = offset;
        offset = heap_after_part(offset, &part);
        if (kind == 0 || kind >= HEAP_PART_END || !(wanted >> kind & 1))
            continue;
        /* It is decoded with the help of what stands before it. */
        for (unsigned before = 1; before < kind; before++)
            if (parts[before].is_required && wanted >> before & 1 &&
                reader->read[before] < reader->items[before])
                return damaged(reader, before, err);
        bool fits = part.first >= reader->done[kind] && part.first <= reader->items[kind] &&
                    part.count <= reader->items[kind] - part.first;
        if (fits && load_part(reader, at, &part) && heap_decode(reader, &part)) {
            reader->done[kind] = part.first + part.count;
            reader->read[kind] += part.count;
        } else if (parts[kind].is_required) {
            return damaged(reader, kind, err);
        }
    }
    return 0;
}

static int check_losses(struct heap_reader *reader, uint32_t wanted, struct barrow_notes *warnings,
                        struct barrow_error *err)
{
    for (unsigned kind = 1; kind < HEAP_PART_END; kind++) {
        uint64_t lost = reader->items[kind] - reader->read[kind];
        if (lost == 0 || !(wanted >> kind & 1))
            continue;
        if (parts[kind].is_required || reader->needs_zstd)
            return damaged(reader, kind, err);
        barrow_notes_add(warnings,
                         "heap snapshot %" PRIu32 ": %" PRIu64 " of %" PRIu64 " %s are lost",
                         reader->heap->number, lost, reader->items[kind], parts[kind].words);
    }
    return 0;
}

/* Reads the columns of `wanted`, which have no memory yet. */
static int read_columns(struct heap_reader *reader, uint32_t wanted, struct barrow_notes *warnings,
                        struct barrow_error *err)
{
    uint64_t most = HEAP_PART_RATIO * (reader->place.end - reader->place.start);
    for (unsigned kind = 1; kind < HEAP_PART_END; kind++)
        if (reader->items[kind] > most)
            return damaged(reader, kind, err);
    if (reader->place.head.string_bytes > most || reader->place.head.string_bytes > UINT32_MAX)
        return damaged(reader, HEAP_PART_STRINGS, err);
    if (!heap_take_memory(reader, wanted))
        return no_memory(reader, err);
    if (read_parts(reader, wanted, err) < 0 || check_losses(reader, wanted, warnings, err) < 0)
        return -1;
    unsigned wrong = heap_check_columns(reader, wanted, warnings);
    return wrong ? damaged(reader, wrong, err) : 0;
}

#define REST                                                                   \
    (1u << HEAP_PART_BYTES | 1u << HEAP_PART_ADDRESS | 1u << HEAP_PART_BIRTH | \
     1u << HEAP_PART_LENGTH | 1u << HEAP_PART_HASH)
#define ALL ((1u << HEAP_PART_END) - 2)

static void reader_free(struct heap_reader *reader)
{
    if (reader) {
        free(reader->raw);
        free(reader->stored);
    }
    free(reader);
}

static bool take_rooms(struct heap_reader *reader)
{
    uint64_t bytes = reader->place.end - reader->place.start;
    reader->stored_room = bytes < HEAP_PART_ROOM ? bytes : HEAP_PART_ROOM;
    bytes *= HEAP_PART_RATIO;
    reader->raw_room = bytes < HEAP_PART_ROOM ? bytes : HEAP_PART_ROOM;
    reader->stored = malloc(reader->stored_room);
    reader->raw = malloc(reader->raw_room);
    return reader->stored && reader->raw;
}

static struct heap_reader *reader_new(const struct barrow_ledger *ledger, struct barrow_heap *heap,
                                      uint32_t *number, struct barrow_error *err)
{
    struct heap_reader *reader = calloc(1, sizeof *reader);
    if (!reader || !heap) {
        free(reader);
        barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for a heap snapshot of %.300s",
                    ledger->path);
        return NULL;
    }
    reader->ledger = ledger;
    reader->heap = heap;
    if (heap_find(&reader->place, ledger, number, err) < 0) {
        free(reader);
        return NULL;
    }
    if (!take_rooms(reader)) {
        no_memory(reader, err);
        reader_free(reader);
        return NULL;
    }
    heap_take_head(reader, *number);
    return reader;
}

static int read_some(struct barrow_heap **out, const struct barrow_ledger *ledger, uint32_t number,
                     uint32_t wanted, struct barrow_notes *warnings, struct barrow_error *err)
{
    struct barrow_heap *heap = calloc(1, sizeof *heap);
    struct heap_reader *reader = reader_new(ledger, heap, &number, err);
    int result = -1;
    *out = NULL;
    if (reader)
        result = read_columns(reader, wanted, warnings, err);
    if (result == 0)
        *out = heap;
    else
        barrow_heap_free(heap);
    reader_free(reader);
    return result;
}

int barrow_heap_read(struct barrow_heap **out, const struct barrow_ledger *ledger, uint32_t number,
                     struct barrow_notes *warnings, struct barrow_error *err)
{
    return read_some(out, ledger, number, ALL, warnings, err);
}

int barrow_heap_read_edges(struct barrow_heap **out, const struct barrow_ledger *ledger,
                           uint32_t number, struct barrow_notes *warnings, struct barrow_error *err)
{
    return read_some(out, ledger, number, ALL & ~REST, warnings, err);
}

int barrow_heap_read_rest(struct barrow_heap *heap, const struct barrow_ledger *ledger,
                          struct barrow_notes *warnings, struct barrow_error *err)
{
    uint32_t number = heap->number;
    struct heap_reader *reader = reader_new(ledger, heap, &number, err);
    int result = reader ? read_columns(reader, REST, warnings, err) : -1;
    reader_free(reader);
    return result;
}
