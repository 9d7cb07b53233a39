#include <stdlib.h>
#include <zstd.h>

#include "ledger/zstd.h"

const bool ledger_has_zstd = true;

uint64_t ledger_zstd_decode(const struct ledger_source *source, uint64_t offset, uint64_t count,
                            void *to, uint64_t room)
{
    size_t chunk = ZSTD_DStreamInSize();
    ZSTD_DCtx *context = ZSTD_createDCtx();
    char *stored = malloc(chunk);
    ZSTD_outBuffer out = {to, room, 0};

    bool more = context && stored;
    while (more && count > 0 && out.pos < room) {
        size_t wanted = count < chunk ? (size_t)count : chunk, before;
        ZSTD_inBuffer in = {stored, ledger_source_read(source, offset, stored, wanted), 0};
        more = in.size == wanted; /* else the file was cut off */
        offset += wanted;
        count -= wanted;
        do {
            before = out.pos;
            if (ZSTD_isError(ZSTD_decompressStream(context, &out, &in)))
                more = false;
        } while (more && out.pos < room && (in.pos < in.size || out.pos > before));
    }
    ZSTD_freeDCtx(context);
    free(stored);
    return out.pos;
}

uint64_t ledger_zstd_unpack(void *to, uint64_t room, const void *bytes, uint64_t count)
{
    size_t frame = ZSTD_findFrameCompressedSize(bytes, count);
    size_t got = ZSTD_isError(frame) ? 0 : ZSTD_decompress(to, room, bytes, frame);
    return ZSTD_isError(got) ? 0 : got;
}
