#define ZSTD_STATIC_LINKING_ONLY /* contexts in the caller's memory */
#include <stdlib.h>
#include <zstd.h>

#include "ledger/zstd.h"

struct ledger_zstd_encoder {
    ZSTD_CCtx *context;
    size_t room;
    char out[];
};

struct ledger_zstd_encoder *ledger_zstd_encoder_new(void)
{
    size_t room = ZSTD_CStreamOutSize();
    struct ledger_zstd_encoder *encoder = malloc(sizeof *encoder + room);
    if (!encoder)
        return NULL;
    encoder->room = room;
    encoder->context = ZSTD_createCCtx();
    if (!encoder->context) {
        free(encoder);
        return NULL;
    }
    return encoder;
}

bool ledger_zstd_encode(struct ledger_zstd_encoder *encoder, const void *bytes, size_t count,
                        bool last, ledger_sink *sink, void *context)
{
    ZSTD_inBuffer in = {bytes, count, 0};
    size_t left;
    do {
        ZSTD_outBuffer out = {encoder->out, encoder->room, 0};
        left =
            ZSTD_compressStream2(encoder->context, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return false;
        sink(context, encoder->out, out.pos);
    } while (last ? left > 0 : in.pos < in.size);
    return true;
}

void ledger_zstd_encoder_free(struct ledger_zstd_encoder *encoder)
{
    if (encoder)
        ZSTD_freeCCtx(encoder->context);
    free(encoder);
}

enum { BLOCK_LEVEL = 1 };

uint64_t ledger_zstd_memory(void)
{
    return (ZSTD_estimateCCtxSize(BLOCK_LEVEL) + 7) / 8 * 8;
}

uint64_t ledger_zstd_pack(void *memory, uint64_t memory_bytes, void *to, uint64_t room,
                          const void *bytes, uint64_t count)
{
    ZSTD_CCtx *context = ZSTD_initStaticCCtx(memory, memory_bytes);
    size_t packed = context ? ZSTD_compressCCtx(context, to, room, bytes, count, BLOCK_LEVEL) : 0;
    return ZSTD_isError(packed) ? 0 : packed;
}
