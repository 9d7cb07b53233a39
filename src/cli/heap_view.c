#include "cli/heap_view.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/units.h"
#include "cli/memory.h"
#include "cli/progress.h"
#include "cli/rows.h"
#include "ledger/inputs.h"
#include "ledger/read.h"
#include "table/keys.h"
#include "table/stack.h"

/* ---- loading ---- */

static int no_snapshot(const char *path, struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_USAGE,
                       "%s holds no heap snapshot: take one with barrow run --dig, or with "
                       "barrow.dig() in the program",
                       path);
}

/* The first of the ledgers that holds a snapshot; *which: its number among them. */
static int find_ledger(struct barrow_ledger **out, uint32_t *which, int count, char **paths,
                       struct barrow_error *err)
{
    struct barrow_inputs inputs = {0};
    struct barrow_error ignored;

    *out = NULL;
    if (barrow_inputs_find(&inputs, (const char *const *)paths, (size_t)count, err) < 0)
        return -1;
    for (uint32_t i = 0; i < inputs.list.count && !*out; i++) {
        if (barrow_input_open(&inputs.list.items[i], out, &ignored) < 0) {
            *out = NULL;
            continue;
        }
        *which = i;
        if (barrow_heap_count(*out) == 0) {
            barrow_ledger_free(*out);
            *out = NULL;
        }
    }
    barrow_inputs_free(&inputs);
    return *out ? 0 : no_snapshot(paths[0], err);
}

bool barrow_heap_view_has(int count, char **paths)
{
    struct barrow_ledger *ledger;
    struct barrow_error ignored;
    uint32_t which;

    if (count == 0 || find_ledger(&ledger, &which, count, paths, &ignored) < 0)
        return false;
    barrow_ledger_free(ledger);
    return true;
}

int barrow_heap_view_read(struct barrow_heap **out, uint32_t number, char **paths,
                          struct barrow_notes *damage, struct barrow_error *err)
{
    struct barrow_ledger *ledger;
    uint32_t which;

    if (find_ledger(&ledger, &which, 1, paths, err) < 0)
        return -1;
    int rc = barrow_heap_read(out, ledger, number, damage, err);
    barrow_ledger_free(ledger);
    return rc;
}

int barrow_heap_view_count(uint32_t *count, char **paths, struct barrow_error *err)
{
    struct barrow_ledger *ledger;
    uint32_t which;

    if (find_ledger(&ledger, &which, 1, paths, err) < 0)
        return -1;
    *count = barrow_heap_count(ledger);
    barrow_ledger_free(ledger);
    return 0;
}

static int load(struct barrow_heap_view *h, size_t number, int count, char **paths,
                struct barrow_error *err)
{
    struct barrow_ledger *ledger;
    int rc = -1;

    if (find_ledger(&ledger, &h->process, count, paths, err) < 0)
        return -1;
    h->snapshots = barrow_heap_count(ledger);
    if (number > h->snapshots)
        barrow_fail(err, BARROW_E_USAGE, "there is no snapshot %zu: %s holds %u", number, h->path,
                    h->snapshots);
    else
        rc = barrow_graph_of_ledger(&h->graph, ledger, (uint32_t)number, NULL, err);
    barrow_ledger_free(ledger);
    if (rc == 0)
        h->heap = h->graph->heap;
    return rc;
}

int barrow_heap_view_open(struct barrow_heap_view *h, const struct barrow_heap_options *options,
                          int count, char **paths, struct barrow_error *err)
{
    *h = (struct barrow_heap_view){.path = count ? paths[0] : NULL};
    if (count > 1)
        return barrow_fail(err, BARROW_E_USAGE,
                           "one ledger at a time: a heap snapshot is of one process");
    if (barrow_view_open(&h->view, &options->view, count, paths, err) < 0)
        return -1;
    char *subject = barrow_format("digging through %s", paths[0]);
    char *what = barrow_printable(&h->view.terminal, subject);
    barrow_progress_start(what);
    int rc = load(h, options->snapshot, count, paths, err);
    barrow_progress_stop();
    free(what);
    free(subject);
    if (rc < 0)
        barrow_heap_view_drop(h);
    return rc;
}

