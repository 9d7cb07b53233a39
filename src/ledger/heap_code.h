/* How a heap snapshot lies in the HEAP table.  Private to src/ledger/heap_*.c.
 *
 *     | stream head | part | part | ... | END |  stream head | part | ...
 *                     |
 *                     `- struct heap_part, then `stored_bytes` bytes, then zeros up to a multiple of 8
 *
 * A part holds a run of items of one column: at most about 1 MiB before it is compressed, which bounds
 * the memory of both sides, and needs no other part of its own column, so that damage stays where it
 * is.  Columns are written in the order of HEAP_PARTS: each needs only columns that stand before it.
 *
 * Columns are varints of what can't be guessed.  Both sides guess by the same rules, which are here;
 * everything learned is forgotten at the beginning of a part.
 */
#ifndef BARROW_LEDGER_HEAP_CODE_H
#define BARROW_LEDGER_HEAP_CODE_H

#include <stddef.h>
#include <string.h>

#include "base/array.h"
#include "base/crc32.h"
#include "ledger/heap.h"

/* X(number, NAME, 32-bit fields of an item in tables else 0, 1: nothing can be shown without it, words) */
#define HEAP_PARTS(X)                                   \
    X(1, TYPES, 6, 1, "types")                          \
    X(2, TYPE, 0, 1, "objects' types")                  \
    X(3, EDGES, 0, 1, "numbers of references")          \
    X(4, TARGET, 0, 1, "references")                    \
    X(5, NAME, 0, 0, "names of references")             \
    X(6, ROOTS, 6, 1, "roots")                          \
    X(7, ROOT_EDGES, 3, 1, "references of roots")       \
    X(8, STRINGS, 0, 0, "strings")                      \
    X(9, TEXTS, 2, 0, "words of objects")               \
    X(10, LARGE, 4, 0, "sizes of large objects")        \
    X(11, UNOWNED, 4, 0, "birth sites of other blocks") \
    X(12, PLACES, 3, 0, "places in the source")         \
    X(13, BYTES, 0, 0, "sizes")                         \
    X(14, ADDRESS, 0, 0, "addresses")                   \
    X(15, BIRTH, 0, 0, "birth sites")                   \
    X(16, LENGTH, 0, 0, "lengths")                      \
    X(17, HASH, 0, 0, "hashes")                         \
    X(18, END, 0, 0, "end")
enum heap_part_kind {
#define X(number, name, fields, required, words) HEAP_PART_##name = number,
    HEAP_PARTS(X)
#undef X
    HEAP_PART_LIMIT
};

#define HEAP_STREAM_MAGIC 0x50414548u /* "HEAP" */
#define HEAP_STREAM_VERSION 1u
struct heap_stream {
    uint32_t magic;
    uint32_t checksum; /* crc32 of the bytes from `version` up to `bytes` */
    uint32_t version;
    uint32_t number;
    uint32_t flags, label;
    uint32_t columns; /* bit of each part kind that is there */
    uint32_t object_count, type_count, root_count, text_count, large_count, unowned_count,
        place_count, string_count;
    uint32_t reserved;
    uint64_t time_ns, pause_ns, live_bytes, edge_count, root_edge_count, string_bytes, heap_bytes;
    /* not under `checksum` */
    uint64_t bytes; /* of the stream; 0: being written, or its writer was killed */
    uint32_t state; /* enum heap_stream_state */
    uint32_t reserved1;
};
_Static_assert(sizeof(struct heap_stream) == HEAP_STREAM_HEAD_BYTES, "head of a stream");

static inline uint32_t heap_stream_checksum(const struct heap_stream *head)
{
    return barrow_crc32(&head->version,
                        offsetof(struct heap_stream, bytes) - offsetof(struct heap_stream, version));
}

#define HEAP_PART_MAGIC 0x54524150u /* "PART" */
struct heap_part {
    uint32_t magic;
    uint32_t checksum; /* crc32 of this header with this field 0, then of the stored bytes */
    uint8_t kind;
    uint8_t codec; /* enum ledger_codec */
    uint16_t reserved;
    uint32_t count; /* items */
    uint64_t first; /* item */
    uint32_t raw_bytes, stored_bytes;
};
_Static_assert(sizeof(struct heap_part) == 32, "head of a part");

/* A part ends before an item when so many bytes are full; an item is at most SLACK bytes. */
#define HEAP_PART_FULL (1u << 20)
#define HEAP_PART_SLACK (HEAP_STRING_MOST + 16)
#define HEAP_PART_ROOM (HEAP_PART_FULL + HEAP_PART_SLACK)
/* What is compressed better is filled up with zeros: a reader's memory is bounded by what it reads. */
#define HEAP_PART_RATIO 256u
#define HEAP_HASH_ITEMS 150000u /* items of a HASH part at most */

static inline uint64_t heap_padded(uint64_t bytes)
{
    return (bytes + 7) & ~(uint64_t)7;
}

/* ---- numbers ---- */

