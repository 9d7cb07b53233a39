#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CHUNK_BYTES = 4 * 1024, CHUNK_BYTES = 64 * 1024 };

struct barrow_arena_chunk {
    struct barrow_arena_chunk *next;
    _Alignas(8) char bytes[];
};

void *barrow_arena_alloc(struct barrow_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return NULL;
    bytes = (bytes + 7) & ~(size_t)7;
    if (bytes > arena->left) {
        /* A big request gets a chunk of its own, and the open chunk stays open. */
        size_t chunk_bytes = arena->chunks ? CHUNK_BYTES : FIRST_CHUNK_BYTES;
        size_t size = bytes > chunk_bytes / 4 ? bytes : chunk_bytes;
        struct barrow_arena_chunk *chunk = malloc(sizeof *chunk + size);
        if (!chunk)
            return NULL;
        chunk->next = arena->chunks;
        arena->chunks = chunk;
        if (size == bytes)
            return chunk->bytes;
        arena->free = chunk->bytes;
        arena->left = size;
    }
    void *given = arena->free;
    arena->free += bytes;
    arena->left -= bytes;
    return given;
}

char *barrow_arena_text(struct barrow_arena *arena, const char *bytes, size_t count)
{
    char *text = barrow_arena_alloc(arena, count + 1);
    if (!text)
        return NULL;
    if (count)
        memcpy(text, bytes, count);
    text[count] = '\0';
    return text;
}

void barrow_arena_free(struct barrow_arena *arena)
{
    struct barrow_arena_chunk *chunk = arena->chunks;
    while (chunk) {
        struct barrow_arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    *arena = (struct barrow_arena){0};
}
