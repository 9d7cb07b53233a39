#include "stub.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/raw.h"

#define BUCKETS 65536
#define SITES (STUB_TAGS * LEDGER_DOMAIN_COUNT)

struct barrow_thread {
    bool inside;
};

struct block {
    struct block *next;
    void *p;
    size_t bytes;
    uint32_t site;
};

static struct {
    raw_lock lock;
    struct block *buckets[BUCKETS];
    struct block *free;
    struct stub_counts sites[SITES];
    uint64_t unknown_frees, drops[LEDGER_DROP_LIMIT];
    unsigned tag;
    bool on;
    struct stub_events *events;
} stub;

static __thread struct barrow_thread here __attribute__((tls_model("initial-exec")));

/* Site 0 means none. */
static uint32_t site_of(enum ledger_domain domain, unsigned tag)
{
    return 1 + (uint32_t)domain * STUB_TAGS + tag;
}

static struct block **find(void *p)
{
    struct block **at = &stub.buckets[((uintptr_t)p >> 3) * 0x9e3779b97f4a7c15u >> 48];
    while (*at && (*at)->p != p)
        at = &(*at)->next;
    return at;
}

static struct block *block_new(void)
{
    if (!stub.free) {
        size_t count = 4096;
        struct block *slab = raw_memory(count * sizeof *slab);
        for (size_t i = 0; i < count; i++) {
            slab[i].next = stub.free;
            stub.free = &slab[i];
        }
    }
    struct block *b = stub.free;
    stub.free = b->next;
    return b;
}

static bool take_block(void *p, struct barrow_taken *taken)
{
    struct block **at = find(p), *b = *at;

    *taken = (struct barrow_taken){.p = p};
    if (!b)
        return false;
    *taken = (struct barrow_taken){.p = p, .bytes = b->bytes, .site = b->site, .known = true};
    *at = b->next;
    b->next = stub.free;
    stub.free = b;
    return true;
}

static void add_block(void *p, size_t bytes, uint32_t site)
{
    struct barrow_taken old;
    if (take_block(p, &old))
        stub.drops[LEDGER_DROP_missed_frees]++;
    struct block **at = find(p), *b = block_new();
    *b = (struct block){.p = p, .bytes = bytes, .site = site};
    *at = b;
}

/* ---- the recorder's side of record.h ---- */

struct barrow_thread *barrow_enter(void)
{
    if (!stub.on || here.inside)
        return NULL;
    here.inside = true;
    return &here;
}

void barrow_leave(struct barrow_thread *t)
{
    t->inside = false;
}

uint32_t barrow_site_here(struct barrow_thread *t, enum ledger_domain domain)
{
    (void)t;
    return site_of(domain, stub.tag);
}

void barrow_site_alloc(struct barrow_thread *t, uint32_t site, size_t bytes, size_t blocks)
{
    (void)t;
    __atomic_fetch_add(&stub.sites[site - 1].bytes, bytes, __ATOMIC_RELAXED);
    __atomic_fetch_add(&stub.sites[site - 1].allocations, blocks, __ATOMIC_RELAXED);
}

void barrow_site_free(struct barrow_thread *t, uint32_t site, size_t bytes, size_t blocks)
{
    (void)t;
    __atomic_fetch_add(&stub.sites[site - 1].freed_bytes, bytes, __ATOMIC_RELAXED);
    __atomic_fetch_add(&stub.sites[site - 1].frees, blocks, __ATOMIC_RELAXED);
}

void barrow_book_alloc(struct barrow_thread *t, enum ledger_domain domain, void *p, size_t bytes)
{
    uint32_t site = site_of(domain, stub.tag);
    if (!p)
        return;
    barrow_site_alloc(t, site, bytes, 1);
    if (bytes >> 32) {
        barrow_big_insert(t, site, (uintptr_t)p, bytes);
        return;
    }
    raw_lock_take(&stub.lock);
    add_block(p, bytes, site);
    raw_lock_release(&stub.lock);
}

void barrow_take(struct barrow_thread *t, void *p, struct barrow_taken *taken)
{
    raw_lock_take(&stub.lock);
    take_block(p, taken);
    raw_lock_release(&stub.lock);
    if (!taken->known)
        taken->known = barrow_big_remove(t, (uintptr_t)p, &taken->site, &taken->bytes);
}

void barrow_take_commit(struct barrow_thread *t, const struct barrow_taken *taken)
{
    if (taken->known)
        barrow_site_free(t, taken->site, taken->bytes, 1);
    else
        barrow_count_unknown_free(t);
}

void barrow_take_undo(struct barrow_thread *t, const struct barrow_taken *taken)
{
    if (!taken->known)
        return;
    if (taken->bytes >> 32) {
        barrow_big_insert(t, taken->site, (uintptr_t)taken->p, taken->bytes);
        return;
    }
    raw_lock_take(&stub.lock);
    add_block(taken->p, taken->bytes, taken->site);
    raw_lock_release(&stub.lock);
}

void barrow_book_free(struct barrow_thread *t, void *p)
{
    struct barrow_taken taken;
    barrow_take(t, p, &taken);
    barrow_take_commit(t, &taken);
}

void barrow_count_unknown_free(struct barrow_thread *t)
{
    (void)t;
    __atomic_fetch_add(&stub.unknown_frees, 1, __ATOMIC_RELAXED);
}

void barrow_count_drop(enum ledger_drop drop)
{
    __atomic_fetch_add(&stub.drops[drop], 1, __ATOMIC_RELAXED);
}

void barrow_on_exec_before(void)
{
    stub.events->exec_before++;
}

void barrow_on_exec_failed(void)
{
    stub.events->exec_failed++;
    errno = E2BIG; /* the hook has to put it right */
}

void barrow_on_underscore_exit(void)
{
    stub.events->underscore_exit++;
}

/* ---- for the tests ---- */

__attribute__((constructor)) static void start(void)
{
    struct barrow_native_report report;

    stub.events = raw_mmap(NULL, sizeof *stub.events, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (barrow_native_install(&report) != 0)
        abort();
    stub.on = true;
}

void stub_tag(unsigned tag)
{
    stub.tag = tag;
}

void stub_on(bool on)
{
    stub.on = on;
}

struct stub_counts stub_counts(enum ledger_domain domain, unsigned tag)
{
    return stub.sites[site_of(domain, tag) - 1];
}

uint64_t stub_unknown_frees(void)
{
    return stub.unknown_frees;
}

uint64_t stub_drops(enum ledger_drop drop)
{
    return stub.drops[drop];
}

struct stub_events stub_events(void)
{
    return *stub.events;
}

struct barrow_native_report stub_report(void)
{
    struct barrow_native_report report;
    barrow_native_install(&report);
    return report;
}

void stub_refresh(void)
{
    barrow_native_refresh();
}

void stub_reset(void)
{
    barrow_native_reset();
}

void stub_after_fork(void)
{
    barrow_native_after_fork_in_child();
}

void *stub_own_malloc(void)
{
    void *(*volatile get)(size_t) = malloc;
    return (void *)get;
}
