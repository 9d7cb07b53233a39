#include "base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Integer arithmetic throughout: the decimal point does not depend on the locale, and a value never
 * rounds up to "1024 KiB". */

/* value / unit, one decimal below 10, rounded down. */
static void scaled(char *text, uint64_t value, uint64_t unit, const char *name)
{
    uint64_t whole = value / unit;
    if (whole < 10)
        snprintf(text, BARROW_UNITS_ROOM, "%" PRIu64 ".%" PRIu64 " %s", whole,
                 value % unit / (unit / 10), name);
    else
        snprintf(text, BARROW_UNITS_ROOM, "%" PRIu64 " %s", whole, name);
}

char *barrow_units_bytes(char *text, uint64_t bytes)
{
    static const char names[][4] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        snprintf(text, BARROW_UNITS_ROOM, "%" PRIu64 " B", bytes);
        return text;
    }
    int unit = (63 - __builtin_clzll(bytes)) / 10; /* 1: KiB */
    /* Two bits of fraction would be lost by dividing first, so tenths are taken from the rest. */
    uint64_t size = (uint64_t)1 << (10 * unit);
    uint64_t whole = bytes / size;
    uint64_t tenths = (bytes % size >> (10 * unit - 10)) * 10 / 1024;
    if (whole < 10)
        snprintf(text, BARROW_UNITS_ROOM, "%" PRIu64 ".%" PRIu64 " %s", whole, tenths,
                 names[unit - 1]);
    else
        snprintf(text, BARROW_UNITS_ROOM, "%" PRIu64 " %s", whole, names[unit - 1]);
    return text;
}

char *barrow_units_duration(char *text, uint64_t ns)
{
    const uint64_t second = 1000000000;
    uint64_t seconds = ns / second;
    if (ns < 1000)
        snprintf(text, BARROW_UNITS_ROOM, "%" PRIu64 " ns", ns);
    else if (ns < 1000000)
        scaled(text, ns, 1000, "µs");
    else if (ns < second)
        scaled(text, ns, 1000000, "ms");
    else if (seconds < 60)
        scaled(text, ns, second, "s");
    else if (seconds < 3600)
        snprintf(text, BARROW_UNITS_ROOM, "%" PRIu64 " min %02" PRIu64 " s", seconds / 60,
                 seconds % 60);
    else
        snprintf(text, BARROW_UNITS_ROOM, "%" PRIu64 " h %02" PRIu64 " min", seconds / 3600,
                 seconds / 60 % 60);
    return text;
}

char *barrow_units_count(char *text, uint64_t count)
{
    char digits[BARROW_UNITS_ROOM];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, count);
    char *to = text;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && length > 3)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

/* No strtod(): its decimal point depends on the locale, and it takes hexadecimal numbers. */
static const char *parse_number(const char *text, double *number)
{
    double value = 0, weight = 1;
    if (*text < '0' || *text > '9')
        return NULL;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (*text - '0');
    if (*text == '.')
        for (text++; *text >= '0' && *text <= '9'; text++)
            value += (*text - '0') * (weight /= 10);
    *number = value;
    return text;
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

int barrow_units_parse_bytes(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMGTP";
    double number;
    const char *at = parse_number(text, &number);
    if (!at)
        return -1;
    while (*at == ' ')
        at++;
    const char *unit = *at ? strchr(units, upper(*at)) : NULL;
    for (const char *u = units; unit && u <= unit; u++)
        number *= 1024;
    if (unit) {
        at++;
        if (upper(*at) == 'I')
            at++;
    }
    if (upper(*at) == 'B')
        at++;
    if (*at || number >= 0x1p63)
        return -1;
    *bytes = (uint64_t)(number + 0.5);
    return 0;
}
