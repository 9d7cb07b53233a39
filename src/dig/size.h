/* What single objects cost, without a walk: the same bytes that a walk finds.
 *
 *     struct barrow_blocks blocks;            // once
 *     struct barrow_size_rule rule;           // once a class
 *     barrow_blocks_init(&blocks);
 *     barrow_size_rule_of(&rule, Py_TYPE(o));
 *     bytes = barrow_size_by_rule(&blocks, &rule, o);
 *
 * All blocks of the object are counted: collector's head, attribute values, a table's buffer, each as the
 * allocator rounds it; no other object is.  With the interpreter lock; no Python code runs.
 */
#ifndef BARROW_DIG_SIZE_H
#define BARROW_DIG_SIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "cpython/blocks.h"

struct barrow_size_rule {
    PyTypeObject *type;
    enum { SIZE_TUPLE, SIZE_LIST, SIZE_DICT, SIZE_OTHER } kind; /* the first three exactly */
    uint32_t preheader_bytes, basic_bytes, item_bytes;
    bool may_have_values; /* attributes in a block of their own */
    uint64_t (*hidden)(const struct barrow_blocks *, PyObject *); /* or NULL */
};

void barrow_size_rule_of(struct barrow_size_rule *rule, PyTypeObject *type);
uint64_t barrow_size_by_rule(const struct barrow_blocks *blocks, const struct barrow_size_rule *rule,
                             PyObject *o);

#endif
