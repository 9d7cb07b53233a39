/* barrow cycles: objects that refer to each other in a circle, which only the collector can free.
 */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/heap_view.h"
#include "cli/memory.h"
#include "graph/loop.h"
#include "table/keys.h"
#include "table/stack.h"

enum { CLASSES_SHOWN = 6, CLASSES_KEPT = 64 };

struct cycles_options {
    struct barrow_heap_options heap;
    bool all;
};

/* Cycles of the same classes, garbage and live ones apart. */
struct row {
    uint32_t *types; /* the members' classes, ascending, at most CLASSES_KEPT */
    uint32_t type_count;
    bool is_garbage, is_code;
    uint64_t cycles, objects, bytes, retained;
    const struct barrow_cycle *example; /* the largest */
    char *loop, *path, *where;
};

struct rows {
    struct barrow_heap_view *h;
    struct barrow_cycle *cycles;
    size_t cycle_count;
    struct row *items;
    size_t count, hidden;
    uint64_t hidden_bytes, bytes;
    uint32_t *mark; /* scratch: by type */
};

/* ---- groups ---- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static struct row row_of(struct rows *r, const struct barrow_cycle *cycle, uint32_t stamp)
{
    const struct barrow_heap *heap = r->h->heap;
    struct row row = {.is_garbage = cycle->is_garbage, .cycles = 1, .example = cycle};

    row.types = barrow_allocate(CLASSES_KEPT * sizeof *row.types);
    for (uint32_t i = 0; i < cycle->count; i++) {
        uint32_t type = heap->type[cycle->members[i]];
        uint32_t flags = heap->types[type].flags;
        row.is_code |= (flags & (HEAP_TYPE_TYPE | HEAP_TYPE_MODULE | HEAP_TYPE_FUNCTION)) != 0;
        if (r->mark[type] != stamp && row.type_count < CLASSES_KEPT) {
            r->mark[type] = stamp;
            row.types[row.type_count++] = type;
        }
    }
    qsort(row.types, row.type_count, sizeof *row.types, by_number);
    row.objects = cycle->count;
    row.bytes = cycle->bytes;
    row.retained = cycle->retained;
    return row;
}

static bool is_same(const struct row *a, const struct row *b)
{
    return a->is_garbage == b->is_garbage && a->type_count == b->type_count &&
           memcmp(a->types, b->types, a->type_count * sizeof *a->types) == 0;
}
#define SAME_ROW(rows, i, key) is_same(&(rows)[(i)-1], key)
BARROW_MAP_FIND(find_row, const struct row *, const struct row *, SAME_ROW)

static int by_what_it_frees(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (x->is_garbage != y->is_garbage)
        return x->is_garbage ? -1 : 1;
    if (x->retained != y->retained)
        return x->retained > y->retained ? -1 : 1;
    return x->example->members[0] < y->example->members[0] ? -1 : 1;
}

static int no_memory(struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_NO_MEMORY, "not enough memory to group cycles");
}

static int collect(struct rows *r, bool all, struct barrow_error *err)
{
    struct barrow_map map = {0};

    if (barrow_graph_cycles(r->h->graph, &r->cycles, &r->cycle_count, err) < 0)
        return -1;
    if (!barrow_map_reserve(&map, r->cycle_count + 1))
        return no_memory(err);
    r->mark = barrow_allocate((r->h->heap->type_count + 1u) * sizeof *r->mark);
    r->items = barrow_allocate((r->cycle_count + 1) * sizeof *r->items);
    for (size_t i = 0; i < r->cycle_count; i++) {
        struct row row = row_of(r, &r->cycles[i], (uint32_t)i + 1);
        if (row.is_code && !row.is_garbage && !all) {
            r->hidden++;
            r->hidden_bytes += row.bytes;
            free(row.types);
            continue;
        }
        r->bytes += row.bytes;
        uint32_t hash = barrow_hash_bytes((const char *)row.types, row.type_count * 4);
        uint32_t *found = find_row(&map, r->items, &row, hash);
        if (!*found) {
            r->items[r->count] = row;
            barrow_map_fill(&map, found, hash, (uint32_t)++r->count);
            continue;
        }
        struct row *same = &r->items[*found - 1];
        same->cycles++;
        same->objects += row.objects;
        same->bytes += row.bytes;
        same->retained += row.retained;
        if (row.example->retained > same->example->retained)
            same->example = row.example;
        free(row.types);
    }
    barrow_map_free(&map);
    free(r->mark);
    if (r->count)
        qsort(r->items, r->count, sizeof *r->items, by_what_it_frees);
    return 0;
}

/* ---- the example ---- */

