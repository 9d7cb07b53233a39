/* What the parts of a heap snapshot mean: the mirror image of heap_write.c. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/heap_read.h"

uint64_t barrow_heap_bytes(const struct barrow_heap *heap, uint32_t object)
{
    uint32_t low = 0, high = heap->large_count;
    if (heap->bytes[object] != UINT32_MAX)
        return heap->bytes[object];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (heap->large[middle].object < object)
            low = middle + 1;
        else
            high = middle;
    }
    return low < heap->large_count && heap->large[low].object == object ? heap->large[low].bytes
                                                                        : UINT32_MAX;
}

void barrow_heap_free(struct barrow_heap *heap)
{
    if (!heap)
        return;
    for (unsigned kind = 1; kind < HEAP_PART_END; kind++)
        if (heap_fields_of(kind))
            free(*heap_table_of(heap, kind).items);
    free(heap->address);
    free(heap->type);
    free(heap->bytes);
    free(heap->birth);
    free(heap->hash);
    free(heap->length);
    free(heap->edge_start);
    free(heap->target);
    free(heap->name);
    free(heap->string_start);
    free(heap->strings);
    free(heap);
}

/* ---- memory ---- */

void heap_take_head(struct heap_reader *reader, uint32_t number)
{
    const struct heap_stream *head = &reader->place.head;
    struct barrow_heap *heap = reader->heap;
    heap->time_ns = head->time_ns;
    heap->pause_ns = head->pause_ns;
    heap->live_bytes = head->live_bytes;
    heap->flags = head->flags;
    heap->number = number;
    heap->label = head->label < head->string_count ? head->label : 0;
    heap->object_count = head->object_count;
    heap->edge_count = head->edge_count;
    heap->type_count = head->type_count;
    heap->root_count = head->root_count;
    heap->root_edge_count = head->root_edge_count;
    heap->text_count = head->text_count;
    heap->large_count = head->large_count;
    heap->unowned_count = head->unowned_count;
    heap->place_count = head->place_count;
    heap->string_count = head->string_count;
    for (unsigned kind = 1; kind < HEAP_PART_END; kind++) {
        if (heap_fields_of(kind))
            reader->items[kind] = heap_table_of(heap, kind).count;
        else if (kind == HEAP_PART_STRINGS)
            reader->items[kind] = heap->string_count;
        else if (kind < HEAP_PART_BIRTH || head->columns >> kind & 1)
            reader->items[kind] = kind == HEAP_PART_TARGET || kind == HEAP_PART_NAME
                                      ? heap->edge_count
                                      : heap->object_count;
    }
}

static bool take(barrow_any_pointer *column, uint64_t count, uint64_t bytes)
{
    free(*column);
    *column = calloc(count ? count : 1, bytes);
    return *column != NULL;
}

static bool take_column(struct heap_reader *reader, unsigned kind)
{
    struct barrow_heap *heap = reader->heap;
    uint64_t objects = (uint64_t)heap->object_count + 1;
    switch (kind) {
#define COLUMN(NAME, column, count) \
    case HEAP_PART_##NAME:          \
        return take((barrow_any_pointer *)&heap->column, count, sizeof *heap->column);
        COLUMN(TYPE, type, objects)
        COLUMN(EDGES, edge_start, objects + 1)
        COLUMN(TARGET, target, heap->edge_count)
        COLUMN(NAME, name, heap->edge_count)
        COLUMN(BYTES, bytes, objects)
        COLUMN(ADDRESS, address, objects)
        COLUMN(BIRTH, birth, objects)
        COLUMN(LENGTH, length, objects)
        COLUMN(HASH, hash, objects)
#undef COLUMN
    case HEAP_PART_STRINGS:
        return take((barrow_any_pointer *)&heap->string_start, (uint64_t)heap->string_count + 1,
                    sizeof *heap->string_start) &&
               take((barrow_any_pointer *)&heap->strings, reader->place.head.string_bytes + 1, 1);
    default:
        return take(heap_table_of(heap, kind).items, heap_table_of(heap, kind).count,
                    heap_fields_of(kind) * sizeof(uint32_t));
    }
}

bool heap_take_memory(struct heap_reader *reader, uint32_t wanted)
{
    for (unsigned kind = 1; kind < HEAP_PART_END; kind++) {
        bool is_optional = kind >= HEAP_PART_BIRTH;
        if (wanted >> kind & 1 && (!is_optional || reader->items[kind]) &&
            !take_column(reader, kind))
            return false;
    }
    return true;
}

/* ---- columns of objects ---- */

struct cursor {
    const uint8_t *at, *end;
    bool failed;
};

