#include "base/array.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool barrow_array_resize(barrow_any_pointer *items, size_t *room, size_t wanted, size_t item_bytes)
{
    if (wanted <= *room)
        return true;
    if (wanted > SIZE_MAX / item_bytes)
        return false;
    void *grown = realloc(*items, wanted * item_bytes);
    if (!grown)
        return false;
    *items = grown;
    *room = wanted;
    return true;
}

void *barrow_array_grow(barrow_any_pointer *items, size_t *count, size_t *room, size_t item_bytes)
{
    if (*count == *room && !barrow_array_resize(items, room, *room ? *room * 2 : 16, item_bytes))
        return NULL;
    return memset((char *)*items + (*count)++ * item_bytes, 0, item_bytes);
}
