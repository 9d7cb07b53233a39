/* Private to native/: which anonymous mappings are alive, and whose they are.
 *
 * All functions whose name ends in _locked are called between barrow_maps_lock() and
 * barrow_maps_unlock(), by a thread that is inside a hook (barrow_enter), so that no signal handler
 * of its own can come for the lock. The lock is held across munmap and mremap: what the kernel does
 * and what is booked are then one step.
 */
#ifndef BARROW_RECORD_NATIVE_INTERVALS_H
#define BARROW_RECORD_NATIVE_INTERVALS_H

#include <stddef.h>
#include <stdint.h>

#include "record/record.h"

#pragma GCC visibility push(hidden)

void barrow_maps_lock(void);
void barrow_maps_unlock(void);

/* Books an allocation of `bytes` by `site` (0, which is none: counts a lost one); nothing may be
 * known in [start, start + bytes). */
void barrow_maps_add_locked(struct barrow_thread *t, uint32_t site, uintptr_t start, size_t bytes);

/* Books the free of whatever is known in [start, end): exactly the bytes covered.  A mapping that
 * is cut in two is one block more; one that only shrinks stays one.  Returns the bytes freed. */
size_t barrow_maps_remove_locked(struct barrow_thread *t, uintptr_t start, uintptr_t end);

/* Whether anything is known in [start, end). */
bool barrow_maps_covers_locked(uintptr_t start, uintptr_t end);

#pragma GCC visibility pop

#endif
