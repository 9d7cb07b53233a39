/* What is loaded later: it is patched, and the loader finds and says what it would without barrow.
 * NATIVE_LIBS: the directory of the libraries of tests/targets/native. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "stub.h"

typedef void *open_function(const char *name, int flags);
typedef void *make_function(size_t bytes);
typedef void drop_function(void *p);

/* libplain */
extern open_function plain_open;
extern make_function plain_make;
extern drop_function plain_drop;

static const char *library(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", getenv("NATIVE_LIBS"), name);
    return path;
}

static void *need(void *p)
{
    if (!p)
        fail_msg("%s", dlerror());
    return p;
}

static struct stub_counts before;

static int begin(void **state)
{
    (void)state;
    before = stub_counts(LEDGER_DOMAIN_MALLOC, 1);
    return 0;
}

static void check(uint64_t allocations, uint64_t bytes, uint64_t frees)
{
    struct stub_counts now = stub_counts(LEDGER_DOMAIN_MALLOC, 1);
    assert_int_equal(now.allocations - before.allocations, allocations);
    assert_int_equal(now.bytes - before.bytes, bytes);
    assert_int_equal(now.frees - before.frees, frees);
}

/* Makes a block of `bytes` there, as tag 1. */
static void *make(make_function *function, size_t bytes)
{
    stub_tag(1);
    void *p = function(bytes);
    stub_tag(0);
    return p;
}

static void test_new_library(void **state)
{
    (void)state;
    void *late = need(dlopen(library("liblate.so"), RTLD_NOW));
    void *p = make(need(dlsym(late, "late_make")), 100);
    check(1, 100, 0);
    ((drop_function *)dlsym(late, "late_drop"))(p);
    check(1, 100, 1);
    dlclose(late);
}

static void test_lazy_binding(void **state)
{
    (void)state;
    void *late = need(dlopen(library("liblate-lazy.so"), RTLD_LAZY));
    void *p = make(need(dlsym(late, "late_make")), 100);
    ((drop_function *)dlsym(late, "late_drop"))(p);
    check(1, 100, 1);
    dlclose(late);
}

/* Where the loader does not care who calls, nothing has to be looked up first. */
static void test_without_dlsym(void **state)
{
    (void)state;
    void *late = need(plain_open(library("liblate.so"), RTLD_NOW));
    void *p = make(plain_make, 200);
    check(1, 200, 0);
    plain_drop(p);
    check(1, 200, 1);
    dlclose(late);
}

static void test_tables_in_data(void **state)
{
    (void)state;
    struct allocator {
        make_function *make;
        drop_function *drop;
    };
    void *late = need(dlopen(library("liblate.so"), RTLD_NOW));
    const struct allocator *(*tables)(int) = need(dlsym(late, "late_tables"));
    void *p = make(tables(0)->make, 300), *q = make(tables(1)->make, 400);
    check(2, 700, 0);
    tables(1)->drop(p);
    tables(0)->drop(q);
    check(2, 700, 2);
    dlclose(late);
}

static void test_close_and_open_again(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        open_function *open = i % 2 ? plain_open : dlopen;
        void *late = need(open(library(i % 3 ? "liblate.so" : "liblate-lazy.so"), RTLD_NOW));
        void *other = need(dlopen(library("libopener.so"), RTLD_NOW));
        make_function *way = plain_make;
        if (i % 2 == 0)
            way = need(dlsym(late, "late_make"));
        void *p = make(way, 10);
        dlclose(other);
        ((drop_function *)dlsym(late, "late_drop"))(p);
        check((uint64_t)i + 1, 10 * ((uint64_t)i + 1), (uint64_t)i + 1);
        dlclose(late);
    }
    assert_int_equal(stub_drops(LEDGER_DROP_missed_frees), 0);
}

/* Closed and opened by means that are not seen, so that it comes to lie where it was. */
static void test_reloaded_unseen(void **state)
{
    (void)state;
    open_function *unseen = need(dlsym(RTLD_DEFAULT, "dlopen"));
    const char *path = library("liblate.so");
    void *late = need(unseen(path, RTLD_NOW));
    void *first = need(dlsym(late, "late_make"));
    dlclose(late);
    late = need(unseen(path, RTLD_NOW));
    stub_refresh();
    void *p = make(plain_make, 500);
    check(1, 500, 0);
    plain_drop(p);
    assert_ptr_equal(dlsym(late, "late_make"), first);
    dlclose(late);
}

