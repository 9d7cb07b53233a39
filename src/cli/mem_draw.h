/* Memory over time in the terminal.
 *
 *     40 MiB ┤      ⣀⠤⠒⠒⢄          lines of dots, 2 x 4 to a character; without UTF-8, * and o
 *     20 MiB ┤  ⣀⠤⠊      ⠑⢄
 *          0 ┼────┬────┬────
 *            0   1 s  2 s
 *       load   ├───┤   ├┤          when marked functions ran
 */
#ifndef BARROW_CLI_MEM_DRAW_H
#define BARROW_CLI_MEM_DRAW_H

#include "cli/terminal.h"
#include "series/plot.h"

struct barrow_mem_drawing {
    const struct barrow_terminal *terminal;
    const struct barrow_plot *plot;
    const char *const *names; /* of the files */
    bool slope;
};

/* Columns of dots that the drawing has, for barrow_plot_build(). */
size_t barrow_mem_draw_columns(const struct barrow_terminal *terminal);
void barrow_mem_draw(const struct barrow_mem_drawing *drawing);

#endif
