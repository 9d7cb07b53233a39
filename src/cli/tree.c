/* barrow tree: who owns the memory, down the call tree.
 *
 *     total            own  call tree
 *     41 MiB  100%          <module>  app.py:40
 *                           ↳ main  app.py:30          calls that do nothing but call on stand
 *     30 MiB   73%   1 MiB  ├─ load  app.py:12         below each other, without numbers
 *     11 MiB   27%  11 MiB  └─ index  app.py:20
 */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/command.h"
#include "cli/memory.h"
#include "cli/rows.h"
#include "cli/view.h"
#include "table/calltree.h"
#include "table/keys.h"

struct tree_options {
    struct barrow_view_options view;
    int metric;
    double percent; /* negative: not given */
    bool threads, full;
    const char *filter;
};

struct drawing {
    struct barrow_view *view;
    const struct tree_options *options;
    struct barrow_calltree tree;
    uint64_t least; /* bytes: smaller branches are left out */
};

/* ---- JSON: nested deeper than barrow_json allows, so brackets are written here ---- */

static void json_text(FILE *to, const char *key, const char *text)
{
    fprintf(to, "\"%s\": ", key);
    barrow_json_quote(to, text, strlen(text));
    fputs(", ", to);
}

static void json_node(const struct drawing *d, FILE *to, uint32_t n)
{
    const struct barrow_calltree_node *node = &d->tree.nodes[n];
    struct barrow_frame frame = barrow_calltree_frame(&d->tree, d->view->profile, n);

    fputc('{', to);
    if (node->is_thread) {
        json_text(to, "thread", frame.function);
    } else {
        json_text(to, "function", frame.function);
        json_text(to, "file", frame.file);
        fprintf(to, "\"line\": %u, ", frame.line);
    }
    fprintf(to, "\"bytes\": %llu, \"blocks\": %llu, \"own_bytes\": %llu, \"own_blocks\": %llu, ",
            (unsigned long long)node->total.bytes, (unsigned long long)node->total.blocks,
            (unsigned long long)node->own.bytes, (unsigned long long)node->own.blocks);
    if (node->recursion > 1)
        fprintf(to, "\"recursion\": %u, ", node->recursion);
    fputs("\"children\": [", to);
}

static bool is_shown(const struct drawing *d, uint32_t n)
{
    const struct barrow_calltree_node *node = &d->tree.nodes[n];

    return node->total.bytes >= d->least && (node->total.bytes || node->total.blocks);
}

/* Siblings come by falling bytes: after the first small one all are small. */
static uint32_t first_shown(const struct drawing *d, uint32_t n)
{
    uint32_t child = d->tree.nodes[n].first_child;

    return child && is_shown(d, child) ? child : 0;
}

static uint32_t next_shown(const struct drawing *d, uint32_t n)
{
    uint32_t next = d->tree.nodes[n].next_sibling;

    return next && is_shown(d, next) ? next : 0;
}

static void json_children(const struct drawing *d)
{
    FILE *to = d->view->terminal.out;
    uint32_t n = first_shown(d, 0);

    fputc('[', to);
    while (n) {
        json_node(d, to, n);
        if (first_shown(d, n)) {
            n = first_shown(d, n);
            continue;
        }
        fputs("]}", to);
        while (n && !next_shown(d, n)) {
            n = d->tree.nodes[n].parent;
            if (n)
                fputs("]}", to);
        }
        n = n ? next_shown(d, n) : 0;
        if (n)
            fputs(", ", to);
    }
    fputc(']', to);
}

static void write_json(struct drawing *d)
{
    struct barrow_json *json = &d->view->json;

    barrow_put_text(json, "metric", barrow_metric_names[d->options->metric]);
    barrow_put_number(json, "bytes", d->tree.nodes[0].total.bytes);
    barrow_put_number(json, "blocks", d->tree.nodes[0].total.blocks);
    barrow_json_key(json, "children");
    json_children(d);
    json->after_key = false;
}

/* ---- text ---- */

enum { NUMBERS_WIDTH = 30, CHAIN_HEAD = 3, CHAIN_TAIL = 3 };

/* A growing prefix of branches: what stands before every line below the current node. */
struct prefix {
    char *text;
    size_t length, room;
};

static void prefix_set(struct prefix *p, size_t length, const char *more)
{
    size_t wanted = length + strlen(more) + 1;

    if (wanted > p->room) {
        p->room = wanted * 2;
        p->text = barrow_reallocate(p->text, p->room);
    }
    strcpy(p->text + length, more);
    p->length = wanted - 1;
}

