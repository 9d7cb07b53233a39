/* Drawing the screen of `barrow top`.  Only where there is ncurses. */
#ifndef BARROW_CLI_TOP_DRAW_H
#define BARROW_CLI_TOP_DRAW_H

#include "cli/top_plain.h"

enum { TOP_FILTER_ROOM = 241 };

struct barrow_top_display {
    struct barrow_top *top;
    const struct barrow_top_wishes *wishes;
    struct barrow_terminal terminal; /* for making text printable */
    bool colors;                     /* pairs of colours are there */
    int height, width;               /* of the window, as last drawn */

    enum top_group by;
    enum top_sort sort;
    bool frozen, help, editing;
    char filter[TOP_FILTER_ROOM];
    size_t scroll; /* first row shown; drawing keeps it in bounds */
    char *trouble; /* why the last look failed; NULL: it did not */

    struct barrow_top_row *rows;
    size_t count;

    uint64_t due_ns; /* the next look */
    bool quit;
};

/* After ncurses was started. */
void barrow_top_start_colors(struct barrow_top_display *display);
void barrow_top_draw(struct barrow_top_display *display);
/* Rows of the table that fit the window. */
size_t barrow_top_page(const struct barrow_top_display *display);

#endif
