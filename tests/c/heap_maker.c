#include "heap_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "ledger/format.h"

static void *or_die(void *p)
{
    if (!p) {
        fputs("no memory for the heap of a test\n", stderr);
        abort();
    }
    return p;
}

#define ADD(array) ((__typeof__((array)->items))or_die(barrow_array_add(array)))
#define COLUMN(count, type) ((type *)or_die(calloc((count) ? (count) : 1, sizeof(type))))

/* ---- adding ---- */

static void begin(struct heap_maker *maker)
{
    if (maker->starts.count)
        return;
    *ADD(&maker->starts) = 0;
    *ADD(&maker->starts) = 0; /* string 0: "" */
    ADD(&maker->types);
    ADD(&maker->roots);
}

#define SAME_STRING(maker, string, text)                                                    \
    ((maker)->starts.items[(string) + 1] - (maker)->starts.items[string] == strlen(text) && \
     memcmp((maker)->bytes.items + (maker)->starts.items[string], (text), strlen(text)) == 0)
BARROW_MAP_FIND(find_string, const struct heap_maker *, const char *, SAME_STRING)

uint32_t maker_string(struct heap_maker *maker, const char *text)
{
    begin(maker);
    if (!*text)
        return 0;
    if (!barrow_map_reserve(&maker->strings, 1))
        or_die(NULL);
    uint32_t hash = barrow_hash_bytes(text, strlen(text));
    uint32_t *found = find_string(&maker->strings, maker, text, hash);
    if (*found == 0) {
        uint32_t number = (uint32_t)maker->starts.count - 1;
        barrow_map_fill(&maker->strings, found, hash, number);
        for (const char *at = text; *at; at++)
            *ADD(&maker->bytes) = *at;
        *ADD(&maker->starts) = (uint32_t)maker->bytes.count;
        return number;
    }
    return *found;
}

uint32_t maker_type(struct heap_maker *maker, const char *name, const char *module, uint32_t flags)
{
    begin(maker);
    struct heap_type *type = ADD(&maker->types);
    type->name = maker_string(maker, name);
    type->module = maker_string(maker, module);
    type->flags = flags;
    return (uint32_t)maker->types.count - 1;
}

uint32_t maker_object(struct heap_maker *maker, uint32_t type, uint64_t bytes)
{
    begin(maker);
    struct maker_object *object = ADD(&maker->objects);
    object->type = type;
    object->bytes = bytes;
    object->address = 0x7f0000000000u + maker->objects.count * 64;
    return (uint32_t)maker->objects.count;
}

uint32_t maker_name(struct heap_maker *maker, enum heap_name kind, const char *text)
{
    return HEAP_NAME(kind, maker_string(maker, text));
}

void maker_edge(struct heap_maker *maker, uint32_t from, uint32_t to, uint32_t name)
{
    *ADD(&maker->edges) = (struct maker_edge){from, to, name};
}

uint32_t maker_root(struct heap_maker *maker, uint32_t kind, uint32_t parent, const char *name)
{
    begin(maker);
    struct heap_root *root = ADD(&maker->roots);
    root->kind = kind;
    root->parent = parent;
    root->name = maker_string(maker, name);
    return (uint32_t)maker->roots.count - 1;
}

void maker_root_edge(struct heap_maker *maker, uint32_t root, uint32_t to, uint32_t name)
{
    *ADD(&maker->root_edges) = (struct maker_edge){root, to, name};
}

/* ---- columns ---- */