static void free_graph(struct barrow_heap_view *h)
{
    barrow_births_free(&h->births);
    barrow_paths_free(h->paths);
    barrow_graph_free(h->graph);
    h->paths = NULL;
    h->graph = NULL;
    h->heap = NULL;
}

void barrow_heap_view_drop(struct barrow_heap_view *h)
{
    free_graph(h);
    barrow_view_drop(&h->view);
}

void barrow_heap_view_close(struct barrow_heap_view *h)
{
    if (h->view.options->json)
        barrow_json_end_object(&h->view.json);
    else
        for (size_t i = 0; i < h->graph->warnings.count; i++)
            barrow_view_say(&h->view, STYLE_WARN, "note: ", h->graph->warnings.items[i]);
    barrow_heap_view_drop(h);
}

int barrow_heap_view_paths(struct barrow_heap_view *h, struct barrow_error *err)
{
    if (h->paths)
        return 0;
    barrow_progress_start("looking for paths");
    int rc = barrow_paths_find(&h->paths, h->graph, err);
    barrow_progress_stop();
    return rc;
}

int barrow_heap_view_births(struct barrow_heap_view *h, struct barrow_error *err)
{
    uint32_t most = (uint32_t)h->view.profile->sites_count; /* of a ledger by itself */

    if (h->births.sites)
        return 0;
    for (uint32_t i = 1; h->heap->birth && i <= h->heap->object_count; i++)
        if (h->heap->birth[i] > most)
            most = h->heap->birth[i];
    for (uint32_t i = 0; i < h->heap->unowned_count; i++)
        if (h->heap->unowned[i].site > most)
            most = h->heap->unowned[i].site;
    uint64_t taken =
        h->heap->time_ns > h->heap->pause_ns ? h->heap->time_ns - h->heap->pause_ns : 0;
    return barrow_births_load(&h->births, h->view.profile, h->process, most + 1, taken, err);
}

int barrow_heap_view_referrers(struct barrow_heap_view *h, uint32_t object,
                               struct barrow_paths **without, struct barrow_step **steps,
                               size_t *count, struct barrow_error *err)
{
    uint32_t known = h->paths->parent[object];

    *without = NULL;
    *steps = NULL;
    *count = 0;
    if (known == GRAPH_NONE || h->graph->idom[object] == known)
        return 0;
    if (barrow_graph_referrers(h->graph, err) < 0 ||
        barrow_paths_find_without(without, h->graph, object, err) < 0)
        return -1;
    if (barrow_paths_referrers(*without, object, steps, count, err) < 0) {
        barrow_paths_free(*without);
        *without = NULL;
        return -1;
    }
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++)
        if ((*steps)[i].from != known)
            (*steps)[kept++] = (*steps)[i];
    *count = kept;
    return 0;
}

/* ---- the first line ---- */

static char *short_name(const char *command)
{
    size_t word = strcspn(command, " ");
    const char *slash = memrchr(command, '/', word);

    return barrow_copy(slash && slash[1] && slash[1] != ' ' ? slash + 1 : command);
}

/* "snapshot 2 of 3, near the peak, after 1.2 s, "; a process without a recording has no time. */
static char *when(const struct barrow_heap_view *h)
{
    const struct barrow_heap *heap = h->heap;
    char *time = barrow_duration(&h->view.terminal, heap->time_ns);
    char *which = h->snapshots > 1
                      ? barrow_format("snapshot %u of %u, ", heap->number, h->snapshots)
                      : barrow_copy("");
    const char *at = heap->flags & HEAP_FLAG_AT_EXIT   ? "at exit, "
                     : heap->flags & HEAP_FLAG_AT_PEAK ? "near the peak, "
                                                       : "";
    char *text = barrow_format("%s%s%s%s%s", which, at, heap->time_ns ? "after " : "",
                               heap->time_ns ? time : "", heap->time_ns ? ", " : "");

    free(time);
    free(which);
    return text;
}

