/* Base64 without line breaks, as it comes: three bytes become four characters. */
#ifndef BARROW_EXPORT_REPORT_BASE64_H
#define BARROW_EXPORT_REPORT_BASE64_H

#include <stddef.h>
#include <stdio.h>

struct barrow_base64 { /* {.to = stream} is ready */
    FILE *to;
    unsigned char kept[3]; /* bytes that wait for others */
    size_t kept_count;
};

/* `count` bytes; a barrow_gzip_sink: `base64` is a struct barrow_base64.  Errors stay in the stream. */
int barrow_base64_write(void *base64, const void *bytes, size_t count);
/* What is left, and the padding. */
void barrow_base64_end(struct barrow_base64 *base64);

#endif
