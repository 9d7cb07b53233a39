#include "export/gzip.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef BARROW_HAVE_ZLIB
#include <zlib.h>
#endif

#include "base/crc32.h"

enum { ROOM = 65535 }; /* the longest stored block */

struct barrow_gzip {
    barrow_gzip_sink *write;
    void *context;
    bool failed;
    uint32_t checksum, length; /* of the input; length modulo 2^32, as the format has it */
#ifdef BARROW_HAVE_ZLIB
    z_stream deflate;
#else
    size_t used; /* of `block` */
#endif
    unsigned char block[ROOM];
};

static void put(struct barrow_gzip *gzip, const void *bytes, size_t count)
{
    if (!gzip->failed && count && gzip->write(gzip->context, bytes, count) < 0)
        gzip->failed = true;
}

static void put_u32(unsigned char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(value >> 8 * i);
}

/* ---- the body: a deflate stream ---- */

#ifdef BARROW_HAVE_ZLIB

bool barrow_gzip_compresses(void)
{
    return true;
}

static bool body_begin(struct barrow_gzip *gzip, int level)
{
    /* Negative window bits: header and trailer are ours. */
    return deflateInit2(&gzip->deflate, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) ==
           Z_OK;
}

static void body_run(struct barrow_gzip *gzip, int flush)
{
    z_stream *z = &gzip->deflate;

    do {
        z->next_out = gzip->block;
        z->avail_out = ROOM;
        deflate(z, flush);
        put(gzip, gzip->block, ROOM - z->avail_out);
    } while (z->avail_out == 0 && !gzip->failed);
}

static void body_write(struct barrow_gzip *gzip, const unsigned char *bytes, size_t count)
{
    while (count && !gzip->failed) {
        uInt part = count < UINT32_MAX / 2 ? (uInt)count : UINT32_MAX / 2;
        gzip->deflate.next_in = (Bytef *)(uintptr_t)bytes;
        gzip->deflate.avail_in = part;
        body_run(gzip, Z_NO_FLUSH);
        bytes += part;
        count -= part;
    }
}

static void body_end(struct barrow_gzip *gzip)
{
    gzip->deflate.avail_in = 0;
    if (!gzip->failed)
        body_run(gzip, Z_FINISH);
    deflateEnd(&gzip->deflate);
}

#else

bool barrow_gzip_compresses(void)
{
    return false;
}

static bool body_begin(struct barrow_gzip *gzip, int level)
{
    (void)level;
    gzip->used = 0;
    return true;
}

static void put_block(struct barrow_gzip *gzip, bool last)
{
    uint32_t length = (uint32_t)gzip->used;
    unsigned char head[5] = {last};

    put_u32(head + 1, length | (~length & 0xffff) << 16);
    put(gzip, head, sizeof head);
    put(gzip, gzip->block, gzip->used);
    gzip->used = 0;
}

static void body_write(struct barrow_gzip *gzip, const unsigned char *bytes, size_t count)
{
    while (count && !gzip->failed) {
        size_t part = count < ROOM - gzip->used ? count : ROOM - gzip->used;
        memcpy(gzip->block + gzip->used, bytes, part);
        gzip->used += part;
        bytes += part;
        count -= part;
        if (gzip->used == ROOM)
            put_block(gzip, false);
    }
}

static void body_end(struct barrow_gzip *gzip)
{
    put_block(gzip, true);
}

#endif

/* ---- the file around it ---- */

struct barrow_gzip *barrow_gzip_open(barrow_gzip_sink *write, void *context, int level)
{
    /* magic, deflate, no flags, no time, no hint about the level, made on Unix */
    static const unsigned char head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    struct barrow_gzip *gzip = calloc(1, sizeof *gzip);

    if (!gzip || !body_begin(gzip, level)) {
        free(gzip);
        return NULL;
    }
    gzip->write = write;
    gzip->context = context;
    put(gzip, head, sizeof head);
    return gzip;
}

int barrow_gzip_write(struct barrow_gzip *gzip, const void *bytes, size_t count)
{
    gzip->checksum = barrow_crc32_more(gzip->checksum, bytes, count);
    gzip->length += (uint32_t)count;
    body_write(gzip, bytes, count);
    return gzip->failed ? -1 : 0;
}

int barrow_gzip_close(struct barrow_gzip *gzip)
{
    unsigned char tail[8];

    if (!gzip)
        return -1;
    body_end(gzip);
    put_u32(tail, gzip->checksum);
    put_u32(tail + 4, gzip->length);
    put(gzip, tail, sizeof tail);
    int rc = gzip->failed ? -1 : 0;
    free(gzip);
    return rc;
}

int barrow_gzip_to_stream(void *context, const void *bytes, size_t count)
{
    return fwrite(bytes, 1, count, context) == count ? 0 : -1;
}
