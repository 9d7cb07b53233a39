/* From censuses of several processes to one table: a sweep over all of them in order of time.
 *
 *     process A   | census      | census            | census
 *     process B         | census          | census         ended
 *     points      0     1       2         3         4
 *
 * Each process keeps what its classes had last; the sums over the processes change at the points,
 * and only changes are kept: a class that stays as it is costs nothing.
 */
#include "table/census.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "ledger/census.h"

/* ---- what the sweep works on ---- */

struct class_sum {
    const char *name;
    size_t name_bytes;
    uint64_t objects, bytes;           /* of all processes, now */
    uint64_t told_objects, told_bytes; /* at the last change that was kept */
    bool is_touched;
};

struct own_class { /* a class in one process */
    uint32_t name; /* its string in that ledger */
    uint32_t class;
    uint64_t objects, bytes;
};

struct process {
    struct barrow_ledger *ledger;
    uint64_t start_ns, end_ns; /* end: after it the process counts no more */
    BARROW_ARRAY(struct own_class) classes;
    struct barrow_map by_name;
};

struct event {
    uint64_t time_ns;
    size_t process;
    struct barrow_census census;
};

struct sweep {
    BARROW_ARRAY(struct process) processes;
    BARROW_ARRAY(struct event) events;
    BARROW_ARRAY(struct class_sum) classes;
    BARROW_ARRAY(uint32_t) touched;
    BARROW_ARRAY(struct barrow_census_change) changes;
    BARROW_ARRAY(uint64_t) points;
    struct barrow_map by_name;
    struct barrow_arena arena;
};

#define SAME_OWN(classes, value, key) ((classes)[(value)-1].name == (key))
BARROW_MAP_FIND(find_own, const struct own_class *, uint32_t, SAME_OWN)

struct name {
    const char *text;
    uint32_t bytes;
};
#define SAME_CLASS(classes, value, key)                \
    ((classes)[(value)-1].name_bytes == (key).bytes && \
     memcmp((classes)[(value)-1].name, (key).text, (key).bytes) == 0)
BARROW_MAP_FIND(find_class, const struct class_sum *, struct name, SAME_CLASS)

/* ---- classes ---- */

/* Index of the class; UINT32_MAX: no memory. */
static uint32_t class_of(struct sweep *s, const struct barrow_ledger *ledger, uint32_t string)
{
    struct name name;
    if (!barrow_ledger_string(ledger, string, &name.text, &name.bytes))
        name = (struct name){"(unknown)", 9};
    uint32_t hash = barrow_hash_bytes(name.text, name.bytes);
    if (!barrow_map_reserve(&s->by_name, 1))
        return UINT32_MAX;
    uint32_t *value = find_class(&s->by_name, s->classes.items, name, hash);
    if (*value)
        return *value - 1;
    struct class_sum *class = barrow_array_add(&s->classes);
    if (!class)
        return UINT32_MAX;
    class->name = barrow_arena_text(&s->arena, name.text, name.bytes);
    class->name_bytes = name.bytes;
    if (!class->name)
        return UINT32_MAX;
    barrow_map_fill(&s->by_name, value, hash, (uint32_t)s->classes.count);
    return (uint32_t)s->classes.count - 1;
}

static struct own_class *own_class_of(struct sweep *s, struct process *p, uint32_t string)
{
    uint32_t hash = barrow_hash_1(string);
    if (!barrow_map_reserve(&p->by_name, 1))
        return NULL;
    uint32_t *value = find_own(&p->by_name, p->classes.items, string, hash);
    if (*value)
        return &p->classes.items[*value - 1];
    uint32_t class = class_of(s, p->ledger, string);
    struct own_class *own = class == UINT32_MAX ? NULL : barrow_array_add(&p->classes);
    if (own) {
        own->name = string;
        own->class = class;
        barrow_map_fill(&p->by_name, value, hash, (uint32_t)p->classes.count);
    }
    return own;
}

/* ---- the sweep ---- */

