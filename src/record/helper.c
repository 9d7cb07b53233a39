/* The helper thread: samples, checkpoints, a coarse clock, and space for tables ahead of need.
 *
 * It has a descriptor table of its own, so the program never sees a descriptor of barrow's and the
 * lowest free number is always the one the program expects.  It blocks all signals, allocates
 * nothing, and ends before a fork: interpreters from 3.12 on warn about forking with threads.
 * After a fork it comes back once the call of fork has returned to Python code (hooks only, in
 * barrow_stack_slow), or a second later.
 */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "record/checkpoint.h"
#include "record/helper.h"
#include "record/hot.h"
#include "record/process.h"
#include "record/trigger.h"

#define FIRST_INTERVAL_NS 10000000ull
#define SAMPLE_LIMIT 4096u
#define RETURN_NS 1000000000ull
#define STACK_BYTES (128 << 10)
#define PSS_LIMIT (256ull << 20)
#define LARGEST_TOUCH (4ull << 20)

static pthread_t thread;
static int thread_tid;
static bool running;
static uint32_t stop_word; /* a futex */
static int statm_fd = -1, pss_fd = -1;
static long page_bytes;

/* ---- samples ---- */

static uint64_t next_number(const char **text)
{
    uint64_t number = 0;
    while (**text == ' ')
        (*text)++;
    for (; **text >= '0' && **text <= '9'; (*text)++)
        number = number * 10 + (uint64_t)(**text - '0');
    return number;
}

/* Resident bytes, and those of files and shared memory among them; 0 if they can't be read. */
static uint64_t read_statm(int fd, uint64_t *file_bytes)
{
    char text[128];
    long n = fd < 0 ? fd : BARROW_RAW(SYS_pread64, fd, text, sizeof text - 1, 0);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    const char *at = text;
    next_number(&at); /* of address space */
    uint64_t pages = next_number(&at);
    *file_bytes = next_number(&at) * (uint64_t)page_bytes;
    return pages * (uint64_t)page_bytes;
}

/* The same for a thread whose descriptors are the program's. */
static uint64_t read_rss(uint64_t *file_bytes)
{
    int fd = raw_open("/proc/self/statm", O_RDONLY, 0);
    uint64_t rss = read_statm(fd, file_bytes);
    if (fd >= 0)
        raw_close(fd);
    return rss;
}

uint64_t barrow_resident_bytes(void)
{
    uint64_t file_bytes;
    return read_rss(&file_bytes);
}

/* Proportional resident bytes, where that is cheap: the kernel walks all of the process's pages for
 * it and keeps new mappings waiting.  At most once a second, in small processes, and not again if
 * it took long.  0: not measured. */
static uint64_t read_pss(uint64_t now, uint64_t rss)
{
    static uint64_t next, recording;
    char text[1024];
    if (recording != barrow_recorder.start_ns) {
        recording = barrow_recorder.start_ns;
        next = 0;
    }
    if (pss_fd < 0 || now < next || rss > PSS_LIMIT)
        return 0;
    uint64_t start = raw_monotonic_ns();
    long n = BARROW_RAW(SYS_pread64, pss_fd, text, sizeof text - 1, 0);
    uint64_t took = raw_monotonic_ns() - start;
    next = now + (took * 500 > 1000000000ull ? took * 500 : 1000000000ull);
    text[n > 0 ? n : 0] = '\0';
    const char *at = strstr(text, "\nPss:");
    uint64_t kib = 0;
    for (at = at ? at + 5 : ""; *at == ' '; at++)
        continue;
    for (; *at >= '0' && *at <= '9'; at++)
        kib = kib * 10 + (uint64_t)(*at - '0');
    return kib * 1024;
}

/* Drops every second sample in place: record i becomes record 2i.  A reader that looks on, or a
 * kill in the middle, finds some samples twice. */
static void thin_samples(struct ledger_state *state, struct ledger_sample *samples)
{
    uint64_t half = state->used[LEDGER_SAMPLES] / 2;
    for (uint64_t i = 1; i < half; i++)
        samples[i] = samples[2 * i];
    __atomic_store_n(&state->used[LEDGER_SAMPLES], half, __ATOMIC_RELEASE);
    state->sample_interval_ns *= 2;
}

/* The most resident memory since the recording began.  The kernel's own maximum is exact between
 * samples, but counts from the process's birth, and outlives exec: what the program was started
 * from may have been larger than it ever is.  So it counts only once it has risen. */
static uint64_t highest_rss(const struct rusage *usage, uint64_t rss)
{
    static uint64_t recording, earlier, sampled;
    uint64_t highest = (uint64_t)usage->ru_maxrss * 1024;
    if (recording != barrow_recorder.start_ns) {
        recording = barrow_recorder.start_ns;
        earlier = highest;
        sampled = 0;
    }
    if (rss > sampled)
        sampled = rss;
    return highest > earlier && highest > sampled ? highest : sampled;
}

