/* A hash map from anything to the position of that thing in an array.
 *
 * Open addressing, linear probing, a power of two of slots, at most 3/4 full, no removal:
 *
 *     slots   | hash value | hash 0 | hash value | ...        value 0: the slot is free
 *
 * The map stores no keys: `value` says where the caller keeps the thing, and a function made by
 * BARROW_MAP_FIND compares it with the key.  So a map of half a million pairs is 8 MiB, and a
 * look-up that misses touches one cache line.
 *
 *     #define SAME_POINT(points, position, key) (points[position].x == key.x && ...)
 *     BARROW_MAP_FIND(find_point, const struct point *, struct point, SAME_POINT)
 *
 *     if (!barrow_map_reserve(&map, 1)) ... no memory ...
 *     uint32_t *value = find_point(&map, points, key, barrow_hash_2(key.x, key.y));
 *     if (*value == 0)      // new: *value is to be set, to any number but 0, before the next call
 *         barrow_map_fill(&map, value, hash, position);
 */
#ifndef BARROW_BASE_MAP_H
#define BARROW_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct barrow_map_slot {
    uint32_t hash, value;
};

struct barrow_map { /* {0} is an empty map */
    struct barrow_map_slot *slots;
    size_t mask; /* number of slots - 1, 0: none yet */
    size_t count;
};

/* Makes sure that `more` things fit; false: no memory, the map is as before. */
bool barrow_map_reserve(struct barrow_map *map, size_t more);
/* Forgets the contents, keeps the memory. */
void barrow_map_clear(struct barrow_map *map);
void barrow_map_free(struct barrow_map *map);

static inline void barrow_map_fill(struct barrow_map *map, uint32_t *value, uint32_t hash,
                                   uint32_t number)
{
    struct barrow_map_slot *slot =
        (struct barrow_map_slot *)(void *)((char *)value - offsetof(struct barrow_map_slot, value));
    slot->hash = hash;
    slot->value = number;
    map->count++;
}

/* Defines: static uint32_t *NAME(map, CONTEXT context, KEY key, uint32_t hash), the value of `key`
 * or the free slot where it belongs.  SAME(context, value, key) compares.  Room for one more must
 * have been reserved. */
#define BARROW_MAP_FIND(NAME, CONTEXT, KEY, SAME)                                                \
    static inline uint32_t *NAME(const struct barrow_map *map, CONTEXT context, KEY key,         \
                                 uint32_t hash)                                                  \
    {                                                                                            \
        for (size_t i = hash & map->mask;; i = (i + 1) & map->mask) {                            \
            struct barrow_map_slot *slot = &map->slots[i];                                       \
            if (slot->value == 0 || (slot->hash == hash && SAME(context, slot->value, key)))     \
                return &slot->value;                                                             \
        }                                                                                        \
    }

static inline uint32_t barrow_hash_1(uint64_t a)
{
    a ^= a >> 32;
    a *= 0x9e3779b97f4a7c15u;
    a ^= a >> 29;
    a *= 0xbf58476d1ce4e5b9u;
    return (uint32_t)(a >> 32);
}

static inline uint32_t barrow_hash_2(uint64_t a, uint64_t b)
{
    return barrow_hash_1(a * 0x94d049bb133111ebu + b);
}

static inline uint32_t barrow_hash_bytes(const char *bytes, size_t count)
{
    uint64_t h = count, word;
    for (; count >= 8; bytes += 8, count -= 8) {
        memcpy(&word, bytes, 8);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    word = 0;
    memcpy(&word, bytes, count);
    return barrow_hash_2(h, word);
}

#endif
