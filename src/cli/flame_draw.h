/* A flame graph as rows of text.
 *
 * On a terminal of 256 colours cells are blocks of colour, by module; elsewhere they stand between
 * bars.  If there are more levels than rows, calls that do nothing but call on share a row:
 * `main > read > parse`.
 */
#ifndef BARROW_CLI_FLAME_DRAW_H
#define BARROW_CLI_FLAME_DRAW_H

#include "cli/view.h"
#include "table/flame.h"

struct barrow_flame_picture {
    const struct barrow_view *view;
    const struct barrow_calltree *tree;
    const struct barrow_flame *flame;
    bool inverted, full; /* full: a row for each call */
    bool color;
    size_t columns, rows; /* room; rows 0: any number */

    /* What drawing found; barrow_flame_picture_free(). */
    size_t rows_needed;
    uint32_t *row;  /* of each cell, from 0; UINT32_MAX for the whole */
    uint32_t *head; /* of each cell: the outermost one that shares its row */
};

/* Columns that a cell needs to be told from its neighbours; smaller ones should be put together. */
size_t barrow_flame_least_columns(bool color);
/* Whether the terminal is known to show 256 colours. */
bool barrow_flame_takes_colors(const struct barrow_terminal *terminal);

void barrow_flame_draw(struct barrow_flame_picture *picture);
void barrow_flame_picture_free(struct barrow_flame_picture *picture);

/* "read etl.py:10"; to be freed, printable. */
char *barrow_flame_name(const struct barrow_flame_picture *picture, uint32_t cell, bool with_place);

#endif
