/* Growing columns whose memory comes from mmap(2) and goes back at once.
 *
 * A walk can't use the C library's allocator: it would see its own traces, and in a forked child a lock may be
 * held for ever.
 */
#ifndef BARROW_DIG_COLUMNS_H
#define BARROW_DIG_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dig_column {
    void *at;
    size_t bytes; /* mapped */
};

/* Makes room for `bytes`; what was there stays, the rest is zero.  May move.  False: no memory. */
bool barrow_column_reserve(struct dig_column *column, size_t bytes);
void barrow_column_free(struct dig_column *column);
/* Gives the end back that is not in use. */
void barrow_column_trim(struct dig_column *column, size_t bytes);

#endif
