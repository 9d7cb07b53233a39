/* Intervals of addresses, each with a site: anonymous mappings, and blocks that the page
 * map can't hold.
 *
 * Two treaps, each with a lock: search trees by start, heaps by a random priority, which keeps them
 * balanced without any bookkeeping.  Two operations do all the work:
 *
 *     split(tree, at)   ─►  all that start below `at`,  all that start at `at` or above
 *     merge(low, high)  ◄─  the reverse
 *
 * Removing [a, b) splits the mappings in three; the middle part goes, its last member perhaps but
 * for a rest beyond b; the last of the low part may reach across a, and even across b, and then
 * becomes two:
 *
 *              a           b
 *     ──[   low  ]──[mid]─[ mid ]────[high]──
 *     ──[  ]──────────────── [  ]────[high]──
 *
 * An interval ends where the bytes asked for end; the rest of its last page is not known and costs
 * nothing.  Memory comes straight from the kernel, in slabs that are kept until the recording
 * stops.
 */
#include "record/native/intervals.h"

#include "os/raw.h"

struct interval {
    uintptr_t start, end;
    struct interval *left, *right; /* `right` links free ones */
    uint32_t priority;
    uint32_t site;
};

#define SLAB_BYTES (64 * 1024)
struct slab {
    struct slab *next;
    struct interval items[(SLAB_BYTES - sizeof(void *)) / sizeof(struct interval)];
};

/* A tree and the memory of its nodes. */
struct book {
    raw_lock lock;
    struct interval *tree;
    struct interval *free;
    struct slab *slabs;
    uint32_t random;
};
static struct book maps = {.random = 2463534242u}, blocks = {.random = 362436069u};

void barrow_maps_lock(void)
{
    raw_lock_take(&maps.lock);
}

void barrow_maps_unlock(void)
{
    raw_lock_release(&maps.lock);
}

/* ---- nodes ---- */

/* NULL: no memory. */
static struct interval *interval_new(struct book *book, uintptr_t start, uintptr_t end,
                                     uint32_t site)
{
    if (!book->free) {
        struct slab *slab = raw_memory(sizeof *slab);
        if (!slab)
            return NULL;
        slab->next = book->slabs;
        book->slabs = slab;
        for (size_t i = 0; i < sizeof slab->items / sizeof *slab->items; i++) {
            slab->items[i].right = book->free;
            book->free = &slab->items[i];
        }
    }
    struct interval *n = book->free;
    book->free = n->right;
    book->random ^= book->random << 13;
    book->random ^= book->random >> 17;
    book->random ^= book->random << 5;
    *n = (struct interval){.start = start, .end = end, .priority = book->random, .site = site};
    return n;
}

static void interval_release(struct book *book, struct interval *n)
{
    n->right = book->free;
    book->free = n;
}

/* ---- treap ---- */

static void split(struct interval *tree, uintptr_t at, struct interval **low,
                  struct interval **high)
{
    while (tree) {
        if (tree->start < at) {
            *low = tree;
            low = &tree->right;
            tree = tree->right;
        } else {
            *high = tree;
            high = &tree->left;
            tree = tree->left;
        }
    }
    *low = *high = NULL;
}

static struct interval *merge(struct interval *low, struct interval *high)
{
    struct interval *tree, **into = &tree;

    while (low && high) {
        if (low->priority > high->priority) {
            *into = low;
            into = &low->right;
            low = low->right;
        } else {
            *into = high;
            into = &high->left;
            high = high->left;
        }
    }
    *into = low ? low : high;
    return tree;
}

static void insert(struct interval **tree, struct interval *n)
{
    struct interval *low, *high;
    split(*tree, n->start, &low, &high);
    *tree = merge(merge(low, n), high);
}

static struct interval *last_of(struct interval *tree)
{
    while (tree && tree->right)
        tree = tree->right;
    return tree;
}

/* ---- mappings ---- */

void barrow_maps_add_locked(struct barrow_thread *t, uint32_t site, uintptr_t start, size_t bytes)
{
    struct interval *n = site ? interval_new(&maps, start, start + bytes, site) : NULL;
    if (!n) {
        barrow_count_drop(LEDGER_DROP_lost_allocations);
        return;
    }
    barrow_site_alloc(t, site, bytes, 1);
    insert(&maps.tree, n);
}

/* Cuts [start, end) out of `n`, which begins before `start`; gives the rest beyond `end`, if there
 * is one. */
static struct interval *cut_behind(struct barrow_thread *t, struct interval *n, uintptr_t start,
                                   uintptr_t end)
{
    struct interval *rest = NULL;
    uintptr_t old_end = n->end;

    n->end = start;
    if (old_end > end) {
        rest = interval_new(&maps, end, old_end, n->site);
        if (rest) {
            barrow_site_alloc(t, n->site, 0, 1);
        } else {
            barrow_count_drop(LEDGER_DROP_lost_allocations);
            end = old_end;
        }
    }
    barrow_site_free(t, n->site, (end < old_end ? end : old_end) - start, 0);
    return rest;
}

