/* A heap snapshot: objects, their sizes and what refers to what, as columns.
 *
 * The walk (src/dig) fills these columns in the recorded process; heap_write.c stores them in a
 * ledger's HEAP table, heap_read.c reads them back, src/graph answers questions about them.
 *
 * Objects are numbered from 1; every object column has `object_count + 1` entries, entry 0 is zero.
 * The references of object i are the edges edge_start[i] .. edge_start[i + 1] - 1:
 *
 *     edge_start | 0 | 0 | 2 | 5 | ...          object 1 owns edges 0..1, object 2 edges 2..4
 *                          │
 *     target     | o | o | o | o | o | ...      the object that is referred to
 *     name       | n | n | n | n | n | ...      how: enum heap_name and its value, see below
 *
 * Order: what the collector tracks first, in its lists' order, then the rest as it was found.
 *
 * Privacy: contents of objects are not stored, only hashes of them.  `texts` gives the words of str
 * objects that are names in source code (interned identifiers), and previews of others only if
 * values were asked for.
 */
#ifndef BARROW_LEDGER_HEAP_H
#define BARROW_LEDGER_HEAP_H

#include <stdbool.h>
#include <stdint.h>

/* What an edge is called: kind in the upper 4 bits, value in the lower 28.
 * X(number, NAME, what the value is) */
#define HEAP_NAMES(X)                                                                    \
    X(0, REF, "position among the object's references; the name isn't known")            \
    X(1, ATTRIBUTE, "string: instance attribute, slot, member, type or function slot")   \
    X(2, INDEX, "position in a list, tuple, deque")                                      \
    X(3, KEY, "nothing: a key of a dict")                                                \
    X(4, VALUE, "nothing: the dict value whose key is the edge before this one")         \
    X(5, ELEMENT, "nothing: element of a set")                                           \
    X(6, VARIABLE, "string: local, closure or free variable")                            \
    X(7, CLASS, "nothing: the object's type")                                            \
    X(8, WEAK, "nothing: a weak reference; does not retain")                             \
    X(9, INTERNAL, "string: something of the interpreter's own, in brackets when shown") \
    X(10, STACK, "position: a temporary value on a frame's evaluation stack")            \
    X(11, COUNTED, "number of references, saturated: held by C code")
enum heap_name {
#define X(number, name, what) HEAP_NAME_##name = number,
    HEAP_NAMES(X)
#undef X
};
#define HEAP_NAME_SHIFT 28
#define HEAP_NAME_MASK 0x0fffffffu /* of the value; HEAP_NAME_VALUE is a kind */
#define HEAP_NAME(kind, value) \
    ((uint32_t)(kind) << HEAP_NAME_SHIFT | ((uint32_t)(value)&HEAP_NAME_MASK))

/* X(number, NAME, words) */
#define HEAP_ROOT_KINDS(X)                                                                    \
    X(0, ALL, "everything")                                                                   \
    X(1, MODULES, "modules") /* children: one MODULE each */                                  \
    X(2, MODULE, "module")   /* name: dotted name */                                          \
    X(3, THREADS, "threads")                                                                  \
    X(4, THREAD, "thread")           /* name: the thread's; edges: thread state */            \
    X(5, FRAME, "frame")             /* name: function; file, line; edges: VARIABLE, STACK */ \
    X(6, INTERPRETER, "interpreter") /* edges INTERNAL: codecs, sys dict ... */               \
    X(7, BUILTINS, "builtins")                                                                \
    X(8, STATIC_TYPES, "static types")                                                        \
    X(9, INTERNED, "interned strings")                                                        \
    X(10, IMMORTAL, "immortal objects") /* small ints, None ... */                            \
    X(11, GARBAGE, "gc.garbage")                                                              \
    X(12, CALLBACKS, "callbacks")   /* atexit, gc, fork, audit ... */                         \
    X(13, C_CODE, "held by C code") /* edges COUNTED */
enum heap_root_kind {
#define X(number, name, words) HEAP_ROOT_##name = number,
    HEAP_ROOT_KINDS(X)
#undef X
};

