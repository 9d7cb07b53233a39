/* Every function of the malloc family, with exact counts.  Also run as a program that is not
 * position independent (whose &malloc is a stub of its own), and with other allocators preloaded.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stub.h"

#define HUGE_REQUEST ((size_t)1 << 62)

/* Set in code, which makes the linker give this program canonical stubs where it is not position
 * independent. */
static void *(*volatile take_malloc)(size_t);
static void (*volatile take_free)(void *);
/* Set by the linker or the loader. */
static void *(*volatile take_realloc)(void *, size_t) = realloc;
/* Keeps what looks constant to the compiler from being so. */
static volatile size_t zero = 0;

static bool allocator_is(const char *name)
{
    return strstr(stub_report().allocator, name) != NULL;
}

static struct stub_counts counts(void)
{
    return stub_counts(LEDGER_DOMAIN_MALLOC, 1);
}

static struct stub_counts before;
static uint64_t unknown_before;

static int begin(void **state)
{
    (void)state;
    before = counts();
    unknown_before = stub_unknown_frees();
    stub_tag(1);
    return 0;
}

static void check(uint64_t allocations, uint64_t bytes, uint64_t frees, uint64_t freed_bytes)
{
    struct stub_counts now = counts();
    assert_int_equal(now.allocations - before.allocations, allocations);
    assert_int_equal(now.bytes - before.bytes, bytes);
    assert_int_equal(now.frees - before.frees, frees);
    assert_int_equal(now.freed_bytes - before.freed_bytes, freed_bytes);
    assert_int_equal(stub_unknown_frees(), unknown_before);
    assert_int_equal(stub_drops(LEDGER_DROP_missed_frees), 0);
    stub_tag(1);
}

static int finish(void **state)
{
    (void)state;
    stub_tag(0);
    return 0;
}

static void test_malloc_free(void **state)
{
    (void)state;
    void *blocks[100];
    for (size_t i = 0; i < 100; i++)
        blocks[i] = malloc(i);
    for (size_t i = 0; i < 50; i++)
        free(blocks[i]);
    free(NULL);
    check(100, 99 * 100 / 2, 50, 49 * 50 / 2);
    for (size_t i = 50; i < 100; i++)
        free(blocks[i]);
    check(100, 99 * 100 / 2, 100, 99 * 100 / 2);
}

static void test_through_pointers(void **state)
{
    (void)state;
    void *p = take_malloc(1234);
    p = take_realloc(p, 2345);
    take_free(p);
    check(2, 3579, 2, 3579);
#ifndef __PIE__
    extern char __executable_start, end;
    assert_in_range((uintptr_t)take_malloc, (uintptr_t)&__executable_start, (uintptr_t)&end);
    assert_in_range((uintptr_t)dlsym(RTLD_DEFAULT, "malloc"), (uintptr_t)&__executable_start,
                    (uintptr_t)&end);
#endif
}

static void test_zeroed(void **state)
{
    (void)state;
    char *p = calloc(1000, 12);
    assert_int_equal(p[0] | p[11999], 0);
    free(p);
    assert_null(calloc(HUGE_REQUEST + zero, 64));
    check(1, 12000, 1, 12000);
}

static void test_resized(void **state)
{
    (void)state;
    char *p = realloc(NULL, 10);
    strcpy(p, "barrow");
    p = realloc(p, 100000);
    p = realloc(p, 20);
    assert_string_equal(p, "barrow");
    check(3, 100030, 2, 100010);
    assert_null(realloc(p, HUGE_REQUEST + zero));
    assert_int_equal(errno, ENOMEM);
    assert_string_equal(p, "barrow");
    check(3, 100030, 2, 100010);
    free(p);
    check(3, 100030, 3, 100030);
}

static void test_realloc_to_nothing(void **state)
{
    (void)state;
    void *p = malloc(600);
    p = realloc(p, zero);
    if (p) {
        check(2, 600, 1, 600);
        free(p);
        check(2, 600, 2, 600);
    } else {
        check(1, 600, 1, 600);
    }
}

static void test_reallocarray(void **state)
{
    (void)state;
    void *p = reallocarray(NULL, 30, 7);
    p = reallocarray(p, 50, 8);
    void *volatile kept = p;
    assert_null(reallocarray(p, HUGE_REQUEST + zero, 64));
    assert_int_equal(errno, ENOMEM);
    check(2, 610, 1, 210);
    free(kept);
    check(2, 610, 2, 610);
}

static void test_aligned(void **state)
{
    (void)state;
    void *p, *q = aligned_alloc(64, 640), *r = memalign(256, 1000);
    assert_int_equal(posix_memalign(&p, 4096, 5000), 0);
    assert_int_equal((uintptr_t)p % 4096 + (uintptr_t)q % 64 + (uintptr_t)r % 256, 0);
    check(3, 6640, 0, 0);
    free(p);
    free(q);
    free(r);
    check(3, 6640, 3, 6640);
}

static void test_posix_memalign_failures(void **state)
{
    (void)state;
    void *p = &p;
    errno = 77;
    assert_int_equal(posix_memalign(&p, 3 + zero, 100), EINVAL);
    assert_int_equal(errno, 77);
    assert_int_equal(posix_memalign(&p, 64, HUGE_REQUEST + zero), ENOMEM);
    check(0, 0, 0, 0);
}