void barrow_heap_headline(const struct barrow_heap_view *h, const char *format, ...)
{
    const struct barrow_terminal *t = &h->view.terminal;
    const char *dot = barrow_pick(t, " \u00b7 ", " - ");
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    const char *command = h->view.profile->command;
    char *name = short_name(command && *command ? command : h->path);
    char *time = when(h);
    char *whose = barrow_format("%s%s", time, name);
    char *what = barrow_printable(t, text);
    char *rest = barrow_printable(t, whose);
    size_t used = barrow_width(what) + barrow_width(dot);
    size_t room = (size_t)t->width > used + 12 ? (size_t)t->width - used : 12;
    rest = barrow_fit(t, rest, room, CUT_END);
    fprintf(t->out, "%s%s%s%s%s\n", barrow_style(t, STYLE_HEAD), what, barrow_style(t, STYLE_PLAIN),
            dot, rest);
    free(rest);
    free(what);
    free(whose);
    free(time);
    free(name);
    free(text);
}

void barrow_heap_json(struct barrow_heap_view *h)
{
    struct barrow_json *json = &h->view.json;

    barrow_json_key(json, "snapshot");
    barrow_json_begin_object(json);
    barrow_put_number(json, "number", h->heap->number);
    barrow_put_number(json, "of", h->snapshots);
    barrow_put_seconds(json, "time_s", h->heap->time_ns);
    barrow_put_seconds(json, "pause_s", h->heap->pause_ns);
    barrow_put_flag(json, "at_peak", h->heap->flags & HEAP_FLAG_AT_PEAK);
    barrow_put_flag(json, "at_exit", h->heap->flags & HEAP_FLAG_AT_EXIT);
    barrow_put_number(json, "objects", h->heap->object_count);
    barrow_put_number(json, "references", h->heap->edge_count);
    barrow_put_number(json, "bytes", h->graph->total_bytes);
    barrow_put_number(json, "unreachable", h->graph->unreachable);
    barrow_json_end_object(json);
}

/* ---- words ---- */

char *barrow_take(struct barrow_buffer *buffer)
{
    char *text = barrow_buffer_text(buffer);

    if (!text) {
        barrow_buffer_free(buffer);
        text = barrow_copy("");
    }
    *buffer = (struct barrow_buffer){0};
    return text;
}

char *barrow_object_words(const struct barrow_graph *graph, uint32_t vertex)
{
    struct barrow_buffer out = {0};

    barrow_words_vertex(&out, graph, vertex);
    return barrow_take(&out);
}

char *barrow_path_words(const struct barrow_heap_view *h, const struct barrow_paths *paths,
                        uint32_t vertex)
{
    struct barrow_buffer out = {0};
    struct barrow_step *steps = NULL;
    size_t count = 0;

    if (barrow_paths_to(paths, vertex, &steps, &count, NULL) == 0)
        barrow_words_path(&out, h->graph, steps, count);
    free(steps);
    return barrow_take(&out);
}

const struct barrow_birth *barrow_object_birth(const struct barrow_heap_view *h, uint32_t object)
{
    bool known = h->heap->birth && !barrow_graph_is_root(h->graph, object);

    return barrow_birth_of(&h->births, known ? h->heap->birth[object] : 0);
}

void barrow_birth_json(struct barrow_json *json, const struct barrow_profile *profile,
                       const struct barrow_birth *birth)
{
    struct barrow_frame frame = barrow_stack_frame(profile, birth->user);

    barrow_json_begin_object(json);
    barrow_put_text(json, "function", frame.function);
    barrow_put_text(json, "file", frame.file);
    barrow_put_number(json, "line", frame.line);
    barrow_json_key(json, "stack");
    barrow_stack_json(json, profile, birth->node);
    barrow_json_end_object(json);
}
