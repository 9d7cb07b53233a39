/* A folder that this process and another one see: the request goes there, and its answer comes back.
 *
 *     request.py   what the other process is to run
 *     taken        made by the first thread that runs it; others then leave it alone
 *     answer       one line "ok" or "error", then the path of the ledger or what went wrong
 *     heap.barrow  the snapshot, if the other process can't write to where it is wanted
 *
 * The other process may live in another mount namespace, or below another root; it may be another
 * user's.  The folder is that user's, and nobody else can look into it.
 */
#ifndef BARROW_CLI_DIG_EXCHANGE_H
#define BARROW_CLI_DIG_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct dig_exchange { /* {0}: there is none */
    char *here;       /* the folder's name for this process */
    const char *there; /* for the other one: within `here` */
    uid_t user;       /* the other process's */
    gid_t group;
    bool same_files;  /* a path means the same to both */
};

int barrow_dig_exchange_open(struct dig_exchange *exchange, uint32_t pid, struct barrow_error *err);
/* Removes the folder and what is in it. */
void barrow_dig_exchange_close(struct dig_exchange *exchange);

/* Writes a file for the other process to read. */
int barrow_dig_exchange_put(const struct dig_exchange *exchange, const char *name, const char *text,
                            struct barrow_error *err);
/* The text of a file; NULL: it isn't there yet.  To be freed. */
char *barrow_dig_exchange_get(const struct dig_exchange *exchange, const char *name);
bool barrow_dig_exchange_has(const struct dig_exchange *exchange, const char *name);
/* Moves a file of the folder to where it is wanted. */
int barrow_dig_exchange_take(const struct dig_exchange *exchange, const char *name, const char *to,
                             struct barrow_error *err);

#endif
