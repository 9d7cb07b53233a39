/* A class census: how many objects each class has, and how many bytes; and what a service logs of it. */
#ifndef BARROW_WATCH_CENSUS_H
#define BARROW_WATCH_CENSUS_H

#include "base/arena.h"
#include "ledger/census.h"

struct barrow_watch_census { /* {0} is an empty one */
    struct ledger_census head; /* times but time_ns, totals, scope */
    struct ledger_census_class *classes; /* each name once, in no order */
    size_t count;
    struct barrow_arena names;
};

/* Classes of the same name become one. */
void barrow_watch_census_merge(struct barrow_watch_census *census);
void barrow_watch_census_free(struct barrow_watch_census *census);

/* The text of a log record:
 *
 *     Memory Snapshot
 *
 *     Top 50 by object count:
 *       shop.cart.Item: 12,345 objects
 *       dict: 5,678 objects
 *
 *     Top 50 by memory usage:
 *       dict: 45.2 MB
 *       shop.cart.Item: 1.8 MB
 *
 * without a newline at its end; 1 MB is 1024 * 1024 bytes.  Reorders the classes.  To be freed with
 * free(); NULL: no memory. */
char *barrow_watch_text(struct barrow_watch_census *census, uint32_t top);

#endif
