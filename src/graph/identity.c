#include "graph/identity.h"

#include <stdlib.h>

#include "base/map.h"

/* What makes a vertex the same: of objects their address, and a hash of class and birth; of roots a
 * hash of what they are called. */
struct barrow_identity_entry {
    uint64_t address, kind;
    uint32_t vertex, number;
};

static uint64_t mix(uint64_t a, uint64_t b)
{
    return (uint64_t)barrow_hash_2(a, b) << 32 | barrow_hash_2(b, a ^ 0x5bd1e995);
}

static uint64_t hash_text(const struct barrow_heap *heap, uint32_t string)
{
    const char *text = heap->strings + heap->string_start[string];

    return barrow_hash_bytes(text, heap->string_start[string + 1] - heap->string_start[string]);
}

/* ---- what the vertices of a snapshot are ---- */

/* By type; to be freed. */
static uint64_t *hash_types(const struct barrow_heap *heap)
{
    uint64_t *hashes = calloc((size_t)heap->type_count + 1, sizeof *hashes);

    for (uint32_t i = 0; hashes && i < heap->type_count; i++) {
        const struct heap_type *type = &heap->types[i];
        hashes[i] = mix(mix(hash_text(heap, type->module), hash_text(heap, type->name)),
                        heap->address[type->object]);
    }
    return hashes;
}

static void describe_objects(struct barrow_identity_entry *entries, const struct barrow_heap *heap,
                             const uint64_t *types)
{
    for (uint32_t i = 1; i <= heap->object_count; i++) {
        uint64_t birth = heap->birth ? heap->birth[i] : 0;
        entries[i - 1] = (struct barrow_identity_entry){
            .address = heap->address[i],
            .kind = mix(types[heap->type[i]], birth),
            .vertex = i,
        };
    }
}

static void describe_roots(struct barrow_identity_entry *entries, const struct barrow_heap *heap)
{
    for (uint32_t r = 1; r < heap->root_count; r++) { /* parents come first */
        const struct heap_root *root = &heap->roots[r];
        uint64_t parent = root->parent ? entries[root->parent - 1].address : 0;
        entries[r - 1] = (struct barrow_identity_entry){
            .address = mix(mix(parent, root->kind), hash_text(heap, root->name)),
            .kind = UINT64_MAX,
            .vertex = heap->object_count + r,
        };
    }
}

static int compare_keys(const struct barrow_identity_entry *a,
                        const struct barrow_identity_entry *b)
{
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return (a->kind > b->kind) - (a->kind < b->kind);
}

static int compare(const void *left, const void *right)
{
    const struct barrow_identity_entry *a = left, *b = right;
    int order = compare_keys(a, b);

    return order ? order : (a->vertex > b->vertex) - (a->vertex < b->vertex);
}

/* To be freed; NULL: no memory. */
static struct barrow_identity_entry *describe(const struct barrow_heap *heap, size_t count)
{
    struct barrow_identity_entry *entries = calloc(count + 1, sizeof *entries);
    uint64_t *types = hash_types(heap);

    if (!entries || !types) {
        free(entries);
        free(types);
        return NULL;
    }
    describe_objects(entries, heap, types);
    describe_roots(entries + heap->object_count, heap);
    qsort(entries, count, sizeof *entries, compare);
    free(types);
    return entries;
}

/* ---- numbers ---- */

/* Goes through both sorted lists side by side. */
static void recognise(const struct barrow_identity *identity, struct barrow_identity_entry *entries,
                      size_t count, uint32_t *numbers)
{
    const struct barrow_identity_entry *known = identity->known;
    size_t k = 0;

    for (size_t i = 0; i < count; i++) {
        while (k < identity->known_count && compare_keys(&known[k], &entries[i]) < 0)
            k++;
        if (k < identity->known_count && compare_keys(&known[k], &entries[i]) == 0)
            numbers[entries[i].vertex] = known[k++].number;
    }
}

int barrow_identity_add(struct barrow_identity *identity, const struct barrow_heap *heap,
                        uint32_t *numbers, struct barrow_error *err)
{
    size_t vertices = (size_t)heap->object_count + (heap->root_count ? heap->root_count : 1);
    size_t count = vertices - 1;
    struct barrow_identity_entry *entries;

    if (count > UINT32_MAX / 2 - identity->last)
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "there are more objects than can be told apart: %zu", count);
    entries = describe(heap, count);
    if (!entries)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    for (size_t v = 0; v < vertices; v++)
        numbers[v] = 0;
    recognise(identity, entries, count, numbers);
    for (size_t v = 1; v < vertices; v++)
        if (numbers[v] == 0)
            numbers[v] = ++identity->last;
    for (size_t i = 0; i < count; i++)
        entries[i].number = numbers[entries[i].vertex];
    free(identity->known);
    identity->known = entries;
    identity->known_count = count;
    return 0;
}

void barrow_identity_free(struct barrow_identity *identity)
{
    free(identity->known);
    *identity = (struct barrow_identity){0};
}
