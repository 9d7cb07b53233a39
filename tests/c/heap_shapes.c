/* Heaps of any size for tests and benchmarks: maker_big() and maker_random() of heap_maker.h. */
#include <stdio.h>
#include <stdlib.h>

#include "heap_maker.h"

/* ---- as programs have them ----
 *
 *     modules ─► module ─► dict ─► function ...
 *                            └───► cache: dict or list ─► instance ─► text, number, list, sibling
 *                                                            └──────► class
 *
 * What the collector tracks is made first, in this order.  Texts and numbers are LEAF + n at first;
 * they get their numbers behind the others, in the order in which references lead to them, as in a
 * walk. */

enum { CLASSES = 300, SHARED = 2000, LEAF_TEXT = 0, LEAF_NUMBER = 1 };
#define LEAF 0x80000000u

struct shape {
    struct heap_maker maker;
    uint64_t seed;
    uint32_t dict, list, text, number, function, module, type;
    uint32_t class[CLASSES], class_object[CLASSES], attributes[CLASSES][8];
    uint32_t none;
    BARROW_ARRAY(uint8_t) leaves; /* their kinds */
    uint32_t wanted;
    uint64_t bump[64], left[64], top; /* per size class: next address, room in its pool */
};

static uint64_t chance(struct shape *shape, uint64_t below)
{
    return maker_next(&shape->seed) % below;
}

/* 0 .. count - 1, small ones more often: about as 1/n. */
static uint32_t zipf(struct shape *shape, uint32_t count)
{
    uint64_t range = chance(shape, count) + 1;
    return (uint32_t)chance(shape, range);
}

/* As pymalloc: pools of 16 KiB for each size. */
static uint64_t address_of(struct shape *shape, uint64_t bytes)
{
    uint64_t size = (bytes + 15) / 16, at;
    if (size >= 33) {
        at = shape->top;
        shape->top += (bytes + 31) / 16 * 16;
        return at;
    }
    if (shape->left[size] < size * 16) {
        shape->bump[size] = shape->top + 48;
        shape->left[size] = 16384 - 48;
        shape->top += 16384;
    }
    at = shape->bump[size];
    shape->bump[size] += size * 16;
    shape->left[size] -= size * 16;
    return at;
}

static uint32_t add(struct shape *shape, uint32_t type, uint64_t bytes, uint32_t length)
{
    uint32_t object = maker_object(&shape->maker, type, bytes);
    struct maker_object *made = &shape->maker.objects.items[object - 1];
    made->address = address_of(shape, bytes < 512 ? bytes : 64);
    made->birth = 1 + type * 3 + (uint32_t)chance(shape, 3);
    made->length = length;
    return object;
}

static uint32_t leaf(struct shape *shape, uint8_t kind)
{
    *(uint8_t *)barrow_array_add(&shape->leaves) = kind;
    return LEAF + (uint32_t)shape->leaves.count - 1;
}

/* A text or number: new, or one of those that many share. */
static uint32_t value(struct shape *shape)
{
    uint64_t dice = chance(shape, 100);
    if (dice < 10)
        return shape->none;
    if (dice < 60)
        return LEAF + zipf(shape, SHARED);
    return leaf(shape, dice < 80 ? LEAF_TEXT : LEAF_NUMBER);
}

static uint32_t add_instance(struct shape *shape, uint32_t sibling)
{
    struct heap_maker *maker = &shape->maker;
    uint32_t class = zipf(shape, CLASSES), fields = 1 + class % 4;
    uint32_t self = add(shape, shape->class[class], 48 + 8 * fields, 0);
    for (uint32_t i = 0; i < fields; i++) {
        uint64_t dice = chance(shape, 20);
        uint32_t to;
        if (dice > 1)
            to = value(shape);
        else if (dice == 0)
            to = sibling;
        else {
            uint32_t count = (uint32_t)chance(shape, 6);
            to = add(shape, shape->list, 56 + 16 * count, count);
            for (uint32_t k = 0; k < count; k++)
                maker_edge(maker, to, value(shape), HEAP_NAME(HEAP_NAME_INDEX, k));
        }
        maker_edge(maker, self, to, shape->attributes[class][i]);
    }
    maker_edge(maker, self, shape->class_object[class], HEAP_NAME(HEAP_NAME_CLASS, 0));
    return self;
}

static uint32_t add_cache(struct shape *shape)
{
    struct heap_maker *maker = &shape->maker;
    uint32_t count = 1 + (uint32_t)chance(shape, 1u << chance(shape, 12));
    bool is_dict = chance(shape, 2);
    uint32_t self = add(shape, is_dict ? shape->dict : shape->list,
                        is_dict ? 64 + 100 * (uint64_t)count : 56 + 9 * (uint64_t)count, count);
    for (uint32_t i = 0, last = self; i < count && maker->objects.count < shape->wanted; i++) {
        last = add_instance(shape, last);
        if (is_dict) {
            maker_edge(maker, self, leaf(shape, LEAF_TEXT), HEAP_NAME(HEAP_NAME_KEY, 0));
            maker_edge(maker, self, last, HEAP_NAME(HEAP_NAME_VALUE, 0));
        } else {
            maker_edge(maker, self, last, HEAP_NAME(HEAP_NAME_INDEX, i));
        }
    }
    return self;
}

