/* barrow dominators: who keeps how much alive, as a tree.
 *
 *     retained  share       own  held by
 *      41 MiB  100.0%            everything
 *      30 MiB   73.1%      72 B  ├─ module app
 *      29 MiB   70.2%    64 KiB  │  └─ .CACHE  dict
 *      28 MiB   68.0%            │     └─ 12,300 x app.Page
 *
 * An object stands below the one without which it would go.  The dict of an object's attributes is
 * one with its owner; small objects below one holder are one row a class.
 */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/branches.h"
#include "cli/command.h"
#include "cli/heap_view.h"
#include "cli/memory.h"
#include "table/keys.h"

enum { DEPTH = 8, DEEPEST = 28 /* JSON nests twice as deep, and has 64 levels */ };

struct dominators_options {
    struct barrow_heap_options heap;
    size_t depth;
    double percent; /* negative: not given */
};

/* A row: one object, or all small ones of a class below one holder. */
struct item {
    uint32_t vertex; /* of a class: 0 */
    uint32_t type;
    uint64_t objects, own, retained;
};

struct items {
    struct item *list;
    size_t count, room;
};

struct drawing {
    struct barrow_heap_view *h;
    const struct dominators_options *options;
    uint64_t least;
    struct barrow_branches branches;
    uint32_t *row_of_type; /* scratch: place in the list + 1 */
};

/* ---- what stands below a vertex ---- */

static bool is_dict_of(const struct drawing *d, uint32_t owner, uint32_t vertex)
{
    struct barrow_step step;

    return barrow_paths_step(d->h->paths, vertex, &step) && step.from == owner &&
           barrow_step_is_dict(d->h->graph, step.name, vertex);
}

static struct item *add_item(struct items *items)
{
    if (items->count == items->room) {
        items->room = items->room ? items->room * 2 : 16;
        items->list = barrow_reallocate(items->list, items->room * sizeof *items->list);
    }
    struct item *item = &items->list[items->count++];
    *item = (struct item){.objects = 1};
    return item;
}

static void add_small(struct drawing *d, struct items *items, uint32_t vertex)
{
    const struct barrow_graph *g = d->h->graph;
    bool root = barrow_graph_is_root(g, vertex);
    uint32_t type = root ? 0 : g->heap->type[vertex];

    if (!d->row_of_type[type]) {
        struct item *item = add_item(items);
        item->type = type;
        item->objects = 0;
        d->row_of_type[type] = (uint32_t)items->count;
    }
    struct item *item = &items->list[d->row_of_type[type] - 1];
    item->objects++;
    item->own += root ? 0 : barrow_heap_bytes(g->heap, vertex);
    item->retained += g->retained[vertex];
}

static void gather(struct drawing *d, struct items *items, uint32_t vertex)
{
    const struct barrow_graph *g = d->h->graph;

    for (uint32_t i = g->child_start[vertex]; i < g->child_start[vertex + 1]; i++) {
        uint32_t c = g->child[i];
        if (is_dict_of(d, vertex, c)) {
            gather(d, items, c);
        } else if (g->retained[c] >= d->least && g->retained[c]) {
            struct item *item = add_item(items);
            bool root = barrow_graph_is_root(g, c);
            item->vertex = c;
            item->type = root ? 0 : g->heap->type[c];
            item->own = root ? 0 : barrow_heap_bytes(g->heap, c);
            item->retained = g->retained[c];
        } else {
            add_small(d, items, c);
        }
    }
}

static int by_falling_bytes(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    if (x->retained != y->retained)
        return x->retained > y->retained ? -1 : 1;
    if (x->vertex != y->vertex)
        return x->vertex < y->vertex ? -1 : 1;
    return x->type < y->type ? -1 : x->type > y->type;
}

/* The rows below a vertex, largest first; classes that are too small are left out. */
static struct items below(struct drawing *d, uint32_t vertex)
{
    struct items items = {0};
    size_t kept = 0;