/* A member that says most: an instance of a class of the program rather than a dict. */
static uint32_t speaker(const struct rows *r, const struct barrow_cycle *cycle)
{
    const struct barrow_heap *heap = r->h->heap;
    uint32_t best = cycle->members[0];
    int best_rank = -1;

    for (uint32_t i = 0; i < cycle->count; i++) {
        const struct heap_type *type = &heap->types[heap->type[cycle->members[i]]];
        int rank = (type->module != 0) + (type->flags & HEAP_TYPE_HEAP ? 2 : 0) -
                   (type->flags & (HEAP_TYPE_CONTAINER | HEAP_TYPE_TYPE) ? 2 : 0);
        if (rank > best_rank) {
            best_rank = rank;
            best = cycle->members[i];
        }
    }
    return best;
}

static char *loop_words(const struct rows *r, struct barrow_loops *loops,
                        const struct barrow_cycle *cycle, uint32_t start)
{
    struct barrow_buffer out = {0};
    struct barrow_step *steps = NULL;
    size_t count = 0;
    bool after_dict = false;

    barrow_words_vertex(&out, r->h->graph, start);
    if (barrow_loop_find(loops, cycle->members, cycle->count, start, &steps, &count) == 0)
        for (size_t i = 0; i < count; i++) {
            bool is_dict = barrow_step_is_dict(r->h->graph, steps[i].name, steps[i].to);
            if (!is_dict || i + 1 == count)
                barrow_words_step(&out, r->h->graph, &steps[i], after_dict, BARROW_WORDS_EXACT);
            after_dict = is_dict;
        }
    free(steps);
    return barrow_take(&out);
}

static int describe(struct rows *r, struct barrow_error *err)
{
    struct barrow_loops *loops = barrow_loops_new(r->h->graph);
    size_t shown = barrow_view_limit(&r->h->view, r->count);

    if (!loops)
        return no_memory(err);
    for (size_t i = 0; i < shown; i++) {
        struct row *row = &r->items[i];
        uint32_t start = speaker(r, row->example);
        const struct barrow_birth *birth = barrow_object_birth(r->h, start);
        struct barrow_frame frame = barrow_stack_frame(r->h->view.profile, birth->user);
        row->loop = loop_words(r, loops, row->example, start);
        row->path = row->is_garbage ? NULL : barrow_path_words(r->h, r->h->paths, start);
        row->where = birth->node ? barrow_place(frame.file, frame.line) : NULL;
    }
    barrow_loops_free(loops);
    return 0;
}

/* ---- output ---- */

static char *class_list(const struct rows *r, const struct row *row)
{
    struct barrow_buffer out = {0};

    for (uint32_t i = 0; i < row->type_count && i < CLASSES_SHOWN; i++) {
        if (i)
            barrow_buffer_add_text(&out, ", ");
        barrow_words_type(&out, r->h->graph, row->types[i]);
    }
    if (row->type_count > CLASSES_SHOWN)
        barrow_buffer_add_text(&out, ", ...");
    return barrow_take(&out);
}

static void json_row(struct rows *r, const struct row *row)
{
    struct barrow_json *json = &r->h->view.json;
    uint32_t start = speaker(r, row->example);
    const struct barrow_birth *birth = barrow_object_birth(r->h, start);

    barrow_json_begin_object(json);
    barrow_json_key(json, "classes");
    barrow_json_begin_array(json);
    for (uint32_t i = 0; i < row->type_count; i++) {
        char *name = barrow_graph_class_name(r->h->graph, row->types[i]);
        barrow_json_string(json, name ? name : "");
        free(name);
    }
    barrow_json_end_array(json);
    barrow_put_flag(json, "garbage", row->is_garbage);
    barrow_put_number(json, "cycles", row->cycles);
    barrow_put_number(json, "objects", row->objects);
    barrow_put_number(json, "bytes", row->bytes);
    barrow_put_number(json, "retained_bytes", row->retained);
    barrow_json_key(json, "example");
    barrow_json_begin_object(json);
    barrow_put_number(json, "address", r->h->heap->address[start]);
    barrow_put_number(json, "objects", row->example->count);
    barrow_put_text(json, "loop", row->loop);
    if (row->path)
        barrow_put_text(json, "path", row->path);
    barrow_json_end_object(json);
    if (birth->node) {
        barrow_json_key(json, "birth");
        barrow_birth_json(json, r->h->view.profile, birth);
    }
    barrow_json_end_object(json);
}

static void write_json(struct rows *r)
{
    struct barrow_json *json = &r->h->view.json;

    barrow_heap_json(r->h);
    barrow_put_number(json, "hidden_cycles", r->hidden);
    barrow_json_key(json, "rows");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < barrow_view_limit(&r->h->view, r->count); i++)
        json_row(r, &r->items[i]);
    barrow_json_end_array(json);
}

