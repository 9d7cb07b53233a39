/* The recorder's state, shared by the files of record/; nothing outside includes this.
 *
 * A word on who writes what:
 *
 *   under the interpreter lock    hooks of OBJ and MEM, and hooks of malloc on threads that hold it:
 *                                 plain loads and stores on `state->live_bytes` and, for sites of
 *                                 OBJ and MEM, on the site's counters
 *   without it                    atomic adds on the site's counters; the thread's own
 *                                 `native_delta`, folded into `state->native_live_bytes`
 *   under `intern_lock`           new stack nodes, sites, code objects, strings, thread groups
 *   the helper thread             samples, checkpoints, the coarse clock, space for the tables
 *
 * Sites of malloc and mmap are touched by both sides and so always take atomic adds.  If a second
 * interpreter with a lock of its own appears, everything goes the atomic way (`many_locks`).
 */
#ifndef BARROW_RECORD_STATE_H
#define BARROW_RECORD_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pagemap.h"
#include "cpython/frame.h"
#include "ledger/write.h"
#include "os/raw.h"
#include "record/counters.h"
#include "record/record.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* ---- stacks ------------------------------------------------------------------------------- */

/* One level of a thread's last walk; level 0 is the rootmost frame.  Level -1 is a sentinel whose
 * frame equals no frame's `previous`, so that comparing in lock step ends there by itself. */
#define BOTTOM ((barrow_frame *)8)
struct barrow_level {
    barrow_frame *frame;
    uintptr_t instruction;
};

/* What the levels up to this one mean. */
struct barrow_leaf {
    uint32_t node;     /* NODE_FOLDED: past the table budget */
    uint32_t sites[2]; /* of OBJ and MEM at this stack; 0: not looked up yet */
    uint32_t reserved;
};

#define NODE_NONE 0u
#define NODE_FOLDED 0xffffffffu

/* (parent node, instruction) → what is known of that stack; direct-mapped, in front of the trie. */
struct barrow_memo {
    uintptr_t instruction;
    uint32_t parent;
    uint32_t reserved;
    struct barrow_leaf leaf;
};

#define LEVELS 65534u  /* deeper stacks are folded */
#define GUESSES 4096u
#define MEMOS 4096u

/* ---- threads ------------------------------------------------------------------------------ */

enum thread_mode {
    THREAD_OFF = 0, /* also what a fork's child finds: the page is wiped */
    THREAD_READY,   /* may book under the interpreter lock with plain stores */
    THREAD_ATOMIC,  /* may book with atomic operations only */
    THREAD_INSIDE,  /* in a hook */
};

struct barrow_thread {
    uint32_t mode;       /* enum thread_mode */
    uint32_t mode_before; /* the mode to go back to when leaving a hook */
    uint32_t generation; /* of code objects, as the fast path knows it ... */
    uint32_t flushed;    /* ... and when the caches below were last emptied */
    uint32_t top;        /* level of the last capture's leaf */
    uint32_t depth;      /* levels that are consistent, some may lie above `top` */
    uint32_t root;       /* node of the thread group; NODE_NONE: not known yet */
    uint32_t booked;     /* has allocated: counts as a thread */
    uint64_t last[2];    /* keys of this thread's last two allocations, newest first (hot.h) */
    struct barrow_level *levels; /* LEVELS + 1, levels[-1] is the sentinel */
    struct barrow_leaf *leaves;  /* LEVELS + 1, leaves[-1].node is the root */
    struct barrow_memo *memos;   /* MEMOS */
    barrow_frame **scratch;      /* LEVELS */
    PyThreadState *state;        /* that the levels belong to */
    int64_t native_delta;        /* live bytes not yet folded into the global */
    uint32_t is_late;            /* the struct shared by threads whose own is gone */
    uint32_t is_batching;        /* keeps changes of live bytes to itself for a while */
    uint32_t in_native;          /* in a hook of the C library's: start no threads */
    uint32_t tid;
    struct barrow_counters counters;
    struct barrow_thread *next;  /* all threads, or the free list */
    uint16_t guesses[GUESSES];   /* frame address → level, a hint */
};

extern __thread struct barrow_thread *barrow_self
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* ---- the recorder ------------------------------------------------------------------------- */

struct recorder {
    /* read by every event */
    struct barrow_pagemap map;
    struct ledger_state *state;
    struct ledger_site *sites;
    uint32_t generation;      /* of code objects: bumped when one dies */
    uint32_t inherited_sites; /* sites up to this are the parent's */
    bool on;
    bool many_locks;
    bool checking;            /* compare every capture with an uncached walk */

