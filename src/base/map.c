#include "base/map.h"

#include <stdlib.h>

static bool rehash(struct barrow_map *map, size_t slots)
{
    struct barrow_map_slot *fresh = calloc(slots, sizeof *fresh);
    if (!fresh)
        return false;
    size_t mask = slots - 1;
    for (size_t i = 0; map->slots && i <= map->mask; i++) {
        if (map->slots[i].value == 0)
            continue;
        size_t at = map->slots[i].hash & mask;
        while (fresh[at].value)
            at = (at + 1) & mask;
        fresh[at] = map->slots[i];
    }
    free(map->slots);
    map->slots = fresh;
    map->mask = mask;
    return true;
}

bool barrow_map_reserve(struct barrow_map *map, size_t more)
{
    size_t slots = map->slots ? map->mask + 1 : 0;
    if (map->count + more <= slots / 4 * 3)
        return true;
    if (map->count + more > UINT32_MAX)
        return false;
    if (slots < 16)
        slots = 16;
    while (map->count + more > slots / 4 * 3)
        slots *= 2;
    return rehash(map, slots);
}

void barrow_map_clear(struct barrow_map *map)
{
    if (map->slots)
        memset(map->slots, 0, (map->mask + 1) * sizeof *map->slots);
    map->count = 0;
}

void barrow_map_free(struct barrow_map *map)
{
    free(map->slots);
    *map = (struct barrow_map){0};
}
