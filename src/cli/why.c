/* barrow why: what keeps objects alive, where they were born, what would be freed.
 *
 *      objects      frees  held by
 *       12,300             module app
 *       12,300    8.3 MiB  .Server  class app.Server
 *       12,300    8.3 MiB  .sessions  dict
 *       12,000             ├─ [*]  app.Session
 *          300             └─ [*].user  app.User
 *
 * Steps that all objects share stand below each other; where ways part, branches begin.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/branches.h"
#include "cli/command.h"
#include "cli/heap_target.h"
#include "cli/memory.h"
#include "cli/rows.h"
#include "table/keys.h"
#include "table/stack.h"

enum { OTHER_PATHS = 3, BIRTH_LINES = 3, NUMBERS_WIDTH = 22 };

struct why_options {
    struct barrow_heap_options heap;
    size_t paths;
};

struct answer {
    struct barrow_heap_view *h;
    const struct why_options *options;
    struct barrow_heap_target target;
    struct barrow_merged merged;
    uint64_t bytes, retained;
    char *path;   /* the way that most of them share */
    uint32_t cut; /* the merged node whose reference, cut, frees most of it; 0: none does */
    uint64_t cut_frees;
    struct barrow_step *others; /* of a single object: how else it is held */
    size_t other_count;
    struct barrow_paths *without; /* that they end */
    struct barrow_birth_line *births;
    size_t birth_count;
    struct barrow_branches branches;
    size_t rows_left, rows_omitted;
};

/* ---- finding out ---- */

/* Is the step's name in the words of the object already? */
static bool is_module(const struct answer *a, const struct barrow_merged_node *n)
{
    return n->type && n->vertices == 1 && a->h->heap->types[n->type].flags & HEAP_TYPE_MODULE &&
           a->merged.nodes[n->parent].type == 0;
}

/* What cutting the reference to a node frees; 0 if it stands for several, or for a module. */
static uint64_t frees(const struct answer *a, uint32_t node)
{
    const struct barrow_merged_node *n = &a->merged.nodes[node];
    struct barrow_step step;

    if (!n->type || n->vertices != 1 || is_module(a, n) ||
        !barrow_paths_step(a->h->paths, n->example, &step))
        return 0;
    return barrow_paths_cut(a->h->paths, &step);
}

/* The lowest reference on the common way that frees nearly all, else the one that frees most, if
 * that is worth telling. */
static void find_cut(struct answer *a)
{
    for (uint32_t n = barrow_merged_common(&a->merged, 0.8); n; n = a->merged.nodes[n].parent) {
        uint64_t bytes = frees(a, n);
        if (bytes > a->cut_frees) {
            a->cut = n;
            a->cut_frees = bytes;
            if ((double)bytes >= 0.9 * (double)a->retained)
                return;
        }
    }
    if ((double)a->cut_frees < 0.5 * (double)a->retained)
        a->cut = 0;
}

static int find_others(struct answer *a, struct barrow_error *err)
{
    if (a->target.count != 1)
        return 0;
    return barrow_heap_view_referrers(a->h, a->target.objects[0], &a->without, &a->others,
                                      &a->other_count, err);
}

static int find_births(struct answer *a, struct barrow_error *err)
{
    struct barrow_birth_tally tally = {.births = &a->h->births};

    if (!a->h->heap->birth)
        return 0;
    if (barrow_heap_view_births(a->h, err) < 0)
        return -1;
    for (size_t i = 0; i < a->target.count; i++) {
        uint32_t object = a->target.objects[i];
        if (!barrow_birth_tally_add(&tally, a->h->heap->birth[object],
                                    barrow_heap_bytes(a->h->heap, object)))
            return barrow_fail(err, BARROW_E_NO_MEMORY, "not enough memory to add up births");
    }
    return barrow_birth_tally_lines(&tally, a->h->view.profile, &a->births, &a->birth_count, err);
}

static int find_out(struct answer *a, const char *word, struct barrow_error *err)
{
    struct barrow_buffer words = {0};

    if (barrow_heap_target_find(&a->target, a->h, word, err) < 0 ||
        barrow_heap_view_paths(a->h, err) < 0 ||
        barrow_merged_of(&a->merged, a->h->paths, a->target.objects, a->target.count, err) < 0)
        return -1;
    for (size_t i = 0; i < a->target.count; i++)
        a->bytes += barrow_heap_bytes(a->h->heap, a->target.objects[i]);
    a->retained = a->merged.nodes[0].retained;
    uint32_t common = a->merged.nodes[0].objects ? barrow_merged_common(&a->merged, 0.8) : 0;
    if (common)
        barrow_merged_words(&words, &a->merged, a->h->paths, common);
    a->path = barrow_take(&words);
    find_cut(a);
    return find_others(a, err) < 0 || find_births(a, err) < 0 ? -1 : 0;
}