/* Frees all of `tree`, whose members start before `end`, but for what reaches beyond `end`. */
static struct interval *free_tree(struct barrow_thread *t, struct interval *tree, uintptr_t end,
                                  size_t *freed)
{
    struct interval *rest = NULL;

    while (tree) {
        struct interval *n = tree;
        tree = merge(n->left, n->right);
        if (n->end > end) {
            barrow_site_free(t, n->site, end - n->start, 0);
            *freed += end - n->start;
            n->start = end;
            n->left = n->right = NULL;
            rest = n;
        } else {
            barrow_site_free(t, n->site, n->end - n->start, 1);
            *freed += n->end - n->start;
            interval_release(&maps, n);
        }
    }
    return rest;
}

size_t barrow_maps_remove_locked(struct barrow_thread *t, uintptr_t start, uintptr_t end)
{
    struct interval *low, *middle, *high, *rest = NULL;
    size_t freed = 0;

    if (start >= end)
        return 0;
    split(maps.tree, start, &low, &high);
    split(high, end, &middle, &high);
    struct interval *across = last_of(low);
    if (across && across->end > start) {
        freed = (across->end < end ? across->end : end) - start;
        rest = cut_behind(t, across, start, end);
    }
    struct interval *beyond = free_tree(t, middle, end, &freed);
    /* `across` and the middle part can't both reach beyond `end`. */
    maps.tree = merge(low, merge(rest ? rest : beyond, high));
    return freed;
}

bool barrow_maps_covers_locked(uintptr_t start, uintptr_t end)
{
    struct interval *last = NULL; /* the last that starts before `end` */

    for (struct interval *n = maps.tree; n;) {
        if (n->start < end) {
            last = n;
            n = n->right;
        } else {
            n = n->left;
        }
    }
    return last && last->end > start;
}

/* ---- blocks ---- */

static bool remove_block(uintptr_t start, uint32_t *site, size_t *bytes)
{
    struct interval *low, *middle, *high;

    split(blocks.tree, start, &low, &high);
    split(high, start + 1, &middle, &high);
    blocks.tree = merge(low, high);
    if (!middle)
        return false;
    *site = middle->site;
    *bytes = middle->end - middle->start;
    interval_release(&blocks, middle);
    return true;
}

void barrow_big_insert(struct barrow_thread *t, uint32_t site, uintptr_t start, size_t bytes)
{
    uint32_t old_site;
    size_t old_bytes;

    raw_lock_take(&blocks.lock);
    if (remove_block(start, &old_site, &old_bytes)) {
        barrow_count_drop(LEDGER_DROP_missed_frees);
        barrow_site_free(t, old_site, old_bytes, 1);
    }
    struct interval *n = interval_new(&blocks, start, start + bytes, site);
    if (n)
        insert(&blocks.tree, n);
    else
        barrow_count_drop(LEDGER_DROP_missed_frees);
    raw_lock_release(&blocks.lock);
}

bool barrow_big_remove(struct barrow_thread *t, uintptr_t start, uint32_t *site, size_t *bytes)
{
    (void)t;
    /* Most processes never have one, and every free of an unknown block asks.  A block's own free
     * can't overtake its insertion, so what is missed here is somebody else's. */
    if (!__atomic_load_n(&blocks.tree, __ATOMIC_ACQUIRE))
        return false;
    raw_lock_take(&blocks.lock);
    bool found = remove_block(start, site, bytes);
    raw_lock_release(&blocks.lock);
    return found;
}

/* ---- the whole ---- */

static void forget(struct book *book)
{
    book->tree = book->free = NULL;
    while (book->slabs) {
        struct slab *slab = book->slabs;
        book->slabs = slab->next;
        raw_munmap(slab, sizeof *slab);
    }
}

void barrow_native_reset(void)
{
    struct book *const books[] = {&maps, &blocks};
    for (int i = 0; i < 2; i++) {
        raw_lock_take(&books[i]->lock);
        forget(books[i]);
        raw_lock_release(&books[i]->lock);
    }
}

void barrow_native_after_fork_in_child(void)
{
    struct book *const books[] = {&maps, &blocks};
    for (int i = 0; i < 2; i++) {
        /* The lock's holder, if there was one, is not in this process, and may have left the tree
         * half done. */
        if (!raw_lock_try(&books[i]->lock)) {
            forget(books[i]);
            barrow_count_drop(LEDGER_DROP_lost_allocations);
        }
        raw_lock_release(&books[i]->lock);
    }
}