static void print_row(struct barrow_columns *c, const struct rows *r, const struct row *row)
{
    char *classes = class_list(r, row);
    char *below = barrow_format("%s%s%s%s%s", row->loop, row->path ? ", held by " : "",
                                row->path ? row->path : "", row->where ? ", born at " : "",
                                row->where ? row->where : "");

    barrow_put_bytes(c, row->retained);
    barrow_put_count(c, row->cycles);
    barrow_put_count(c, row->objects);
    barrow_columns_put_styled(c, row->is_garbage ? "garbage" : "live",
                              row->is_garbage ? STYLE_WARM : STYLE_PLAIN);
    barrow_columns_put(c, classes);
    barrow_columns_below(c, below);
    free(below);
    free(classes);
}

static void print_text(const struct rows *r)
{
    static const struct barrow_column columns[] = {
        {"frees", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"cycles", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"objects", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"state", ALIGN_LEFT, STYLE_PLAIN, 0, CUT_END},
        {"classes", ALIGN_LEFT, STYLE_NAME, 16, CUT_END}};
    const struct barrow_view *view = &r->h->view;
    const struct barrow_terminal *t = &view->terminal;
    char bytes[BARROW_UNITS_ROOM], number[BARROW_UNITS_ROOM];
    uint64_t cycles = 0;

    for (size_t i = 0; i < r->count; i++)
        cycles += r->items[i].cycles;
    barrow_heap_headline(r->h, "cycles, by their classes: %s in %s cycle%s",
                         barrow_units_bytes(bytes, r->bytes), barrow_units_count(number, cycles),
                         cycles == 1 ? "" : "s");
    struct barrow_columns *c = barrow_columns_new(t, columns, 5, NULL);
    for (size_t i = 0; i < barrow_view_limit(view, r->count); i++)
        print_row(c, r, &r->items[i]);
    if (r->count)
        barrow_columns_print(c);
    else
        fprintf(t->out, " no data is in a cycle\n");
    barrow_columns_free(c);
    barrow_view_more(view, r->count, "groups");
    if (r->hidden)
        fprintf(
            t->out,
            " %s%s cycle%s of classes, functions and modules (%s) left out; --all shows all%s\n",
            barrow_style(t, STYLE_DIM), barrow_units_count(number, r->hidden),
            r->hidden == 1 ? "" : "s", barrow_units_bytes(bytes, r->hidden_bytes),
            barrow_style(t, STYLE_PLAIN));
}

static void free_rows(struct rows *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free(r->items[i].types);
        free(r->items[i].loop);
        free(r->items[i].path);
        free(r->items[i].where);
    }
    free(r->items);
    if (r->cycles)
        barrow_cycles_free(r->cycles, r->cycle_count);
}

static int cycles_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct cycles_options *o = values;
    struct barrow_heap_view h;
    struct rows r = {.h = &h};

    if (barrow_heap_view_open(&h, &o->heap, count, operands, err) < 0)
        return -1;
    int rc = barrow_heap_view_paths(&h, err);
    if (rc == 0)
        rc = barrow_heap_view_births(&h, err);
    if (rc == 0)
        rc = collect(&r, o->all, err);
    if (rc == 0)
        rc = describe(&r, err);
    if (rc == 0) {
        if (o->heap.view.json)
            write_json(&r);
        else
            print_text(&r);
        barrow_heap_view_close(&h);
    } else {
        barrow_heap_view_drop(&h);
    }
    free_rows(&r);
    return rc;
}

static const struct barrow_option options[] = {
    {"all", 'a', OPTION_FLAG, NULL, offsetof(struct cycles_options, all), NULL, NULL,
     "those of classes, functions and modules too, which every program has"},
    HEAP_OPTION_SNAPSHOT(struct cycles_options),
    HEAP_OPTION_LIMIT(struct cycles_options),
    HEAP_OPTION_JSON(struct cycles_options),
    HEAP_OPTION_COLOR(struct cycles_options),
    OPTIONS_END};

static const struct cycles_options defaults = {.heap = {.view = VIEW_DEFAULTS}};

const struct barrow_command barrow_command_cycles = {
    .usage = "[OPTIONS] FILE",
    .about = "Shows the reference cycles of a heap snapshot, by the classes in them. When such\n"
             "objects are no longer needed, reference counts don't free them, the collector has\n"
             "to. `garbage` waits for it already; `frees` is what goes with the cycles. Below\n"
             "each row: the way round of the largest, what holds it, and where it was born.",
    .examples = "barrow cycles app.1234.barrow\n"
                "barrow cycles --all --json app.1234.barrow",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = cycles_main,
};
