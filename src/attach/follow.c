/* What an object consists of and refers to, by the layout of its kind. */
#include <string.h>

#include "attach/walk.h"

enum { WORD = 8, HEADER = 16, VAR_HEADER = 24 };

struct visit {
    struct barrow_walk *walk;
    uint64_t object;
    struct walk_type type; /* a copy: the table moves when others are found */
    uint64_t count;        /* items behind the object, by its header; checked by those who use it */
};

/* ---- helpers ---- */

static uint64_t word_at(const struct visit *v, uint64_t offset)
{
    return barrow_memory_word(v->walk->memory, v->object + offset);
}

static uint32_t byte_at(struct barrow_walk *w, uint64_t address)
{
    const uint8_t *at = barrow_memory_look(w->memory, address, 1);
    return at ? *at : 0;
}

/* Each of `count` words from `address` on may be a reference, every `step` words. */
static void scan(struct barrow_walk *w, uint64_t address, uint64_t count, uint32_t step)
{
    uint64_t room = barrow_memory_room(w->memory, address) / WORD;
    /* Values of frames have flags in their lowest bits from 3.14 on. */
    uint64_t flags = w->minor >= 14 ? 3 : 0;

    if (count > room)
        count = room;
    const char *words = count ? barrow_memory_look(w->memory, address, count * WORD) : NULL;
    w->budget -= (int64_t)(count / step);
    for (uint64_t i = 0; words && w->budget > 0 && i < count; i += step) {
        uint64_t word;
        memcpy(&word, words + i * WORD, sizeof word);
        barrow_walk_reach(w, word & ~flags);
    }
}

/* Words of the object itself, from byte `from` to byte `to`. */
static void scan_own(const struct visit *v, uint64_t from, uint64_t to)
{
    if (to > from)
        scan(v->walk, v->object + from, (to - from) / WORD, 1);
}

/* The bytes of a table at `block` with `count` entries, of which none if the count is absurd. */
static uint64_t table_bytes(struct barrow_walk *w, uint64_t block, uint64_t count, uint64_t entry)
{
    if (!block || count == 0 || count > barrow_memory_room(w->memory, block) / entry)
        return 0;
    return barrow_walk_block(w, block, count * entry, 0);
}

/* ---- attributes ---- */

static uint64_t round_to_word(uint64_t bytes)
{
    return (bytes + WORD - 1) & ~(uint64_t)(WORD - 1);
}

/* Up to 3.12 the attributes' values are a block, with as many bytes before them as the byte before
 * them says. */
static uint64_t values_block(struct barrow_walk *w, uint64_t values, uint64_t count)
{
    uint64_t before = byte_at(w, values - 1);

    if (values % WORD || !count || count > 254)
        return 0;
    scan(w, values, count, 1);
    return barrow_walk_block(w, values - before, before + count * WORD, 32);
}

/* From 3.13 on they lie behind the object: four bytes, of which the first is their number and the
 * fourth says whether they are in use, then the values, then a byte each. */
static uint64_t inline_values(const struct visit *v)
{
    uint64_t header = word_at(v, v->type.basic), count = header & 255;

    if (header >> 24 & 255)
        scan_own(v, v->type.basic + WORD, v->type.basic + WORD + count * WORD);
    return round_to_word(count) + (count + 1) * WORD;
}

/* Attributes that the interpreter manages; returns the bytes that they take elsewhere. */
static uint64_t managed_dict(const struct visit *v)
{
    struct barrow_walk *w = v->walk;
    uint64_t dict = word_at(v, (uint64_t)-24), values = 0;

    if (w->minor == 11)
        values = word_at(v, (uint64_t)-32);
    else if (w->minor == 12 && (dict & 1))
        values = dict + 1, dict = 0;
    barrow_walk_reach(w, dict);
    return values ? values_block(w, values, v->type.shared) : 0;
}

/* ---- dicts ---- */

struct keys {
    uint64_t address, bytes, entries, count, stride; /* stride: words of an entry */
};

