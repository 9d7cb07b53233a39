#include "base/crc32.h"

/* Half a byte at a time: checksums guard header pages and checkpoints, a few megabytes at most,
 * and sixteen numbers can be read by a person. */
static const uint32_t half_byte[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

uint32_t barrow_crc32_more(uint32_t checksum, const void *bytes, size_t count)
{
    const uint8_t *at = bytes;
    uint32_t c = ~checksum;
    for (size_t i = 0; i < count; i++) {
        c ^= at[i];
        c = c >> 4 ^ half_byte[c & 15];
        c = c >> 4 ^ half_byte[c & 15];
    }
    return ~c;
}

uint32_t barrow_crc32(const void *bytes, size_t count)
{
    return barrow_crc32_more(0, bytes, count);
}