    gather(d, &items, vertex);
    for (size_t i = 0; i < items.count; i++) {
        struct item item = items.list[i];
        if (!item.vertex)
            d->row_of_type[item.type] = 0;
        if (item.vertex || (item.retained >= d->least && item.retained))
            items.list[kept++] = item;
    }
    items.count = kept;
    if (kept)
        qsort(items.list, kept, sizeof *items.list, by_falling_bytes);
    return items;
}

/* What the holder calls it, if it refers to it itself: ".CACHE"; to be freed. */
static char *step_words(const struct drawing *d, uint32_t vertex)
{
    const struct barrow_graph *g = d->h->graph;
    struct barrow_buffer out = {0};
    struct barrow_step step, before;

    if (!vertex || !barrow_paths_step(d->h->paths, vertex, &step))
        return barrow_copy("");
    bool after = barrow_paths_step(d->h->paths, step.from, &before) &&
                 barrow_step_is_dict(g, before.name, before.to);
    if (step.from != g->idom[vertex] ||
        (barrow_graph_is_root(g, step.from) && step.name >> HEAP_NAME_SHIFT != HEAP_NAME_VARIABLE))
        return barrow_copy("");
    barrow_words_step(&out, g, &step, after, BARROW_WORDS_EXACT);
    return barrow_take(&out);
}

static char *item_words(const struct drawing *d, const struct item *item)
{
    struct barrow_buffer out = {0};
    char number[BARROW_UNITS_ROOM];

    if (!item->vertex && !item->type && item->objects)
        return barrow_format("%s smaller", barrow_units_count(number, item->objects));
    if (item->vertex || !item->type) {
        barrow_words_vertex(&out, d->h->graph, item->vertex);
        return barrow_take(&out);
    }
    barrow_words_type(&out, d->h->graph, item->type);
    char *name = barrow_take(&out);
    char *text = barrow_format("%s %s %s", barrow_units_count(number, item->objects),
                               barrow_pick(&d->h->view.terminal, "\u00d7", "x"), name);
    free(name);
    return text;
}

/* ---- JSON ---- */

static void json_items(struct drawing *d, uint32_t vertex, size_t depth)
{
    struct barrow_json *json = &d->h->view.json;
    struct items items = below(d, vertex);

    barrow_json_key(json, "children");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < barrow_view_limit(&d->h->view, items.count); i++) {
        const struct item *item = &items.list[i];
        bool object = item->vertex && !barrow_graph_is_root(d->h->graph, item->vertex);
        char *name =
            item->vertex ? item_words(d, item) : barrow_graph_class_name(d->h->graph, item->type);
        char *step = step_words(d, item->vertex);
        barrow_json_begin_object(json);
        barrow_put_text(json, object || item->type ? "class" : "root", name);
        if (*step)
            barrow_put_text(json, "step", step);
        if (object)
            barrow_put_number(json, "address", d->h->heap->address[item->vertex]);
        barrow_put_number(json, "objects", item->objects);
        barrow_put_number(json, "bytes", item->own);
        barrow_put_number(json, "retained_bytes", item->retained);
        if (item->vertex && depth > 1)
            json_items(d, item->vertex, depth - 1);
        barrow_json_end_object(json);
        free(step);
        free(name);
    }
    barrow_json_end_array(json);
    free(items.list);
}

static void write_json(struct drawing *d)
{
    barrow_heap_json(d->h);
    barrow_put_number(&d->h->view.json, "retained_bytes", d->h->graph->retained[0]);
    json_items(d, 0, d->options->depth);
}

/* ---- text ---- */

