#include "cli/rows.h"

#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "cli/source.h"
#include "table/keys.h"
#include "table/stack.h"
#include "table/summary.h"

/* ---- JSON ---- */

static void put_place(struct barrow_json *json, const char *function, const char *file,
                      uint32_t line)
{
    barrow_put_text(json, "function", function);
    barrow_put_text(json, "file", file);
    barrow_put_number(json, "line", line);
}

void barrow_stack_json(struct barrow_json *json, const struct barrow_profile *p, uint32_t node)
{
    barrow_json_begin_array(json);
    for (uint32_t n = barrow_stack_leaf(p, node); n; n = barrow_stack_caller(p, n)) {
        struct barrow_frame frame = barrow_stack_frame(p, n);
        barrow_json_begin_object(json);
        put_place(json, frame.function, frame.file, frame.line);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
}

void barrow_row_json(struct barrow_json *json, const struct barrow_profile *p,
                     enum barrow_grouping by, const struct barrow_row *row)
{
    switch (by) {
    case BARROW_BY_LINE:
        put_place(json, row->function, row->file, row->line);
        barrow_put_text(json, "domain", barrow_domain_name(row->domain));
        return;
    case BARROW_BY_FUNCTION:
        barrow_put_text(json, "function", row->function);
        barrow_put_text(json, "file", row->file);
        barrow_put_text(json, "domain", barrow_domain_name(row->domain));
        return;
    case BARROW_BY_STACK:
        barrow_json_key(json, "stack");
        barrow_stack_json(json, p, row->node);
        return;
    default:
        barrow_put_text(json, barrow_grouping_names[by], row->name);
    }
}

/* ---- text ---- */

static const struct barrow_column line_columns[] = {BARROW_COLUMNS_NUMBERS, BARROW_COLUMN_DOMAIN,
                                                    BARROW_COLUMN_FUNCTION, BARROW_COLUMN_LINE};
static const struct barrow_column function_columns[] = {
    BARROW_COLUMNS_NUMBERS,
    BARROW_COLUMN_DOMAIN,
    BARROW_COLUMN_FUNCTION,
    {"file", ALIGN_LEFT, STYLE_PLAIN, 14, CUT_START}};
static const struct barrow_column stack_columns[] = {BARROW_COLUMNS_NUMBERS, BARROW_COLUMN_FUNCTION,
                                                     BARROW_COLUMN_LINE};
#define NAME_COLUMNS(name, cut)                            \
    static const struct barrow_column name##_columns[] = { \
        BARROW_COLUMNS_NUMBERS, {#name, ALIGN_LEFT, STYLE_PLAIN, 14, cut}}
NAME_COLUMNS(file, CUT_START);
NAME_COLUMNS(module, CUT_START);
NAME_COLUMNS(domain, CUT_END);
NAME_COLUMNS(thread, CUT_END);

static const struct layout {
    const struct barrow_column *columns;
    size_t count;
} layouts[BARROW_BY_COUNT] = {
    [BARROW_BY_LINE] = {line_columns, 6},     [BARROW_BY_FUNCTION] = {function_columns, 6},
    [BARROW_BY_FILE] = {file_columns, 4},     [BARROW_BY_MODULE] = {module_columns, 4},
    [BARROW_BY_DOMAIN] = {domain_columns, 4}, [BARROW_BY_THREAD] = {thread_columns, 4},
    [BARROW_BY_STACK] = {stack_columns, 5},
};

void barrow_put_source(struct barrow_columns *c, const struct barrow_view *view, const char *file,
                       uint32_t line)
{
    const struct barrow_profile *p = view->profile;
    char *source = barrow_source_line(file, line, p->start_realtime_ns + p->duration_ns);

    if (source)
        barrow_columns_detail(c, source);
    free(source);
}

static void put_place_cells(struct barrow_columns *c, const char *function, const char *file,
                            uint32_t line)
{
    char *place = barrow_place(file, line);

    barrow_columns_put(c, *function || *file ? function : barrow_no_frame);
    barrow_columns_put(c, place);
    free(place);
}

char *barrow_callers(const struct barrow_view *view, uint32_t node)
{
    const struct barrow_profile *p = view->profile;
    const char *arrow = barrow_pick(&view->terminal, "\u2190", "<-");
    uint32_t leaf = barrow_stack_leaf(p, node);
    char *text = NULL;
    size_t length = 0;

    if (!leaf || !barrow_stack_caller(p, leaf))
        return NULL;
    FILE *to = open_memstream(&text, &length);
    if (!to)
        return NULL;
    /* No terminal shows more than a few hundred callers of a deep recursion. */
    int shown = 0;
    for (uint32_t n = barrow_stack_caller(p, leaf); n && shown < 500;
         n = barrow_stack_caller(p, n), shown++) {
        struct barrow_frame frame = barrow_stack_frame(p, n);
        char *place = barrow_place(frame.file, frame.line);
        fprintf(to, "%s%s %s%s%s", shown ? " " : "", arrow, frame.function, *place ? " " : "",
                place);
        free(place);
    }
    fclose(to);
    return text;
}

static void put_stack_cells(struct barrow_columns *c, const struct barrow_view *view,
                            const struct barrow_row *row)
{
    uint32_t leaf = barrow_stack_leaf(view->profile, row->node);
    struct barrow_frame frame = barrow_stack_frame(view->profile, leaf);
    char *callers = barrow_callers(view, row->node);

    put_place_cells(c, leaf ? frame.function : "", leaf ? frame.file : "", frame.line);
    if (callers)
        barrow_columns_below(c, callers);
    free(callers);
}

static void put_name_cell(struct barrow_columns *c, enum barrow_grouping by, const char *name)
{
    char *place = name && by == BARROW_BY_FILE ? barrow_place(name, 0) : NULL;

    if (!name || !*name)
        barrow_columns_put(c, barrow_no_frame);
    else
        barrow_columns_put(c, place ? place : name);
    free(place);
}

size_t barrow_group_columns(enum barrow_grouping by, struct barrow_column *columns)
{
    size_t numbers = 3, count = layouts[by].count - numbers;

    memcpy(columns, layouts[by].columns + numbers, count * sizeof *columns);
    return count;
}

void barrow_put_group(struct barrow_columns *c, const struct barrow_view *view,
                      enum barrow_grouping by, const struct barrow_row *row)
{
    switch (by) {
    case BARROW_BY_LINE:
        barrow_columns_put(c, barrow_domain_name(row->domain));
        put_place_cells(c, row->function, row->file, row->line);
        barrow_put_source(c, view, row->file, row->line);
        return;
    case BARROW_BY_FUNCTION:
        barrow_columns_put(c, barrow_domain_name(row->domain));
        put_place_cells(c, row->function, row->file, 0);
        return;
    case BARROW_BY_STACK:
        put_stack_cells(c, view, row);
        return;
    default:
        put_name_cell(c, by, row->name);
    }
}

void barrow_rows_print(const struct barrow_view *view, enum barrow_grouping by,
                       const struct barrow_row *rows, size_t count, uint64_t whole)
{
    const struct layout *layout = &layouts[by];
    struct barrow_columns *c = barrow_columns_new(&view->terminal, layout->columns, layout->count,
                                                  by == BARROW_BY_LINE ? "source" : NULL);

    for (size_t i = 0; i < count; i++) {
        barrow_put_bytes(c, rows[i].bytes);
        barrow_put_share(c, rows[i].bytes, whole);
        barrow_put_count(c, rows[i].blocks);
        barrow_put_group(c, view, by, &rows[i]);
    }
    if (count)
        barrow_columns_print(c);
    barrow_columns_free(c);
}
