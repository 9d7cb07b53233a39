#include "attach/remote.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "attach/call.h"
#include "attach/stop.h"

enum { INTERPRETERS = 1024, THREADS = 4096, WORD = 8 };

static bool has_support(const struct barrow_runtime *rt)
{
    return rt->layout.table_debugger != 0;
}

static void wait_ms(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* What is there now, not what was there at the first look. */
static uint64_t word_now(const struct barrow_remote *r, uint64_t address)
{
    uint64_t word = 0;
    return barrow_target_read(r->pid, address, &word, sizeof word) ? word : 0;
}

static uint32_t half_now(const struct barrow_remote *r, uint64_t address)
{
    uint32_t half = 0;
    return barrow_target_read(r->pid, address, &half, sizeof half) ? half : 0;
}

static bool put(const struct barrow_remote *r, uint64_t address, const void *from, size_t bytes)
{
    return barrow_target_write(r->pid, address, from, bytes);
}

static bool put_half(const struct barrow_remote *r, uint64_t address, uint32_t half)
{
    return put(r, address, &half, sizeof half);
}

static uint64_t main_interpreter(const struct barrow_remote *r)
{
    uint64_t at = r->runtime->interpreter;

    for (int i = 0; i < INTERPRETERS; i++) {
        uint64_t next = word_now(r, at + r->runtime->layout.next);
        if (!next)
            break;
        at = next;
    }
    return at;
}

/* ---- 3.14: the interpreter's own way ---- */

/* Where the interpreter says that such requests go, in its table of offsets. */
struct support {
    uint64_t breaker, support, enabled, pending, path, path_bytes;
};
enum { BREAKER_STOP = 1 << 5, FIELD_LIMIT = 1 << 24 };

static bool read_support(const struct barrow_remote *r, struct support *s)
{
    return barrow_target_read(r->pid, r->runtime->address + r->runtime->layout.table_debugger, s,
                              sizeof *s) &&
           s->breaker < FIELD_LIMIT && s->support < FIELD_LIMIT && s->enabled < FIELD_LIMIT &&
           s->pending < FIELD_LIMIT && s->path < FIELD_LIMIT && s->path_bytes < FIELD_LIMIT;
}

/* Every thread is asked: the one that runs first serves it. */
static int ask_threads(struct barrow_remote *r, const char *path, struct barrow_error *err)
{
    const struct barrow_layout *l = &r->runtime->layout;
    struct support s;
    uint64_t thread = word_now(r, r->interpreter + l->threads);

    if (!read_support(r, &s) || strlen(path) + 1 > s.path_bytes)
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "process %" PRIu32 ": its interpreter takes no such request", r->pid);
    if (!half_now(r, r->interpreter + s.enabled))
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "process %" PRIu32 " was started with remote debugging disabled "
                           "(PYTHON_DISABLE_REMOTE_DEBUG or -X disable-remote-debug)",
                           r->pid);
    for (int i = 0; i < THREADS && thread; i++) {
        uint64_t breaker = word_now(r, thread + s.breaker) | BREAKER_STOP;
        if (!put(r, thread + s.support + s.path, path, strlen(path) + 1) ||
            !put_half(r, thread + s.support + s.pending, 1) ||
            !put(r, thread + s.breaker, &breaker, sizeof breaker))
            return barrow_target_forbidden(r->pid, err);
        thread = word_now(r, thread + l->thread_next);
    }
    return 0;
}

static void unask_threads(const struct barrow_remote *r)
{
    const struct barrow_layout *l = &r->runtime->layout;
    struct support s;
    uint64_t thread = word_now(r, r->interpreter + l->threads);

    if (!read_support(r, &s))
        return;
    for (int i = 0; i < THREADS && thread; i++) {
        put_half(r, thread + s.support + s.pending, 0);
        thread = word_now(r, thread + l->thread_next);
    }
}

/* ---- a place for the words ---- */

/* The last page of a library's data is seldom full; what is left of it belongs to nobody.  Not so
 * of the dynamic linker, which gives it out, and of the program, behind which the heap may begin.
 */
static bool may_lend(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && strstr(slash, ".so") && strncmp(slash, "/ld-", 4) != 0;
}

