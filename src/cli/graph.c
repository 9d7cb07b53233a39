/* barrow graph: a picture of what keeps objects alive and of what they keep alive.
 *
 * From the top: the merged paths from the roots, the objects asked for, and below them what goes
 * with them, a box a class.  Cut to what matters: branches that few of the objects hang on are one
 * box, "12 more".
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/heap_target.h"
#include "cli/memory.h"
#include "cli/output.h"
#include "export/diagram.h"
#include "table/keys.h"

enum { PATH_BOXES = 40, HELD_BOXES = 8, OTHER_BOXES = 6, BRANCHES = 6 };

struct graph_options {
    struct barrow_heap_options heap;
    bool dot, svg;
    const char *output;
};

struct picture {
    struct barrow_heap_view *h;
    struct barrow_heap_target target;
    struct barrow_merged merged;
    BARROW_ARRAY(struct barrow_diagram_node) nodes;
    BARROW_ARRAY(struct barrow_diagram_edge) edges;
    struct barrow_texts_list {
        char **items;
        size_t count;
    } texts;
};

/* Texts live as long as the picture. */
static const char *keep(struct picture *p, char *text)
{
    p->texts.items =
        barrow_reallocate(p->texts.items, (p->texts.count + 1) * sizeof *p->texts.items);
    p->texts.items[p->texts.count++] = text;
    return text;
}

static uint32_t add_box(struct picture *p, enum barrow_diagram_kind kind, uint32_t parent,
                        const char *title, const char *detail, const char *label)
{
    struct barrow_diagram_node *node = barrow_array_add(&p->nodes);

    if (!node)
        barrow_allocate(SIZE_MAX); /* ends the command */
    *node = (struct barrow_diagram_node){.title = title,
                                         .detail = detail,
                                         .kind = kind,
                                         .parent = parent,
                                         .label = label,
                                         .beside = DIAGRAM_NONE};
    return (uint32_t)p->nodes.count - 1;
}

static const char *counted(struct picture *p, uint64_t count, char *name)
{
    char number[BARROW_UNITS_ROOM];
    char *text = count == 1
                     ? barrow_copy(name)
                     : barrow_format("%s \u00d7 %s", barrow_units_count(number, count), name);

    free(name);
    return keep(p, text);
}

/* ---- paths ---- */

static bool is_group_of_roots(const struct picture *p, uint32_t node)
{
    const struct barrow_merged_node *n = &p->merged.nodes[node];

    if (n->type || n->ends || n->children != 1)
        return false;
    const struct barrow_merged_node *child = &p->merged.nodes[p->merged.order[n->first_child]];
    return !child->type || p->h->heap->types[child->type].flags & HEAP_TYPE_MODULE;
}

static uint32_t add_path_box(struct picture *p, uint32_t node, uint32_t parent)
{
    const struct barrow_merged_node *n = &p->merged.nodes[node];
    struct barrow_buffer step = {0};
    char bytes[BARROW_UNITS_ROOM];
    bool module = n->type && p->h->heap->types[n->type].flags & HEAP_TYPE_MODULE;
    enum barrow_diagram_kind kind = n->ends              ? DIAGRAM_TARGET
                                    : !n->type || module ? DIAGRAM_ROOT
                                                         : DIAGRAM_HOLDER;
    uint64_t retained = n->vertices == 1 ? p->h->graph->retained[n->example] : n->retained;
    const char *title = counted(p, n->vertices, barrow_object_words(p->h->graph, n->example));
    const char *detail =
        retained ? keep(p, barrow_format("retains %s", barrow_units_bytes(bytes, retained))) : "";
    if (parent != DIAGRAM_NONE && n->type && !module)
        barrow_merged_step_words(&step, &p->merged, p->h->paths, node);
    return add_box(p, kind, parent, title, detail, keep(p, barrow_take(&step)));
}

static void add_rest(struct picture *p, uint32_t parent, uint32_t first, uint32_t count)
{
    uint64_t objects = 0;
    char number[BARROW_UNITS_ROOM];

    for (uint32_t i = first; i < first + count; i++)
        objects += p->merged.nodes[p->merged.order[i]].objects;
    const char *title = keep(p, barrow_format("%u more", count));
    const char *detail =
        keep(p, barrow_format("hold %s objects", barrow_units_count(number, objects)));
    add_box(p, DIAGRAM_MORE, parent, title, detail, "");
}

