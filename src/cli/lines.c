/* barrow lines: chosen functions line by line; `run` records them, `show` prints them. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/memory.h"
#include "cli/run.h"
#include "cli/source.h"
#include "cli/view.h"
#include "table/profiled.h"

struct lines_options {
    struct barrow_view_options view;
    struct barrow_run_options run;
    struct barrow_texts functions, files;
    bool is_run;
};

/* ---- run: patterns of what is to be chosen ---- */

static void add_pattern(struct barrow_buffer *to, const char *before, const char *file,
                        size_t length, const char *after, const char *name)
{
    barrow_buffer_add_text(to, before);
    barrow_buffer_add(to, file, length);
    barrow_buffer_add_text(to, after);
    barrow_buffer_add_byte(to, ':');
    barrow_buffer_add_text(to, name);
    barrow_buffer_add_byte(to, '\n');
}

/* package.module:name, __main__:name, or name in any module. */
static void add_function(struct barrow_buffer *to, const char *text,
                         const struct barrow_program *program)
{
    const char *colon = strchr(text, ':');
    char *module = barrow_copy(text);

    if (!colon) {
        add_pattern(to, "", "*", 1, "", text);
    } else if (strncmp(text, "__main__:", 9) == 0 && program->kind == PROGRAM_SCRIPT) {
        const char *slash = strrchr(program->name, '/');
        const char *base = slash ? slash + 1 : program->name;
        add_pattern(to, "*/", base, strlen(base), "", colon + 1);
        add_pattern(to, "", base, strlen(base), "", colon + 1);
    } else {
        size_t length = (size_t)(colon - text);
        for (size_t i = 0; i < length; i++)
            if (module[i] == '.')
                module[i] = '/';
        add_pattern(to, "*/", module, length, ".py", colon + 1);
        add_pattern(to, "", module, length, ".py", colon + 1);
        add_pattern(to, "*/", module, length, "/__init__.py", colon + 1);
    }
    free(module);
}

static int lines_run(const struct lines_options *o, struct barrow_error *err)
{
    struct barrow_run_options run = o->run;
    struct barrow_buffer patterns = {0};

    for (size_t i = 0; i < o->functions.count; i++)
        add_function(&patterns, o->functions.items[i], &run.program);
    for (size_t i = 0; i < o->files.count; i++) {
        const char *glob = o->files.items[i];
        add_pattern(&patterns, "", glob, strlen(glob), "", "*");
        if (*glob != '/' && *glob != '*')
            add_pattern(&patterns, "*/", glob, strlen(glob), "", "*");
    }
    barrow_buffer_add_byte(&patterns, '\0');
    if (patterns.failed) {
        barrow_buffer_free(&patterns);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    }
    run.lines = (const char *)patterns.bytes;
    int rc = barrow_run(&run, err);
    barrow_buffer_free(&patterns);
    return rc;
}

/* ---- show ---- */

enum { NUMBER_WIDTH = 10, MOST_LINES = 100000 };

/* The familiar columns, and as many of the others as leave the source its room. */
struct layout {
    bool peak, total;
    size_t width;
    size_t source; /* columns for source text */
};

static struct layout choose_layout(const struct barrow_terminal *t)
{
    enum { FAMILIAR = 6 + 11 + 12 + 12 + 2, SOURCE = 50 };
    bool has_window = isatty(fileno(t->out)) || getenv("COLUMNS");
    size_t width = has_window ? (size_t)t->width : 1000;
    struct layout l = {.width = width,
                       .peak = width >= FAMILIAR + 11 + SOURCE,
                       .total = width >= FAMILIAR + 33 + SOURCE};
    size_t used = FAMILIAR + (l.peak ? 11 : 0) + (l.total ? 22 : 0);

    l.source = width > used + 20 ? width - used : 20;
    return l;
}

static void put_bytes(FILE *out, uint64_t bytes, bool shown)
{
    char text[BARROW_UNITS_ROOM];

    fprintf(out, " %*s", NUMBER_WIDTH, shown ? barrow_units_bytes(text, bytes) : "");
}

static void put_increment(const struct barrow_terminal *t, int64_t by, bool shown)
{
    char bytes[BARROW_UNITS_ROOM], text[BARROW_UNITS_ROOM + 2] = "";
    enum barrow_style style = by >= 1 << 20 ? STYLE_HOT : by < 0 ? STYLE_GOOD : STYLE_PLAIN;

    if (shown)
        snprintf(text, sizeof text, "%s%s",
                 by > 0   ? "+"
                 : by < 0 ? "-"
                          : "",
                 barrow_units_bytes(bytes, by < 0 ? 0 - (uint64_t)by : (uint64_t)by));
    fprintf(t->out, " %s%*s%s", barrow_style(t, style), NUMBER_WIDTH + 1, text,
            barrow_style(t, STYLE_PLAIN));
}

