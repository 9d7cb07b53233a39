/* Files of memory over time, what is drawn of them, and readings of /proc. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "series/picture.h"
#include "series/sampler.h"

#define MIB (1u << 20)

/* ---- reading ---- */

static int read_text(struct barrow_dat *dat, const char *text, struct barrow_error *err)
{
    FILE *from = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    int rc = barrow_dat_read(dat, from, "a.dat", err);
    fclose(from);
    return rc;
}

static void expect_error(const char *text, const char *wanted)
{
    struct barrow_dat dat;
    struct barrow_error err;
    assert_int_equal(read_text(&dat, text, &err), -1);
    if (!strstr(err.text, wanted))
        fail_msg("\"%s\" lacks \"%s\"", err.text, wanted);
}

static void test_read(void **state)
{
    (void)state;
    struct barrow_dat dat;
    bool is_exact;
    assert_int_equal(read_text(&dat,
                               "CMDLINE python app.py\n"
                               "MEM 12.500000 1732201200.1034\n"
                               "CHLD 42 3.25 1732201200.2\n"
                               "FUTURE words\n"
                               "\n"
                               "FUNC a.load 1.0 1732201200.0 2.0 1732201200.5 3\r\n"
                               "FUNC a.load 1.0 1732201200.0 2.0 1732201200.5\n"
                               "MEM 1e1 1732201201\n"
                               "CHLD 42 4 1732201201\n"
                               "CHLD 7 1 1732201201\n"
                               "PEAK 41.3\n"
                               "MEM 99.0 17322012",
                               NULL),
                     0);
    assert_string_equal(dat.command, "python app.py");
    assert_int_equal(dat.self.readings.count, 2);
    assert_int_equal(dat.self.readings.items[0].bytes, 25 * MIB / 2);
    assert_true(fabs(dat.self.readings.items[0].time_s - 1732201200.1034) < 1e-6);
    assert_int_equal(dat.self.readings.items[1].bytes, 10 * MIB);
    assert_int_equal(dat.children.count, 2);
    assert_int_equal(dat.children.items[0].pid, 42);
    assert_int_equal(dat.children.items[0].readings.count, 2);
    assert_int_equal(dat.calls.count, 2);
    assert_int_equal(dat.calls.items[0].level, 3);
    assert_int_equal(dat.names.count, 1);
    assert_int_equal(barrow_dat_peak(&dat, &is_exact), (uint64_t)(41.3 * MIB + 0.5));
    assert_true(is_exact);
    barrow_dat_free(&dat);
}

static void test_read_errors(void **state)
{
    (void)state;
    expect_error("MEM 1 2\nMEM x 3\n", "a.dat:2:");
    expect_error("MEM 1\n", "a.dat:1:");
    expect_error("MEM -1 2\n", "expected MEM");
    expect_error("MEM nan 2\n", "expected MEM");
    expect_error("MEM 1e300 2\n", "expected MEM");
    expect_error("MEM 1.5.5 2\n", "expected MEM");
    expect_error("CHLD a 1 2\n", "expected CHLD");
    expect_error("FUNC f 1 2 3\n", "expected FUNC");
    expect_error("METRIC heap\nMEM 1 2\n", "expected METRIC");
    expect_error("\177ELF\n", "a.dat:1:");
    expect_error("FUTURE words\n", "is empty");
    expect_error("CMDLINE x", "is empty");
}

/* ---- writing ---- */

static void test_write(void **state)
{
    (void)state;
    char path[] = "/tmp/barrow-test-XXXXXX";
    char *words[] = {(char *)(uintptr_t) "a\nb", (char *)(uintptr_t) "c"};
    struct barrow_dat_writer writer;
    struct barrow_error err;
    struct barrow_dat dat;

    close(mkstemp(path));
    assert_int_equal(barrow_dat_create(&writer, path, false, &err), -1);
    assert_non_null(strstr(err.text, "-f overwrites"));
    assert_int_equal(barrow_dat_create(&writer, path, true, &err), 0);
    barrow_dat_put_command(&writer, words, 2);
    barrow_dat_put_metric(&writer, BARROW_MEASURE_uss);
    barrow_dat_put_sample(&writer, 0, (struct barrow_reading){1732201200.1034, 12345678});
    barrow_dat_put_sample(&writer, 9, (struct barrow_reading){1732201200.5, 4096});
    assert_int_equal(barrow_dat_flush(&writer, true, &err), 0);
    barrow_dat_close(&writer);
    assert_int_equal(barrow_dat_load(&dat, path, &err), 0);
    unlink(path);
    assert_string_equal(dat.command, "a b c");
    assert_int_equal(dat.measure, BARROW_MEASURE_uss);
    /* Six decimals of a MiB: to the byte. */
    assert_true(llabs((long long)dat.self.readings.items[0].bytes - 12345678) <= 1);
    assert_int_equal(dat.children.items[0].pid, 9);
    barrow_dat_free(&dat);
}

