/* The recorder's state of each thread: made at a thread's first event, given back at its end.
 *
 * It lies in memory that a fork's child finds wiped, so that a child records nothing until its
 * own fork handler has run: mode 0 is THREAD_OFF.
 */
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>

#include "cpython/object.h"
#include "record/hot.h"

static struct barrow_thread no_thread; /* mode OFF: of threads that have no state yet ... */
static struct barrow_thread gone;      /* ... and of those whose state is gone */
static struct barrow_thread exempt = {.mode = THREAD_INSIDE}; /* barrow's own thread */

__thread struct barrow_thread *barrow_self = &no_thread;

static pthread_key_t key;
static bool key_made;

#define ALIGN64(n) (((n) + 63ull) & ~63ull)
#define LEVELS_BYTES ALIGN64((LEVELS + 2) * sizeof(struct barrow_level))
#define LEAVES_BYTES ALIGN64((LEVELS + 2) * sizeof(struct barrow_leaf))
#define MEMOS_BYTES ALIGN64(MEMOS * sizeof(struct barrow_memo))
#define SCRATCH_BYTES ALIGN64((LEVELS + 2) * sizeof(void *))
#define THREAD_BYTES                                                                     \
    (ALIGN64(sizeof(struct barrow_thread)) + MEMOS_BYTES + LEVELS_BYTES + LEAVES_BYTES + \
     SCRATCH_BYTES)

static struct barrow_thread *allocate(void)
{
    uint64_t bytes = (THREAD_BYTES + 4095) & ~4095ull;
    char *at = raw_memory(bytes);
    if (!at)
        return NULL;
    BARROW_RAW(SYS_madvise, at, bytes, MADV_WIPEONFORK);
    return (struct barrow_thread *)at;
}

/* Lays the caches out behind the struct.  Also after a fork has wiped them. */
static void lay_out(struct barrow_thread *t)
{
    char *at = (char *)t + ALIGN64(sizeof *t);
    t->memos = (struct barrow_memo *)at;
    at += MEMOS_BYTES;
    t->levels = (struct barrow_level *)at + 1;
    t->levels[-1].frame = BOTTOM;
    at += LEVELS_BYTES;
    t->leaves = (struct barrow_leaf *)at + 1;
    at += LEAVES_BYTES;
    t->scratch = (barrow_frame **)at;
    t->tid = (uint32_t)raw_gettid();
}

/* In check mode every event goes the general way, where captures are compared. */
static enum thread_mode ready_mode(void)
{
    return barrow_recorder.many_locks || barrow_recorder.checking ? THREAD_ATOMIC : THREAD_READY;
}

static void fold_delta(struct barrow_thread *t)
{
    if (t->native_delta && barrow_recorder.state)
        __atomic_add_fetch(&barrow_recorder.state->native_live_bytes, t->native_delta,
                           __ATOMIC_RELAXED);
    t->native_delta = 0;
}

/* Runs when a thread ends.  Other libraries' destructors may still allocate and free, so this one
 * asks to be called again until it is the last round. */
static void on_thread_exit(void *value)
{
    uintptr_t round = (uintptr_t)value;
    struct recorder *r = &barrow_recorder;
    struct barrow_thread *t = barrow_self;
    if (round < PTHREAD_DESTRUCTOR_ITERATIONS - 1) {
        uint32_t mode = t->mode;
        t->mode = THREAD_INSIDE;
        pthread_setspecific(key, (void *)(round + 1));
        t->mode = mode;
        return;
    }
    barrow_self = &gone;
    if (t == &no_thread || t == &gone || t == &exempt)
        return;
    if ((int)t->tid == r->main_tid)
        __atomic_store_n(&r->main_gone, true, __ATOMIC_RELEASE);
    raw_lock_take(&r->threads_lock);
    fold_delta(t);
    t->mode = THREAD_OFF;
    for (struct barrow_thread **at = &r->threads; *at; at = &(*at)->next)
        if (*at == t) {
            *at = t->next;
            break;
        }
    t->next = r->free_threads;
    r->free_threads = t;
    raw_lock_release(&r->threads_lock);
}

static struct barrow_thread *make(void)
{
    struct recorder *r = &barrow_recorder;
    raw_lock_take(&r->threads_lock);
    struct barrow_thread *t = r->free_threads;
    if (t)
        r->free_threads = t->next;
    raw_lock_release(&r->threads_lock);
    if (t) {
        void *measuring = t->counters.measuring;
        memset(t, 0, ALIGN64(sizeof *t) + MEMOS_BYTES);
        t->counters.measuring = measuring;
        t->counters.is_handed_on = true;
    } else {
        t = allocate();
    }
    if (!t) {
        barrow_count_drop(LEDGER_DROP_lost_threads);
        return NULL;
    }
    barrow_state_verify_offset();
    lay_out(t);
    t->levels[0].frame = NULL;
    memset(&t->leaves[-1], 0, sizeof t->leaves[-1]);
    t->mode = THREAD_INSIDE;
    t->mode_before = ready_mode();
    barrow_self = t;
    pthread_setspecific(key, (void *)(uintptr_t)1); /* may call calloc: we are inside */
    raw_lock_take(&r->threads_lock);
    t->next = r->threads;
    r->threads = t;
    raw_lock_release(&r->threads_lock);
    return t;
}

