/* What things are called. */
#include "graph/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"

enum { KEY_BYTES = 80 }; /* of a dict's key that are shown */

/* ---- strings ---- */

const char *barrow_graph_string(const struct barrow_graph *graph, uint32_t string, uint32_t *length)
{
    const struct barrow_heap *heap = graph->heap;

    *length = 0;
    if (string >= heap->string_count)
        return "";
    *length = heap->string_start[string + 1] - heap->string_start[string];
    return heap->strings + heap->string_start[string];
}

void barrow_words_string(struct barrow_buffer *out, const struct barrow_graph *graph,
                         uint32_t string)
{
    uint32_t length;
    const char *text = barrow_graph_string(graph, string, &length);

    barrow_buffer_add(out, text, length);
}

static bool string_is(const struct barrow_graph *graph, uint32_t string, const char *text)
{
    uint32_t length;
    const char *found = barrow_graph_string(graph, string, &length);

    return length == strlen(text) && memcmp(found, text, length) == 0;
}

static void add_number(struct barrow_buffer *out, const char *before, uint32_t number,
                       const char *after)
{
    char text[64];

    snprintf(text, sizeof text, "%s%" PRIu32 "%s", before, number, after);
    barrow_buffer_add_text(out, text);
}

uint32_t barrow_words_text_of(const struct barrow_graph *graph, uint32_t object)
{
    const struct heap_text *texts = graph->heap->texts;
    uint32_t low = 0, high = graph->heap->text_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (texts[middle].object < object)
            low = middle + 1;
        else
            high = middle;
    }
    return low < graph->heap->text_count && texts[low].object == object ? texts[low].string : 0;
}

/* ---- classes, objects, roots ---- */

void barrow_words_type(struct barrow_buffer *out, const struct barrow_graph *graph, uint32_t type)
{
    const struct barrow_heap *heap = graph->heap;

    if (type == 0 || type >= heap->type_count) {
        barrow_buffer_add_text(out, "?");
        return;
    }
    if (heap->types[type].module) {
        barrow_words_string(out, graph, heap->types[type].module);
        barrow_buffer_add_byte(out, '.');
    }
    barrow_words_string(out, graph, heap->types[type].name);
}

char *barrow_graph_class_name(const struct barrow_graph *graph, uint32_t type)
{
    struct barrow_buffer out = {0};

    barrow_words_type(&out, graph, type);
    return barrow_buffer_text(&out);
}

static void add_place(struct barrow_buffer *out, const struct barrow_graph *graph, uint32_t file,
                      uint32_t line)
{
    uint32_t length;
    const char *path = barrow_graph_string(graph, file, &length);
    const char *slash = memrchr(path, '/', length);

    if (length == 0)
        return;
    size_t skip = slash ? (size_t)(slash + 1 - path) : 0;
    barrow_buffer_add_text(out, " (");
    barrow_buffer_add(out, path + skip, length - skip);
    if (line)
        add_number(out, ":", line, "");
    barrow_buffer_add_byte(out, ')');
}

static const char *kind_words(uint32_t kind)
{
    static const char *const words[] = {
#define X(number, name, text) [number] = text,
        HEAP_ROOT_KINDS(X)
#undef X
    };
    return kind < sizeof words / sizeof *words && words[kind] ? words[kind] : "root";
}

static void add_root(struct barrow_buffer *out, const struct barrow_graph *graph, uint32_t index)
{
    const struct heap_root *root = &graph->heap->roots[index];

    if (root->kind == HEAP_ROOT_FRAME) {
        barrow_words_string(out, graph, root->name);
        add_place(out, graph, root->file, root->line);
        return;
    }
    barrow_buffer_add_text(out, kind_words(root->kind));
    if (root->name) {
        barrow_buffer_add_byte(out, ' ');
        barrow_words_string(out, graph, root->name);
    }
}

/* The type whose class object this is; 0: it is none. */
static uint32_t type_of_class(const struct barrow_heap *heap, uint32_t object)
{
    if (!(heap->types[heap->type[object]].flags & HEAP_TYPE_TYPE))
        return 0;
    for (uint32_t i = 1; i < heap->type_count; i++)
        if (heap->types[i].object == object)
            return i;
    return 0;
}

