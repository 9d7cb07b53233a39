/* From the pages behind the state to tables.
 *
 *     | header | state | E n n n | E c c | # # # # | E n n | 0 0 0 0 |
 *                        |         |       |         |       `- space taken ahead: blank
 *                        |         |       |         `- found again: a page that is a valid header
 *                        |         |       `- damaged: its header gives no length
 *                        |         `- CODES, records 0..
 *                        `- NODES, records 0..
 *
 * The first walk only collects valid headers.  Then every table is allocated once, at the size its
 * extents reach, and each extent is read to where its first record belongs.  What bounds memory: an
 * extent's records up to its last must have fitted into the file before its end, because records
 * are never stored out of order; a header that says otherwise is damaged.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/crc32.h"
#include "ledger/read_source.h"

static const struct {
    const char *name;
    uint32_t record_bytes;
} kinds[LEDGER_KIND_LIMIT] = {
#define X(number, name, bytes, what) [number] = {#name, bytes},
    LEDGER_KINDS(X)
#undef X
};

struct extents {
    BARROW_ARRAY(struct ledger_extent) list;
};

bool ledger_is_extent(const struct ledger_extent *extent, uint64_t offset)
{
    if (extent->magic != LEDGER_EXTENT_MAGIC || extent->offset != offset)
        return false;
    unsigned char summed[64];
    memcpy(summed, extent, sizeof summed);
    memset(summed + offsetof(struct ledger_extent, checksum), 0, sizeof extent->checksum);
    return extent->checksum == barrow_crc32(summed, sizeof summed) &&
           extent->payload_bytes % LEDGER_PAGE == 0 && extent->payload_bytes < (uint64_t)1 << 46;
}

/* Can its records be used?  If not, says why in a warning, but for kinds this reader is too old
 * for. */
static bool is_readable(struct barrow_ledger *ledger, const struct ledger_extent *extent)
{
    if (extent->kind == 0 || extent->kind >= LEDGER_KIND_LIMIT || !kinds[extent->kind].name ||
        extent->kind == LEDGER_MEMBER)
        return false;
    const char *name = kinds[extent->kind].name;
    uint64_t record = kinds[extent->kind].record_bytes;
    if (extent->version != 1 || extent->codec != 0) {
        barrow_notes_add(&ledger->warnings,
                         "%s at offset %" PRIu64 " is in a form of a newer barrow: left out", name,
                         extent->offset);
        return false;
    }
    if (extent->record_bytes != record || extent->capacity > extent->payload_bytes / record ||
        extent->first_record > extent->offset / record) {
        barrow_notes_add(&ledger->warnings, "%s at offset %" PRIu64 " contradicts itself: left out",
                         name, extent->offset);
        return false;
    }
    return true;
}

uint64_t ledger_find_extent(const struct ledger_source *source, uint64_t offset, bool *blank)
{
    static const unsigned char zeros[LEDGER_PAGE];
    union {
        struct ledger_extent extent;
        unsigned char bytes[LEDGER_PAGE];
    } page;
    *blank = true;
    for (; offset < source->size; offset += LEDGER_PAGE) {
        ledger_source_read(source, offset, &page, sizeof page);
        if (ledger_is_extent(&page.extent, offset))
            return offset;
        if (*blank && memcmp(page.bytes, zeros, sizeof zeros) != 0)
            *blank = false;
    }
    return source->size;
}

static int collect_extents(struct barrow_ledger *ledger, const struct ledger_source *source,
                           struct extents *extents, struct barrow_error *err)
{
    struct ledger_extent extent;
    uint64_t offset = LEDGER_EXTENTS_OFFSET;
    while (offset < source->size) {
        ledger_source_read(source, offset, &extent, sizeof extent);
        if (!ledger_is_extent(&extent, offset)) {
            bool blank;
            uint64_t next = ledger_find_extent(source, offset, &blank);
            if (next < source->size || !blank)
                barrow_notes_add(&ledger->warnings,
                                 "%" PRIu64 " bytes at offset %" PRIu64
                                 " are damaged: the part of a table that was there is lost",
                                 next - offset, offset);
            offset = next;
            continue;
        }
        if (is_readable(ledger, &extent)) {
            struct ledger_extent *kept = barrow_array_add(&extents->list);
            if (!kept)
                return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory to read %.300s",
                                   ledger->path);
            *kept = extent;
        }
        offset += LEDGER_PAGE + extent.payload_bytes;
    }
    return 0;
}

