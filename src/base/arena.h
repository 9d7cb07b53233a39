/* Memory that is given back all at once.  Not thread-safe. */
#ifndef BARROW_BASE_ARENA_H
#define BARROW_BASE_ARENA_H

#include <stddef.h>

struct barrow_arena { /* {0} is an empty arena */
    struct barrow_arena_chunk *chunks;
    char *free;
    size_t left;
};

/* `bytes` bytes, aligned to 8, not cleared; NULL: no memory. */
void *barrow_arena_alloc(struct barrow_arena *arena, size_t bytes);
/* A copy of `count` bytes with a NUL behind it; NULL: no memory. */
char *barrow_arena_text(struct barrow_arena *arena, const char *bytes, size_t count);
void barrow_arena_free(struct barrow_arena *arena);

#endif
