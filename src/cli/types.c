/* barrow types: the objects of a heap snapshot by class, module or place of birth. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/command.h"
#include "cli/heap_view.h"
#include "cli/memory.h"
#include "cli/progress.h"
#include "table/keys.h"

enum { BY_CLASS, BY_MODULE, BY_BIRTH };
static const char *const groupings[] = {"class", "module", "birth", NULL};

struct types_options {
    struct barrow_heap_options heap;
    int by;
    const char *filter;
};

struct group {
    uint64_t objects, bytes, retained;
};

struct row {
    char *name; /* class, module; of a birth its place */
    uint32_t key;
    struct group group;
};

struct rows {
    struct barrow_heap_view *h;
    int by;
    struct row *items;
    size_t count;
    struct group whole; /* of what is shown */
};

/* ---- what a row is ---- */

/* A frame by its number; barrow_stack_frame() wants a node. */
static struct barrow_frame frame_of(const struct rows *r, uint32_t key)
{
    return r->h->view.profile->frames[key];
}

static char *name_of(const struct rows *r, uint32_t key)
{
    const struct barrow_graph *graph = r->h->graph;
    struct barrow_buffer out = {0};

    if (r->by == BY_BIRTH) {
        struct barrow_frame frame = frame_of(r, key);
        return key ? barrow_place(frame.file, frame.line) : barrow_copy("(not known)");
    }
    if (r->by == BY_CLASS)
        barrow_words_type(&out, graph, key);
    else if (graph->heap->types[key].module)
        barrow_words_string(&out, graph, graph->heap->types[key].module);
    else
        barrow_buffer_add_text(&out, "builtins");
    return barrow_take(&out);
}

/* Classes of one module get the number of the first of them. */
static uint32_t *modules_of_types(const struct barrow_heap *heap)
{
    uint32_t *first = barrow_allocate((heap->string_count + 1u) * sizeof *first);
    uint32_t *key = barrow_allocate((heap->type_count + 1u) * sizeof *key);

    for (uint32_t i = 0; i < heap->type_count; i++) {
        uint32_t module = heap->types[i].module;
        if (!first[module])
            first[module] = i;
        key[i] = first[module];
    }
    free(first);
    return key;
}

/* The group of each object; *count: groups are below it. */
static uint32_t *keys_of_objects(const struct rows *r, uint32_t *count)
{
    const struct barrow_heap *heap = r->h->heap;
    uint32_t *keys = barrow_allocate((heap->object_count + 1u) * sizeof *keys);
    uint32_t *modules = r->by == BY_MODULE ? modules_of_types(heap) : NULL;

    *count = r->by == BY_BIRTH ? (uint32_t)r->h->view.profile->frame_count : heap->type_count;
    for (uint32_t i = 1; i <= heap->object_count; i++) {
        if (r->by == BY_BIRTH) {
            uint32_t node = barrow_object_birth(r->h, i)->user;
            keys[i] = node ? r->h->view.profile->nodes[node].frame : 0;
        } else {
            keys[i] = modules ? modules[heap->type[i]] : heap->type[i];
        }
    }
    free(modules);
    return keys;
}

static int by_falling_bytes(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (x->group.bytes != y->group.bytes)
        return x->group.bytes > y->group.bytes ? -1 : 1;
    if (x->group.objects != y->group.objects)
        return x->group.objects > y->group.objects ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool takes(const struct rows *r, const char *filter, const struct row *row)
{
    if (!filter)
        return true;
    if (r->by == BY_BIRTH && fnmatch(filter, frame_of(r, row->key).file, 0) == 0)
        return true;
    return fnmatch(filter, row->name, 0) == 0;
}

static struct group *sum_up(const struct rows *r, const uint32_t *keys, uint32_t count)
{
    struct group *groups = barrow_allocate((count + 1u) * sizeof *groups);

    for (uint32_t i = 1; i <= r->h->heap->object_count; i++) {
        groups[keys[i]].objects++;
        groups[keys[i]].bytes += barrow_heap_bytes(r->h->heap, i);
    }
    return groups;
}

/* Changes the keys to numbers without gaps, from 1 on, and asks for what each group retains. */
static int add_retained(const struct rows *r, uint32_t *keys, struct group *groups, uint32_t count,
                        struct barrow_error *err)
{
    uint32_t *number = barrow_allocate((count + 1u) * sizeof *number), used = 0;

    for (uint32_t i = 0; i < count; i++)
        if (groups[i].objects)
            number[i] = ++used;
    for (uint32_t i = 1; i <= r->h->heap->object_count; i++)
        keys[i] = number[keys[i]];
    uint64_t *retained = barrow_allocate((used + 1u) * sizeof *retained);
    barrow_progress_start("adding up what each row retains");
    int rc = barrow_graph_retained_by(r->h->graph, keys, used, retained, NULL, err);
    barrow_progress_stop();
    for (uint32_t i = 0; rc == 0 && i < count; i++)
        groups[i].retained = number[i] ? retained[number[i]] : 0;
    free(retained);
    free(number);
    return rc;
}

static int collect(struct rows *r, const char *filter, struct barrow_error *err)
{
    uint32_t count, *keys = keys_of_objects(r, &count);
    struct group *groups = sum_up(r, keys, count);
    int rc = add_retained(r, keys, groups, count, err);

    free(keys);
    r->items = barrow_allocate((count + 1u) * sizeof *r->items);
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        struct row row = {.key = i, .group = groups[i]};
        if (!row.group.objects)
            continue;
        row.name = name_of(r, i);
        if (!takes(r, filter, &row)) {
            free(row.name);
            continue;
        }
        r->items[r->count++] = row;
        r->whole.objects += row.group.objects;
        r->whole.bytes += row.group.bytes;
    }
    free(groups);
    if (r->count)
        qsort(r->items, r->count, sizeof *r->items, by_falling_bytes);
    return rc;
}

