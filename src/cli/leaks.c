/* barrow leaks: what was never freed, and where it was born. */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/command.h"
#include "cli/leaks.h"
#include "cli/memory.h"
#include "cli/rows.h"
#include "cli/view.h"
#include "table/keys.h"
#include "table/leaks.h"
#include "table/stack.h"

static const char *const groupings[] = {"holder", "line", "stack", NULL};

static struct barrow_frame birth_frame(const struct barrow_profile *p,
                                       const struct barrow_leak *leak)
{
    uint32_t leaf = barrow_stack_leaf(p, leak->node);

    return leaf ? barrow_stack_frame(p, leaf)
                : (struct barrow_frame){.function = "", .file = "", .module = ""};
}

/* "10,000 blocks, 1.2 MiB, from load (app.py:12) were never freed" */
static char *title(const struct barrow_profile *p, const struct barrow_leak *leak)
{
    struct barrow_frame frame = birth_frame(p, leak);
    char bytes[BARROW_UNITS_ROOM], blocks[BARROW_UNITS_ROOM];
    bool one = leak->blocks == 1;

    barrow_units_bytes(bytes, leak->bytes);
    barrow_units_count(blocks, leak->blocks);
    if (!*frame.function)
        return barrow_format("%s block%s (%s) allocated without a Python frame %s never freed",
                             blocks, one ? "" : "s", bytes, one ? "was" : "were");
    char *place = barrow_place(frame.file, frame.line);
    char *text = barrow_format("%s block%s (%s) allocated by %s (%s) %s never freed", blocks,
                               one ? "" : "s", bytes, frame.function, place, one ? "was" : "were");
    free(place);
    return text;
}

static void write_finding(struct barrow_json *json, const struct barrow_profile *p,
                          const struct barrow_leak *leak)
{
    struct barrow_frame frame = birth_frame(p, leak);
    char *text = title(p, leak);

    barrow_json_begin_object(json);
    barrow_put_text(json, "title", text);
    barrow_put_number(json, "bytes", leak->bytes);
    barrow_put_number(json, "blocks", leak->blocks);
    barrow_put_number(json, "stacks", leak->stacks);
    barrow_json_key(json, "birth");
    barrow_json_begin_object(json);
    barrow_put_text(json, "function", frame.function);
    barrow_put_text(json, "file", frame.file);
    barrow_put_number(json, "line", frame.line);
    barrow_put_number(json, "bytes", leak->node_bytes);
    barrow_json_key(json, "stack");
    barrow_stack_json(json, p, leak->node);
    barrow_json_end_object(json);
    barrow_json_end_object(json);
    free(text);
}

static void write_json(struct barrow_view *view, const struct barrow_leak *leaks, size_t count)
{
    size_t limit = barrow_view_limit(view, count);

    barrow_json_key(&view->json, "findings");
    barrow_json_begin_array(&view->json);
    for (size_t i = 0; i < limit; i++)
        write_finding(&view->json, view->profile, &leaks[i]);
    barrow_json_end_array(&view->json);
}

static void put_leak(struct barrow_columns *c, const struct barrow_view *view,
                     const struct barrow_leak *leak, uint64_t whole)
{
    struct barrow_frame frame = birth_frame(view->profile, leak);
    char *place = barrow_place(frame.file, frame.line);
    char *callers = barrow_callers(view, leak->node);

    barrow_put_bytes(c, leak->bytes);
    barrow_put_share(c, leak->bytes, whole);
    barrow_put_count(c, leak->blocks);
    barrow_columns_put(c, *frame.function ? frame.function : barrow_no_frame);
    barrow_columns_put(c, place);
    barrow_put_source(c, view, frame.file, frame.line);
    if (callers && leak->stacks > 1) {
        char *more = barrow_format("%s (and %u other stack%s)", callers, leak->stacks - 1,
                                   leak->stacks == 2 ? "" : "s");
        free(callers);
        callers = more;
    }
    if (callers)
        barrow_columns_below(c, callers);
    free(callers);
    free(place);
}

