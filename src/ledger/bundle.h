/* A bundle: all ledgers of a run in one file, to keep or to mail.
 *
 *     | header | copy | state | E m m m | E m m | E m ... |
 *         |                |      |
 *         |                |      `- a MEMBER extent each: struct ledger_member, name, the ledger's bytes
 *         |                `- epoch 1, the file's length, how many members
 *         `- that of the run's root, marked as a bundle's
 *
 * It is a *.barrow file like any other; what reads ledgers by way of ledger/inputs.h reads bundles.
 * Members are whole ledgers, byte for byte, stored as they are or compressed with zstd if this build
 * has it.  There are no bundles in bundles.
 *
 * Readers trust nothing.  Damage costs the member that it hits, as far as it goes, and is told in
 * warnings.  Memory: one member at a time, and what a member claims to be must stand in proportion
 * to what is stored (BARROW_MEMBER_RATIO).
 *
 * Errors: as in ledger/read.h; BARROW_E_UNSUPPORTED also for a codec that this build lacks.
 * Threads: one bundle, one thread.
 */
#ifndef BARROW_LEDGER_BUNDLE_H
#define BARROW_LEDGER_BUNDLE_H

#include <stdio.h>

#include "ledger/read.h"

/* A compressed member is at most so many times as long as what is stored of it, and so much more.
 * A ledger that compresses better, being blank, is stored as it is. */
#define BARROW_MEMBER_RATIO 256
#define BARROW_MEMBER_SLACK ((uint64_t)16 << 20)

struct barrow_bundle;

int barrow_bundle_open(struct barrow_bundle **out, const char *path, struct barrow_error *err);
/* The same from memory, which is needed until the bundle is freed. */
int barrow_bundle_open_bytes(struct barrow_bundle **out, const void *bytes, size_t count,
                             const char *name, struct barrow_error *err);
void barrow_bundle_free(struct barrow_bundle *bundle);

/* What is damaged, one line each, without the path. */
const struct barrow_notes *barrow_bundle_warnings(const struct barrow_bundle *bundle);
size_t barrow_bundle_count(const struct barrow_bundle *bundle);
/* "PATH/NAME", as if the bundle were a directory; control characters of the name are "?". */
const char *barrow_bundle_path(const struct barrow_bundle *bundle, size_t member);
/* Only the header: cheap. */
int barrow_bundle_header(const struct barrow_bundle *bundle, size_t member,
                         struct ledger_header *header, struct barrow_error *err);
int barrow_bundle_ledger(const struct barrow_bundle *bundle, size_t member,
                         struct barrow_ledger **out, struct barrow_error *err);

/* ---- writing (bundle_write.c) ---- */

struct barrow_bundle_writer {
    FILE *to;    /* a file that can be positioned; write errors stay in it: check ferror() */
    const struct ledger_header *root;
    bool compress;
    uint64_t bytes, members;
};

/* `root`: the header that becomes the bundle's; needed until the end. */
int barrow_bundle_begin(struct barrow_bundle_writer *writer, FILE *to,
                        const struct ledger_header *root, struct barrow_error *err);
/* Adds a ledger as it is now, also while it is being written. */
int barrow_bundle_add_file(struct barrow_bundle_writer *writer, const char *path,
                           struct barrow_error *err);
/* Adds another bundle's member, without decoding it.  `*damaged` becomes true if its checksum tells
 * so; it is copied all the same. */
int barrow_bundle_add_member(struct barrow_bundle_writer *writer,
                             const struct barrow_bundle *from, size_t member, bool *damaged,
                             struct barrow_error *err);
int barrow_bundle_end(struct barrow_bundle_writer *writer, struct barrow_error *err);

#endif
