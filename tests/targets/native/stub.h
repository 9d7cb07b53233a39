/* A stand-in for the recorder that keeps exact counters, so that the native hooks can be tested
 * without Python.
 *
 * The library (the hooks and this) is linked to a test program; it patches the process before main.
 * Allocations are counted per domain and tag; the tag is what stub_tag() last said, 0 to 15.
 */
#ifndef BARROW_TESTS_NATIVE_STUB_H
#define BARROW_TESTS_NATIVE_STUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/record.h"

#define STUB_TAGS 16

struct stub_counts {
    uint64_t allocations, bytes;
    uint64_t frees, freed_bytes;
};
struct stub_events { /* in memory shared with children */
    unsigned exec_before, exec_failed, underscore_exit;
};

#pragma GCC visibility push(default)
void stub_tag(unsigned tag);
void stub_on(bool on);
struct stub_counts stub_counts(enum ledger_domain domain, unsigned tag);
uint64_t stub_unknown_frees(void);
uint64_t stub_drops(enum ledger_drop drop);
struct stub_events stub_events(void);
struct barrow_native_report stub_report(void); /* as of now */
void stub_refresh(void);
void stub_reset(void); /* forgets everything that is alive */
void stub_after_fork(void);
/* What barrow's own calls reach: the addresses in this library's own slots. */
void *stub_own_malloc(void);
#pragma GCC visibility pop

#endif