    /* slow paths */
    struct ledger_writer writer;
    struct ledger_header header;
    raw_lock intern_lock;
    raw_lock late_lock;
    raw_lock threads_lock;
    struct barrow_thread *threads;      /* all alive */
    struct barrow_thread *free_threads; /* structs of threads that ended */
    struct barrow_thread *late;
    uint64_t max_table_bytes;
    uint64_t start_ns;
    int pid;
    int main_tid;
    bool is_root;
    bool quiet;
    bool children;
    bool main_gone;     /* the process' first thread has ended, others keep the process alive */
    uint64_t fork_ns;   /* a helper thread is wanted again from here on; 0: no */
    struct barrow_thread *fork_thread;
    uint32_t fork_level;
    uintptr_t fork_instruction;
    barrow_frame *fork_frame;
    char root_path[PATH_MAX]; /* FILE of the run's root process */
    dev_t stderr_device;
    ino_t stderr_inode;
};

extern struct recorder barrow_recorder __attribute__((visibility("hidden")));

/* ---- thread.c ---- */

/* For a thread whose mode is OFF: its state made ready and entered, or NULL if nothing is to be booked. */
struct barrow_thread *barrow_thread_enter_slow(void);
void barrow_threads_set_mode(enum thread_mode mode);
/* Waits until no thread is inside a hook, 100 ms at most. */
void barrow_threads_settle(void);
int barrow_threads_init(void);
/* In a fork's child: this thread's state anew; those of the others are forgotten. */
void barrow_threads_after_fork(void);
/* The calling thread's Python state, NULL if it has none, and whether it holds the interpreter lock. */
PyThreadState *barrow_thread_state(const struct barrow_thread *t, bool *holds_lock);
/* The calling thread is barrow's own: its hooks pass through. */
void barrow_thread_exempt(void);

/* ---- stack.c ---- */

/* Node of the calling thread's present stack in t->leaves[t->top].  Fast path in hot.h. */
struct barrow_leaf *barrow_stack_slow(struct barrow_thread *t, PyThreadState *state);
struct barrow_leaf *barrow_stack_moved(struct barrow_thread *t, PyThreadState *state);
struct barrow_leaf *barrow_stack_native(struct barrow_thread *t);
/* New instructions at levels from `first` to `last`: finds their nodes. */
void barrow_stack_intern(struct barrow_thread *t, uint32_t first, uint32_t last);
uint32_t barrow_stack_site(struct barrow_thread *t, struct barrow_leaf *leaf, enum ledger_domain domain);
void barrow_stack_check(struct barrow_thread *t, PyThreadState *state, const struct barrow_leaf *leaf);

/* ---- trie.c ---- */

/* The child of `parent` at `frame`'s instruction; NODE_FOLDED past the budget. */
uint32_t barrow_trie_child(uint32_t parent, uintptr_t instruction, const barrow_frame *frame, bool past_budget);
uint32_t barrow_trie_root(const char *group_name);
uint32_t barrow_trie_folded_root(uint32_t root);
uint32_t barrow_trie_site(uint32_t node, enum ledger_domain domain);
void barrow_trie_reset(void);
int barrow_trie_init(void);
/* In a fork's child: sites of the parent are no longer reached from the nodes. */
void barrow_trie_forget_sites(void);

/* ---- code.c ---- */

/* Under the intern lock: content id and instance of a code object; 0 on failure. */
uint32_t barrow_code_intern(PyCodeObject *code, uint32_t *instance);
void barrow_code_add_node(uint32_t instance, uint32_t node);
/* The code object at `p` is being freed. */
void barrow_code_died(const void *p);
uint32_t barrow_string_intern(const char *text, uint32_t bytes);
int barrow_codes_init(void);
void barrow_codes_reset(void);

/* ---- count.c ---- */

/* A block is allocated where another was thought to live. */
void barrow_count_missed_free(struct barrow_thread *t, void *p, uint32_t *slot);
uint32_t *barrow_count_make_slot(const void *p);
/* book_alloc of hot.h where a look at the caches isn't enough. */
void barrow_book_moved(struct barrow_thread *t, enum ledger_domain domain, void *p, size_t bytes);

/* ---- recorder.c ---- */

/* The ledger can't grow: the recording ends here, what is in the ledger stays. */
void barrow_recorder_out_of_space(void);

static inline uint64_t barrow_now(void)
{
    return raw_monotonic_ns() - barrow_recorder.start_ns;
}

#endif