/* ---- plots ---- */

static struct barrow_dat saw(size_t count)
{
    struct barrow_dat dat = {0};
    for (size_t i = 0; i < count; i++) {
        struct barrow_reading *r = barrow_array_add(&dat.self.readings);
        *r = (struct barrow_reading){100 + (double)i / 10, (i % 7 == 3 ? 1 : 5 + i % 7) * MIB};
    }
    dat.self.readings.items[count / 2].bytes = 99 * MIB;
    return dat;
}

/* A picture of few columns still shows the one high sample among many, and the low ones. */
static void test_thin(void **state)
{
    (void)state;
    struct barrow_dat dat = saw(100000);
    struct barrow_plot plot;
    assert_int_equal(barrow_plot_build(&plot, &dat, 1, 50, NULL), 0);
    assert_int_equal(plot.tracks.count, 1);
    const struct barrow_track *track = &plot.tracks.items[0];
    assert_true(track->points.count > 50 && track->points.count <= 4 * 51);
    uint64_t highest = 0, lowest = UINT64_MAX;
    for (size_t i = 0; i < track->points.count; i++) {
        if (i)
            assert_true(track->points.items[i].time_s > track->points.items[i - 1].time_s);
        highest = track->points.items[i].bytes > highest ? track->points.items[i].bytes : highest;
        lowest = track->points.items[i].bytes < lowest ? track->points.items[i].bytes : lowest;
    }
    assert_int_equal(highest, 99 * MIB);
    assert_int_equal(lowest, MIB);
    assert_int_equal(plot.top_bytes, 99 * MIB);
    barrow_plot_free(&plot);
    barrow_dat_free(&dat);
}

static void test_few_samples_stay(void **state)
{
    (void)state;
    struct barrow_dat dat = saw(30);
    struct barrow_plot plot;
    assert_int_equal(barrow_plot_build(&plot, &dat, 1, 5000, NULL), 0);
    assert_int_equal(plot.tracks.items[0].points.count, 30);
    barrow_plot_free(&plot);
    barrow_dat_free(&dat);
}

static void test_slope(void **state)
{
    (void)state;
    struct barrow_dat dat = {0};
    for (int i = 0; i < 1000; i++) {
        struct barrow_reading *r = barrow_array_add(&dat.self.readings);
        *r = (struct barrow_reading){1.7e9 + i * 0.5, 10 * MIB + (uint64_t)i * 1000};
    }
    struct barrow_plot plot;
    assert_int_equal(barrow_plot_build(&plot, &dat, 1, 100, NULL), 0);
    struct barrow_slope slope = barrow_plot_slope(&plot, 0);
    assert_true(fabs(slope.bytes_per_s - 2000) < 1);
    assert_true(fabs(slope.at_start - 10 * MIB) < 100);
    barrow_plot_free(&plot);
    barrow_dat_free(&dat);
}

static void test_steps(void **state)
{
    (void)state;
    assert_true(fabs(barrow_plot_step(133, 6) - 50) < 1e-9);
    assert_true(fabs(barrow_plot_step(0.07, 10) - 0.01) < 1e-9);
    assert_true(fabs(barrow_plot_step(86400, 10) - 10000) < 1e-6);
}

static void test_short_names(void **state)
{
    (void)state;
    struct barrow_dat dat;
    assert_int_equal(read_text(&dat,
                               "MEM 1 2\nFUNC a.b.load 1 2 3 4\nFUNC a.c.load 1 2 3 4\n"
                               "FUNC a.c.store 1 2 3 4\nFUNC reload 1 2 3 4\n",
                               NULL),
                     0);
    assert_string_equal(barrow_picture_short_name(&dat, 0), "b.load");
    assert_string_equal(barrow_picture_short_name(&dat, 1), "c.load");
    assert_string_equal(barrow_picture_short_name(&dat, 2), "store");
    assert_string_equal(barrow_picture_short_name(&dat, 3), "reload");
    barrow_dat_free(&dat);
}

static void test_png(void **state)
{
    (void)state;
    struct barrow_dat dat = saw(500);
    struct barrow_plot plot;
    struct barrow_canvas canvas;
    struct barrow_error err;
    const char *names[] = {"a.dat"};
    char *bytes = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&bytes, &length);
    assert_int_equal(barrow_plot_build(&plot, &dat, 1, 2000, NULL), 0);
    struct barrow_picture picture = {&plot, "a title \xff\u00e9", names, true};
    int rc = barrow_canvas_png(&canvas, to, BARROW_PICTURE_WIDTH, barrow_picture_height(&picture),
                               barrow_picture_title(&picture), &err);
    if (rc == 0) {
        barrow_picture_draw(&picture, &canvas);
        assert_int_equal(canvas.kind->end(&canvas, &err), 0);
        fflush(to);
        assert_memory_equal(bytes, "\x89PNG\r\n", 6);
        assert_memory_equal(bytes + length - 8, "IEND", 4);
    } else {
        assert_int_equal(err.code, BARROW_E_UNSUPPORTED);
        assert_non_null(strstr(err.text, "libpng"));
    }
    barrow_canvas_free(&canvas);
    fclose(to);
    free(bytes);
    barrow_plot_free(&plot);
    barrow_dat_free(&dat);
}

