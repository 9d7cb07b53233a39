/* Writing bundles.  An extent's header is written when its payload is, and its length known. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32.h"
#include "ledger/bundle_source.h"
#include "ledger/zstd.h"

enum { CHUNK = 1 << 16 };

struct payload { /* being written */
    FILE *to;
    uint64_t bytes;
    uint32_t checksum;
};

static void put(void *context, const void *bytes, size_t count)
{
    struct payload *payload = context;
    fwrite(bytes, 1, count, payload->to);
    payload->checksum = barrow_crc32_more(payload->checksum, bytes, count);
    payload->bytes += count;
}

static void put_page(FILE *to, const void *bytes, size_t count)
{
    static const char zeros[LEDGER_PAGE];
    fwrite(bytes, 1, count, to);
    fwrite(zeros, 1, LEDGER_PAGE - count, to);
}

static int seek(const struct barrow_bundle_writer *writer, uint64_t offset,
                struct barrow_error *err)
{
    if (fseeko(writer->to, (off_t)offset, SEEK_SET) != 0)
        return barrow_fail(err, BARROW_E_IO, "the bundle can't be written: %s", strerror(errno));
    return 0;
}

int barrow_bundle_begin(struct barrow_bundle_writer *writer, FILE *to,
                        const struct ledger_header *root, struct barrow_error *err)
{
    *writer = (struct barrow_bundle_writer){
        .to = to, .root = root, .compress = ledger_has_zstd, .bytes = LEDGER_EXTENTS_OFFSET};
    return seek(writer, writer->bytes, err);
}

/* Fills the payload's last page, and writes the header page before it. */
static int end_member(struct barrow_bundle_writer *writer, const struct payload *payload,
                      uint32_t codec, struct barrow_error *err)
{
    static const char zeros[LEDGER_PAGE];
    uint64_t blank = -payload->bytes % LEDGER_PAGE;
    struct ledger_extent extent = {.magic = LEDGER_EXTENT_MAGIC,
                                   .kind = LEDGER_MEMBER,
                                   .version = 1,
                                   .record_bytes = 1,
                                   .offset = writer->bytes,
                                   .payload_bytes = payload->bytes + blank,
                                   .capacity = payload->bytes + blank,
                                   .codec = codec,
                                   .sealed_bytes = payload->bytes,
                                   .sealed_checksum = payload->checksum};
    extent.checksum = barrow_crc32(&extent, 64);
    fwrite(zeros, 1, blank, writer->to);
    if (seek(writer, writer->bytes, err) < 0)
        return -1;
    put_page(writer->to, &extent, sizeof extent);
    writer->bytes += LEDGER_PAGE + extent.payload_bytes;
    writer->members++;
    return seek(writer, writer->bytes, err);
}

/* ---- a file ---- */

struct ledger_copy {
    struct ledger_source source;
    const char *path, *name;
};

static int put_contents(struct payload *payload, const struct ledger_copy *from,
                        struct ledger_zstd_encoder *encoder, unsigned char *chunk,
                        struct barrow_error *err)
{
    uint64_t offset = 0, size = from->source.size;
    do {
        size_t count = size - offset < CHUNK ? (size_t)(size - offset) : CHUNK;
        if (ledger_source_read(&from->source, offset, chunk, count) < count)
            return barrow_fail(err, BARROW_E_IO, "%.300s: became shorter while it was copied",
                               from->path);
        offset += count;
        if (!encoder)
            put(payload, chunk, count);
        else if (!ledger_zstd_encode(encoder, chunk, count, offset == size, put, payload))
            return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory to compress %.300s", from->path);
    } while (offset < size);
    return 0;
}

static int put_member(struct payload *payload, const struct ledger_copy *from, uint32_t codec,
                      struct barrow_error *err)
{
    struct ledger_member head = {.bytes = from->source.size,
                                 .name_bytes = (uint32_t)strlen(from->name)};
    struct ledger_zstd_encoder *encoder = NULL;
    unsigned char *chunk = malloc(CHUNK);
    int result = -1;
    if (codec == LEDGER_CODEC_ZSTD)
        encoder = ledger_zstd_encoder_new();
    if (!chunk || (codec == LEDGER_CODEC_ZSTD && !encoder)) {
        barrow_fail(err, BARROW_E_NO_MEMORY, "no memory to copy %.300s", from->path);
    } else {
        put(payload, &head, sizeof head);
        put(payload, from->name, head.name_bytes);
        result = put_contents(payload, from, encoder, chunk, err);
    }
    ledger_zstd_encoder_free(encoder);
    free(chunk);
    return result;
}

