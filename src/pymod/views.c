#include "pymod/views.h"
#include "table/profiled.h"

#include <stdlib.h>

#include "table/stack.h"
#include "table/summary.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define INT(name)                 \
    {                             \
        name, COLUMN_INT, NULL, 0 \
    }
#define FLOAT(name)                 \
    {                               \
        name, COLUMN_FLOAT, NULL, 0 \
    }
#define TEXT(name)                 \
    {                              \
        name, COLUMN_TEXT, NULL, 0 \
    }

static struct batch *no_memory(struct batch *batch, struct barrow_error *err)
{
    barrow_batch_release(batch);
    barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for a table");
    return NULL;
}

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

/* ---- rows of a grouping ---- */

static const struct column_plan frame_fields[] = {TEXT("function"), TEXT("file"), INT("line")};
static const struct column_plan frame = {"item", COLUMN_STRUCT, frame_fields, COUNT(frame_fields)};

static const struct column_plan line_columns[] = {TEXT("function"), TEXT("file"), INT("line"),
                                                  TEXT("domain"),   INT("bytes"), INT("blocks")};
static const struct column_plan function_columns[] = {TEXT("function"), TEXT("file"),
                                                      TEXT("domain"), INT("bytes"), INT("blocks")};
static const struct column_plan file_columns[] = {TEXT("file"), INT("bytes"), INT("blocks")};
static const struct column_plan module_columns[] = {TEXT("module"), INT("bytes"), INT("blocks")};
static const struct column_plan domain_columns[] = {TEXT("domain"), INT("bytes"), INT("blocks")};
static const struct column_plan thread_columns[] = {TEXT("thread"), INT("bytes"), INT("blocks")};
static const struct column_plan stack_columns[] = {
    {"stack", COLUMN_LIST, &frame, 1}, INT("bytes"), INT("blocks")};

/* Each adds the columns that name a group; bytes and blocks follow. */
static void add_line(struct column *c, const struct barrow_profile *p, const struct barrow_row *row)
{
    (void)p;
    barrow_column_add_text(&c[0], row->function);
    barrow_column_add_text(&c[1], row->file);
    barrow_column_add_int(&c[2], row->line);
    barrow_column_add_text(&c[3], barrow_domain_name(row->domain));
}

static void add_function(struct column *c, const struct barrow_profile *p,
                         const struct barrow_row *row)
{
    (void)p;
    barrow_column_add_text(&c[0], row->function);
    barrow_column_add_text(&c[1], row->file);
    barrow_column_add_text(&c[2], barrow_domain_name(row->domain));
}

static void add_name(struct column *c, const struct barrow_profile *p, const struct barrow_row *row)
{
    (void)p;
    barrow_column_add_text(&c[0], row->name);
}

static void add_stack(struct column *c, const struct barrow_profile *p,
                      const struct barrow_row *row)
{
    struct column *item = &c[0].children[0];

    for (uint32_t n = barrow_stack_leaf(p, row->node); n; n = barrow_stack_caller(p, n)) {
        struct barrow_frame f = barrow_stack_frame(p, n);
        barrow_column_add_text(&item->children[0], f.function);
        barrow_column_add_text(&item->children[1], f.file);
        barrow_column_add_int(&item->children[2], f.line);
        barrow_column_end_row(item);
    }
    barrow_column_end_row(&c[0]);
}

static const struct grouping {
    const struct column_plan *columns;
    size_t count;
    void (*add)(struct column *, const struct barrow_profile *, const struct barrow_row *);
} groupings[BARROW_BY_COUNT] = {
    [BARROW_BY_LINE] = {line_columns, COUNT(line_columns), add_line},
    [BARROW_BY_FUNCTION] = {function_columns, COUNT(function_columns), add_function},
    [BARROW_BY_FILE] = {file_columns, COUNT(file_columns), add_name},
    [BARROW_BY_MODULE] = {module_columns, COUNT(module_columns), add_name},
    [BARROW_BY_DOMAIN] = {domain_columns, COUNT(domain_columns), add_name},
    [BARROW_BY_THREAD] = {thread_columns, COUNT(thread_columns), add_name},
    [BARROW_BY_STACK] = {stack_columns, COUNT(stack_columns), add_stack},
};

struct batch *barrow_view_rows(const struct barrow_profile *profile,
                               const struct barrow_query *query, struct barrow_error *err)
{
    const struct grouping *grouping = &groupings[query->by];
    struct barrow_row *rows = NULL;
    size_t count = 0;

    if (barrow_profile_rows(profile, query, &rows, &count, err) < 0)
        return NULL;
    struct batch *batch = barrow_batch_create(grouping->columns, grouping->count);
    for (size_t i = 0; batch != NULL && i < count; i++) {
        struct column *c = batch->table.children;
        grouping->add(c, profile, &rows[i]);
        barrow_column_add_int(&c[grouping->count - 2], rows[i].bytes);
        barrow_column_add_int(&c[grouping->count - 1], rows[i].blocks);
        barrow_column_end_row(&batch->table);
    }
    free(rows);
    return batch != NULL && barrow_batch_finish(batch) ? batch : no_memory(batch, err);
}

/* ---- series ---- */

