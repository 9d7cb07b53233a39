#include "base/crc32.h"

#include <stdbool.h>
#include <string.h>

/* Eight bytes at a time ("slicing by 8"): table[k][b] is the checksum of byte b followed by k
 * zero bytes.  The tables are made at the first use; threads that race make the same numbers. */
static uint32_t table[8][256];
static bool made;

static void make_tables(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t c = b;
        for (int bit = 0; bit < 8; bit++)
            c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
        table[0][b] = c;
    }
    for (uint32_t b = 0; b < 256; b++)
        for (int k = 1; k < 8; k++)
            table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 255];
    __atomic_store_n(&made, true, __ATOMIC_RELEASE);
}

uint32_t barrow_crc32_more(uint32_t checksum, const void *bytes, size_t count)
{
    const uint8_t *at = bytes;
    uint32_t c = ~checksum;
    if (!__atomic_load_n(&made, __ATOMIC_ACQUIRE))
        make_tables();
    for (; count >= 8; count -= 8, at += 8) {
        uint32_t low, high;
        memcpy(&low, at, 4);
        memcpy(&high, at + 4, 4);
        low ^= c;
        c = table[7][low & 255] ^ table[6][low >> 8 & 255] ^ table[5][low >> 16 & 255] ^
            table[4][low >> 24] ^ table[3][high & 255] ^ table[2][high >> 8 & 255] ^
            table[1][high >> 16 & 255] ^ table[0][high >> 24];
    }
    for (; count > 0; count--)
        c = c >> 8 ^ table[0][(c ^ *at++) & 255];
    return ~c;
}

uint32_t barrow_crc32(const void *bytes, size_t count)
{
    return barrow_crc32_more(0, bytes, count);
}