static bool read_keys(struct barrow_walk *w, uint64_t address, struct keys *k)
{
    const struct barrow_layout *l = w->layout;
    uint32_t log2_size = byte_at(w, address + l->keys_log2_size);
    uint32_t log2_index = byte_at(w, address + l->keys_log2_index);

    if (address % WORD || log2_size > 40 || log2_index > 44)
        return false;
    uint64_t usable = ((uint64_t)2 << log2_size) / 3;
    k->address = address;
    k->stride = byte_at(w, address + l->keys_kind) == 0 ? 3 : 2;
    k->count = barrow_memory_word(w->memory, address + l->keys_count);
    k->entries = address + l->keys_indices + ((uint64_t)1 << log2_index);
    k->bytes = l->keys_indices + ((uint64_t)1 << log2_index) + usable * k->stride * WORD;
    return log2_size && k->count <= usable && k->bytes <= barrow_memory_room(w->memory, address);
}

static uint64_t follow_keys(struct barrow_walk *w, uint64_t address)
{
    struct keys k;

    if (!read_keys(w, address, &k))
        return 0;
    scan(w, k.entries, k.count * k.stride, 1);
    return barrow_walk_block(w, address, k.bytes, 0);
}

/* A dict that shares its keys with others of its class has a table of values of its own; the keys
 * count as the class's. */
static uint64_t shared_values(struct barrow_walk *w, uint64_t keys, uint64_t values)
{
    struct keys k;

    if (!read_keys(w, keys, &k))
        return 0;
    if (w->minor < 13)
        return values_block(w, values,
                            k.count + barrow_memory_word(w->memory, keys + w->layout->keys_usable));
    uint64_t header = barrow_memory_word(w->memory, values), count = header & 255;
    scan(w, values + WORD, count, 1);
    bool embedded = header >> 16 & 255; /* in the instance, with which it was counted */
    return embedded ? 0
                    : barrow_walk_block(w, values, round_to_word(count) + (count + 1) * WORD, 32);
}

static uint64_t follow_dict(const struct visit *v)
{
    uint64_t keys = word_at(v, v->walk->layout->dict_keys);
    uint64_t values = word_at(v, v->walk->layout->dict_values);

    return values ? shared_values(v->walk, keys, values) : follow_keys(v->walk, keys);
}

/* A dict, and a list of its keys in their order: a node each, and a table that leads to them. */
static uint64_t follow_ordered_dict(const struct visit *v)
{
    enum { NODES = 48, NODE_COUNT = 56, FIRST = 80, NEXT = 16, NODE = 32, MOST = 1 << 26 };
    struct barrow_walk *w = v->walk;
    uint64_t bytes = follow_dict(v);
    uint64_t node = word_at(v, FIRST), used = word_at(v, HEADER);

    bytes += table_bytes(w, word_at(v, NODES), word_at(v, NODE_COUNT), WORD);
    for (uint64_t i = 0; node && i < used && i < MOST && w->budget-- > 0; i++) {
        bytes += barrow_walk_block(w, node, NODE, 0);
        node = barrow_memory_word(w->memory, node + NEXT);
    }
    return bytes;
}

/* ---- other containers ---- */

static uint64_t follow_list(const struct visit *v)
{
    uint64_t items = word_at(v, v->walk->layout->list_items);
    uint64_t allocated = word_at(v, v->walk->layout->list_allocated);
    uint64_t bytes = table_bytes(v->walk, items, allocated, WORD);

    if (bytes && v->count <= allocated)
        scan(v->walk, items, v->count, 1);
    return bytes;
}

static uint64_t follow_set(const struct visit *v)
{
    enum { ENTRY = 16, SMALL = 8 };
    uint64_t table = word_at(v, v->walk->layout->set_table);
    uint64_t entries = word_at(v, v->walk->layout->set_mask) + 1;

    if (table == v->object + v->walk->layout->set_small) {
        scan(v->walk, table, SMALL * ENTRY / WORD, ENTRY / WORD);
        return 0;
    }
    uint64_t bytes = table_bytes(v->walk, table, entries, ENTRY);
    if (bytes)
        scan(v->walk, table, entries * ENTRY / WORD, ENTRY / WORD);
    return bytes;
}

/* A chain of blocks with 64 places between two links:
 *
 *     left link | 64 references | right link
 *
 * The first item is at `leftindex` of the first block; places outside may hold old references. */