/* Edges by their source, otherwise in the order they came. */
static void place_edges(const struct heap_maker *maker, struct barrow_heap *heap)
{
    uint64_t *next = COLUMN(heap->object_count + 2u, uint64_t);
    heap->edge_count = maker->edges.count;
    heap->edge_start = COLUMN(heap->object_count + 2u, uint64_t);
    heap->target = COLUMN(heap->edge_count, uint32_t);
    heap->name = COLUMN(heap->edge_count, uint32_t);
    for (size_t i = 0; i < maker->edges.count; i++)
        heap->edge_start[maker->edges.items[i].from + 1]++;
    for (uint32_t i = 0; i <= heap->object_count; i++)
        heap->edge_start[i + 1] += heap->edge_start[i];
    memcpy(next, heap->edge_start, (heap->object_count + 2u) * sizeof *next);
    for (size_t i = 0; i < maker->edges.count; i++) {
        const struct maker_edge *edge = &maker->edges.items[i];
        heap->target[next[edge->from]] = edge->to;
        heap->name[next[edge->from]++] = edge->name;
    }
    free(next);
}

static void place_root_edges(const struct heap_maker *maker, struct barrow_heap *heap)
{
    uint64_t count = 0;
    heap->root_edges = COLUMN(maker->root_edges.count, struct heap_root_edge);
    for (uint32_t root = 0; root < maker->roots.count; root++)
        for (size_t i = 0; i < maker->root_edges.count; i++) {
            const struct maker_edge *edge = &maker->root_edges.items[i];
            if (edge->from == root)
                heap->root_edges[count++] =
                    (struct heap_root_edge){edge->from, edge->to, edge->name};
        }
    heap->root_edge_count = count;
}

static void place_objects(const struct heap_maker *maker, struct barrow_heap *heap)
{
    BARROW_ARRAY(struct heap_large) large = {0};
    bool births = false, hashes = false, lengths = false;
    size_t count = maker->objects.count + 1;
    heap->object_count = (uint32_t)maker->objects.count;
    heap->address = COLUMN(count, uint64_t);
    heap->type = COLUMN(count, uint32_t);
    heap->bytes = COLUMN(count, uint32_t);
    heap->birth = COLUMN(count, uint32_t);
    heap->hash = COLUMN(count, uint32_t);
    heap->length = COLUMN(count, uint32_t);
    for (size_t i = 1; i < count; i++) {
        const struct maker_object *object = &maker->objects.items[i - 1];
        heap->address[i] = object->address;
        heap->type[i] = object->type;
        heap->bytes[i] = object->bytes < UINT32_MAX ? (uint32_t)object->bytes : UINT32_MAX;
        if (object->bytes >= UINT32_MAX)
            *ADD(&large) = (struct heap_large){.object = (uint32_t)i, .bytes = object->bytes};
        births |= (heap->birth[i] = object->birth) != 0;
        hashes |= (heap->hash[i] = object->hash) != 0;
        lengths |= (heap->length[i] = object->length) != 0;
    }
    heap->large = large.items;
    heap->large_count = (uint32_t)large.count;
    if (!births)
        free(heap->birth), heap->birth = NULL;
    if (!hashes)
        free(heap->hash), heap->hash = NULL;
    if (!lengths)
        free(heap->length), heap->length = NULL;
}

struct barrow_heap *maker_heap(struct heap_maker *maker)
{
    struct barrow_heap *heap = COLUMN(1, struct barrow_heap);
    begin(maker);
    heap->time_ns = maker->time_ns;
    heap->pause_ns = maker->pause_ns;
    heap->live_bytes = maker->live_bytes;
    heap->flags = maker->flags;
    heap->label = maker->label;
    heap->number = 1;
    place_objects(maker, heap);
    place_edges(maker, heap);
    place_root_edges(maker, heap);
    heap->types = maker->types.items;
    heap->type_count = (uint32_t)maker->types.count;
    heap->roots = maker->roots.items;
    heap->root_count = (uint32_t)maker->roots.count;
    heap->texts = maker->texts.items;
    heap->text_count = (uint32_t)maker->texts.count;
    heap->places = maker->places.items;
    heap->place_count = (uint32_t)maker->places.count;
    heap->unowned = maker->unowned.items;
    heap->unowned_count = (uint32_t)maker->unowned.count;
    heap->string_count = (uint32_t)maker->starts.count - 1;
    heap->string_start = maker->starts.items;
    heap->strings = maker->bytes.items;
    free(maker->objects.items);
    free(maker->edges.items);
    free(maker->root_edges.items);
    barrow_map_free(&maker->strings);
    *maker = (struct heap_maker){0};
    return heap;
}