static uint64_t pid_of(const struct barrow_profile *profile, uint32_t process)
{
    return process < profile->process_count ? profile->processes[process].pid : 0;
}

static const struct column_plan sample_columns[] = {
    FLOAT("time_s"),     INT("pid"),          INT("rss_bytes"), INT("pss_bytes"), INT("heap_bytes"),
    INT("minor_faults"), INT("major_faults"), INT("threads"),   INT("file_bytes")};

struct batch *barrow_view_samples(const struct barrow_profile *profile, struct barrow_error *err)
{
    struct batch *batch = barrow_batch_create(sample_columns, COUNT(sample_columns));

    for (size_t i = 0; batch != NULL && i < profile->sample_count; i++) {
        const struct barrow_sample *s = &profile->samples[i];
        struct column *c = batch->table.children;
        barrow_column_add_float(&c[0], seconds(s->time_ns));
        barrow_column_add_int(&c[1], pid_of(profile, s->process));
        barrow_column_add_int(&c[2], s->rss_bytes);
        barrow_column_add_int(&c[3], s->pss_bytes);
        barrow_column_add_int(&c[4], s->heap_bytes);
        barrow_column_add_int(&c[5], s->minor_faults);
        barrow_column_add_int(&c[6], s->major_faults);
        barrow_column_add_int(&c[7], s->threads);
        barrow_column_add_int(&c[8], s->file_bytes);
        barrow_column_end_row(&batch->table);
    }
    return batch != NULL && barrow_batch_finish(batch) ? batch : no_memory(batch, err);
}

static const struct column_plan gc_event_columns[] = {FLOAT("time_s"),  INT("pid"),
                                                      FLOAT("pause_s"), INT("generation"),
                                                      INT("collected"), INT("uncollectable")};

struct batch *barrow_view_gc_events(const struct barrow_profile *profile, struct barrow_error *err)
{
    struct batch *batch = barrow_batch_create(gc_event_columns, COUNT(gc_event_columns));

    for (size_t i = 0; batch != NULL && i < profile->gc_event_count; i++) {
        const struct barrow_gc_event *e = &profile->gc_events[i];
        struct column *c = batch->table.children;
        barrow_column_add_float(&c[0], seconds(e->time_ns));
        barrow_column_add_int(&c[1], pid_of(profile, e->process));
        barrow_column_add_float(&c[2], seconds(e->pause_ns));
        barrow_column_add_int(&c[3], e->generation);
        barrow_column_add_int(&c[4], e->collected);
        barrow_column_add_int(&c[5], e->uncollectable);
        barrow_column_end_row(&batch->table);
    }
    return batch != NULL && barrow_batch_finish(batch) ? batch : no_memory(batch, err);
}

static const struct column_plan profiled_columns[] = {
    TEXT("function"),   TEXT("file"),           INT("line"),
    INT("occurrences"), INT("increment_bytes"), INT("memory_bytes"),
    INT("peak_bytes"),  INT("allocated_bytes"), INT("live_bytes")};

struct batch *barrow_view_lines(const struct barrow_profile *profile, struct barrow_error *err)
{
    struct barrow_profiled_functions functions;

    if (barrow_profiled_functions(profile, &functions, err) < 0)
        return NULL;
    struct batch *batch = barrow_batch_create(profiled_columns, COUNT(profiled_columns));
    for (size_t i = 0; batch != NULL && i < functions.count; i++) {
        const struct barrow_profiled_function *f = &functions.items[i];
        struct column *c = batch->table.children;
        for (size_t k = f->first; k < f->first + f->count; k++) {
            const struct barrow_profiled_line *l = &functions.lines[k];
            barrow_column_add_text(&c[0], f->function);
            barrow_column_add_text(&c[1], f->file);
            barrow_column_add_int(&c[2], l->line);
            barrow_column_add_int(&c[3], l->occurrences);
            barrow_column_add_signed(&c[4], l->increment_bytes);
            barrow_column_add_int(&c[5], l->memory_bytes);
            barrow_column_add_int(&c[6], l->peak_bytes);
            barrow_column_add_int(&c[7], l->allocated_bytes);
            barrow_column_add_int(&c[8], l->live_bytes);
            barrow_column_end_row(&batch->table);
        }
    }
    barrow_profiled_functions_free(&functions);
    return batch != NULL && barrow_batch_finish(batch) ? batch : no_memory(batch, err);
}

static const struct column_plan mark_columns[] = {FLOAT("time_s"), INT("pid"), TEXT("name")};

struct batch *barrow_view_marks(const struct barrow_profile *profile, struct barrow_error *err)
{
    struct batch *batch = barrow_batch_create(mark_columns, COUNT(mark_columns));

    for (size_t i = 0; batch != NULL && i < profile->mark_count; i++) {
        const struct barrow_mark *mark = &profile->marks[i];
        struct column *c = batch->table.children;
        barrow_column_add_float(&c[0], seconds(mark->time_ns));
        barrow_column_add_int(&c[1], pid_of(profile, mark->process));
        barrow_column_add_text(&c[2], mark->name);
        barrow_column_end_row(&batch->table);
    }
    return batch != NULL && barrow_batch_finish(batch) ? batch : no_memory(batch, err);
}
