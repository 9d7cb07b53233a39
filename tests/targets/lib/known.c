/* known: a Python module whose every call makes exactly the allocations its name says.
 *
 * A block lives in a numbered slot from the call that makes it until free(slot).  No function
 * here allocates a Python object (arguments come by vectorcall, results are None, True or False),
 * so what a line of a target allocates is what it asks of this module, on every Python version.
 * Must be compiled with -fno-builtin: a compiler may drop malloc/free pairs that it understands.
 *
 * All families, and which call of theirs frees a block, are in one list: ALLOCATORS.
 * The functions that need more than one call to the allocator follow it one by one.
 */
#define _GNU_SOURCE
#include <Python.h>

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#define SLOTS 70000

enum release { BY_FREE, BY_RAW, BY_MEM, BY_OBJ, BY_MUNMAP };

static struct slot {
    void *p;
    size_t bytes; /* of a mapping */
    enum release release;
} slots[SLOTS];

static atomic_long next_leak = SLOTS / 2; /* slots above are for blocks that nobody frees */

/* Reads up to four non-negative integers; missing ones are 0. */
static int numbers(PyObject *const *args, Py_ssize_t nargs, size_t out[4])
{
    for (int i = 0; i < 4; i++) {
        out[i] = 0;
        if (i >= nargs)
            continue;
        out[i] = PyLong_AsSize_t(args[i]);
        if (out[i] == (size_t)-1 && PyErr_Occurred())
            return -1;
    }
    return 0;
}

static struct slot *slot_of(size_t index)
{
    if (index < SLOTS)
        return &slots[index];
    PyErr_SetString(PyExc_IndexError, "no such slot");
    return NULL;
}

static void *by_posix_memalign(size_t alignment, size_t bytes)
{
    void *p = NULL;
    return posix_memalign(&p, alignment, bytes) == 0 ? p : NULL;
}

/* A copy of a string of `length` characters: length + 1 bytes. */
static void *by_strdup(size_t length)
{
    static char text[4096];
    memset(text, 'x', length);
    text[length] = 0;
    return strdup(text);
}

static void *by_strndup(size_t length)
{
    static char text[4096];
    memset(text, 'x', sizeof text);
    return strndup(text, length);
}

static FILE *lines;

/* glibc's getline gives a line of less than 120 bytes a buffer of 120. */
static void *by_getline(void)
{
    char *line = NULL;
    size_t room = 0;
    return lines && getline(&line, &room, lines) > 0 ? line : NULL;
}

