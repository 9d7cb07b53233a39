#include "graph/heap_diff.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/map.h"

struct barrow_heap_diff {
    BARROW_ARRAY(struct barrow_heap_change) rows; /* [0] is unused */
    struct barrow_map by_name;
    size_t snapshots, room; /* `at` of each row has so much room */
};

static int no_memory(struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_NO_MEMORY, "not enough memory to compare heap snapshots");
}

/* ---- classes by name ---- */

static const char *string_at(const struct barrow_heap *heap, uint32_t string, size_t *length)
{
    *length = heap->string_start[string + 1] - heap->string_start[string];
    return heap->strings + heap->string_start[string];
}

/* "pkg.Class", to be freed. */
static char *name_of(const struct barrow_heap *heap, uint32_t type)
{
    size_t module_length, length;
    const char *module = string_at(heap, heap->types[type].module, &module_length);
    const char *name = string_at(heap, heap->types[type].name, &length);
    char *text = malloc(module_length + length + 2), *at = text;

    if (!text)
        return NULL;
    memcpy(at, module, module_length);
    at += module_length;
    if (module_length)
        *at++ = '.';
    memcpy(at, name, length);
    at[length] = '\0';
    return text;
}

#define SAME_NAME(rows, i, key) (strcmp((rows)[i].name, key) == 0)
BARROW_MAP_FIND(find_row, const struct barrow_heap_change *, const char *, SAME_NAME)

/* The row of a name, new or not, which takes the name; 0: no memory. */
static uint32_t row_of(struct barrow_heap_diff *diff, char *name)
{
    uint32_t hash = name ? barrow_hash_bytes(name, strlen(name)) : 0;

    if (!name || !barrow_map_reserve(&diff->by_name, 1)) {
        free(name);
        return 0;
    }
    uint32_t *found = find_row(&diff->by_name, diff->rows.items, name, hash);
    if (*found) {
        free(name);
        return *found;
    }
    struct barrow_heap_change *row = barrow_array_add(&diff->rows);
    if (row)
        row->at = calloc(diff->room, sizeof *row->at);
    if (!row || !row->at) {
        free(name);
        return 0;
    }
    row->name = name;
    barrow_map_fill(&diff->by_name, found, hash, (uint32_t)diff->rows.count - 1);
    return (uint32_t)diff->rows.count - 1;
}

/* The row of each type of a heap. */
static uint32_t *rows_of_types(struct barrow_heap_diff *diff, const struct barrow_heap *heap)
{
    uint32_t *rows = calloc(heap->type_count + 1u, sizeof *rows);

    for (uint32_t i = 1; rows && i < heap->type_count; i++)
        if (!(rows[i] = row_of(diff, name_of(heap, i)))) {
            free(rows);
            return NULL;
        }
    return rows;
}

struct barrow_heap_diff *barrow_heap_diff_new(struct barrow_error *err)
{
    struct barrow_heap_diff *diff = calloc(1, sizeof *diff);

    if (diff && barrow_array_add(&diff->rows)) {
        diff->room = 4;
        return diff;
    }
    free(diff);
    no_memory(err);
    return NULL;
}

static bool make_room(struct barrow_heap_diff *diff)
{
    if (diff->snapshots < diff->room)
        return true;
    for (size_t i = 1; i < diff->rows.count; i++) {
        struct barrow_heap_change *row = &diff->rows.items[i];
        struct barrow_heap_amount *at = realloc(row->at, 2 * diff->room * sizeof *at);
        if (!at)
            return false;
        memset(at + diff->room, 0, diff->room * sizeof *at);
        row->at = at;
    }
    diff->room *= 2;
    return true;
}

int barrow_heap_diff_add(struct barrow_heap_diff *diff, const struct barrow_heap *heap,
                         struct barrow_error *err)
{
    uint32_t *rows = make_room(diff) ? rows_of_types(diff, heap) : NULL;

    if (!rows)
        return no_memory(err);
    for (uint32_t i = 1; i <= heap->object_count; i++) {
        struct barrow_heap_amount *at = &diff->rows.items[rows[heap->type[i]]].at[diff->snapshots];
        if (!rows[heap->type[i]])
            continue;
        at->objects++;
        at->bytes += barrow_heap_bytes(heap, i);
    }
    diff->snapshots++;
    free(rows);
    return 0;
}

struct barrow_heap_change *barrow_heap_diff_rows(struct barrow_heap_diff *diff, size_t *count)
{
    *count = diff->rows.count - 1;
    return diff->rows.items + 1;
}

void barrow_heap_diff_free(struct barrow_heap_diff *diff)
{
    if (!diff)
        return;
    for (size_t i = 1; i < diff->rows.count; i++) {
        free((char *)diff->rows.items[i].name);
        free(diff->rows.items[i].at);
    }
    free(diff->rows.items);
    barrow_map_free(&diff->by_name);
    free(diff);
}

/* ---- objects by identity ---- */

