/* The container: a head in JSON, then columns.
 *
 * Sites are written in the order of their nodes, so that differences are small and equal:
 *
 *     profile's sites   0: node 7   1: node 3   2: node 7        order   1 0 2
 *     the page's        0: node 3   1: node 7   2: node 7        place   1 0 2
 *
 * `order` leads from the page's sites to the profile's, `place` back.  Changes of live values name
 * the page's, and are sorted by them within their point.
 */
#include "export/report_container.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "export/report_columns.h"
#include "export/report_heap.h"
#include "export/report_sources.h"
#include "table/keys.h"
#include "table/profiled.h"
#include "table/summary.h"

/* Containers above LARGE_BYTES are compressed for speed. */
enum { LARGE_BYTES = 4 << 20, LEVEL_SMALL = 6, LEVEL_LARGE = 1 };

static const char magic[8] = {'B', 'A', 'R', 'R', 'O', 'W', 'P', '1'};

struct container {
    const struct barrow_profile *profile;
    struct barrow_report_columns columns;
    struct barrow_report_sources sources;
    struct barrow_points points;
    struct report_heap heap;
    struct barrow_map name_map;
    BARROW_ARRAY(const char *) names; /* [0]: "" */
    uint32_t *order, *place;
    bool with_sources, failed;
};

static void put(struct container *c, enum barrow_report_column column, uint64_t value)
{
    barrow_report_put(&c->columns, column, value);
}

static uint64_t microseconds(uint64_t ns)
{
    return ns / 1000;
}

/* ---- names ---- */

#define SAME_POINTER(names, i, key) ((names)[i] == (key))
BARROW_MAP_FIND(find_name, const char *const *, const char *, SAME_POINTER)

static bool add_name(struct container *c, const char *name)
{
    const char **added = barrow_array_add(&c->names);

    if (!added)
        return false;
    *added = name;
    barrow_report_put_text(&c->columns, REPORT_STRINGS, name, strlen(name));
    return true;
}

/* Its index in the column `strings`.  A profile holds each text once: pointers tell them apart. */
static uint32_t name_index(struct container *c, const char *name)
{
    uint32_t hash = barrow_hash_1((uintptr_t)name);

    if (!name || !*name || c->failed)
        return 0;
    if (!barrow_map_reserve(&c->name_map, 1)) {
        c->failed = true;
        return 0;
    }
    uint32_t *index = find_name(&c->name_map, c->names.items, name, hash);
    if (*index == 0) {
        c->failed |= !add_name(c, name);
        barrow_map_fill(&c->name_map, index, hash, (uint32_t)c->names.count - 1);
    }
    return *index;
}

/* A text of a heap snapshot, which is not among them yet; its index. */
static uint32_t add_text(void *context, const char *text)
{
    struct container *c = context;

    if (!add_name(c, text)) {
        c->failed = true;
        return 0;
    }
    return (uint32_t)c->names.count - 1;
}

/* ---- stacks ---- */

static void put_frames(struct container *c)
{
    const struct barrow_profile *p = c->profile;

    for (size_t i = 0; i < p->frame_count; i++) {
        const struct barrow_frame *frame = &p->frames[i];
        put(c, REPORT_FRAMES_FUNCTION, name_index(c, frame->function));
        put(c, REPORT_FRAMES_FILE, name_index(c, frame->file));
        put(c, REPORT_FRAMES_MODULE, name_index(c, frame->module));
        put(c, REPORT_FRAMES_LINE, frame->line);
        put(c, REPORT_FRAMES_FIRST_LINE, frame->first_line);
    }
}

static void put_nodes(struct container *c)
{
    const struct barrow_profile *p = c->profile;

    for (size_t i = 0; i < p->node_count; i++) {
        const struct barrow_node *node = &p->nodes[i];
        put(c, REPORT_NODES_PARENT, node->parent);
        put(c, REPORT_NODES_FRAME, node->frame);
        put(c, REPORT_NODES_FLAGS, (node->is_thread ? 1 : 0) | (node->is_folded ? 2 : 0));
    }
}

/* ---- sites ---- */

/* Counts to positions: turns next[i + 1], how many there are of i, into where those of i begin. */
static void positions(uint32_t *next, size_t count)
{
    for (size_t i = 0; i < count; i++)
        next[i + 1] += next[i];
}

