#include "attach/walk.h"

#include <stdlib.h>
#include <string.h>

enum { KEYS_HEADER = 32, BASES = 64, OTHER_THINGS = 1 << 20 };

/* ---- classes ---- */

static const struct {
    const char *name;
    enum walk_kind kind;
} kinds[] = {
#define X(kind, name) {name, WALK_##kind},
    WALK_KINDS(X)
#undef X
};

static enum walk_kind kind_by_name(const char *name, bool heap)
{
    /* Of classes made at run time only the C library's names have a dot: others are a user's. */
    if (*name && (!heap || strchr(name, '.')))
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            if (strcmp(kinds[i].name, name) == 0)
                return kinds[i].kind;
    return WALK_PLAIN;
}

static enum walk_kind kind_by_flags(uint32_t flags)
{
    static const enum walk_kind by_bit[] = {[24 - 24] = WALK_INT,   [25 - 24] = WALK_LIST,
                                            [26 - 24] = WALK_PLAIN, [27 - 24] = WALK_BYTES,
                                            [28 - 24] = WALK_TEXT,  [29 - 24] = WALK_DICT,
                                            [30 - 24] = WALK_PLAIN, [31 - 24] = WALK_TYPE};
    for (int bit = 24; bit < 32; bit++)
        if (flags >> bit & 1)
            return by_bit[bit - 24];
    return WALK_PLAIN;
}

/* The flags of a class settle the common ones; the others are told by the base they come from. */
static enum walk_kind find_kind(struct barrow_walk *w, uint64_t address, uint32_t flags)
{
    const struct barrow_layout *l = w->layout;
    enum walk_kind kind = kind_by_flags(flags);
    char name[32];

    if (kind != WALK_PLAIN && kind != WALK_DICT)
        return kind;
    for (int i = 0; i < BASES && address; i++) {
        bool heap = barrow_memory_half(w->memory, address + l->type_flags) & TYPE_HEAP;
        if (barrow_memory_text(w->memory, barrow_memory_word(w->memory, address + l->type_name),
                               name, sizeof name)) {
            enum walk_kind found = kind_by_name(name, heap);
            if (found != WALK_PLAIN)
                return found == WALK_FLOAT || found == WALK_COMPLEX ? WALK_LEAF : found;
        }
        address = barrow_memory_word(w->memory, address + l->type_base);
    }
    return kind;
}

static uint32_t shared_keys(struct barrow_walk *w, uint64_t type)
{
    uint64_t keys = barrow_memory_word(w->memory, type + w->layout->type_keys);
    uint64_t usable = barrow_memory_word(w->memory, keys + w->layout->keys_usable);
    uint64_t count = barrow_memory_word(w->memory, keys + w->layout->keys_count);
    return usable + count <= 30 ? (uint32_t)(usable + count) : 0;
}

/* Whether that is a class: its own class is one of classes, it is ready, its sizes make sense. */
static void read_type(struct barrow_walk *w, struct walk_type *t)
{
    enum { LARGEST_BASIC = 1 << 20, LARGEST_ITEM = 1 << 16 };
    const struct barrow_layout *l = w->layout;
    struct barrow_memory *m = w->memory;
    uint64_t meta = barrow_memory_word(m, t->address + 8);
    uint64_t basic = barrow_memory_word(m, t->address + l->type_basic);
    uint64_t item = barrow_memory_word(m, t->address + l->type_item);

    t->flags = barrow_memory_half(m, t->address + l->type_flags);
    if (!(t->flags & TYPE_READY) || basic < 16 || basic > LARGEST_BASIC || item > LARGEST_ITEM ||
        !(barrow_memory_half(m, meta + l->type_flags) >> 31))
        return;
    t->basic = (uint32_t)basic;
    t->item = (uint32_t)item;
    t->kind = find_kind(w, t->address, t->flags);
    uint32_t pre = TYPE_MANAGED_DICT | (w->minor >= 12 ? TYPE_MANAGED_WEAKREF : 0);
    t->before = (t->flags & TYPE_GC ? 16 : 0) + (t->flags & pre ? 16 : 0);
    if ((t->flags & TYPE_HEAP) && (t->flags & TYPE_MANAGED_DICT))
        t->shared = shared_keys(w, t->address);
    t->valid = true;
}

#define SAME_TYPE(types, position, key) ((types)[position].address == (key))
BARROW_MAP_FIND(find_type, const struct walk_type *, uint64_t, SAME_TYPE)

static uint32_t add_type(struct barrow_walk *w, uint64_t address)
{
    if (w->type_count == w->type_room &&
        !barrow_array_resize((barrow_any_pointer *)&w->types, &w->type_room,
                             w->type_room ? w->type_room * 2 : 1024, sizeof *w->types)) {
        w->failed = true;
        return 0;
    }
    struct walk_type *t = &w->types[w->type_count];
    *t = (struct walk_type){.address = address};
    if (address)
        read_type(w, t);
    return (uint32_t)w->type_count++;
}