/* What is held in several ways has no name of its own: how the shortest goes. */
static void print_path(const struct drawing *d, uint32_t vertex, size_t room)
{
    const struct barrow_terminal *t = &d->h->view.terminal;
    bool object = vertex && !barrow_graph_is_root(d->h->graph, vertex);

    if (!object || d->h->heap->types[d->h->heap->type[vertex]].flags & HEAP_TYPE_MODULE ||
        room < 12)
        return;
    char *raw = barrow_path_words(d->h, d->h->paths, vertex);
    char *path = barrow_fit(t, barrow_printable(t, raw), room - 2, CUT_MIDDLE);
    fprintf(t->out, "  %s%s%s", barrow_style(t, STYLE_DIM), path, barrow_style(t, STYLE_PLAIN));
    free(path);
    free(raw);
}

static void print_item(struct drawing *d, const struct item *item, bool more)
{
    const struct barrow_terminal *t = &d->h->view.terminal;
    char retained[BARROW_UNITS_ROOM], own[BARROW_UNITS_ROOM];
    char *share = barrow_share(item->retained, d->h->graph->total_bytes);

    size_t used = 31;
    fprintf(t->out, "%9s %s%7s%s %9s   ", barrow_units_bytes(retained, item->retained),
            barrow_style(t, barrow_share_style(item->retained, d->h->graph->total_bytes)), share,
            barrow_style(t, STYLE_PLAIN), item->own ? barrow_units_bytes(own, item->own) : "");
    used += barrow_branches_print(&d->branches, more);
    char *raw_step = step_words(d, item->vertex), *raw_name = item_words(d, item);
    char *step = barrow_printable(t, raw_step), *name = barrow_printable(t, raw_name);
    size_t room = (size_t)t->width > used + 24 ? (size_t)t->width - used : 24;
    step = barrow_fit(t, step, room / 2, CUT_MIDDLE);
    name = barrow_fit(t, name, room - barrow_width(step) - 2, CUT_MIDDLE);
    fprintf(t->out, "%s%s%s%s%s%s%s", barrow_style(t, STYLE_NAME), step,
            barrow_style(t, STYLE_PLAIN), *step ? "  " : "",
            *step ? barrow_style(t, STYLE_DIM) : "", name, barrow_style(t, STYLE_PLAIN));
    if (!*step)
        print_path(d, item->vertex, room - barrow_width(name));
    fputc('\n', t->out);
    free(name);
    free(step);
    free(raw_name);
    free(raw_step);
    free(share);
}

static void print_gap(struct drawing *d, const struct items *items, size_t shown)
{
    const struct barrow_terminal *t = &d->h->view.terminal;
    char number[BARROW_UNITS_ROOM], bytes[BARROW_UNITS_ROOM];
    uint64_t retained = 0;

    for (size_t i = shown; i < items->count; i++)
        retained += items->list[i].retained;
    fprintf(t->out, "%9s %*s", barrow_units_bytes(bytes, retained), 21, "");
    barrow_branches_print(&d->branches, false);
    fprintf(t->out, "%s%s %s more%s\n", barrow_style(t, STYLE_DIM), barrow_pick(t, "\u2026", "..."),
            barrow_units_count(number, items->count - shown), barrow_style(t, STYLE_PLAIN));
}

static void print_items(struct drawing *d, uint32_t vertex, size_t depth)
{
    struct items items = below(d, vertex);
    size_t limit = d->options->heap.view.limit;
    size_t shown = limit == LIMIT_NOT_GIVEN ? 10 : limit;

    if (!shown || shown > items.count)
        shown = items.count;
    barrow_branches_down(&d->branches);
    for (size_t i = 0; i < shown; i++) {
        print_item(d, &items.list[i], i + 1 < items.count);
        if (items.list[i].vertex && depth > 1)
            print_items(d, items.list[i].vertex, depth - 1);
    }
    if (shown < items.count)
        print_gap(d, &items, shown);
    barrow_branches_up(&d->branches);
    free(items.list);
}