static void take_sample(uint64_t now)
{
    struct recorder *r = &barrow_recorder;
    struct ledger_state *state = r->state;
    struct ledger_sample *samples = (struct ledger_sample *)r->writer.tables[LEDGER_SAMPLES].base;
    struct rusage usage = {0};
    uint64_t capacity = r->writer.tables[LEDGER_SAMPLES].capacity;
    if (state->used[LEDGER_SAMPLES] >= (capacity < SAMPLE_LIMIT ? capacity : SAMPLE_LIMIT))
        thin_samples(state, samples);
    uint64_t file_bytes = 0;
    uint64_t rss = statm_fd >= 0 ? read_statm(statm_fd, &file_bytes) : read_rss(&file_bytes);
    if (!rss) {
        state->dropped[LEDGER_DROP_lost_samples]++;
        return;
    }
    getrusage(RUSAGE_SELF, &usage);
    int64_t live = live_total(state);
    uint64_t collections = 0;
    for (int g = 0; g < LEDGER_GC_GENERATIONS; g++)
        collections += state->gc[g].collections;
    samples[state->used[LEDGER_SAMPLES]] = (struct ledger_sample){
        .time_ns = now,
        .rss_bytes = rss,
        .pss_bytes = read_pss(now, rss),
        .heap_bytes = live > 0 ? (uint64_t)live : 0,
        .minor_faults = (uint64_t)usage.ru_minflt,
        .major_faults = (uint64_t)usage.ru_majflt,
        .gc_collections = collections,
        .threads = (uint32_t)state->threads,
        .file_pages = (uint32_t)(file_bytes / 4096),
    };
    state->max_rss_bytes = highest_rss(&usage, rss);
    __atomic_store_n(&state->used[LEDGER_SAMPLES], state->used[LEDGER_SAMPLES] + 1,
                     __ATOMIC_RELEASE);
}

void barrow_helper_take_last(void)
{
    struct recorder *r = &barrow_recorder;
    r->state->now_ns = barrow_now();
    take_sample(r->state->now_ns);
    barrow_checkpoint_take(r->state->now_ns);
}

/* ---- the thread ---- */

/* Touches the pages that a table will fill next, so that the program's threads need not wait for
 * the file system at the first store into each: four times what was filled since the last look. */
static void touch_ahead(const struct ledger_table *t, uint64_t used, uint64_t *seen,
                        uint64_t *touched)
{
    uint64_t at = used * t->record_bytes, ahead = (at - *seen) * 4;
    *seen = at;
    if (ahead > LARGEST_TOUCH)
        ahead = LARGEST_TOUCH;
    uint64_t end = (at + ahead) & ~4095ull,
             start = *touched > at ? *touched : (at + 4095) & ~4095ull;
    if (end > t->mapped_bytes)
        end = t->mapped_bytes;
    if (end <= start)
        return;
    BARROW_RAW(SYS_madvise, t->base + start, end - start, 23 /* MADV_POPULATE_WRITE */);
    *touched = end;
}

static void grow_ahead(void)
{
    static const enum ledger_kind kinds[] = {LEDGER_STRINGS, LEDGER_CODES, LEDGER_NODES,
                                             LEDGER_SITES, LEDGER_SITE_INFO};
    static struct {
        uint64_t seen, touched;
    } tables[sizeof kinds / sizeof kinds[0]];
    struct ledger_writer *w = &barrow_recorder.writer;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct ledger_table *t = &w->tables[kinds[i]];
        uint64_t used = w->state->used[kinds[i]];
        if (used * t->record_bytes < tables[i].seen)
            tables[i].seen = tables[i].touched = 0; /* another recording */
        if ((t->capacity - used) * t->record_bytes < t->extent_bytes / 2)
            ledger_grow(w, kinds[i], t->capacity + 1);
        touch_ahead(t, used, &tables[i].seen, &tables[i].touched);
    }
    if (w->failure)
        barrow_recorder_out_of_space();
}

/* An empty descriptor table of our own, then the two files we need. */
static void open_files(void)
{
    struct ledger_writer *w = &barrow_recorder.writer;
    if (w->backing == LEDGER_MEMORY)
        return; /* its descriptor is in the program's table */
#ifdef SYS_close_range
    if (BARROW_RAW(SYS_close_range, 0, ~0u, 2 /* CLOSE_RANGE_UNSHARE */) != 0)
        return;
    bool is_temporary;
    w->helper_tid = raw_gettid();
    int fd = ledger_open_own_file(w, &is_temporary);
    if (fd >= 0)
        w->helper_fd = fd;
    statm_fd = raw_open("/proc/self/statm", O_RDONLY, 0);
    pss_fd = raw_open("/proc/self/smaps_rollup", O_RDONLY, 0);
#endif
}

/* Whether all of the program's threads have ended, its first one before the others.  A process
 * lives until its last thread ends, which then calls exit(): now that is this one.  (The first
 * thread stays in the list as a zombie.) */
