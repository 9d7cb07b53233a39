#include "cli/diff_heap.h"

#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/heap_view.h"
#include "cli/memory.h"
#include "cli/progress.h"
#include "graph/heap_diff.h"
#include "ledger/read.h"
#include "table/keys.h"

struct snapshot {
    const char *file;
    uint32_t number;
    uint64_t time_ns, objects, bytes;
};

struct comparison {
    struct barrow_view view; /* of the later ledger */
    char **operands;
    int files;
    struct snapshot *snapshots;
    uint64_t *times_ns;
    size_t count;
    struct barrow_heap *first, *last; /* kept while they are matched */
    bool is_one_process;
    struct barrow_heap_diff *diff;
    struct barrow_heap_change **rows;
    size_t row_count;
};

/* ---- finding out ---- */

static bool are_of_one_process(char **operands)
{
    struct ledger_header a, b;
    struct barrow_error ignored;

    return barrow_ledger_read_header(&a, operands[0], &ignored) == 0 &&
           barrow_ledger_read_header(&b, operands[1], &ignored) == 0 && a.pid == b.pid &&
           a.start_monotonic_ns == b.start_monotonic_ns &&
           memcmp(a.run_id, b.run_id, sizeof a.run_id) == 0;
}

static int add_snapshot(struct comparison *c, size_t i, struct barrow_error *err)
{
    struct snapshot *s = &c->snapshots[i];
    struct barrow_heap *heap = NULL;
    struct barrow_notes damage = {0};
    char *operand = (char *)(uintptr_t)s->file;

    if (barrow_heap_view_read(&heap, s->number, &operand, &damage, err) < 0) {
        barrow_notes_free(&damage);
        return -1;
    }
    barrow_notes_free(&damage);
    s->number = heap->number;
    s->time_ns = c->times_ns[i] = heap->time_ns;
    s->objects = heap->object_count;
    for (uint32_t o = 1; o <= heap->object_count; o++)
        s->bytes += barrow_heap_bytes(heap, o);
    int rc = barrow_heap_diff_add(c->diff, heap, err);
    if (i == 0)
        c->first = heap;
    else if (i + 1 == c->count)
        c->last = heap;
    else
        barrow_heap_free(heap);
    return rc;
}

static int list_snapshots(struct comparison *c, struct barrow_error *err)
{
    uint32_t numbers = 1;

    if (c->files == 1) {
        if (barrow_heap_view_count(&numbers, c->operands, err) < 0)
            return -1;
        if (numbers < 2)
            return barrow_fail(
                err, BARROW_E_USAGE,
                "%s holds one heap snapshot: take another with barrow.dig() or barrow "
                "dig PID, or name two ledgers",
                c->operands[0]);
    }
    c->count = c->files == 1 ? numbers : 2;
    c->snapshots = barrow_allocate(c->count * sizeof *c->snapshots);
    c->times_ns = barrow_allocate(c->count * sizeof *c->times_ns);
    for (size_t i = 0; i < c->count; i++)
        c->snapshots[i] = (struct snapshot){.file = c->operands[c->files == 1 ? 0 : i],
                                            .number = c->files == 1 ? (uint32_t)i + 1 : 0};
    c->is_one_process = c->files == 1 || are_of_one_process(c->operands);
    return 0;
}

static int64_t change(const struct comparison *c, const struct barrow_heap_change *row)
{
    return (int64_t)(row->at[c->count - 1].bytes - row->at[0].bytes);
}