static void print_numbers(const struct drawing *d, uint32_t n, bool blank)
{
    const struct barrow_terminal *t = &d->view->terminal;
    const struct barrow_calltree_node *node = &d->tree.nodes[n];
    uint64_t whole = d->tree.nodes[0].total.bytes;
    char total[BARROW_UNITS_ROOM], own[BARROW_UNITS_ROOM];

    if (blank) {
        fprintf(t->out, "%*s", NUMBERS_WIDTH, "");
        return;
    }
    char *share = barrow_share(node->total.bytes, whole);
    fprintf(t->out, "%9s %s%7s%s ", barrow_units_bytes(total, node->total.bytes),
            barrow_style(t, barrow_share_style(node->total.bytes, whole)), share,
            barrow_style(t, STYLE_PLAIN));
    fprintf(t->out, "%9s   ", node->own.bytes ? barrow_units_bytes(own, node->own.bytes) : "");
    free(share);
}

/* Function and place, fitted to the columns that are left. */
static void print_label(const struct drawing *d, uint32_t n, size_t used)
{
    const struct barrow_terminal *t = &d->view->terminal;
    const struct barrow_calltree_node *node = &d->tree.nodes[n];
    struct barrow_frame frame = barrow_calltree_frame(&d->tree, d->view->profile, n);
    size_t room = (size_t)t->width > used + 24 ? (size_t)t->width - used : 24;
    char *place = barrow_place(frame.file, frame.line);
    char *more =
        node->recursion > 1 ? barrow_format(" (%u deep)", node->recursion) : barrow_copy("");
    const char *name = *frame.function ? frame.function : barrow_no_frame;
    char *raw = node->is_thread ? barrow_format("[thread %s]", name) : barrow_copy(name);
    char *function = barrow_printable(t, raw);
    char *where = barrow_printable(t, place);

    room -= barrow_width(more) < room / 2 ? barrow_width(more) : 0;
    size_t for_place = room > barrow_width(function) + 2 ? room - barrow_width(function) - 2 : 0;
    if (for_place < 16)
        for_place = 16;
    where = barrow_fit(t, where, for_place, CUT_START);
    function = barrow_fit(t, function, room - 2 - barrow_width(where), CUT_MIDDLE);
    fprintf(t->out, "%s%s%s", barrow_style(t, STYLE_NAME), function, barrow_style(t, STYLE_PLAIN));
    if (*where)
        fprintf(t->out, "  %s%s%s", barrow_style(t, STYLE_DIM), where,
                barrow_style(t, STYLE_PLAIN));
    fprintf(t->out, "%s\n", more);
    free(where);
    free(function);
    free(raw);
    free(more);
    free(place);
}

static void print_line(const struct drawing *d, uint32_t n, const struct prefix *prefix,
                       const char *branch, bool blank)
{
    const struct barrow_terminal *t = &d->view->terminal;
    char *before = barrow_format("%s%s", prefix->text ? prefix->text : "", branch);

    /* A very deep tree keeps its innermost branches. */
    before = barrow_fit(t, before, (size_t)t->width / 3, CUT_START);
    print_numbers(d, n, blank);
    fprintf(t->out, "%s%s%s", barrow_style(t, STYLE_DIM), before, barrow_style(t, STYLE_PLAIN));
    print_label(d, n, NUMBERS_WIDTH + barrow_width(before));
    free(before);
}

/* The only branch of n, if n owns nothing worth telling itself; else 0. */
static uint32_t chain_next(const struct drawing *d, uint32_t n)
{
    uint32_t child = first_shown(d, n);
    const struct barrow_calltree_node *node = &d->tree.nodes[n];

    if (!child || next_shown(d, child) || node->own.bytes > d->tree.nodes[0].total.bytes / 100)
        return 0;
    return child;
}

static void print_gap(const struct drawing *d, const struct prefix *prefix, size_t left_out)
{
    const struct barrow_terminal *t = &d->view->terminal;

    fprintf(t->out, "%*s%s%s%s %zu more calls%s\n", NUMBERS_WIDTH, "", barrow_style(t, STYLE_DIM),
            prefix->text ? prefix->text : "", barrow_pick(t, "\u22ee", "..."), left_out,
            barrow_style(t, STYLE_PLAIN));
}

/* Draws n and the calls below it that form a chain; returns the chain's last node. */
static uint32_t print_chain(const struct drawing *d, uint32_t n, struct prefix *prefix,
                            const char *branch, const char *below)
{
    size_t length = 1, at = 0, outer = prefix->length;

    for (uint32_t next = n; (next = chain_next(d, next)) != 0;)
        length++;
    bool cut = length > CHAIN_HEAD + CHAIN_TAIL + 1 && !d->options->full;
    print_line(d, n, prefix, branch, false);
    prefix_set(prefix, outer, below);
    for (uint32_t next; (next = chain_next(d, n)) != 0; n = next) {
        at++;
        bool last = at + 1 == length;
        if (cut && at == CHAIN_HEAD)
            print_gap(d, prefix, length - CHAIN_HEAD - CHAIN_TAIL);
        if (cut && at >= CHAIN_HEAD && at < length - CHAIN_TAIL)
            continue;
        print_line(d, next, prefix, barrow_pick(&d->view->terminal, "\u21b3 ", "> "),
                   !(last && d->tree.nodes[next].own.bytes));
    }
    return n;
}

