/* A bundle that is open.  Private to src/ledger/bundle*.c. */
#ifndef BARROW_LEDGER_BUNDLE_SOURCE_H
#define BARROW_LEDGER_BUNDLE_SOURCE_H

#include "base/array.h"
#include "ledger/bundle.h"
#include "ledger/read_source.h"

struct bundle_member {
    struct ledger_extent extent;
    uint64_t bytes;  /* of the ledger */
    uint64_t offset; /* of what is stored of it, in the bundle */
    uint64_t stored; /* bytes */
    char *path;
};

struct barrow_bundle {
    struct ledger_source source;
    char *path;
    BARROW_ARRAY(struct bundle_member) members;
    struct barrow_notes warnings;
};

/* Does the member's length stand in proportion to what is stored? */
static inline bool bundle_is_sane(uint64_t bytes, uint64_t stored, uint32_t codec)
{
    if (codec == LEDGER_CODEC_STORED)
        return bytes == stored;
    return bytes <= BARROW_MEMBER_SLACK + BARROW_MEMBER_RATIO * stored;
}

#endif
