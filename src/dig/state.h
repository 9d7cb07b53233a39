/* What a walk knows while it goes on.  Private to src/dig.
 *
 *     address of an object ──(page map)──► its number ──► address[number], type[number], ...
 *
 * Objects get their number when they are first met and are visited in that order: the list of objects is its own
 * queue.  A visit appends the object's references to `target` and `name`; targets that are new go to the end of
 * the queue.
 */
#ifndef BARROW_DIG_STATE_H
#define BARROW_DIG_STATE_H

#include "cpython/layout.h"

#include "base/pagemap.h"
#include "cpython/blocks.h"
#include "dig/walk.h"

/* How the objects of a class are visited: X(NAME, what) */
#define DIG_KINDS(X)                                                            \
    X(LEAF, "refers to nothing; costs its own block")                           \
    X(TEXT, "exactly str")                                                      \
    X(BYTES, "exactly bytes")                                                   \
    X(INT, "exactly int")                                                       \
    X(TUPLE, "exactly tuple")                                                   \
    X(LIST, "exactly list")                                                     \
    X(DICT, "exactly dict")                                                     \
    X(INSTANCE, "of a class statement whose bases are such or object")          \
    X(CODE, "code objects: the collector doesn't see into them")                \
    X(MEMBERS, "not the collector's: its members are all that it refers to")    \
    X(GENERIC, "tp_traverse; names by comparing with what is known to be there")
enum dig_kind {
#define X(name, what) DIG_##name,
    DIG_KINDS(X)
#undef X
};

/* A reference at a known place in all objects of a class. */
struct dig_member {
    uint32_t offset;
    uint32_t name; /* enum heap_name and value */
};

struct dig_type {
    PyTypeObject *type;
    uint8_t kind;
    uint8_t preheader;
    bool has_class_edge; /* instances own a reference to their class */
    bool is_type, is_weakref, is_module, is_frame, is_generator, is_set, is_deque, is_array;
    bool is_dict, is_list, is_tuple, is_text; /* or subclasses */
    uint32_t item_bytes, basic_bytes;
    uint32_t dict_offset; /* of a __dict__ that isn't managed, else 0 */
    bool dict_at_end;     /* or it lies behind the object's items */
    uint32_t first_member, member_count; /* in dig_walk.members */
    uint64_t (*hidden)(const struct barrow_blocks *, PyObject *); /* blocks beside its own; or NULL */
    uint32_t value_count; /* of shared keys whose names are known */
    uint32_t value_names[BARROW_SHARED_KEYS_LIMIT];
};

struct dig_candidate {
    PyObject *object;
    uint32_t name;
};

struct dig_walk {
    struct barrow_dig *dig;
    const struct barrow_dig_options *options;
    struct barrow_blocks blocks;
    struct barrow_pagemap map;
    struct dig_column chunk_column; /* its chunks */
    uint32_t chunk_count;
    bool failed; /* no memory */

    uint32_t count; /* objects met; numbers 1 .. count */
    uint32_t room;  /* of the object columns */
    PyObject **address;
    uint32_t *type, *bytes, *birth, *hash, *length, *references;
    uint64_t *edge_start;
    uint64_t edge_count, edge_room;
    uint32_t *target, *name;

    struct dig_type *types; /* by index; [0] is none */
    uint32_t type_count;
    struct dig_column type_column;
    uint32_t *type_slots; /* open addressing by type's address: index in types */
    uint32_t type_mask;
    struct dig_column slot_column;
    PyTypeObject *last_type;
    uint32_t last_index;

    struct dig_column member_column, candidate_column, reference_column;
    struct dig_column called_column; /* a byte an object: a text that a function or class is called by */
    struct dig_member *members;
    uint32_t member_count;
    struct dig_candidate *candidates;
    uint32_t candidate_count;

    uint32_t string_slots[8192]; /* by hash of the text: string + 1; lost entries are stored twice */
    struct {
        PyObject *text;
        uint32_t string;
    } text_strings[4096]; /* by address of the str */
};

/* Which column of struct barrow_dig is which. */
enum dig_column_number {
    COLUMN_ADDRESS,
    COLUMN_TYPE,
    COLUMN_BYTES,
    COLUMN_BIRTH,
    COLUMN_HASH,
    COLUMN_LENGTH,
    COLUMN_EDGE_START,
    COLUMN_TARGET,
    COLUMN_NAME,
    COLUMN_TYPES,
    COLUMN_ROOTS,
    COLUMN_ROOT_EDGES,
    COLUMN_TEXTS,
    COLUMN_LARGE,
    COLUMN_UNOWNED,
    COLUMN_PLACES,
    COLUMN_STRING_START,
    COLUMN_STRINGS,
};