/* Fills `order` and `place`: sites counted by node, then dealt out. */
static bool order_sites(struct container *c)
{
    const struct barrow_profile *p = c->profile;
    uint32_t *next = calloc(p->node_count + 1, sizeof *next);

    c->order = malloc((p->sites_count + 1) * sizeof *c->order);
    c->place = malloc((p->sites_count + 1) * sizeof *c->place);
    if (!next || !c->order || !c->place) {
        free(next);
        return false;
    }
    for (size_t i = 0; i < p->sites_count; i++)
        next[p->sites[i].node + 1]++;
    positions(next, p->node_count);
    for (size_t i = 0; i < p->sites_count; i++) {
        uint32_t place = next[p->sites[i].node]++;
        c->place[i] = place;
        c->order[place] = (uint32_t)i;
    }
    free(next);
    return true;
}

static void put_sites(struct container *c)
{
    const struct barrow_profile *p = c->profile;

    for (size_t i = 0; i < p->sites_count; i++) {
        const struct barrow_site *site = &p->sites[c->order[i]];
        const struct barrow_value *value = site->value;
        put(c, REPORT_SITES_NODE, site->node);
        put(c, REPORT_SITES_PROCESS, site->process);
        put(c, REPORT_SITES_DOMAIN, site->domain);
        put(c, REPORT_SITES_PEAK_BYTES, value[BARROW_METRIC_PEAK].bytes);
        put(c, REPORT_SITES_PEAK_BLOCKS, value[BARROW_METRIC_PEAK].blocks);
        put(c, REPORT_SITES_LEAKED_BYTES, value[BARROW_METRIC_LEAKED].bytes);
        put(c, REPORT_SITES_LEAKED_BLOCKS, value[BARROW_METRIC_LEAKED].blocks);
        put(c, REPORT_SITES_TOTAL_BYTES, value[BARROW_METRIC_TOTAL].bytes);
        put(c, REPORT_SITES_TOTAL_BLOCKS, value[BARROW_METRIC_TOTAL].blocks);
        put(c, REPORT_SITES_TEMPORARY_BYTES, value[BARROW_METRIC_TEMPORARY].bytes);
        put(c, REPORT_SITES_TEMPORARY_BLOCKS, value[BARROW_METRIC_TEMPORARY].blocks);
    }
}

/* ---- over time ---- */

static void put_series(struct container *c)
{
    const struct barrow_profile *p = c->profile;

    for (size_t i = 0; i < p->sample_count; i++) {
        const struct barrow_sample *sample = &p->samples[i];
        put(c, REPORT_SAMPLES_TIME, microseconds(sample->time_ns));
        put(c, REPORT_SAMPLES_PROCESS, sample->process);
        put(c, REPORT_SAMPLES_RSS, sample->rss_bytes);
        put(c, REPORT_SAMPLES_PSS, sample->pss_bytes);
        put(c, REPORT_SAMPLES_HEAP, sample->heap_bytes);
        put(c, REPORT_SAMPLES_FILE, sample->file_bytes);
        put(c, REPORT_SAMPLES_MINOR_FAULTS, sample->minor_faults);
        put(c, REPORT_SAMPLES_MAJOR_FAULTS, sample->major_faults);
        put(c, REPORT_SAMPLES_THREADS, sample->threads);
    }
    for (size_t i = 0; i < p->gc_event_count; i++) {
        const struct barrow_gc_event *event = &p->gc_events[i];
        put(c, REPORT_GC_TIME, microseconds(event->time_ns));
        put(c, REPORT_GC_PROCESS, event->process);
        put(c, REPORT_GC_PAUSE, microseconds(event->pause_ns));
        put(c, REPORT_GC_GENERATION, event->generation);
        put(c, REPORT_GC_COLLECTED, event->collected);
        put(c, REPORT_GC_UNCOLLECTABLE, event->uncollectable);
    }
    for (size_t i = 0; i < p->mark_count; i++) {
        const struct barrow_mark *mark = &p->marks[i];
        put(c, REPORT_MARKS_TIME, microseconds(mark->time_ns));
        put(c, REPORT_MARKS_PROCESS, mark->process);
        put(c, REPORT_MARKS_DURATION, microseconds(mark->duration_ns));
        put(c, REPORT_MARKS_NAME, name_index(c, mark->name));
    }
}

/* ---- profiled lines ---- */

static void put_lines(struct container *c)
{
    struct barrow_profiled_functions functions;
    struct barrow_error err;

    if (barrow_profiled_functions(c->profile, &functions, &err) < 0) {
        c->failed = true;
        return;
    }
    for (size_t i = 0; i < functions.count; i++) {
        const struct barrow_profiled_function *f = &functions.items[i];
        for (size_t k = f->first; k < f->first + f->count; k++) {
            const struct barrow_profiled_line *l = &functions.lines[k];
            if (!l->occurrences)
                continue;
            put(c, REPORT_LINES_FILE, name_index(c, f->file));
            put(c, REPORT_LINES_LINE, l->line);
            put(c, REPORT_LINES_OCCURRENCES, l->occurrences);
            put(c, REPORT_LINES_INCREMENT,
                (uint64_t)l->increment_bytes << 1 ^ (uint64_t)(l->increment_bytes >> 63));
            put(c, REPORT_LINES_MEMORY, l->memory_bytes);
            put(c, REPORT_LINES_PEAK, l->peak_bytes);
        }
    }
    barrow_profiled_functions_free(&functions);
}

