/* The mmap family: single cases, then random ones against a map of pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "stub.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#define PAGE ((size_t)4096)
#define USABLE (PROT_READ | PROT_WRITE)
#define OWN (MAP_PRIVATE | MAP_ANONYMOUS)

static struct stub_counts counts(unsigned tag)
{
    return stub_counts(LEDGER_DOMAIN_MMAP, tag);
}

static void check(unsigned tag, struct stub_counts before, uint64_t live_bytes,
                  uint64_t live_blocks)
{
    struct stub_counts now = counts(tag);
    assert_int_equal((now.bytes - now.freed_bytes) - (before.bytes - before.freed_bytes),
                     live_bytes);
    assert_int_equal((now.allocations - now.frees) - (before.allocations - before.frees),
                     live_blocks);
}

static struct stub_counts begin(void)
{
    stub_tag(1);
    return counts(1);
}

static char *map(size_t bytes)
{
    char *p = mmap(NULL, bytes, USABLE, OWN, -1, 0);
    assert_true(p != MAP_FAILED);
    return p;
}

static void test_what_counts(void **state)
{
    (void)state;
    struct stub_counts before = begin();
    FILE *file = tmpfile();
    assert_int_equal(ftruncate(fileno(file), 1 << 20), 0);
    char *none = mmap(NULL, 1 << 20, PROT_NONE, OWN | MAP_NORESERVE, -1, 0);
    char *of_file = mmap(NULL, 1 << 20, USABLE, MAP_SHARED, fileno(file), 0);
    check(1, before, 0, 0);
    char *shared = mmap64(NULL, 1 << 20, USABLE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *private = map(1 << 16);
    check(1, before, (1 << 20) + (1 << 16), 2);
    assert_true(mmap(NULL, 0, USABLE, OWN, -1, 0) == MAP_FAILED);
    assert_int_equal(munmap(none, 1 << 20) | munmap(of_file, 1 << 20), 0);
    check(1, before, (1 << 20) + (1 << 16), 2);
    assert_int_equal(munmap(shared, 1 << 20) | munmap(private, 1 << 16), 0);
    check(1, before, 0, 0);
    assert_int_equal(stub_unknown_frees(), 0);
    fclose(file);
}

static void test_parts(void **state)
{
    (void)state;
    struct stub_counts before = begin();
    char *p = map(10 * PAGE);
    assert_int_equal(munmap(p, PAGE), 0); /* head */
    check(1, before, 9 * PAGE, 1);
    assert_int_equal(munmap(p + 8 * PAGE, 2 * PAGE), 0); /* tail */
    check(1, before, 7 * PAGE, 1);
    assert_int_equal(munmap(p + 4 * PAGE, PAGE), 0); /* middle */
    check(1, before, 6 * PAGE, 2);
    assert_int_equal(munmap(p + 3, PAGE), -1); /* nothing */
    check(1, before, 6 * PAGE, 2);
    assert_int_equal(munmap(p, 10 * PAGE), 0); /* the rest, over the holes */
    check(1, before, 0, 0);
}

static void test_length_is_what_was_asked(void **state)
{
    (void)state;
    struct stub_counts before = begin();
    char *p = map(5000);
    check(1, before, 5000, 1);
    munmap(p + PAGE, 1);
    check(1, before, PAGE, 1);
    munmap(p, PAGE);
    check(1, before, 0, 0);
}

static void test_fixed_replaces(void **state)
{
    (void)state;
    struct stub_counts before = begin(), other = counts(2);
    char *p = map(100 * PAGE);
    stub_tag(2);
    assert_ptr_equal(mmap(p + 20 * PAGE, 10 * PAGE, USABLE, OWN | MAP_FIXED, -1, 0), p + 20 * PAGE);
    check(1, before, 90 * PAGE, 2);
    check(2, other, 10 * PAGE, 1);
    /* A reservation over both. */
    assert_ptr_equal(mmap(p + 10 * PAGE, 15 * PAGE, PROT_NONE, OWN | MAP_FIXED, -1, 0),
                     p + 10 * PAGE);
    check(1, before, 80 * PAGE, 2);
    check(2, other, 5 * PAGE, 1);
    munmap(p, 100 * PAGE);
    check(1, before, 0, 0);
    check(2, other, 0, 0);
}

