/* To be preloaded: its constructor makes blocks before any recording starts. */
#include <stdlib.h>

static void *blocks[100];

__attribute__((constructor)) static void early_make(void)
{
    for (int i = 0; i < 100; i++)
        blocks[i] = malloc(100);
}

void early_free(int count)
{
    for (int i = 0; i < count; i++)
        free(blocks[i]);
}

/* realloc of a block older than the recording. */
void early_grow(int index) { blocks[index] = realloc(blocks[index], 5000); }
