/* ledger/census.h: what is stored is what is read, whatever is merged meanwhile; compared with a
 * model that keeps every census as it was.  table/census.h: sums, slopes and trends of several
 * processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ledger/census.h"
#include "table/census.h"

enum { CLASSES = 400 };

struct figures {
    uint64_t objects, bytes;
};

struct fixture {
    char path[64];
    struct ledger_writer ledger;
    struct ledger_census_writer censuses;
    uint32_t names[CLASSES]; /* offsets of their strings */
};

static struct fixture fixture;

static uint32_t intern(void *context, const char *text, uint32_t bytes)
{
    struct fixture *f = context;
    uint32_t class = (uint32_t)atoi(text + 1);
    uint64_t *used = &f->ledger.state->used[LEDGER_STRINGS];
    if (f->names[class])
        return f->names[class];
    if (*used + 4 + bytes > f->ledger.tables[LEDGER_STRINGS].capacity)
        return 0;
    f->names[class] = (uint32_t)*used;
    memcpy(f->ledger.tables[LEDGER_STRINGS].base + *used, &bytes, 4);
    memcpy(f->ledger.tables[LEDGER_STRINGS].base + *used + 4, text, bytes);
    *used += 4 + ((bytes + 3u) & ~3u);
    return f->names[class];
}

static void open_ledger(const struct ledger_header *header, const char *name)
{
    const char *note;
    struct barrow_error err;
    memset(&fixture, 0, sizeof fixture);
    snprintf(fixture.path, sizeof fixture.path, "/tmp/barrow-%s-%d.barrow", name, (int)getpid());
    unlink(fixture.path);
    if (ledger_create(&fixture.ledger, fixture.path, header, &note, &err) != 0)
        fail_msg("%s", err.text);
    fixture.ledger.state->epoch = 1;
    fixture.ledger.state->used[LEDGER_STRINGS] = 4;
    fixture.censuses = (struct ledger_census_writer){
        .ledger = &fixture.ledger, .intern = intern, .context = &fixture};
}

static void close_ledger(void)
{
    ledger_census_reset(&fixture.censuses);
    ledger_release(&fixture.ledger);
}

static void put(const struct figures figures[CLASSES], uint64_t time_ns, bool is_full)
{
    struct ledger_census_class classes[CLASSES];
    static char names[CLASSES][16];
    struct ledger_census head = {.time_ns = time_ns, .pause_ns = 5, .is_full = is_full};
    size_t count = 0;
    for (int i = 0; i < CLASSES; i++) {
        if (!figures[i].objects)
            continue;
        int n = snprintf(names[i], sizeof names[i], "c%d", i);
        classes[count++] = (struct ledger_census_class){names[i], (uint32_t)n, figures[i].objects,
                                                        figures[i].bytes};
        head.objects += figures[i].objects;
    }
    assert_true(ledger_census_put(&fixture.censuses, &head, classes, count));
}

