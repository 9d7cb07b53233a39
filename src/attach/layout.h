/* Where one version of CPython keeps what is read from outside, in bytes.
 *
 * The fields are named after the structure they are in: `gc` is in the interpreter state, `next`,
 * `threads` too; `type_...` in a class, `keys_...` in a dict's table of keys.
 */
#ifndef BARROW_ATTACH_LAYOUT_H
#define BARROW_ATTACH_LAYOUT_H

#include <stdint.h>

/* X(field) */
#define LAYOUT_FIELDS(X)                                                                          \
    /* In the table of offsets that interpreters from 3.13 on carry: where it tells the field. */ \
    X(table_interpreters) X(table_next) X(table_threads) X(table_gc) X(table_collecting)          \
    X(table_thread_next) X(table_native_id) X(table_gil)                                          \
    X(table_debugger) /* 3.14: six numbers, see remote.c */                                       \
    X(interpreters)   /* in the runtime: the first interpreter */                                 \
    X(next) X(threads) X(gc) X(breaker)                                                           \
    X(gil) /* in the runtime up to 3.11, else a pointer in the interpreter */                     \
    X(gil_locked) X(gil_holder)                                                                                 \
    X(pending) /* in the interpreter: calls to make; up to 3.13 */                                \
    X(pending_lock) X(pending_waiting) X(pending_calls) X(pending_first) X(pending_next)          \
    X(pending_each) X(pending_room)                                                                               \
    X(thread_next) X(native_id) X(thread_breaker)                                                 \
    X(generations) X(permanent) X(collecting) /* in `gc` */                                       \
    X(type_name) X(type_basic) X(type_item) X(type_flags) X(type_base) X(type_dict)               \
    X(type_qualname) X(type_keys)                                                                 \
    X(list_items) X(list_allocated)                                                               \
    X(dict_keys) X(dict_values)                                                                   \
    X(keys_log2_size) X(keys_log2_index) X(keys_kind) X(keys_usable) X(keys_count)                \
    X(keys_indices)                                                                               \
    X(set_mask) X(set_table) X(set_small)                                                         \
    X(text_length) X(text_state) X(text_kind_bit) X(text_compact_bit) X(text_ascii_bit)           \
    X(text_ascii) X(text_compact) X(text_utf8) X(text_utf8_length)                                \
    X(int_digits)                                                                                 \
    X(bytearray_alloc) X(bytearray_bytes)

struct barrow_layout {
#define X(field) uint32_t field;
    LAYOUT_FIELDS(X)
#undef X
};

/* That of a release, by major << 8 | minor; NULL: not known. */
const struct barrow_layout *barrow_layout_find(uint32_t version);

#endif
