/* From a fuzzer's input to a ledger's bytes.
 *
 * An input that begins with the ledger's magic is a ledger.  Any other is one packed, so that most
 * of it is not blank and a change hits something: for each page a u16, how many bytes of it follow,
 * the rest of the page being zeros (tests/data/make_ledger.py packs the seeds).
 *
 * Headers and extents are guarded by checksums that a fuzzer can't guess, so they are made good
 * after unpacking; for one input in 16 they are left as they are. */
#ifndef BARROW_TESTS_FUZZ_PACK_H
#define BARROW_TESTS_FUZZ_PACK_H

#include <stddef.h>
#include <stdint.h>

/* To be freed. */
uint8_t *fuzz_ledger_bytes(const uint8_t *data, size_t size, size_t *bytes_count);

#endif