/* ---- what lived when ---- */

static void put_points(struct container *c)
{
    for (size_t i = 0; i < c->points.count; i++) {
        const struct barrow_point *point = &c->points.points[i];
        put(c, REPORT_POINTS_TIME, microseconds(point->time_ns));
        put(c, REPORT_POINTS_PROCESS, point->process);
        put(c, REPORT_POINTS_FLAGS, (point->is_peak ? 1 : 0) | (point->is_end ? 2 : 0));
        put(c, REPORT_POINTS_LIVE_BYTES, point->live_bytes);
        put(c, REPORT_POINTS_CHANGES, point->count);
    }
}

/* The numbers of all changes by their site's place, whatever point they belong to. */
static bool sort_by_place(const struct container *c, uint32_t *sorted)
{
    const struct barrow_points *points = &c->points;
    uint32_t *next = calloc(c->profile->sites_count + 1, sizeof *next);

    if (!next)
        return false;
    for (size_t i = 0; i < points->change_count; i++)
        next[c->place[points->changes[i].site] + 1]++;
    positions(next, c->profile->sites_count);
    for (size_t i = 0; i < points->change_count; i++)
        sorted[next[c->place[points->changes[i].site]]++] = (uint32_t)i;
    free(next);
    return true;
}

/* Deals changes out to their points, so that those of a point follow one another and keep their
 * order. */
static bool sort_by_point(const struct container *c, const uint32_t *from, uint32_t *sorted)
{
    const struct barrow_points *points = &c->points;
    uint32_t *point_of = malloc((points->change_count + 1) * sizeof *point_of);
    uint32_t *next = calloc(points->count + 1, sizeof *next);
    bool fine = point_of && next;

    for (size_t p = 0; fine && p < points->count; p++) {
        next[p + 1] = (uint32_t)points->points[p].count;
        for (size_t i = 0; i < points->points[p].count; i++)
            point_of[points->points[p].first + i] = (uint32_t)p;
    }
    if (fine)
        positions(next, points->count);
    for (size_t i = 0; fine && i < points->change_count; i++)
        sorted[next[point_of[from[i]]]++] = from[i];
    free(next);
    free(point_of);
    return fine;
}

static void put_changes(struct container *c)
{
    size_t count = c->points.change_count;
    uint32_t *by_place = malloc((count + 1) * sizeof *by_place);
    uint32_t *sorted = malloc((count + 1) * sizeof *sorted);

    if (by_place && sorted && sort_by_place(c, by_place) && sort_by_point(c, by_place, sorted)) {
        for (size_t i = 0; i < count; i++) {
            const struct barrow_change *change = &c->points.changes[sorted[i]];
            put(c, REPORT_CHANGES_SITE, c->place[change->site]);
            put(c, REPORT_CHANGES_BYTES, change->live.bytes);
            put(c, REPORT_CHANGES_BLOCKS, change->live.blocks);
        }
    } else {
        c->failed = true;
    }
    free(sorted);
    free(by_place);
}

/* ---- sources ---- */

static void put_sources(struct container *c)
{
    for (size_t i = 0; i < c->sources.list.count; i++) {
        const struct barrow_report_source *source = &c->sources.list.items[i];
        put(c, REPORT_SOURCES_FILE, name_index(c, source->file));
        barrow_report_put_text(&c->columns, REPORT_SOURCES_TEXT, source->text, source->bytes);
    }
}

/* ---- the head ---- */

static void put_gc(const struct barrow_profile *p, struct barrow_json *json)
{
    barrow_json_key(json, "gc");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < LEDGER_GC_GENERATIONS; i++) {
        barrow_json_begin_object(json);
        barrow_put_number(json, "collections", p->gc[i].collections);
        barrow_put_number(json, "collected", p->gc[i].collected);
        barrow_put_number(json, "uncollectable", p->gc[i].uncollectable);
        barrow_put_seconds(json, "pause_s", p->gc[i].pause_ns);
        barrow_put_seconds(json, "longest_pause_s", p->gc[i].longest_ns);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
}

