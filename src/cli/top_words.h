/* The lines above the table of `barrow top`; the same for the screen and for plain text. */
#ifndef BARROW_CLI_TOP_WORDS_H
#define BARROW_CLI_TOP_WORDS_H

#include "cli/top_model.h"

/* Each is to be freed and not yet printable. */
char *barrow_top_command(const struct barrow_top *top); /* "app.py --size 3" */
char *barrow_top_life(const struct barrow_top *top, const struct barrow_terminal *t);
char *barrow_top_memory(const struct barrow_top *top, const struct barrow_terminal *t);
char *barrow_top_activity(const struct barrow_top *top, const struct barrow_terminal *t);

/* Cells of a row; "" where there is nothing to tell.  `text` holds TOP_CELL_ROOM bytes. */
enum { TOP_CELL_ROOM = 40 };
char *barrow_top_growth(char *text, int64_t bytes); /* "+1.2 MiB" */
char *barrow_top_rate(char *text, uint64_t bytes);  /* "1.2 MiB/s" */
char *barrow_top_count(char *text, uint64_t count);
/* What the row is: function and place, or a name.  To be freed, not yet printable. */
char *barrow_top_row_name(const struct barrow_top_row *row, enum top_group by);
char *barrow_top_row_place(const struct barrow_top_row *row, enum top_group by);

/* The newest sample's RSS, the living processes summed; 0: not known. */
uint64_t barrow_top_rss(const struct barrow_profile *profile);

#endif