static void free_answer(struct answer *a)
{
    barrow_merged_free(&a->merged);
    barrow_heap_target_free(&a->target);
    free(a->path);
    free(a->others);
    barrow_paths_free(a->without);
    free(a->births);
}

static char *other_words(const struct answer *a, size_t i)
{
    struct barrow_buffer out = {0};
    struct barrow_step *steps = NULL;
    size_t count;

    if (barrow_paths_through(a->without, &a->others[i], &steps, &count, NULL) == 0)
        barrow_words_path(&out, a->h->graph, steps, count);
    free(steps);
    return barrow_take(&out);
}

static char *node_path(const struct answer *a, uint32_t node)
{
    struct barrow_buffer out = {0};

    barrow_merged_words(&out, &a->merged, a->h->paths, node);
    return barrow_take(&out);
}

static char *node_step(const struct answer *a, uint32_t node)
{
    struct barrow_buffer out = {0};

    barrow_merged_step_words(&out, &a->merged, a->h->paths, node);
    return barrow_take(&out);
}

/* ---- JSON ---- */

static void json_node(const struct answer *a, uint32_t node)
{
    struct barrow_json *json = &a->h->view.json;
    const struct barrow_merged_node *n = &a->merged.nodes[node];
    char *step = node_step(a, node), *class = barrow_object_words(a->h->graph, n->example);

    barrow_json_begin_object(json);
    barrow_put_number(json, "node", node);
    barrow_put_number(json, "parent", n->parent);
    barrow_put_text(json, "step", step);
    barrow_put_text(json, n->type ? "class" : "root", class);
    if (n->type && n->vertices == 1)
        barrow_put_number(json, "address", a->h->heap->address[n->example]);
    barrow_put_number(json, "holders", n->vertices);
    barrow_put_number(json, "objects", n->objects);
    barrow_put_number(json, "bytes", n->bytes);
    barrow_put_number(json, "retained_bytes", n->retained);
    barrow_put_number(json, "frees_bytes", frees(a, node));
    barrow_json_end_object(json);
    free(class);
    free(step);
}

static void json_births(const struct answer *a)
{
    struct barrow_json *json = &a->h->view.json;

    barrow_json_key(json, "births");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < a->birth_count; i++) {
        const struct barrow_birth_line *line = &a->births[i];
        barrow_json_begin_object(json);
        barrow_put_number(json, "objects", line->objects);
        barrow_put_number(json, "bytes", line->bytes);
        if (line->frame) {
            barrow_json_key(json, "birth");
            barrow_birth_json(json, a->h->view.profile,
                              barrow_birth_of(&a->h->births, line->number));
        }
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
}

static void write_json(const struct answer *a)
{
    struct barrow_json *json = &a->h->view.json;

    barrow_heap_json(a->h);
    barrow_put_text(json, "target", a->target.words);
    barrow_put_number(json, "objects", a->target.count);
    barrow_put_number(json, "bytes", a->bytes);
    barrow_put_number(json, "retained_bytes", a->retained);
    barrow_put_number(json, "unreachable", a->merged.unreached);
    barrow_put_text(json, "path", a->path);
    barrow_json_key(json, "tree");
    barrow_json_begin_array(json);
    for (uint32_t n = 1; n < a->merged.count; n++)
        json_node(a, n);
    barrow_json_end_array(json);
    if (a->cut) {
        char *path = node_path(a, a->cut);
        barrow_json_key(json, "cut");
        barrow_json_begin_object(json);
        barrow_put_text(json, "path", path);
        barrow_put_number(json, "frees_bytes", a->cut_frees);
        barrow_json_end_object(json);
        free(path);
    }
    barrow_json_key(json, "other_paths");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < a->other_count && (!a->options->paths || i < a->options->paths); i++) {
        char *path = other_words(a, i);
        barrow_json_string(json, path);
        free(path);
    }
    barrow_json_end_array(json);
    if (a->h->heap->birth)
        json_births(a);
}

/* ---- text ---- */

/* Groups of roots, and the root of a module: what follows says it too. */
static bool is_plain(const struct answer *a, uint32_t node)
{
    const struct barrow_merged_node *n = &a->merged.nodes[node];

    if (n->type || n->children != 1 || n->ends)
        return false;
    const struct barrow_merged_node *child = &a->merged.nodes[a->merged.order[n->first_child]];
    return !child->type || a->h->heap->types[child->type].flags & HEAP_TYPE_MODULE;
}

