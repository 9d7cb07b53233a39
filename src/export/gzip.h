/* gzip, written as it comes: bytes in, compressed bytes out to a function.
 *
 *     struct barrow_gzip *gzip = barrow_gzip_open(barrow_gzip_to_stream, file, 6);
 *     if (!gzip)
 *         ... no memory ...
 *     barrow_gzip_write(gzip, bytes, count);
 *     if (barrow_gzip_close(gzip) < 0)
 *         ... no memory, or the function failed ...
 *
 * Equal input gives equal output: the header holds neither a time nor a name.  Built without zlib
 * the output is as valid, but nothing is compressed (stored blocks).  Not thread-safe.
 */
#ifndef BARROW_EXPORT_GZIP_H
#define BARROW_EXPORT_GZIP_H

#include <stdbool.h>
#include <stddef.h>

/* Takes `count` bytes, which are gone after it returns; -1: failed, nothing more will come. */
typedef int barrow_gzip_sink(void *context, const void *bytes, size_t count);

struct barrow_gzip;

/* `level`: 1 (fast) to 9 (small).  NULL: no memory. */
struct barrow_gzip *barrow_gzip_open(barrow_gzip_sink *write, void *context, int level);
/* 0, or -1 after the first failure of the sink: later calls do nothing. */
int barrow_gzip_write(struct barrow_gzip *gzip, const void *bytes, size_t count);
/* Writes what is left and frees `gzip` (may be NULL); -1 if anything failed since it was opened. */
int barrow_gzip_close(struct barrow_gzip *gzip);

/* A sink: `context` is a FILE *, whose errors stay in the stream. */
int barrow_gzip_to_stream(void *context, const void *bytes, size_t count);

/* Whether this build compresses. */
bool barrow_gzip_compresses(void);

#endif
