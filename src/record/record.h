/* The recorder as its hooks see it: book an allocation, book a free.
 *
 * THE HOT PATH: none of these allocate, lock, log or fail; what must be given up is counted in
 * the ledger (enum ledger_drop).  Callable from any thread, with or without a Python state, in
 * signal handlers, at thread exit and after finalisation.
 *
 * A hook looks like this, and so counts each allocation once, at the outermost hook:
 *
 *     void *hook_malloc(size_t n) {
 *         struct barrow_thread *t = barrow_enter();      // NULL: off, or inside another hook
 *         void *p = original_malloc(n);
 *         if (t) {
 *             barrow_book_alloc(t, LEDGER_DOMAIN_MALLOC, p, n);   // p NULL: nothing is booked
 *             barrow_leave(t);
 *         }
 *         return p;
 *     }
 *
 * A free is booked before the real free, an allocation after the real allocation: else another
 * thread could be handed the address in between and the order would turn round.
 */
#ifndef BARROW_RECORD_RECORD_H
#define BARROW_RECORD_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger/format.h"

struct barrow_thread;

/* Marks this thread as inside a hook and gives its recorder state; NULL if nothing is to be booked
 * (recording is off, this thread is already inside a hook, or it is exiting). */
struct barrow_thread *barrow_enter(void);
void barrow_leave(struct barrow_thread *t);

/* malloc family: blocks found through the page map.  `p` need not be 16-aligned. */
void barrow_book_alloc(struct barrow_thread *t, enum ledger_domain domain, void *p, size_t bytes);
void barrow_book_free(struct barrow_thread *t, void *p);

/* realloc(p, n): take the block out before the real call, then either book the new block with
 * barrow_book_alloc, or put the old one back if the real call failed. */
struct barrow_taken { /* what barrow_take took; opaque */
    void *p;
    size_t bytes;
    uint32_t site;
    bool known, temporary;
};
void barrow_take(struct barrow_thread *t, void *p, struct barrow_taken *taken);
/* barrow_take + the real call succeeded: books the free.  */
void barrow_take_commit(struct barrow_thread *t, const struct barrow_taken *taken);
/* the real call failed: the old block is as if never touched */
void barrow_take_undo(struct barrow_thread *t, const struct barrow_taken *taken);

/* Site counters without the page map, for owners of their own maps (mmap intervals):
 * the site of the current Python stack in `domain`, then plain bookings against it. */
uint32_t barrow_site_here(struct barrow_thread *t, enum ledger_domain domain);
void barrow_site_alloc(struct barrow_thread *t, uint32_t site, size_t bytes, size_t blocks);
void barrow_site_free(struct barrow_thread *t, uint32_t site, size_t bytes, size_t blocks);
/* A free or unmapping of something never booked. */
void barrow_count_unknown_free(struct barrow_thread *t);
void barrow_count_drop(enum ledger_drop drop);

/* Process events, called by the native hooks.  All check the pid themselves: a vfork child that
 * shares our memory is left alone. */
void barrow_on_exec_before(void);  /* marks the ledger ended by exec ... */
void barrow_on_exec_failed(void);  /* ... and takes the mark back */
void barrow_on_underscore_exit(void);

/* ---- native hooks (src/record/native/) offered to the recorder ---- */

struct barrow_native_report {
    char allocator[64]; /* library that provides malloc: "libc.so.6", "libjemalloc.so.2" ... */
    size_t objects_patched, slots_patched;
    char note[256]; /* "" or one line about what can't be seen */
};
/* Finds the originals (from the providing library's symbol table), patches all loaded objects and
 * watches dlopen.  Idempotent.  The hooks stay for the life of the process: they pass through
 * while barrow_enter() gives NULL. */
int barrow_native_install(struct barrow_native_report *report);
/* Patches objects loaded since the last call (e.g. by means that were not seen). */
void barrow_native_refresh(void);
/* fork child: forget mmap intervals' lock state; called before recording goes on. */
void barrow_native_after_fork_in_child(void);
/* Recording stops: forget all mmap intervals. */
void barrow_native_reset(void);

/* Blocks of 4 GiB and more live beside the mmap intervals, keyed by address (page map slots hold
 * sizes below 4 GiB).  Implemented in src/record/native/intervals.c, used by barrow_book_*. */
void barrow_big_insert(struct barrow_thread *t, uint32_t site, uintptr_t start, size_t bytes);
bool barrow_big_remove(struct barrow_thread *t, uintptr_t start, uint32_t *site, size_t *bytes);

#endif