static void open_sibling(open_function *open, const char *name)
{
    struct stub_counts start = stub_counts(LEDGER_DOMAIN_MALLOC, 1);
    void *sibling = need(open(name, RTLD_NOW));
    void *p = make(need(dlsym(sibling, "late_make")), 1000);
    struct stub_counts end = stub_counts(LEDGER_DOMAIN_MALLOC, 1);
    assert_int_equal(end.bytes - start.bytes, 1000);
    ((drop_function *)dlsym(sibling, "late_drop"))(p);
    assert_non_null(open(name, RTLD_NOW | RTLD_NOLOAD));
    dlclose(sibling);
    dlclose(sibling);
    assert_null(open(name, RTLD_NOW | RTLD_NOLOAD));
}

static void test_search_path_of_the_caller(void **state)
{
    (void)state;
    static const char *const openers[] = {"libopener-runpath.so", "libopener-rpath.so",
                                          "libopener.so"};
    for (size_t i = 0; i < 3; i++) {
        void *opener = need(dlopen(library(openers[i]), RTLD_NOW));
        open_function *open = need(dlsym(opener, "opener_open"));
        if (i < 2)
            open_sibling(open, "libsibling.so");
        open_sibling(open, "$ORIGIN/sub/libsibling.so");
        open_sibling(open, "${ORIGIN}/sub/libsibling.so");
        dlclose(opener);
    }
}

/* RPATH, unlike RUNPATH, is handed down to the libraries that the one with the RPATH needs. */
static void test_search_path_handed_down(void **state)
{
    (void)state;
    void *outer = need(dlopen(library("libouter.so"), RTLD_NOW));
    open_function *middle_open = need(dlsym(outer, "middle_open"));
    void *sibling = need(middle_open("libsibling.so", RTLD_NOW));
    dlclose(sibling);
    dlclose(outer);
}

static void test_not_found(void **state)
{
    (void)state;
    open_function *unseen = need(dlsym(RTLD_DEFAULT, "dlopen"));
    static const char *const names[] = {"libsibling.so", "/no/such/library.so",
                                        "libno-such-library.so", "/etc/passwd"};
    for (size_t i = 0; i < 4; i++) {
        char expected[300];
        assert_null(unseen(names[i], RTLD_NOW));
        snprintf(expected, sizeof expected, "%s", dlerror());
        assert_null(plain_open(names[i], RTLD_NOW));
        assert_string_equal(dlerror(), expected);
        assert_null(dlerror());
        assert_null(dlopen(names[i], RTLD_NOW));
        assert_string_equal(dlerror(), expected);
    }
    assert_null(dlsym(RTLD_DEFAULT, "no_such_symbol"));
    assert_non_null(strstr(dlerror(), "no_such_symbol"));
}

static void test_callers_of_dlsym(void **state)
{
    (void)state;
    void *libc = need(dlopen("libc.so.6", RTLD_NOW)),
         *opener = need(dlopen(library("libopener.so"), RTLD_NOW));
    void *(*next)(const char *) = need(dlsym(opener, "opener_next"));
    /* Nothing follows a library that was opened, but what it needs itself. */
    assert_ptr_equal(next("malloc"), dlsym(libc, "malloc"));
    assert_non_null(dlvsym(libc, "malloc", "GLIBC_2.2.5"));
    assert_null(next("opener_next"));
    assert_ptr_equal(dlsym(RTLD_NEXT, "strlen"), dlsym(libc, "strlen"));
    void *program = need(dlopen(NULL, RTLD_NOW));
    assert_non_null(dlsym(program, "plain_open"));
    dlclose(program);
    dlclose(opener);
    dlclose(libc);
}

static void test_other_namespace(void **state)
{
    (void)state;
    void *late = need(dlmopen(LM_ID_NEWLM, library("liblate.so"), RTLD_NOW));
    void *p = make(need(dlsym(late, "late_make")), 100);
    assert_non_null(p);
    ((drop_function *)dlsym(late, "late_drop"))(p);
    check(0, 0, 0);
    dlclose(late);
    late = need(dlmopen(LM_ID_BASE, library("liblate.so"), RTLD_NOW));
    p = make(need(dlsym(late, "late_make")), 100);
    check(1, 100, 0);
    ((drop_function *)dlsym(late, "late_drop"))(p);
    dlclose(late);
}

static void test_other_malloc(void **state)
{
    (void)state;
    assert_string_equal(stub_report().note, "");
    void *deep = need(dlopen(library("libdeep.so"), RTLD_NOW | RTLD_DEEPBIND));
    int (*is_own)(void) = need(dlsym(deep, "deep_is_own"));
    assert_true(is_own());
    assert_non_null(strstr(stub_report().note, "another library"));
    dlclose(deep);
    void *user = need(dlopen(library("libdeep-user.so"), RTLD_NOW | RTLD_DEEPBIND));
    assert_non_null(make(need(dlsym(user, "late_make")), 100));
    check(0, 0, 0);
    dlclose(user);
    deep = need(dlopen(library("libdeep.so"), RTLD_NOW));
    is_own = need(dlsym(deep, "deep_is_own"));
    assert_false(is_own());
    dlclose(deep);
}