static void print_node(struct answer *a, uint32_t node, bool continues, bool more)
{
    const struct barrow_terminal *t = &a->h->view.terminal;
    const struct barrow_merged_node *n = &a->merged.nodes[node];
    char objects[BARROW_UNITS_ROOM], bytes[BARROW_UNITS_ROOM], number[BARROW_UNITS_ROOM];
    uint64_t freed = frees(a, node);

    fprintf(t->out, "%9s  %9s  ", barrow_units_count(objects, n->objects),
            freed ? barrow_units_bytes(bytes, freed) : "");
    size_t used = NUMBERS_WIDTH + (continues ? barrow_branches_continue(&a->branches)
                                             : barrow_branches_print(&a->branches, more));
    char *raw_step = is_module(a, n) ? barrow_copy("") : node_step(a, node),
         *name = barrow_object_words(a->h->graph, n->example);
    char *many = n->vertices > 1
                     ? barrow_format("%s %s %s", barrow_units_count(number, n->vertices),
                                     barrow_pick(t, "\u00d7", "x"), name)
                     : barrow_copy(name);
    char *step = barrow_printable(t, raw_step), *what = barrow_printable(t, n->type ? many : "");
    size_t room = (size_t)t->width > used + 30 ? (size_t)t->width - used : 30;
    what = barrow_fit(t, what, room / 2, CUT_MIDDLE);
    step = barrow_fit(t, step, room - barrow_width(what) - 2, CUT_MIDDLE);
    fprintf(t->out, "%s%s%s%s%s%s%s\n", barrow_style(t, STYLE_NAME), step,
            barrow_style(t, STYLE_PLAIN), *step && *what ? "  " : "", barrow_style(t, STYLE_DIM),
            what, barrow_style(t, STYLE_PLAIN));
    free(what);
    free(step);
    free(many);
    free(name);
    free(raw_step);
}

/* Prints a node and what is below; a chain stays at one depth. */
static void print_tree(struct answer *a, uint32_t node, bool more)
{
    for (bool continues = false;;) {
        const struct barrow_merged_node *n = &a->merged.nodes[node];
        if (node && !is_plain(a, node)) {
            if (!a->rows_left) {
                a->rows_omitted++;
                return;
            }
            a->rows_left--;
            print_node(a, node, continues, more);
            continues = true;
        }
        if (n->children != 1 || n->ends) {
            barrow_branches_down(&a->branches);
            if (!node && n->children == 1)
                barrow_branches_up(&a->branches);
            for (uint32_t i = 0; i < n->children; i++)
                print_tree(a, a->merged.order[n->first_child + i], i + 1 < n->children);
            barrow_branches_up(&a->branches);
            return;
        }
        node = a->merged.order[n->first_child];
    }
}

static void print_births(const struct answer *a)
{
    const struct barrow_view *view = &a->h->view;
    const struct barrow_terminal *t = &view->terminal;
    char objects[BARROW_UNITS_ROOM], bytes[BARROW_UNITS_ROOM];

    for (size_t i = 0; i < a->birth_count && i < BIRTH_LINES; i++) {
        const struct barrow_birth_line *line = &a->births[i];
        const struct barrow_birth *birth = barrow_birth_of(&a->h->births, line->number);
        struct barrow_frame frame = view->profile->frames[line->frame];
        char *place = barrow_place(frame.file, frame.line),
             *callers = barrow_callers(view, birth->user);
        char *text = barrow_format(
            "%s object%s (%s) by %s %s %s", barrow_units_count(objects, line->objects),
            line->objects == 1 ? "" : "s", barrow_units_bytes(bytes, line->bytes),
            line->frame ? frame.function : barrow_no_frame, place,
            callers && line->frame ? callers : "");
        barrow_view_say(view, STYLE_PLAIN, i ? "      " : "born: ", text);
        free(text);
        free(callers);
        free(place);
    }
    if (a->birth_count > BIRTH_LINES)
        fprintf(t->out, "      %sand at %zu more lines%s\n", barrow_style(t, STYLE_DIM),
                a->birth_count - BIRTH_LINES, barrow_style(t, STYLE_PLAIN));
}

static void print_others(const struct answer *a)
{
    size_t limit = a->options->paths == LIMIT_NOT_GIVEN ? OTHER_PATHS : a->options->paths;
    size_t shown = limit && limit < a->other_count ? limit : a->other_count;

    for (size_t i = 0; i < shown; i++) {
        char *path = other_words(a, i);
        barrow_view_say(&a->h->view, STYLE_PLAIN, "also held by: ", path);
        free(path);
    }
    if (shown < a->other_count)
        fprintf(a->h->view.terminal.out, "%zu more ways; --paths 0 shows all\n",
                a->other_count - shown);
}

static void print_freed(const struct answer *a)
{
    char bytes[BARROW_UNITS_ROOM], cut[BARROW_UNITS_ROOM];
    bool one = a->target.count == 1;
    char *path = a->cut ? node_path(a, a->cut) : NULL;
    char *text =
        a->cut ? barrow_format("%s if %s went; cutting the reference %s frees %s",
                               barrow_units_bytes(bytes, a->retained), one ? "it" : "all of them",
                               path, barrow_units_bytes(cut, a->cut_frees))
               : barrow_format("%s if %s went; no single reference holds %s",
                               barrow_units_bytes(bytes, a->retained), one ? "it" : "all of them",
                               one ? "it alone" : "them");

    barrow_view_say(&a->h->view, STYLE_PLAIN, "frees: ", text);
    free(text);
    free(path);
}

