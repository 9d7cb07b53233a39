/* The strings of a .heapsnapshot: each once, by number, in the order in which they were first asked for.
 *
 * String 0 is "".  Texts are cut at 1000 bytes, made valid UTF-8 and told apart by what they say.  Running out of
 * memory is remembered: ask `failed` once at the end.
 */
#ifndef BARROW_EXPORT_SNAPSHOT_STRINGS_H
#define BARROW_EXPORT_SNAPSHOT_STRINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/map.h"

struct snapshot_strings { /* {0} */
    struct barrow_arena arena;
    struct barrow_map map;
    BARROW_ARRAY(const char *) list; /* [0] is a place-holder */
    uint64_t bytes;                  /* of all texts */
    bool failed;
};

/* The number of a text. */
uint32_t snapshot_string(struct snapshot_strings *strings, const char *text);
/* The JSON array of all of them. */
void snapshot_strings_write(const struct snapshot_strings *strings, FILE *to);
void snapshot_strings_free(struct snapshot_strings *strings);

#endif