static bool set(struct sweep *s, struct own_class *own, uint64_t objects, uint64_t bytes)
{
    struct class_sum *class = &s->classes.items[own->class];
    class->objects += objects - own->objects;
    class->bytes += bytes - own->bytes;
    own->objects = objects;
    own->bytes = bytes;
    if (class->is_touched)
        return true;
    uint32_t *touched = barrow_array_add(&s->touched);
    if (!touched)
        return false;
    *touched = own->class;
    class->is_touched = true;
    return true;
}

static bool empty(struct sweep *s, struct process *p)
{
    bool ok = true;
    for (size_t i = 0; i < p->classes.count && ok; i++)
        ok = set(s, &p->classes.items[i], 0, 0);
    return ok;
}

static bool apply(struct sweep *s, const struct event *event)
{
    struct process *p = &s->processes.items[event->process];
    bool ok = !event->census.head.is_full || empty(s, p);
    for (uint32_t i = 0; i < event->census.head.entries && ok; i++) {
        const struct ledger_census_entry *e = &event->census.entries[i];
        struct own_class *own = own_class_of(s, p, e->name);
        ok = own && set(s, own, e->objects, e->bytes);
    }
    return ok;
}

/* Processes that ended before `time_ns` have nothing any more. */
static bool end_processes(struct sweep *s, uint64_t time_ns)
{
    bool ok = true;
    for (size_t i = 0; i < s->processes.count && ok; i++) {
        struct process *p = &s->processes.items[i];
        if (p->end_ns < time_ns && p->classes.count) {
            ok = empty(s, p);
            p->end_ns = UINT64_MAX;
        }
    }
    return ok;
}

/* Keeps what changed since the point before. */
static bool close_point(struct sweep *s)
{
    for (size_t i = 0; i < s->touched.count; i++) {
        struct class_sum *class = &s->classes.items[s->touched.items[i]];
        class->is_touched = false;
        if (class->objects == class->told_objects && class->bytes == class->told_bytes)
            continue;
        struct barrow_census_change *change = barrow_array_add(&s->changes);
        if (!change)
            return false;
        *change = (struct barrow_census_change){.class = s->touched.items[i],
                                                .point = (uint32_t)s->points.count - 1,
                                                .objects = class->objects,
                                                .bytes = class->bytes};
        class->told_objects = class->objects;
        class->told_bytes = class->bytes;
    }
    s->touched.count = 0;
    return true;
}

static int by_time(const void *left, const void *right)
{
    const struct event *a = left, *b = right;
    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns ? -1 : 1;
    return (a->process > b->process) - (a->process < b->process);
}

static bool sweep_events(struct sweep *s)
{
    qsort(s->events.items, s->events.count, sizeof *s->events.items, by_time);
    for (size_t i = 0; i < s->events.count;) {
        uint64_t time_ns = s->events.items[i].time_ns;
        uint64_t *point = barrow_array_add(&s->points);
        if (!point || !end_processes(s, time_ns))
            return false;
        *point = time_ns;
        for (; i < s->events.count && s->events.items[i].time_ns == time_ns; i++)
            if (!apply(s, &s->events.items[i]))
                return false;
        if (!close_point(s))
            return false;
    }
    return true;
}

/* ---- reading ---- */

/* When a process counts no more: its end; killed: when a census or two are overdue. */
static uint64_t end_of(const struct barrow_ledger *ledger, uint64_t start_ns, uint64_t first_ns,
                       uint64_t last_ns, uint64_t censuses)
{
    if (ledger->state.end != LEDGER_END_NONE && ledger->state.end_ns >= last_ns - start_ns)
        return start_ns + ledger->state.end_ns;
    return censuses < 2 ? UINT64_MAX : last_ns + 2 * ((last_ns - first_ns) / (censuses - 1));
}

