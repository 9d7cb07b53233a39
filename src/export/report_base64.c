#include "export/report_base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode(const unsigned char *from, char *to)
{
    unsigned bits = (unsigned)from[0] << 16 | (unsigned)from[1] << 8 | from[2];

    to[0] = digits[bits >> 18];
    to[1] = digits[bits >> 12 & 63];
    to[2] = digits[bits >> 6 & 63];
    to[3] = digits[bits & 63];
}

/* Whole groups only. */
static void write_groups(FILE *to, const unsigned char *bytes, size_t groups)
{
    char text[4096];
    size_t used = 0;

    for (; groups; groups--, bytes += 3) {
        encode(bytes, text + used);
        used += 4;
        if (used == sizeof text || groups == 1) {
            fwrite(text, 1, used, to);
            used = 0;
        }
    }
}

int barrow_base64_write(void *base64, const void *bytes, size_t count)
{
    struct barrow_base64 *b = base64;
    const unsigned char *at = bytes;

    for (; b->kept_count && count; count--) {
        b->kept[b->kept_count++ % 3] = *at++;
        if (b->kept_count == 3) {
            write_groups(b->to, b->kept, 1);
            b->kept_count = 0;
        }
    }
    if (count == 0)
        return 0;
    write_groups(b->to, at, count / 3);
    b->kept_count = count % 3;
    memcpy(b->kept, at + count - b->kept_count, b->kept_count);
    return 0;
}

void barrow_base64_end(struct barrow_base64 *b)
{
    char last[4];

    if (b->kept_count == 0)
        return;
    for (size_t i = b->kept_count; i < 3; i++)
        b->kept[i] = 0;
    encode(b->kept, last);
    for (size_t i = b->kept_count + 1; i < 4; i++)
        last[i] = '=';
    fwrite(last, 1, sizeof last, b->to);
    b->kept_count = 0;
}
