/* Memory for small things of the command line: text of a view, option lists.
 *
 * The executable has nothing to save when it runs out of memory, so these end it with
 * the usual line on standard error and exit status 2.  Only for src/cli.
 */
#ifndef BARROW_CLI_MEMORY_H
#define BARROW_CLI_MEMORY_H

#include <stddef.h>

void *barrow_allocate(size_t bytes); /* zeroed */
void *barrow_reallocate(void *block, size_t bytes);
char *barrow_copy(const char *text) __attribute__((returns_nonnull));
/* printf into memory of its own */
char *barrow_format(const char *format, ...) __attribute__((returns_nonnull, format(printf, 1, 2)));

#endif
