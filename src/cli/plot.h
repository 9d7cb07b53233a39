/* A plot of memory over time in characters.
 *
 *     40 MiB |          ****        heap: filled, RSS: a line, drawn over it
 *     20 MiB |    ***#########
 *          0 +--------+---^----+    ^ the heap's peak
 *            0      0.5 s    1 s
 *         gc    .      o  .         the longest pause of each column
 */
#ifndef BARROW_CLI_PLOT_H
#define BARROW_CLI_PLOT_H

#include "cli/view.h"
#include "table/series.h"

/* Columns that the plot has intervals for. */
size_t barrow_plot_columns(const struct barrow_terminal *terminal);
void barrow_plot_print(const struct barrow_view *view, const struct barrow_interval *intervals,
                       size_t count);

#endif
