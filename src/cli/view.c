#include "cli/view.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/memory.h"
#include "cli/progress.h"
#include "table/summary.h"

const char *const barrow_color_names[] = {"auto", "always", "never", NULL};
const char *const barrow_metric_names[] = {
#define X(name, text, words) text,
    BARROW_METRICS(X)
#undef X
        NULL};
const char *const barrow_grouping_names[] = {
#define X(name, text) text,
    BARROW_GROUPINGS(X)
#undef X
        NULL};
/* As the first line of a view says it. */
static const char *const metric_words[BARROW_METRIC_COUNT] = {
    [BARROW_METRIC_PEAK] = "live at the peak",
    [BARROW_METRIC_LEAKED] = "never freed",
    [BARROW_METRIC_TOTAL] = "allocated",
    [BARROW_METRIC_TEMPORARY] = "freed again at once",
};
const char barrow_no_frame[] = "(no Python frame)";

/* ---- opening and closing ---- */

/* A ledger opened as descriptor 1 must not receive what is printed. */
static void occupy_closed_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) < 0)
            return;
}

int barrow_view_open(struct barrow_view *view, const struct barrow_view_options *options, int count,
                     char **paths, struct barrow_error *err)
{
    *view = (struct barrow_view){.options = options};
    if (count == 0)
        return barrow_fail(err, BARROW_E_USAGE,
                           "which recording? Name a ledger, or a directory "
                           "of ledgers");
    occupy_closed_streams();
    signal(SIGPIPE, SIG_IGN); /* see barrow_output_end() */
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    barrow_terminal_init(&view->terminal, stdout, (enum barrow_color)options->color);
    char *subject = barrow_format("reading %s", paths[0]);
    char *what = barrow_printable(&view->terminal, subject);
    barrow_progress_start(what);
    int rc = barrow_profile_load(&view->profile, (const char *const *)paths, (size_t)count, err);
    barrow_progress_stop();
    free(what);
    free(subject);
    if (rc < 0)
        return -1;
    if (options->json) {
        barrow_json_init(&view->json, stdout, 0);
        barrow_json_begin_object(&view->json);
    }
    return 0;
}

void barrow_view_say(const struct barrow_view *view, enum barrow_style style, const char *first,
                     const char *words)
{
    const struct barrow_terminal *t = &view->terminal;
    size_t used = strlen(first), indent = used;

    fprintf(t->out, "%s%s", barrow_style(t, style), first);
    while (*words) {
        size_t bytes = strcspn(words, " ");
        char *raw = barrow_format("%.*s", (int)bytes, words);
        char *word = barrow_printable(t, raw);
        size_t width = barrow_width(word);
        bool begins = used == indent;
        if (!begins && used + 1 + width > (size_t)t->width) {
            fprintf(t->out, "\n%*s", (int)indent, "");
            used = indent;
            begins = true;
        }
        fprintf(t->out, "%s%s", begins ? "" : " ", word);
        used += width + (begins ? 0 : 1);
        free(word);
        free(raw);
        words += bytes + strspn(words + bytes, " ");
    }
    fprintf(t->out, "%s\n", barrow_style(t, STYLE_PLAIN));
}