static uint64_t follow_deque(const struct visit *v)
{
    enum { FIRST = 24, LEFT_INDEX = 40, PLACES = 64, RIGHT = 520, BLOCK = 528 };
    struct barrow_walk *w = v->walk;
    uint64_t block = word_at(v, FIRST), from = word_at(v, LEFT_INDEX), left = v->count, bytes = 0;

    if (from >= PLACES)
        return 0;
    do {
        uint64_t here = PLACES - from < left ? PLACES - from : left;
        if (!barrow_memory_look(w->memory, block, BLOCK))
            break;
        scan(w, block + WORD + from * WORD, here, 1);
        bytes += barrow_walk_block(w, block, BLOCK, 0);
        left -= here;
        from = 0;
        block = barrow_memory_word(w->memory, block + RIGHT);
    } while (left && w->budget-- > 0);
    return bytes;
}

/* ---- texts, numbers, buffers ---- */

static uint64_t text_bytes(const struct visit *v, uint64_t *elsewhere)
{
    const struct barrow_layout *l = v->walk->layout;
    uint32_t state = barrow_memory_half(v->walk->memory, v->object + l->text_state);
    uint64_t kind = state >> l->text_kind_bit & 7, length = word_at(v, l->text_length);
    bool ascii = state >> l->text_ascii_bit & 1;

    if (kind == 0 || kind > 4 || length > (1ull << 40))
        return v->type.basic;
    if (!(state >> l->text_compact_bit & 1)) { /* a subclass: the characters are a block */
        *elsewhere = table_bytes(v->walk, word_at(v, l->text_compact), length + 1, kind);
        return v->type.basic;
    }
    if (ascii)
        return l->text_ascii + length + 1;
    uint64_t utf8 = word_at(v, l->text_utf8);
    if (utf8)
        *elsewhere = table_bytes(v->walk, utf8, word_at(v, l->text_utf8_length) + 1, 1);
    return l->text_compact + (length + 1) * kind;
}

static uint64_t int_bytes(const struct visit *v)
{
    uint64_t digits = v->walk->minor >= 12 ? word_at(v, HEADER) >> 3 : v->count;

    if (digits > (1u << 30))
        digits = 0;
    return v->type.basic + (digits ? digits : 1) * 4;
}

static uint64_t array_bytes(const struct visit *v)
{
    enum { ITEMS = 24, ALLOCATED = 32, DESCRIPTION = 40 };
    uint64_t description = word_at(v, DESCRIPTION);
    uint64_t item = barrow_memory_half(v->walk->memory, description + 4);

    if (item == 0 || item > 16)
        return 0;
    return table_bytes(v->walk, word_at(v, ITEMS), word_at(v, ALLOCATED), item);
}

/* The buffer of an array that owns its data: what the C library keeps for it, if that is credible
 * (the product of its shape is a lower bound). */
static uint64_t ndarray_bytes(const struct visit *v)
{
    enum { DATA = 16, DIMENSIONS = 24, SHAPE = 32, FLAGS = 64, OWNS_DATA = 4, MOST = 64 };
    struct barrow_walk *w = v->walk;
    uint64_t data = word_at(v, DATA), items = 1;
    uint32_t dimensions = barrow_memory_half(w->memory, v->object + DIMENSIONS);
    uint32_t flags = barrow_memory_half(w->memory, v->object + FLAGS);

    if (!(flags & OWNS_DATA) || dimensions > MOST || data % 16)
        return 0;
    for (uint32_t i = 0; i < dimensions; i++) {
        uint64_t length = barrow_memory_word(w->memory, word_at(v, SHAPE) + i * WORD);
        if (length && items > (1ull << 46) / length)
            return 0;
        items *= length;
    }
    uint64_t chunk = barrow_memory_word(w->memory, data - WORD) & ~(uint64_t)7;
    return chunk >= items && chunk <= barrow_memory_room(w->memory, data) + 16 ? chunk : 0;
}

static uint64_t bytearray_bytes(const struct visit *v)
{
    const struct barrow_layout *l = v->walk->layout;

    if (v->walk->minor >= 15) /* it holds a bytes object, which the scan finds */
        return 0;
    return table_bytes(v->walk, word_at(v, l->bytearray_bytes), word_at(v, l->bytearray_alloc), 1);
}

/* ---- the object ---- */

/* Items that lie behind the object itself. */
static uint64_t with_items(const struct visit *v)
{
    uint64_t room = barrow_memory_room(v->walk->memory, v->object);
    uint64_t bytes = v->type.basic;

    if (v->type.item && v->count <= room / v->type.item)
        bytes += v->count * v->type.item;
    return bytes;
}

