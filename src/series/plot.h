/* What is drawn of files of memory over time, and to which scale: for all pictures the same.
 *
 * A day at ten samples a second is a million readings, and a picture has a thousand columns.  Of
 * the readings in a column only the first, the lowest, the highest and the last are kept: a line
 * through them looks like the line through all.
 */
#ifndef BARROW_SERIES_PLOT_H
#define BARROW_SERIES_PLOT_H

#include "series/dat.h"

struct barrow_track { /* one line of the plot */
    size_t file;      /* index into `dats` */
    uint64_t pid;     /* of a child; 0: the process itself */
    BARROW_ARRAY(struct barrow_reading) points; /* time from the file's first reading on */
};

struct barrow_plot {
    const struct barrow_dat *dats;
    size_t count;
    double *starts;     /* of each file: where its time axis begins, in seconds since 1970 */
    double seconds;     /* of the longest file: the time axis; more than 0 */
    uint64_t top_bytes; /* the highest reading, peak or call; more than 0 */
    size_t calls;       /* of marked functions, in all files */
    bool cut;           /* there were more lines than are drawn */
    BARROW_ARRAY(struct barrow_track) tracks; /* each file's own, then those of its children */
};

enum { BARROW_PLOT_TRACKS = 200 };

/* `dats`, each with at least one reading, must outlive the plot.  `columns`: of the picture. */
int barrow_plot_build(struct barrow_plot *plot, const struct barrow_dat *dats, size_t count,
                      size_t columns, struct barrow_error *err);
void barrow_plot_free(struct barrow_plot *plot);

/* The straight line through a file's readings with the least squares. */
struct barrow_slope {
    double bytes_per_s, at_start; /* may be negative */
};
struct barrow_slope barrow_plot_slope(const struct barrow_plot *plot, size_t file);

/* "+1.2 MiB/s" */
enum { BARROW_SLOPE_ROOM = 40 };
char *barrow_plot_slope_text(char *text, struct barrow_slope slope);

/* The distance of an axis's marks: 1, 2 or 5 times a power of ten, at most `count` marks to `top`.
 * `top` > 0. */
double barrow_plot_step(double top, size_t count);

#endif