static uint64_t get(struct cursor *in)
{
    uint64_t n = 0;
    if (in->at < in->end && *in->at < 0x80)
        return *in->at++;
    const uint8_t *next = heap_get(in->at, in->end, &n);
    if (!next) {
        in->failed = true;
        return 0;
    }
    in->at = next;
    return n;
}

static uint64_t get_unless_same(struct cursor *in, uint64_t *last)
{
    uint64_t n = get(in);
    if (n)
        *last = n - 1;
    return *last;
}

static void decode_types(struct heap_reader *reader, struct cursor *in, uint64_t i, uint64_t end)
{
    struct barrow_heap *heap = reader->heap;
    for (uint32_t before = 0; i < end && !in->failed; i++) {
        uint64_t type = get_unless_same(in, heap_of_type(&reader->model, before));
        before = (uint32_t)type;
        if (type < heap->type_count)
            heap->type[i] = before;
        else
            in->failed = true;
    }
}

static void decode_edge_counts(struct heap_reader *reader, struct cursor *in, uint64_t i,
                               uint64_t end)
{
    struct barrow_heap *heap = reader->heap;
    for (; i < end && !in->failed; i++) {
        uint64_t count = get_unless_same(in, heap_of_type(&reader->model, heap->type[i]));
        if (count > heap->edge_count - heap->edge_start[i])
            in->failed = true;
        else
            heap->edge_start[i + 1] = heap->edge_start[i] + count;
    }
}

#define DECODE_BY_TYPE(name, column, decoded)                                              \
    static void decode_##name(struct heap_reader *reader, struct cursor *in, uint64_t i,   \
                              uint64_t end)                                                \
    {                                                                                      \
        struct barrow_heap *heap = reader->heap;                                           \
        for (; i < end && !in->failed; i++) {                                              \
            uint64_t n =                                                                   \
                decoded(get_unless_same(in, heap_of_type(&reader->model, heap->type[i]))); \
            heap->column[i] = (uint32_t)n;                                                 \
            in->failed |= n > UINT32_MAX;                                                  \
        }                                                                                  \
    }
DECODE_BY_TYPE(bytes, bytes, heap_unfold)
DECODE_BY_TYPE(births, birth, )
DECODE_BY_TYPE(lengths, length, )

static void decode_addresses(struct heap_reader *reader, struct cursor *in, uint64_t i,
                             uint64_t end)
{
    struct barrow_heap *heap = reader->heap;
    for (; i < end && !in->failed; i++) {
        uint64_t *last = heap_of_type(&reader->model, heap->type[i]);
        uint64_t n = get(in), step = (uint64_t)heap_unzigzag(n >> 1);
        *last += n & 1 ? step : step * 16;
        heap->address[i] = *last;
    }
}

