/* Heap snapshots for tests, without a Python process: made by calls, or from a text.
 *
 *     struct heap_maker maker = {0};
 *     uint32_t type = maker_type(&maker, "Node", "app", HEAP_TYPE_GC);
 *     uint32_t a = maker_object(&maker, type, 48), b = maker_object(&maker, type, 48);
 *     maker_edge(&maker, a, b, maker_name(&maker, HEAP_NAME_ATTRIBUTE, "next"));
 *     maker_root_edge(&maker, maker_root(&maker, HEAP_ROOT_MODULE, 0, "app"), a, ...);
 *     struct barrow_heap *heap = maker_heap(&maker);       // barrow_heap_free()
 *
 * Out of memory ends the program.  Type 0 ("none"), string 0 and root 0 (everything) are there from the
 * first call on.
 *
 * The text: one item a line, words separated by blanks, "..." around a word that has some; # begins a
 * comment.  Objects, types and roots have names, which later lines use; types and roots stand before
 * what names them, edges may stand anywhere.
 *
 *     snapshot [time=SECONDS] [pause=SECONDS] [live=BYTES] [flags=peak,exit,values,forked] [label=TEXT]
 *                                                 begins the next one; the first begins by itself
 *     type NAME [module=M] [class=CLASS] [flags=gc,heap,container,...] [object=OBJECT] [base=TYPE]
 *                                                 class: what it is called, if not NAME
 *     object NAME TYPE BYTES [address=N] [birth=SITE] [hash=N] [length=N] [text=TEXT] [file=F] [line=N]
 *     edge FROM TO [KIND [VALUE]]                 KIND: ref index stack counted (VALUE a number),
 *     root NAME KIND [parent=ROOT] [name=TEXT] [file=F] [line=N]    attribute variable internal (a text),
 *     rootedge ROOT OBJECT [KIND [VALUE]]                           key value element class weak
 *     unowned SITE BLOCKS BYTES
 *
 * KINDs and flags are the names in ledger/heap.h in small letters; a root's parent is `all` by default.
 */
#ifndef BARROW_TESTS_HEAP_MAKER_H
#define BARROW_TESTS_HEAP_MAKER_H

#include <stddef.h>

#include "base/array.h"
#include "base/map.h"
#include "ledger/heap.h"

struct maker_object {
    uint64_t address, bytes;
    uint32_t type, birth, hash, length;
};
struct maker_edge {
    uint32_t from, to, name;
};

struct heap_maker { /* {0} */
    uint64_t time_ns, pause_ns, live_bytes;
    uint32_t flags, label;
    BARROW_ARRAY(struct maker_object) objects; /* [0] is object 1 */
    BARROW_ARRAY(struct maker_edge) edges;     /* in any order */
    BARROW_ARRAY(struct heap_type) types;
    BARROW_ARRAY(struct heap_root) roots;
    BARROW_ARRAY(struct maker_edge) root_edges; /* in any order */
    BARROW_ARRAY(struct heap_text) texts;       /* ascending by object, as are places */
    BARROW_ARRAY(struct heap_place) places;
    BARROW_ARRAY(struct heap_unowned) unowned;
    BARROW_ARRAY(char) bytes; /* of the strings */
    BARROW_ARRAY(uint32_t) starts;
    struct barrow_map strings;
};

uint32_t maker_string(struct heap_maker *maker, const char *text);
uint32_t maker_type(struct heap_maker *maker, const char *name, const char *module, uint32_t flags);
uint32_t maker_object(struct heap_maker *maker, uint32_t type, uint64_t bytes);
/* A name whose value is a string. */
uint32_t maker_name(struct heap_maker *maker, enum heap_name kind, const char *text);
void maker_edge(struct heap_maker *maker, uint32_t from, uint32_t to, uint32_t name);
uint32_t maker_root(struct heap_maker *maker, uint32_t kind, uint32_t parent, const char *name);
void maker_root_edge(struct heap_maker *maker, uint32_t root, uint32_t to, uint32_t name);
/* The columns; the maker is empty afterwards.  birth, hash, length are NULL if no object has one. */
struct barrow_heap *maker_heap(struct heap_maker *maker);

/* Snapshots of a text; *count of them, to be freed one by one, then the array.  NULL: *line is wrong,
 * *why says how. */
struct barrow_heap **maker_read_text(const char *text, size_t *count, unsigned *line,
                                     const char **why);

/* A heap of about `objects` objects as programs have them: classes of Zipf's sizes, whose instances have dicts,
 * lists and texts, in modules and caches; about two references an object. */
struct barrow_heap *maker_big(uint32_t objects, uint64_t seed);
/* Any graph: several roots, weak references, loops, parts that no root reaches. */
struct barrow_heap *maker_random(uint64_t seed, uint32_t objects, uint32_t edges);

/* The bytes of a ledger with this HEAP table, or with these snapshots in it; to be freed.  `base` (may be NULL) is
 * a ledger that it is added to. */
unsigned char *maker_ledger_of(const void *heap_bytes, size_t count, const unsigned char *base,
                               size_t base_bytes, size_t *bytes);
unsigned char *maker_ledger(struct barrow_heap **heaps, size_t count, const unsigned char *base,
                            size_t base_bytes, size_t *bytes);

/* A small fast generator of numbers; never 0 as state. */
static inline uint64_t maker_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * 0x2545f4914f6cdd1du >> 16;
}

#endif