/* A named root.  Roots form a tree; roots[0] is the super-root ALL, parents come before children.
 */
struct heap_root {
    uint32_t kind;   /* enum heap_root_kind */
    uint32_t parent; /* index in roots */
    uint32_t name;   /* string */
    uint32_t file;   /* string; frames */
    uint32_t line;
    uint32_t reserved;
};
struct heap_root_edge { /* grouped by root, in the roots' order */
    uint32_t root, target, name;
};

#define HEAP_TYPE_GC 1u        /* the collector tracks instances */
#define HEAP_TYPE_HEAP 2u      /* made by a class statement or PyType_FromSpec */
#define HEAP_TYPE_CONTAINER 4u /* list, tuple, dict, set, deque or a subclass */
#define HEAP_TYPE_TYPE 8u      /* instances are classes */
#define HEAP_TYPE_MODULE 16u
#define HEAP_TYPE_FUNCTION 32u /* functions, methods */
#define HEAP_TYPE_CODE 64u
#define HEAP_TYPE_TEXT 128u /* str, bytes */
#define HEAP_TYPE_NUMBER 256u
#define HEAP_TYPE_FRAME 512u /* frames, generators, coroutines */
#define HEAP_TYPE_DICT 1024u /* with HEAP_TYPE_CONTAINER */
#define HEAP_TYPE_EXCEPTION 2048u
struct heap_type {
    uint32_t name;   /* string: "Class", "Outer.Inner" */
    uint32_t module; /* string; "" (0) for builtins */
    uint32_t object; /* the class itself, 0: not in the snapshot */
    uint32_t flags;
    uint32_t base; /* index in types of its first base, 0: none or object */
    uint32_t reserved;
};

struct heap_text { /* ascending by object */
    uint32_t object, string;
};
struct heap_large { /* ascending by object: bytes that do not fit 32 bits */
    uint32_t object, reserved;
    uint64_t bytes;
};
struct heap_unowned { /* live blocks of the recording that belong to no object, by birth site */
    uint32_t site, blocks;
    uint64_t bytes; /* as the allocator counts them */
};
struct heap_place { /* where an object's code is: code, function, class, frame objects; ascending */
    uint32_t object, file, line; /* file: string */
};

#define HEAP_FLAG_AT_PEAK 1u /* taken near the peak: of all such ones the last */
#define HEAP_FLAG_AT_EXIT 2u
#define HEAP_FLAG_VALUES 4u /* texts hold previews of values */
#define HEAP_FLAG_FORKED 8u /* taken in a forked child */

struct barrow_heap {
    uint64_t time_ns;    /* since the start of recording, or of the process's first snapshot */
    uint64_t pause_ns;   /* how long the program stood still */
    uint64_t live_bytes; /* by the recording's counters at that time; 0: no recording */
    uint32_t flags;
    uint32_t number; /* of this snapshot in its ledger, from 1; set by who writes it */
    uint32_t label;  /* string */

    uint32_t object_count;
    uint64_t *address;
    uint32_t *type;   /* index in types */
    uint32_t *bytes;  /* of all its blocks as the allocator counts them; UINT32_MAX: in large */
    uint32_t *birth;  /* site of its block in the ledger's SITES, 0: unknown; NULL: no recording */
    uint32_t *hash;   /* of the content of str, bytes, int, float; 0: none; NULL: not taken */
    uint32_t *length; /* len() of builtin containers and texts, else 0; NULL: not taken */
    uint64_t *edge_start; /* object_count + 2 entries */

    uint64_t edge_count;
    uint32_t *target;
    uint32_t *name;

    struct heap_type *types; /* [0] is "none" */
    uint32_t type_count;     /* valid indices are below */
    struct heap_root *roots;
    uint32_t root_count;
    struct heap_root_edge *root_edges;
    uint64_t root_edge_count;
    struct heap_text *texts;
    uint32_t text_count;
    struct heap_large *large;
    uint32_t large_count;
    struct heap_unowned *unowned;
    uint32_t unowned_count;
    struct heap_place *places;
    uint32_t place_count;