static void note(const struct barrow_view *view, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void note(const struct barrow_view *view, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    barrow_view_say(view, STYLE_WARN, "note: ", text);
    free(text);
}

static void print_notes(const struct barrow_view *view)
{
    const struct barrow_profile *p = view->profile;
    char number[BARROW_UNITS_ROOM];

    for (size_t i = 0; i < LEDGER_DROP_LIMIT; i++)
        /* That the recording ended early stands in the second line. */
        if (barrow_drop_words((enum ledger_drop)i) && p->dropped[i] && i != LEDGER_DROP_ended_early)
            note(view, "%s %s", barrow_units_count(number, p->dropped[i]),
                 barrow_drop_words((enum ledger_drop)i));
    if (view->shows_peak && p->peak_imprecision_bytes)
        note(view,
             "the peak may be off by up to %s, because threads allocated without the "
             "interpreter lock",
             barrow_units_bytes(number, p->peak_imprecision_bytes));
    for (size_t i = 0; i < p->warning_count; i++)
        note(view, "%s", p->warnings[i]);
}

void barrow_view_close(struct barrow_view *view)
{
    if (view->options->json)
        barrow_json_end_object(&view->json);
    else
        print_notes(view);
    barrow_view_drop(view);
}

void barrow_view_drop(struct barrow_view *view)
{
    if (view->json.depth > 0) /* an object that an error left unfinished */
        __fpurge(view->json.to);
    if (view->profile)
        barrow_profile_free(view->profile);
    view->json.depth = 0;
    view->profile = NULL;
}

size_t barrow_view_limit(const struct barrow_view *view, size_t count)
{
    size_t limit = view->options->limit;

    if (limit == LIMIT_NOT_GIVEN)
        limit = view->options->json ? 0 : TEXT_ROWS;
    return limit && limit < count ? limit : count;
}

void barrow_view_more(const struct barrow_view *view, size_t count, const char *noun)
{
    const struct barrow_terminal *t = &view->terminal;
    size_t shown = barrow_view_limit(view, count);
    char number[BARROW_UNITS_ROOM];

    if (shown < count)
        fprintf(t->out, " %s%s %s more %s; --limit 0 shows all%s\n", barrow_style(t, STYLE_DIM),
                barrow_pick(t, "\u2026", "..."), barrow_units_count(number, count - shown), noun,
                barrow_style(t, STYLE_PLAIN));
}

/* ---- the first line ---- */

char *barrow_view_ending(const struct barrow_view *view)
{
    const struct barrow_profile *p = view->profile;
    const struct barrow_process *process = barrow_deciding_process(p);
    const char *words = process ? barrow_end_words(process->end) : "";

    if (p->complete)
        return barrow_copy(words);
    if (process && p->process_count > 1)
        return barrow_format("not complete: process %u: %s", process->pid, words);
    return barrow_format("not complete: %s", words);
}

/* The command without the interpreter's directory, where no quoting makes that hard to tell. */
static const char *short_command(const char *command)
{
    if (!command || !*command)
        return "(no command)";
    size_t word = strcspn(command, " ");
    const char *slash = memrchr(command, '/', word);
    return *command == '/' && slash && slash[1] && slash[1] != ' ' ? slash + 1 : command;
}

void barrow_view_headline(const struct barrow_view *view, const char *format, ...)
{
    const struct barrow_terminal *t = &view->terminal;
    const struct barrow_profile *p = view->profile;
    const char *dot = barrow_pick(t, " \u00b7 ", " - ");
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    char *what = barrow_printable(t, text);
    char *whose = barrow_printable(t, short_command(p->command));
    size_t used = barrow_width(what) + barrow_width(dot);
    size_t room = (size_t)t->width > used + 12 ? (size_t)t->width - used : 12;
    whose = barrow_fit(t, whose, room, CUT_END);
    fprintf(t->out, "%s%s%s%s%s\n", barrow_style(t, STYLE_HEAD), what, barrow_style(t, STYLE_PLAIN),
            dot, whose);
    if (!p->complete) {
        char *end = barrow_view_ending(view);
        fprintf(t->out, "%s%s%s\n", barrow_style(t, STYLE_WARN), end, barrow_style(t, STYLE_PLAIN));
        free(end);
    }
    free(whose);
    free(what);
    free(text);
}

int barrow_metric_sum(const struct barrow_profile *p, enum barrow_metric metric, const char *filter,
                      struct barrow_value *sum, struct barrow_error *err)
{
    struct barrow_query query = {.metric = metric, .by = BARROW_BY_DOMAIN, .filter = filter};
    struct barrow_row *rows = NULL;
    size_t count = 0;

    *sum = (struct barrow_value){0, 0};
    for (size_t i = 0; !filter && i < p->sites_count; i++) {
        sum->bytes += p->sites[i].value[metric].bytes;
        sum->blocks += p->sites[i].value[metric].blocks;
    }
    if (!filter)
        return 0;
    if (barrow_profile_rows(p, &query, &rows, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        sum->bytes += rows[i].bytes;
        sum->blocks += rows[i].blocks;
    }
    free(rows);
    return 0;
}

void barrow_view_headline_metric(const struct barrow_view *view, enum barrow_metric metric,
                                 const char *how, const char *filter, struct barrow_value shown)
{
    const struct barrow_profile *p = view->profile;
    char part[BARROW_UNITS_ROOM], whole[BARROW_UNITS_ROOM], blocks[BARROW_UNITS_ROOM];
    char *only = barrow_format("%s%s", filter ? ", only " : "", filter ? filter : "");
    char *when = barrow_duration(&view->terminal, p->peak_ns);

    barrow_units_bytes(part, shown.bytes);
    barrow_units_count(blocks, shown.blocks);
    if (metric != BARROW_METRIC_PEAK)
        barrow_view_headline(view, "%s, %s%s: %s in %s block%s", metric_words[metric], how, only,
                             part, blocks, shown.blocks == 1 ? "" : "s");
    else if (filter)
        barrow_view_headline(view, "%s, %s%s: %s of %s after %s", metric_words[metric], how, only,
                             part, barrow_units_bytes(whole, p->peak_bytes), when);
    else
        barrow_view_headline(view, "%s, %s: %s after %s", metric_words[metric], how,
                             barrow_units_bytes(whole, p->peak_bytes), when);
    free(when);
    free(only);
}

/* ---- cells ---- */

void barrow_put_bytes(struct barrow_columns *c, uint64_t bytes)
{
    char text[BARROW_UNITS_ROOM];

    barrow_columns_put(c, barrow_units_bytes(text, bytes));
}

void barrow_put_count(struct barrow_columns *c, uint64_t count)
{
    char text[BARROW_UNITS_ROOM];

    barrow_columns_put(c, barrow_units_count(text, count));
}

char *barrow_share(uint64_t part, uint64_t whole)
{
    /* Integer arithmetic: no rounding up to 100.0% of what is less. */
    uint64_t permille = whole ? (uint64_t)((__uint128_t)part * 1000 / whole) : 0;

    return barrow_format("%llu.%llu%%", (unsigned long long)permille / 10,
                         (unsigned long long)permille % 10);
}

enum barrow_style barrow_share_style(uint64_t part, uint64_t whole)
{
    if (whole && part >= whole / 5)
        return STYLE_HOT;
    return whole && part >= whole / 20 ? STYLE_WARM : STYLE_PLAIN;
}

void barrow_put_share(struct barrow_columns *c, uint64_t part, uint64_t whole)
{
    char *text = barrow_share(part, whole);

    barrow_columns_put_styled(c, text, barrow_share_style(part, whole));
    free(text);
}

char *barrow_duration(const struct barrow_terminal *t, uint64_t ns)
{
    char text[BARROW_UNITS_ROOM];

    barrow_units_duration(text, ns);
    char *micro = strstr(text, "\u00b5s");
    if (micro && !t->utf8)
        strcpy(micro, "us");
    return barrow_copy(text);
}

/* ---- places ---- */

const char *barrow_short_path(const char *file)
{
    static const char *const markers[] = {"/site-packages/", "/dist-packages/"};
    static char here[4096];

    for (size_t i = 0; i < sizeof markers / sizeof *markers; i++) {
        const char *found = strstr(file, markers[i]);
        if (found)
            return found + strlen(markers[i]);
    }
    const char *library = strstr(file, "/lib/python3.");
    if (library && (library = strchr(library + strlen("/lib/"), '/')))
        return library + 1;
    if (!*here && !getcwd(here, sizeof here))
        strcpy(here, "?");
    size_t length = strlen(here);
    if (length > 1 && strncmp(file, here, length) == 0 && file[length] == '/')
        return file + length + 1;
    return file;
}

char *barrow_place(const char *file, uint32_t line)
{
    static const char frozen[] = "<frozen ";
    const char *name = barrow_short_path(file);
    int length = (int)strlen(name);

    if (length > (int)sizeof frozen && strncmp(name, frozen, sizeof frozen - 1) == 0) {
        name += sizeof frozen - 1;    /* "<frozen importlib._bootstrap>": the name will do */
        length -= (int)sizeof frozen; /* ... without its closing bracket */
    }
    if (!line || !length)
        return barrow_format("%.*s", length, name);
    return barrow_format("%.*s:%u", length, name, line);
}
