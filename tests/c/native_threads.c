/* Threads that allocate, free each other's blocks, map, load and unload all at once: every event is
 * counted once, and what is left is what is left.  NATIVE_LIBS as in native_load.c. */
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "stub.h"

#define THREADS 4
#define STEPS 100000
#define SHARED 256
#define PAGE ((size_t)4096)

static void *shared[SHARED]; /* any thread puts a block here, any takes it */
static bool stop;

struct tally {
    uint64_t allocations, bytes;
};

static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void *allocate(void *context)
{
    struct tally *tally = context;
    unsigned random = (unsigned)(uintptr_t)context;
    for (int i = 0; i < STEPS; i++) {
        size_t bytes = 1 + next_random(&random) % 2000;
        void *p = malloc(bytes);
        tally->allocations++;
        tally->bytes += bytes;
        if (next_random(&random) % 3 == 0) {
            bytes = 1 + next_random(&random) % 20000;
            p = realloc(p, bytes);
            tally->allocations++;
            tally->bytes += bytes;
        }
        free(__atomic_exchange_n(&shared[next_random(&random) % SHARED], p, __ATOMIC_SEQ_CST));
    }
    return NULL;
}

static void test_malloc_race(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct tally tallies[THREADS] = {{0}};
    uint64_t allocations = 0, bytes = 0;
    struct stub_counts before = stub_counts(LEDGER_DOMAIN_MALLOC, 0);
    uint64_t unknown = stub_unknown_frees();

    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, allocate, &tallies[i]);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        allocations += tallies[i].allocations;
        bytes += tallies[i].bytes;
    }
    for (int i = 0; i < SHARED; i++)
        free(shared[i]);
    struct stub_counts now = stub_counts(LEDGER_DOMAIN_MALLOC, 0);
    assert_int_equal(now.allocations - before.allocations, allocations);
    assert_int_equal(now.bytes - before.bytes, bytes);
    assert_int_equal(now.frees - before.frees, allocations);
    assert_int_equal(now.freed_bytes - before.freed_bytes, bytes);
    assert_int_equal(stub_unknown_frees(), unknown);
    assert_int_equal(stub_drops(LEDGER_DROP_missed_frees), 0);
}

static void *map(void *context)
{
    struct tally *tally = context;
    unsigned random = (unsigned)(uintptr_t)context;
    for (int i = 0; i < STEPS / 20; i++) {
        size_t pages = 3 + next_random(&random) % 30;
        char *p =
            mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        tally->bytes += pages * PAGE;
        if (i % 2) {
            p = mremap(p, pages * PAGE, 2 * pages * PAGE, MREMAP_MAYMOVE);
            pages *= 2;
            tally->bytes += pages * PAGE;
        }
        munmap(p + PAGE, PAGE);
        munmap(p, pages * PAGE);
    }
    return NULL;
}

static void test_mmap_race(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct tally tallies[THREADS] = {{0}};
    uint64_t bytes = 0;
    struct stub_counts before = stub_counts(LEDGER_DOMAIN_MMAP, 0);

    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, map, &tallies[i]);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        bytes += tallies[i].bytes;
    }
    struct stub_counts now = stub_counts(LEDGER_DOMAIN_MMAP, 0);
    assert_int_equal(now.bytes - before.bytes, bytes);
    assert_int_equal(now.freed_bytes - before.freed_bytes, bytes);
    assert_int_equal(now.allocations - before.allocations, now.frees - before.frees);
    assert_int_equal(stub_drops(LEDGER_DROP_missed_frees), 0);
}

static const char *const libraries[] = {"liblate.so", "liblate-lazy.so", "libopener.so",
                                        "sub/libsibling.so"};

static void *load(void *context)
{
    unsigned random = (unsigned)(uintptr_t)&random;
    for (int i = 0; i < 500; i++) {
        char path[1024];
        const char *name = libraries[next_random(&random) % 4];
        snprintf(path, sizeof path, "%s/%s", getenv("NATIVE_LIBS"), name);
        void *library = dlopen(path, i % 2 ? RTLD_NOW : RTLD_LAZY);
        void *(*make)(size_t) = (void *(*)(size_t))dlsym(library, "late_make");
        void (*drop)(void *) = (void (*)(void *))dlsym(library, "late_drop");
        if (make)
            drop(make(100));
        dlclose(library);
    }
    return context;
}

static void *refresh(void *context)
{
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        stub_refresh();
        usleep(50);
    }
    return context;
}

static void test_load_race(void **state)
{
    (void)state;
    pthread_t threads[THREADS], refresher;
    uint64_t unknown = stub_unknown_frees();

    stop = false;
    pthread_create(&refresher, NULL, refresh, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, load, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    pthread_join(refresher, NULL);
    assert_int_equal(stub_drops(LEDGER_DROP_missed_frees), 0);
    assert_int_equal(stub_unknown_frees(), unknown);
}

/* Forks while other threads map: the child goes on with a book in order, or an empty one. */
static void *map_on(void *context)
{
    struct tally tally;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        map(&tally);
    return context;
}

static void test_fork_race(void **state)
{
    (void)state;
    pthread_t threads[2];

    stop = false;
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, map_on, NULL);
    for (int i = 0; i < 200; i++) {
        pid_t child = fork();
        int status;
        if (child == 0) {
            stub_after_fork();
            struct stub_counts before = stub_counts(LEDGER_DOMAIN_MMAP, 0);
            char *p = mmap(NULL, 8 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            munmap(p + PAGE, PAGE);
            munmap(p, 8 * PAGE);
            struct stub_counts now = stub_counts(LEDGER_DOMAIN_MMAP, 0);
            _exit(now.bytes - before.bytes == 8 * PAGE ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_malloc_race),
        cmocka_unit_test(test_mmap_race),
        cmocka_unit_test(test_load_race),
        cmocka_unit_test(test_fork_race),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
