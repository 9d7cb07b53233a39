/* Which ledgers a person means: files, directories of them, bundles; all of one run.
 *
 * Files that can't be used are noted and left out as long as others can.  A file that is named
 * twice counts once, and a process that is in a bundle and beside it too, as what lies beside it.
 *
 *     struct barrow_inputs inputs = {0};
 *     if (barrow_inputs_find(&inputs, paths, count, err) == 0)
 *         for (size_t i = 0; i < inputs.list.count; i++)      // the root first, then by start
 *             barrow_input_open(&inputs.list.items[i], &ledger, err);
 *     barrow_inputs_free(&inputs);
 *
 * Errors: BARROW_E_USAGE if they are of several runs; else why the first can't be used, if none can.
 */
#ifndef BARROW_LEDGER_INPUTS_H
#define BARROW_LEDGER_INPUTS_H

#include <sys/types.h>

#include "base/array.h"
#include "ledger/bundle.h"

struct barrow_input {
    char *path;
    dev_t device; /* of a file */
    ino_t inode;
    const struct barrow_bundle *bundle; /* NULL: a ledger by itself */
    size_t member;
    const void *bytes; /* NULL: a file; else its contents */
    size_t byte_count;
    struct ledger_header *header;
};

struct barrow_inputs { /* {0} */
    BARROW_ARRAY(struct barrow_input) list;
    BARROW_ARRAY(struct barrow_bundle *) bundles;
    struct barrow_notes warnings;
    struct barrow_error first_failure; /* of what was left out; code BARROW_E_OK: nothing was */
};

int barrow_inputs_find(struct barrow_inputs *inputs, const char *const *paths, size_t count,
                       struct barrow_error *err);
/* The same from one file in memory, which is needed until the inputs are freed. */
int barrow_inputs_of_bytes(struct barrow_inputs *inputs, const void *bytes, size_t count,
                           const char *name, struct barrow_error *err);
int barrow_input_open(const struct barrow_input *input, struct barrow_ledger **out,
                      struct barrow_error *err);
void barrow_inputs_free(struct barrow_inputs *inputs);

#endif
