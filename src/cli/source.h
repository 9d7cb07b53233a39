/* Source lines to show beside a place, where the file can still be read. */
#ifndef BARROW_CLI_SOURCE_H
#define BARROW_CLI_SOURCE_H

#include <stdint.h>

/* The line without its indentation, tabs as blanks; to be freed.  NULL: the file can't be read, has
 * no such line, or was changed after `recorded_until_ns` (CLOCK_REALTIME), when its line would
 * mislead. */
char *barrow_source_line(const char *file, uint32_t line, uint64_t recorded_until_ns);

#endif