/* A thread at its very end shares one state with others of its kind. */
static struct barrow_thread *enter_late(void)
{
    struct recorder *r = &barrow_recorder;
    if (!r->late || !raw_lock_try(&r->late_lock)) {
        barrow_count_drop(LEDGER_DROP_reentrant_events);
        return NULL;
    }
    r->late->mode = THREAD_INSIDE;
    r->late->mode_before = THREAD_OFF;
    r->late->last[0] = r->late->last[1] = 0;
    return r->late;
}

struct barrow_thread *barrow_thread_enter_slow(void)
{
    struct barrow_thread *t = barrow_self;
    if (!barrow_recorder.on || t->mode == THREAD_INSIDE)
        return NULL;
    if (t == &gone)
        return enter_late();
    if (t == &no_thread)
        return make();
    if (t->levels == NULL) /* wiped by a fork that our handler has not seen */
        return NULL;
    t->mode_before = ready_mode();
    t->mode = THREAD_INSIDE;
    return t;
}

struct barrow_thread *barrow_enter(void)
{
    struct barrow_thread *t = barrow_self;
    if (LIKELY(t->mode == THREAD_READY || t->mode == THREAD_ATOMIC) && barrow_recorder.on) {
        t->mode_before = t->mode;
        t->mode = THREAD_INSIDE;
        return t;
    }
    return barrow_thread_enter_slow();
}

void barrow_leave(struct barrow_thread *t)
{
    if (UNLIKELY(t->is_late)) {
        fold_delta(t);
        t->mode = THREAD_OFF;
        raw_lock_release(&barrow_recorder.late_lock);
        return;
    }
    t->mode = barrow_recorder.on ? t->mode_before : THREAD_OFF;
}

void barrow_threads_set_mode(enum thread_mode mode)
{
    struct recorder *r = &barrow_recorder;
    raw_lock_take(&r->threads_lock);
    for (struct barrow_thread *t = r->threads; t; t = t->next) {
        uint32_t ready = THREAD_READY, atomic = THREAD_ATOMIC;
        if (t->mode == THREAD_INSIDE)
            t->mode_before = mode;
        else if (!__atomic_compare_exchange_n(&t->mode, &ready, mode, false, __ATOMIC_SEQ_CST,
                                              __ATOMIC_RELAXED))
            __atomic_compare_exchange_n(&t->mode, &atomic, mode, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED);
    }
    raw_lock_release(&r->threads_lock);
}

void barrow_threads_settle(void)
{
    struct recorder *r = &barrow_recorder;
    for (int i = 0; i < 1000; i++) {
        bool busy = false;
        raw_lock_take(&r->threads_lock);
        for (struct barrow_thread *t = r->threads; t; t = t->next)
            busy |=
                t != barrow_self && __atomic_load_n(&t->mode, __ATOMIC_ACQUIRE) == THREAD_INSIDE;
        raw_lock_release(&r->threads_lock);
        if (!busy)
            break;
        struct timespec pause = {0, 100000};
        BARROW_RAW(SYS_nanosleep, &pause, NULL);
    }
    raw_lock_take(&r->threads_lock);
    for (struct barrow_thread *t = r->threads; t; t = t->next)
        fold_delta(t);
    raw_lock_release(&r->threads_lock);
}

int barrow_threads_init(void)
{
    struct recorder *r = &barrow_recorder;
    if (!key_made && pthread_key_create(&key, on_thread_exit) != 0)
        return -1;
    key_made = true;
    if (!r->late)
        r->late = allocate();
    if (!r->late)
        return -1;
    memset(r->late, 0, sizeof *r->late);
    lay_out(r->late);
    r->late->is_late = 1;
    for (struct barrow_thread *t = r->threads; t;
         t = t->next) { /* of a recording before this one */
        t->depth = t->top = 0;
        t->levels[0].frame = NULL;
        t->root = NODE_NONE;
        t->state = NULL;
        t->native_delta = 0;
        t->booked = t->is_batching = 0;
        t->last[0] = t->last[1] = 0;
        memset(&t->leaves[-1], 0, sizeof t->leaves[-1]);
        memset(t->memos, 0, MEMOS_BYTES);
    }
    return 0;
}

void barrow_threads_after_fork(void)
{
    struct recorder *r = &barrow_recorder;
    struct barrow_thread *t = barrow_self;
    memset(&r->threads_lock, 0, sizeof r->threads_lock);
    memset(&r->late_lock, 0, sizeof r->late_lock);
    /* All states are wiped, the lists in them too: those of other threads are not used again. */
    r->threads = r->free_threads = NULL;
    lay_out(r->late);
    r->late->is_late = 1;
    if (t == &no_thread || t == &gone)
        return;
    lay_out(t);
    t->mode_before = ready_mode();
    t->mode = THREAD_OFF;
    r->threads = t;
}

void barrow_thread_exempt(void)
{
    barrow_self = &exempt;
}

PyThreadState *barrow_thread_state(const struct barrow_thread *t, bool *holds_lock)
{
    PyThreadState *here = barrow_state_here();
    *holds_lock = false;
    if (t->is_late)
        return NULL;
#if BARROW_STATE_HERE_IS_ANY_THREADS
    PyThreadState *own = PyGILState_GetThisThreadState();
    /* In another interpreter it is not the thread's first state that holds the lock, but the one
     * that this thread's last object allocation saw. */
    *holds_lock = own && here && (here == own || here == t->state);
    return *holds_lock ? here : own;
#else
    *holds_lock = here != NULL;
    return here ? here : PyGILState_GetThisThreadState();
#endif
}