static uint64_t end_of_data(struct barrow_memory *m, uint64_t start)
{
    enum { SEGMENTS = 64 };
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    uint64_t end = 0, bias = 0;
    bool placed = false;

    if (!barrow_memory_copy(m, start, &header, sizeof header) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return 0;
    for (uint64_t i = 0; i < header.e_phnum && i < SEGMENTS; i++) {
        if (!barrow_memory_copy(m, start + header.e_phoff + i * sizeof segment, &segment,
                                sizeof segment) ||
            segment.p_type != PT_LOAD)
            continue;
        if (!placed)
            bias = start - (segment.p_vaddr - segment.p_offset);
        placed = true;
        if (segment.p_flags & PF_W)
            end = bias + segment.p_vaddr + segment.p_memsz;
    }
    return end;
}

static bool is_unused(const struct barrow_remote *r, uint64_t from, uint64_t to)
{
    char bytes[4096];

    if (to - from > sizeof bytes || !barrow_target_read(r->pid, from, bytes, (size_t)(to - from)))
        return false;
    for (uint64_t i = 0; i < to - from; i++)
        if (bytes[i])
            return false;
    return true;
}

static int find_room(struct barrow_remote *r, struct barrow_error *err)
{
    enum { PAGE = 4096, DISTANCE = 64 };
    uint64_t needed = strlen(r->words) + 1;
    bool gnu = false;

    /* Other C libraries give the rest of such pages to malloc. */
    for (size_t i = 0; i < r->target->image_count; i++)
        gnu |= strstr(r->target->images[i].path, "/libc.so.6") != NULL ||
               strstr(r->target->images[i].path, "/libc-2.") != NULL;
    for (size_t i = 0; gnu && i < r->target->image_count; i++) {
        const struct barrow_image *image = &r->target->images[i];
        uint64_t end = may_lend(image->path) ? end_of_data(&r->target->memory, image->start) : 0;
        uint64_t from = (end + DISTANCE + WORD - 1) & ~(uint64_t)(WORD - 1);
        uint64_t to = (end + PAGE - 1) & ~(uint64_t)(PAGE - 1);
        const struct barrow_region *region = barrow_memory_region(&r->target->memory, end - 1);
        if (!end || from + needed > to || !region || !region->writable || region->end < to ||
            !is_unused(r, from, to))
            continue;
        r->code = from;
        r->code_room = to - from;
        return 0;
    }
    return barrow_fail(err, BARROW_E_UNSUPPORTED,
                       "process %" PRIu32 ": no place was found in it for the request", r->pid);
}

static int place_words(struct barrow_remote *r, struct barrow_error *err)
{
    if (r->code)
        return 0;
    if (find_room(r, err) < 0)
        return -1;
    return put(r, r->code, r->words, strlen(r->words) + 1) ? 0
                                                           : barrow_target_forbidden(r->pid, err);
}

/* ---- 3.11 to 3.13: the queue of calls ---- */

/* A semaphore that is 1 when free; from 3.13 on a byte that is 0. */
static bool queue_is_free(const struct barrow_remote *r, uint64_t queue)
{
    const struct barrow_layout *l = &r->runtime->layout;

    if (l->thread_breaker)
        return (half_now(r, queue + l->pending_lock) & 255) == 0;
    return half_now(r, word_now(r, queue + l->pending_lock)) == 1;
}

static bool signal_breakers(const struct barrow_remote *r)
{
    enum { BREAKER_CALLS = 1 << 2 };
    const struct barrow_layout *l = &r->runtime->layout;

    if (!l->thread_breaker)
        return put_half(r, r->interpreter + l->breaker, 1);
    uint64_t thread = word_now(r, r->interpreter + l->threads);
    for (int i = 0; i < THREADS && thread; i++) {
        uint64_t breaker = word_now(r, thread + l->thread_breaker) | BREAKER_CALLS;
        if (!put(r, thread + l->thread_breaker, &breaker, sizeof breaker))
            return false;
        thread = word_now(r, thread + l->thread_next);
    }
    return true;
}

/* With all threads stopped.  1: the queue is in use at this moment. */
static int enter_call(const struct barrow_remote *r, uint64_t function)
{
    const struct barrow_layout *l = &r->runtime->layout;
    uint64_t queue = r->interpreter + l->pending;
    uint32_t first = half_now(r, queue + l->pending_first);
    uint32_t next = half_now(r, queue + l->pending_next);
    uint32_t waiting = half_now(r, queue + l->pending_waiting);
    uint64_t call[3] = {function, r->code, 0}; /* from 3.13 on it has flags */

    if (first >= l->pending_room || next >= l->pending_room || first != next || waiting ||
        l->pending_each > sizeof call || !queue_is_free(r, queue))
        return 1;
    bool ok = put(r, queue + l->pending_calls + next * l->pending_each, call, l->pending_each) &&
              put_half(r, queue + l->pending_next, (next + 1) % l->pending_room) &&
              put_half(r, queue + l->pending_waiting, 1) && signal_breakers(r);
    return ok ? 0 : -1;
}

/* Takes the call back if it still waits, and no other does. */
static void leave_queue(const struct barrow_remote *r)
{
    const struct barrow_layout *l = &r->runtime->layout;
    uint64_t queue = r->interpreter + l->pending, nothing[3] = {0};
    struct barrow_stop stop;

    if (barrow_stop_begin(&stop, r->pid, NULL) < 0)
        return;
    uint32_t first = half_now(r, queue + l->pending_first);
    uint32_t next = half_now(r, queue + l->pending_next);
    uint64_t call = queue + l->pending_calls + (uint64_t)first * l->pending_each;
    if (first < l->pending_room && next == (first + 1) % l->pending_room &&
        queue_is_free(r, queue) && word_now(r, call + WORD) == r->code) {
        put(r, call, nothing, l->pending_each);
        put_half(r, queue + l->pending_next, first);
        put_half(r, queue + l->pending_waiting, 0);
    }
    barrow_stop_end(&stop);
}

static int ask_queue(struct barrow_remote *r, struct barrow_error *err)
{
    enum { TRIES = 50, MS = 10 };
    uint64_t function = barrow_symbol_find(r->target, "PyRun_SimpleString");

    if (!function)
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "process %" PRIu32 ": its interpreter exports no functions", r->pid);
    if (place_words(r, err) < 0)
        return -1;
    for (int i = 0; i < TRIES; i++) {
        struct barrow_stop stop;
        if (barrow_stop_begin(&stop, r->pid, err) < 0)
            return -1;
        int rc = enter_call(r, function);
        barrow_stop_end(&stop);
        if (rc < 0)
            return barrow_target_forbidden(r->pid, err);
        if (rc == 0)
            return 0;
        wait_ms(MS);
    }
    return barrow_fail(err, BARROW_E_IO,
                       "process %" PRIu32 ": its interpreter's queue of calls is never free; "
                       "try again",
                       r->pid);
}