/* `line`: NULL where there is no code. */
static void print_line(const struct barrow_terminal *t, const struct layout *l, uint32_t number,
                       const struct barrow_profiled_function *f,
                       const struct barrow_profiled_line *line, const char *source)
{
    static const struct barrow_profiled_line nothing;
    char count[BARROW_UNITS_ROOM];
    bool ran = line && line->occurrences;
    bool is_head = !ran && number == f->first_line && f->calls; /* the function's own figures */
    char *text = barrow_fit(t, barrow_printable(t, source ? source : ""), l->source, CUT_END);

    line = ran ? line : &nothing;
    fprintf(t->out, "%s%6u%s", barrow_style(t, STYLE_DIM), number, barrow_style(t, STYLE_PLAIN));
    put_bytes(t->out, ran ? line->memory_bytes : f->memory_bytes, ran || is_head);
    put_increment(t, line->increment_bytes, ran);
    if (l->peak)
        put_bytes(t->out, line->peak_bytes, ran);
    if (l->total) {
        put_bytes(t->out, line->allocated_bytes, line->allocated_bytes);
        put_bytes(t->out, line->live_bytes, line->live_bytes);
    }
    fprintf(t->out, " %11s%s%s\n",
            ran || is_head ? barrow_units_count(count, ran ? line->occurrences : f->calls) : "",
            *text ? "  " : "", text);
    free(text);
}

static void print_head(const struct barrow_terminal *t, const struct layout *l,
                       const struct barrow_profiled_function *f, bool has_source)
{
    const char *note = has_source ? "" : " (its source can't be read, or was changed since)";
    char *name = barrow_printable(t, f->function), *place = barrow_place(f->file, f->first_line);
    char count[BARROW_UNITS_ROOM], *where = barrow_printable(t, place);
    char *calls = barrow_format("%s %s%s", barrow_units_count(count, f->calls),
                                f->calls == 1 ? "call" : "calls", note);
    size_t used = barrow_width(name) + 2 + 2 + strlen(calls);

    where = barrow_fit(t, where, l->width > used + 16 ? l->width - used : 16, CUT_START);
    fprintf(t->out, "\n%s%s%s  %s, %s\n", barrow_style(t, STYLE_NAME), name,
            barrow_style(t, STYLE_PLAIN), where, calls);
    free(calls);
    fprintf(t->out, "%s%6s %*s %*s", barrow_style(t, STYLE_DIM), "Line #", NUMBER_WIDTH,
            "Mem usage", NUMBER_WIDTH + 1, "Increment");
    if (l->peak)
        fprintf(t->out, " %*s", NUMBER_WIDTH, "Peak");
    if (l->total)
        fprintf(t->out, " %*s %*s", NUMBER_WIDTH, "Allocated", NUMBER_WIDTH, "Still live");
    fprintf(t->out, " %11s  Line Contents%s\n", "Occurrences", barrow_style(t, STYLE_PLAIN));
    free(where);
    free(place);
    free(name);
}

static void print_function(const struct barrow_view *view, const struct layout *l,
                           const struct barrow_profiled_functions *all,
                           const struct barrow_profiled_function *f)
{
    const struct barrow_profile *p = view->profile;
    const struct barrow_terminal *t = &view->terminal;
    const struct barrow_profiled_line *line = all->lines + f->first, *end = line + f->count;
    uint32_t first = f->first_line, last = f->last_line; /* a damaged ledger may say anything */
    char **source =
        last - first < MOST_LINES
            ? barrow_source_lines(f->file, first, last, p->start_realtime_ns + p->duration_ns)
            : NULL;

    print_head(t, l, f, source != NULL);
    if (!source && (line == end || line->line != first))
        print_line(t, l, first, f, NULL, NULL);
    for (; !source && line < end; line++)
        print_line(t, l, line->line, f, line, NULL);
    for (uint32_t i = 0; source && i <= last - first; i++) {
        bool has_code = line < end && line->line == first + i;
        print_line(t, l, first + i, f, has_code ? line : NULL, source[i]);
        line += has_code;
    }
    barrow_source_free(source, first, last);
}

static bool is_wanted(const struct lines_options *o, const struct barrow_profiled_function *f)
{
    bool any = o->functions.count == 0;
    for (size_t i = 0; i < o->functions.count; i++) {
        const char *name = o->functions.items[i], *colon = strrchr(name, ':');
        any = any || strcmp(colon ? colon + 1 : name, f->function) == 0;
    }
    return any;
}

