/* What one more library costs does not grow with the number of those that are there.
 * NATIVE_LIBS as in native_load.c. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "stub.h"

#define LIBRARIES 500
#define WINDOW 20

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void copy(const char *from, const char *to)
{
    char buffer[65536];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, in)) > 0;)
        fwrite(buffer, 1, got, out);
    fclose(in);
    fclose(out);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

static void test_cost(void **state)
{
    (void)state;
    /* A load that the hooks don't see, and the patching by itself. */
    void *(*unseen)(const char *, int) =
        (void *(*)(const char *, int))dlsym(RTLD_DEFAULT, "dlopen");
    static double loading[LIBRARIES], patching[LIBRARIES];
    char directory[] = "/tmp/barrow-native-XXXXXX", source[1024], path[1100];

    assert_non_null(mkdtemp(directory));
    snprintf(source, sizeof source, "%s/liblate.so", getenv("NATIVE_LIBS"));
    stub_refresh();
    size_t patched = stub_report().objects_patched;
    for (int i = 0; i < LIBRARIES; i++) {
        snprintf(path, sizeof path, "%s/lib%d.so", directory, i);
        copy(source, path);
        double start = now_us();
        assert_non_null(unseen(path, RTLD_NOW));
        loading[i] = now_us() - start;
        start = now_us();
        stub_refresh();
        patching[i] = now_us() - start;
        unlink(path);
    }
    rmdir(directory);
    assert_int_equal(stub_report().objects_patched, patched + LIBRARIES);
    double start = now_us();
    for (int i = 0; i < 1000; i++)
        stub_refresh();
    double idle = (now_us() - start) / 1000;
    double few = median(patching, WINDOW), many = median(patching + LIBRARIES - WINDOW, WINDOW);
    print_message("patching one more of %d libraries: %.1f us, of %d: %.1f us (its load: %.1f us); "
                  "nothing new: %.3f us\n",
                  WINDOW, few, LIBRARIES, many, median(loading + LIBRARIES - WINDOW, WINDOW), idle);
    /* Walking all relocations again would make it 25 times as much. */
    assert_true(many < 4 * few + 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cost)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