/* Depth first; the largest branches of each box. */
static void add_paths(struct picture *p, uint32_t node, uint32_t parent)
{
    const struct barrow_merged_node *n = &p->merged.nodes[node];
    uint32_t box = parent;

    if (node && !is_group_of_roots(p, node))
        box = add_path_box(p, node, parent);
    uint64_t least = p->merged.nodes[0].objects / 50;
    uint32_t shown = 0;
    for (; shown < n->children && shown < BRANCHES && p->nodes.count < PATH_BOXES; shown++) {
        uint32_t child = p->merged.order[n->first_child + shown];
        if (p->merged.nodes[child].objects < least)
            break;
        add_paths(p, child, box);
    }
    if (shown < n->children && box != DIAGRAM_NONE)
        add_rest(p, box, n->first_child + shown, n->children - shown);
}

/* ---- other holders of a single object ---- */

static int add_others(struct picture *p, uint32_t target_box, struct barrow_error *err)
{
    struct barrow_step *steps = NULL;
    struct barrow_paths *without;
    size_t count = 0;
    uint32_t object = p->target.objects[0], shown = 0;

    if (p->target.count != 1 ||
        barrow_heap_view_referrers(p->h, object, &without, &steps, &count, err) < 0)
        return p->target.count == 1 ? -1 : 0;
    for (size_t i = 0; i < count && shown < OTHER_BOXES; i++) {
        struct barrow_buffer words = {0};
        barrow_words_step(&words, p->h->graph, &steps[i], false, BARROW_WORDS_EXACT);
        const char *title = counted(p, 1, barrow_object_words(p->h->graph, steps[i].from));
        bool root = barrow_graph_is_root(p->h->graph, steps[i].from);
        const char *detail = root ? "" : keep(p, barrow_path_words(p->h, without, steps[i].from));
        uint32_t box =
            add_box(p, root ? DIAGRAM_ROOT : DIAGRAM_HOLDER, DIAGRAM_NONE, title, detail, "");
        p->nodes.items[box].beside = target_box;
        struct barrow_diagram_edge *edge = barrow_array_add(&p->edges);
        if (edge)
            *edge = (struct barrow_diagram_edge){
                .from = box, .to = target_box, .label = keep(p, barrow_take(&words))};
        shown++;
    }
    free(steps);
    barrow_paths_free(without);
    return 0;
}

/* ---- what they hold ---- */

struct held {
    uint64_t objects, retained;
    uint32_t type;
    uint32_t example; /* one of them */
    bool is_mixed;    /* they are not all called the same */
};

static int by_falling_bytes(const void *a, const void *b)
{
    const struct held *x = a, *y = b;

    if (x->retained != y->retained)
        return x->retained > y->retained ? -1 : 1;
    return x->type < y->type ? -1 : x->type > y->type;
}

/* What the owner calls it: ".log"; "" if it does not refer to it itself. To be freed. */
static char *held_words(const struct picture *p, uint32_t vertex)
{
    struct barrow_buffer out = {0};
    struct barrow_step step, before;

    if (barrow_paths_step(p->h->paths, vertex, &step) && step.from == p->h->graph->idom[vertex]) {
        bool after = barrow_paths_step(p->h->paths, step.from, &before) &&
                     barrow_step_is_dict(p->h->graph, before.name, before.to);
        barrow_words_step(&out, p->h->graph, &step, after, BARROW_WORDS_MERGED);
    }
    return barrow_take(&out);
}

static void add_one(const struct picture *p, struct held *held, uint32_t vertex)
{
    held->objects++;
    held->retained += p->h->graph->retained[vertex];
    if (held->example && !held->is_mixed && held->objects < 1000) {
        char *first = held_words(p, held->example), *now = held_words(p, vertex);
        held->is_mixed = strcmp(first, now) != 0;
        free(first);
        free(now);
    }
    held->example = vertex;
}

