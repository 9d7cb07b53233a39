/* Class censuses in a ledger: how many objects each class had, and how many bytes, time after time.
 *
 * A census is stored as what changed since the one before (format.h), so that a service which takes one
 * a minute for a year stays small.  The store has a budget besides: when it is full, every second census
 * is merged into the one after it, and resolution halves.
 */
#ifndef BARROW_LEDGER_CENSUS_H
#define BARROW_LEDGER_CENSUS_H

#include "base/array.h"
#include "base/map.h"
#include "ledger/read.h"
#include "ledger/write.h"

/* ---- writing (census_write.c): in the process itself ---- */

#define LEDGER_CENSUS_BUDGET (2u << 20) /* bytes of the store */

struct ledger_census_class {
    const char *name; /* UTF-8, without a NUL */
    uint32_t name_bytes;
    uint64_t objects, bytes;
};

/* The classes that were ever stored, and their last figures. */
struct ledger_census_known {
    uint32_t name; /* string in the ledger */
    uint32_t objects;
    uint64_t bytes;
    bool is_seen; /* in the census that is being stored */
};

/* One for each ledger that is written to; one thread at a time.  Allocates from the C library. */
struct ledger_census_writer {
    struct ledger_writer *ledger;
    /* Puts a string into the ledger, which has it at most once; its offset, 0: no room. */
    uint32_t (*intern)(void *context, const char *text, uint32_t bytes);
    void *context;

    /* zeros at first */
    BARROW_ARRAY(struct ledger_census_known) known;
    struct barrow_map by_name; /* name's offset → index in `known` + 1 */
    uint32_t stored;           /* censuses in the store */
    bool wants_full;
};

/* Stores a census; of *head only times, totals and scope are used.  `is_full` there asks for one that
 * gives everything, as the first one does anyway.  False: no room, nothing is stored. */
bool ledger_census_put(struct ledger_census_writer *w, const struct ledger_census *head,
                       const struct ledger_census_class *classes, size_t count);
/* Forgets what was stored: for the next ledger. */
void ledger_census_reset(struct ledger_census_writer *w);

/* ---- reading (census_read.c) ----
 *
 *     struct barrow_censuses walk = barrow_ledger_censuses(ledger);
 *     struct barrow_census census;
 *     while (barrow_censuses_next(&walk, &census)) ...
 *
 * In order of time; damaged ones are left out. */
struct barrow_censuses {
    const uint8_t *at, *end;
};
struct barrow_census {
    struct ledger_census head;
    const struct ledger_census_entry *entries; /* head.entries of them */
};
struct barrow_censuses barrow_ledger_censuses(const struct barrow_ledger *ledger);
bool barrow_censuses_next(struct barrow_censuses *walk, struct barrow_census *census);

#endif
