/* Heap snapshots in a ledger: what is written is read, damage costs what it hits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/graph.h"
#include "heap_maker.h"
#include "ledger/format.h"
#include "ledger/inputs.h"

/* ---- comparing ---- */

#define SAME(column, count)                                                                 \
    do {                                                                                    \
        assert_int_equal(a->column != NULL, b->column != NULL);                             \
        if (a->column && (count))                                                           \
            assert_memory_equal(a->column, b->column, (size_t)(count) * sizeof *a->column); \
    } while (0)
#define SAME_TABLE(items, counter)                                                          \
    do {                                                                                    \
        assert_int_equal(a->counter, b->counter);                                           \
        if (a->counter)                                                                     \
            assert_memory_equal(a->items, b->items, (size_t)a->counter * sizeof *a->items); \
    } while (0)

static void assert_same(const struct barrow_heap *a, const struct barrow_heap *b)
{
    size_t objects = a->object_count + (size_t)1;
    assert_int_equal(a->object_count, b->object_count);
    assert_int_equal(a->edge_count, b->edge_count);
    assert_int_equal(a->time_ns, b->time_ns);
    assert_int_equal(a->pause_ns, b->pause_ns);
    assert_int_equal(a->live_bytes, b->live_bytes);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->label, b->label);
    SAME(address, objects);
    SAME(type, objects);
    SAME(bytes, objects);
    SAME(birth, objects);
    SAME(hash, objects);
    SAME(length, objects);
    SAME(edge_start, objects + 1);
    SAME(target, a->edge_count);
    SAME(name, a->edge_count);
    SAME_TABLE(types, type_count);
    SAME_TABLE(roots, root_count);
    SAME_TABLE(root_edges, root_edge_count);
    SAME_TABLE(texts, text_count);
    SAME_TABLE(large, large_count);
    SAME_TABLE(unowned, unowned_count);
    SAME_TABLE(places, place_count);
    assert_int_equal(a->string_count, b->string_count);
    SAME(string_start, a->string_count + 1);
    if (a->strings)
        SAME(strings, a->string_start[a->string_count]);
}

static struct barrow_ledger *open_ledger(const unsigned char *bytes, size_t count)
{
    struct barrow_ledger *ledger;
    struct barrow_error err = {0};
    if (barrow_ledger_open_bytes(&ledger, bytes, count, "x.barrow", &err) < 0)
        fail_msg("%s", err.text);
    return ledger;
}

static struct barrow_heap *read_heap(const struct barrow_ledger *ledger, uint32_t number)
{
    struct barrow_heap *heap;
    struct barrow_error err = {0};
    struct barrow_notes warnings = {0};
    if (barrow_heap_read(&heap, ledger, number, &warnings, &err) < 0)
        fail_msg("%s", err.text);
    if (warnings.count)
        fail_msg("%s", warnings.items[0]);
    barrow_notes_free(&warnings);
    return heap;
}

/* Writes it, reads it, frees it. */
static size_t round_trip(struct barrow_heap *heap)
{
    size_t bytes;
    unsigned char *file = maker_ledger(&heap, 1, NULL, 0, &bytes);
    struct barrow_ledger *ledger = open_ledger(file, bytes);
    assert_int_equal(ledger->warnings.count, 0);
    struct barrow_heap *back = read_heap(ledger, 1);
    assert_same(heap, back);
    struct barrow_notes warnings = {0};
    struct barrow_heap *steps;
    assert_int_equal(barrow_heap_read_edges(&steps, ledger, 0, &warnings, NULL), 0);
    assert_null(steps->address);
    assert_null(steps->bytes);
    assert_int_equal(barrow_heap_read_rest(steps, ledger, &warnings, NULL), 0);
    assert_same(heap, steps);
    assert_int_equal(warnings.count, 0);
    barrow_heap_free(steps);
    barrow_heap_free(back);
    barrow_heap_free(heap);
    barrow_ledger_free(ledger);
    free(file);
    return bytes;
}