static bool is_last_thread(void)
{
    char entries[1024];
    if (!__atomic_load_n(&barrow_recorder.main_gone, __ATOMIC_ACQUIRE))
        return false;
    int fd = raw_open("/proc/self/task", O_RDONLY | O_DIRECTORY, 0), count = 0;
    if (fd < 0)
        return false;
    long n = BARROW_RAW(SYS_getdents64, fd, entries, sizeof entries);
    for (long at = 0; at < n; at += *(uint16_t *)(entries + at + 16))
        count += entries[at + 19] != '.'; /* d_reclen lies at 16, d_name at 19 */
    raw_close(fd);
    return count == 2;
}

static void *run(void *unused)
{
    struct recorder *r = &barrow_recorder;
    uint64_t next_sample = 0, next_checkpoint = 0;
    (void)unused;
    __atomic_store_n(&thread_tid, raw_gettid(), __ATOMIC_RELEASE);
    barrow_thread_exempt();
    open_files();
    while (!__atomic_load_n(&stop_word, __ATOMIC_ACQUIRE)) {
        uint64_t now = barrow_now();
        r->state->now_ns = now;
        if (is_last_thread()) {
            barrow_helper_take_last();
            barrow_process_on_last_thread();
            break;
        }
        grow_ahead();
        if (now >= next_sample) {
            take_sample(now);
            next_sample = now + r->state->sample_interval_ns;
        }
        if (now >= next_checkpoint) {
            barrow_checkpoint_take(now);
            next_checkpoint = now + r->state->checkpoint_interval_ns;
        }
        uint64_t pause = r->state->sample_interval_ns;
        if (pause > 100000000ull)
            pause = 100000000ull; /* so that tables still grow ahead */
        if (r->main_gone)
            pause = 5000000ull; /* not to keep the process waiting for its end */
        pause = barrow_triggers_poll(pause);
        struct timespec wait = {0, (long)pause};
        BARROW_RAW(SYS_futex, &stop_word, FUTEX_WAIT_PRIVATE, 0, &wait, NULL, 0);
    }
    r->writer.helper_fd = -1;
    r->writer.helper_tid = 0;
    statm_fd = pss_fd = -1; /* closed with the descriptor table */
    return NULL;
}

int barrow_helper_start(void)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    struct barrow_thread *t = barrow_enter();
    stop_word = 0;
    page_bytes = sysconf(_SC_PAGESIZE);
    if (!barrow_recorder.state->sample_interval_ns)
        barrow_recorder.state->sample_interval_ns = FIRST_INTERVAL_NS;
    if (!barrow_recorder.state->checkpoint_interval_ns)
        barrow_recorder.state->checkpoint_interval_ns = 25 * FIRST_INTERVAL_NS;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    running = pthread_create(&thread, &attributes, run, NULL) == 0;
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (t)
        barrow_leave(t);
    return running ? 0 : -1;
}

void barrow_helper_stop(void)
{
    if (!running)
        return;
    struct barrow_thread *t = barrow_enter();
    __atomic_store_n(&stop_word, 1, __ATOMIC_RELEASE);
    BARROW_RAW(SYS_futex, &stop_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    pthread_join(thread, NULL);
    /* Joined is not gone: for a moment the kernel still counts it among the process's threads, and
     * interpreters that warn of forking with threads would see it. */
    for (int i = 0; i < 10000 && BARROW_RAW(SYS_tgkill, raw_getpid(), thread_tid, 0) == 0; i++)
        BARROW_RAW(SYS_sched_yield);
    running = false;
    if (t)
        barrow_leave(t);
}

/* ---- coming back after a fork ---- */

void barrow_helper_fork_begins(void)
{
    struct recorder *r = &barrow_recorder;
    struct barrow_thread *t = barrow_enter();
    bool holds_lock;
    PyThreadState *state = t ? barrow_thread_state(t, &holds_lock) : NULL;
    r->fork_thread = NULL;
    if (state && stack_leaf(t, state) && t->depth > 0) {
        r->fork_thread = t;
        r->fork_level = t->top;
        r->fork_frame = t->levels[t->top].frame;
        r->fork_instruction = t->levels[t->top].instruction;
    }
    if (t)
        barrow_leave(t);
}

void barrow_helper_wanted(void)
{
    struct recorder *r = &barrow_recorder;
    r->fork_ns = raw_monotonic_ns();
    __atomic_add_fetch(&r->generation, 1, __ATOMIC_RELEASE); /* sends captures the slow way */
}

/* True while thread `t` can't have left the call of fork: its frame still stands at it. */
static bool is_in_fork(const struct barrow_thread *t)
{
    const struct recorder *r = &barrow_recorder;
    return t->depth > r->fork_level && t->levels[r->fork_level].frame == r->fork_frame &&
           t->levels[r->fork_level].instruction == r->fork_instruction;
}

void barrow_helper_maybe_return(struct barrow_thread *t)
{
    struct recorder *r = &barrow_recorder;
    bool is_due = raw_monotonic_ns() - r->fork_ns > RETURN_NS;
    if (t == r->fork_thread && !is_in_fork(t))
        is_due = true;
    if (!is_due || t->in_native || !__atomic_exchange_n(&r->fork_ns, 0, __ATOMIC_ACQ_REL))
        return;
    int error = errno; /* the program's */
    barrow_helper_start();
    errno = error;
}