static bool add_process(struct sweep *s, struct barrow_census_table *table,
                        struct barrow_ledger *ledger, uint64_t epoch_ns)
{
    struct process *p = barrow_array_add(&s->processes);
    struct barrow_censuses walk = barrow_ledger_censuses(ledger);
    uint64_t start = ledger->header.start_monotonic_ns, first = 0, last = 0, count = 0;
    struct barrow_census census;
    if (!p) {
        barrow_ledger_free(ledger);
        return false;
    }
    p->ledger = ledger;
    p->start_ns = start > epoch_ns ? start - epoch_ns : 0;
    for (; barrow_censuses_next(&walk, &census); count++) {
        struct event *event = barrow_array_add(&s->events);
        if (!event)
            return false;
        last = p->start_ns + census.head.time_ns;
        first = count ? first : last;
        *event = (struct event){last, s->processes.count - 1, census};
        if (census.head.pause_ns > table->longest_pause_ns)
            table->longest_pause_ns = census.head.pause_ns;
        table->is_all = census.head.scope == LEDGER_CENSUS_ALL;
    }
    p->end_ns = end_of(ledger, p->start_ns, first, last, count);
    table->processes += count > 0;
    return true;
}

/* ---- figures ---- */

struct axis {
    double *since_mean; /* sums of (hours - mean) over the points before each one */
    double squares;     /* sum of (hours - mean)^2 */
};

static bool make_axis(struct axis *axis, const uint64_t *points, size_t count)
{
    double mean = 0;
    axis->squares = 0;
    axis->since_mean = calloc(count + 1, sizeof *axis->since_mean);
    if (!axis->since_mean)
        return false;
    for (size_t i = 0; i < count; i++)
        mean += (double)(points[i] - points[0]) / 3.6e12 / (double)count;
    for (size_t i = 0; i < count; i++) {
        double t = (double)(points[i] - points[0]) / 3.6e12 - mean;
        axis->since_mean[i + 1] = axis->since_mean[i] + t;
        axis->squares += t * t;
    }
    return true;
}

/* One run of points with the same value. */
static void add_run(struct barrow_census_figures *f, const struct axis *axis, uint64_t value,
                    size_t from, size_t to)
{
    if (from == 0)
        f->first = value;
    if (value > f->max)
        f->max = value;
    f->last = value;
    if (axis->squares > 0)
        f->per_hour +=
            (double)value * (axis->since_mean[to] - axis->since_mean[from]) / axis->squares;
}

static void fill_figures(struct barrow_census_row *row, const struct axis *axis, size_t points)
{
    for (size_t i = 0; i < row->change_count; i++) {
        size_t to = i + 1 < row->change_count ? row->changes[i + 1].point : points;
        add_run(&row->objects, axis, row->changes[i].objects, row->changes[i].point, to);
        add_run(&row->bytes, axis, row->changes[i].bytes, row->changes[i].point, to);
    }
}

static int falling(double a, double b)
{
    return (a < b) - (a > b);
}

static int by_growth(const void *left, const void *right)
{
    const struct barrow_census_row *a = left, *b = right;
    int order = falling(a->bytes.per_hour, b->bytes.per_hour);
    if (!order)
        order = falling(a->objects.per_hour, b->objects.per_hour);
    if (!order)
        order = (a->bytes.last < b->bytes.last) - (a->bytes.last > b->bytes.last);
    return order ? order : strcmp(a->name, b->name);
}

static int by_class(const void *left, const void *right)
{
    const struct barrow_census_change *a = left, *b = right;
    if (a->class != b->class)
        return a->class < b->class ? -1 : 1;
    return (a->point > b->point) - (a->point < b->point);
}