static uint64_t whole_block(const struct visit *v, uint64_t own, uint64_t slack)
{
    uint64_t before = v->type.before;
    return barrow_walk_block(v->walk, v->object - before, before + own, slack);
}

/* Frames and what holds one: how much, the block tells. */
static uint64_t visit_frame(const struct visit *v)
{
    enum { LARGEST = 1 << 16 };
    uint64_t bytes = whole_block(v, v->type.basic, LARGEST);

    if (bytes >= v->type.before + HEADER && bytes <= LARGEST)
        scan_own(v, HEADER, bytes - v->type.before);
    return bytes;
}

/* Classes that belong to the program's data are shorter than those made at run time. */
static uint64_t visit_class(const struct visit *v)
{
    enum { STATIC_CLASS = 408 };
    uint32_t flags = barrow_memory_half(v->walk->memory, v->object + v->walk->layout->type_flags);
    uint64_t bytes = flags & TYPE_HEAP ? with_items(v) : STATIC_CLASS;

    scan_own(v, HEADER, bytes);
    if (!(flags & TYPE_HEAP))
        return 0;
    return whole_block(v, bytes, 32) + follow_keys(v->walk, word_at(v, v->walk->layout->type_keys));
}

static uint64_t visit_plain(const struct visit *v)
{
    uint64_t own = with_items(v), elsewhere = 0;

    switch (v->type.kind) {
    case WALK_CODE: /* instructions aren't references */
        scan_own(v, HEADER, v->type.basic);
        break;
    case WALK_LIST:
        elsewhere = follow_list(v);
        break;
    case WALK_DICT:
        elsewhere = follow_dict(v);
        break;
    case WALK_ORDERED_DICT:
        elsewhere = follow_ordered_dict(v);
        break;
    case WALK_SET:
    case WALK_FROZENSET:
        elsewhere = follow_set(v);
        break;
    case WALK_DEQUE:
        own = v->type.basic;
        elsewhere = follow_deque(v);
        break;
    case WALK_BYTEARRAY:
        elsewhere = bytearray_bytes(v);
        break;
    case WALK_ARRAY:
        own = v->type.basic;
        elsewhere = array_bytes(v);
        break;
    case WALK_NDARRAY:
        elsewhere = ndarray_bytes(v);
        break;
    default:
        break;
    }
    if (v->type.kind != WALK_CODE)
        scan_own(v, HEADER, own);
    if (v->type.flags & TYPE_MANAGED_DICT)
        elsewhere += managed_dict(v);
    if (v->walk->minor >= 13 && (v->type.flags & TYPE_INLINE_VALUES))
        own += inline_values(v);
    return whole_block(v, own, 32) + elsewhere;
}

/* Without references, but for the attributes of subclasses. */
static uint64_t visit_leaf(const struct visit *v)
{
    uint64_t own, elsewhere = 0;

    switch (v->type.kind) {
    case WALK_INT:
        own = int_bytes(v);
        break;
    case WALK_TEXT:
        own = text_bytes(v, &elsewhere);
        break;
    default:
        own = with_items(v);
        break;
    }
    if (v->type.flags & TYPE_GC) /* a subclass with attributes */
        scan_own(v, HEADER, own);
    if (v->type.flags & TYPE_MANAGED_DICT)
        elsewhere += managed_dict(v);
    if (v->walk->minor >= 13 && (v->type.flags & TYPE_INLINE_VALUES))
        own += inline_values(v);
    return whole_block(v, own, 32) + elsewhere;
}

uint64_t barrow_walk_object(struct barrow_walk *w, uint64_t object, uint32_t type)
{
    struct visit v = {.walk = w, .object = object, .type = w->types[type]};
    int64_t count = (int64_t)word_at(&v, HEADER);

    v.count = count < 0 ? (uint64_t)0 - (uint64_t)count : (uint64_t)count;
    switch (v.type.kind) {
    case WALK_LEAF:
    case WALK_INT:
    case WALK_TEXT:
    case WALK_BYTES:
        return visit_leaf(&v);
    case WALK_FRAME:
    case WALK_GENERATOR:
    case WALK_COROUTINE:
    case WALK_ASYNC_GENERATOR:
        return visit_frame(&v);
    case WALK_TYPE:
        return visit_class(&v);
    default:
        return visit_plain(&v);
    }
}