static void *map(size_t bytes, int protection, int flags, int fd)
{
    void *p = mmap(NULL, bytes, protection, flags, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void *map_file(size_t bytes)
{
    int fd = memfd_create("known", 0);
    if (fd < 0 || ftruncate(fd, (off_t)bytes))
        return NULL;
    void *p = map(bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    close(fd);
    return p;
}

/* X(name, how it is freed, the call; `a`, `b` are its numbers, `old` is the slot's block).
 * Where the call gives NULL the slot stays as it is. */
#define RW (PROT_READ | PROT_WRITE)
#define ALLOCATORS(X)                                                        \
    X(malloc, BY_FREE, malloc(a))                                            \
    X(calloc, BY_FREE, calloc(a, b))                                         \
    X(realloc, BY_FREE, realloc(old, a))                                     \
    X(reallocarray, BY_FREE, reallocarray(old, a, b))                        \
    X(posix_memalign, BY_FREE, by_posix_memalign(a, b))                      \
    X(aligned_alloc, BY_FREE, aligned_alloc(a, b))                           \
    X(memalign, BY_FREE, memalign(a, b))                                     \
    X(valloc, BY_FREE, valloc(a))                                            \
    X(pvalloc, BY_FREE, pvalloc(a))                                          \
    X(strdup, BY_FREE, by_strdup(a))                                         \
    X(strndup, BY_FREE, by_strndup(a))                                       \
    X(getline, BY_FREE, by_getline())                                        \
    X(raw_malloc, BY_RAW, PyMem_RawMalloc(a))                                \
    X(raw_calloc, BY_RAW, PyMem_RawCalloc(a, b))                             \
    X(raw_realloc, BY_RAW, PyMem_RawRealloc(old, a))                         \
    X(mem_malloc, BY_MEM, PyMem_Malloc(a))                                   \
    X(mem_calloc, BY_MEM, PyMem_Calloc(a, b))                                \
    X(mem_realloc, BY_MEM, PyMem_Realloc(old, a))                            \
    X(obj_malloc, BY_OBJ, PyObject_Malloc(a))                                \
    X(obj_calloc, BY_OBJ, PyObject_Calloc(a, b))                             \
    X(obj_realloc, BY_OBJ, PyObject_Realloc(old, a))                         \
    X(mmap, BY_MUNMAP, map(a, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1))          \
    X(mmap_shared, BY_MUNMAP, map(a, RW, MAP_SHARED | MAP_ANONYMOUS, -1))    \
    X(mmap_none, BY_MUNMAP, map(a, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1)) \
    X(mmap_file, BY_MUNMAP, map_file(a))

#define X(name, how, call)                                                              \
    static PyObject *known_##name(PyObject *self, PyObject *const *args, Py_ssize_t nargs) \
    {                                                                                   \
        (void)self;                                                                     \
        size_t n[4];                                                                    \
        if (numbers(args, nargs, n))                                                    \
            return NULL;                                                                \
        struct slot *slot = slot_of(n[0]);                                              \
        if (!slot)                                                                      \
            return NULL;                                                                \
        size_t a = n[1], b = n[2];                                                      \
        void *old = slot->p;                                                            \
        (void)a, (void)b, (void)old;                                                    \
        void *p = call;                                                                 \
        if (!p)                                                                         \
            Py_RETURN_FALSE;                                                            \
        *slot = (struct slot){p, a, how};                                               \
        Py_RETURN_TRUE;                                                                 \
    }
ALLOCATORS(X)
#undef X

static void release(struct slot *slot)
{
    void *p = slot->p;
    slot->p = NULL;
    switch (slot->release) {
    case BY_FREE: free(p); break;
    case BY_RAW: PyMem_RawFree(p); break;
    case BY_MEM: PyMem_Free(p); break;
    case BY_OBJ: PyObject_Free(p); break;
    case BY_MUNMAP: munmap(p, slot->bytes); break;
    }
}

static PyObject *known_free(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    size_t n[4];
    struct slot *slot = numbers(args, nargs, n) ? NULL : slot_of(n[0]);
    if (!slot)
        return NULL;
    release(slot);
    Py_RETURN_NONE;
}

/* leak(n): malloc(n) that nobody frees. */
static PyObject *known_leak(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    size_t n[4];
    if (numbers(args, nargs, n))
        return NULL;
    slots[atomic_fetch_add(&next_leak, 1) % (SLOTS / 2) + SLOTS / 2].p = malloc(n[0]);
    Py_RETURN_NONE;
}

/* realloc_zero(slot): glibc's realloc(p, 0) frees p and gives NULL. */
static PyObject *known_realloc_zero(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    size_t n[4];
    struct slot *slot = numbers(args, nargs, n) ? NULL : slot_of(n[0]);
    if (!slot)
        return NULL;
    slot->p = realloc(slot->p, n[1]);
    return PyBool_FromLong(slot->p != NULL);
}

/* open_lines(): makes the FILE that getline(slot) reads, so that its buffers are not getline's. */
static PyObject *known_open_lines(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self, (void)args, (void)nargs;
    static char buffer[4096];
    int fd = memfd_create("lines", 0);
    if (fd < 0 || write(fd, "a line\n", 7) != 7 || lseek(fd, 0, SEEK_SET) || !(lines = fdopen(fd, "r")))
        return PyErr_SetFromErrno(PyExc_OSError);
    setvbuf(lines, buffer, _IOFBF, sizeof buffer);
    Py_RETURN_NONE;
}

/* pairs(count, n): count times malloc(n) and free, without the interpreter lock. */
static PyObject *known_pairs(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    size_t n[4];
    if (numbers(args, nargs, n))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    for (size_t i = 0; i < n[0]; i++)
        free(malloc(n[1]));
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

/* crossed(n): three blocks, freed in the order they were made:
 * two, one and no allocations between making and freeing them. */
static PyObject *known_crossed(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    size_t n[4];
    if (numbers(args, nargs, n))
        return NULL;
    void *a = malloc(n[0]), *b = malloc(n[0]), *c = malloc(n[0]);
    free(a);
    free(b);
    free(c);
    Py_RETURN_NONE;
}

/* grow(slot, steps, n): realloc to n, 2n, ... steps*n bytes in one call. */
static PyObject *known_grow(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    size_t n[4];
    struct slot *slot = numbers(args, nargs, n) ? NULL : slot_of(n[0]);
    if (!slot)
        return NULL;
    slot->release = BY_FREE;
    for (size_t i = 1; i <= n[1]; i++)
        slot->p = realloc(slot->p, i * n[2]);
    Py_RETURN_NONE;
}

/* ---- mappings ---- */

/* munmap(slot, offset, length): of any sub-range; the slot keeps its start. */
static PyObject *known_munmap(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    size_t n[4];
    struct slot *slot = numbers(args, nargs, n) ? NULL : slot_of(n[0]);
    if (!slot)
        return NULL;
    if (munmap((char *)slot->p + n[1], n[2]))
        return PyErr_SetFromErrno(PyExc_OSError);
    Py_RETURN_NONE;
}

/* mmap_fixed(slot, offset, length): a new mapping over a part of the slot's. */
static PyObject *known_mmap_fixed(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    size_t n[4];
    struct slot *slot = numbers(args, nargs, n) ? NULL : slot_of(n[0]);
    if (!slot)
        return NULL;
    if (mmap((char *)slot->p + n[1], n[2], RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
        MAP_FAILED)
        return PyErr_SetFromErrno(PyExc_OSError);
    Py_RETURN_NONE;
}

static PyObject *known_mremap(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    size_t n[4];
    struct slot *slot = numbers(args, nargs, n) ? NULL : slot_of(n[0]);
    if (!slot)
        return NULL;
    void *p = mremap(slot->p, slot->bytes, n[1], MREMAP_MAYMOVE);
    if (p == MAP_FAILED)
        return PyErr_SetFromErrno(PyExc_OSError);
    slot->p = p;
    slot->bytes = n[1];
    Py_RETURN_NONE;
}

/* ---- threads that Python does not know ---- */

struct work {
    size_t count, bytes, index;
    pthread_key_t key;
};

/* Starts `threads` threads of `body`, without the interpreter lock, and waits for them. */
static PyObject *in_threads(size_t threads, struct work *work, void *(*body)(void *))
{
    pthread_t ids[256];
    struct work each[256];
    if (threads > 256)
        threads = 256;
    Py_BEGIN_ALLOW_THREADS
    for (size_t i = 0; i < threads; i++) {
        each[i] = *work;
        each[i].index = i;
        pthread_create(&ids[i], NULL, body, &each[i]);
    }
    for (size_t i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static void *race_body(void *arg)
{
    struct work *w = arg;
    for (size_t i = 0; i < w->count; i++)
        free(malloc(w->bytes));
    slots[100 + w->index] = (struct slot){malloc(w->bytes), w->bytes, BY_FREE};
    return NULL;
}

/* race(threads, count, n): each thread count pairs and one block that stays, in slot 100+thread. */
static PyObject *known_race(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    size_t n[4];
    if (numbers(args, nargs, n))
        return NULL;
    return in_threads(n[0], &(struct work){.count = n[1], .bytes = n[2]}, race_body);
}

static void exit_destructor(void *value)
{
    size_t slot = (size_t)value;
    slots[slot] = (struct slot){malloc(slots[slot].bytes), slots[slot].bytes, BY_FREE};
}

static void *exit_body(void *arg)
{
    struct work *w = arg;
    slots[100 + w->index].bytes = w->bytes;
    pthread_setspecific(w->key, (void *)(100 + w->index));
    return NULL;
}

/* at_thread_exit(threads, n): each thread's key destructor makes a block, in slot 100+thread. */
static PyObject *known_at_thread_exit(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    size_t n[4];
    if (numbers(args, nargs, n))
        return NULL;
    struct work work = {.bytes = n[1]};
    pthread_key_create(&work.key, exit_destructor);
    PyObject *result = in_threads(n[0], &work, exit_body);
    pthread_key_delete(work.key);
    return result;
}

#define RING 64
static _Atomic(void *) ring[RING];

static void *handoff_body(void *arg)
{
    struct work *w = arg;
    for (size_t i = 0; i < w->count; i++) {
        if (w->index == 0) {
            void *p = malloc(w->bytes), *none = NULL;
            while (!atomic_compare_exchange_weak(&ring[i % RING], &none, p))
                none = NULL, sched_yield();
        } else {
            void *p;
            while (!(p = atomic_exchange(&ring[i % RING], NULL)))
                sched_yield();
            free(p);
        }
    }
    return NULL;
}

/* handoff(count, n): one thread makes count blocks, another frees them at the same time. */
static PyObject *known_handoff(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    size_t n[4];
    if (numbers(args, nargs, n))
        return NULL;
    return in_threads(2, &(struct work){.count = n[0], .bytes = n[1]}, handoff_body);
}

/* ---- signals, the end of the process ---- */

static struct {
    size_t slot, bytes;
    volatile sig_atomic_t handled;
} in_handler;

static void malloc_handler(int signal)
{
    (void)signal;
    slots[in_handler.slot] = (struct slot){malloc(in_handler.bytes), in_handler.bytes, BY_FREE};
}

/* in_signal(slot, n): malloc(n) in a signal handler that interrupts nothing. */
static PyObject *known_in_signal(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    size_t n[4];
    if (numbers(args, nargs, n) || !slot_of(n[0]))
        return NULL;
    in_handler.slot = n[0];
    in_handler.bytes = n[1];
    signal(SIGUSR2, malloc_handler);
    raise(SIGUSR2);
    Py_RETURN_NONE;
}

static void mmap_handler(int signal)
{
    (void)signal;
    void *p = mmap(NULL, 4096, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p != MAP_FAILED) {
        munmap(p, 4096);
        in_handler.handled++;
    }
}

/* timer(us): from now on a handler maps and unmaps a page every `us` microseconds; 0: no more. */
static PyObject *known_timer(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    size_t n[4];
    if (numbers(args, nargs, n))
        return NULL;
    struct timeval every = {0, (suseconds_t)n[0]};
    if (n[0])
        signal(SIGALRM, mmap_handler);
    setitimer(ITIMER_REAL, &(struct itimerval){every, every}, NULL);
    Py_RETURN_NONE;
}

static PyObject *known_handled(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self, (void)args, (void)nargs;
    return PyLong_FromLong(in_handler.handled);
}

static void at_end(void)
{
    free(slots[0].p);
    slots[1].p = realloc(malloc(20000000), 50000000);
    PyMem_RawFree(PyMem_RawMalloc(100));
}

/* at_exit(): allocates and frees after the interpreter is gone. */
static PyObject *known_at_exit(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self, (void)args, (void)nargs;
    atexit(at_end);
    Py_AtExit(at_end);
    slots[0] = (struct slot){NULL, 0, BY_FREE};
    Py_RETURN_NONE;
}

static PyObject *known_crash(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self, (void)args, (void)nargs;
    *(volatile int *)16 = 1;
    Py_RETURN_NONE;
}

/* ---- the oracle: an account in a shared file that outlives SIGKILL ---- */

/* Of one thread.  `begun` is bumped before the call into the allocator, `done` after it. */
struct account {
    volatile uint64_t begun_allocs, done_allocs, begun_bytes, done_bytes;
    volatile uint64_t begun_frees, done_frees, begun_freed_bytes, done_freed_bytes;
};

struct family {
    void *(*get)(size_t);
    void *(*resize)(void *, size_t);
    void (*put)(void *);
    bool locked; /* called with the interpreter lock */
};
static const struct family families[] = {
    {malloc, realloc, free, false},
    {PyObject_Malloc, PyObject_Realloc, PyObject_Free, true},
    {PyMem_Malloc, PyMem_Realloc, PyMem_Free, true},
};

#define BEGIN(what, amount) (account->begun_##what += (amount))
#define DONE(what, amount) (account->done_##what += (amount))
#define fence() atomic_signal_fence(memory_order_seq_cst)

static void account_event(struct account *account, const struct family *f, void **p, size_t *size,
                          size_t want)
{
    bool frees = *p, allocs = !*p || want;
    if (frees)
        BEGIN(frees, 1), BEGIN(freed_bytes, *size);
    if (allocs)
        BEGIN(allocs, 1), BEGIN(bytes, want);
    fence();
    if (!*p)
        *p = f->get(want);
    else if (want)
        *p = f->resize(*p, want);
    else
        f->put(*p), *p = NULL;
    fence();
    if (frees)
        DONE(frees, 1), DONE(freed_bytes, *size);
    if (allocs)
        DONE(allocs, 1), DONE(bytes, want);
    *size = want;
}

static void account_events(struct account *account, const struct family *f, uint64_t seed,
                           size_t events)
{
    static __thread void *blocks[64];
    static __thread size_t sizes[64];
    for (size_t i = 0; i < events; i++) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        size_t at = seed >> 58, want = (seed >> 20) % 3000 + 1;
        bool shrink = blocks[at] && (seed >> 50 & 3); /* a quarter of the hits is a realloc */
        account_event(account, f, &blocks[at], &sizes[at], shrink ? 0 : want);
    }
}

/* oracle(fd, thread, family, seed, events): random events of a family, accounted in the file. */
static PyObject *known_oracle(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    (void)self;
    size_t n[4];
    if (nargs != 5 || numbers(args, nargs, n))
        return NULL;
    size_t events = PyLong_AsSize_t(args[4]);
    struct account *accounts = mmap(NULL, 4096, RW, MAP_SHARED, (int)n[0], 0);
    if (accounts == MAP_FAILED)
        return PyErr_SetFromErrno(PyExc_OSError);
    const struct family *family = &families[n[2] % 3];
    if (family->locked) {
        account_events(&accounts[n[1]], family, n[3] | 1, events);
    } else {
        Py_BEGIN_ALLOW_THREADS
        account_events(&accounts[n[1]], family, n[3] | 1, events);
        Py_END_ALLOW_THREADS
    }
    munmap(accounts, 4096);
    Py_RETURN_NONE;
}

/* ---- module ---- */

#define METHODS(X)                                                                        \
    X(free) X(leak) X(realloc_zero) X(open_lines) X(pairs) X(crossed) X(grow) X(munmap) X(mmap_fixed)   \
    X(mremap) X(race) X(at_thread_exit) X(handoff) X(in_signal) X(timer) X(handled)       \
    X(at_exit) X(crash) X(oracle)

static PyMethodDef methods[] = {
#define X(name, how, call) {#name, (PyCFunction)(void *)known_##name, METH_FASTCALL, NULL},
    ALLOCATORS(X)
#undef X
#define X(name) {#name, (PyCFunction)(void *)known_##name, METH_FASTCALL, NULL},
    METHODS(X)
#undef X
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot module_slots[] = {
#if PY_VERSION_HEX >= 0x030c0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "known",
    .m_methods = methods,
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit_known(void);
PyMODINIT_FUNC PyInit_known(void)
{
    return PyModuleDef_Init(&module);
}
