/* What an object costs with everything that it reaches: a walk from given objects.
 *
 * No lists of the collector's, no roots: only what is there is looked at, so the price is that of the answer.
 * The same visits as the whole walk's (walk.h), under the same conditions: with the interpreter lock held all
 * along, no Python code runs, nothing in the program changes, memory comes from mmap(2).
 *
 * Weak references lead nowhere, and neither does what `stops` and `stop_classes` name, except that a start is
 * always entered.  Each object counts once, for the first start that reaches it.
 *
 * What is exclusive goes when the starts go: found by taking the references among the objects that were reached
 * off their reference counts.  Who has some left is held from elsewhere, and with it all that it reaches:
 *
 *     start ──► a ──► b ◄── elsewhere         a is exclusive; b and c are not
 *                     └──► c
 */
#ifndef BARROW_DIG_REACH_H
#define BARROW_DIG_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <Python.h>

#include "base/error.h"
#include "dig/columns.h"

/* Where sizing doesn't go on: X(bit, NAME, its name in Python, what) */
#define BARROW_REACH_STOPS(X)                                               \
    X(0, MODULES, "modules", "modules")                                     \
    X(1, CLASSES, "classes", "classes")                                     \
    X(2, CODE, "code", "code objects")                                      \
    X(3, FRAMES, "frames", "frame objects, and so tracebacks' frames")      \
    X(4, GLOBALS, "globals", "the globals and builtins that functions use") \
    X(5, FUNCTIONS, "functions", "functions, Python's and C's")
enum barrow_reach_stop {
#define X(bit, name, word, what) BARROW_REACH_STOP_##name = 1 << bit,
    BARROW_REACH_STOPS(X)
#undef X
};

struct barrow_reach_start {
    PyObject *object;
    bool is_flat;   /* in: count its own blocks only, go no further from it */
    uint64_t own;   /* out: of its own blocks; 0: an earlier start reached it */
    uint64_t bytes; /* out: with what only it reached first */
};
struct barrow_reach_options {
    struct barrow_reach_start *starts;
    size_t start_count;
    PyObject *const *stop_classes; /* objects of these classes, or derived ones, aren't entered */
    size_t stop_class_count;
    PyTypeObject *listed;   /* objects of this class, or derived ones, are listed; or NULL */
    unsigned stops;         /* enum barrow_reach_stop */
    void *subtype_traverse; /* see walk.h */
};
struct barrow_reach_class {
    PyTypeObject *type; /* borrowed: look before any Python code runs */
    uint64_t objects, bytes;
};
struct barrow_reach {
    uint64_t objects, bytes;
    uint64_t exclusive_objects, exclusive_bytes; /* the starts' own among them */
    struct barrow_reach_class *classes;          /* in no order */
    size_t class_count;
    PyObject **listed;                           /* borrowed, too */
    size_t listed_count;
    struct dig_column column, listed_column; /* that `classes` and `listed` lie in */
};

int barrow_dig_reach(struct barrow_reach *reach, const struct barrow_reach_options *options,
                     struct barrow_error *err);
void barrow_reach_free(struct barrow_reach *reach);

/* The references of one object, in order, weak ones left out: calls `each` with what the walk knows of the name
 * (ledger/heap.h).  `text` is that name's string, or of a dict's value its key; not ended by NUL. */
struct barrow_reach_link {
    PyObject *target;
    uint32_t name;
    const char *text;
    uint32_t text_bytes;
    PyObject *key; /* of a dict's value */
};
typedef void barrow_reach_each(void *context, const struct barrow_reach_link *link);
int barrow_dig_links(PyObject *object, void *subtype_traverse, barrow_reach_each *each, void *context,
                     struct barrow_error *err);

#endif
