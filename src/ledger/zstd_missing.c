/* Built without libzstd. */
#include "ledger/zstd.h"

const bool ledger_has_zstd = false;

uint64_t ledger_zstd_decode(const struct ledger_source *source, uint64_t offset, uint64_t count,
                            void *to, uint64_t room)
{
    (void)source, (void)offset, (void)count, (void)to, (void)room;
    return 0;
}

struct ledger_zstd_encoder *ledger_zstd_encoder_new(void)
{
    return NULL;
}

bool ledger_zstd_encode(struct ledger_zstd_encoder *encoder, const void *bytes, size_t count,
                        bool last, ledger_sink *sink, void *context)
{
    (void)encoder, (void)bytes, (void)count, (void)last, (void)sink, (void)context;
    return false;
}

void ledger_zstd_encoder_free(struct ledger_zstd_encoder *encoder)
{
    (void)encoder;
}

uint64_t ledger_zstd_memory(void)
{
    return 0;
}

uint64_t ledger_zstd_pack(void *memory, uint64_t memory_bytes, void *to, uint64_t room,
                          const void *bytes, uint64_t count)
{
    (void)memory, (void)memory_bytes, (void)to, (void)room, (void)bytes, (void)count;
    return 0;
}

uint64_t ledger_zstd_unpack(void *to, uint64_t room, const void *bytes, uint64_t count)
{
    (void)to, (void)room, (void)bytes, (void)count;
    return 0;
}
