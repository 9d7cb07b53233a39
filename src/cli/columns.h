/* Aligned columns of text, fitted to the terminal.
 *
 *     bytes      %    blocks  function   line        source
 *  12.3 MiB  29.8 %   10,000  load       app.py:12   rows.append(json.loads(line))
 *
 * Rows are filled cell by cell from left to right; cells are copied and made printable.  When a
 * row is too wide, the columns that may be cut give way, the widest first.  A row's detail
 * (source text) becomes a last column where there is room, else a line of its own below the row.
 */
#ifndef BARROW_CLI_COLUMNS_H
#define BARROW_CLI_COLUMNS_H

#include <stddef.h>

#include "cli/terminal.h"

struct barrow_column {
    const char *title;
    enum { ALIGN_RIGHT, ALIGN_LEFT } align;
    enum barrow_style style;
    size_t at_least; /* 0: never cut; else cut to this many columns if need be */
    enum barrow_cut cut;
};

struct barrow_columns;

/* `columns` must outlive the object.  `detail`: title of the detail column, or NULL. */
struct barrow_columns *barrow_columns_new(const struct barrow_terminal *terminal,
                                          const struct barrow_column *columns, size_t count,
                                          const char *detail);
void barrow_columns_put(struct barrow_columns *c, const char *text);
/* The same in a style other than the column's. */
void barrow_columns_put_styled(struct barrow_columns *c, const char *text, enum barrow_style style);
/* Of the row that the last cell is in. */
void barrow_columns_detail(struct barrow_columns *c, const char *text);
/* A further line below that row, cut to the terminal's width. */
void barrow_columns_below(struct barrow_columns *c, const char *text);
void barrow_columns_print(struct barrow_columns *c);
void barrow_columns_free(struct barrow_columns *c);

#endif
