/* `barrow diff --heap`: what changed between heap snapshots. */
#ifndef BARROW_CLI_DIFF_HEAP_H
#define BARROW_CLI_DIFF_HEAP_H

#include "cli/view.h"

/* One operand: all snapshots of a ledger.  Two: the last snapshots of both. */
int barrow_diff_heaps(const struct barrow_view_options *options, int count, char **operands,
                      struct barrow_error *err);

#endif
