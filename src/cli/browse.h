/* Shows a file in the user's browser. */
#ifndef BARROW_CLI_BROWSE_H
#define BARROW_CLI_BROWSE_H

#include "base/error.h"

/* By the command in $BROWSER, else by xdg-open.  Does not wait for the browser's end, only long enough to
 * see whether it starts. */
int barrow_browse(const char *path, struct barrow_error *err);

#endif
