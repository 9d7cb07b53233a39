/* Amounts for people: at most three digits and a unit, "312 B", "1.5 MiB", "340 ms". */
#ifndef BARROW_BASE_UNITS_H
#define BARROW_BASE_UNITS_H

#include <stdint.h>

enum { BARROW_UNITS_ROOM = 28 }; /* 2^64-1 with its separators fits */

/* Each fills `text`, which holds BARROW_UNITS_ROOM bytes, and returns it. */

/* "0 B", "1023 B", "1.0 KiB", "9.9 MiB", "312 MiB"; up to EiB. */
char *barrow_units_bytes(char *text, uint64_t bytes);
/* "850 ns", "12 µs", "340 ms", "1.2 s", "3 min 05 s", "2 h 07 min". */
char *barrow_units_duration(char *text, uint64_t ns);
/* "12,345,678" */
char *barrow_units_count(char *text, uint64_t count);

/* The other way, as people write sizes: "64M", "1.5GiB", "24 MB", "4096", in any case; K, M, G, T
 * and P are powers of 1024 whatever stands behind them, B alone or nothing means bytes.
 * 0, or -1: not such a size, or 2^63 bytes and more. */
int barrow_units_parse_bytes(const char *text, uint64_t *bytes);

#endif
