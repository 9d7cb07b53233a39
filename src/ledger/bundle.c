#include "ledger/bundle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32.h"
#include "ledger/bundle_source.h"
#include "ledger/zstd.h"

enum { NAME_MOST = 1024 };

/* ---- finding the members ---- */

static int no_memory(const struct barrow_bundle *bundle, struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory to read %.300s", bundle->path);
}

static void warn_of(struct barrow_bundle *bundle, const struct ledger_extent *extent,
                    const char *what)
{
    barrow_notes_add(&bundle->warnings, "the ledger at offset %" PRIu64 " %s", extent->offset,
                     what);
}

/* Checks what a MEMBER extent says of itself. */
static bool describe(struct barrow_bundle *bundle, const struct ledger_extent *extent,
                     struct bundle_member *member, uint32_t *name_bytes)
{
    struct ledger_member head;
    uint64_t start = extent->offset + LEDGER_PAGE;
    if (extent->version != 1 || extent->codec > LEDGER_CODEC_ZSTD) {
        warn_of(bundle, extent, "is in a form of a newer barrow: left out");
        return false;
    }
    ledger_source_read(&bundle->source, start, &head, sizeof head);
    uint64_t names = sizeof head + head.name_bytes;
    if (extent->sealed_bytes > extent->payload_bytes || head.name_bytes > NAME_MOST ||
        names > extent->sealed_bytes ||
        !bundle_is_sane(head.bytes, extent->sealed_bytes - names, extent->codec)) {
        warn_of(bundle, extent, "contradicts itself: left out");
        return false;
    }
    *name_bytes = head.name_bytes;
    *member = (struct bundle_member){.extent = *extent,
                                     .bytes = head.bytes,
                                     .offset = start + names,
                                     .stored = extent->sealed_bytes - names};
    return true;
}

/* Paths stand in messages, which are lines. */
static void drop_controls(char *name, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            name[i] = '?';
}

/* false: no memory. */
static bool add_member(struct barrow_bundle *bundle, const struct ledger_extent *extent)
{
    struct bundle_member member;
    uint32_t name_bytes;
    if (extent->kind != LEDGER_MEMBER || !describe(bundle, extent, &member, &name_bytes))
        return true;
    size_t path_bytes = strlen(bundle->path);
    member.path = malloc(path_bytes + name_bytes + 2);
    struct bundle_member *added = member.path ? barrow_array_add(&bundle->members) : NULL;
    if (!added) {
        free(member.path);
        return false;
    }
    char *name = member.path + path_bytes + 1;
    memcpy(member.path, bundle->path, path_bytes);
    member.path[path_bytes] = '/';
    ledger_source_read(&bundle->source, member.offset - name_bytes, name, name_bytes);
    drop_controls(name, name_bytes);
    name[name_bytes] = '\0';
    *added = member;
    return true;
}

static int find_members(struct barrow_bundle *bundle, struct barrow_error *err)
{
    const struct ledger_source *source = &bundle->source;
    uint64_t offset = LEDGER_EXTENTS_OFFSET;
    while (offset < source->size) {
        struct ledger_extent extent;
        bool blank;
        ledger_source_read(source, offset, &extent, sizeof extent);
        if (!ledger_is_extent(&extent, offset)) {
            uint64_t next = ledger_find_extent(source, offset, &blank);
            if (next < source->size || !blank)
                barrow_notes_add(&bundle->warnings,
                                 "%" PRIu64 " bytes at offset %" PRIu64
                                 " are damaged: the ledger that was there is lost",
                                 next - offset, offset);
            offset = next;
            continue;
        }
        if (!add_member(bundle, &extent))
            return no_memory(bundle, err);
        offset += LEDGER_PAGE + extent.payload_bytes;
    }
    return 0;
}

static void check_whole(struct barrow_bundle *bundle)
{
    struct ledger_state state;
    uint64_t there = bundle->members.count;
    ledger_source_read(&bundle->source, LEDGER_STATE_OFFSET, &state, sizeof state);
    uint64_t wanted = state.epoch ? state.used[LEDGER_MEMBER] : there;
    if (wanted > there && wanted >> 32 == 0)
        barrow_notes_add(&bundle->warnings, "%" PRIu64 " of %" PRIu64 " ledgers are lost",
                         wanted - there, wanted);
}

static int open_source(struct barrow_bundle **out, const struct ledger_source *source,
                       const char *path, struct barrow_error *err)
{
    struct ledger_header header;
    bool header_damaged;
    struct barrow_bundle *bundle = calloc(1, sizeof *bundle);
    *out = NULL;
    if (!bundle || !(bundle->path = strdup(path))) {
        free(bundle);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory to read %.300s", path);
    }
    bundle->source = *source;
    int result = ledger_read_header(&header, source, path, &header_damaged, err);
    if (result == 0 && !header.is_bundle)
        result = barrow_fail(err, BARROW_E_FORMAT, "%.300s: a ledger, no bundle", path);
    if (result == 0)
        result = find_members(bundle, err);
    if (result < 0) {
        bundle->source.fd = -1; /* stays the caller's */
        barrow_bundle_free(bundle);
        return -1;
    }
    check_whole(bundle);
    *out = bundle;
    return 0;
}

