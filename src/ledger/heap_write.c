#include "ledger/heap.h"

#include "base/crc32.h"
#include "ledger/format.h"
#include "ledger/heap_code.h"
#include "ledger/zstd.h"
#include "os/raw.h"

struct encoder {
    const struct barrow_heap *heap;
    barrow_heap_sink *put;
    void *context;
    struct heap_model model;
    uint64_t zstd_bytes; /* of `zstd`; 0: stored as it is */
    void *zstd;
    uint8_t raw[HEAP_PART_ROOM];
    uint8_t stored[HEAP_PART_ROOM + 64];
};

/* Encodes items from `first` up to `end` at most into encoder->raw; returns behind the last byte
 * and sets *next to the first item that had no room. */
typedef uint8_t *encode_items(struct encoder *encoder, uint64_t first, uint64_t end,
                              uint64_t *next);

static bool has_room(const struct encoder *encoder, const uint8_t *out)
{
    return out < encoder->raw + HEAP_PART_FULL;
}

/* ---- columns of objects ---- */

/* 0: as the last object of its type; else the number + 1. */
static uint8_t *put_unless_same(uint8_t *out, uint64_t *last, uint64_t n)
{
    if (n == *last) {
        *out = 0;
        return out + 1;
    }
    *last = n;
    return heap_put(out, n + 1);
}

static uint8_t *encode_types(struct encoder *encoder, uint64_t first, uint64_t end, uint64_t *next)
{
    const uint32_t *type = encoder->heap->type;
    uint8_t *out = encoder->raw;
    uint32_t before = 0;
    for (*next = first; *next < end && has_room(encoder, out); ++*next) {
        out = put_unless_same(out, heap_of_type(&encoder->model, before), type[*next]);
        before = type[*next];
    }
    return out;
}

#define ENCODE_BY_TYPE(name, number)                                                          \
    static uint8_t *encode_##name(struct encoder *encoder, uint64_t first, uint64_t end,      \
                                  uint64_t *next)                                             \
    {                                                                                         \
        const struct barrow_heap *heap = encoder->heap;                                       \
        uint8_t *out = encoder->raw;                                                          \
        for (*next = first; *next < end && has_room(encoder, out); ++*next) {                 \
            uint64_t i = *next;                                                               \
            out = put_unless_same(out, heap_of_type(&encoder->model, heap->type[i]), number); \
        }                                                                                     \
        return out;                                                                           \
    }
ENCODE_BY_TYPE(edge_counts, heap->edge_start[i + 1] - heap->edge_start[i])
ENCODE_BY_TYPE(bytes, heap_fold(heap->bytes[i]))
ENCODE_BY_TYPE(births, heap->birth[i])
ENCODE_BY_TYPE(lengths, heap->length[i])

static uint8_t *encode_addresses(struct encoder *encoder, uint64_t first, uint64_t end,
                                 uint64_t *next)
{
    const struct barrow_heap *heap = encoder->heap;
    uint8_t *out = encoder->raw;
    for (*next = first; *next < end && has_room(encoder, out); ++*next) {
        uint64_t *last = heap_of_type(&encoder->model, heap->type[*next]);
        int64_t step = (int64_t)(heap->address[*next] - *last);
        *last = heap->address[*next];
        out = heap_put(out,
                       step % 16 == 0 ? heap_zigzag(step / 16) << 1 : heap_zigzag(step) << 1 | 1);
    }
    return out;
}

/* Whether an object has a hash is mostly a matter of its type: those for which the last one of the
 * type tells the wrong thing are listed first (0: no more), then come the hashes, 4 bytes each. */
static uint8_t *encode_hashes(struct encoder *encoder, uint64_t first, uint64_t end, uint64_t *next)
{
    const struct barrow_heap *heap = encoder->heap;
    uint8_t *out = encoder->raw;
    uint64_t told = first;
    *next = end - first < HEAP_HASH_ITEMS ? end : first + HEAP_HASH_ITEMS;
    for (uint64_t i = first; i < *next; i++) {
        uint64_t *has = heap_of_type(&encoder->model, heap->type[i]);
        if (*has == (heap->hash[i] != 0))
            continue;
        *has = !*has;
        out = heap_put(out, i - told + 1);
        told = i;
    }
    out = heap_put(out, 0);
    for (uint64_t i = first; i < *next; i++)
        if (heap->hash[i]) {
            memcpy(out, &heap->hash[i], 4);
            out += 4;
        }
    return out;
}

