#include "record/hooks_python.h"

#include "record/hot.h"

static PyMemAllocatorEx original[2]; /* by domain: OBJ, MEM */
static bool installed;

/* Each hook runs the original inside the guard, so that what it asks of libc is not counted again.
 * The common case, a thread that is ready, is inline; the rest is kept out of its way. */

static inline bool enter_ready(struct barrow_thread *t)
{
    if (UNLIKELY(t->mode != THREAD_READY))
        return false;
    t->mode = THREAD_INSIDE;
    return true;
}

static inline void leave_ready(struct barrow_thread *t)
{
    t->mode = t->mode_before;
}

static __attribute__((noinline)) void *booked_slow(enum ledger_domain domain, bool zeroed,
                                                   size_t count, size_t bytes)
{
    const PyMemAllocatorEx *real = &original[domain];
    struct barrow_thread *t = barrow_enter();
    void *p = zeroed ? real->calloc(real->ctx, count, bytes) : real->malloc(real->ctx, bytes);
    if (t) {
        barrow_book_alloc(t, domain, p, count * bytes);
        barrow_leave(t);
    }
    return p;
}

static inline void *hook_malloc(enum ledger_domain domain, size_t bytes, bool counting)
{
    struct barrow_thread *t = barrow_self;
    if (UNLIKELY(!enter_ready(t)))
        return booked_slow(domain, false, 1, bytes);
    void *p = original[domain].malloc(original[domain].ctx, bytes);
    if (LIKELY(p != NULL))
        book_alloc(t, domain, p, bytes, counting);
    leave_ready(t);
    return p;
}

static inline void *hook_calloc(enum ledger_domain domain, size_t count, size_t bytes,
                                bool counting)
{
    struct barrow_thread *t = barrow_self;
    if (UNLIKELY(!enter_ready(t)))
        return booked_slow(domain, true, count, bytes);
    void *p = original[domain].calloc(original[domain].ctx, count, bytes);
    if (LIKELY(p != NULL))
        book_alloc(t, domain, p, count * bytes, counting);
    leave_ready(t);
    return p;
}

static inline void *hook_realloc(enum ledger_domain domain, void *old, size_t bytes, bool counting)
{
    struct barrow_taken taken;
    struct barrow_thread *t = barrow_enter();
    if (UNLIKELY(!t))
        return original[domain].realloc(original[domain].ctx, old, bytes);
    barrow_take(t, old, &taken);
    void *p = original[domain].realloc(original[domain].ctx, old, bytes);
    if (LIKELY(p != NULL)) {
        barrow_take_commit(t, &taken);
        if (LIKELY(t->mode_before == THREAD_READY))
            book_alloc(t, domain, p, bytes, counting);
        else
            barrow_book_alloc(t, domain, p, bytes);
    } else {
        barrow_take_undo(t, &taken);
    }
    barrow_leave(t);
    return p;
}

static __attribute__((noinline)) void free_slow(enum ledger_domain domain, void *p)
{
    struct barrow_thread *t = barrow_enter();
    if (t)
        barrow_book_free(t, p);
    original[domain].free(original[domain].ctx, p);
    if (t)
        barrow_leave(t);
}

static inline void hook_free(enum ledger_domain domain, void *p, bool counting)
{
    struct barrow_thread *t = barrow_self;
    if (UNLIKELY(!p))
        return;
    if (UNLIKELY(!enter_ready(t))) {
        free_slow(domain, p);
        return;
    }
    book_free(t, p, counting);
    original[domain].free(original[domain].ctx, p);
    leave_ready(t);
}

