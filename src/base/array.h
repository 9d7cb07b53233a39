/* Growing arrays: BARROW_ARRAY(type) declares one, barrow_array_add() appends.
 *
 *     BARROW_ARRAY(struct point) points = {0};
 *     struct point *p = barrow_array_add(&points);     // zeroed; NULL: no memory
 *     ... points.items[i], points.count ...
 *     free(points.items);
 *
 * Pointers into `items` are good until the next barrow_array_add().
 */
#ifndef BARROW_BASE_ARRAY_H
#define BARROW_BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/* A pointer of any type, without breaking the aliasing rules. */
typedef void *__attribute__((may_alias)) barrow_any_pointer;

#define BARROW_ARRAY(type) \
    struct {               \
        type *items;       \
        size_t count, room; \
    }

#define barrow_array_add(array)                                                            \
    ((__typeof__((array)->items))barrow_array_grow((barrow_any_pointer *)&(array)->items,  \
                                                   &(array)->count, &(array)->room,        \
                                                   sizeof *(array)->items))

/* Makes room for `room` items in all; false: no memory, the array is as before. */
#define barrow_array_reserve(array, wanted)                                          \
    barrow_array_resize((barrow_any_pointer *)&(array)->items, &(array)->room, wanted, \
                        sizeof *(array)->items)

void *barrow_array_grow(barrow_any_pointer *items, size_t *count, size_t *room, size_t item_bytes);
bool barrow_array_resize(barrow_any_pointer *items, size_t *room, size_t wanted, size_t item_bytes);

#endif
