/* Source lines to show beside a place, where the file can still be read. */
#ifndef BARROW_CLI_SOURCE_H
#define BARROW_CLI_SOURCE_H

#include <stdint.h>

/* The line without its indentation, tabs as blanks; to be freed.  NULL: the file can't be read, has
 * no such line, or was changed after `recorded_until_ns` (CLOCK_REALTIME), when its line would
 * mislead. */
char *barrow_source_line(const char *file, uint32_t line, uint64_t recorded_until_ns);

/* Lines `first` to `last` as they are, without their ends: `last - first + 1` texts, NULL where the file
 * has no such line.  All of it NULL where barrow_source_line() would give none.  Free with
 * barrow_source_free(). */
char **barrow_source_lines(const char *file, uint32_t first, uint32_t last, uint64_t recorded_until_ns);
void barrow_source_free(char **lines, uint32_t first, uint32_t last);

#endif