#define SAME_ADDRESS(addresses, i, key) ((addresses)[i] == (key))
BARROW_MAP_FIND(find_address, const uint64_t *, uint64_t, SAME_ADDRESS)

static bool is_same(const struct barrow_heap *before, uint32_t i, uint32_t row_before,
                    const struct barrow_heap *after, uint32_t j, uint32_t row_after)
{
    if (row_before != row_after)
        return false;
    if (before->birth && after->birth && before->birth[i] != after->birth[j])
        return false;
    return after->types[after->type[j]].flags & HEAP_TYPE_CONTAINER ||
           barrow_heap_bytes(before, i) == barrow_heap_bytes(after, j);
}

static bool map_addresses(struct barrow_map *map, const struct barrow_heap *heap)
{
    if (!barrow_map_reserve(map, heap->object_count))
        return false;
    for (uint32_t i = 1; i <= heap->object_count; i++) {
        uint32_t hash = barrow_hash_1(heap->address[i]);
        uint32_t *found = find_address(map, heap->address, heap->address[i], hash);
        if (!*found)
            barrow_map_fill(map, found, hash, i);
    }
    return true;
}

static uint32_t *match_with(const struct barrow_heap *before, const uint32_t *rows_before,
                            const struct barrow_heap *after, const uint32_t *rows_after)
{
    struct barrow_map map = {0};
    uint32_t *match = calloc(after->object_count + 1u, sizeof *match);

    if (!match || !rows_before || !rows_after || !map_addresses(&map, before)) {
        barrow_map_free(&map);
        free(match);
        return NULL;
    }
    for (uint32_t j = 1; before->object_count && j <= after->object_count; j++) {
        uint32_t hash = barrow_hash_1(after->address[j]);
        uint32_t i = *find_address(&map, before->address, after->address[j], hash);
        if (i &&
            is_same(before, i, rows_before[before->type[i]], after, j, rows_after[after->type[j]]))
            match[j] = i;
    }
    barrow_map_free(&map);
    return match;
}

int barrow_heap_match(const struct barrow_heap *before, const struct barrow_heap *after,
                      uint32_t **match, struct barrow_error *err)
{
    struct barrow_heap_diff *diff = barrow_heap_diff_new(err);

    *match = NULL;
    if (!diff)
        return -1;
    uint32_t *rows_before = rows_of_types(diff, before), *rows_after = rows_of_types(diff, after);
    *match = match_with(before, rows_before, after, rows_after);
    free(rows_before);
    free(rows_after);
    barrow_heap_diff_free(diff);
    return *match ? 0 : no_memory(err);
}

static void add(struct barrow_heap_amount *amount, uint64_t bytes)
{
    amount->objects++;
    amount->bytes += bytes;
}

static void sum_up(struct barrow_heap_diff *diff, const struct barrow_heap *before,
                   const uint32_t *rows_before, const struct barrow_heap *after,
                   const uint32_t *rows_after, const uint32_t *match, uint8_t *survives)
{
    for (uint32_t j = 1; j <= after->object_count; j++) {
        struct barrow_heap_change *row = &diff->rows.items[rows_after[after->type[j]]];
        uint64_t bytes = barrow_heap_bytes(after, j);
        uint64_t was = match[j] ? barrow_heap_bytes(before, match[j]) : 0;
        add(match[j] ? &row->survived : &row->fresh, bytes);
        if (match[j] && bytes > was)
            add(&row->grown, bytes - was);
        survives[match[j]] = 1;
    }
    for (uint32_t i = 1; i <= before->object_count; i++)
        if (!survives[i])
            add(&diff->rows.items[rows_before[before->type[i]]].gone, barrow_heap_bytes(before, i));
}

int barrow_heap_diff_match(struct barrow_heap_diff *diff, const struct barrow_heap *before,
                           const struct barrow_heap *after, struct barrow_error *err)
{
    uint32_t *rows_before = rows_of_types(diff, before), *rows_after = rows_of_types(diff, after);
    uint32_t *match = match_with(before, rows_before, after, rows_after);
    uint8_t *survives = calloc(before->object_count + 1u, 1);
    bool ok = match && survives;

    if (ok)
        sum_up(diff, before, rows_before, after, rows_after, match, survives);
    free(rows_before);
    free(rows_after);
    free(match);
    free(survives);
    return ok ? 0 : no_memory(err);
}

/* ---- trends ---- */

double barrow_slope(const uint64_t *times_ns, const uint64_t *values, size_t count)
{
    double mean_time = 0, mean_value = 0, above = 0, below = 0;

    for (size_t i = 0; i < count; i++) {
        mean_time += (double)times_ns[i] / 1e9 / (double)count;
        mean_value += (double)values[i] / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        double t = (double)times_ns[i] / 1e9 - mean_time;
        above += t * ((double)values[i] - mean_value);
        below += t * t;
    }
    return below > 0 ? above / below : 0;
}
