/* The mmap family.
 *
 * Memory is what is anonymous and accessible: files and PROT_NONE reservations are not counted.
 * mprotect is not watched, so a reservation that is opened later stays uncounted, and one that is
 * closed stays counted. Bytes are those asked for.  munmap of any part frees exactly the bytes it
 * covers; of mappings that were never seen (files, the loader's, older ones) it is nothing, not an
 * unknown free, since most are of that sort. mremap is like realloc: a free of the old range and an
 * allocation of the whole new one.
 */
#include <stdarg.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "record/native/hooks.h"
#include "record/native/intervals.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static uintptr_t page_end(const void *start, size_t bytes)
{
    static uintptr_t page;
    uintptr_t known = __atomic_load_n(&page, __ATOMIC_RELAXED);

    if (!known) {
        known = getauxval(AT_PAGESZ);
        __atomic_store_n(&page, known, __ATOMIC_RELAXED);
    }
    return ((uintptr_t)start + bytes + known - 1) & -known;
}

static void book_mmap(struct barrow_thread *t, void *start, size_t bytes, int protection, int flags)
{
    bool is_memory = (flags & MAP_ANONYMOUS) && protection != PROT_NONE;
    uint32_t site = is_memory ? barrow_site_here(t, LEDGER_DOMAIN_MMAP) : 0;

    barrow_maps_lock();
    size_t replaced = barrow_maps_remove_locked(t, (uintptr_t)start, page_end(start, bytes));
    if (replaced > 0 && !(flags & MAP_FIXED))
        barrow_count_drop(LEDGER_DROP_missed_frees);
    if (is_memory)
        barrow_maps_add_locked(t, site, (uintptr_t)start, bytes);
    barrow_maps_unlock();
}

void *barrow_hook_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    struct barrow_thread *t = barrow_enter();
    void *start = barrow_real.mmap(at, bytes, protection, flags, fd, offset);

    if (t) {
        if (start != MAP_FAILED)
            book_mmap(t, start, bytes, protection, flags);
        barrow_leave(t);
    }
    return start;
}

void *barrow_hook_mmap64(void *at, size_t bytes, int protection, int flags, int fd, off64_t offset)
{
    struct barrow_thread *t = barrow_enter();
    void *start = barrow_real.mmap64(at, bytes, protection, flags, fd, offset);

    if (t) {
        if (start != MAP_FAILED)
            book_mmap(t, start, bytes, protection, flags);
        barrow_leave(t);
    }
    return start;
}

int barrow_hook_munmap(void *at, size_t bytes)
{
    struct barrow_thread *t = barrow_enter();

    if (!t)
        return barrow_real.munmap(at, bytes);
    barrow_maps_lock();
    int result = barrow_real.munmap(at, bytes);
    if (result == 0)
        barrow_maps_remove_locked(t, (uintptr_t)at, page_end(at, bytes));
    barrow_maps_unlock();
    barrow_leave(t);
    return result;
}

static void book_mremap(struct barrow_thread *t, void *old, size_t old_bytes, void *start,
                        size_t bytes, int flags)
{
    uintptr_t old_start = (uintptr_t)old, old_end = page_end(old, old_bytes);
    bool known = barrow_maps_covers_locked(old_start, old_end);

    /* DONTUNMAP moves the pages and leaves the old mapping, empty, in place. */
    if (!(flags & MREMAP_DONTUNMAP))
        barrow_maps_remove_locked(t, old_start, old_end);
    barrow_maps_remove_locked(t, (uintptr_t)start, page_end(start, bytes));
    /* No old bytes: a second view of the same shared pages, which are counted already. */
    if (known && old_bytes > 0)
        barrow_maps_add_locked(t, barrow_site_here(t, LEDGER_DOMAIN_MMAP), (uintptr_t)start, bytes);
}

void *barrow_hook_mremap(void *old, size_t old_bytes, size_t new_bytes, int flags, ...)
{
    struct barrow_thread *t = barrow_enter();
    void *wanted = NULL;

    if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
        va_list rest;
        va_start(rest, flags);
        wanted = va_arg(rest, void *);
        va_end(rest);
    }
    if (!t)
        return barrow_real.mremap(old, old_bytes, new_bytes, flags, wanted);
    barrow_maps_lock();
    void *start = barrow_real.mremap(old, old_bytes, new_bytes, flags, wanted);
    if (start != MAP_FAILED)
        book_mremap(t, old, old_bytes, start, new_bytes, flags);
    barrow_maps_unlock();
    barrow_leave(t);
    return start;
}