    /* String i is the bytes string_start[i] .. string_start[i + 1] - 1 of `strings` (UTF-8); string
     * 0 is "". */
    uint32_t string_count;
    uint32_t *string_start; /* string_count + 1 entries */
    char *strings;
};

/* The allocator's bytes of an object. */
uint64_t barrow_heap_bytes(const struct barrow_heap *heap, uint32_t object);

/* Writing (heap_write.c): encodes the columns into a stream of parts, in order, and hands each to
 * `put`, which returns 0 or -errno; what it returned is the result.  Allocates by mmap(2) only, about 6
 * MiB: it runs in recorded processes, with or without the interpreter lock.  `heap->number` goes into the
 * stream as it is.  Strings are cut at HEAP_STRING_MOST bytes.
 *
 * A stream is complete when its last part is there, so that one of a process that was killed meanwhile
 * can be told.  barrow_heap_seal() then says in its first bytes, which the caller still has mapped, how
 * long it is: readers get past it without looking at its parts. */
typedef int barrow_heap_sink(void *context, const void *bytes, uint64_t count);
int barrow_heap_write(const struct barrow_heap *heap, barrow_heap_sink *put, void *context);

#define HEAP_STRING_MOST 65536u
/* The bytes at the beginning of a stream that must stay as they are even if it is dead; multiple of 8. */
#define HEAP_STREAM_HEAD_BYTES 136u
enum heap_stream_state { HEAP_STREAM_LIVE = 0, HEAP_STREAM_DEAD = 1 };
/* `stream` points to the first byte of a stream of `bytes` bytes (all that were put).  DEAD: readers skip
 * it, and what follows the head may be punched out of the file.  Also for a stream that wasn't written to
 * its end. */
void barrow_heap_seal(void *stream, uint64_t bytes, enum heap_stream_state state);

/* Reading (heap_read.c): the snapshots that the HEAP table of an opened ledger holds.  Everything is
 * checked: edges, types, strings and roots refer to what exists, or the damaged part is left out and a
 * warning added to `warnings`: it reads as zeros, names as positions.  Without types, edges or roots a
 * snapshot can't be shown: BARROW_E_FORMAT.  Dead and unfinished ones don't count. */
struct barrow_ledger;
struct barrow_notes;
struct barrow_error;
uint32_t barrow_heap_count(const struct barrow_ledger *ledger);

/* What a snapshot says of itself; cheap, no column is read. */
struct barrow_heap_info {
    uint64_t time_ns, pause_ns, live_bytes;
    uint64_t heap_bytes; /* the sum of its objects' */
    uint64_t edge_count;
    uint64_t stored_bytes; /* in the file */
    uint32_t object_count, type_count, flags;
};
int barrow_heap_describe(struct barrow_heap_info *info, const struct barrow_ledger *ledger,
                         uint32_t number, struct barrow_error *err);

/* `number` from 1; 0: the last.  BARROW_E_USAGE: there is no such snapshot; BARROW_E_UNSUPPORTED: a
 * codec that this build lacks. `heap->number` becomes the place among those that can be read. */
int barrow_heap_read(struct barrow_heap **out, const struct barrow_ledger *ledger, uint32_t number,
                     struct barrow_notes *warnings, struct barrow_error *err);
/* The same in two steps, for work that can do without address, bytes, birth, hash and length: they are
 * NULL until barrow_heap_read_rest(). */
int barrow_heap_read_edges(struct barrow_heap **out, const struct barrow_ledger *ledger,
                           uint32_t number, struct barrow_notes *warnings,
                           struct barrow_error *err);
int barrow_heap_read_rest(struct barrow_heap *heap, const struct barrow_ledger *ledger,
                          struct barrow_notes *warnings, struct barrow_error *err);
/* NULL is fine.  The columns are malloc's. */
void barrow_heap_free(struct barrow_heap *heap);

#endif