/* ---- a ledger ---- */

struct sink {
    BARROW_ARRAY(char) bytes;
};

static int put(void *context, const void *bytes, uint64_t count)
{
    struct sink *sink = context;
    size_t needed = sink->bytes.count + count;
    if (needed > sink->bytes.room && !barrow_array_reserve(&sink->bytes, needed + needed / 2))
        or_die(NULL);
    memcpy(sink->bytes.items + sink->bytes.count, bytes, count);
    sink->bytes.count = needed;
    return 0;
}

static void make_head(unsigned char *ledger)
{
    struct ledger_header *header = (struct ledger_header *)(void *)ledger;
    struct ledger_state *state = (struct ledger_state *)(void *)(ledger + LEDGER_STATE_OFFSET);
    static const char command[] = "python\0made.py";
    memcpy(header->magic, LEDGER_MAGIC, sizeof header->magic);
    header->format = LEDGER_FORMAT;
    header->byte_order = LEDGER_BYTE_ORDER;
    header->page_bytes = LEDGER_PAGE;
    memcpy(header->run_id, "a heap by itself", 16);
    header->pid = 4242;
    header->python_hexversion = 0x030b02f0;
    header->is_root = 1;
    strcpy(header->python_version, "3.11.2");
    header->command_bytes = sizeof command;
    memcpy(header->command, command, sizeof command);
    header->checksum = barrow_crc32(header, sizeof *header);
    memcpy(ledger + LEDGER_PAGE, header, sizeof *header);
    state->epoch = 1;
    state->end = LEDGER_END_EXIT;
    state->end_ns = 1000000000;
}

unsigned char *maker_ledger_of(const void *heap_bytes, size_t count, const unsigned char *base,
                               size_t base_bytes, size_t *bytes)
{
    uint64_t before =
        base ? (base_bytes + LEDGER_PAGE - 1) / LEDGER_PAGE * LEDGER_PAGE : LEDGER_EXTENTS_OFFSET;
    uint64_t payload = (count + LEDGER_PAGE - 1) / LEDGER_PAGE * LEDGER_PAGE;
    *bytes = before + LEDGER_PAGE + payload;
    unsigned char *ledger = COLUMN(*bytes, unsigned char);
    if (base)
        memcpy(ledger, base, base_bytes);
    else
        make_head(ledger);
    struct ledger_state *state = (struct ledger_state *)(void *)(ledger + LEDGER_STATE_OFFSET);
    state->file_bytes = *bytes;
    state->used[LEDGER_HEAP] = count;
    struct ledger_extent *extent = (struct ledger_extent *)(void *)(ledger + before);
    *extent = (struct ledger_extent){.magic = LEDGER_EXTENT_MAGIC,
                                     .kind = LEDGER_HEAP,
                                     .version = 1,
                                     .record_bytes = 1,
                                     .offset = before,
                                     .payload_bytes = payload,
                                     .capacity = payload};
    extent->checksum = barrow_crc32(extent, 64);
    if (count)
        memcpy(ledger + before + LEDGER_PAGE, heap_bytes, count);
    return ledger;
}

unsigned char *maker_ledger(struct barrow_heap **heaps, size_t count, const unsigned char *base,
                            size_t base_bytes, size_t *bytes)
{
    struct sink sink = {0};
    for (size_t i = 0; i < count; i++) {
        size_t start = sink.bytes.count;
        heaps[i]->number = (uint32_t)i + 1;
        barrow_heap_write(heaps[i], put, &sink);
        barrow_heap_seal(sink.bytes.items + start, sink.bytes.count - start, HEAP_STREAM_LIVE);
    }
    unsigned char *ledger =
        maker_ledger_of(sink.bytes.items, sink.bytes.count, base, base_bytes, bytes);
    free(sink.bytes.items);
    return ledger;
}