int barrow_bundle_open(struct barrow_bundle **out, const char *path, struct barrow_error *err)
{
    struct ledger_source source = {.fd = -1};
    *out = NULL;
    if (ledger_source_open(&source, path, err) < 0)
        return -1;
    int result = open_source(out, &source, path, err);
    if (result < 0)
        close(source.fd);
    return result;
}

int barrow_bundle_open_bytes(struct barrow_bundle **out, const void *bytes, size_t count,
                             const char *name, struct barrow_error *err)
{
    struct ledger_source source = {.fd = -1, .bytes = bytes, .size = count};
    return open_source(out, &source, name, err);
}

void barrow_bundle_free(struct barrow_bundle *bundle)
{
    if (!bundle)
        return;
    if (bundle->source.fd >= 0)
        close(bundle->source.fd);
    for (size_t i = 0; i < bundle->members.count; i++)
        free(bundle->members.items[i].path);
    free(bundle->members.items);
    barrow_notes_free(&bundle->warnings);
    free(bundle->path);
    free(bundle);
}

const struct barrow_notes *barrow_bundle_warnings(const struct barrow_bundle *bundle)
{
    return &bundle->warnings;
}

size_t barrow_bundle_count(const struct barrow_bundle *bundle)
{
    return bundle->members.count;
}

const char *barrow_bundle_path(const struct barrow_bundle *bundle, size_t member)
{
    return bundle->members.items[member].path;
}

/* ---- reading a member ---- */

/* The first `count` bytes of the ledger; returns how many there are. */
static uint64_t read_member(const struct barrow_bundle *bundle, const struct bundle_member *member,
                            void *to, uint64_t count)
{
    if (member->extent.codec == LEDGER_CODEC_ZSTD)
        return ledger_zstd_decode(&bundle->source, member->offset, member->stored, to, count);
    return ledger_source_read(&bundle->source, member->offset, to, count);
}

static int check_codec(const struct bundle_member *member, struct barrow_error *err)
{
    if (member->extent.codec == LEDGER_CODEC_ZSTD && !ledger_has_zstd)
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "%.300s: compressed with zstd, which this barrow was built without; "
                           "build it with libzstd",
                           member->path);
    return 0;
}

int barrow_bundle_header(const struct barrow_bundle *bundle, size_t number,
                         struct ledger_header *header, struct barrow_error *err)
{
    const struct bundle_member *member = &bundle->members.items[number];
    struct ledger_header pages[2];
    uint64_t count = member->bytes < sizeof pages ? member->bytes : sizeof pages;
    bool damaged;
    if (check_codec(member, err) < 0)
        return -1;
    struct ledger_source source = {
        .fd = -1, .bytes = (void *)pages, .size = read_member(bundle, member, pages, count)};
    return ledger_read_header(header, &source, member->path, &damaged, err);
}

/* Are the stored bytes those that were written? */
static bool is_intact(const struct barrow_bundle *bundle, const struct bundle_member *member)
{
    static const size_t chunk = 1 << 16;
    uint64_t offset = member->extent.offset + LEDGER_PAGE, left = member->extent.sealed_bytes;
    unsigned char *bytes = malloc(chunk);
    uint32_t sum = 0;
    while (bytes && left > 0) {
        uint64_t count = left < chunk ? left : chunk;
        if (ledger_source_read(&bundle->source, offset, bytes, count) < count)
            break;
        sum = barrow_crc32_more(sum, bytes, count);
        offset += count;
        left -= count;
    }
    free(bytes);
    return left == 0 && sum == member->extent.sealed_checksum;
}

int barrow_bundle_ledger(const struct barrow_bundle *bundle, size_t number,
                         struct barrow_ledger **out, struct barrow_error *err)
{
    const struct bundle_member *member = &bundle->members.items[number];
    *out = NULL;
    if (check_codec(member, err) < 0)
        return -1;
    /* Only what is written to it takes memory. */
    unsigned char *bytes = malloc(member->bytes ? member->bytes : 1);
    if (!bytes)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory to read %.300s", member->path);
    uint64_t count = read_member(bundle, member, bytes, member->bytes);
    int result = ledger_open_given_bytes(out, bytes, count, member->path, err);
    if (result == 0 && !is_intact(bundle, member))
        barrow_notes_add(&(*out)->warnings, "its copy in the bundle is damaged");
    return result;
}
