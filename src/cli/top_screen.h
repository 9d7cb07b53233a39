/* `barrow top` on a terminal, by ncurses. */
#ifndef BARROW_CLI_TOP_SCREEN_H
#define BARROW_CLI_TOP_SCREEN_H

#include "cli/top_plain.h"

/* Shows states until the user has enough; `top` has its first one.  1: this terminal can't be drawn
 * on (unknown TERM, not a terminal, or barrow was built without ncurses). */
int barrow_top_screen(struct barrow_top *top, const struct barrow_top_wishes *wishes,
                      struct barrow_error *err);

#endif