static void test_mremap(void **state)
{
    (void)state;
    struct stub_counts before = begin(), other = counts(2);
    char *p = map(4 * PAGE);
    stub_tag(2);
    p = mremap(p, 4 * PAGE, 400 * PAGE, MREMAP_MAYMOVE);
    check(1, before, 0, 0);
    check(2, other, 400 * PAGE, 1);
    p = mremap(p, 400 * PAGE, 2 * PAGE, 0);
    check(2, other, 2 * PAGE, 1);
    stub_tag(1);
    char *q = map(10 * PAGE);
    stub_tag(2);
    assert_ptr_equal(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q + 4 * PAGE),
                     q + 4 * PAGE);
    check(1, before, 8 * PAGE, 2);
    check(2, other, 2 * PAGE, 1);
    assert_true(mremap(q + 4 * PAGE, PAGE, PAGE << 40, MREMAP_MAYMOVE) == MAP_FAILED);
    check(2, other, 2 * PAGE, 1);
    munmap(q, 10 * PAGE);
    check(1, before, 0, 0);
    check(2, other, 0, 0);
}

static void test_mremap_keeping_the_old(void **state)
{
    (void)state;
    struct stub_counts before = begin(), other = counts(2);
    char *p = map(6 * PAGE);
    stub_tag(2);
    char *q = mremap(p, 6 * PAGE, 6 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
    if (q == MAP_FAILED) {
        munmap(p, 6 * PAGE);
        skip();
    }
    check(1, before, 6 * PAGE, 1);
    check(2, other, 6 * PAGE, 1);
    munmap(p, 6 * PAGE);
    munmap(q, 6 * PAGE);
    check(1, before, 0, 0);
    check(2, other, 0, 0);
}

static void test_mremap_of_the_unknown(void **state)
{
    (void)state;
    stub_on(false);
    char *p = map(4 * PAGE);
    stub_on(true);
    struct stub_counts before = begin();
    p = mremap(p, 4 * PAGE, 40 * PAGE, MREMAP_MAYMOVE);
    munmap(p, 40 * PAGE);
    struct stub_counts now = counts(1);
    assert_memory_equal(&now, &before, sizeof now);
    assert_int_equal(stub_unknown_frees(), 0);
}

static void test_second_view(void **state)
{
    (void)state;
    struct stub_counts before = begin();
    char *p = mmap(NULL, 8 * PAGE, USABLE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *q = mremap(p, 0, 8 * PAGE, MREMAP_MAYMOVE);
    assert_true(q != MAP_FAILED);
    p[0] = 'x';
    assert_int_equal(q[0], 'x');
    check(1, before, 8 * PAGE, 1);
    munmap(q, 8 * PAGE);
    check(1, before, 8 * PAGE, 1);
    munmap(p, 8 * PAGE);
    check(1, before, 0, 0);
}

static void test_missed(void **state)
{
    (void)state;
    struct stub_counts before = begin();
    uint64_t missed = stub_drops(LEDGER_DROP_missed_frees);
    char *p = map(8 * PAGE);
    stub_on(false);
    munmap(p, 8 * PAGE);
    stub_on(true);
    char *q = mmap(p, 8 * PAGE, USABLE, OWN, -1, 0); /* a hint, and the range is free */
    assert_ptr_equal(p, q);
    check(1, before, 8 * PAGE, 1);
    assert_int_equal(stub_drops(LEDGER_DROP_missed_frees), missed + 1);
    munmap(q, 8 * PAGE);
    check(1, before, 0, 0);
}

static void test_reset(void **state)
{
    (void)state;
    struct stub_counts before = begin();
    char *p = map(8 * PAGE);
    stub_reset();
    munmap(p, 8 * PAGE);
    struct stub_counts now = counts(1);
    assert_int_equal(now.frees, before.frees);
    assert_int_equal(now.bytes - before.bytes, 8 * PAGE);
}

/* ---- random operations ----
 *
 * The model: for each page of an arena, which mapping it belongs to (0: none that counts).  Live
 * bytes of a tag are its pages; live blocks are the runs of pages of one mapping.
 */
#define PAGES 96
#define ARENA                                                                          \
    ((char *)0x200000000000) /* far from where the kernel puts anything into the holes \
                              */

struct model {
    char *arena;
    unsigned page[PAGES]; /* mapping: tag + STUB_TAGS * serial number */
    unsigned serial;
    uint64_t allocated[STUB_TAGS];
    unsigned log_at;
};

static void model_check(const struct model *m, const struct stub_counts *before, unsigned step)
{
    for (unsigned tag = 1; tag < STUB_TAGS; tag++) {
        uint64_t pages = 0, blocks = 0;
        for (int i = 0; i < PAGES; i++) {
            bool mine = m->page[i] && m->page[i] % STUB_TAGS == tag;
            pages += mine;
            blocks += mine && (i == 0 || m->page[i - 1] != m->page[i]);
        }
        struct stub_counts now = counts(tag);
        uint64_t live =
            (now.bytes - before[tag].bytes) - (now.freed_bytes - before[tag].freed_bytes);
        uint64_t count =
            (now.allocations - before[tag].allocations) - (now.frees - before[tag].frees);
        if (live != pages * PAGE || count != blocks ||
            now.bytes - before[tag].bytes != m->allocated[tag] * PAGE)
            fail_msg("step %u, tag %u: %lu bytes in %lu blocks; the model has %lu in %lu", step,
                     tag, live, count, pages * PAGE, blocks);
    }
}

static void model_set(struct model *m, unsigned at, unsigned count, unsigned value)
{
    for (unsigned i = at; i < at + count; i++)
        m->page[i] = value;
}

static void random_map(struct model *m, unsigned at, unsigned count, unsigned tag, int protection)
{
    char *p = m->arena + at * PAGE;
    assert_ptr_equal(mmap(p, count * PAGE, protection, OWN | MAP_FIXED, -1, 0), p);
    bool counts_as_memory = protection != PROT_NONE;
    model_set(m, at, count, counts_as_memory ? tag + STUB_TAGS * ++m->serial : 0);
    m->allocated[tag] += counts_as_memory ? count : 0;
}

/* Moves `count` pages to `to`, where they become `new_count`.  The kernel wants the source to be
 * one mapping of its own, which neighbours of the same sort are to it, so failures are part of the
 * game. */
static void random_move(struct model *m, unsigned from, unsigned count, unsigned to,
                        unsigned new_count, unsigned tag, bool keep)
{
    bool known = false;
    for (unsigned i = from; i < from + count; i++)
        known = known || m->page[i] != 0;
    int flags = MREMAP_MAYMOVE | MREMAP_FIXED | (keep ? MREMAP_DONTUNMAP : 0);
    if (mremap(m->arena + from * PAGE, count * PAGE, new_count * PAGE, flags,
               m->arena + to * PAGE) == MAP_FAILED)
        return;
    if (!keep)
        model_set(m, from, count, 0);
    model_set(m, to, new_count, known ? tag + STUB_TAGS * ++m->serial : 0);
    m->allocated[tag] += known ? new_count : 0;
}

static void random_steps(unsigned seed, unsigned steps)
{
    struct model m = {0};
    struct stub_counts before[STUB_TAGS];
    unsigned moved = 0;

    srand(seed);
    stub_reset();
    m.arena = mmap(ARENA, PAGES * PAGE, PROT_NONE, OWN | MAP_NORESERVE, -1, 0);
    assert_ptr_equal(m.arena, ARENA);
    for (unsigned tag = 0; tag < STUB_TAGS; tag++)
        before[tag] = counts(tag);
    for (unsigned step = 0; step < steps; step++) {
        unsigned at = (unsigned)rand() % PAGES, count = 1 + (unsigned)rand() % (PAGES - at);
        unsigned tag = 1 + (unsigned)rand() % (STUB_TAGS - 1), kind = (unsigned)rand() % 10;
        count = rand() % 4 ? 1 + count % 8 : count;
        count = at + count > PAGES ? PAGES - at : count;
        stub_tag(tag);
        if (kind < 4) {
            random_map(&m, at, count, tag, USABLE);
        } else if (kind < 5) {
            random_map(&m, at, count, tag, PROT_NONE);
        } else if (kind < 8) {
            assert_int_equal(munmap(m.arena + at * PAGE, count * PAGE), 0);
            model_set(&m, at, count, 0);
        } else {
            unsigned serial = m.serial, to = (unsigned)rand() % PAGES;
            bool keep = kind == 9 && rand() % 2;
            unsigned new_count = keep ? count : 1 + (unsigned)rand() % 8;
            if (to + new_count <= PAGES && (to + new_count <= at || at + count <= to))
                random_move(&m, at, count, to, new_count, tag, keep);
            moved += m.serial != serial;
        }
        model_check(&m, before, step);
    }
    munmap(m.arena, PAGES * PAGE);
    assert_true(moved > steps / 100);
    assert_int_equal(stub_unknown_frees(), 0);
}

static void test_random(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 20; seed++)
        random_steps(seed, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_counts),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_length_is_what_was_asked),
        cmocka_unit_test(test_fixed_replaces),
        cmocka_unit_test(test_mremap),
        cmocka_unit_test(test_mremap_keeping_the_old),
        cmocka_unit_test(test_mremap_of_the_unknown),
        cmocka_unit_test(test_second_view),
        cmocka_unit_test(test_missed),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
