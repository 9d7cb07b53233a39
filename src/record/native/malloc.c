/* The malloc family.
 *
 * Counted is what was asked for: one allocation for each successful call.  A realloc is a free and
 * an allocation of the new full size; a failed one is nothing.  The recorder's guard, taken by
 * barrow_enter(), makes an inner call (reallocarray's realloc, an allocator's mmap) pass through
 * uncounted.
 *
 * Not seen: allocators that are linked into a library or program statically, memory from system
 * calls made directly, and calls through a pointer that dlsym gave or that was copied before the
 * hooks came.  A block got that way and freed through a hook is an unknown free, and so are the few
 * that the loader makes for the C library to free (dlerror's text).
 */
#include <stdbool.h>

#include "record/native/hooks.h"
#include "record/record.h"

/* Ends a hook that allocated; `p` may be NULL. */
static inline void *booked(struct barrow_thread *t, void *p, size_t bytes)
{
    if (p)
        barrow_book_alloc(t, LEDGER_DOMAIN_MALLOC, p, bytes);
    barrow_leave(t);
    return p;
}

void *barrow_hook_malloc(size_t bytes)
{
    struct barrow_thread *t = barrow_enter();
    if (!t)
        return barrow_real.malloc(bytes);
    return booked(t, barrow_real.malloc(bytes), bytes);
}

void *barrow_hook_calloc(size_t count, size_t bytes)
{
    struct barrow_thread *t = barrow_enter();
    if (!t)
        return barrow_real.calloc(count, bytes);
    /* Where the product overflows the call fails, and the product is not used. */
    return booked(t, barrow_real.calloc(count, bytes), count * bytes);
}

/* Both reallocs: glibc and tcmalloc free the block when asked for no bytes and return NULL, which
 * is then no failure; jemalloc returns a block of no bytes. */
static inline void *reallocated(struct barrow_thread *t, const struct barrow_taken *old, void *p,
                                size_t bytes)
{
    if (old) {
        if (p || bytes == 0)
            barrow_take_commit(t, old);
        else
            barrow_take_undo(t, old);
    }
    return booked(t, p, bytes);
}

void *barrow_hook_realloc(void *p, size_t bytes)
{
    struct barrow_thread *t = barrow_enter();
    struct barrow_taken old;

    if (!t)
        return barrow_real.realloc(p, bytes);
    if (p)
        barrow_take(t, p, &old);
    return reallocated(t, p ? &old : NULL, barrow_real.realloc(p, bytes), bytes);
}

void *barrow_hook_reallocarray(void *p, size_t count, size_t bytes)
{
    struct barrow_thread *t = barrow_enter();
    struct barrow_taken old;
    size_t total;

    if (!t)
        return barrow_real.reallocarray(p, count, bytes);
    if (__builtin_mul_overflow(count, bytes, &total)) {
        barrow_leave(t);
        return barrow_real.reallocarray(p, count, bytes);
    }
    if (p)
        barrow_take(t, p, &old);
    return reallocated(t, p ? &old : NULL, barrow_real.reallocarray(p, count, bytes), total);
}

/* A free is booked before it happens: after it, another thread may be given the address.  The
 * thread stays marked as inside a hook meanwhile, for an allocator's free may call another function
 * of the family. */
static inline struct barrow_thread *book_free(void *p)
{
    struct barrow_thread *t = p ? barrow_enter() : NULL;
    if (t)
        barrow_book_free(t, p);
    return t;
}

#define FREE(name, parameters, ...)             \
    void barrow_hook_##name parameters          \
    {                                           \
        struct barrow_thread *t = book_free(p); \
        barrow_real.name(__VA_ARGS__);          \
        if (t)                                  \
            barrow_leave(t);                    \
    }

FREE(free, (void *p), p)
FREE(free_sized, (void *p, size_t bytes), p, bytes)
FREE(free_aligned_sized, (void *p, size_t alignment, size_t bytes), p, alignment, bytes)

int barrow_hook_posix_memalign(void **block, size_t alignment, size_t bytes)
{
    struct barrow_thread *t = barrow_enter();
    if (!t)
        return barrow_real.posix_memalign(block, alignment, bytes);
    int error = barrow_real.posix_memalign(block, alignment, bytes);
    booked(t, error ? NULL : *block, bytes);
    return error;
}

void *barrow_hook_aligned_alloc(size_t alignment, size_t bytes)
{
    struct barrow_thread *t = barrow_enter();
    if (!t)
        return barrow_real.aligned_alloc(alignment, bytes);
    return booked(t, barrow_real.aligned_alloc(alignment, bytes), bytes);
}

void *barrow_hook_memalign(size_t alignment, size_t bytes)
{
    struct barrow_thread *t = barrow_enter();
    if (!t)
        return barrow_real.memalign(alignment, bytes);
    return booked(t, barrow_real.memalign(alignment, bytes), bytes);
}

void *barrow_hook_valloc(size_t bytes)
{
    struct barrow_thread *t = barrow_enter();
    if (!t)
        return barrow_real.valloc(bytes);
    return booked(t, barrow_real.valloc(bytes), bytes);
}

void *barrow_hook_pvalloc(size_t bytes)
{
    struct barrow_thread *t = barrow_enter();
    if (!t)
        return barrow_real.pvalloc(bytes);
    return booked(t, barrow_real.pvalloc(bytes), bytes);
}