/* The root that is this module's; 0: it is none, or not in sys.modules. */
static uint32_t module_of(const struct barrow_heap *heap, uint32_t object)
{
    if (!(heap->types[heap->type[object]].flags & HEAP_TYPE_MODULE))
        return 0;
    for (uint64_t e = 0; e < heap->root_edge_count; e++)
        if (heap->root_edges[e].target == object &&
            heap->roots[heap->root_edges[e].root].kind == HEAP_ROOT_MODULE)
            return heap->root_edges[e].root;
    return 0;
}

void barrow_words_vertex(struct barrow_buffer *out, const struct barrow_graph *graph,
                         uint32_t vertex)
{
    const struct barrow_heap *heap = graph->heap;

    if (barrow_graph_is_root(graph, vertex)) {
        add_root(out, graph, vertex ? vertex - graph->object_count : 0);
        return;
    }
    uint32_t type = type_of_class(heap, vertex);
    if (type)
        barrow_buffer_add_text(out, "class ");
    uint32_t module = module_of(heap, vertex);
    if (module) {
        barrow_buffer_add_text(out, "module ");
        barrow_words_string(out, graph, heap->roots[module].name);
        return;
    }
    barrow_words_type(out, graph, type ? type : heap->type[vertex]);
}

/* ---- references ---- */

bool barrow_step_is_dict(const struct barrow_graph *graph, uint32_t name, uint32_t to)
{
    uint32_t kind = name >> HEAP_NAME_SHIFT, string = name & HEAP_NAME_MASK;
    const struct barrow_heap *heap = graph->heap;

    if ((kind != HEAP_NAME_ATTRIBUTE && kind != HEAP_NAME_INTERNAL) ||
        barrow_graph_is_root(graph, to) || !(heap->types[heap->type[to]].flags & HEAP_TYPE_DICT))
        return false;
    return string_is(graph, string, "__dict__") || string_is(graph, string, "tp_dict");
}

