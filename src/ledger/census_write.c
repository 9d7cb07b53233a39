#include "ledger/census.h"

#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"

typedef struct ledger_census census;
typedef struct ledger_census_entry entry;

_Static_assert(sizeof(census) % sizeof(entry) == 0, "entries lie on multiples of their size");

#define SAME_NAME(known, value, name_offset) ((known)[(value)-1].name == (name_offset))
BARROW_MAP_FIND(find_name, const struct ledger_census_known *, uint32_t, SAME_NAME)

static uint8_t *store_of(const struct ledger_census_writer *w)
{
    return w->ledger->tables[LEDGER_CENSUS].base;
}

static uint64_t *used_of(const struct ledger_census_writer *w)
{
    return &w->ledger->state->used[LEDGER_CENSUS];
}

/* ---- what is known of the classes ---- */

/* The class of that name, made if need be; NULL: no room. */
static struct ledger_census_known *know(struct ledger_census_writer *w,
                                        const struct ledger_census_class *class)
{
    uint32_t name = w->intern(w->context, class->name, class->name_bytes);
    uint32_t hash = barrow_hash_1(name);
    if (!name || !barrow_map_reserve(&w->by_name, 1))
        return NULL;
    uint32_t *value = find_name(&w->by_name, w->known.items, name, hash);
    if (*value)
        return &w->known.items[*value - 1];
    struct ledger_census_known *known = barrow_array_add(&w->known);
    if (known) {
        known->name = name;
        barrow_map_fill(&w->by_name, value, hash, (uint32_t)w->known.count);
    }
    return known;
}

static uint32_t saturated(uint64_t objects)
{
    return objects < UINT32_MAX ? (uint32_t)objects : UINT32_MAX;
}

/* ---- room ---- */

/* Appends `from` to `into`, where entries of the same class are replaced; `where` has an element
 * for each known class: the place of its entry + 1. */
static uint32_t merge(const struct ledger_census_writer *w, entry *into, uint32_t count,
                      const entry *from, uint32_t from_count, uint32_t *where)
{
    for (uint32_t i = 0; i < from_count; i++) {
        uint32_t hash = barrow_hash_1(from[i].name);
        uint32_t known = *find_name(&w->by_name, w->known.items, from[i].name, hash);
        if (!where[known])
            where[known] = ++count;
        into[where[known] - 1] = from[i];
    }
    return count;
}

/* Rewrites `used` bytes at `base` with every second census merged into the next; the new length.
 *
 *     | A: 1 2 3 | B: 2 4 | C: 1 | D: 5 |   ──►   | A: 1 2 3 | B+C: 1 2 4 | D: 5 |
 *
 * A full one replaces what was before it. */
static uint64_t thin(struct ledger_census_writer *w, uint8_t *base, uint64_t used,
                     const uint8_t *copy, uint32_t *where)
{
    uint64_t from = 0, to = 0;
    w->stored = 0;
    for (uint64_t index = 0; from < used; index++) {
        entry *entries = (entry *)(void *)(base + to + sizeof(census));
        census head = {0};
        uint32_t count = 0;
        memset(where, 0, (w->known.count + 1) * sizeof *where);
        for (int parts = index % 2 ? 2 : 1; parts > 0 && from < used; parts--) {
            const census *c = (const census *)(const void *)(copy + from);
            bool was_full = head.is_full;
            if (c->is_full) {
                memset(where, 0, (w->known.count + 1) * sizeof *where);
                count = 0;
            }
            count = merge(w, entries, count, (const entry *)(c + 1), c->entries, where);
            head = *c;
            head.is_full = was_full || c->is_full;
            from += sizeof *c + c->entries * sizeof(entry);
        }
        head.entries = count;
        head.checksum = barrow_crc32(entries, count * sizeof(entry));
        memcpy(base + to, &head, sizeof head);
        to += sizeof head + count * sizeof(entry);
        w->stored++;
    }
    return to;
}

/* A kill in the middle costs the censuses: `used` is 0 meanwhile. */
static bool thin_store(struct ledger_census_writer *w)
{
    uint64_t used = *used_of(w);
    uint8_t *copy = malloc(used + 1);
    uint32_t *where = calloc(w->known.count + 1, sizeof *where);
    bool can = copy && where;
    if (can) {
        memcpy(copy, store_of(w), used);
        __atomic_store_n(used_of(w), 0, __ATOMIC_RELEASE);
        used = thin(w, store_of(w), used, copy, where);
        __atomic_store_n(used_of(w), used, __ATOMIC_RELEASE);
    }
    free(copy);
    free(where);
    return can;
}

/* For `bytes` more: by growing within the budget, else by thinning. */
static bool make_room(struct ledger_census_writer *w, uint64_t bytes)
{
    for (int attempt = 0; attempt < 24; attempt++) {
        uint64_t end = *used_of(w) + bytes;
        if (end <= LEDGER_CENSUS_BUDGET || w->stored < 3)
            return end <= w->ledger->tables[LEDGER_CENSUS].capacity ||
                   ledger_grow(w->ledger, LEDGER_CENSUS, end);
        if (!thin_store(w))
            return false;
    }
    return false;
}

/* ---- storing ---- */

/* Enters the classes' figures into `known` and what changed into `out`, which has room for all. */
static uint32_t collect(struct ledger_census_writer *w, const struct ledger_census_class *classes,
                        size_t count, bool is_full, entry *out)
{
    uint32_t changed = 0;
    for (size_t i = 0; i < count; i++) {
        struct ledger_census_known *known = know(w, &classes[i]);
        if (!known)
            continue; /* no room for its name: it is left out */
        uint32_t objects = saturated(classes[i].objects);
        if (is_full || known->objects != objects || known->bytes != classes[i].bytes)
            out[changed++] =
                (entry){.name = known->name, .objects = objects, .bytes = classes[i].bytes};
        known->objects = objects;
        known->bytes = classes[i].bytes;
        known->is_seen = true;
    }
    for (size_t i = 0; i < w->known.count; i++) {
        struct ledger_census_known *known = &w->known.items[i];
        if (!known->is_seen && known->objects) {
            known->objects = 0;
            known->bytes = 0;
            if (!is_full)
                out[changed++] = (entry){.name = known->name};
        }
        known->is_seen = false;
    }
    return changed;
}

bool ledger_census_put(struct ledger_census_writer *w, const struct ledger_census *head,
                       const struct ledger_census_class *classes, size_t count)
{
    census c = *head;
    entry *entries = malloc((count + w->known.count + 1) * sizeof *entries);
    if (!entries)
        return false;
    c.magic = LEDGER_CENSUS_MAGIC;
    c.is_full = head->is_full || w->wants_full || !w->stored;
    c.entries = collect(w, classes, count, c.is_full, entries);
    c.checksum = barrow_crc32(entries, c.entries * sizeof(entry));
    uint64_t bytes = sizeof c + c.entries * sizeof(entry);
    bool has_room = make_room(w, bytes);
    if (has_room) {
        uint8_t *at = store_of(w) + *used_of(w);
        memcpy(at, &c, sizeof c);
        memcpy(at + sizeof c, entries, bytes - sizeof c);
        __atomic_store_n(used_of(w), *used_of(w) + bytes, __ATOMIC_RELEASE);
        w->stored++;
    }
    w->wants_full = !has_room; /* changes that were lost are in the next one */
    free(entries);
    return has_room;
}

void ledger_census_reset(struct ledger_census_writer *w)
{
    free(w->known.items);
    barrow_map_free(&w->by_name);
    memset(&w->known, 0, sizeof w->known);
    w->stored = 0;
    w->wants_full = false;
}
