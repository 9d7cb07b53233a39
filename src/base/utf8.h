/* UTF-8 as Python writes it: surrogates are let through, because Python keeps bytes of file names
 * in them. */
#ifndef BARROW_BASE_UTF8_H
#define BARROW_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes the first character of `text`, which ends with NUL; returns its length in bytes, 0 if
 * these are no UTF-8. */
static inline size_t barrow_utf8_decode(const char *text, uint32_t *character)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *s = (const unsigned char *)text;
    size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    uint32_t c = length == 1 ? s[0] : s[0] & (0x7fu >> length);

    if (length == 0 || s[0] >= 0xf8)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    if (c < smallest[length] || c > 0x10ffff)
        return 0;
    *character = c;
    return length;
}

static inline bool barrow_utf8_is_surrogate(uint32_t c)
{
    return c >= 0xd800 && c < 0xe000;
}

static inline bool barrow_utf8_is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

#endif