static bool is_identifier(const char *text, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';
        if (!letter && c != '_' && c < 128 && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return length > 0;
}

/* ".name", or what stands in brackets for what has no such name. */
static void add_attribute(struct barrow_buffer *out, const struct barrow_graph *graph,
                          const char *what, uint32_t string)
{
    uint32_t length;
    const char *text = barrow_graph_string(graph, string, &length);
    bool plain = !*what && is_identifier(text, length);

    barrow_buffer_add_text(out, plain ? "." : ".<");
    barrow_buffer_add_text(out, what);
    barrow_buffer_add(out, text, length);
    if (!plain)
        barrow_buffer_add_byte(out, '>');
}

/* Something of the interpreter's own: always in brackets. */
static void add_internal(struct barrow_buffer *out, const struct barrow_graph *graph,
                         uint32_t string)
{
    if (!string)
        return;
    barrow_buffer_add_text(out, ".<");
    barrow_words_string(out, graph, string);
    barrow_buffer_add_byte(out, '>');
}

static void add_quoted(struct barrow_buffer *out, const char *text, uint32_t length)
{
    uint32_t shown = length;

    if (length > KEY_BYTES)
        for (shown = KEY_BYTES; shown && ((unsigned char)text[shown] & 0xc0) == 0x80;)
            shown--; /* not within a character */
    barrow_buffer_add_byte(out, '"');
    for (uint32_t i = 0; i < shown; i++) {
        if (text[i] == '"' || text[i] == '\\')
            barrow_buffer_add_byte(out, '\\');
        barrow_buffer_add_byte(out, text[i]);
    }
    barrow_buffer_add_text(out, shown < length ? "...\"" : "\"");
}

/* The value of a dict, by its key: .name, ["key"], [42], [int]. */
static void add_value(struct barrow_buffer *out, const struct barrow_graph *graph,
                      const struct barrow_step *step, bool after_dict)
{
    const struct barrow_heap *heap = graph->heap;
    bool named = step->name >> HEAP_NAME_SHIFT == HEAP_NAME_ATTRIBUTE;
    bool has_key =
        !named && step->edge && heap->name[step->edge - 1] >> HEAP_NAME_SHIFT == HEAP_NAME_KEY;
    uint32_t key = has_key ? heap->type[heap->target[step->edge - 1]] : 0; /* its class */
    uint32_t string = barrow_step_key(graph, step), length;
    const char *text = barrow_graph_string(graph, string, &length);

    if (string && after_dict && is_identifier(text, length)) {
        add_attribute(out, graph, "", string);
        return;
    }
    barrow_buffer_add_byte(out, '[');
    if (string && (named || heap->types[key].flags & HEAP_TYPE_TEXT))
        add_quoted(out, text, length);
    else if (string)
        barrow_buffer_add(out, text, length);
    else if (has_key)
        barrow_words_type(out, graph, key);
    else
        barrow_buffer_add_text(out, named ? "str" : "*");
    barrow_buffer_add_byte(out, ']');
}

bool barrow_step_is_item(const struct barrow_graph *graph, uint32_t from, uint32_t name)
{
    uint32_t kind = name >> HEAP_NAME_SHIFT;

    if (kind == HEAP_NAME_VALUE)
        return true;
    return kind == HEAP_NAME_ATTRIBUTE && !barrow_graph_is_root(graph, from) &&
           graph->heap->types[graph->heap->type[from]].flags & HEAP_TYPE_DICT &&
           !string_is(graph, name & HEAP_NAME_MASK, "__dict__");
}

uint32_t barrow_step_key(const struct barrow_graph *graph, const struct barrow_step *step)
{
    const struct barrow_heap *heap = graph->heap;

    if (step->name >> HEAP_NAME_SHIFT == HEAP_NAME_ATTRIBUTE)
        return step->name & HEAP_NAME_MASK;
    if (step->edge == 0 || heap->name[step->edge - 1] >> HEAP_NAME_SHIFT != HEAP_NAME_KEY)
        return 0;
    return barrow_words_text_of(graph, heap->target[step->edge - 1]);
}

/* Is it a variable of a suspended or kept frame, or one that a function closes over? */
static const char *variable_words(const struct barrow_graph *graph, uint32_t from)
{
    const struct barrow_heap *heap = graph->heap;
    bool frame =
        !barrow_graph_is_root(graph, from) && heap->types[heap->type[from]].flags & HEAP_TYPE_FRAME;

    return frame || barrow_graph_is_root(graph, from) ? "local " : "closure ";
}

void barrow_words_step(struct barrow_buffer *out, const struct barrow_graph *graph,
                       const struct barrow_step *step, bool after_dict, enum barrow_words_how how)
{
    uint32_t value = step->name & HEAP_NAME_MASK;
    bool merged = how == BARROW_WORDS_MERGED;

    if (barrow_step_is_item(graph, step->from, step->name)) {
        if (merged && !after_dict)
            barrow_buffer_add_text(out, "[*]");
        else
            add_value(out, graph, step, after_dict);
        return;
    }
    switch ((enum heap_name)(step->name >> HEAP_NAME_SHIFT)) {
    case HEAP_NAME_REF:
        if (merged)
            barrow_buffer_add_text(out, ".<reference>");
        else
            add_number(out, ".<reference ", value, ">");
        return;
    case HEAP_NAME_ATTRIBUTE:
        add_attribute(out, graph, "", value);
        return;
    case HEAP_NAME_INDEX:
        if (merged)
            barrow_buffer_add_text(out, "[*]");
        else
            add_number(out, "[", value, "]");
        return;
    case HEAP_NAME_KEY:
        barrow_buffer_add_text(out, ".<key>");
        return;
    case HEAP_NAME_ELEMENT:
        barrow_buffer_add_text(out, "{*}");
        return;
    case HEAP_NAME_VARIABLE:
        add_attribute(out, graph, variable_words(graph, step->from), value);
        return;
    case HEAP_NAME_CLASS:
        barrow_buffer_add_text(out, ".__class__");
        return;
    case HEAP_NAME_STACK:
        barrow_buffer_add_text(out, ".<temporary value>");
        return;
    case HEAP_NAME_INTERNAL:
        add_internal(out, graph, value);
        return;
    case HEAP_NAME_VALUE: /* above */
    case HEAP_NAME_WEAK:
    case HEAP_NAME_COUNTED:
        break;
    }
    barrow_buffer_add_text(out, ".<?>");
}

/* ---- whole paths ---- */

static const struct heap_root *root_of(const struct barrow_graph *graph, uint32_t vertex)
{
    return &graph->heap->roots[vertex ? vertex - graph->object_count : 0];
}

static bool is_module(const struct barrow_graph *graph, uint32_t vertex)
{
    const struct barrow_heap *heap = graph->heap;

    return !barrow_graph_is_root(graph, vertex) &&
           heap->types[heap->type[vertex]].flags & HEAP_TYPE_MODULE;
}

void barrow_words_start(struct barrow_buffer *out, const struct barrow_graph *graph,
                        const struct barrow_step *step)
{
    const struct heap_root *root = root_of(graph, step->from);
    uint32_t kind = step->name >> HEAP_NAME_SHIFT, value = step->name & HEAP_NAME_MASK;

    switch ((enum heap_root_kind)root->kind) {
    case HEAP_ROOT_MODULE:
        barrow_words_string(out, graph, root->name);
        if (!is_module(graph, step->to) && !barrow_step_is_dict(graph, step->name, step->to))
            barrow_words_step(out, graph, step, false, BARROW_WORDS_EXACT);
        return;
    case HEAP_ROOT_BUILTINS:
        barrow_buffer_add_text(out, "builtins");
        return;
    case HEAP_ROOT_GARBAGE:
        barrow_buffer_add_text(out, "gc.garbage");
        return;
    default:
        break;
    }
    if (kind == HEAP_NAME_VARIABLE) {
        barrow_words_string(out, graph, value);
    } else if (kind == HEAP_NAME_INTERNAL && value) {
        barrow_buffer_add_byte(out, '<');
        barrow_words_string(out, graph, value);
        barrow_buffer_add_byte(out, '>');
    } else {
        barrow_words_vertex(out, graph, step->to);
    }
}

static void add_thread(struct barrow_buffer *out, const struct barrow_graph *graph, uint32_t index)
{
    const struct heap_root *roots = graph->heap->roots;

    while (index && roots[index].kind != HEAP_ROOT_THREAD)
        index = roots[index].parent;
    if (!index || !roots[index].name)
        return;
    barrow_buffer_add_text(out, " in thread ");
    barrow_words_string(out, graph, roots[index].name);
}

void barrow_words_origin(struct barrow_buffer *out, const struct barrow_graph *graph,
                         const struct barrow_step *step)
{
    uint32_t index = step->from ? step->from - graph->object_count : 0;
    const struct heap_root *root = &graph->heap->roots[index];
    uint32_t kind = step->name >> HEAP_NAME_SHIFT, value = step->name & HEAP_NAME_MASK;

    switch ((enum heap_root_kind)root->kind) {
    case HEAP_ROOT_MODULE:
    case HEAP_ROOT_BUILTINS:
    case HEAP_ROOT_GARBAGE:
        return;
    case HEAP_ROOT_FRAME:
        barrow_buffer_add_text(out,
                               kind == HEAP_NAME_STACK ? ", temporary value of " : ", local of ");
        add_root(out, graph, index);
        add_thread(out, graph, root->parent);
        return;
    case HEAP_ROOT_THREAD:
        add_thread(out, graph, index);
        return;
    case HEAP_ROOT_C_CODE:
        barrow_buffer_add_text(out, ", held by C code");
        if (kind == HEAP_NAME_COUNTED && value > 1)
            add_number(out, " (", value, " references)");
        return;
    default:
        barrow_buffer_add_text(out, ", ");
        add_root(out, graph, index);
    }
}

void barrow_words_path(struct barrow_buffer *out, const struct barrow_graph *graph,
                       const struct barrow_step *steps, size_t count)
{
    bool after_dict = false;

    for (size_t i = 0; i < count; i++) {
        bool is_dict = barrow_step_is_dict(graph, steps[i].name, steps[i].to);
        if (i == 0)
            barrow_words_start(out, graph, &steps[i]);
        else if (!is_dict || i + 1 == count)
            barrow_words_step(out, graph, &steps[i], after_dict, BARROW_WORDS_EXACT);
        after_dict = is_dict;
    }
    if (count)
        barrow_words_origin(out, graph, &steps[0]);
}