static bool make_rows(struct barrow_census_table *table, struct sweep *s)
{
    struct axis axis;
    table->rows = calloc(s->classes.count + 1, sizeof *table->rows);
    if (!table->rows || !make_axis(&axis, s->points.items, s->points.count))
        return false;
    qsort(s->changes.items, s->changes.count, sizeof *s->changes.items, by_class);
    for (size_t i = 0, next; i < s->changes.count; i = next) {
        const struct barrow_census_change *first = &s->changes.items[i];
        for (next = i; next < s->changes.count; next++)
            if (s->changes.items[next].class != first->class)
                break;
        struct barrow_census_row *row = &table->rows[table->row_count++];
        row->name = s->classes.items[first->class].name;
        row->changes = first;
        row->change_count = next - i;
        fill_figures(row, &axis, s->points.count);
        table->objects += row->objects.last;
        table->bytes += row->bytes.last;
    }
    free(axis.since_mean);
    qsort(table->rows, table->row_count, sizeof *table->rows, by_growth);
    return true;
}

/* ---- the whole ---- */

static void sweep_free(struct sweep *s)
{
    for (size_t i = 0; i < s->processes.count; i++) {
        struct process *p = &s->processes.items[i];
        barrow_ledger_free(p->ledger);
        barrow_map_free(&p->by_name);
        free(p->classes.items);
    }
    free(s->processes.items);
    free(s->events.items);
    free(s->classes.items);
    free(s->touched.items);
    barrow_map_free(&s->by_name);
    /* `changes`, `points` and the names are the table's. */
}

static int build(struct barrow_census_table *table, struct sweep *s,
                 const struct barrow_inputs *inputs, struct barrow_error *err)
{
    struct barrow_error failure = {0};
    for (size_t i = 0; i < inputs->list.count; i++) {
        struct barrow_ledger *ledger;
        if (barrow_input_open(&inputs->list.items[i], &ledger, &failure) < 0)
            continue; /* as other views do: what can't be read is left out */
        if (!add_process(s, table, ledger, inputs->list.items[0].header->start_monotonic_ns))
            return barrow_fail(err, BARROW_E_NO_MEMORY, "not enough memory for the censuses");
    }
    if (s->processes.count == 0)
        return barrow_fail(err, failure.code, "%s", failure.text);
    if (s->events.count == 0)
        return barrow_fail(err, BARROW_E_USAGE,
                           "%.300s holds no censuses: watch the program while it is recorded, or "
                           "name a ledger in its configuration",
                           inputs->list.items[0].path);
    if (!sweep_events(s) || !make_rows(table, s))
        return barrow_fail(err, BARROW_E_NO_MEMORY, "not enough memory for the censuses");
    return 0;
}

int barrow_census_load_inputs(struct barrow_census_table *table, const struct barrow_inputs *inputs,
                              struct barrow_error *err)
{
    struct sweep s = {0};
    *table = (struct barrow_census_table){0};
    int rc = build(table, &s, inputs, err);
    table->arena = s.arena;
    table->changes = s.changes.items;
    table->points = s.points.items;
    table->point_count = s.points.count;
    sweep_free(&s);
    if (rc < 0)
        barrow_census_table_free(table);
    return rc;
}

int barrow_census_load(struct barrow_census_table *table, const char *const *paths, size_t count,
                       struct barrow_error *err)
{
    struct barrow_inputs inputs = {0};
    *table = (struct barrow_census_table){0};
    int rc = barrow_inputs_find(&inputs, paths, count, err);
    if (rc == 0)
        rc = barrow_census_load_inputs(table, &inputs, err);
    barrow_inputs_free(&inputs);
    return rc;
}

void barrow_census_table_free(struct barrow_census_table *table)
{
    free(table->points);
    free(table->rows);
    free(table->changes);
    barrow_arena_free(&table->arena);
    *table = (struct barrow_census_table){0};
}

void barrow_census_trend(const struct barrow_census_table *table,
                         const struct barrow_census_row *row, uint64_t *bytes, size_t count)
{
    uint64_t start = table->points[0], span = table->points[table->point_count - 1] - start;
    size_t next = 0, point = 0;
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t until =
            start + (count < 2 ? span : (uint64_t)((__uint128_t)span * i / (count - 1)));
        while (point + 1 < table->point_count && table->points[point + 1] <= until)
            point++;
        for (; next < row->change_count && row->changes[next].point <= point; next++)
            value = row->changes[next].bytes;
        bytes[i] = value;
    }
}