static void decode_hashes(struct heap_reader *reader, struct cursor *in, uint64_t i, uint64_t end)
{
    struct barrow_heap *heap = reader->heap;
    struct cursor told = *in;
    uint64_t gap, next = i;
    while ((gap = get(in)) && !in->failed) /* to the hashes behind the list */
        continue;
    gap = get(&told);
    next = gap ? i + gap - 1 : end;
    for (; i < end && !in->failed; i++) {
        uint64_t *has = heap_of_type(&reader->model, heap->type[i]);
        if (i == next) {
            *has = !*has;
            gap = get(&told);
            next = gap ? i + gap - 1 : end;
            in->failed |= gap == 1; /* nothing is told twice */
        }
        if (!*has)
            continue;
        if (in->end - in->at < 4) {
            in->failed = true;
            break;
        }
        memcpy(&heap->hash[i], in->at, 4);
        in->at += 4;
    }
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

static uint32_t get_target(struct cursor *in, uint32_t source, uint32_t guess, uint32_t previous,
                           uint32_t next, uint32_t class)
{
    uint64_t n = get(in);
    unsigned base = n & 3;
    if (base == HEAP_SPECIAL)
        return n >> 2 == 0 ? next : n >> 2 == 1 ? class : 0;
    uint64_t from = base == HEAP_FROM_GUESS ? guess : base == HEAP_FROM_SOURCE ? source : previous;
    uint64_t target = from + (uint64_t)heap_unzigzag(n >> 2);
    return target <= UINT32_MAX ? (uint32_t)target : 0;
}

static void decode_targets(struct heap_reader *reader, struct cursor *in, uint64_t i, uint64_t end)
{
    struct barrow_heap *heap = reader->heap;
    uint32_t source = owner_of(heap, i);
    uint32_t furthest = (uint32_t)get(in);
    for (; i < end && !in->failed; source++) {
        uint64_t start = heap->edge_start[source], stop = heap->edge_start[source + 1];
        uint32_t type = heap->type[source], previous = source;
        uint32_t class = heap->types[type].object;
        for (; i < stop && i < end; i++) {
            uint32_t *guess = heap_target_guess(&reader->model, type, stop - start, i - start);
            uint32_t target = get_target(in, source, *guess, previous, furthest + 1, class);
            if (target == 0 || target > heap->object_count) {
                in->failed = true;
                return;
            }
            if (target > furthest)
                furthest = target;
            heap->target[i] = *guess = previous = target;
        }
    }
}

/* Names that this reader can't know are shown as positions. */
static uint32_t checked_name(const struct barrow_heap *heap, uint32_t name, uint64_t position)
{
    uint32_t kind = name >> HEAP_NAME_SHIFT;
    bool is_string =
        kind == HEAP_NAME_ATTRIBUTE || kind == HEAP_NAME_VARIABLE || kind == HEAP_NAME_INTERNAL;
    if (kind > HEAP_NAME_COUNTED || (is_string && (name & HEAP_NAME_MASK) >= heap->string_count))
        return HEAP_NAME(HEAP_NAME_REF, position);
    return name;
}

static void decode_names(struct heap_reader *reader, struct cursor *in, uint64_t i, uint64_t end)
{
    struct barrow_heap *heap = reader->heap;
    uint32_t source = owner_of(heap, i);
    for (; i < end && !in->failed; source++) {
        uint64_t start = heap->edge_start[source], stop = heap->edge_start[source + 1];
        uint32_t type = heap->type[source], previous = HEAP_NO_NAME;
        for (; i < stop && i < end && !in->failed; i++) {
            uint32_t *guess = heap_name_guess(&reader->model, type, previous);
            uint64_t n = get(in);
            uint32_t name = n == 0 ? heap_guessed_name(previous, *guess)
                                   : HEAP_NAME((n - 1) & 15, (n - 1) >> 4);
            in->failed |= n > UINT32_MAX;
            *guess = name + 1;
            previous = name;
            heap->name[i] = checked_name(heap, name, i - start);
        }
    }
}

/* ---- tables and texts ---- */

static void decode_table(struct heap_reader *reader, struct cursor *in, unsigned kind, uint64_t i,
                         uint64_t end)
{
    uint32_t *items = *heap_table_of(reader->heap, kind).items;
    unsigned fields = heap_fields_of(kind);
    uint32_t before[8] = {0};
    for (; i < end && !in->failed; i++)
        for (unsigned f = 0; f < fields; f++) {
            before[f] += (uint32_t)heap_unzigzag(get(in));
            items[i * fields + f] = before[f];
        }
}

static void decode_strings(struct heap_reader *reader, struct cursor *in, uint64_t i, uint64_t end)
{
    struct barrow_heap *heap = reader->heap;
    for (uint64_t lost = reader->done[HEAP_PART_STRINGS]; lost < i; lost++)
        heap->string_start[lost + 1] = (uint32_t)reader->string_bytes;
    for (; i < end; i++) {
        uint64_t count = in->failed ? 0 : get(in);
        if (count > (uint64_t)(in->end - in->at) ||
            count > reader->place.head.string_bytes - reader->string_bytes) {
            in->failed = true;
            count = 0;
        }
        if (count)
            memcpy(heap->strings + reader->string_bytes, in->at, count);
        in->at += count;
        reader->string_bytes += count;
        heap->string_start[i + 1] = (uint32_t)reader->string_bytes;
    }
}

bool heap_decode(struct heap_reader *reader, const struct heap_part *part)
{
    struct cursor in = {.at = reader->raw, .end = reader->raw + part->raw_bytes};
    uint64_t first = part->first, end = first + part->count;
    if (part->count == 0 || (part->count > part->raw_bytes && part->kind != HEAP_PART_HASH))
        return part->count == 0;
    bool of_edges = part->kind == HEAP_PART_TARGET || part->kind == HEAP_PART_NAME;
    const struct barrow_heap *heap = reader->heap;
    if (of_edges && heap->edge_start[(uint64_t)heap->object_count + 1] != heap->edge_count)
        return false;
    heap_model_reset(&reader->model);
    switch (part->kind) {
#define WAY(NAME, decode, base)                            \
    case HEAP_PART_##NAME:                                 \
        decode(reader, &in, first + (base), end + (base)); \
        break;
        WAY(TYPE, decode_types, 1)
        WAY(EDGES, decode_edge_counts, 1)
        WAY(TARGET, decode_targets, 0)
        WAY(NAME, decode_names, 0)
        WAY(STRINGS, decode_strings, 0)
        WAY(BYTES, decode_bytes, 1)
        WAY(ADDRESS, decode_addresses, 1)
        WAY(BIRTH, decode_births, 1)
        WAY(LENGTH, decode_lengths, 1)
        WAY(HASH, decode_hashes, 1)
#undef WAY
    default:
        decode_table(reader, &in, part->kind, first, end);
    }
    return !in.failed && in.at == in.end;
}

/* ---- checks ---- */

/* Do the items refer to what exists?  Each returns false for an item to be left out. */
static bool is_good_text(const struct barrow_heap *heap, const struct heap_text *text)
{
    return text->string < heap->string_count;
}

static bool is_good_large(const struct barrow_heap *heap, const struct heap_large *large)
{
    (void)heap;
    return large->bytes < (uint64_t)1 << 48;
}

static bool is_good_place(const struct barrow_heap *heap, const struct heap_place *place)
{
    return place->file < heap->string_count;
}

/* Keeps the good ones, which ascend by object. */
#define KEEP_GOOD(kind, what, list, count, is_good)                                                \
    do {                                                                                           \
        uint32_t kept = 0, before = 0;                                                             \
        for (uint32_t i = 0; i < (count); i++) {                                                   \
            if ((list)[i].object <= before || (list)[i].object > heap->object_count ||             \
                !is_good(heap, &(list)[i]))                                                        \
                continue;                                                                          \
            before = (list)[i].object;                                                             \
            (list)[kept++] = (list)[i];                                                            \
        }                                                                                          \
        if (kept < (count) && reader->read[HEAP_PART_##kind] == reader->items[HEAP_PART_##kind])   \
            barrow_notes_add(warnings,                                                             \
                             "heap snapshot %" PRIu32 ": %" PRIu32 " wrong " what " are left out", \
                             heap->number, (count)-kept);                                          \
        (count) = kept;                                                                            \
    } while (0)

static void check_types(struct barrow_heap *heap)
{
    for (uint32_t i = 0; i < heap->type_count; i++) {
        struct heap_type *type = &heap->types[i];
        if (type->name >= heap->string_count)
            type->name = 0;
        if (type->module >= heap->string_count)
            type->module = 0;
        if (type->object > heap->object_count)
            type->object = 0;
        if (type->base >= heap->type_count)
            type->base = 0;
    }
}

static bool check_roots(struct barrow_heap *heap)
{
    if (heap->root_count == 0)
        return false;
    for (uint32_t i = 0; i < heap->root_count; i++) {
        struct heap_root *root = &heap->roots[i];
        if (root->parent >= i && i > 0)
            return false;
        if (root->kind > HEAP_ROOT_C_CODE)
            root->kind = HEAP_ROOT_INTERPRETER; /* of a newer barrow */
        if (root->name >= heap->string_count)
            root->name = 0;
        if (root->file >= heap->string_count)
            root->file = 0;
    }
    heap->roots[0].parent = 0;
    heap->roots[0].kind = HEAP_ROOT_ALL;
    return true;
}

static bool check_root_edges(struct barrow_heap *heap)
{
    uint32_t root = 0;
    for (uint64_t i = 0; i < heap->root_edge_count; i++) {
        struct heap_root_edge *edge = &heap->root_edges[i];
        if (edge->root < root || edge->root >= heap->root_count || edge->target == 0 ||
            edge->target > heap->object_count)
            return false;
        root = edge->root;
        edge->name = checked_name(heap, edge->name, i);
    }
    return true;
}

/* Strings of parts at the end that were lost. */
static void end_strings(struct heap_reader *reader)
{
    for (uint64_t i = reader->done[HEAP_PART_STRINGS]; i < reader->heap->string_count; i++)
        reader->heap->string_start[i + 1] = (uint32_t)reader->string_bytes;
}

unsigned heap_check_columns(struct heap_reader *reader, uint32_t wanted,
                            struct barrow_notes *warnings)
{
    struct barrow_heap *heap = reader->heap;
    if (!(wanted >> HEAP_PART_TYPES & 1))
        return 0;
    end_strings(reader);
    check_types(heap);
    if (heap->edge_start[(uint64_t)heap->object_count + 1] != heap->edge_count)
        return HEAP_PART_EDGES;
    if (!check_roots(heap))
        return HEAP_PART_ROOTS;
    if (!check_root_edges(heap))
        return HEAP_PART_ROOT_EDGES;
    KEEP_GOOD(TEXTS, "words of objects", heap->texts, heap->text_count, is_good_text);
    KEEP_GOOD(LARGE, "sizes", heap->large, heap->large_count, is_good_large);
    KEEP_GOOD(PLACES, "places in the source", heap->places, heap->place_count, is_good_place);
    return 0;
}