static int lines_show(const struct lines_options *o, int count, char **operands,
                      struct barrow_error *err)
{
    struct barrow_view view;
    struct barrow_profiled_functions functions = {0};

    if (barrow_view_open(&view, &o->view, count, operands, err) < 0)
        return -1;
    if (barrow_profiled_functions(view.profile, &functions, err) < 0) {
        barrow_view_drop(&view);
        return -1;
    }
    size_t kept = 0;
    for (size_t i = 0; i < functions.count; i++)
        if (is_wanted(o, &functions.items[i]))
            functions.items[kept++] = functions.items[i];
    functions.count = kept;
    if (o->view.json) {
        barrow_json_key(&view.json, "functions");
        barrow_profiled_json(&view.json, &functions);
    } else {
        barrow_view_headline(&view, "%zu profiled %s, line by line", kept,
                             kept == 1 ? "function" : "functions");
        if (!kept)
            barrow_view_say(
                &view, STYLE_PLAIN, "",
                "none: mark functions with @barrow.profile, or name them: barrow lines run "
                "--function module:name, or --file GLOB");
        struct layout layout = choose_layout(&view.terminal);
        for (size_t i = 0; i < kept; i++)
            print_function(&view, &layout, &functions, &functions.items[i]);
    }
    barrow_profiled_functions_free(&functions);
    barrow_view_close(&view);
    return 0;
}

/* ---- the command ---- */

static int lines_parse(const struct barrow_option *options, void *values, int argc, char **argv,
                       bool *help, struct barrow_error *err)
{
    struct lines_options *o = values;

    if (argc && strcmp(argv[0], "run") == 0) {
        o->is_run = true;
        return barrow_program_parse(&o->run.program, options, values,
                                    getenv("BARROW_PYTHON_OPTIONS"), argc - 1, argv + 1, help, err);
    }
    if (argc && strcmp(argv[0], "show") == 0) {
        int count = barrow_options_parse(options, values, argc - 1, argv + 1, help, err);
        if (count > 0)
            memmove(argv, argv + 1, (size_t)count * sizeof *argv);
        return count;
    }
    if (argc && (strcmp(argv[0], "-h") == 0 || strcmp(argv[0], "--help") == 0)) {
        *help = true;
        return 0;
    }
    return barrow_fail(err, BARROW_E_USAGE,
                       "lines: `run` a program or `show` a recording? See barrow help lines");
}

static int lines_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct lines_options *o = values;

    return o->is_run ? lines_run(o, err) : lines_show(o, count, operands, err);
}

static const struct barrow_option options[] = {
    {"function", 0, OPTION_LIST, "NAME", offsetof(struct lines_options, functions), NULL, NULL,
     "module:function, qualified and with wildcards (__main__:load, shop.db:Cache.*), or a "
     "function of any "
     "module; several times for several. run: measure it; show: only these"},
    VIEW_OPTION_JSON(struct lines_options),
    VIEW_OPTION_COLOR(struct lines_options),
    {"file", 0, OPTION_LIST, "GLOB", offsetof(struct lines_options, files), NULL, "options of run",
     "measure all functions of these files, and the modules themselves"},
    {"rss", 0, OPTION_FLAG, NULL, offsetof(struct lines_options, run.lines_rss), NULL,
     "options of run", "measure resident memory in place of allocations: slow, and coarse"},
    RUN_OPTIONS_COMMON(struct lines_options, "options of run"),
    OPTIONS_END};

static const struct lines_options defaults = {.view = VIEW_DEFAULTS};

const struct barrow_command barrow_command_lines = {
    .usage = "run [OPTIONS] [PYTHON-OPTIONS] SCRIPT|-m MODULE|-c CODE [ARGS...]\n"
             "show [OPTIONS] FILE...",
    .about = "Measures chosen functions line by line: those marked with @barrow.profile (in a\n"
             "program started by `lines run` also plain @profile), those that --function\n"
             "names, those in the files of --file. Nothing else is slowed down.\n"
             "\n"
             "Increment is what the line allocated minus what it freed, calls included, exact\n"
             "to the byte; Peak the most that lived above the function's start while the line\n"
             "ran; Mem usage the process' memory at the call plus the growth since; Allocated\n"
             "and Still live what the line allocated in all and what of it was never freed.",
    .examples = "barrow lines run app.py                          # functions with @profile\n"
                "barrow lines run --function __main__:load app.py\n"
                "barrow lines run --file 'shop/*.py' -m shop\n"
                "barrow lines show app.1234.barrow",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .parse = lines_parse,
    .main = lines_main,
};