static void add_module(struct shape *shape, uint32_t root, uint32_t number)
{
    struct heap_maker *maker = &shape->maker;
    char name[32];
    snprintf(name, sizeof name, "package.module%u", number);
    uint32_t self = add(shape, shape->module, 72, 0);
    uint32_t dict = add(shape, shape->dict, 1184, 40);
    maker_edge(maker, self, dict, maker_name(maker, HEAP_NAME_INTERNAL, "__dict__"));
    for (int i = 0; i < 24; i++) {
        uint32_t to;
        if (i < 20) {
            to = add(shape, shape->function, 152, 0);
            maker_edge(maker, to, dict, maker_name(maker, HEAP_NAME_INTERNAL, "__globals__"));
            maker_edge(maker, to, LEAF + zipf(shape, SHARED),
                       maker_name(maker, HEAP_NAME_INTERNAL, "__name__"));
        } else {
            to = add_cache(shape);
        }
        snprintf(name, sizeof name, "name%d", i);
        maker_edge(maker, dict, to, maker_name(maker, HEAP_NAME_ATTRIBUTE, name));
    }
    snprintf(name, sizeof name, "package.module%u", number);
    maker_root_edge(maker, maker_root(maker, HEAP_ROOT_MODULE, root, name), self, 0);
}

static void add_types(struct shape *shape)
{
    struct heap_maker *maker = &shape->maker;
    shape->dict =
        maker_type(maker, "dict", "", HEAP_TYPE_GC | HEAP_TYPE_CONTAINER | HEAP_TYPE_DICT);
    shape->list = maker_type(maker, "list", "", HEAP_TYPE_GC | HEAP_TYPE_CONTAINER);
    shape->text = maker_type(maker, "str", "", HEAP_TYPE_TEXT);
    shape->number = maker_type(maker, "int", "", HEAP_TYPE_NUMBER);
    shape->function = maker_type(maker, "function", "", HEAP_TYPE_GC | HEAP_TYPE_FUNCTION);
    shape->module = maker_type(maker, "module", "", HEAP_TYPE_GC | HEAP_TYPE_MODULE);
    shape->type = maker_type(maker, "type", "", HEAP_TYPE_GC | HEAP_TYPE_TYPE);
    for (uint32_t i = 0; i < CLASSES; i++) {
        char name[32], module[32];
        snprintf(name, sizeof name, "Class%u", i);
        snprintf(module, sizeof module, "package.module%u", i % 20);
        shape->class[i] = maker_type(maker, name, module, HEAP_TYPE_GC | HEAP_TYPE_HEAP);
        shape->class_object[i] = add(shape, shape->type, 1072, 0);
        maker->types.items[shape->class[i]].object = shape->class_object[i];
        for (int k = 0; k < 8; k++) {
            snprintf(name, sizeof name, "field%d", (int)(i % 7) * 8 + k);
            shape->attributes[i][k] = maker_name(maker, HEAP_NAME_ATTRIBUTE, name);
        }
    }
}

/* The leaves become objects, in the order in which references lead to them. */
static void number_leaves(struct shape *shape, struct barrow_heap *heap, struct heap_maker *leaves)
{
    uint32_t *numbers = calloc(shape->leaves.count + 1, sizeof *numbers);
    uint32_t count = heap->object_count;
    for (uint64_t i = 0; i < heap->edge_count; i++) {
        if (heap->target[i] < LEAF)
            continue;
        uint32_t which = heap->target[i] - LEAF;
        if (numbers[which] == 0) {
            bool is_text = shape->leaves.items[which] == LEAF_TEXT;
            uint32_t length = is_text ? (uint32_t)chance(shape, 30) : 0;
            uint64_t bytes = is_text ? (49 + length + 15) / 16 * 16 : 32;
            struct maker_object *made = barrow_array_add(&leaves->objects);
            *made = (struct maker_object){.address = address_of(shape, bytes),
                                          .bytes = bytes,
                                          .type = is_text ? shape->text : shape->number,
                                          .birth = 1 + (uint32_t)chance(shape, 900),
                                          .hash = (uint32_t)maker_next(&shape->seed) | 1,
                                          .length = length};
            numbers[which] = ++count;
        }
        heap->target[i] = numbers[which];
    }
    free(numbers);
}

