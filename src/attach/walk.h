/* A walk over the objects of another process's interpreter.
 *
 * It begins with the collector's lists, and goes on with what these objects refer to, until nothing
 * new is found.  Containers whose memory lies elsewhere (list, dict, set, deque ...) are followed by
 * their layout.  Of everything else each word of the object is taken for a reference if it leads to
 * something that looks like an object: it has a count of references, and its type is a type.
 *
 * The process runs meanwhile, so each thing that is read may be half changed or long gone.  Nothing
 * is believed before it was checked, every address is visited once, and the words that are looked
 * at are limited by the size of the process: the walk ends, whatever the memory holds.
 */
#ifndef BARROW_ATTACH_WALK_H
#define BARROW_ATTACH_WALK_H

#include "attach/runtime.h"
#include "base/array.h"
#include "base/map.h"

/* X(KIND, name of the class that begins it, or "": found by flags) */
#define WALK_KINDS(X)                \
    X(PLAIN, "")                     \
    X(LEAF, "")                      \
    X(INT, "")                       \
    X(LIST, "")                      \
    X(BYTES, "")                     \
    X(TEXT, "")                      \
    X(DICT, "")                      \
    X(TYPE, "")                      \
    X(SET, "set")                    \
    X(FROZENSET, "frozenset")        \
    X(BYTEARRAY, "bytearray")        \
    X(FLOAT, "float")                \
    X(COMPLEX, "complex")            \
    X(CODE, "code")                  \
    X(FRAME, "frame")                \
    X(GENERATOR, "generator")        \
    X(COROUTINE, "coroutine")        \
    X(ASYNC_GENERATOR, "async_generator") \
    X(DEQUE, "collections.deque")    \
    X(ORDERED_DICT, "collections.OrderedDict") \
    X(ARRAY, "array.array")          \
    X(NDARRAY, "numpy.ndarray")

enum walk_kind {
#define X(kind, name) WALK_##kind,
    WALK_KINDS(X)
#undef X
};

/* Flags of classes that the walk asks for; they have the same numbers in all versions. */
enum {
    TYPE_INLINE_VALUES = 1 << 2, /* 3.13: attributes behind the object */
    TYPE_MANAGED_WEAKREF = 1 << 3,
    TYPE_MANAGED_DICT = 1 << 4,
    TYPE_HEAP = 1 << 9,
    TYPE_READY = 1 << 12,
    TYPE_GC = 1 << 14
};

struct walk_type {
    uint64_t address;
    bool valid; /* else the address is that of no class: remembered as well */
    enum walk_kind kind;
    uint32_t flags;
    uint32_t basic, item; /* bytes of an instance, and of each item behind it */
    uint32_t before;      /* bytes of the block before the object */
    uint32_t shared;      /* attributes that the class's shared table of keys has room for */
    uint64_t objects, tracked, bytes;
};

struct barrow_walk {
    struct barrow_memory *memory;
    const struct barrow_layout *layout;
    uint32_t minor; /* 11 to 15 */

    struct walk_type *types; /* [0] is no type */
    size_t type_count, type_room;
    struct barrow_map by_address;
    uint32_t last; /* type that was asked for last */

    BARROW_ARRAY(uint64_t) found; /* objects, those of the lists first */
    int64_t budget;               /* words that may still be looked at */
    uint32_t broken;              /* lists that were lost on the way */
    bool failed;                  /* no memory */
};

int barrow_walk_init(struct barrow_walk *walk, struct barrow_target *target,
                     const struct barrow_runtime *runtime, struct barrow_error *err);
void barrow_walk_free(struct barrow_walk *walk);

/* The type of an object; 0: this is no object. */
uint32_t barrow_walk_type(struct barrow_walk *walk, uint64_t object);
/* Notes what may be a reference. */
void barrow_walk_reach(struct barrow_walk *walk, uint64_t word);
/* The lists of one interpreter. */
void barrow_walk_lists(struct barrow_walk *walk, uint64_t interpreter);
/* What an object refers to is noted; returns the bytes of all its blocks. */
uint64_t barrow_walk_object(struct barrow_walk *walk, uint64_t object, uint32_t type);

/* The bytes that the allocator keeps for a block of which at least `at_least` are asked for, and
 * at most `slack` more: pymalloc's size class or the C library's chunk where one is found, else by
 * their rules.  0: it is no block but part of a program's data. */
uint64_t barrow_walk_block(struct barrow_walk *walk, uint64_t block, uint64_t at_least,
                           uint64_t slack);

/* "package.module.Class", to be freed; NULL: no memory. */
char *barrow_walk_name(struct barrow_walk *walk, const struct walk_type *type);

#endif
