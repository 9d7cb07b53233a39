/* The walk: every object of this process, what it costs and what it refers to, as columns (ledger/heap.h).
 *
 * Starts from the collector's lists and the named roots and follows references: tp_traverse, or the layout where
 * that is known (dicts, lists, tuples, instances), which also tells the references' names.  What the collector
 * doesn't track (texts, numbers, code) is found by being referred to.
 *
 * With the interpreter lock held all along, from a place where no object is half made: a call of the program's,
 * a pending call; never from an allocation hook.  No Python code runs; nothing is allocated in the program's
 * heap, no reference count changes, no __dict__ comes into being.  Memory comes from mmap(2).
 */
#ifndef BARROW_DIG_WALK_H
#define BARROW_DIG_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "dig/columns.h"
#include "ledger/heap.h"

/* Where a block was born, while something records: asked for each object's block.  `*bytes` is what
 * was asked for; returns the site, 0: not known. */
typedef uint32_t barrow_birth_look(const void *block, uint64_t *bytes);
/* Calls `each` for every live block that is known. */
typedef void barrow_birth_each(void (*each)(void *context, uintptr_t block, uint64_t bytes, uint32_t site),
                               void *context);

struct barrow_dig_options {
    barrow_birth_look *birth;       /* NULL: nothing is recorded */
    barrow_birth_look *python_birth; /* of blocks of Python's allocators alone: nobody frees them meanwhile */
    barrow_birth_each *each_block;  /* NULL: blocks that belong to no object aren't listed */
    const char *label;              /* or NULL */
    const char *hidden_files;       /* frames of files below this directory (barrow's own) are left out; or NULL */
    void *subtype_traverse;         /* tp_traverse of a class made by a class statement */
    uint32_t flags;                 /* HEAP_FLAG_... */
    bool with_hashes;
    bool with_values; /* previews of short texts and numbers */
};

enum { DIG_COLUMNS = 24 };
struct barrow_dig {
    struct barrow_heap heap;
    struct dig_column columns[DIG_COLUMNS]; /* the memory that heap's columns lie in */
};

/* Whose references inline values are once an instance has a __dict__ that points to them: the dict's, or still the
 * instance's (3.13 until its third patch).  Found out by asking an instance; set before the first walk. */
void barrow_dig_set_dict_tells_inline(bool tells);

/* heap.pause_ns is the time this took.  On failure there is nothing to free. */
int barrow_dig_walk(struct barrow_dig *dig, const struct barrow_dig_options *options,
                    struct barrow_error *err);
void barrow_dig_free(struct barrow_dig *dig);

#endif