/* ---- threads that wait ---- */

/* The thread whose state this is may wait for the interpreter's lock without waiting for itself, or
 * for somebody who would have served the request if he were to let it go. */
static bool may_lock(const struct barrow_remote *r, uint64_t state)
{
    const struct barrow_layout *l = &r->runtime->layout;
    bool is_311 = r->runtime->version >> 16 == 0x030b; /* only its main thread serves requests */
    uint64_t gil = is_311 ? r->runtime->address + l->gil : word_now(r, r->interpreter + l->gil);

    if (half_now(r, gil + l->gil_locked) == 0)
        return true;
    return is_311 && word_now(r, gil + l->gil_holder) != state;
}

/* The main thread, then the others that run Python. */
static bool find_waiting(const struct barrow_remote *r, struct barrow_call *call)
{
    const struct barrow_layout *l = &r->runtime->layout;

    for (int others = 0; others < 2; others++) {
        uint64_t state = word_now(r, r->interpreter + l->threads);
        for (int i = 0; i < THREADS && state; i++) {
            pid_t thread = (pid_t)word_now(r, state + l->native_id);
            if (thread > 0 && (thread != (pid_t)r->pid) == others && may_lock(r, state) &&
                barrow_call_begin(call, r->pid, thread))
                return true;
            state = word_now(r, state + l->thread_next);
        }
    }
    return false;
}

/* PyGILState_Ensure(), the words, PyGILState_Release(). */
int barrow_remote_urge(struct barrow_remote *r)
{
    uint64_t ensure = barrow_symbol_find(r->target, "PyGILState_Ensure");
    uint64_t run = barrow_symbol_find(r->target, "PyRun_SimpleString");
    uint64_t release = barrow_symbol_find(r->target, "PyGILState_Release");
    struct barrow_call call;
    uint64_t state, ignored;

    if (!ensure || !run || !release || place_words(r, NULL) < 0 || !find_waiting(r, &call))
        return 1;
    if (barrow_call_make(&call, ensure, 0, &state)) {
        barrow_call_make(&call, run, r->code, &ignored);
        barrow_call_make(&call, release, state & 0xffffffffu, &ignored);
    }
    barrow_call_end(&call);
    return 0;
}

/* ---- asking ---- */

int barrow_remote_begin(struct barrow_remote *r, struct barrow_target *target,
                        const struct barrow_runtime *rt, const char *path, struct barrow_error *err)
{
    *r = (struct barrow_remote){.pid = target->pid, .target = target, .runtime = rt};
    if (strlen(path) >= BARROW_REMOTE_PATH_ROOM || strpbrk(path, "'\"\\\n"))
        return barrow_fail(err, BARROW_E_USAGE, "%.200s: a path that can't be handed over", path);
    snprintf(r->words, sizeof r->words, "exec(\"with open('%s') as f: exec(f.read())\",{})", path);
    r->interpreter = main_interpreter(r);
    return has_support(rt) ? ask_threads(r, path, err) : ask_queue(r, err);
}

void barrow_remote_end(struct barrow_remote *r)
{
    char nothing[sizeof r->words] = {0};

    if (!r->pid)
        return;
    if (has_support(r->runtime))
        unask_threads(r);
    else
        leave_queue(r);
    /* A call that is queued all the same then runs nothing. */
    if (r->code)
        put(r, r->code, nothing, strlen(r->words) + 1);
    r->pid = 0;
}