static int by_change(const void *a, const void *b, void *context)
{
    const struct barrow_heap_change *x = *(struct barrow_heap_change *const *)a;
    const struct barrow_heap_change *y = *(struct barrow_heap_change *const *)b;
    int64_t i = change(context, x), j = change(context, y);

    if (i != j)
        return i > j ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Classes of which something came, went or grew. */
static void choose_rows(struct comparison *c)
{
    size_t count;
    struct barrow_heap_change *rows = barrow_heap_diff_rows(c->diff, &count);

    c->rows = barrow_allocate((count + 1) * sizeof *c->rows);
    for (size_t i = 0; i < count; i++) {
        const struct barrow_heap_amount *first = &rows[i].at[0], *last = &rows[i].at[c->count - 1];
        if (first->objects != last->objects || first->bytes != last->bytes)
            c->rows[c->row_count++] = &rows[i];
    }
    if (c->row_count)
        qsort_r(c->rows, c->row_count, sizeof *c->rows, by_change, c);
}

static int compare(struct comparison *c, struct barrow_error *err)
{
    c->diff = barrow_heap_diff_new(err);
    if (!c->diff || list_snapshots(c, err) < 0)
        return -1;
    barrow_progress_start("comparing heap snapshots");
    int rc = 0;
    for (size_t i = 0; i < c->count && rc == 0; i++)
        rc = add_snapshot(c, i, err);
    if (rc == 0 && c->is_one_process)
        rc = barrow_heap_diff_match(c->diff, c->first, c->last, err);
    barrow_progress_stop();
    if (rc == 0)
        choose_rows(c);
    return rc;
}

/* ---- JSON ---- */

static double slope(const struct comparison *c, const struct barrow_heap_change *row)
{
    uint64_t *bytes = barrow_allocate(c->count * sizeof *bytes);

    for (size_t i = 0; i < c->count; i++)
        bytes[i] = row->at[i].bytes;
    double steepness = barrow_slope(c->times_ns, bytes, c->count);
    free(bytes);
    return steepness;
}

static void put_amount(struct barrow_json *json, const char *name, struct barrow_heap_amount amount)
{
    barrow_json_key(json, name);
    barrow_json_begin_object(json);
    barrow_put_number(json, "objects", amount.objects);
    barrow_put_number(json, "bytes", amount.bytes);
    barrow_json_end_object(json);
}

static void json_row(struct comparison *c, const struct barrow_heap_change *row)
{
    struct barrow_json *json = &c->view.json;
    struct barrow_heap_amount before = row->at[0], after = row->at[c->count - 1];

    barrow_json_begin_object(json);
    barrow_put_text(json, "class", row->name);
    barrow_put_number(json, "before_objects", before.objects);
    barrow_put_number(json, "after_objects", after.objects);
    barrow_put_number(json, "before_bytes", before.bytes);
    barrow_put_number(json, "after_bytes", after.bytes);
    barrow_json_key(json, "objects");
    barrow_json_int(json, (int64_t)(after.objects - before.objects));
    barrow_json_key(json, "bytes");
    barrow_json_int(json, change(c, row));
    if (c->is_one_process) {
        put_amount(json, "new", row->fresh);
        put_amount(json, "gone", row->gone);
        put_amount(json, "survived", row->survived);
        put_amount(json, "grown", row->grown);
        barrow_json_key(json, "slope_bytes_per_s");
        barrow_json_double(json, slope(c, row));
        barrow_json_key(json, "series");
        barrow_json_begin_array(json);
        for (size_t i = 0; i < c->count; i++) {
            barrow_json_begin_object(json);
            barrow_put_number(json, "objects", row->at[i].objects);
            barrow_put_number(json, "bytes", row->at[i].bytes);
            barrow_json_end_object(json);
        }
        barrow_json_end_array(json);
    }
    barrow_json_end_object(json);
}

static void write_json(struct comparison *c)
{
    struct barrow_json *json = &c->view.json;

    barrow_json_key(json, "snapshots");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < c->count; i++) {
        barrow_json_begin_object(json);
        barrow_put_text(json, "file", c->snapshots[i].file);
        barrow_put_number(json, "number", c->snapshots[i].number);
        barrow_put_seconds(json, "time_s", c->snapshots[i].time_ns);
        barrow_put_number(json, "objects", c->snapshots[i].objects);
        barrow_put_number(json, "bytes", c->snapshots[i].bytes);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
    barrow_put_flag(json, "one_process", c->is_one_process);
    barrow_json_key(json, "rows");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < barrow_view_limit(&c->view, c->row_count); i++)
        json_row(c, c->rows[i]);
    barrow_json_end_array(json);
}

/* ---- text ---- */

/* "+1.2 MiB", "-312", "0"; to be freed. */
static char *signed_amount(char *(*units)(char *, uint64_t), int64_t amount)
{
    char text[BARROW_UNITS_ROOM];
    const char *sign = amount > 0 ? "+" : amount < 0 ? "-" : "";

    return barrow_format("%s%s", sign, units(text, (uint64_t)(amount < 0 ? -amount : amount)));
}

static void put_signed(struct barrow_columns *columns, char *(*units)(char *, uint64_t),
                       int64_t amount)
{
    char *text = signed_amount(units, amount);

    barrow_columns_put_styled(columns, text,
                              amount > 0   ? STYLE_HOT
                              : amount < 0 ? STYLE_GOOD
                                           : STYLE_PLAIN);
    free(text);
}

