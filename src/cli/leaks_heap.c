/* barrow leaks, with a heap snapshot: the findings of leaks_find.c, for people and as JSON. */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/leaks.h"
#include "cli/leaks_find.h"
#include "cli/memory.h"
#include "cli/rows.h"
#include "cli/source.h"
#include "table/keys.h"
#include "table/stack.h"

/* ---- words ---- */

static char *what_words(const struct barrow_leak_search *s, const struct barrow_leak_finding *f)
{
    char bytes[BARROW_UNITS_ROOM], objects[BARROW_UNITS_ROOM];
    bool one = f->objects == 1;

    barrow_units_bytes(bytes, f->bytes);
    barrow_units_count(objects, f->objects);
    if (!f->suspect)
        return barrow_format("%s block%s (%s) that %s to no object", objects, one ? "" : "s", bytes,
                             one ? "belongs" : "belong");
    char *class = barrow_graph_class_name(s->h.graph, f->suspect->type);
    char *text = barrow_format("%s object%s (%s), mostly of %s", objects, one ? "" : "s", bytes,
                               class ? class : "?");
    free(class);
    return text;
}

static char *title(const struct barrow_leak_search *s, const struct barrow_leak_finding *f)
{
    char *what = what_words(s, f);
    char *text = !f->suspect ? barrow_format("%s: C code lost or keeps them", what)
                 : f->suspect->kind == BARROW_SUSPECT_GARBAGE
                     ? barrow_format("%s, are garbage that the collector has not freed", what)
                     : barrow_format("%s, pile up in %s", what, f->path);

    free(what);
    return text;
}

/* ---- JSON ---- */

static void json_holder(struct barrow_leak_search *s, const struct barrow_leak_finding *f)
{
    struct barrow_json *json = &s->h.view.json;

    barrow_json_key(json, "holder");
    barrow_json_begin_object(json);
    if (*f->path)
        barrow_put_text(json, "path", f->path);
    if (f->holder.file) {
        barrow_put_text(json, "file", f->holder.file);
        barrow_put_number(json, "line", f->holder.line);
    }
    if (f->suspect && f->suspect->holder) {
        char *class = barrow_object_words(s->h.graph, f->suspect->holder);
        barrow_put_text(json, "class", class);
        barrow_put_number(json, "address", s->h.heap->address[f->suspect->holder]);
        barrow_put_number(json, "retained_bytes", s->h.graph->retained[f->suspect->holder]);
        free(class);
    }
    barrow_json_end_object(json);
}

static void write_json(struct barrow_leak_search *s)
{
    static const char *const evidence[] = {"snapshots", "time", "size"};
    struct barrow_json *json = &s->h.view.json;

    barrow_heap_json(&s->h);
    barrow_put_text(json, "evidence", evidence[s->evidence]);
    barrow_json_key(json, "findings");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < barrow_view_limit(&s->h.view, s->count); i++) {
        const struct barrow_leak_finding *f = &s->findings[i];
        char *text = title(s, f);
        barrow_json_begin_object(json);
        barrow_put_text(json, "title", text);
        barrow_put_number(json, "bytes", f->bytes);
        barrow_put_number(json, "blocks", f->objects);
        json_holder(s, f);
        if (f->birth.frame) {
            barrow_json_key(json, "birth");
            barrow_birth_json(json, s->h.view.profile,
                              barrow_birth_of(&s->h.births, f->birth.number));
        }
        barrow_json_end_object(json);
        free(text);
    }
    barrow_json_end_array(json);
}

/* ---- text ---- */

static void print_place(const struct barrow_leak_search *s, const char *label, const char *what,
                        const char *file, uint32_t line)
{
    const struct barrow_view *view = &s->h.view;
    const struct barrow_terminal *t = &view->terminal;
    char *place = barrow_place(file, line);
    char *source = barrow_source_line(
        file, line, view->profile->start_realtime_ns + view->profile->duration_ns);
    char *head = barrow_format("%s%s%s", what, *what ? "  " : "", place);
    char *text = barrow_printable(t, head), *code = barrow_printable(t, source ? source : "");
    size_t used = strlen(label) + barrow_width(text) + 2;

    fprintf(t->out, "%s%s%s%s", label, barrow_style(t, STYLE_NAME), text,
            barrow_style(t, STYLE_PLAIN));
    if (*code && (size_t)t->width > used + 10) {
        code = barrow_fit(t, code, (size_t)t->width - used, CUT_END);
        fprintf(t->out, "  %s%s%s", barrow_style(t, STYLE_DIM), code, barrow_style(t, STYLE_PLAIN));
    }
    fputc('\n', t->out);
    free(code);
    free(text);
    free(head);
    free(source);
    free(place);
}

static void print_finding(const struct barrow_leak_search *s, size_t i)
{
    const struct barrow_leak_finding *f = &s->findings[i];
    const struct barrow_view *view = &s->h.view;
    const struct barrow_terminal *t = &view->terminal;
    char *number = barrow_format("%2zu  ", i + 1), *text = title(s, f);

    fputc('\n', t->out);
    barrow_view_say(view, STYLE_HOT, number, text);
    if (f->holder.file)
        print_place(s, f->suspect && f->suspect->holder ? "    held at  " : "    made at  ", "",
                    f->holder.file, f->holder.line);
    if (f->birth.frame) {
        const struct barrow_birth *birth = barrow_birth_of(&s->h.births, f->birth.number);
        struct barrow_frame frame = view->profile->frames[f->birth.frame];
        char *callers = barrow_callers(view, birth->user);
        print_place(s, "    born at  ", frame.function, frame.file, frame.line);
        if (callers)
            barrow_view_say(view, STYLE_DIM, "             ", callers);
        free(callers);
    }
    free(text);
    free(number);
}

static void print_text(const struct barrow_leak_search *s)
{
    static const char *const evidence[] = {
        "What counts is new since the first snapshot.",
        "What counts was born at lines that went on allocating without freeing until the end.",
        "How long things live isn't known: any large amount of data in one place is shown. Take "
        "two "
        "snapshots, or one under barrow run, to tell leaks from data."};
    const struct barrow_view *view = &s->h.view;
    char bytes[BARROW_UNITS_ROOM];
    uint64_t sum = 0;

    for (size_t i = 0; i < s->count; i++)
        sum += s->findings[i].bytes;
    if (s->count)
        barrow_heap_headline(&s->h, "leaks, by holder: %zu, %s", s->count,
                             barrow_units_bytes(bytes, sum));
    else
        barrow_heap_headline(&s->h, "leaks, by holder: none");
    barrow_view_say(view, STYLE_DIM, "", evidence[s->evidence]);
    for (size_t i = 0; i < barrow_view_limit(view, s->count); i++)
        print_finding(s, i);
    barrow_view_more(view, s->count, "leaks");
    barrow_view_say(view, STYLE_DIM, "",
                    s->count
                        ? "barrow why FILE CLASS shows paths; --by line lists all that was never "
                          "freed."
                        : "--by line lists all that was never freed.");
}

int barrow_leaks_by_holder(const struct barrow_leaks_options *options, int count, char **operands,
                           struct barrow_error *err)
{
    struct barrow_leak_search s = {0};

    if (barrow_heap_view_open(&s.h, &options->heap, count, operands, err) < 0)
        return -1;
    int rc = barrow_leaks_search(&s, operands, err);
    if (rc < 0) {
        barrow_heap_view_drop(&s.h);
    } else {
        if (options->heap.view.json)
            write_json(&s);
        else
            print_text(&s);
        barrow_heap_view_close(&s.h);
    }
    barrow_leaks_search_free(&s);
    return rc;
}
