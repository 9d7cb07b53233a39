#include "table/profiled.h"

#include <stdlib.h>
#include <string.h>

#include "table/keys.h"

/* How much deeper than `outer` the function `inner` is defined; 0: not inside it.
 * "f.<locals>.g.<locals>.<listcomp>" is two deeper than "f". */
static uint32_t depth_inside(const char *outer, const char *inner)
{
    static const char mark[] = ".<locals>.";
    size_t length = strlen(outer);
    uint32_t depth = 0;
    if (strncmp(outer, inner, length) != 0 || strncmp(inner + length, mark, sizeof mark - 1) != 0)
        return 0;
    for (const char *at = inner + length; (at = strstr(at, mark)); at += sizeof mark - 1)
        depth++;
    return depth;
}

static int by_line(const void *left, const void *right)
{
    const struct barrow_profiled_line *a = left, *b = right;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if ((a->occurrences == 0) != (b->occurrences == 0))
        return a->occurrences == 0 ? 1 : -1;
    return (a->depth > b->depth) - (a->depth < b->depth);
}

/* The function's lines, from `first` to the array's end: one a line, those of the outermost
 * function. */
static void keep_outermost(struct barrow_profiled_functions *f,
                           struct barrow_profiled_function *function)
{
    struct barrow_profiled_line *lines = f->lines + function->first, *last = NULL;
    size_t count = f->line_count - function->first, kept = 0;
    qsort(lines, count, sizeof *lines, by_line);
    for (size_t i = 0; i < count; i++) {
        if (!last || last->line != lines[i].line) {
            last = &lines[kept++];
            *last = lines[i];
        } else if (last->depth == lines[i].depth) { /* two lambdas on a line */
            last->occurrences += lines[i].occurrences;
            last->increment_bytes += lines[i].increment_bytes;
            last->allocated_bytes += lines[i].allocated_bytes;
            last->live_bytes += lines[i].live_bytes;
            if (lines[i].memory_bytes > last->memory_bytes)
                last->memory_bytes = lines[i].memory_bytes;
            if (lines[i].peak_bytes > last->peak_bytes)
                last->peak_bytes = lines[i].peak_bytes;
        }
    }
    function->count = kept;
    f->line_count = function->first + kept;
    if (kept && lines[kept - 1].line > function->last_line)
        function->last_line = lines[kept - 1].line;
}

/* By frame: what was allocated there and below, and what of it lives. */
static struct barrow_value (*sum_frames(const struct barrow_profile *p,
                                        struct barrow_error *err))[2]
{
    struct barrow_query query = {
        .metric = BARROW_METRIC_TOTAL, .by = BARROW_BY_LINE, .inclusive = true};
    struct barrow_value(*sums)[2] = calloc(p->frame_count + 1, sizeof *sums);
    struct barrow_row *rows = NULL;
    size_t count = 0;
    if (!sums) {
        barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the lines");
        return NULL;
    }
    if (barrow_profile_rows(p, &query, &rows, &count, err) < 0) {
        free(sums);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        sums[rows[i].frame][0].bytes += rows[i].value[BARROW_METRIC_TOTAL].bytes;
        sums[rows[i].frame][1].bytes += rows[i].value[BARROW_METRIC_LEAKED].bytes;
    }
    free(rows);
    return sums;
}

int barrow_profiled_functions(const struct barrow_profile *p, struct barrow_profiled_functions *f,
                              struct barrow_error *err)
{
    *f = (struct barrow_profiled_functions){0};
    if (!p->profiled_count)
        return 0;
    *f = (struct barrow_profiled_functions){
        .items = calloc(p->profiled_count, sizeof *f->items),
        .lines = calloc(p->profiled_count, sizeof *f->lines),
    };
    struct barrow_value(*sums)[2] = sum_frames(p, err);
    if (!f->items || !f->lines)
        barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the lines");
    if (!f->items || !f->lines || !sums) {
        free(sums);
        barrow_profiled_functions_free(f);
        return -1;
    }
    struct barrow_profiled_function *function = NULL;
    for (size_t i = 0; i < p->profiled_count; i++) {
        const struct barrow_profiled *from = &p->profiled[i];
        const struct barrow_frame *frame = &p->frames[from->frame];
        uint32_t depth = function && strcmp(function->file, frame->file) == 0
                             ? depth_inside(function->function, frame->function)
                             : 0;
        bool is_same = function && function->first_line == frame->first_line &&
                       strcmp(function->file, frame->file) == 0 &&
                       strcmp(function->function, frame->function) == 0;
        if (!depth && !is_same) {
            if (function)
                keep_outermost(f, function);
            function = &f->items[f->count++];
            *function = (struct barrow_profiled_function){.function = frame->function,
                                                          .file = frame->file,
                                                          .first_line = frame->first_line,
                                                          .last_line = frame->first_line,
                                                          .first = f->line_count};
        }
        if (from->is_function && !depth) {
            function->calls = from->occurrences;
            function->memory_bytes = from->memory_bytes;
        } else if (!from->is_function) {
            f->lines[f->line_count++] = (struct barrow_profiled_line){frame->line,
                                                                      depth,
                                                                      from->occurrences,
                                                                      from->increment_bytes,
                                                                      from->memory_bytes,
                                                                      from->peak_bytes,
                                                                      sums[from->frame][0].bytes,
                                                                      sums[from->frame][1].bytes};
        }
    }
    if (function)
        keep_outermost(f, function);
    free(sums);
    return 0;
}

void barrow_profiled_functions_free(struct barrow_profiled_functions *f)
{
    free(f->items);
    free(f->lines);
    *f = (struct barrow_profiled_functions){0};
}

void barrow_profiled_json(struct barrow_json *json, const struct barrow_profiled_functions *f)
{
    barrow_json_begin_array(json);
    for (size_t i = 0; i < f->count; i++) {
        const struct barrow_profiled_function *function = &f->items[i];
        barrow_json_begin_object(json);
        barrow_put_text(json, "function", function->function);
        barrow_put_text(json, "file", function->file);
        barrow_put_number(json, "first_line", function->first_line);
        barrow_put_number(json, "calls", function->calls);
        barrow_put_number(json, "memory_bytes", function->memory_bytes);
        barrow_json_key(json, "lines");
        barrow_json_begin_array(json);
        for (size_t k = 0; k < function->count; k++) {
            const struct barrow_profiled_line *line = &f->lines[function->first + k];
            barrow_json_begin_object(json);
            barrow_put_number(json, "line", line->line);
            barrow_put_number(json, "occurrences", line->occurrences);
            barrow_json_key(json, "increment_bytes");
            barrow_json_int(json, line->increment_bytes);
            barrow_put_number(json, "memory_bytes", line->memory_bytes);
            barrow_put_number(json, "peak_bytes", line->peak_bytes);
            barrow_put_number(json, "allocated_bytes", line->allocated_bytes);
            barrow_put_number(json, "live_bytes", line->live_bytes);
            barrow_json_end_object(json);
        }
        barrow_json_end_array(json);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
}