static void put_row(struct barrow_columns *columns, const struct comparison *c,
                    const struct barrow_heap_change *row)
{
    struct barrow_heap_amount before = row->at[0], after = row->at[c->count - 1];

    put_signed(columns, barrow_units_bytes, change(c, row));
    barrow_put_bytes(columns, before.bytes);
    barrow_put_bytes(columns, after.bytes);
    put_signed(columns, barrow_units_count, (int64_t)(after.objects - before.objects));
    if (c->is_one_process) {
        barrow_put_count(columns, row->fresh.objects);
        barrow_put_count(columns, row->gone.objects);
        barrow_put_bytes(columns, row->grown.bytes);
        double hourly = slope(c, row) * 3600;
        bool fits = hourly > -9e18 && hourly < 9e18;
        put_signed(columns, barrow_units_bytes, fits ? (int64_t)hourly : 0);
    }
    barrow_columns_put(columns, row->name);
}

static void print_headline(const struct comparison *c)
{
    const struct barrow_terminal *t = &c->view.terminal;
    const struct snapshot *first = &c->snapshots[0], *last = &c->snapshots[c->count - 1];
    const char *arrow = barrow_pick(t, "\u2192", "->");
    char old[BARROW_UNITS_ROOM], new[BARROW_UNITS_ROOM];
    char *delta = signed_amount(barrow_units_bytes, (int64_t)(last->bytes - first->bytes));
    char *what = c->files == 1 ? barrow_format("%zu heap snapshots of %s", c->count, first->file)
                               : barrow_format("heaps, %s %s %s", first->file, arrow, last->file);
    char *text = barrow_format("%s: %s %s %s, %s", what, barrow_units_bytes(old, first->bytes),
                               arrow, barrow_units_bytes(new, last->bytes), delta);
    char *line = barrow_printable(t, text);

    fprintf(t->out, "%s%s%s\n", barrow_style(t, STYLE_HEAD), line, barrow_style(t, STYLE_PLAIN));
    free(line);
    free(text);
    free(what);
    free(delta);
}

static void print_text(const struct comparison *c)
{
    static const struct barrow_column all[] = {{"change", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
                                               {"before", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
                                               {"after", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
                                               {"objects", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
                                               {"new", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
                                               {"gone", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
                                               {"grown", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
                                               {"per hour", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END}};
    static const struct barrow_column name = {"class", ALIGN_LEFT, STYLE_NAME, 12, CUT_START};
    struct barrow_column columns[9];
    size_t count = c->is_one_process ? 8 : 4;

    memcpy(columns, all, count * sizeof *columns);
    columns[count++] = name;
    print_headline(c);
    if (!c->is_one_process)
        barrow_view_say(&c->view, STYLE_DIM, "",
                        "Of two processes: objects can't be matched, only classes.");
    struct barrow_columns *lines = barrow_columns_new(&c->view.terminal, columns, count, NULL);
    for (size_t i = 0; i < barrow_view_limit(&c->view, c->row_count); i++)
        put_row(lines, c, c->rows[i]);
    if (c->row_count)
        barrow_columns_print(lines);
    else
        fprintf(c->view.terminal.out, " nothing changed\n");
    barrow_columns_free(lines);
    barrow_view_more(&c->view, c->row_count, "classes");
}

static void free_comparison(struct comparison *c)
{
    if (c->first)
        barrow_heap_free(c->first);
    if (c->last)
        barrow_heap_free(c->last);
    barrow_heap_diff_free(c->diff);
    free(c->snapshots);
    free(c->times_ns);
    free(c->rows);
}

int barrow_diff_heaps(const struct barrow_view_options *options, int count, char **operands,
                      struct barrow_error *err)
{
    struct comparison c = {.operands = operands, .files = count};

    if (count != 1 && count != 2)
        return barrow_fail(err, BARROW_E_USAGE,
                           "diff --heap takes a ledger with several snapshots, or two ledgers");
    if (barrow_view_open(&c.view, options, 1, operands + count - 1, err) < 0)
        return -1;
    int rc = compare(&c, err);
    if (rc < 0) {
        barrow_view_drop(&c.view);
    } else {
        if (options->json) {
            write_json(&c);
            barrow_json_end_object(&c.view.json);
        } else {
            print_text(&c);
        }
        barrow_view_drop(&c.view);
    }
    free_comparison(&c);
    return rc;
}