/* ---- round trips ---- */

static void test_random_heaps(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++)
        round_trip(maker_random(seed, (uint32_t)(seed % 61), (uint32_t)(seed % 97 * 3)));
    round_trip(maker_random(77, 20000, 60000));
}

static char *read_file(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *count = (size_t)ftell(file);
    char *bytes = calloc(1, *count + 1);
    rewind(file);
    assert_int_equal(fread(bytes, 1, *count, file), *count);
    fclose(file);
    return bytes;
}

/* heap1.barrow was written by tests/data/make_heap.py, from the description of the format. */
static void test_golden_file(void **state)
{
    (void)state;
    size_t count, text_bytes;
    unsigned line;
    const char *why;
    char *text = read_file(TEST_DATA "/heap1.txt", &text_bytes);
    struct barrow_heap **heaps = maker_read_text(text, &count, &line, &why);
    if (!heaps)
        fail_msg("line %u: %s", line, why);
    assert_int_equal(count, 2);
    struct barrow_ledger *ledger;
    struct barrow_error err;
    if (barrow_ledger_open(&ledger, TEST_DATA "/heap1.barrow", &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(barrow_heap_count(ledger), 2);
    for (uint32_t i = 0; i < 2; i++) {
        struct barrow_heap *heap = read_heap(ledger, i + 1);
        assert_same(heaps[i], heap);
        barrow_heap_free(heap);
        round_trip(heaps[i]);
    }
    barrow_ledger_free(ledger);
    free(heaps);
    free(text);
}

/* Numbers at the borders of their types, all columns, long strings. */
static void test_extreme_values(void **state)
{
    (void)state;
    struct heap_maker maker = {0};
    char *text = malloc(HEAP_STRING_MOST + 1);
    memset(text, 'x', HEAP_STRING_MOST);
    text[HEAP_STRING_MOST] = '\0';
    uint32_t type = maker_type(&maker, text, "\xff\xfe", ~0u);
    maker.label = maker_string(&maker, "at the peak");
    maker.time_ns = UINT64_MAX;
    maker.flags = HEAP_FLAG_AT_PEAK | HEAP_FLAG_VALUES;
    static const uint64_t addresses[] = {8, 0x7fffffffffff, 16, 1, 0x7ffffffffff0, 0};
    static const uint64_t sizes[] = {0,         1, UINT32_MAX - 1, UINT32_MAX, UINT32_MAX + 1ull,
                                     1ull << 47};
    for (int i = 0; i < 6; i++) {
        uint32_t object = maker_object(&maker, type, sizes[i]);
        struct maker_object *made = &maker.objects.items[object - 1];
        made->address = addresses[i];
        made->birth = made->hash = made->length = i % 2 ? UINT32_MAX : 0;
        for (uint32_t kind = 0; kind <= HEAP_NAME_COUNTED; kind++)
            if (kind != HEAP_NAME_ATTRIBUTE && kind != HEAP_NAME_VARIABLE &&
                kind != HEAP_NAME_INTERNAL)
                maker_edge(&maker, object, object,
                           HEAP_NAME(kind, HEAP_NAME_MASK - kind * (unsigned)i));
    }
    maker_root_edge(&maker, 0, 6, HEAP_NAME(HEAP_NAME_COUNTED, HEAP_NAME_MASK));
    struct heap_unowned *unowned = barrow_array_add(&maker.unowned);
    *unowned = (struct heap_unowned){UINT32_MAX, UINT32_MAX, UINT64_MAX};
    struct heap_text *words = barrow_array_add(&maker.texts);
    *words = (struct heap_text){2, 1};
    struct heap_place *place = barrow_array_add(&maker.places);
    *place = (struct heap_place){3, 1, UINT32_MAX};
    maker.types.items[type].object = 4;
    round_trip(maker_heap(&maker));
    free(text);
}

static void test_nothing_in_it(void **state)
{
    (void)state;
    struct heap_maker maker = {0};
    maker_string(&maker, "");
    round_trip(maker_heap(&maker));
}

/* Many parts a column; and what a file costs. */
static void test_big_heap(void **state)
{
    (void)state;
    struct barrow_heap *heap = maker_big(400000, 3);
    uint32_t objects = heap->object_count;
    double edges = (double)heap->edge_count / objects;
    size_t bytes = round_trip(heap);
    print_message("%u objects, %.2f references an object: %.2f bytes an object\n", objects, edges,
                  (double)bytes / objects);
    assert_true(bytes / objects < 16);
}

/* ---- several in one ledger ---- */

static void test_numbers(void **state)
{
    (void)state;
    struct barrow_heap *heaps[3];
    size_t bytes;
    for (int i = 0; i < 3; i++) {
        heaps[i] = maker_random(10 + (uint64_t)i, 30 + (uint32_t)i, 50);
        heaps[i]->time_ns = (uint64_t)i * 1000;
    }
    unsigned char *file = maker_ledger(heaps, 3, NULL, 0, &bytes);
    struct barrow_ledger *ledger = open_ledger(file, bytes);
    struct barrow_error err;
    struct barrow_heap_info info;
    assert_int_equal(barrow_heap_count(ledger), 3);
    for (uint32_t i = 1; i <= 3; i++) {
        struct barrow_heap *heap = read_heap(ledger, i);
        assert_same(heaps[i - 1], heap);
        assert_int_equal(heap->number, i);
        barrow_heap_free(heap);
        assert_int_equal(barrow_heap_describe(&info, ledger, i, &err), 0);
        assert_int_equal(info.time_ns, (i - 1) * 1000);
        assert_int_equal(info.object_count, 29 + i);
    }
    struct barrow_heap *last = read_heap(ledger, 0);
    assert_int_equal(last->number, 3);
    barrow_heap_free(last);
    assert_int_equal(barrow_heap_read(&last, ledger, 4, NULL, &err), -1);
    assert_string_equal(err.text, "x.barrow: no snapshot 4 in it; there are 3");
    barrow_ledger_free(ledger);
    for (int i = 0; i < 3; i++)
        barrow_heap_free(heaps[i]);
    free(file);
}

static void test_no_snapshot(void **state)
{
    (void)state;
    size_t bytes;
    unsigned char *file = maker_ledger(NULL, 0, NULL, 0, &bytes);
    struct barrow_ledger *ledger = open_ledger(file, bytes);
    struct barrow_heap *heap;
    struct barrow_error err;
    assert_int_equal(barrow_heap_count(ledger), 0);
    assert_int_equal(barrow_heap_read(&heap, ledger, 0, NULL, &err), -1);
    assert_int_equal(err.code, BARROW_E_USAGE);
    assert_non_null(strstr(err.text, "no heap snapshot"));
    assert_null(heap);
    barrow_ledger_free(ledger);
    free(file);
}

/* ---- damage ---- */

#define STREAMS (LEDGER_EXTENTS_OFFSET + LEDGER_PAGE)

/* Two snapshots; where the second begins. */
static unsigned char *two_snapshots(size_t *bytes, size_t *second)
{
    struct barrow_heap *heaps[2] = {maker_random(5, 50, 150), maker_random(6, 40, 120)};
    unsigned char *file = maker_ledger(heaps, 1, NULL, 0, bytes);
    *second = STREAMS + *(uint64_t *)(void *)(file + STREAMS + HEAP_STREAM_HEAD_BYTES - 16);
    free(file);
    file = maker_ledger(heaps, 2, NULL, 0, bytes);
    barrow_heap_free(heaps[0]);
    barrow_heap_free(heaps[1]);
    return file;
}

/* Reads all there is; anything is right but a crash, or an error of more than a line.  How many
 * snapshots could be read. */
static unsigned survives(const unsigned char *file, size_t bytes, size_t *warned)
{
    struct barrow_ledger *ledger = open_ledger(file, bytes);
    uint32_t count = barrow_heap_count(ledger);
    unsigned good = 0;
    *warned = ledger->warnings.count;
    for (uint32_t i = 1; i <= count; i++) {
        struct barrow_heap *heap;
        struct barrow_error err = {0};
        struct barrow_notes warnings = {0};
        if (barrow_heap_read(&heap, ledger, i, &warnings, &err) == 0) {
            good++;
            for (uint64_t edge = 0; edge < heap->edge_count; edge++)
                assert_in_range(heap->target[edge], 1, heap->object_count);
            for (uint32_t object = 1; object <= heap->object_count; object++)
                assert_true(heap->type[object] < heap->type_count);
        } else {
            assert_true(err.text[0] && !strchr(err.text, '\n'));
            ++*warned;
        }
        *warned += warnings.count;
        barrow_heap_free(heap);
        barrow_notes_free(&warnings);
    }
    barrow_ledger_free(ledger);
    return good;
}

static void test_any_byte_flipped(void **state)
{
    (void)state;
    size_t bytes, second, warned;
    unsigned char *file = two_snapshots(&bytes, &second);
    assert_int_equal(survives(file, bytes, &warned), 2);
    assert_int_equal(warned, 0);
    for (size_t i = STREAMS; i < bytes; i++) {
        if (i > second && i + 1 < bytes && !file[i - 1] && !file[i] && !file[i + 1])
            continue; /* blank space behind the last */
        file[i] ^= 0x55;
        unsigned good = survives(file, bytes, &warned);
        assert_in_range(good, 0, 2);
        if (i >= second + HEAP_STREAM_HEAD_BYTES)
            assert_true(good >= 1);
        file[i] ^= 0x55;
    }
    free(file);
}

static void test_cut_anywhere(void **state)
{
    (void)state;
    size_t bytes, second, warned;
    unsigned char *file = two_snapshots(&bytes, &second);
    for (size_t count = STREAMS; count < bytes; count++) {
        unsigned char *part = malloc(count);
        memcpy(part, file, count);
        unsigned good = survives(part, count, &warned);
        assert_true(good <= 2 && (count < second || good >= 1));
        assert_true(good == 2 || warned > 0);
        free(part);
    }
    free(file);
}

/* Killed while the second was written: its head gives no length. */
static void test_unfinished(void **state)
{
    (void)state;
    size_t bytes, second, warned;
    unsigned char *file = two_snapshots(&bytes, &second);
    struct ledger_state *counts = (struct ledger_state *)(void *)(file + LEDGER_STATE_OFFSET);
    uint64_t used = counts->used[LEDGER_HEAP];
    barrow_heap_seal(file + second, 0, HEAP_STREAM_LIVE);
    assert_int_equal(survives(file, bytes, &warned), 2); /* its last part is there */
    counts->used[LEDGER_HEAP] = used - 8;
    assert_int_equal(survives(file, bytes, &warned), 1);
    barrow_heap_seal(file + STREAMS, 0, HEAP_STREAM_LIVE);
    assert_int_equal(survives(file, bytes, &warned), 1);
    free(file);
}

/* Dropped, and its bytes punched out of the file. */
static void test_dead(void **state)
{
    (void)state;
    size_t bytes, second, warned;
    unsigned char *file = two_snapshots(&bytes, &second);
    barrow_heap_seal(file + STREAMS, second - STREAMS, HEAP_STREAM_DEAD);
    memset(file + STREAMS + HEAP_STREAM_HEAD_BYTES, 0, second - STREAMS - HEAP_STREAM_HEAD_BYTES);
    assert_int_equal(survives(file, bytes, &warned), 1);
    assert_int_equal(warned, 0);
    struct barrow_ledger *ledger = open_ledger(file, bytes);
    struct barrow_heap *heap = read_heap(ledger, 1);
    assert_int_equal(heap->object_count, 40);
    assert_int_equal(heap->number, 1);
    barrow_heap_free(heap);
    barrow_ledger_free(ledger);
    free(file);
}

/* The golden file has its table in extents of a page: whichever header is damaged, the
 * snapshot that lies elsewhere can still be shown. */
static void test_lost_extents(void **state)
{
    (void)state;
    size_t bytes, warned, extents = 0, kept[3] = {0};
    unsigned char *file = (unsigned char *)read_file(TEST_DATA "/heap1.barrow", &bytes);
    for (size_t at = LEDGER_EXTENTS_OFFSET; at < bytes; at += LEDGER_PAGE) {
        struct ledger_extent *extent = (struct ledger_extent *)(void *)(file + at);
        if (extent->magic != LEDGER_EXTENT_MAGIC || extent->kind != LEDGER_HEAP)
            continue;
        extents++;
        extent->magic ^= 1;
        unsigned good = survives(file, bytes, &warned);
        assert_true(good <= 2 && warned > 0);
        kept[good]++;
        extent->magic ^= 1;
    }
    assert_true(extents >= 2);
    assert_true(kept[1] > 0);
    free(file);
}

/* From a bundle, where the ledger's bytes are not those of a file. */
static void test_bundle(void **state)
{
    (void)state;
    char path[] = "/tmp/test_heap.XXXXXX";
    const char *paths[] = {path};
    struct ledger_header header;
    struct barrow_error err;
    struct barrow_inputs inputs = {0};
    struct barrow_ledger *ledger;
    FILE *file = fdopen(mkstemp(path), "wb+");
    struct barrow_bundle_writer writer = {.compress = true};
    assert_int_equal(barrow_ledger_read_header(&header, TEST_DATA "/heap1.barrow", &err), 0);
    assert_int_equal(barrow_bundle_begin(&writer, file, &header, &err), 0);
    assert_int_equal(barrow_bundle_add_file(&writer, TEST_DATA "/heap1.barrow", &err), 0);
    assert_int_equal(barrow_bundle_end(&writer, &err), 0);
    fclose(file);
    assert_int_equal(barrow_inputs_find(&inputs, paths, 1, &err), 0);
    assert_int_equal(barrow_input_open(&inputs.list.items[0], &ledger, &err), 0);
    barrow_inputs_free(&inputs);
    assert_int_equal(barrow_heap_count(ledger), 2);
    struct barrow_heap *heap = read_heap(ledger, 1);
    assert_int_equal(heap->object_count, 20);
    barrow_heap_free(heap);
    barrow_ledger_free(ledger);
    struct barrow_graph *graph;
    if (barrow_graph_load(&graph, path, 2, NULL, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(graph->object_count, 2);
    barrow_graph_free(graph);
    remove(path);
}

/* A sink that fails ends the writing with what it returned. */
static int refuse(void *context, const void *bytes, uint64_t count)
{
    int *left = context;
    (void)bytes, (void)count;
    return --*left < 0 ? -28 : 0;
}

static void test_no_space(void **state)
{
    (void)state;
    struct barrow_heap *heap = maker_random(8, 40, 100);
    for (int calls = 0; calls < 60; calls++) {
        int left = calls, result = barrow_heap_write(heap, refuse, &left);
        assert_true(result == 0 || result == -28);
        assert_int_equal(result == 0, left >= 0);
    }
    barrow_heap_free(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_file),    cmocka_unit_test(test_random_heaps),
        cmocka_unit_test(test_extreme_values), cmocka_unit_test(test_nothing_in_it),
        cmocka_unit_test(test_big_heap),       cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_no_snapshot),    cmocka_unit_test(test_any_byte_flipped),
        cmocka_unit_test(test_cut_anywhere),   cmocka_unit_test(test_unfinished),
        cmocka_unit_test(test_dead),           cmocka_unit_test(test_lost_extents),
        cmocka_unit_test(test_bundle),         cmocka_unit_test(test_no_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