/* ---- processes ---- */

/* A child that has touched so much memory, and waits to be killed. */
static int start_child(size_t bytes)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    int pid = fork();
    if (pid == 0) {
        char *memory =
            mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(memory, 1, bytes);
        if (write(ready[1], "", 1) == 1)
            pause();
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void end_child(int pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void test_family(void **state)
{
    (void)state;
    struct barrow_family family;
    struct barrow_error err;
    for (enum barrow_measure m = BARROW_MEASURE_rss; m <= BARROW_MEASURE_uss; m++) {
        int pid = start_child(64 * MIB);
        assert_int_equal(barrow_family_init(&family, pid, m, false, &err), 0);
        assert_in_range(barrow_family_bytes(&family), 63 * MIB, 700ull * MIB);
        assert_true(barrow_family_highest_rss(&family) >= 63 * MIB);
        assert_true(barrow_family_read(&family));
        end_child(pid);
        assert_false(barrow_family_read(&family));
        barrow_family_free(&family);
    }
    assert_int_equal(barrow_family_init(&family, 0, BARROW_MEASURE_rss, false, &err), -1);
    assert_non_null(strstr(err.text, "there is no process 0"));
}

static void test_descendants(void **state)
{
    (void)state;
    struct barrow_family family;
    struct barrow_error err;
    int first = start_child(32 * MIB);
    assert_int_equal(barrow_family_init(&family, getpid(), BARROW_MEASURE_rss, true, &err), 0);
    assert_int_equal(family.count, 2);
    assert_int_equal(family.members[1].pid, first);
    int second = start_child(32 * MIB);
    family.next_search_ns = 0;
    assert_true(barrow_family_read(&family));
    assert_int_equal(family.count, 3);
    assert_int_equal(barrow_family_bytes(&family),
                     family.members[0].bytes + family.members[1].bytes + family.members[2].bytes);
    end_child(first);
    assert_true(barrow_family_read(&family));
    assert_int_equal(family.count, 2);
    assert_int_equal(family.members[1].pid, second);
    end_child(second);
    barrow_family_free(&family);
}

static void test_sampler(void **state)
{
    (void)state;
    struct barrow_sampler *sampler;
    struct barrow_error err;
    int pid = start_child(16 * MIB);
    assert_int_equal(barrow_sampler_start(&sampler, pid, BARROW_MEASURE_rss, false, 1000000, &err),
                     0);
    assert_true(barrow_sampler_count(sampler) >= 1);
    usleep(100000);
    barrow_sampler_stop(sampler);
    size_t count = barrow_sampler_count(sampler);
    assert_true(count >= 3);
    struct barrow_reading *readings = calloc(count, sizeof *readings);
    barrow_sampler_copy(sampler, readings, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(readings[i].bytes >= 15 * MIB);
        assert_true(i == 0 || readings[i].time_s >= readings[i - 1].time_s);
    }
    assert_true(barrow_sampler_peak(sampler) >= 15 * MIB);
    free(readings);
    barrow_sampler_free(sampler);
    end_child(pid);
    assert_int_equal(barrow_sampler_start(&sampler, pid, BARROW_MEASURE_rss, false, 1000000, &err),
                     -1);
    assert_null(sampler);
}

/* In a child, stopping and freeing return at once. */
static void test_sampler_fork(void **state)
{
    (void)state;
    struct barrow_sampler *sampler;
    int status;
    assert_int_equal(
        barrow_sampler_start(&sampler, getpid(), BARROW_MEASURE_rss, false, 1000000, NULL), 0);
    int pid = fork();
    if (pid == 0) {
        alarm(10);
        bool was_running = barrow_sampler_running(sampler);
        barrow_sampler_stop(sampler);
        size_t count = barrow_sampler_count(sampler);
        barrow_sampler_free(sampler);
        _exit(!was_running && count >= 1 ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    assert_true(barrow_sampler_running(sampler));
    barrow_sampler_free(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_read_errors),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_thin),
        cmocka_unit_test(test_few_samples_stay),
        cmocka_unit_test(test_slope),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_short_names),
        cmocka_unit_test(test_png),
        cmocka_unit_test(test_family),
        cmocka_unit_test(test_descendants),
        cmocka_unit_test(test_sampler),
        cmocka_unit_test(test_sampler_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
