/* Where each version of CPython keeps what is read from outside: LAYOUT(major, minor, fields...),
 * bytes from the beginning of the structure that the field's name begins with; see layout.h.
 *
 * Written by scripts/offsets from the headers of each version, which `scripts/offsets --check`
 * compares with this table; do not edit.  The lists of the collector's generations are in the same
 * place in 3.14.0 to 3.14.4, whose collector is another, and in later 3.14 releases.
 */
LAYOUT(3, 11, .interpreters = 40, .next = 0, .threads = 16, .gc = 648, .generations = 24,
      .permanent = 104, .collecting = 200, .thread_next = 8, .native_id = 160, .type_name = 24,
      .type_basic = 32, .type_item = 40, .type_flags = 168, .type_base = 256, .type_dict = 264,
      .type_qualname = 864, .type_keys = 872, .list_items = 24, .list_allocated = 32,
      .dict_keys = 32, .dict_values = 40, .keys_log2_size = 8, .keys_log2_index = 9,
      .keys_kind = 10, .keys_usable = 16, .keys_count = 24, .keys_indices = 32, .set_mask = 32,
      .set_table = 40, .set_small = 64, .text_length = 16, .text_state = 32,
      .text_kind_bit = 2, .text_compact_bit = 5, .text_ascii_bit = 6, .text_ascii = 48,
      .text_compact = 72, .text_utf8 = 56, .text_utf8_length = 48, .int_digits = 24,
      .bytearray_alloc = 24, .bytearray_bytes = 32, .pending = 112, .pending_lock = 0,
      .pending_waiting = 8, .pending_calls = 16, .pending_first = 528, .pending_next = 532,
      .pending_room = 32, .breaker = 100)

LAYOUT(3, 12, .interpreters = 40, .next = 0, .threads = 72, .gc = 112, .generations = 24,
      .permanent = 104, .collecting = 200, .thread_next = 8, .native_id = 144, .type_name = 24,
      .type_basic = 32, .type_item = 40, .type_flags = 168, .type_base = 256, .type_dict = 264,
      .type_qualname = 872, .type_keys = 880, .list_items = 24, .list_allocated = 32,
      .dict_keys = 32, .dict_values = 40, .keys_log2_size = 8, .keys_log2_index = 9,
      .keys_kind = 10, .keys_usable = 16, .keys_count = 24, .keys_indices = 32, .set_mask = 32,
      .set_table = 40, .set_small = 64, .text_length = 16, .text_state = 32,
      .text_kind_bit = 2, .text_compact_bit = 5, .text_ascii_bit = 6, .text_ascii = 40,
      .text_compact = 56, .text_utf8 = 48, .text_utf8_length = 40, .int_digits = 24,
      .bytearray_alloc = 24, .bytearray_bytes = 32, .pending = 400, .pending_lock = 8,
      .pending_waiting = 16, .pending_calls = 24, .pending_first = 536, .pending_next = 540,
      .pending_room = 32, .breaker = 368)

LAYOUT(3, 13, .table_interpreters = 40, .table_next = 64, .table_threads = 72, .table_gc = 80,
      .table_collecting = 576, .table_thread_next = 168, .table_native_id = 200,
      .interpreters = 632, .next = 7264, .threads = 7344, .gc = 7400, .generations = 24,
      .permanent = 104, .collecting = 200, .thread_next = 8, .native_id = 160, .type_name = 24,
      .type_basic = 32, .type_item = 40, .type_flags = 168, .type_base = 256, .type_dict = 264,
      .type_qualname = 872, .type_keys = 880, .list_items = 24, .list_allocated = 32,
      .dict_keys = 32, .dict_values = 40, .keys_log2_size = 8, .keys_log2_index = 9,
      .keys_kind = 10, .keys_usable = 16, .keys_count = 24, .keys_indices = 32, .set_mask = 32,
      .set_table = 40, .set_small = 64, .text_length = 16, .text_state = 32,
      .text_kind_bit = 2, .text_compact_bit = 5, .text_ascii_bit = 6, .text_ascii = 40,
      .text_compact = 56, .text_utf8 = 48, .text_utf8_length = 40, .int_digits = 24,
      .bytearray_alloc = 24, .bytearray_bytes = 32, .pending = 32, .pending_lock = 8,
      .pending_waiting = 12, .pending_calls = 24, .pending_first = 7224, .pending_next = 7228,
      .pending_room = 300, .thread_breaker = 24)

LAYOUT(3, 14, .table_interpreters = 40, .table_next = 64, .table_threads = 72, .table_gc = 88,
      .table_collecting = 656, .table_thread_next = 192, .table_native_id = 224,
      .table_debugger = 712, .interpreters = 808, .next = 7272, .threads = 7344, .gc = 7408,
      .generations = 24, .permanent = 96, .collecting = 192, .thread_next = 8,
      .native_id = 160, .type_name = 24, .type_basic = 32, .type_item = 40, .type_flags = 168,
      .type_base = 256, .type_dict = 264, .type_qualname = 872, .type_keys = 880,
      .list_items = 24, .list_allocated = 32, .dict_keys = 32, .dict_values = 40,
      .keys_log2_size = 8, .keys_log2_index = 9, .keys_kind = 10, .keys_usable = 16,
      .keys_count = 24, .keys_indices = 32, .set_mask = 32, .set_table = 40, .set_small = 64,
      .text_length = 16, .text_state = 32, .text_kind_bit = 2, .text_compact_bit = 5,
      .text_ascii_bit = 6, .text_ascii = 40, .text_compact = 56, .text_utf8 = 48,
      .text_utf8_length = 40, .int_digits = 24, .bytearray_alloc = 24, .bytearray_bytes = 32,
      .thread_breaker = 24)

LAYOUT(3, 15, .table_interpreters = 40, .table_next = 64, .table_threads = 72, .table_gc = 88,
      .table_collecting = 760, .table_thread_next = 192, .table_native_id = 248,
      .table_debugger = 840, .interpreters = 936, .next = 7264, .threads = 7336, .gc = 7400,
      .generations = 8, .permanent = 80, .collecting = 112, .thread_next = 8, .native_id = 184,
      .type_name = 24, .type_basic = 32, .type_item = 40, .type_flags = 168, .type_base = 256,
      .type_dict = 264, .type_qualname = 880, .type_keys = 888, .list_items = 24,
      .list_allocated = 32, .dict_keys = 32, .dict_values = 40, .keys_log2_size = 8,
      .keys_log2_index = 9, .keys_kind = 10, .keys_usable = 16, .keys_count = 24,
      .keys_indices = 32, .set_mask = 32, .set_table = 40, .set_small = 64, .text_length = 16,
      .text_state = 32, .text_kind_bit = 2, .text_compact_bit = 5, .text_ascii_bit = 6,
      .text_ascii = 40, .text_compact = 56, .text_utf8 = 48, .text_utf8_length = 40,
      .int_digits = 24, .bytearray_alloc = 24, .bytearray_bytes = 32, .thread_breaker = 24)
