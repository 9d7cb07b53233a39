/* CRC-32 as in IEEE 802.3, zlib and gzip: polynomial 0xEDB88320, reflected. */
#ifndef BARROW_BASE_CRC32_H
#define BARROW_BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `count` bytes.  Async-signal-safe; touches no memory but its input. */
uint32_t barrow_crc32(const void *bytes, size_t count);

/* Continues: barrow_crc32_more(barrow_crc32(a), b) is the checksum of a followed by b. */
uint32_t barrow_crc32_more(uint32_t checksum, const void *bytes, size_t count);

#endif
