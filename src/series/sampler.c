/* Samples lie in a list of chunks of the kernel's memory, so nothing is ever moved: whoever looks
 * on reads `count`, then that many samples.
 *
 *     first ──► chunk ──► chunk ──► chunk (the last is being filled)
 */
#include "series/sampler.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "os/raw.h"

enum { CHUNK_BYTES = 64 << 10, STACK_BYTES = 128 << 10, PEAK_NS = 100000000 };

struct chunk {
    struct chunk *next;
    struct barrow_reading readings[];
};
enum { CHUNK_READINGS = (CHUNK_BYTES - sizeof(struct chunk)) / sizeof(struct barrow_reading) };

struct barrow_sampler {
    int pid;
    enum barrow_measure measure;
    bool descendants;
    uint64_t interval_ns;
    pthread_t thread;
    int owner_pid;      /* who runs the thread; another after a fork */
    uint32_t stop_word; /* a futex */
    bool running;
    struct chunk *first, *last;
    size_t count;                   /* published after the sample */
    uint64_t first_peak, last_peak; /* VmHWM at the start, and since */
    uint64_t highest;               /* of the samples */
};

/* ---- samples ---- */

/* False: no memory. */
static bool add_reading(struct barrow_sampler *s, uint64_t bytes)
{
    size_t at = s->count % CHUNK_READINGS;

    if (at == 0) {
        struct chunk *chunk = raw_memory(CHUNK_BYTES);
        if (!chunk)
            return false;
        if (s->last)
            s->last->next = chunk;
        else
            s->first = chunk;
        s->last = chunk;
    }
    s->last->readings[at] =
        (struct barrow_reading){(double)raw_clock(CLOCK_REALTIME) * 1e-9, bytes};
    if (bytes > s->highest)
        __atomic_store_n(&s->highest, bytes, __ATOMIC_RELAXED);
    __atomic_store_n(&s->count, s->count + 1, __ATOMIC_RELEASE);
    return true;
}

static bool take_sample(struct barrow_sampler *s, struct barrow_family *family)
{
    return barrow_family_read(family) && add_reading(s, barrow_family_bytes(family));
}

static void note_peak(struct barrow_sampler *s, const struct barrow_family *family)
{
    uint64_t peak = barrow_family_highest_rss(family);

    if (peak > s->last_peak)
        __atomic_store_n(&s->last_peak, peak, __ATOMIC_RELAXED);
}

/* ---- the thread ---- */

/* From now on descriptors are opened in a table of our own, which is empty: a copy would keep the
 * program's pipes open. */
static void leave_descriptors(void)
{
#ifdef SYS_close_range
    BARROW_RAW(SYS_close_range, 0, ~0u, 2 /* CLOSE_RANGE_UNSHARE */);
#endif
}

static void wait_until(struct barrow_sampler *s, uint64_t deadline)
{
    while (!__atomic_load_n(&s->stop_word, __ATOMIC_ACQUIRE)) {
        uint64_t now = raw_monotonic_ns();
        if (now >= deadline)
            return;
        uint64_t left = deadline - now;
        struct timespec wait = {(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
        BARROW_RAW(SYS_futex, &s->stop_word, FUTEX_WAIT_PRIVATE, 0, &wait, NULL, 0);
    }
}

/* The last sample is one that began after the stop. */
static void sample(struct barrow_sampler *s, struct barrow_family *family)
{
    uint64_t deadline = raw_monotonic_ns(), next_peak = 0;
    bool is_last;

    do {
        uint64_t now = raw_monotonic_ns();
        deadline += s->interval_ns;
        if (now > deadline) /* late: no burst of samples to catch up */
            deadline = now;
        wait_until(s, deadline);
        is_last = __atomic_load_n(&s->stop_word, __ATOMIC_ACQUIRE);
        if (!take_sample(s, family))
            return;
        if (is_last || now >= next_peak) {
            note_peak(s, family);
            next_peak = now + PEAK_NS;
        }
    } while (!is_last);
}

static void *run(void *argument)
{
    struct barrow_sampler *s = argument;
    struct barrow_family family;

    leave_descriptors();
    if (barrow_family_init(&family, s->pid, s->measure, s->descendants, NULL) == 0)
        sample(s, &family);
    barrow_family_free(&family);
    return NULL;
}

static int start_thread(struct barrow_sampler *s)
{
    pthread_attr_t attributes;
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int code = pthread_create(&s->thread, &attributes, run, s);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

/* Takes the first sample with descriptors that are closed again. */
static int take_first(struct barrow_sampler *s, struct barrow_error *err)
{
    struct barrow_family family;

    if (barrow_family_init(&family, s->pid, s->measure, s->descendants, err) < 0)
        return -1;
    s->first_peak = s->last_peak = barrow_family_highest_rss(&family);
    bool is_there = add_reading(s, barrow_family_bytes(&family));
    barrow_family_free(&family);
    return is_there ? 0 : barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
}

int barrow_sampler_start(struct barrow_sampler **out, int pid, enum barrow_measure measure,
                         bool descendants, uint64_t interval_ns, struct barrow_error *err)
{
    struct barrow_sampler *s = calloc(1, sizeof *s);

    *out = NULL;
    if (!s)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    s->pid = pid;
    s->measure = measure;
    s->descendants = descendants;
    s->interval_ns = interval_ns;
    s->owner_pid = raw_getpid();
    int rc = take_first(s, err), code = rc == 0 ? start_thread(s) : 0;
    if (code)
        rc = barrow_fail(err, BARROW_E_UNSUPPORTED, "can't start the sampling thread: %s",
                         strerror(code));
    if (rc < 0) {
        barrow_sampler_free(s);
        return -1;
    }
    s->running = true;
    *out = s;
    return 0;
}

void barrow_sampler_stop(struct barrow_sampler *s)
{
    if (!s->running)
        return;
    s->running = false;
    if (s->owner_pid != raw_getpid())
        return; /* the thread stayed in the parent */
    __atomic_store_n(&s->stop_word, 1, __ATOMIC_RELEASE);
    BARROW_RAW(SYS_futex, &s->stop_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    pthread_join(s->thread, NULL);
}

bool barrow_sampler_running(const struct barrow_sampler *s)
{
    return s->running && s->owner_pid == raw_getpid();
}

/* ---- what was sampled ---- */

size_t barrow_sampler_count(const struct barrow_sampler *s)
{
    return __atomic_load_n(&s->count, __ATOMIC_ACQUIRE);
}

void barrow_sampler_copy(const struct barrow_sampler *s, struct barrow_reading *to, size_t count)
{
    for (const struct chunk *chunk = s->first; count > 0; chunk = chunk->next) {
        size_t here = count < CHUNK_READINGS ? count : CHUNK_READINGS;
        memcpy(to, chunk->readings, here * sizeof *to);
        to += here;
        count -= here;
    }
}

uint64_t barrow_sampler_peak(const struct barrow_sampler *s)
{
    uint64_t highest = __atomic_load_n(&s->highest, __ATOMIC_RELAXED);
    uint64_t peak = __atomic_load_n(&s->last_peak, __ATOMIC_RELAXED);
    bool is_plain = s->measure == BARROW_MEASURE_rss && !s->descendants;

    return is_plain && peak > s->first_peak && peak > highest ? peak : highest;
}

void barrow_sampler_free(struct barrow_sampler *s)
{
    if (!s)
        return;
    barrow_sampler_stop(s);
    for (struct chunk *chunk = s->first, *next; chunk; chunk = next) {
        next = chunk->next;
        raw_munmap(chunk, CHUNK_BYTES);
    }
    free(s);
}