/* Whole records of an extent that the file holds. */
static uint64_t records_held(const struct ledger_extent *extent, uint64_t file_bytes)
{
    uint64_t start = extent->offset + LEDGER_PAGE;
    uint64_t held = start < file_bytes ? (file_bytes - start) / extent->record_bytes : 0;
    return held < extent->capacity ? held : extent->capacity;
}

static void warn_of_losses(struct barrow_ledger *ledger, int kind)
{
    const struct barrow_ledger_table *table = &ledger->tables[kind];
    uint64_t lost = table->lost + table->missing;
    if (lost > 0)
        barrow_notes_add(&ledger->warnings, "%s: %" PRIu64 " of %" PRIu64 " %s are lost",
                         kinds[kind].name, lost, table->count + table->missing,
                         kinds[kind].record_bytes == 1 ? "bytes" : "records");
}

/* `used` of a table of which the extents reach to record `reach`. */
static uint64_t used_of(struct barrow_ledger *ledger, int kind, uint64_t reach)
{
    uint64_t used = ledger->state_lost ? reach : ledger->state.used[kind];
    if (used >> 40) { /* no ledger is as big */
        barrow_notes_add(&ledger->warnings,
                         "%s: its count is damaged, all that the file holds is read",
                         kinds[kind].name);
        used = reach;
    }
    return used;
}

/* Snapshots of the heap are read when they are asked for. */
static int keep_heap(struct barrow_ledger *ledger, const struct ledger_source *source,
                     const struct extents *extents, struct barrow_error *err)
{
    uint64_t used = used_of(ledger, LEDGER_HEAP, (uint64_t)1 << 40);
    int result = ledger_lazy_new(&ledger->heap, source, LEDGER_HEAP, extents->list.items,
                                 extents->list.count, used);
    if (result == -ENOMEM)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the tables of %.300s",
                           ledger->path);
    if (result < 0) { /* of very many ledgers at once */
        barrow_notes_add(&ledger->warnings, "its heap snapshots can't be read: %s",
                         strerror(-result));
        return 0;
    }
    uint64_t held = ledger->heap ? ledger->heap->bytes : 0;
    if (!ledger->state_lost && held < used)
        barrow_notes_add(&ledger->warnings, "HEAP: %" PRIu64 " of %" PRIu64 " bytes are lost",
                         used - held, used);
    return 0;
}

static int assemble_table(struct barrow_ledger *ledger, const struct ledger_source *source,
                          const struct extents *extents, int kind, struct barrow_error *err)
{
    struct barrow_ledger_table *table = &ledger->tables[kind];
    uint64_t record = kinds[kind].record_bytes, reach = 0, covered = 0;
    for (size_t i = 0; i < extents->list.count; i++) {
        const struct ledger_extent *extent = &extents->list.items[i];
        uint64_t held = records_held(extent, source->size);
        if (extent->kind == kind && held && extent->first_record + held > reach)
            reach = extent->first_record + held;
    }
    uint64_t used = used_of(ledger, kind, reach);
    uint64_t count = used < reach ? used : reach;
    if (count > UINT32_MAX - 1)
        count = UINT32_MAX - 1;
    table->missing = used - count;
    table->count = (uint32_t)count;
    if (count) {
        table->records = calloc(count, record);
        if (!table->records)
            return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the tables of %.300s",
                               ledger->path);
    }
    for (size_t i = 0; i < extents->list.count; i++) {
        const struct ledger_extent *extent = &extents->list.items[i];
        if (extent->kind != kind || extent->first_record >= count)
            continue;
        uint64_t want = records_held(extent, source->size);
        if (want > count - extent->first_record)
            want = count - extent->first_record;
        covered += ledger_source_read(source, extent->offset + LEDGER_PAGE,
                                      (char *)table->records + extent->first_record * record,
                                      want * record) /
                   record;
    }
    table->lost = covered < count ? (uint32_t)(count - covered) : 0;
    warn_of_losses(ledger, kind);
    return 0;
}

int ledger_read_tables(struct barrow_ledger *ledger, const struct ledger_source *source,
                       struct barrow_error *err)
{
    struct extents extents = {0};
    int result = collect_extents(ledger, source, &extents, err);
    for (int kind = 1; result == 0 && kind < LEDGER_KIND_LIMIT; kind++)
        if (kinds[kind].name)
            result = kind == LEDGER_HEAP ? keep_heap(ledger, source, &extents, err)
                                         : assemble_table(ledger, source, &extents, kind, err);
    free(extents.list.items);
    return result;
}
