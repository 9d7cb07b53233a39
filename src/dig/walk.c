#include "dig/walk.h"

#include <string.h>

#include "cpython/gc_list.h"
#include "dig/state.h"
#include "os/raw.h"

enum { AHEAD = 12 }; /* objects whose heads are fetched before their turn */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- memory ---- */

bool barrow_walk_init(struct dig_walk *w)
{
    w->map.chunks = raw_memory(PAGEMAP_CHUNKS * sizeof *w->map.chunks);
    if (!w->map.chunks || !barrow_blocks_init(&w->blocks) || !barrow_walk_grow_objects(w) ||
        !barrow_walk_grow_edges(w))
        return false;
    barrow_walk_string_add(w, "", 0);
    /* Index 0 of these means none. */
    return barrow_column_reserve(&w->dig->columns[COLUMN_TYPES], sizeof(struct heap_type)) &&
           !w->failed;
}

void barrow_walk_end(struct dig_walk *w)
{
    uint32_t **chunks = w->chunk_column.at;
    for (uint32_t i = 0; i < w->chunk_count; i++)
        raw_munmap(chunks[i], PAGEMAP_CHUNK_BYTES);
    barrow_column_free(&w->chunk_column);
    if (w->map.chunks)
        raw_munmap(w->map.chunks, PAGEMAP_CHUNKS * sizeof *w->map.chunks);
    barrow_column_free(&w->type_column);
    barrow_column_free(&w->slot_column);
    barrow_column_free(&w->member_column);
    barrow_column_free(&w->candidate_column);
    barrow_column_free(&w->reference_column);
    barrow_column_free(&w->called_column);
    barrow_blocks_free(&w->blocks);
}

void barrow_dig_free(struct barrow_dig *dig)
{
    for (int i = 0; i < DIG_COLUMNS; i++)
        barrow_column_free(&dig->columns[i]);
    memset(&dig->heap, 0, sizeof dig->heap);
}

/* ---- the walk ---- */

static void add_tracked(struct dig_walk *w, PyInterpreterState *interp)
{
    for (int i = 0; i < BARROW_GC_LISTS; i++) {
        const PyGC_Head *head = barrow_gc_list(interp, i);
        for (const PyGC_Head *at = barrow_gc_next(head); at != head && !w->failed;
             at = barrow_gc_next(at))
            barrow_walk_object(w, barrow_gc_object(at));
    }
}

static void visit_all(struct dig_walk *w)
{
    for (uint32_t number = 1; number <= w->count && !w->failed; number++) {
        if (number + AHEAD <= w->count)
            __builtin_prefetch(w->address[number + AHEAD]);
        barrow_walk_visit(w, number);
    }
}

static void hand_over(struct dig_walk *w)
{
    struct barrow_heap *heap = &w->dig->heap;
    struct dig_column *c = w->dig->columns;
    heap->object_count = w->count;
    heap->edge_count = w->edge_count;
    barrow_column_trim(&c[COLUMN_TARGET], w->edge_count * 4);
    barrow_column_trim(&c[COLUMN_NAME], w->edge_count * 4);
    heap->address = c[COLUMN_ADDRESS].at;
    heap->type = c[COLUMN_TYPE].at;
    heap->bytes = c[COLUMN_BYTES].at;
    heap->birth = c[COLUMN_BIRTH].at;
    heap->hash = c[COLUMN_HASH].at;
    heap->length = c[COLUMN_LENGTH].at;
    heap->edge_start = c[COLUMN_EDGE_START].at;
    heap->target = c[COLUMN_TARGET].at;
    heap->name = c[COLUMN_NAME].at;
    heap->types = c[COLUMN_TYPES].at;
    heap->roots = c[COLUMN_ROOTS].at;
    heap->root_edges = c[COLUMN_ROOT_EDGES].at;
    heap->texts = c[COLUMN_TEXTS].at;
    heap->large = c[COLUMN_LARGE].at;
    heap->unowned = c[COLUMN_UNOWNED].at;
    heap->places = c[COLUMN_PLACES].at;
    heap->string_start = c[COLUMN_STRING_START].at;
    heap->strings = c[COLUMN_STRINGS].at;
}

static int walk(struct dig_walk *w, struct barrow_error *err)
{
    if (!barrow_gc_lists_are_known())
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "this interpreter keeps its objects where barrow doesn't know them");
    if (!barrow_walk_init(w))
        return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for a heap snapshot");
    uint64_t start = now_ns();
    add_tracked(w, PyInterpreterState_Get());
    barrow_walk_roots(w);
    visit_all(w);
    barrow_walk_unseen_roots(w);
    barrow_walk_places(w);
    if (w->options->label)
        w->dig->heap.label = barrow_walk_words(w, w->options->label);
    if (w->options->each_block)
        barrow_walk_unowned(w);
    if (w->failed)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for a heap snapshot");
    hand_over(w);
    w->dig->heap.pause_ns = now_ns() - start;
    return 0;
}

int barrow_dig_walk(struct barrow_dig *dig, const struct barrow_dig_options *options,
                    struct barrow_error *err)
{
    struct dig_walk *w = raw_memory(sizeof *w);
    memset(dig, 0, sizeof *dig);
    if (!w)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for a heap snapshot");
    w->dig = dig;
    w->options = options;
    dig->heap.flags = options->flags;
    int result = walk(w, err);
    barrow_walk_end(w);
    raw_munmap(w, sizeof *w);
    if (result < 0)
        barrow_dig_free(dig);
    return result;
}