/* Set in code, so that a program that is not position independent has canonical stubs. */
static void *(*volatile take_malloc)(size_t);
static void (*volatile take_free)(void *);

/* What the loader needs for itself is not counted, whatever the program is. */
static void test_loader_is_spared(void **state)
{
    (void)state;
    take_malloc = malloc;
    take_free = free;
    stub_tag(1);
    void *late = need(plain_open(library("liblate.so"), RTLD_NOW));
    dlclose(late);
    stub_tag(0);
    check(0, 0, 0);
}

/* The protection of the page at `address`, as "rw-p". */
static void protection(const void *address, char text[5])
{
    FILE *maps = fopen("/proc/self/maps", "r");
    uintptr_t start, end;
    char line[512];
    text[0] = 0;
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %4s", &start, &end, text) == 3 && (uintptr_t)address >= start &&
            (uintptr_t)address < end)
            break;
    fclose(maps);
}

static void test_read_only_again(void **state)
{
    (void)state;
    char text[5];
    void *late = need(dlopen(library("liblate.so"), RTLD_NOW));
    protection(need(dlsym(late, "late_constant_table")), text);
    assert_string_equal(text, "r--p");
    protection(need(dlsym(late, "late_table")), text);
    assert_string_equal(text, "rw-p");
    dlclose(late);
}

static void test_errno(void **state)
{
    (void)state;
    void *late = need(plain_open(library("liblate.so"), RTLD_NOW));
    errno = 77;
    dlsym(late, "late_make");
    assert_int_equal(errno, 77);
    dlclose(late);
}

/* ---- a load that is under way in another thread, which the hooks don't see ---- */

struct loading {
    const char *path;
    open_function *open;
    void *opened;
    bool stopped;
    int release;
    bool released;
};

static void *load(void *context)
{
    struct loading *l = context;
    l->opened = l->open(l->path, RTLD_NOW);
    return NULL;
}

/* Started before the load: starting a thread may have to wait for the loader, too. */
static void *release_later(void *context)
{
    struct loading *l = context;
    while (!__atomic_load_n(&l->stopped, __ATOMIC_SEQ_CST))
        usleep(1000);
    usleep(100000);
    __atomic_store_n(&l->released, true, __ATOMIC_SEQ_CST);
    assert_int_equal(write(l->release, "x", 1), 1);
    return NULL;
}

static void slow_load(const char *name)
{
    int said[2], release[2];
    char byte, path[1024];
    pthread_t loader, releaser;
    struct loading l = {.path = path, .open = need(dlsym(RTLD_DEFAULT, "dlopen"))};

    snprintf(path, sizeof path, "%s", library(name));
    assert_int_equal(pipe(said) | pipe(release), 0);
    dup2(said[1], 200);
    dup2(release[0], 201);
    l.release = release[1];
    pthread_create(&releaser, NULL, release_later, &l);
    pthread_create(&loader, NULL, load, &l);
    assert_int_equal(read(said[0], &byte, 1), 1);
    __atomic_store_n(&l.stopped, true, __ATOMIC_SEQ_CST);
    stub_refresh();
    assert_true(__atomic_load_n(&l.released, __ATOMIC_SEQ_CST));
    pthread_join(loader, NULL);
    pthread_join(releaser, NULL);
    need(l.opened);
    stub_refresh();
    void *p = make(need(dlsym(l.opened, "slow_make")), 600);
    check(1, 600, 0);
    ((drop_function *)dlsym(l.opened, "slow_drop"))(p);
    check(1, 600, 1);
    int (*answer)(void) = (int (*)(void))dlsym(l.opened, "slow_answer");
    if (answer)
        assert_int_equal(answer(), 42);
    dlclose(l.opened);
    for (int i = 0; i < 2; i++) {
        close(said[i]);
        close(release[i]);
        close(200 + i);
    }
}

static void test_during_constructor(void **state)
{
    (void)state;
    slow_load("libslow.so");
}

static void test_during_relocation(void **state)
{
    (void)state;
    slow_load("libslow-resolver.so");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        TEST(test_new_library),
        TEST(test_lazy_binding),
        TEST(test_without_dlsym),
        TEST(test_tables_in_data),
        TEST(test_close_and_open_again),
        TEST(test_reloaded_unseen),
        TEST(test_search_path_of_the_caller),
        TEST(test_search_path_handed_down),
        TEST(test_not_found),
        TEST(test_callers_of_dlsym),
        TEST(test_other_namespace),
        TEST(test_other_malloc),
        TEST(test_loader_is_spared),
        TEST(test_read_only_again),
        TEST(test_errno),
        TEST(test_during_constructor),
        TEST(test_during_relocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
