/* From a fuzzer's input to a ledger whose HEAP table it is.
 *
 * Checksums can't be guessed, so the input is walked as a reader would and what guards it is made good;
 * for one input in 16 it is left as it is. */
#ifndef BARROW_TESTS_FUZZ_HEAP_MEND_H
#define BARROW_TESTS_FUZZ_HEAP_MEND_H

#include <stddef.h>
#include <stdint.h>

/* To be freed.  `base`: the path of a ledger that the table is added to, or NULL. */
uint8_t *fuzz_heap_bytes(const uint8_t *data, size_t size, const char *base, size_t *bytes_count);

#endif