/* ---- output ---- */

static void write_json(struct rows *r)
{
    struct barrow_json *json = &r->h->view.json;

    barrow_heap_json(r->h);
    barrow_put_text(json, "by", groupings[r->by]);
    barrow_json_key(json, "rows");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < barrow_view_limit(&r->h->view, r->count); i++) {
        const struct row *row = &r->items[i];
        barrow_json_begin_object(json);
        if (r->by == BY_BIRTH) {
            struct barrow_frame frame = frame_of(r, row->key);
            barrow_put_text(json, "function", frame.function);
            barrow_put_text(json, "file", frame.file);
            barrow_put_number(json, "line", frame.line);
        } else {
            barrow_put_text(json, groupings[r->by], row->name);
        }
        barrow_put_number(json, "objects", row->group.objects);
        barrow_put_number(json, "bytes", row->group.bytes);
        barrow_put_number(json, "retained_bytes", row->group.retained);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
}

static void put_row(struct barrow_columns *c, const struct rows *r, const struct row *row)
{
    barrow_put_bytes(c, row->group.bytes);
    barrow_put_share(c, row->group.bytes, r->h->graph->total_bytes);
    barrow_put_count(c, row->group.objects);
    barrow_put_bytes(c, row->group.retained);
    if (r->by == BY_BIRTH) {
        struct barrow_frame frame = frame_of(r, row->key);
        barrow_columns_put(c, *frame.function ? frame.function : barrow_no_frame);
    }
    barrow_columns_put(c, row->name);
}

static void print_text(const struct rows *r, const char *filter)
{
    static const struct barrow_column numbers[] = {
        {"bytes", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"share", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"objects", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"retained", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END}};
    static const struct barrow_column names[] = {
        {"class", ALIGN_LEFT, STYLE_NAME, 16, CUT_START},
        {"module", ALIGN_LEFT, STYLE_NAME, 16, CUT_START},
        {"born in", ALIGN_LEFT, STYLE_NAME, 12, CUT_MIDDLE},
        {"line", ALIGN_LEFT, STYLE_PLAIN, 12, CUT_START}};
    struct barrow_column columns[6];
    const struct barrow_view *view = &r->h->view;
    char bytes[BARROW_UNITS_ROOM], objects[BARROW_UNITS_ROOM];
    size_t name_count = r->by == BY_BIRTH ? 2 : 1;

    memcpy(columns, numbers, sizeof numbers);
    memcpy(columns + 4, &names[r->by], name_count * sizeof *names);
    barrow_heap_headline(
        r->h, "objects by %s%s%s: %s in %s object%s", groupings[r->by], filter ? ", only " : "",
        filter ? filter : "", barrow_units_bytes(bytes, r->whole.bytes),
        barrow_units_count(objects, r->whole.objects), r->whole.objects == 1 ? "" : "s");
    struct barrow_columns *c = barrow_columns_new(&view->terminal, columns, 4 + name_count, NULL);
    for (size_t i = 0; i < barrow_view_limit(view, r->count); i++)
        put_row(c, r, &r->items[i]);
    if (r->count)
        barrow_columns_print(c);
    else
        fprintf(view->terminal.out, " nothing to show\n");
    barrow_columns_free(c);
    barrow_view_more(view, r->count,
                     r->by == BY_CLASS    ? "classes"
                     : r->by == BY_MODULE ? "modules"
                                          : "lines");
}

static int types_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct types_options *o = values;
    struct barrow_heap_view h;
    struct rows r = {.h = &h, .by = o->by};

    if (barrow_heap_view_open(&h, &o->heap, count, operands, err) < 0)
        return -1;
    int rc = o->by == BY_BIRTH ? barrow_heap_view_births(&h, err) : 0;
    if (rc == 0)
        rc = collect(&r, o->filter, err);
    if (rc == 0) {
        if (o->heap.view.json)
            write_json(&r);
        else
            print_text(&r, o->filter);
        barrow_heap_view_close(&h);
    } else {
        barrow_heap_view_drop(&h);
    }
    for (size_t i = 0; i < r.count; i++)
        free(r.items[i].name);
    free(r.items);
    return rc;
}

static const struct barrow_option options[] = {
    {"by", 'b', OPTION_CHOICE, "GROUPING", offsetof(struct types_options, by), groupings, NULL,
     "class (default), module of the class, or line of birth (of recorded programs)"},
    {"filter", 0, OPTION_TEXT, "GLOB", offsetof(struct types_options, filter), NULL, NULL,
     "only what is called so, such as 'app.*'"},
    HEAP_OPTION_SNAPSHOT(struct types_options),
    HEAP_OPTION_LIMIT(struct types_options),
    HEAP_OPTION_JSON(struct types_options),
    HEAP_OPTION_COLOR(struct types_options),
    OPTIONS_END};

static const struct types_options defaults = {.heap = {.view = VIEW_DEFAULTS}};

const struct barrow_command barrow_command_types = {
    .usage = "[OPTIONS] FILE",
    .about = "Shows what a heap snapshot holds: objects by class, largest first. Bytes are what\n"
             "the allocator spends on them. Retained is what would be freed if all of a row's\n"
             "objects went: their own bytes and those of everything that only they keep alive.\n"
             "Rows share what they retain, so these don't add up.\n"
             "A snapshot is taken by barrow run --dig, barrow dig PID, or barrow.dig().",
    .examples = "barrow types app.1234.barrow\n"
                "barrow types --filter 'app.*' app.1234.barrow\n"
                "barrow types --by birth app.1234.barrow  # which lines made what lives\n"
                "barrow types --json app.1234.barrow",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = types_main,
};