/* The number of the class at an address, 0 if there is none. */
static uint32_t look_up_type(struct barrow_walk *w, uint64_t address)
{
    if (w->types[w->last].address == address)
        return w->types[w->last].valid ? w->last : 0;
    if (address < 4096 || address % 8 || w->type_count > OTHER_THINGS ||
        !barrow_map_reserve(&w->by_address, 1))
        return 0;
    uint32_t hash = barrow_hash_1(address);
    uint32_t *value = find_type(&w->by_address, w->types, address, hash);
    if (!*value) {
        uint32_t added = add_type(w, address);
        if (!added)
            return 0;
        barrow_map_fill(&w->by_address, value, hash, added);
    }
    w->last = *value;
    return w->types[*value].valid ? *value : 0;
}

/* ---- objects ---- */

/* A count of references is positive and has 32 bits.  Of immortal objects too; 3.14 keeps flags in
 * the uppermost 16.  In a free block the allocator's list takes its place. */
static bool is_count(const struct barrow_walk *w, uint64_t count)
{
    return (uint32_t)count && (w->minor >= 14 ? count >> 32 & 0xffff : count >> 32) == 0;
}

uint32_t barrow_walk_type(struct barrow_walk *w, uint64_t object)
{
    uint64_t words[2];

    if (object % 8 || !barrow_memory_copy(w->memory, object, words, sizeof words))
        return 0;
    return is_count(w, words[0]) ? look_up_type(w, words[1]) : 0;
}

static void note_object(struct barrow_walk *w, uint64_t object)
{
    uint64_t *found = barrow_array_add(&w->found);

    if (found)
        *found = object;
    else
        w->failed = true;
}

void barrow_walk_reach(struct barrow_walk *w, uint64_t word)
{
    if (word < 4096 || word % 8 || !barrow_walk_type(w, word))
        return;
    if (barrow_memory_mark(w->memory, word))
        note_object(w, word);
}

/* ---- the collector's lists ---- */

/* A list is a ring of heads, each before its object:
 *
 *     head | next | prev |     | next | prev | object ...     | next | prev | object ...
 *
 * with flags in the lowest bits.  If it breaks off, because the process changed it meanwhile, it is
 * followed from its other end as well, up to where somebody was before. */
enum { GC_HEAD = 16, GC_FLAGS = 7, GENERATION = 24, GENERATIONS = 3 };

enum ring_end { RING_CLOSED, RING_MET, RING_LOST };

/* *at: the head before what was no object any more. */
static enum ring_end walk_ring(struct barrow_walk *w, uint64_t head, uint64_t link, uint64_t *at)
{
    *at = barrow_memory_word(w->memory, head + link) & ~(uint64_t)GC_FLAGS;
    while (*at != head) {
        uint32_t type = barrow_walk_type(w, *at + GC_HEAD);
        if (!type || w->failed)
            return RING_LOST;
        if (!barrow_memory_mark(w->memory, *at + GC_HEAD))
            return RING_MET;
        w->types[type].tracked++;
        note_object(w, *at + GC_HEAD);
        *at = barrow_memory_word(w->memory, *at + link) & ~(uint64_t)GC_FLAGS;
    }
    return RING_CLOSED;
}

/* If both ways meet, or end at the same object (which is being made or freed), nothing else is
 * missed. */
static void walk_list(struct barrow_walk *w, uint64_t head)
{
    uint64_t there, back;

    if (walk_ring(w, head, 0, &there) != RING_CLOSED && walk_ring(w, head, 8, &back) == RING_LOST &&
        back != there)
        w->broken++;
}

void barrow_walk_lists(struct barrow_walk *w, uint64_t interpreter)
{
    uint64_t gc = interpreter + w->layout->gc;

    for (int i = 0; i < GENERATIONS; i++)
        walk_list(w, gc + w->layout->generations + (uint64_t)(i * GENERATION));
    walk_list(w, gc + w->layout->permanent);
}

/* ---- beginning and end ---- */

int barrow_walk_init(struct barrow_walk *w, struct barrow_target *target,
                     const struct barrow_runtime *runtime, struct barrow_error *err)
{
    *w = (struct barrow_walk){.memory = &target->memory,
                              .layout = &runtime->layout,
                              .minor = runtime->version >> 16 & 255,
                              .budget = OTHER_THINGS};
    for (size_t i = 0; i < target->region_count; i++)
        w->budget += (int64_t)((target->regions[i].end - target->regions[i].start) / 4);
    add_type(w, 0);
    return w->failed ? barrow_fail(err, BARROW_E_NO_MEMORY, "not enough memory") : 0;
}

void barrow_walk_free(struct barrow_walk *w)
{
    free(w->types);
    free(w->found.items);
    barrow_map_free(&w->by_address);
}