static void test_pages(void **state)
{
    (void)state;
    void *p = valloc(5001);
    assert_int_equal((uintptr_t)p % 4096, 0);
    free(p);
    check(1, 5001, 1, 5001);
    if (allocator_is("jemalloc"))
        return; /* it has no pvalloc, and could not free the C library's */
    p = pvalloc(5002);
    free(p);
    check(2, 10003, 2, 10003);
}

static void test_failures_are_nothing(void **state)
{
    (void)state;
    errno = 0;
    assert_null(malloc(HUGE_REQUEST + zero));
    assert_int_equal(errno, ENOMEM);
    assert_null(memalign(64, HUGE_REQUEST + zero));
    assert_null(aligned_alloc(64, HUGE_REQUEST + zero));
    assert_null(valloc(HUGE_REQUEST + zero));
    check(0, 0, 0, 0);
}

static void test_errno_is_kept(void **state)
{
    (void)state;
    errno = 77;
    void *p = malloc(100);
    p = realloc(p, 200);
    free(p);
    assert_int_equal(errno, 77);
    check(2, 300, 2, 300);
}

static void test_calls_of_libc(void **state)
{
    (void)state;
    char *copy = strdup("nine byte"), *line = NULL, *text;
    size_t room = 0;
    free(copy);
    check(1, 10, 1, 10);
    stub_tag(1);
    FILE *f = fopen("/proc/self/maps", "r");
    assert_true(getline(&line, &room, f) > 0);
    fclose(f);
    assert_true(asprintf(&text, "%0500d", 7) == 500);
    free(text);
    free(line);
    struct stub_counts now = counts();
    assert_true(now.allocations - before.allocations >= 4);
    assert_int_equal(now.allocations - before.allocations, now.frees - before.frees);
    assert_int_equal(now.bytes - before.bytes, now.freed_bytes - before.freed_bytes);
    assert_int_equal(stub_unknown_frees(), unknown_before);
}

static void test_off(void **state)
{
    (void)state;
    void *p = malloc(300);
    stub_on(false);
    free(p);
    p = malloc(400);
    stub_on(true);
    check(1, 300, 0, 0);
    free(p);
    assert_int_equal(stub_unknown_frees(), unknown_before + 1);
}

static void test_big_blocks(void **state)
{
    (void)state;
    size_t bytes = ((size_t)5 << 30) + 123;
    void *p = malloc(bytes);
    if (!p)
        skip();
    check(1, bytes, 0, 0);
    if (!allocator_is("libc")) { /* which moves pages; others copy, and would touch them all */
        free(p);
        check(1, bytes, 1, bytes);
        return;
    }
    p = realloc(p, bytes + 100000);
    assert_non_null(p);
    check(2, 2 * bytes + 100000, 1, bytes);
    assert_null(realloc(p, HUGE_REQUEST + zero));
    check(2, 2 * bytes + 100000, 1, bytes);
    free(p);
    check(2, 2 * bytes + 100000, 2, 2 * bytes + 100000);
}

/* C++ code calls these; a preloaded allocator serves them itself. */
extern void *_Znwm(size_t bytes) __attribute__((weak));
extern void *_ZnwmSt11align_val_t(size_t bytes, size_t alignment) __attribute__((weak));
extern void *_ZnamRKSt9nothrow_t(size_t bytes, const void *tag) __attribute__((weak));
extern void _ZdlPv(void *p) __attribute__((weak));
extern void _ZdlPvm(void *p, size_t bytes) __attribute__((weak));
extern void _ZdaPv(void *p) __attribute__((weak));

static void test_cxx(void **state)
{
    (void)state;
    if (!_Znwm)
        skip();
    _ZdlPv(_Znwm(100));
    _ZdlPvm(_ZnwmSt11align_val_t(200, 64), 200);
    _ZdaPv(_ZnamRKSt9nothrow_t(300, ""));
    check(3, 600, 3, 600);
    if (allocator_is("libc"))
        return; /* libstdc++ would make an exception, which is an allocation */
    assert_null(_ZnamRKSt9nothrow_t(HUGE_REQUEST + zero, ""));
    check(3, 600, 3, 600);
}

static void test_report(void **state)
{
    (void)state;
    const char *expected = getenv("EXPECT_ALLOCATOR");
    struct barrow_native_report report = stub_report();
    assert_string_equal(report.allocator, expected ? expected : "libc.so.6");
    assert_string_equal(report.note, "");
    assert_true(report.objects_patched >= 2 && report.slots_patched >= 10);
}

/* The hooks' own library reaches the original, even past a stub in the program. */
static void test_own_calls(void **state)
{
    (void)state;
    void *(*own)(size_t) = (void *(*)(size_t))stub_own_malloc();
    free(own(64));
    assert_int_equal(stub_unknown_frees(), unknown_before + 1);
}

int main(void)
{
    take_malloc = malloc;
    take_free = free;
    mallopt(M_PERTURB, 0); /* filling the big blocks would take long */
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(test_malloc_free),
        TEST(test_through_pointers),
        TEST(test_zeroed),
        TEST(test_resized),
        TEST(test_realloc_to_nothing),
        TEST(test_reallocarray),
        TEST(test_aligned),
        TEST(test_posix_memalign_failures),
        TEST(test_pages),
        TEST(test_failures_are_nothing),
        TEST(test_errno_is_kept),
        TEST(test_calls_of_libc),
        TEST(test_big_blocks),
        TEST(test_cxx),
        TEST(test_report),
        TEST(test_own_calls),
        TEST(test_off), /* the last: its block will be missed where its address comes back */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