/* ---- columns of edges ---- */

/* The object that edge `edge` belongs to. */
static uint32_t owner_of(const struct barrow_heap *heap, uint64_t edge)
{
    uint32_t low = 1, high = heap->object_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (heap->edge_start[middle + 1] > edge)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static uint8_t *put_target(uint8_t *out, uint32_t target, uint32_t source, uint32_t guess,
                           uint32_t previous)
{
    uint64_t best = heap_zigzag((int64_t)target - guess), n;
    unsigned base = HEAP_FROM_GUESS;
    if (best && (n = heap_zigzag((int64_t)target - previous)) < best) {
        best = n;
        base = HEAP_FROM_PREVIOUS;
    }
    if (best && (n = heap_zigzag((int64_t)target - source)) < best) {
        best = n;
        base = HEAP_FROM_SOURCE;
    }
    return heap_put(out, best << 2 | base);
}

static uint8_t *encode_targets(struct encoder *encoder, uint64_t first, uint64_t end,
                               uint64_t *next)
{
    const struct barrow_heap *heap = encoder->heap;
    uint32_t furthest = 0, source = owner_of(heap, first);
    uint8_t *out = encoder->raw;
    /* The first edge's target tells where "the next object" is; it may be anything, so start there.
     */
    if (first < end)
        furthest = heap->target[first] - 1;
    out = heap_put(out, furthest);
    *next = first;
    for (; *next < end && has_room(encoder, out); source++) {
        uint64_t start = heap->edge_start[source], stop = heap->edge_start[source + 1];
        uint32_t type = heap->type[source], previous = source;
        uint32_t class = type < heap->type_count ? heap->types[type].object : 0;
        for (; *next < stop && *next < end && has_room(encoder, out); ++*next) {
            uint32_t target = heap->target[*next];
            uint32_t *guess = heap_target_guess(&encoder->model, type, stop - start, *next - start);
            if (target == furthest + 1)
                *out++ = 0 << 2 | HEAP_SPECIAL;
            else if (target == class)
                *out++ = 1 << 2 | HEAP_SPECIAL;
            else
                out = put_target(out, target, source, *guess, previous);
            if (target > furthest)
                furthest = target;
            *guess = previous = target;
        }
    }
    return out;
}

static uint8_t *encode_names(struct encoder *encoder, uint64_t first, uint64_t end, uint64_t *next)
{
    const struct barrow_heap *heap = encoder->heap;
    uint32_t source = owner_of(heap, first);
    uint8_t *out = encoder->raw;
    *next = first;
    for (; *next < end && has_room(encoder, out); source++) {
        uint64_t stop = heap->edge_start[source + 1];
        uint32_t type = heap->type[source], previous = HEAP_NO_NAME;
        for (; *next < stop && *next < end && has_room(encoder, out); ++*next) {
            uint32_t name = heap->name[*next];
            uint32_t *guess = heap_name_guess(&encoder->model, type, previous);
            if (name == heap_guessed_name(previous, *guess))
                *out++ = 0;
            else
                out = heap_put(
                    out, ((uint64_t)(name & HEAP_NAME_MASK) << 4 | name >> HEAP_NAME_SHIFT) + 1);
            *guess = name + 1;
            previous = name;
        }
    }
    return out;
}

/* ---- tables and texts ---- */

/* Each field as the distance from the same one of the item before. */
static uint8_t *encode_table(struct encoder *encoder, const uint32_t *items, unsigned fields,
                             uint64_t first, uint64_t end, uint64_t *next)
{
    uint32_t before[8] = {0};
    uint8_t *out = encoder->raw;
    for (*next = first; *next < end && has_room(encoder, out); ++*next)
        for (unsigned f = 0; f < fields; f++) {
            uint32_t n = items[*next * fields + f];
            out = heap_put(out, heap_zigzag((int64_t)n - before[f]));
            before[f] = n;
        }
    return out;
}

static uint32_t string_bytes(const struct barrow_heap *heap, uint64_t string)
{
    uint32_t count = heap->string_start[string + 1] - heap->string_start[string];
    return count < HEAP_STRING_MOST ? count : HEAP_STRING_MOST;
}

static uint8_t *encode_strings(struct encoder *encoder, uint64_t first, uint64_t end,
                               uint64_t *next)
{
    const struct barrow_heap *heap = encoder->heap;
    uint8_t *out = encoder->raw;
    for (*next = first; *next < end && has_room(encoder, out); ++*next) {
        uint32_t count = string_bytes(heap, *next);
        out = heap_put(out, count);
        if (count)
            memcpy(out, heap->strings + heap->string_start[*next], count);
        out += count;
    }
    return out;
}

/* ---- parts ---- */

static int put_part(struct encoder *encoder, unsigned kind, uint64_t first, uint64_t count,
                    const uint8_t *out)
{
    static const uint8_t zeros[8];
    uint64_t raw = (uint64_t)(out - encoder->raw), packed = 0;
    const uint8_t *bytes = encoder->raw;
    struct heap_part part = {.magic = HEAP_PART_MAGIC,
                             .kind = (uint8_t)kind,
                             .count = (uint32_t)count,
                             .first = first,
                             .raw_bytes = (uint32_t)raw,
                             .stored_bytes = (uint32_t)raw};
    if (encoder->zstd_bytes && raw >= 64)
        packed = ledger_zstd_pack(encoder->zstd, encoder->zstd_bytes, encoder->stored,
                                  sizeof encoder->stored, encoder->raw, raw);
    if (packed && packed + packed / 32 < raw) {
        uint64_t least = (raw + HEAP_PART_RATIO - 1) / HEAP_PART_RATIO;
        if (packed < least) {
            memset(encoder->stored + packed, 0, least - packed);
            packed = least;
        }
        bytes = encoder->stored;
        part.codec = LEDGER_CODEC_ZSTD;
        part.stored_bytes = (uint32_t)packed;
    }
    part.checksum = barrow_crc32_more(barrow_crc32(&part, sizeof part), bytes, part.stored_bytes);
    int result = encoder->put(encoder->context, &part, sizeof part);
    if (result == 0 && part.stored_bytes)
        result = encoder->put(encoder->context, bytes, part.stored_bytes);
    uint64_t pad = heap_padded(part.stored_bytes) - part.stored_bytes;
    if (result == 0 && pad)
        result = encoder->put(encoder->context, zeros, pad);
    return result;
}

static int put_column(struct encoder *encoder, unsigned kind, encode_items *encode, uint64_t begin,
                      uint64_t end)
{
    int result = 0;
    for (uint64_t first = begin, next; result == 0 && first < end; first = next) {
        heap_model_reset(&encoder->model);
        const uint8_t *out = encode(encoder, first, end, &next);
        result = put_part(encoder, kind, first - begin, next - first, out);
    }
    return result;
}

static int put_table(struct encoder *encoder, unsigned kind)
{
    struct heap_table table = heap_table_of((struct barrow_heap *)encoder->heap, kind);
    int result = 0;
    for (uint64_t first = 0, next; result == 0 && first < table.count; first = next) {
        const uint8_t *out = encode_table(encoder, (const uint32_t *)*table.items,
                                          heap_fields_of(kind), first, table.count, &next);
        result = put_part(encoder, kind, first, next - first, out);
    }
    return result;
}

/* Columns that there are; tables and texts always are. */
static uint32_t columns_of(const struct barrow_heap *heap)
{
    uint32_t columns = 1u << HEAP_PART_TYPE | 1u << HEAP_PART_EDGES | 1u << HEAP_PART_TARGET |
                       1u << HEAP_PART_NAME | 1u << HEAP_PART_BYTES | 1u << HEAP_PART_ADDRESS;
    return columns | (uint32_t)(heap->birth != NULL) << HEAP_PART_BIRTH |
           (uint32_t)(heap->length != NULL) << HEAP_PART_LENGTH |
           (uint32_t)(heap->hash != NULL) << HEAP_PART_HASH;
}

static int put_stream_head(struct encoder *encoder, const struct barrow_heap *heap)
{
    struct heap_stream head = {.magic = HEAP_STREAM_MAGIC,
                               .version = HEAP_STREAM_VERSION,
                               .number = heap->number,
                               .flags = heap->flags,
                               .label = heap->label,
                               .columns = columns_of(heap),
                               .object_count = heap->object_count,
                               .type_count = heap->type_count,
                               .root_count = heap->root_count,
                               .text_count = heap->text_count,
                               .large_count = heap->large_count,
                               .unowned_count = heap->unowned_count,
                               .place_count = heap->place_count,
                               .string_count = heap->string_count,
                               .time_ns = heap->time_ns,
                               .pause_ns = heap->pause_ns,
                               .live_bytes = heap->live_bytes,
                               .edge_count = heap->edge_count,
                               .root_edge_count = heap->root_edge_count};
    for (uint64_t i = 0; i < heap->string_count; i++)
        head.string_bytes += string_bytes(heap, i);
    for (uint64_t i = 1; i <= heap->object_count; i++)
        if (heap->bytes[i] != UINT32_MAX)
            head.heap_bytes += heap->bytes[i];
    for (uint64_t i = 0; i < heap->large_count; i++)
        head.heap_bytes += heap->large[i].bytes;
    head.checksum = heap_stream_checksum(&head);
    return encoder->put(encoder->context, &head, sizeof head);
}

static int put_parts(struct encoder *encoder, uint32_t columns)
{
    const struct barrow_heap *heap = encoder->heap;
    const uint64_t objects = (uint64_t)heap->object_count + 1;
    const struct {
        encode_items *encode;
        uint64_t first, end;
    } ways[HEAP_PART_LIMIT] = {
        [HEAP_PART_TYPE] = {encode_types, 1, objects},
        [HEAP_PART_EDGES] = {encode_edge_counts, 1, objects},
        [HEAP_PART_TARGET] = {encode_targets, 0, heap->edge_count},
        [HEAP_PART_NAME] = {encode_names, 0, heap->edge_count},
        [HEAP_PART_STRINGS] = {encode_strings, 0, heap->string_count},
        [HEAP_PART_BYTES] = {encode_bytes, 1, objects},
        [HEAP_PART_ADDRESS] = {encode_addresses, 1, objects},
        [HEAP_PART_BIRTH] = {encode_births, 1, objects},
        [HEAP_PART_LENGTH] = {encode_lengths, 1, objects},
        [HEAP_PART_HASH] = {encode_hashes, 1, objects},
    };
    int result = 0;
    for (unsigned kind = 1; result == 0 && kind < HEAP_PART_END; kind++) {
        if (heap_fields_of(kind))
            result = put_table(encoder, kind);
        else if (kind == HEAP_PART_STRINGS || columns >> kind & 1)
            result = put_column(encoder, kind, ways[kind].encode, ways[kind].first, ways[kind].end);
    }
    if (result == 0)
        result = put_part(encoder, HEAP_PART_END, 0, 0, encoder->raw);
    return result;
}

int barrow_heap_write(const struct barrow_heap *heap, barrow_heap_sink *put, void *context)
{
    uint64_t zstd_bytes = ledger_zstd_memory();
    uint64_t bytes = sizeof(struct encoder) + zstd_bytes;
    struct encoder *encoder = raw_memory(bytes);
    if (!encoder)
        return -ENOMEM;
    encoder->heap = heap;
    encoder->put = put;
    encoder->context = context;
    encoder->zstd_bytes = zstd_bytes;
    encoder->zstd = (uint8_t *)encoder + sizeof *encoder;
    int result = put_stream_head(encoder, heap);
    if (result == 0)
        result = put_parts(encoder, columns_of(heap));
    raw_munmap(encoder, bytes);
    return result;
}

void barrow_heap_seal(void *stream, uint64_t bytes, enum heap_stream_state state)
{
    struct heap_stream *head = stream;
    head->state = state;
    __atomic_store_n(&head->bytes, bytes, __ATOMIC_RELEASE);
}