/* The classes of what the objects dominate, whose own attributes' dict is part of the owner. */
static void sum_held(const struct picture *p, uint32_t vertex, struct held *held)
{
    const struct barrow_graph *g = p->h->graph;
    struct barrow_step step;

    for (uint32_t i = g->child_start[vertex]; i < g->child_start[vertex + 1]; i++) {
        uint32_t c = g->child[i];
        if (barrow_graph_is_root(g, c))
            continue;
        if (barrow_paths_step(p->h->paths, c, &step) && step.from == vertex &&
            barrow_step_is_dict(g, step.name, c)) {
            sum_held(p, c, held);
            continue;
        }
        add_one(p, &held[g->heap->type[c]], c);
    }
}

static int add_held(struct picture *p, uint32_t target_box, struct barrow_error *err)
{
    uint32_t types = p->h->heap->type_count;
    struct held *held = barrow_allocate((types + 1u) * sizeof *held);
    char bytes[BARROW_UNITS_ROOM];

    if (barrow_graph_children(p->h->graph, err) < 0) {
        free(held);
        return -1;
    }
    for (uint32_t i = 0; i < types; i++)
        held[i].type = i;
    for (size_t i = 0; i < p->target.count; i++)
        sum_held(p, p->target.objects[i], held);
    qsort(held, types, sizeof *held, by_falling_bytes);
    for (uint32_t i = 0; i < types && i < HELD_BOXES && held[i].retained; i++) {
        struct barrow_buffer words = {0};
        barrow_words_type(&words, p->h->graph, held[i].type);
        const char *title = counted(p, held[i].objects, barrow_take(&words));
        const char *detail =
            keep(p, barrow_format("%s", barrow_units_bytes(bytes, held[i].retained)));
        const char *label = held[i].is_mixed ? "" : keep(p, held_words(p, held[i].example));
        add_box(p, DIAGRAM_HELD, target_box, title, detail, label);
    }
    free(held);
    return 0;
}

/* ---- the whole ---- */

/* The box of most of the objects. */
static uint32_t main_target(const struct picture *p)
{
    for (uint32_t i = 0; i < p->nodes.count; i++)
        if (p->nodes.items[i].kind == DIAGRAM_TARGET)
            return i;
    return DIAGRAM_NONE;
}

static int build(struct picture *p, const char *word, struct barrow_error *err)
{
    if (barrow_heap_target_find(&p->target, p->h, word, err) < 0 ||
        barrow_heap_view_paths(p->h, err) < 0 ||
        barrow_merged_of(&p->merged, p->h->paths, p->target.objects, p->target.count, err) < 0)
        return -1;
    add_paths(p, 0, DIAGRAM_NONE);
    uint32_t box = main_target(p);
    if (box == DIAGRAM_NONE) {
        const char *title = counted(p, p->target.count, barrow_copy(p->target.words));
        box = add_box(p, DIAGRAM_TARGET, DIAGRAM_NONE, title,
                      p->merged.unreached ? "held by nothing" : "", "");
    }
    return add_held(p, box, err) < 0 || add_others(p, box, err) < 0 ? -1 : 0;
}

static void write_json(struct picture *p)
{
    struct barrow_json *json = &p->h->view.json;

    barrow_heap_json(p->h);
    barrow_put_text(json, "target", p->target.words);
    barrow_json_key(json, "nodes");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < p->nodes.count; i++) {
        const struct barrow_diagram_node *n = &p->nodes.items[i];
        barrow_json_begin_object(json);
        barrow_put_number(json, "id", i);
        barrow_put_text(json, "kind", barrow_diagram_kinds[n->kind]);
        barrow_put_text(json, "title", n->title);
        barrow_put_text(json, "detail", n->detail);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
    barrow_json_key(json, "edges");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < p->nodes.count + p->edges.count; i++) {
        bool extra = i >= p->nodes.count;
        size_t e = extra ? i - p->nodes.count : i;
        uint32_t from = extra ? p->edges.items[e].from : p->nodes.items[e].parent;
        if (from == DIAGRAM_NONE)
            continue;
        barrow_json_begin_object(json);
        barrow_put_number(json, "from", from);
        barrow_put_number(json, "to", extra ? p->edges.items[e].to : i);
        barrow_put_text(json, "label", extra ? p->edges.items[e].label : p->nodes.items[e].label);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
}

