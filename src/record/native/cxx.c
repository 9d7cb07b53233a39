/* operator new and delete, by their mangled names.
 *
 * libstdc++'s call malloc and free and need no hook.  Allocators that are preloaded bring their
 * own, which don't; then, and only then (originals.c), these are put in.
 *
 * The throwing forms ask the form that doesn't throw, so that no exception passes through a hook
 * while its thread is marked as inside one; the throwing original is then left to fail, and to
 * throw, by itself.
 */
#include "record/native/hooks.h"
#include "record/record.h"

static const char nothrow; /* stands for std::nothrow, an empty object */

static void *booked(struct barrow_thread *t, void *p, size_t bytes)
{
    if (p)
        barrow_book_alloc(t, LEDGER_DOMAIN_MALLOC, p, bytes);
    barrow_leave(t);
    return p;
}

/* NEW(name, its form that doesn't throw, parameters, arguments) */
#define NEW(name, quiet, parameters, ...)                                                \
    void *barrow_hook_##name parameters                                                  \
    {                                                                                    \
        struct barrow_thread *t = barrow_enter();                                        \
        void *p = t ? booked(t, barrow_real.quiet(__VA_ARGS__, &nothrow), bytes) : NULL; \
        return p ? p : barrow_real.name(__VA_ARGS__);                                    \
    }

#define NEW_NOTHROW(name, parameters, ...)        \
    void *barrow_hook_##name parameters           \
    {                                             \
        struct barrow_thread *t = barrow_enter(); \
        void *p = barrow_real.name(__VA_ARGS__);  \
        return t ? booked(t, p, bytes) : p;       \
    }

#define DELETE(name, parameters, ...)                        \
    void barrow_hook_##name parameters                       \
    {                                                        \
        struct barrow_thread *t = p ? barrow_enter() : NULL; \
        if (t)                                               \
            barrow_book_free(t, p);                          \
        barrow_real.name(__VA_ARGS__);                       \
        if (t)                                               \
            barrow_leave(t);                                 \
    }

#define NEWS(new)                                                                  \
    NEW(new##m, new##mRKSt9nothrow_t, (size_t bytes), bytes)                       \
    NEW_NOTHROW(new##mRKSt9nothrow_t, (size_t bytes, const void *tag), bytes, tag) \
    NEW(new##mSt11align_val_t, new##mSt11align_val_tRKSt9nothrow_t,                \
        (size_t bytes, size_t alignment), bytes, alignment)                        \
    NEW_NOTHROW(new##mSt11align_val_tRKSt9nothrow_t,                               \
                (size_t bytes, size_t alignment, const void *tag), bytes, alignment, tag)

#define DELETES(delete)                                                                            \
    DELETE(delete, (void *p), p)                                                                   \
    DELETE(delete##RKSt9nothrow_t, (void *p, const void *tag), p, tag)                             \
    DELETE(delete##m, (void *p, size_t bytes), p, bytes)                                           \
    DELETE(delete##St11align_val_t, (void *p, size_t alignment), p, alignment)                     \
    DELETE(delete##St11align_val_tRKSt9nothrow_t, (void *p, size_t alignment, const void *tag), p, \
           alignment, tag)                                                                         \
    DELETE(delete##mSt11align_val_t, (void *p, size_t bytes, size_t alignment), p, bytes, alignment)

NEWS(_Znw)
NEWS(_Zna)
DELETES(_ZdlPv)
DELETES(_ZdaPv)
