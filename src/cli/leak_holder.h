/* Where in the source the holder of a leak is made.
 *
 * The birth of an object is known from its block, but small lists, dicts and tuples come from the
 * interpreter's free lists, whose blocks were born wherever their first user was.  For those the path says
 * more: `Bus.listeners` is assigned in the class Bus, `seen` in its function, `CACHE` in its module; the
 * first line there that assigns the name is the line.  Needs the source; without it the nearest place known.
 */
#ifndef BARROW_CLI_LEAK_HOLDER_H
#define BARROW_CLI_LEAK_HOLDER_H

#include "cli/heap_view.h"

struct barrow_holder_place {
    char *file; /* to be freed; NULL: not known */
    uint32_t line;
};

/* Of an object; `likely_file` (may be NULL) is looked through when nothing else says where a name belongs.
 * Needs paths and births. */
struct barrow_holder_place barrow_holder_find(const struct barrow_heap_view *h, uint32_t holder,
                                              const char *likely_file);

/* Does the block come from a free list as likely as not?  Then its birth says nothing. */
bool barrow_is_recycled(const struct barrow_heap *heap, uint32_t object);

/* The first line from `from` on that assigns `name`; 0: none.  Looks for `name = ` (annotated or among
 * others), for `.name = ` if `attribute`. */
uint32_t barrow_assignment_find(char *const *lines, uint32_t count, uint32_t from, const char *name,
                                bool attribute);

#endif
