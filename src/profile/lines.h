/* CPython's location table (co_linetable, 3.11 and later), decoded to lines.
 *
 * A table is a run of entries, one for 1 to 8 code units (of 2 bytes) each:
 *
 *     1cccclll  [more bytes, bit 7 clear]       units = lll + 1
 *
 *     cccc  0-9    same line               1 byte more (columns)
 *           10-12  line += cccc - 10       2 bytes more (columns)
 *           13     line += svarint
 *           14     line += svarint         3 varints more (end line, columns)
 *           15     no line
 *
 * A varint has 6 bits a byte, lowest first, bit 6: more follow; an svarint keeps the sign in bit 0.
 * The line starts at co_firstlineno.
 */
#ifndef BARROW_PROFILE_LINES_H
#define BARROW_PROFILE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct barrow_line_run { /* code units from `start` to the next run's start */
    uint32_t start;
    uint32_t line;
};

struct barrow_lines { /* {0}: a table without runs */
    struct barrow_line_run *runs;
    uint32_t count;
};

/* Decodes `count` bytes; neighbours of the same line become one run.  What a damaged table holds up
 * to the damage is kept.  Units that have no line (0 is none) get `first_line`.  false: no memory. */
bool barrow_lines_decode(struct barrow_lines *lines, const void *table, size_t count,
                         uint32_t first_line);
/* The line of a code unit; 0: none (negative, behind the end, damaged). */
uint32_t barrow_lines_at(const struct barrow_lines *lines, int32_t unit);
void barrow_lines_free(struct barrow_lines *lines);

#endif