/* Reads all of it and compares each census with what the model held then. */
static uint32_t compare(struct figures (*model)[CLASSES], uint64_t rounds)
{
    struct barrow_ledger *ledger;
    struct barrow_error err;
    if (barrow_ledger_open(&ledger, fixture.path, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(ledger->warnings.count, 0);
    struct barrow_censuses walk = barrow_ledger_censuses(ledger);
    struct barrow_census census;
    struct figures now[CLASSES] = {0};
    uint64_t last = 0;
    uint32_t count = 0;
    for (; barrow_censuses_next(&walk, &census); count++) {
        assert_true(count > 0 || census.head.is_full);
        assert_true(count == 0 || census.head.time_ns > last);
        last = census.head.time_ns;
        if (census.head.is_full)
            memset(now, 0, sizeof now);
        for (uint32_t i = 0; i < census.head.entries; i++) {
            const char *text;
            char name[16];
            uint32_t bytes;
            assert_true(barrow_ledger_string(ledger, census.entries[i].name, &text, &bytes));
            assert_true(bytes < sizeof name);
            memcpy(name, text, bytes);
            name[bytes] = '\0';
            struct figures *f = &now[atoi(name + 1)];
            *f = (struct figures){census.entries[i].objects, census.entries[i].bytes};
        }
        assert_memory_equal(now, model[last], sizeof now);
    }
    assert_int_equal(last, rounds - 1); /* the last one is always there as it was */
    barrow_ledger_free(ledger);
    return count;
}

static void test_store(void **state)
{
    enum { ROUNDS = 4000 };
    struct figures(*model)[CLASSES] = calloc(ROUNDS, sizeof *model);
    struct ledger_header header = {.pid = 1};
    (void)state;
    open_ledger(&header, "store");
    srand(7);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        if (round)
            memcpy(model[round], model[round - 1], sizeof *model);
        for (int i = 0; i < 150; i++) {
            struct figures *f = &model[round][rand() % CLASSES];
            f->objects = rand() % 5 ? (uint64_t)rand() % 1000 : 0;
            f->bytes = f->objects * (uint64_t)(rand() % 200);
        }
        put(model[round], round, rand() % 50 == 0);
        if (round % 500 == 7 || round + 1 == ROUNDS)
            assert_true(compare(model, round + 1) > 2);
    }
    assert_true(fixture.ledger.state->used[LEDGER_CENSUS] <= LEDGER_CENSUS_BUDGET);
    assert_true(compare(model, ROUNDS) <
                ROUNDS / 2); /* or nothing was merged, and this tests nothing */
    unlink(fixture.path);
    close_ledger();
    free(model);
}

static void test_saturated(void **state)
{
    static struct figures model[1][CLASSES];
    struct ledger_header header = {.pid = 1};
    (void)state;
    open_ledger(&header, "saturated");
    model[0][3] = (struct figures){1ull << 40, 1ull << 50};
    put(model[0], 0, false);
    model[0][3].objects = UINT32_MAX;
    assert_int_equal(compare(model, 1), 1);
    unlink(fixture.path);
    close_ledger();
}

/* A census that is damaged is left out, those behind it are found. */
static void test_damage(void **state)
{
    static struct figures model[3][CLASSES];
    struct ledger_header header = {.pid = 1};
    struct barrow_ledger *ledger;
    struct barrow_census census;
    (void)state;
    open_ledger(&header, "damage");
    for (uint64_t round = 0; round < 3; round++) {
        model[round][1] = (struct figures){round + 1, 10};
        put(model[round], round, false);
    }
    fixture.ledger.tables[LEDGER_CENSUS].base[64 + 48 + 4] ^= 1; /* of the second one's entry */
    assert_int_equal(barrow_ledger_open(&ledger, fixture.path, NULL), 0);
    struct barrow_censuses walk = barrow_ledger_censuses(ledger);
    assert_true(barrow_censuses_next(&walk, &census) && census.head.time_ns == 0);
    assert_true(barrow_censuses_next(&walk, &census) && census.head.time_ns == 2);
    assert_false(barrow_censuses_next(&walk, &census));
    barrow_ledger_free(ledger);
    unlink(fixture.path);
    close_ledger();
}

/* ---- the table ---- */

#define HOUR 3600000000000ull

static const struct barrow_census_row *row_of(const struct barrow_census_table *table,
                                              const char *name)
{
    for (size_t i = 0; i < table->row_count; i++)
        if (strcmp(table->rows[i].name, name) == 0)
            return &table->rows[i];
    fail_msg("no row %s", name);
    return NULL;
}

static void load(struct barrow_census_table *table, const char *const *paths, size_t count)
{
    struct barrow_error err;
    if (barrow_census_load(table, paths, count, &err) < 0)
        fail_msg("%s", err.text);
}

static void test_slopes(void **state)
{
    static struct figures now[CLASSES];
    struct ledger_header header = {.pid = 1, .is_root = 1};
    struct barrow_census_table table;
    uint64_t trend[5];
    (void)state;
    open_ledger(&header, "slopes");
    const char *path = fixture.path;
    for (uint64_t i = 0; i < 5; i++) {
        now[0] = (struct figures){100 + 10 * i, 1000 + 500 * i};
        now[1] = (struct figures){i == 2 ? 50 : 7, 70};
        now[2] = (struct figures){i < 3, i < 3 ? 100 : 0}; /* goes */
        put(now, (i + 1) * HOUR, false);
    }
    load(&table, &path, 1);
    assert_int_equal(table.point_count, 5);
    assert_int_equal(table.processes, 1);
    assert_int_equal(table.row_count, 3);
    assert_int_equal(table.objects, 140 + 7);
    assert_int_equal(table.bytes, 3000 + 70);
    assert_string_equal(table.rows[0].name, "c0"); /* the growing one first */
    const struct barrow_census_row *row = row_of(&table, "c0");
    assert_int_equal(row->bytes.first, 1000);
    assert_int_equal(row->bytes.last, 3000);
    assert_int_equal(row->bytes.max, 3000);
    assert_float_equal(row->bytes.per_hour, 500, 1e-6);
    assert_float_equal(row->objects.per_hour, 10, 1e-6);
    barrow_census_trend(&table, row, trend, 5);
    for (uint64_t i = 0; i < 5; i++)
        assert_int_equal(trend[i], 1000 + 500 * i);
    row = row_of(&table, "c1");
    assert_int_equal(row->objects.max, 50);
    assert_int_equal(row->objects.last, 7);
    assert_float_equal(row->objects.per_hour, 0, 1e-6); /* a hill in the middle has no slope */
    row = row_of(&table, "c2");
    assert_int_equal(row->bytes.first, 100);
    assert_int_equal(row->bytes.last, 0);
    /* 100 100 100 0 0 at -2 .. 2 hours: (-200 - 100) / 10 */
    assert_float_equal(row->bytes.per_hour, -30, 1e-6);
    barrow_census_table_free(&table);
    unlink(fixture.path);
    close_ledger();
}

/* Two workers: one ends properly, one is killed, and counts until its censuses are overdue. */
static void test_processes(void **state)
{
    static struct figures now[CLASSES];
    char paths[3][64];
    const char *list[] = {paths[0], paths[1], paths[2]};
    struct barrow_census_table table;
    uint64_t trend[7];
    (void)state;
    now[5] = (struct figures){10, 1000};
    for (uint64_t k = 0; k < 3; k++) {
        struct ledger_header header = {
            .pid = (uint32_t)k + 1, .is_root = k == 0, .start_monotonic_ns = 1000 + k};
        char name[16];
        snprintf(name, sizeof name, "worker%d", (int)k);
        open_ledger(&header, name);
        strcpy(paths[k], fixture.path);
        for (uint64_t i = 0; i < (k == 0 ? 9 : 3); i++)
            put(now, i * HOUR, false);
        if (k == 1) {
            fixture.ledger.state->end = LEDGER_END_EXIT;
            fixture.ledger.state->end_ns = 2 * HOUR + HOUR / 2;
        }
        close_ledger();
    }
    load(&table, list, 3);
    assert_int_equal(table.processes, 3);
    assert_int_equal(table.point_count, 15); /* they started nanoseconds apart */
    const struct barrow_census_row *row = row_of(&table, "c5");
    assert_int_equal(row->bytes.max, 3000);
    assert_int_equal(row->bytes.last, 1000);
    barrow_census_trend(&table, row, trend, 7);
    assert_int_equal(table.bytes, 1000);
    assert_int_equal(row->bytes.first, 1000);
    /* Ended at 2.5 hours; killed, and missed from 4 hours on. */
    assert_int_equal(row->changes[row->change_count - 2].bytes, 2000);
    assert_int_equal(table.points[row->changes[row->change_count - 2].point], 3 * HOUR);
    assert_int_equal(table.points[row->changes[row->change_count - 1].point], 5 * HOUR);
    barrow_census_table_free(&table);
    for (int k = 0; k < 3; k++)
        unlink(paths[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store),     cmocka_unit_test(test_saturated),
        cmocka_unit_test(test_damage),    cmocka_unit_test(test_slopes),
        cmocka_unit_test(test_processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
