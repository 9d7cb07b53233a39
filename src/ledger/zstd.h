/* The codec zstd, or what says that this build has none.  Private to src/ledger.
 *
 * Data is one zstd frame or several, one behind another.
 */
#ifndef BARROW_LEDGER_ZSTD_H
#define BARROW_LEDGER_ZSTD_H

#include <stdio.h>

#include "ledger/read_source.h"

extern const bool ledger_has_zstd;

/* Decodes `count` bytes at `offset` of the source into `to`, which takes `room` bytes.  Returns how
 * many bytes came out: fewer than `room` if the data ends, is damaged, or memory is out. */
uint64_t ledger_zstd_decode(const struct ledger_source *source, uint64_t offset, uint64_t count,
                            void *to, uint64_t room);

/* Takes what an encoder makes. */
typedef void ledger_sink(void *context, const void *bytes, size_t count);
struct ledger_zstd_encoder;
/* NULL: no memory, or no zstd. */
struct ledger_zstd_encoder *ledger_zstd_encoder_new(void);
/* `last`: these bytes, of which there may be none, end the data.  false: no memory. */
bool ledger_zstd_encode(struct ledger_zstd_encoder *encoder, const void *bytes, size_t count,
                        bool last, ledger_sink *sink, void *context);
void ledger_zstd_encoder_free(struct ledger_zstd_encoder *encoder);

/* Whole blocks, one frame each, at the fastest level.  Packing allocates nothing: it works in memory
 * of the caller's, ledger_zstd_memory() bytes aligned to 8 (0: no zstd).  0: it doesn't fit, or failed. */
uint64_t ledger_zstd_memory(void);
uint64_t ledger_zstd_pack(void *memory, uint64_t memory_bytes, void *to, uint64_t room,
                          const void *bytes, uint64_t count);
/* The frame that `bytes` begins with; `count` may go beyond its end.  Returns how many bytes came out. */
uint64_t ledger_zstd_unpack(void *to, uint64_t room, const void *bytes, uint64_t count);

#endif