/* ---- walk.c: a walk that has met nothing yet; `dig` and `options` are set.  false: no memory ---- */

bool barrow_walk_init(struct dig_walk *w);
/* Also after a failed init; the snapshot's own columns stay. */
void barrow_walk_end(struct dig_walk *w);

/* ---- objects.c: numbers and edges ---- */

bool barrow_walk_grow_objects(struct dig_walk *w);
bool barrow_walk_grow_edges(struct dig_walk *w);
uint32_t *barrow_walk_add_chunk(struct dig_walk *w, const void *o);

/* The number of an object, which becomes known by this; 0: no memory, or no object can be there. */
static inline uint32_t barrow_walk_object(struct dig_walk *w, const void *o)
{
    uint32_t *slot = pagemap_find(&w->map, o);
    if (__builtin_expect(!slot, 0) && !(slot = barrow_walk_add_chunk(w, o)))
        return 0;
    uint32_t number = *slot;
    if (number)
        return number;
    if (__builtin_expect(w->count + 2 >= w->room, 0) && !barrow_walk_grow_objects(w))
        return 0;
    number = ++w->count;
    w->address[number] = (PyObject *)(uintptr_t)o;
    *slot = number;
    return number;
}

/* The number of what lies at an address if that is an object that the walk has met, else 0. */
static inline uint32_t barrow_walk_known(const struct dig_walk *w, const void *o)
{
    const uint32_t *slot = pagemap_find(&w->map, o);
    return slot && *slot && w->address[*slot] == o ? *slot : 0;
}

/* A reference of the object that is being visited; NULL is none. */
static inline void barrow_walk_edge(struct dig_walk *w, const void *o, uint32_t name)
{
    if (!o)
        return;
    uint32_t number = barrow_walk_object(w, o);
    if (__builtin_expect(!number, 0) ||
        (__builtin_expect(w->edge_count == w->edge_room, 0) && !barrow_walk_grow_edges(w)))
        return;
    w->target[w->edge_count] = number;
    w->name[w->edge_count++] = name;
}

/* Appends a zeroed record to a column of the snapshot; NULL: no memory. */
void *barrow_walk_append(struct dig_walk *w, enum dig_column_number column, uint32_t index,
                         size_t record_bytes);

/* ---- strings.c ---- */

uint32_t barrow_walk_string(struct dig_walk *w, const char *text, size_t bytes);
uint32_t barrow_walk_words(struct dig_walk *w, const char *text);     /* ended by NUL */
uint32_t barrow_walk_string_of(struct dig_walk *w, PyObject *text);   /* of a str */
/* The same without looking for an equal one: for texts that come once. */
uint32_t barrow_walk_string_add(struct dig_walk *w, const char *text, size_t bytes);
void barrow_walk_add_text(struct dig_walk *w, uint32_t number, PyObject *text);
/* That text, when its turn comes, is a name. */
void barrow_walk_call(struct dig_walk *w, PyObject *text);

/* ---- types.c, names.c, visit.c, hidden.c, arrays.c, roots.c, places.c ---- */

uint32_t barrow_walk_type(struct dig_walk *w, PyTypeObject *type); /* index; 0: no memory */
void barrow_walk_visit(struct dig_walk *w, uint32_t number);
void barrow_walk_name_edges(struct dig_walk *w, PyObject *o, const struct dig_type *type,
                            uint64_t first_edge);
void barrow_walk_add_members(struct dig_walk *w, PyTypeObject *type, bool slots_only);
uint64_t (*barrow_hidden_blocks(PyTypeObject *type))(const struct barrow_blocks *, PyObject *);
uint64_t barrow_hidden_dict(const struct barrow_blocks *blocks, PyObject *o);
/* What a C-implemented class's own __sizeof__ says, which runs no Python code; -1: nothing. */
Py_ssize_t barrow_told_bytes(PyObject *o);
/* NumPy's arrays. */
bool barrow_is_array(const PyTypeObject *type);
void barrow_walk_array(struct dig_walk *w, PyObject *o);
uint64_t barrow_hidden_array(const struct barrow_blocks *blocks, PyObject *o);
/* The roots that are known by name, before the walk; those that counts of references tell of, after it. */
void barrow_walk_roots(struct dig_walk *w);
void barrow_walk_unseen_roots(struct dig_walk *w);
void barrow_walk_places(struct dig_walk *w);
void barrow_walk_unowned(struct dig_walk *w);

#endif