#define DOMAIN_HOOKS(name, domain, counting)                                          \
    static void *name##_malloc(void *ctx, size_t bytes)                               \
    {                                                                                 \
        (void)ctx;                                                                    \
        return hook_malloc(domain, bytes, counting);                                  \
    }                                                                                 \
    static void *name##_calloc(void *ctx, size_t count, size_t bytes)                 \
    {                                                                                 \
        (void)ctx;                                                                    \
        return hook_calloc(domain, count, bytes, counting);                           \
    }                                                                                 \
    static void *name##_realloc(void *ctx, void *p, size_t bytes)                     \
    {                                                                                 \
        (void)ctx;                                                                    \
        return hook_realloc(domain, p, bytes, counting);                              \
    }                                                                                 \
    static void name##_free(void *ctx, void *p)                                       \
    {                                                                                 \
        (void)ctx;                                                                    \
        hook_free(domain, p, counting);                                               \
    }                                                                                 \
    static const PyMemAllocatorEx name##_hooks = {NULL, name##_malloc, name##_calloc, \
                                                  name##_realloc, name##_free};

/* The same twice: without the threads' own counters, and with them. */
DOMAIN_HOOKS(obj, LEDGER_DOMAIN_OBJ, false)
DOMAIN_HOOKS(mem, LEDGER_DOMAIN_MEM, false)
DOMAIN_HOOKS(obj_counting, LEDGER_DOMAIN_OBJ, true)
DOMAIN_HOOKS(mem_counting, LEDGER_DOMAIN_MEM, true)

/* ---- system scope: code objects' deaths only; the original allocator's ctx is kept ---- */

static inline void notice_death(void *p)
{
    uint32_t *slot = pagemap_find(&barrow_recorder.map, p);
    struct barrow_thread *t;
    if (LIKELY(!slot || !(*slot & PAGEMAP_MARK)) || ((uintptr_t)p & 15) || !(t = barrow_enter()))
        return;
    *slot &= ~PAGEMAP_MARK;
    barrow_code_died(p);
    barrow_leave(t);
}

static void watch_free(void *ctx, void *p)
{
    notice_death(p);
    original[LEDGER_DOMAIN_OBJ].free(ctx, p);
}

static const PyMemAllocatorDomain domains[2] = {PYMEM_DOMAIN_OBJ, PYMEM_DOMAIN_MEM};
static const PyMemAllocatorEx *const hooks[2] = {&obj_hooks, &mem_hooks};
static const PyMemAllocatorEx *const counting_hooks[2] = {&obj_counting_hooks, &mem_counting_hooks};

static void set_hooks(const PyMemAllocatorEx *const which[2])
{
    for (int i = 0; i < 2; i++) {
        PyMemAllocatorEx copy = *which[i];
        PyMem_SetAllocator(domains[i], &copy);
    }
}

/* The hooks of domain `i` are barrow's: nobody has put others on top. */
static bool is_ours(int i)
{
    PyMemAllocatorEx now;
    PyMem_GetAllocator(domains[i], &now);
    return now.free == hooks[i]->free || now.free == counting_hooks[i]->free;
}

void barrow_hooks_python_install(bool deaths_only)
{
    if (installed)
        return;
    for (int i = 0; i < 2; i++)
        PyMem_GetAllocator(domains[i], &original[i]);
    if (deaths_only) {
        PyMemAllocatorEx watching = original[LEDGER_DOMAIN_OBJ];
        watching.free = watch_free;
        PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &watching);
    } else {
        set_hooks(hooks);
    }
    installed = true;
}

bool barrow_hooks_python_count(void)
{
    if (!installed || !is_ours(0) || !is_ours(1))
        return false;
    set_hooks(counting_hooks);
    return true;
}

void barrow_hooks_python_remove(void)
{
    PyMemAllocatorEx now;
    if (!installed)
        return;
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &now);
    if (!is_ours(0) && now.free != watch_free)
        return;
    PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &original[LEDGER_DOMAIN_OBJ]);
    PyMem_GetAllocator(PYMEM_DOMAIN_MEM, &now);
    if (is_ours(1))
        PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &original[LEDGER_DOMAIN_MEM]);
    else if (now.free != original[LEDGER_DOMAIN_MEM].free)
        return;
    installed = false;
}