/* Puts the leaves' columns behind the others. */
static void append(struct barrow_heap *heap, const struct heap_maker *leaves)
{
    uint32_t before = heap->object_count, count = before + (uint32_t)leaves->objects.count;
#define GROW(column, more)                                           \
    if (!heap->column)                                               \
        heap->column = calloc(count + (more), sizeof *heap->column); \
    else                                                             \
        heap->column = realloc(heap->column, (count + (more)) * sizeof *heap->column)
    GROW(address, 1u);
    GROW(type, 1u);
    GROW(bytes, 1u);
    GROW(birth, 1u);
    GROW(hash, 1u);
    GROW(length, 1u);
    GROW(edge_start, 2u);
#undef GROW
    for (uint32_t i = 1; i <= before; i++)
        heap->hash[i] = 0;
    for (uint32_t i = before + 1; i <= count; i++) {
        const struct maker_object *object = &leaves->objects.items[i - before - 1];
        heap->address[i] = object->address;
        heap->type[i] = object->type;
        heap->bytes[i] = (uint32_t)object->bytes;
        heap->birth[i] = object->birth;
        heap->hash[i] = object->hash;
        heap->length[i] = object->length;
        heap->edge_start[i + 1] = heap->edge_count;
    }
    heap->object_count = count;
}

struct barrow_heap *maker_big(uint32_t objects, uint64_t seed)
{
    struct shape *shape = calloc(1, sizeof *shape);
    struct heap_maker leaves = {0};
    shape->seed = seed * 2 + 88172645463325252u;
    shape->top = 0x7f1200000000u;
    shape->wanted = objects;
    maker_string(&shape->maker, "");
    add_types(shape);
    for (uint32_t i = 0; i < SHARED; i++)
        leaf(shape, LEAF_TEXT);
    shape->none = leaf(shape, LEAF_NUMBER);
    uint32_t root = maker_root(&shape->maker, HEAP_ROOT_MODULES, 0, "");
    for (uint32_t i = 0; shape->maker.objects.count + shape->leaves.count < objects; i++) {
        shape->wanted = objects - (uint32_t)shape->leaves.count;
        add_module(shape, root, i);
    }
    struct barrow_heap *heap = maker_heap(&shape->maker);
    number_leaves(shape, heap, &leaves);
    append(heap, &leaves);
    free(leaves.objects.items);
    free(shape->leaves.items);
    free(shape);
    return heap;
}

/* ---- any graph ---- */

struct barrow_heap *maker_random(uint64_t seed, uint32_t objects, uint32_t edges)
{
    struct heap_maker maker = {0};
    uint64_t state = seed * 2654435761u + 88172645463325253u;
    char name[16];
    for (int i = 0; i < 4; i++)
        maker_next(&state);
    maker_string(&maker, "");
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "Class%d", i);
        maker_type(&maker, name, i ? "app" : "", HEAP_TYPE_GC);
    }
    uint32_t roots = 1 + (uint32_t)(maker_next(&state) % 5);
    for (uint32_t i = 1; i < roots; i++) {
        snprintf(name, sizeof name, "root%u", i);
        maker_root(&maker, HEAP_ROOT_MODULE, (uint32_t)(maker_next(&state) % i), name);
    }
    for (uint32_t i = 0; i < objects; i++) {
        uint32_t object =
            maker_object(&maker, 1 + (uint32_t)(maker_next(&state) % 5), maker_next(&state) % 500);
        struct maker_object *made = &maker.objects.items[object - 1];
        made->birth = (uint32_t)(maker_next(&state) % 5);
        made->hash = maker_next(&state) % 3 ? 0 : (uint32_t)maker_next(&state);
        if (maker_next(&state) % 50 == 0)
            made->bytes = 5000000000u + object;
    }
    for (uint32_t i = 0; objects && i < edges; i++) {
        uint32_t from = 1 + (uint32_t)(maker_next(&state) % objects);
        uint32_t to = 1 + (uint32_t)(maker_next(&state) % objects);
        uint32_t kind = (uint32_t)(maker_next(&state) % 12);
        bool is_text =
            kind == HEAP_NAME_ATTRIBUTE || kind == HEAP_NAME_VARIABLE || kind == HEAP_NAME_INTERNAL;
        snprintf(name, sizeof name, "name%u", (unsigned)(maker_next(&state) % 9));
        maker_edge(&maker, from, to,
                   is_text ? maker_name(&maker, kind, name)
                           : HEAP_NAME(kind, maker_next(&state) % 5));
    }
    uint32_t root_edges = (uint32_t)(maker_next(&state) % (objects / 8 + 3));
    for (uint32_t i = 0; objects && i < root_edges; i++)
        maker_root_edge(&maker, (uint32_t)(maker_next(&state) % roots),
                        1 + (uint32_t)(maker_next(&state) % objects),
                        maker_next(&state) % 8 ? 0 : HEAP_NAME(HEAP_NAME_WEAK, 0));
    return maker_heap(&maker);
}
