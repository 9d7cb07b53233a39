/* The picture of memory over time, on any canvas.
 *
 *     title                              MiB ^   ___   [ ]: a call of a marked function, at entry
 *     peak, time, samples                    |__/   \_       and at exit; dashed: the peak, a slope
 *                                            +--------> seconds
 *                                        ── app.py   ── child 4242   [] load, 3 calls
 */
#ifndef BARROW_SERIES_PICTURE_H
#define BARROW_SERIES_PICTURE_H

#include "series/canvas.h"
#include "series/plot.h"

struct barrow_picture {
    const struct barrow_plot *plot;
    const char *title;        /* NULL: the command */
    const char *const *names; /* of the files, for the legend */
    bool slope;               /* draw each file's straight line */
};

enum { BARROW_PICTURE_WIDTH = 1000, BARROW_PICTURE_COLUMNS = 2 * BARROW_PICTURE_WIDTH };

/* Pixels that the picture needs; it is BARROW_PICTURE_WIDTH wide. */
int barrow_picture_height(const struct barrow_picture *picture);
const char *barrow_picture_title(const struct barrow_picture *picture);
/* Draws on a canvas of that size; the canvas is to be ended by the caller. */
void barrow_picture_draw(const struct barrow_picture *picture, struct barrow_canvas *canvas);

/* "load" of "app.load", if no other name ends so: the shortest end that tells it from the others.
 * Points into the name. */
const char *barrow_picture_short_name(const struct barrow_dat *dat, size_t name);

#endif