static int write_picture(struct picture *p, const struct graph_options *o, struct barrow_error *err)
{
    struct barrow_output output;
    const char *dot = o->output ? strrchr(o->output, '.') : NULL;
    bool svg = o->svg || (!o->dot && dot && strcmp(dot, ".svg") == 0);
    char number[BARROW_UNITS_ROOM];
    char *title = p->target.count == 1 ? barrow_copy(p->target.words)
                                       : barrow_format("%s: %s objects", p->target.words,
                                                       barrow_units_count(number, p->target.count));
    struct barrow_diagram diagram = {.title = title,
                                     .nodes = p->nodes.items,
                                     .count = (uint32_t)p->nodes.count,
                                     .edges = p->edges.items,
                                     .edge_count = (uint32_t)p->edges.count};

    int rc = barrow_output_open(&output, o->output, err);
    if (rc == 0) {
        rc = svg ? barrow_diagram_svg(&diagram, output.to, err)
                 : barrow_diagram_dot(&diagram, output.to, err);
        if (rc == 0)
            rc = barrow_output_commit(&output, err);
        else
            barrow_output_abandon(&output);
    }
    free(title);
    return rc;
}

static int graph_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct graph_options *o = values;
    struct barrow_heap_view h;
    struct picture p = {.h = &h};

    if (count != 2)
        return barrow_fail(err, BARROW_E_USAGE,
                           "graph takes a ledger and what to draw: barrow graph FILE CLASS, "
                           "0xADDRESS or FILE.py:LINE");
    if (o->dot && o->svg)
        return barrow_fail(err, BARROW_E_USAGE, "--dot and --svg are two formats: give one");
    if (barrow_heap_view_open(&h, &o->heap, 1, operands, err) < 0)
        return -1;
    int rc = build(&p, operands[1], err);
    if (rc == 0 && o->heap.view.json)
        write_json(&p);
    else if (rc == 0)
        rc = write_picture(&p, o, err);
    if (rc == 0 && o->heap.view.json)
        barrow_heap_view_close(&h);
    else
        barrow_heap_view_drop(&h);
    for (size_t i = 0; i < p.texts.count; i++)
        free(p.texts.items[i]);
    free(p.texts.items);
    free(p.nodes.items);
    free(p.edges.items);
    barrow_merged_free(&p.merged);
    barrow_heap_target_free(&p.target);
    return rc;
}

static const struct barrow_option options[] = {
    {"svg", 0, OPTION_FLAG, NULL, offsetof(struct graph_options, svg), NULL, NULL,
     "a picture for browsers and documents (default if OUT ends in .svg)"},
    {"dot", 0, OPTION_FLAG, NULL, offsetof(struct graph_options, dot), NULL, NULL,
     "the language of Graphviz (default otherwise)"},
    {"output", 'o', OPTION_TEXT, "OUT", offsetof(struct graph_options, output), NULL, NULL,
     "where to write it; standard output by default"},
    HEAP_OPTION_SNAPSHOT(struct graph_options),
    HEAP_OPTION_JSON(struct graph_options),
    OPTIONS_END};

static const struct graph_options defaults = {.heap = {.view = VIEW_DEFAULTS}};

const struct barrow_command barrow_command_graph = {
    .usage = "[OPTIONS] FILE CLASS\n"
             "[OPTIONS] FILE 0xADDRESS\n"
             "[OPTIONS] FILE SOURCE.py:LINE",
    .about = "Draws what keeps objects of a heap snapshot alive, from the roots down to them, and\n"
             "below what goes with them. What barrow why says in words, as a picture: objects are\n"
             "named in the same ways. Cut to at most some sixty boxes; equal ones are one box.",
    .examples = "barrow graph --svg -o session.svg app.1234.barrow app.Session\n"
                "barrow graph app.1234.barrow app.Session | dot -Tpng > session.png",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = graph_main,
};