static int add_copy(struct barrow_bundle_writer *writer, const struct ledger_copy *from,
                    uint32_t codec, struct barrow_error *err)
{
    struct payload payload = {.to = writer->to};
    if (seek(writer, writer->bytes + LEDGER_PAGE, err) < 0 ||
        put_member(&payload, from, codec, err) < 0)
        return -1;
    uint64_t stored = payload.bytes - sizeof(struct ledger_member) - strlen(from->name);
    if (!bundle_is_sane(from->source.size, stored, codec)) /* all but nothing in it */
        return add_copy(writer, from, LEDGER_CODEC_STORED, err);
    return end_member(writer, &payload, codec, err);
}

/* A process that runs changes its counters while they are copied.  Those that decide about the peak
 * belong to the sites' as of the end (docs/internals/ledger.md, 4): so they come last, in a file
 * without a name. */
static int freeze(struct ledger_copy *from, struct barrow_error *err)
{
    size_t hot = offsetof(struct ledger_state, end);
    struct ledger_state state;
    struct payload payload = {.to = tmpfile()};
    unsigned char *chunk = malloc(CHUNK);
    int result = payload.to && chunk
                     ? put_contents(&payload, from, NULL, chunk, err)
                     : barrow_fail(err, BARROW_E_IO, "no temporary file for %.300s", from->path);
    if (result == 0 && ledger_source_read(&from->source, LEDGER_STATE_OFFSET, &state, hot) == hot) {
        fseeko(payload.to, LEDGER_STATE_OFFSET, SEEK_SET);
        fwrite(&state, 1, hot, payload.to);
    }
    if (result == 0 && (fflush(payload.to) != 0 || ferror(payload.to)))
        result = barrow_fail(err, BARROW_E_IO, "no room to copy %.300s: %s", from->path,
                             strerror(errno));
    if (result == 0) {
        close(from->source.fd);
        from->source.fd = dup(fileno(payload.to));
        if (from->source.fd < 0)
            result = barrow_fail(err, BARROW_E_IO, "%.300s: %s", from->path, strerror(errno));
    }
    if (payload.to)
        fclose(payload.to);
    free(chunk);
    return result;
}

/* Ended ledgers don't change any more. */
static bool is_live(const struct ledger_copy *from)
{
    struct ledger_state state;
    return ledger_source_read(&from->source, LEDGER_STATE_OFFSET, &state, sizeof state) ==
               sizeof state &&
           state.end == LEDGER_END_NONE;
}

int barrow_bundle_add_file(struct barrow_bundle_writer *writer, const char *path,
                           struct barrow_error *err)
{
    const char *slash = strrchr(path, '/');
    struct ledger_copy from = {.path = path, .name = slash ? slash + 1 : path};
    if (ledger_source_open(&from.source, path, err) < 0)
        return -1;
    int result = is_live(&from) ? freeze(&from, err) : 0;
    if (result == 0)
        result = add_copy(writer, &from, writer->compress ? LEDGER_CODEC_ZSTD : LEDGER_CODEC_STORED,
                          err);
    if (from.source.fd >= 0)
        close(from.source.fd);
    return result;
}

/* ---- a member of another bundle ---- */

int barrow_bundle_add_member(struct barrow_bundle_writer *writer, const struct barrow_bundle *from,
                             size_t number, bool *damaged, struct barrow_error *err)
{
    const struct bundle_member *member = &from->members.items[number];
    uint64_t offset = member->extent.offset + LEDGER_PAGE, left = member->extent.sealed_bytes;
    struct payload payload = {.to = writer->to};
    unsigned char *chunk = malloc(CHUNK);
    if (!chunk || seek(writer, writer->bytes + LEDGER_PAGE, err) < 0) {
        free(chunk);
        return chunk
                   ? -1
                   : barrow_fail(err, BARROW_E_NO_MEMORY, "no memory to copy %.300s", member->path);
    }
    uint64_t lost = 0;
    while (left > 0) {
        size_t count = left < CHUNK ? (size_t)left : CHUNK;
        lost += count - ledger_source_read(&from->source, offset, chunk, count);
        put(&payload, chunk, count);
        offset += count;
        left -= count;
    }
    free(chunk);
    *damaged = lost > 0 || payload.checksum != member->extent.sealed_checksum;
    payload.checksum = member->extent.sealed_checksum; /* what is damaged stays known as that */
    return end_member(writer, &payload, member->extent.codec, err);
}

/* ---- the end ---- */

int barrow_bundle_end(struct barrow_bundle_writer *writer, struct barrow_error *err)
{
    struct ledger_header header = *writer->root;
    struct ledger_state state = {.epoch = 1, .file_bytes = writer->bytes};
    header.is_bundle = 1;
    header.format = LEDGER_FORMAT;
    header.checksum = 0;
    header.checksum = barrow_crc32(&header, sizeof header);
    state.used[LEDGER_MEMBER] = writer->members;
    if (seek(writer, 0, err) < 0)
        return -1;
    fwrite(&header, 1, sizeof header, writer->to);
    fwrite(&header, 1, sizeof header, writer->to);
    fwrite(&state, 1, sizeof state, writer->to);
    return 0;
}