/* Depth first without recursion: a stack may be ten thousand calls deep. */
static void print_tree(const struct drawing *d)
{
    const struct barrow_terminal *t = &d->view->terminal;
    const char *more = barrow_pick(t, "\u251c\u2500 ", "|- ");
    const char *last = barrow_pick(t, "\u2514\u2500 ", "`- ");
    const char *line = barrow_pick(t, "\u2502  ", "|  ");
    struct prefix prefix = {0};
    struct level {
        uint32_t next; /* child to draw */
        size_t prefix;
    } *levels = barrow_allocate(sizeof *levels * 2);
    size_t depth = 1, room = 2;

    levels[0] = (struct level){first_shown(d, 0), 0};
    while (depth) {
        struct level *level = &levels[depth - 1];
        uint32_t n = level->next;
        if (!n) {
            depth--;
            continue;
        }
        level->next = next_shown(d, n);
        prefix_set(&prefix, level->prefix, "");
        bool at_root = depth == 1;
        n = print_chain(d, n, &prefix,
                        at_root       ? ""
                        : level->next ? more
                                      : last,
                        at_root       ? ""
                        : level->next ? line
                                      : "   ");
        if (depth == room)
            levels = barrow_reallocate(levels, sizeof *levels * (room *= 2));
        levels[depth++] = (struct level){first_shown(d, n), prefix.length};
    }
    free(levels);
    free(prefix.text);
}

static void print_text(struct drawing *d)
{
    const struct barrow_terminal *t = &d->view->terminal;
    double percent = d->options->percent < 0 ? 1 : d->options->percent;

    barrow_view_headline_metric(d->view, (enum barrow_metric)d->options->metric, "call tree",
                                d->options->filter, d->tree.nodes[0].total);
    fprintf(t->out, "%s%9s %7s %9s   %s%s\n", barrow_style(t, STYLE_DIM), "total", "share", "own",
            "call", barrow_style(t, STYLE_PLAIN));
    print_tree(d);
    if (d->tree.count == 1)
        fprintf(t->out, " nothing to show\n");
    else if (percent > 0)
        fprintf(t->out, "%sbranches below %g%% are left out; --min 0 shows all%s\n",
                barrow_style(t, STYLE_DIM), percent, barrow_style(t, STYLE_PLAIN));
}

static uint64_t least_bytes(const struct drawing *d)
{
    double percent = d->options->percent;

    if (percent < 0)
        percent = d->options->view.json ? 0 : 1;
    return (uint64_t)((double)d->tree.nodes[0].total.bytes * percent / 100);
}

static int tree_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct tree_options *o = values;
    struct barrow_query query = {
        .metric = (enum barrow_metric)o->metric, .by = BARROW_BY_STACK, .filter = o->filter};
    struct barrow_view view;
    struct drawing d = {.view = &view, .options = o};
    struct barrow_row *rows = NULL;
    size_t row_count;

    if (barrow_view_open(&view, &o->view, count, operands, err) < 0)
        return -1;
    view.shows_peak = o->metric == BARROW_METRIC_PEAK;
    if (barrow_profile_rows(view.profile, &query, &rows, &row_count, err) < 0 ||
        barrow_calltree_build(&d.tree, view.profile, rows, row_count, o->threads, !o->full, err) <
            0) {
        free(rows);
        barrow_view_drop(&view);
        return -1;
    }
    free(rows);
    d.least = least_bytes(&d);
    if (o->view.json)
        write_json(&d);
    else
        print_text(&d);
    barrow_calltree_free(&d.tree);
    barrow_view_close(&view);
    return 0;
}

static const struct barrow_option options[] = {
    VIEW_OPTION_METRIC(struct tree_options),
    {"min", 0, OPTION_PERCENT, "PERCENT", offsetof(struct tree_options, percent), NULL, NULL,
     "leave out branches below this share of the whole (1 in text, 0 in JSON)"},
    {"threads", 't', OPTION_FLAG, NULL, offsetof(struct tree_options, threads), NULL, NULL,
     "begin each stack with its thread's name"},
    {"full", 0, OPTION_FLAG, NULL, offsetof(struct tree_options, full), NULL, NULL,
     "show every call: neither fold recursion nor shorten long chains"},
    VIEW_OPTION_FILTER(struct tree_options),
    VIEW_OPTION_JSON(struct tree_options),
    VIEW_OPTION_COLOR(struct tree_options),
    OPTIONS_END};

static const struct tree_options defaults = {
    .view = VIEW_DEFAULTS, .metric = BARROW_METRIC_PEAK, .percent = -1};

const struct barrow_command barrow_command_tree = {
    .usage = "[OPTIONS] FILE...",
    .about = "Shows the calls that led to the memory, largest first. `total` counts what a\n"
             "call and all it called allocated, `own` what its own line did. A function\n"
             "that calls itself is shown once, with the depth it reached.",
    .examples = "barrow tree app.1234.barrow\n"
                "barrow tree --metric leaked --min 0.1 app.1234.barrow\n"
                "barrow tree --threads --filter 'any.file=*/parser.py' app.1234.barrow",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = tree_main,
};
