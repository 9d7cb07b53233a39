/* Numbers of objects across snapshots, compared with what really became of them; the strings of a
 * .heapsnapshot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "export/snapshot_strings.h"
#include "graph/identity.h"
#include "heap_maker.h"

/* ---- a model: slots of memory in which objects are born and die ---- */

enum { SLOTS = 200, SNAPSHOTS = 12, CLASSES = 3, BIRTHS = 4 };

struct slot {
    bool is_live;
    uint32_t class, birth;
    uint32_t number; /* given by the identity; 0: not seen yet */
};

static uint32_t any(uint64_t *chance, uint32_t below)
{
    *chance = *chance * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*chance >> 33) % below;
}

/* What is born where another just died differs from it in class or birth: else nobody can tell. */
static void live_on(struct slot *slots, uint64_t *chance)
{
    for (int i = 0; i < SLOTS; i++) {
        struct slot before = slots[i];
        if (any(chance, 3) == 0)
            continue;
        slots[i] = (struct slot){.is_live = any(chance, 2)};
        slots[i].class = any(chance, CLASSES);
        slots[i].birth = 1 + any(chance, BIRTHS);
        if (before.is_live && slots[i].class == before.class && slots[i].birth == before.birth)
            slots[i].birth = 1 + slots[i].birth % BIRTHS;
    }
}

/* A snapshot of the slots, in random order; `slot_of` tells which object is which. */
static struct barrow_heap *dig(const struct slot *slots, uint64_t *chance, uint32_t *slot_of)
{
    static const char *const names[CLASSES] = {"Node", "Edge", "Leaf"};
    struct heap_maker maker = {0};
    uint32_t types[CLASSES], order[SLOTS], root;
    for (uint32_t i = 0; i < CLASSES; i++) /* numbered differently each time */
        types[(i + (uint32_t)*chance) % CLASSES] =
            maker_type(&maker, names[(i + (uint32_t)*chance) % CLASSES], "app", HEAP_TYPE_GC);
    for (uint32_t i = 0; i < SLOTS; i++)
        order[i] = i;
    for (uint32_t i = SLOTS - 1; i > 0; i--) {
        uint32_t k = any(chance, i + 1), kept = order[i];
        order[i] = order[k];
        order[k] = kept;
    }
    root = maker_root(&maker, HEAP_ROOT_MODULE, 0, "app");
    maker_root(&maker, HEAP_ROOT_THREADS, 0, "");
    for (uint32_t i = 0; i < SLOTS; i++) {
        if (!slots[order[i]].is_live)
            continue;
        uint32_t object = maker_object(&maker, types[slots[order[i]].class], 64);
        maker.objects.items[object - 1].address = 0x7f0000000000 + 64 * (uint64_t)order[i];
        maker.objects.items[object - 1].birth = slots[order[i]].birth;
        maker_root_edge(&maker, root, object, 0);
        slot_of[object] = order[i];
    }
    return maker_heap(&maker);
}

static void check_snapshot(struct barrow_identity *identity, struct slot *slots, uint64_t *chance,
                           uint32_t *root_numbers)
{
    uint32_t slot_of[SLOTS + 1], numbers[SLOTS + 8], last = identity->last, seen[SLOTS + 8];
    struct barrow_heap *heap = dig(slots, chance, slot_of);
    assert_int_equal(barrow_identity_add(identity, heap, numbers, NULL), 0);
    assert_int_equal(numbers[0], 0);
    size_t vertices = heap->object_count + heap->root_count;
    for (uint32_t v = 1; v < vertices; v++) {
        seen[v] = numbers[v];
        assert_true(numbers[v] > 0 && numbers[v] <= identity->last);
        for (uint32_t k = 1; k < v; k++)
            assert_true(seen[k] != seen[v]);
    }
    for (uint32_t i = 1; i <= heap->object_count; i++) {
        struct slot *slot = &slots[slot_of[i]];
        if (slot->number)
            assert_int_equal(numbers[i], slot->number);
        else
            assert_true(numbers[i] > last);
        slot->number = numbers[i];
    }
    for (uint32_t r = 1; r < heap->root_count; r++) {
        uint32_t number = numbers[heap->object_count + r];
        assert_true(root_numbers[r] == 0 || root_numbers[r] == number);
        root_numbers[r] = number;
    }
    barrow_heap_free(heap);
}

static void test_objects_keep_their_numbers(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct barrow_identity identity = {0};
        struct slot slots[SLOTS] = {0};
        uint32_t roots[8] = {0};
        uint64_t chance = seed;
        for (int i = 0; i < SNAPSHOTS; i++) {
            live_on(slots, &chance);
            check_snapshot(&identity, slots, &chance, roots);
        }
        barrow_identity_free(&identity);
    }
}

/* Two frames of one function can't be told apart: each keeps a number, in their order. */
static void test_equal_roots(void **state)
{
    struct barrow_identity identity = {0};
    uint32_t first[4], second[4];
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct heap_maker maker = {0};
        uint32_t thread = maker_root(&maker, HEAP_ROOT_THREAD, 0, "main");
        maker_root(&maker, HEAP_ROOT_FRAME, thread, "fib");
        maker_root(&maker, HEAP_ROOT_FRAME, thread, "fib");
        struct barrow_heap *heap = maker_heap(&maker);
        assert_int_equal(barrow_identity_add(&identity, heap, i ? second : first, NULL), 0);
        barrow_heap_free(heap);
    }
    assert_memory_equal(first, second, sizeof first);
    assert_int_equal(identity.last, 3);
    barrow_identity_free(&identity);
}

/* ---- strings ---- */

static void test_strings_are_there_once(void **state)
{
    struct snapshot_strings strings = {0};
    char *text = NULL, longer[2001], longest[2002];
    size_t length;
    (void)state;
    assert_int_equal(snapshot_string(&strings, ""), 0);
    uint32_t a = snapshot_string(&strings, "a\"\n"), b = snapshot_string(&strings, "b");
    assert_int_equal(snapshot_string(&strings, "a\"\n"), a);
    assert_true(a != b && a && b);
    memset(longer, 'x', 2000);
    memset(longest, 'x', 2001);
    longer[2000] = longest[2001] = '\0';
    assert_int_equal(snapshot_string(&strings, longer), snapshot_string(&strings, longest));
    /* 500 two-byte characters fit; half a one is never kept. */
    for (size_t i = 0; i < 2000; i += 2)
        memcpy(longer + i, "\xc3\xa9", 2);
    memmove(longer + 1, longer, 1999);
    longer[0] = 'x';
    snapshot_string(&strings, longer);
    FILE *to = open_memstream(&text, &length);
    snapshot_strings_write(&strings, to);
    fclose(to);
    const char *begins = "[\"\",\n\"a\\\"\\\\x0a\",\n\"b\",\n\"xxx";
    assert_memory_equal(text, begins, strlen(begins));
    assert_null(strstr(text, "\\ufffd"));
    assert_null(strstr(text, "\\xc3"));
    assert_false(strings.failed);
    free(text);
    snapshot_strings_free(&strings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects_keep_their_numbers),
        cmocka_unit_test(test_equal_roots),
        cmocka_unit_test(test_strings_are_there_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