static void print_text(struct answer *a)
{
    const struct barrow_terminal *t = &a->h->view.terminal;
    char objects[BARROW_UNITS_ROOM], bytes[BARROW_UNITS_ROOM];
    size_t limit = a->options->heap.view.limit;

    if (a->target.count == 1)
        barrow_heap_headline(a->h, "%s, why it is alive: %s", a->target.words,
                             barrow_units_bytes(bytes, a->bytes));
    else
        barrow_heap_headline(a->h, "%s, why they are alive: %s objects, %s", a->target.words,
                             barrow_units_count(objects, a->target.count),
                             barrow_units_bytes(bytes, a->bytes));
    if (*a->path)
        barrow_view_say(&a->h->view, STYLE_NAME, "  ", a->path);
    if (a->merged.unreached)
        fprintf(t->out, "%s%s%s held by nothing: waiting for the collector%s\n",
                barrow_style(t, STYLE_WARN), barrow_units_count(objects, a->merged.unreached),
                a->merged.unreached == 1 ? " is" : " are", barrow_style(t, STYLE_PLAIN));
    if (a->merged.nodes[0].objects) {
        a->branches = (struct barrow_branches){.terminal = t};
        a->rows_left = limit == LIMIT_NOT_GIVEN ? TEXT_ROWS : limit ? limit : SIZE_MAX;
        fprintf(t->out, "%s%9s  %9s  %s%s\n", barrow_style(t, STYLE_DIM), "objects", "frees",
                "held by", barrow_style(t, STYLE_PLAIN));
        print_tree(a, 0, false);
        if (a->rows_omitted)
            fprintf(t->out, " %s%s %zu more branches; --limit 0 shows all%s\n",
                    barrow_style(t, STYLE_DIM), barrow_pick(t, "\u2026", "..."), a->rows_omitted,
                    barrow_style(t, STYLE_PLAIN));
        print_others(a);
        print_freed(a);
    }
    print_births(a);
}

/* ---- the command ---- */

static int why_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct why_options *o = values;
    struct barrow_heap_view h;
    struct answer a = {.h = &h, .options = o};

    if (count != 2)
        return barrow_fail(
            err, BARROW_E_USAGE,
            "why takes a ledger and what it is about: barrow why FILE CLASS, 0xADDRESS "
            "or FILE.py:LINE");
    if (barrow_heap_view_open(&h, &o->heap, 1, operands, err) < 0)
        return -1;
    int rc = find_out(&a, operands[1], err);
    if (rc < 0) {
        barrow_heap_view_drop(&h);
    } else {
        if (o->heap.view.json)
            write_json(&a);
        else
            print_text(&a);
        barrow_heap_view_close(&h);
    }
    free_answer(&a);
    return rc;
}

static const struct barrow_option options[] = {
    {"paths", 'p', OPTION_COUNT, "N", offsetof(struct why_options, paths), NULL, NULL,
     "of a single object: show N other ways that hold it; 0: all (text shows 3, JSON all)"},
    {"limit", 'n', OPTION_COUNT, "N", offsetof(struct why_options, heap.view.limit), NULL, NULL,
     "show N rows of the tree; 0: all (text shows 25 otherwise, JSON all)"},
    HEAP_OPTION_SNAPSHOT(struct why_options),
    HEAP_OPTION_JSON(struct why_options),
    HEAP_OPTION_COLOR(struct why_options),
    OPTIONS_END};

static const struct why_options defaults = {.heap = {.view = VIEW_DEFAULTS},
                                            .paths = LIMIT_NOT_GIVEN};

const struct barrow_command barrow_command_why = {
    .usage = "[OPTIONS] FILE CLASS\n"
             "[OPTIONS] FILE 0xADDRESS\n"
             "[OPTIONS] FILE SOURCE.py:LINE",
    .about = "Shows what keeps objects of a heap snapshot alive: those of a class (or glob), one\n"
             "at an address as id() gives it, or those that were born at a line. Their shortest\n"
             "paths from modules, frames and other roots are merged into one tree, in the words\n"
             "of the source: .attribute, [index], [\"key\"], local variables. `frees` is what\n"
             "would be freed if only that reference were cut. Then where they were born.",
    .examples = "barrow why app.1234.barrow app.Session\n"
                "barrow why app.1234.barrow 'app.*Handler'\n"
                "barrow why app.1234.barrow server.py:120\n"
                "barrow why --json app.1234.barrow 0x7f21c8a0b3d0",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = why_main,
};