static void put_sizes(const struct barrow_profile *p, struct barrow_json *json)
{
    barrow_json_key(json, "sizes");
    barrow_json_begin_object(json);
    for (int domain = 0; domain < LEDGER_DOMAIN_COUNT; domain++) {
        barrow_json_key(json, barrow_domain_name((enum ledger_domain)domain));
        barrow_json_begin_array(json);
        for (size_t i = 0; i < LEDGER_SIZE_BUCKETS; i++)
            barrow_json_uint(json, p->sizes[domain][i]);
        barrow_json_end_array(json);
    }
    barrow_json_end_object(json);
}

static void put_vocabulary(struct barrow_json *json)
{
    static const char *const metrics[] = {
#define X(name, text, words) text,
        BARROW_METRICS(X)
#undef X
    };

    barrow_json_key(json, "domains");
    barrow_json_begin_array(json);
    for (int i = 0; i < LEDGER_DOMAIN_COUNT; i++)
        barrow_json_string(json, barrow_domain_name((enum ledger_domain)i));
    barrow_json_end_array(json);
    barrow_json_key(json, "metrics");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
        barrow_json_string(json, metrics[i]);
    barrow_json_end_array(json);
}

/* In memory, as its length comes first; to be freed.  NULL: no memory. */
static char *make_head(const struct container *c, size_t *length)
{
    struct barrow_json json;
    char *text = NULL;
    FILE *to = open_memstream(&text, length);

    if (!to)
        return NULL;
    barrow_json_init(&json, to, 0);
    barrow_json_begin_object(&json);
    barrow_put_number(&json, "format", 1);
    barrow_put_text(&json, "barrow", BARROW_VERSION);
    barrow_json_key(&json, "summary");
    barrow_json_begin_object(&json);
    barrow_summary_json(&json, c->profile);
    barrow_json_end_object(&json);
    put_vocabulary(&json);
    put_gc(c->profile, &json);
    put_sizes(c->profile, &json);
    if (c->with_sources) {
        barrow_put_number(&json, "source_left_out", c->sources.too_large);
        barrow_put_number(&json, "source_changed", c->sources.changed);
    }
    report_heap_json(&c->heap, &json);
    barrow_report_columns_json(&c->columns, c->with_sources, &json);
    barrow_json_end_object(&json);
    bool failed = ferror(to) != 0;
    if (fclose(to) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}

/* ---- all of it ---- */

static int put_heap(struct container *c, struct barrow_error *err)
{
    c->heap.profile = c->profile;
    c->heap.columns = &c->columns;
    c->heap.known = c->names.items;
    c->heap.known_count = c->names.count;
    c->heap.add_text = add_text;
    c->heap.context = c;
    return report_heap_put(&c->heap, err);
}

static int collect(struct container *c, struct barrow_error *err)
{
    if (barrow_profile_points(c->profile, &c->points, err) < 0)
        return -1;
    if (c->with_sources && barrow_report_sources_read(&c->sources, c->profile, err) < 0)
        return -1;
    if (!add_name(c, "") || !order_sites(c))
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    put_frames(c);
    put_nodes(c);
    put_sites(c);
    put_series(c);
    put_lines(c);
    put_points(c);
    put_changes(c);
    put_sources(c);
    if (put_heap(c, err) < 0)
        return -1;
    if (c->failed || barrow_report_columns_failed(&c->columns))
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    return 0;
}

static int compress(struct container *c, barrow_gzip_sink *write, void *context,
                    struct barrow_error *err)
{
    bool large = barrow_report_columns_bytes(&c->columns) > LARGE_BYTES;
    size_t length;
    char *head = make_head(c, &length);
    struct barrow_gzip *gzip =
        head ? barrow_gzip_open(write, context, large ? LEVEL_LARGE : LEVEL_SMALL) : NULL;

    if (!gzip) {
        free(head);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    }
    unsigned char size[4] = {(unsigned char)length, (unsigned char)(length >> 8),
                             (unsigned char)(length >> 16), (unsigned char)(length >> 24)};
    barrow_gzip_write(gzip, magic, sizeof magic);
    barrow_gzip_write(gzip, size, sizeof size);
    barrow_gzip_write(gzip, head, length);
    barrow_report_columns_write(&c->columns, gzip);
    barrow_gzip_close(gzip);
    free(head);
    return 0;
}

int barrow_report_container_write(const struct barrow_profile *profile, bool sources,
                                  barrow_gzip_sink *write, void *context, struct barrow_error *err)
{
    struct container c = {.profile = profile, .with_sources = sources};
    int rc = collect(&c, err);

    if (rc == 0)
        rc = compress(&c, write, context, err);
    barrow_report_columns_free(&c.columns);
    barrow_report_sources_free(&c.sources);
    report_heap_free(&c.heap);
    barrow_points_free(&c.points);
    barrow_map_free(&c.name_map);
    free(c.names.items);
    free(c.order);
    free(c.place);
    return rc;
}