static void print_text(struct barrow_view *view, const struct barrow_leaks_options *o,
                       const struct barrow_leak *leaks, size_t count)
{
    static const struct barrow_column columns[] = {BARROW_COLUMNS_NUMBERS, BARROW_COLUMN_FUNCTION,
                                                   BARROW_COLUMN_LINE};
    const struct barrow_terminal *t = &view->terminal;
    struct barrow_columns *c = barrow_columns_new(t, columns, 5, "source");
    struct barrow_value whole = {0, 0};
    char *how = barrow_format("by %s of birth", groupings[o->by]);

    for (size_t i = 0; i < count; i++) {
        whole.bytes += leaks[i].bytes;
        whole.blocks += leaks[i].blocks;
    }

    barrow_view_headline_metric(view, BARROW_METRIC_LEAKED, how, o->filter, whole);
    free(how);
    barrow_view_say(view, STYLE_DIM, "",
                    "No gc.collect ran before the end, and what modules still hold counts too.");
    for (size_t i = 0; i < barrow_view_limit(view, count); i++)
        put_leak(c, view, &leaks[i], whole.bytes);
    if (count)
        barrow_columns_print(c);
    else
        fprintf(t->out, " everything was freed\n");
    barrow_view_more(view, count, o->by == LEAKS_BY_LINE ? "lines" : "stacks");
    barrow_columns_free(c);
}

static int show_births(const struct barrow_leaks_options *o, int count, char **operands,
                       struct barrow_error *err)
{
    struct barrow_view view;
    struct barrow_leak *leaks = NULL;
    size_t leak_count = 0;

    if (barrow_view_open(&view, &o->heap.view, count, operands, err) < 0)
        return -1;
    if (barrow_leaks_find(view.profile, o->filter, o->by == LEAKS_BY_STACK, &leaks, &leak_count,
                          err) < 0) {
        barrow_view_drop(&view);
        return -1;
    }
    if (o->heap.view.json)
        write_json(&view, leaks, leak_count);
    else
        print_text(&view, o, leaks, leak_count);
    free(leaks);
    barrow_view_close(&view);
    return 0;
}

static int leaks_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    struct barrow_leaks_options o = *(const struct barrow_leaks_options *)values;

    if (o.by == LEAKS_BY_WHAT_THERE_IS)
        o.by = !o.filter && barrow_heap_view_has(count, operands) ? LEAKS_BY_HOLDER : LEAKS_BY_LINE;
    if (o.by == LEAKS_BY_HOLDER && o.filter)
        return barrow_fail(err, BARROW_E_USAGE,
                           "--filter is about lines and stacks: add --by line");
    return o.by == LEAKS_BY_HOLDER ? barrow_leaks_by_holder(&o, count, operands, err)
                                   : show_births(&o, count, operands, err);
}

static const struct barrow_option options[] = {
    {"by", 'b', OPTION_CHOICE, "GROUPING", offsetof(struct barrow_leaks_options, by), groupings,
     NULL,
     "one finding a holder (default with a heap snapshot), a line of birth (default without) or a "
     "stack"},
    {"filter", 0, OPTION_TEXT, "EXPR", offsetof(struct barrow_leaks_options, filter), NULL, NULL,
     "by line or stack: only what matches: key=glob or key!=glob, joined by commas; keys: file, "
     "function, module, line (with any. before it: anywhere in the stack), domain, thread, "
     "process"},
    HEAP_OPTION_SNAPSHOT(struct barrow_leaks_options),
    HEAP_OPTION_LIMIT(struct barrow_leaks_options),
    HEAP_OPTION_JSON(struct barrow_leaks_options),
    HEAP_OPTION_COLOR(struct barrow_leaks_options),
    OPTIONS_END};

static const struct barrow_leaks_options defaults = {.heap = {.view = VIEW_DEFAULTS},
                                                     .by = LEAKS_BY_WHAT_THERE_IS};

const struct barrow_command barrow_command_leaks = {
    .usage = "[OPTIONS] FILE...",
    .about = "With a heap snapshot (barrow run --dig) shows what piles up: which object holds\n"
             "more and more, the line that made it, and the line where what it holds was born.\n"
             "Data that is loaded once and bounded caches are no leaks and are not shown.\n"
             "Without one, or by line or stack, shows all that was still allocated when\n"
             "recording ended: the line it was born at and the calls that led there. Recording\n"
             "ends before modules are taken apart and no gc.collect runs first, so what module\n"
             "globals hold and what waits in reference cycles counts too.",
    .examples = "barrow leaks app.1234.barrow\n"
                "barrow leaks --by stack --limit 5 app.1234.barrow\n"
                "barrow leaks --filter 'module!=importlib*' app.1234.barrow",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = leaks_main,
};
