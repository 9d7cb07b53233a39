/* The ledger that a watched process writes its censuses to, beside or without a recording's.
 *
 * One a process.  With the interpreter lock held, or right after a fork in the child.
 */
#ifndef BARROW_WATCH_STORE_H
#define BARROW_WATCH_STORE_H

#include "base/error.h"
#include "watch/census.h"

/* Starts a ledger at `path`, which is made absolute; where there is a file already (of an earlier run, or of another
 * worker) its name gets the process' number: app.barrow, app.1234.barrow.  *header describes the process. */
int barrow_watch_store_open(const char *path, const struct ledger_header *header,
                            struct barrow_error *err);
/* The path it was given; "": none is open. */
const char *barrow_watch_store_path(void);
/* False: none is open, or there is no room any more. */
bool barrow_watch_store_put(const struct barrow_watch_census *census);
void barrow_watch_store_close(enum ledger_end end);
/* In a fork's child: what is open is the parent's; goes on in a ledger of its own, of the same run, or in none
 * if that can't be made. */
void barrow_watch_store_after_fork(void);

#endif