static void print_text(struct drawing *d)
{
    const struct barrow_terminal *t = &d->h->view.terminal;
    const struct barrow_graph *g = d->h->graph;
    char bytes[BARROW_UNITS_ROOM], number[BARROW_UNITS_ROOM];
    struct item all = {.retained = g->retained[0]};

    barrow_heap_headline(d->h, "dominator tree: %s", barrow_units_bytes(bytes, g->total_bytes));
    fprintf(t->out, "%s%9s %7s %9s   %s%s\n", barrow_style(t, STYLE_DIM), "retained", "share",
            "own", "kept alive by", barrow_style(t, STYLE_PLAIN));
    print_item(d, &all, false);
    print_items(d, 0, d->options->depth);
    if (g->unreachable)
        fprintf(t->out, "%9s %21swait for the collector: %s objects that nothing holds\n",
                barrow_units_bytes(bytes, g->total_bytes - g->reachable_bytes), "",
                barrow_units_count(number, g->unreachable));
}

/* ---- the command ---- */

static int draw(struct drawing *d, struct barrow_error *err)
{
    const struct dominators_options *o = d->options;

    if (barrow_graph_children(d->h->graph, err) < 0 || barrow_heap_view_paths(d->h, err) < 0)
        return -1;
    double percent = o->percent < 0 ? (o->heap.view.json ? 0.1 : 1) : o->percent;
    d->least = (uint64_t)((double)d->h->graph->total_bytes * percent / 100);
    d->row_of_type = barrow_allocate((d->h->heap->type_count + 1u) * sizeof *d->row_of_type);
    d->branches = (struct barrow_branches){.terminal = &d->h->view.terminal};
    if (o->heap.view.json)
        write_json(d);
    else
        print_text(d);
    free(d->row_of_type);
    return 0;
}

static int dominators_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct dominators_options *o = values;
    struct barrow_heap_view h;
    struct drawing d = {.h = &h, .options = o};

    if (o->depth == 0 || o->depth > DEEPEST)
        return barrow_fail(err, BARROW_E_USAGE, "--depth is a number from 1 to %d", DEEPEST);
    if (barrow_heap_view_open(&h, &o->heap, count, operands, err) < 0)
        return -1;
    if (draw(&d, err) < 0) {
        barrow_heap_view_drop(&h);
        return -1;
    }
    barrow_heap_view_close(&h);
    return 0;
}

static const struct barrow_option options[] = {
    {"depth", 'd', OPTION_COUNT, "N", offsetof(struct dominators_options, depth), NULL, NULL,
     "how many levels to show (8 by default, at most 28)"},
    {"min", 0, OPTION_PERCENT, "PERCENT", offsetof(struct dominators_options, percent), NULL, NULL,
     "leave out what retains less than this share of the heap (1 in text, 0.1 in JSON)"},
    {"limit", 'n', OPTION_COUNT, "N", offsetof(struct dominators_options, heap.view.limit), NULL,
     NULL, "show the N largest of each level; 0: all (text shows 10 otherwise, JSON all)"},
    HEAP_OPTION_SNAPSHOT(struct dominators_options),
    HEAP_OPTION_JSON(struct dominators_options),
    HEAP_OPTION_COLOR(struct dominators_options),
    OPTIONS_END};

static const struct dominators_options defaults = {
    .heap = {.view = VIEW_DEFAULTS}, .depth = DEPTH, .percent = -1};

const struct barrow_command barrow_command_dominators = {
    .usage = "[OPTIONS] FILE",
    .about = "Shows who keeps how much alive in a heap snapshot, as a tree: an object stands\n"
             "below the one without which it would be freed. Retained is what would be freed\n"
             "if the object went, own what it takes itself. What two others hold stands below\n"
             "what holds both. Small objects of one class are one row.",
    .examples = "barrow dominators app.1234.barrow\n"
                "barrow dominators --depth 3 --min 0.1 app.1234.barrow\n"
                "barrow dominators --json app.1234.barrow",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = dominators_main,
};