static inline uint64_t heap_zigzag(int64_t n)
{
    return (uint64_t)n << 1 ^ (uint64_t)(n >> 63);
}

static inline int64_t heap_unzigzag(uint64_t n)
{
    return (int64_t)(n >> 1 ^ -(n & 1));
}

/* 7 bits a byte, lowest first; bit 7: more follow.  At most 10 bytes. */
static inline uint8_t *heap_put(uint8_t *out, uint64_t n)
{
    while (n >= 0x80) {
        *out++ = (uint8_t)(n | 0x80);
        n >>= 7;
    }
    *out++ = (uint8_t)n;
    return out;
}

/* Behind the number, or NULL if there is none. */
static inline const uint8_t *heap_get(const uint8_t *in, const uint8_t *end, uint64_t *n)
{
    uint64_t value = 0;
    for (unsigned shift = 0; in < end && shift < 64; shift += 7) {
        uint8_t byte = *in++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *n = value;
            return in;
        }
    }
    return NULL;
}

/* ---- guesses ---- */

#define HEAP_TYPE_SLOTS 4096u
#define HEAP_CONTEXTS 16384u
struct heap_model {
    uint64_t by_type[HEAP_TYPE_SLOTS]; /* what the last object of that type had */
    uint32_t context[HEAP_CONTEXTS];   /* edges: what came last in the same situation */
};

static inline void heap_model_reset(struct heap_model *model)
{
    memset(model, 0, sizeof *model);
}

static inline uint64_t *heap_of_type(struct heap_model *model, uint32_t type)
{
    return &model->by_type[type % HEAP_TYPE_SLOTS];
}

static inline uint32_t heap_context(uint32_t a, uint32_t b, uint32_t c)
{
    return (a * 0x9e3779b1u ^ b * 0x85ebca6bu ^ c * 0xc2b2ae35u) >> 18;
}

/* The place of edge `position` of `count`: the same one in objects of the same type and size; every
 * second one of those that are far behind, so that keys and values of dicts keep apart. */
static inline uint32_t *heap_target_guess(struct heap_model *model, uint32_t type, uint64_t count,
                                          uint64_t position)
{
    uint32_t place = position < 64 ? (uint32_t)position : 64 + (uint32_t)(position & 1);
    return &model->context[heap_context(type, (uint32_t)count, place)];
}

/* What follows a name in objects of a type.  Names are kept as name + 1, 0 being none yet. */
static inline uint32_t *heap_name_guess(struct heap_model *model, uint32_t type, uint32_t previous)
{
    return &model->context[heap_context(type, previous, 1)];
}

#define HEAP_NO_NAME 0xffffffffu /* before the first edge of an object; no name's value */
static inline uint32_t heap_guessed_name(uint32_t previous, uint32_t guess)
{
    bool counts = previous >> HEAP_NAME_SHIFT == HEAP_NAME_INDEX ||
                  previous >> HEAP_NAME_SHIFT == HEAP_NAME_REF;
    return counts ? previous + 1 : guess - 1;
}

/* Sizes and addresses are mostly multiples of 16. */
static inline uint64_t heap_fold(uint64_t n)
{
    return n % 16 == 0 ? n / 16 << 1 : n << 1 | 1;
}

static inline uint64_t heap_unfold(uint64_t n)
{
    return n & 1 ? n >> 1 : (n >> 1) * 16;
}

/* How the number of a TARGET is coded: how many << 2 and what it is relative to. */
enum heap_target_base {
    HEAP_FROM_GUESS,    /* zigzag distance from what the same edge led to the last time */
    HEAP_FROM_SOURCE,   /* from the object that has the edge */
    HEAP_FROM_PREVIOUS, /* from the target of the edge before it */
    HEAP_SPECIAL,       /* 0: the next object that no edge led to so far; 1: the object's class */
};

/* ---- tables of 32-bit fields ---- */

struct heap_table {
    barrow_any_pointer *items; /* where the heap's pointer to the items is */
    uint64_t count;
};
/* The table of a part kind; {NULL, 0} if it is none. */
static inline struct heap_table heap_table_of(struct barrow_heap *heap, unsigned kind)
{
    switch (kind) {
#define TABLE(NAME, items, count)                                                                 \
    case HEAP_PART_##NAME:                                                                         \
        return (struct heap_table){(barrow_any_pointer *)&heap->items, heap->count};
        TABLE(TYPES, types, type_count)
        TABLE(ROOTS, roots, root_count)
        TABLE(ROOT_EDGES, root_edges, root_edge_count)
        TABLE(TEXTS, texts, text_count)
        TABLE(LARGE, large, large_count)
        TABLE(UNOWNED, unowned, unowned_count)
        TABLE(PLACES, places, place_count)
#undef TABLE
    default:
        return (struct heap_table){NULL, 0};
    }
}

static inline unsigned heap_fields_of(unsigned kind)
{
    static const uint8_t fields[HEAP_PART_LIMIT] = {
#define X(number, name, count, required, words) [number] = count,
        HEAP_PARTS(X)
#undef X
    };
    return fields[kind];
}

#endif
