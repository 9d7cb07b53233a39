/* The thread runs while `generation` is what it was when it was made.  Ending it is raising that
 * number, which is also the futex that it sleeps on: a thread that nobody could wait for any longer
 * (a handler of the program's blocks in it) never mistakes a later start for its own.
 */
#include <pthread.h>
#include <signal.h>

#include "cpython/frame.h"
#include "os/raw.h"
#include "record/record.h"
#include "watch/timer.h"

#define FORK_WAIT_NS 1000000000ull
#define STOP_WAIT_NS 5000000000ull

static struct {
    bool is_on; /* wanted; between a fork's begin and its return there is no thread all the same */
    uint64_t interval_ns, next_ns;
    void (*tick)(void);

    uint32_t generation;
    pthread_t thread;
    int tid;
    bool is_there;

    const barrow_frame *fork_frame; /* where the last fork was called from ... */
    uintptr_t fork_instruction;     /* ... and at which instruction */
} timer;

/* ---- the thread ---- */

static bool is_wanted(uint32_t generation)
{
    return __atomic_load_n(&timer.generation, __ATOMIC_ACQUIRE) == generation;
}

static void sleep_until(uint64_t until_ns, uint32_t generation)
{
    struct timespec until = {(time_t)(until_ns / 1000000000u), (long)(until_ns % 1000000000u)};
    BARROW_RAW(SYS_futex, &timer.generation, FUTEX_WAIT_BITSET_PRIVATE, generation, &until, NULL,
               FUTEX_BITSET_MATCH_ANY);
}

/* The first of the beat's times after `now`: ticks that were missed aren't made up for. */
static uint64_t next_time(uint64_t now)
{
    uint64_t missed = (now - timer.next_ns) / timer.interval_ns;
    return timer.next_ns + (missed + 1) * timer.interval_ns;
}

static void *run(void *argument)
{
    uint32_t generation = (uint32_t)(uintptr_t)argument;
    __atomic_store_n(&timer.tid, raw_gettid(), __ATOMIC_RELEASE);
    while (is_wanted(generation)) {
        uint64_t now = raw_monotonic_ns();
        if (now < timer.next_ns) {
            sleep_until(timer.next_ns, generation);
            continue;
        }
        PyGILState_STATE lock = PyGILState_Ensure();
        if (is_wanted(generation)) {
            timer.next_ns = next_time(now);
            timer.tick();
        }
        PyGILState_Release(lock);
    }
    return NULL;
}

static bool launch(void)
{
    struct barrow_thread *t = barrow_enter(); /* its stack is not the program's memory */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    timer.is_there =
        pthread_create(&timer.thread, NULL, run, (void *)(uintptr_t)timer.generation) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (t)
        barrow_leave(t);
    return timer.is_there;
}

/* Ends the thread and waits for that; after `wait_ns` it is left to end by itself. */
static void end(uint64_t wait_ns)
{
    if (!timer.is_there)
        return;
    timer.is_there = false;
    __atomic_add_fetch(&timer.generation, 1, __ATOMIC_RELEASE);
    BARROW_RAW(SYS_futex, &timer.generation, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    if (pthread_equal(timer.thread, pthread_self())) {
        pthread_detach(timer.thread);
        return;
    }
    uint64_t until_ns = raw_clock(CLOCK_REALTIME) + wait_ns;
    struct timespec until = {(time_t)(until_ns / 1000000000u), (long)(until_ns % 1000000000u)};
    Py_BEGIN_ALLOW_THREADS;
    if (pthread_timedjoin_np(timer.thread, NULL, &until) != 0)
        pthread_detach(timer.thread);
    else /* Joined is not gone: for a moment the kernel still counts it among the process's threads.
          */
        for (int i = 0; i < 10000 && BARROW_RAW(SYS_tgkill, raw_getpid(), timer.tid, 0) == 0; i++)
            BARROW_RAW(SYS_sched_yield);
    Py_END_ALLOW_THREADS;
}

bool barrow_timer_start(uint64_t interval_ns, void (*tick)(void))
{
    barrow_timer_stop();
    timer.interval_ns = interval_ns ? interval_ns : 1;
    timer.next_ns = raw_monotonic_ns() + timer.interval_ns;
    timer.tick = tick;
    timer.is_on = launch();
    return timer.is_on;
}

void barrow_timer_stop(void)
{
    timer.is_on = false;
    end(STOP_WAIT_NS);
}

bool barrow_timer_is_on(void)
{
    return timer.is_on;
}

/* ---- forks ---- */

/* The innermost frame that runs Python code, of the calling thread. */
static const barrow_frame *top_frame(void)
{
    const barrow_frame *f = barrow_frame_top(PyThreadState_Get());
    while (f && barrow_frame_is_hidden(f))
        f = barrow_frame_previous(f);
    return f;
}

void barrow_timer_before_fork(void)
{
    timer.fork_frame = top_frame();
    timer.fork_instruction = timer.fork_frame ? barrow_frame_instruction(timer.fork_frame) : 0;
    if (timer.is_there && !pthread_equal(timer.thread, pthread_self()))
        end(FORK_WAIT_NS);
}

/* True if the call of fork has not returned: what runs are functions that it calls. */
static bool is_in_fork(void)
{
    const barrow_frame *f = top_frame();
    if (f == timer.fork_frame)
        return false;
    while (f && f != timer.fork_frame)
        f = barrow_frame_previous(f);
    return f && barrow_frame_instruction(f) == timer.fork_instruction;
}

/* A pending call: runs on the main thread, between two instructions of Python code. */
static int come_back(void *unused)
{
    (void)unused;
    if (!timer.is_on || timer.is_there)
        return 0;
    if (!is_in_fork() || Py_AddPendingCall(come_back, NULL) != 0)
        launch();
    return 0;
}

void barrow_timer_after_fork_in_parent(void)
{
    if (!timer.is_on || timer.is_there)
        return;
    /* If another thread than the first one forks there are several, and the warning is deserved. */
    bool is_main = raw_gettid() == raw_getpid();
    if (!is_main || !timer.fork_frame || Py_AddPendingCall(come_back, NULL) != 0)
        launch();
}

void barrow_timer_after_fork_in_child(void)
{
    timer.is_there = false;
    __atomic_add_fetch(&timer.generation, 1, __ATOMIC_RELEASE);
    if (!timer.is_on)
        return;
    timer.next_ns = raw_monotonic_ns() + timer.interval_ns;
    launch();
}
