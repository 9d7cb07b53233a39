/* The tables of a profile, and the list of all tables. */
#include "export/sql_define.h"

#include <stdlib.h>

#include "export/sql_heap.h"
#include "table/summary.h"

static struct barrow_sql_value pid(const struct barrow_profile *p, uint32_t process)
{
    return process < p->process_count ? number(p->processes[process].pid) : null();
}

/* ---- summary: one row ---- */

#define SUMMARY(X)                                                                           \
    X(command, "TEXT", SQL_PLAIN, text(p->command), "the command line")                      \
    X(python, "TEXT", SQL_PLAIN, text(p->python), "version of the interpreter")              \
    X(pid, "INTEGER", SQL_PLAIN, number(p->pid), "of the run's root process")                \
    X(mode, "TEXT", SQL_PLAIN, text(barrow_mode_name(p->mode)),                              \
      "count: every allocation is counted")                                                  \
    X(scope, "TEXT", SQL_PLAIN, text(barrow_scope_name(p->scope)),                           \
      "all, or system: Python's own allocators left out")                                    \
    X(complete, "INTEGER", SQL_PLAIN, number(p->complete), "1: recording reached its end")   \
    X(duration_s, "REAL", SQL_PLAIN, seconds(p->duration_ns), "of the recording")            \
    X(peak_bytes, "INTEGER", SQL_PLAIN, number(p->peak_bytes), "most bytes alive at once")   \
    X(peak_time_s, "REAL", SQL_PLAIN, seconds(p->peak_ns), "when that was, since the start") \
    X(live_bytes, "INTEGER", SQL_PLAIN, number(p->live_bytes),                               \
      "still allocated when recording ended")                                                \
    X(live_blocks, "INTEGER", SQL_PLAIN, number(p->live_blocks), "blocks of live_bytes")     \
    X(total_bytes, "INTEGER", SQL_PLAIN, number(p->total_bytes), "allocated in all")         \
    X(allocations, "INTEGER", SQL_PLAIN, number(p->allocations), "how many")                 \
    X(frees, "INTEGER", SQL_PLAIN, number(p->frees), "how many")                             \
    X(unknown_frees, "INTEGER", SQL_PLAIN, number(p->unknown_frees),                         \
      "of blocks older than the recording")                                                  \
    X(temporary_allocations, "INTEGER", SQL_PLAIN, number(p->temporary_allocations),         \
      "freed again at once")                                                                 \
    X(temporary_bytes, "INTEGER", SQL_PLAIN, number(p->temporary_bytes),                     \
      "bytes of temporary_allocations")                                                      \
    X(threads, "INTEGER", SQL_PLAIN, number(p->threads), "that allocated")                   \
    X(max_rss_bytes, "INTEGER", SQL_PLAIN, known(p->max_rss_bytes), "most resident memory")

static size_t summary_count(const struct barrow_sql_data *data)
{
    (void)data;
    return 1;
}
DEFINE(summary, SUMMARY, )

/* ---- processes ---- */

#define PROCESSES(X)                                                                             \
    X(id, "INTEGER", SQL_ID, number(row), "number of the process in this recording")             \
    X(pid, "INTEGER", SQL_PLAIN, number(r->pid), "the system's number")                          \
    X(parent_pid, "INTEGER", SQL_PLAIN, number(r->parent_pid), "of the process that started it") \
    X(command, "TEXT", SQL_PLAIN, text(r->command), "the command line")                          \
    X(ledger, "TEXT", SQL_PLAIN, text(r->path), "the file it was read from")                     \
    X(root, "INTEGER", SQL_PLAIN, number(r->is_root), "1: the process that the run began with")  \
    X(complete, "INTEGER", SQL_PLAIN, number(r->complete), "1: recording reached its end")       \
    X(ended, "TEXT", SQL_PLAIN, text(barrow_end_words(r->end)), "how")                           \
    X(start_s, "REAL", SQL_PLAIN, seconds(r->start_ns), "since the start of the root process")   \
    X(duration_s, "REAL", SQL_PLAIN, seconds(r->duration_ns), "of its recording")                \
    X(peak_bytes, "INTEGER", SQL_PLAIN, number(r->peak_bytes), "most bytes alive at once")       \
    X(peak_time_s, "REAL", SQL_PLAIN, seconds(r->peak_ns), "since the start of this process")    \
    X(live_bytes, "INTEGER", SQL_PLAIN, number(r->live_bytes),                                   \
      "still allocated when recording ended")                                                    \
    X(live_blocks, "INTEGER", SQL_PLAIN, number(r->live_blocks), "blocks of live_bytes")         \
    X(max_rss_bytes, "INTEGER", SQL_PLAIN, known(r->max_rss_bytes), "most resident memory")      \
    X(inherited_bytes, "INTEGER", SQL_PLAIN, number(r->inherited_bytes),                         \
      "held since the fork, counted in the parent")                                              \
    X(inherited_blocks, "INTEGER", SQL_PLAIN, number(r->inherited_blocks),                       \
      "blocks of inherited_bytes")

static size_t processes_count(const struct barrow_sql_data *data)
{
    return data->profile->process_count;
}
DEFINE(processes, PROCESSES, const struct barrow_process *r = &p->processes[row])

/* ---- sites ---- */

#define BYTES(metric) number(r->value[BARROW_METRIC_##metric].bytes)
#define BLOCKS(metric) number(r->value[BARROW_METRIC_##metric].blocks)
#define LEAF (&p->frames[leaf_frame(p, r)])

#define SITES(X)                                                                                  \
    X(id, "INTEGER", SQL_ID, number(row), "number of the site")                                   \
    X(process_id, "INTEGER", SQL_INDEX, number(r->process), "processes.id")                       \
    X(pid, "INTEGER", SQL_PLAIN, pid(p, r->process), "of the process")                            \
    X(stack_id, "INTEGER", SQL_INDEX, number(r->node), "stacks.id: the calls that led there")     \
    X(frame_id, "INTEGER", SQL_INDEX, known(leaf_frame(p, r)),                                    \
      "frames.id: the line that allocates; NULL: no Python frame")                                \
    X(domain, "TEXT", SQL_PLAIN, text(barrow_domain_name(r->domain)), "obj, mem, malloc or mmap") \
    X(thread, "TEXT", SQL_PLAIN, text(p->frames[data->threads[r->node]].function),                \
      "name of the thread, its digits as *")                                                      \
    X(function, "TEXT", SQL_PLAIN, text(LEAF->function), "of that line; NULL: no Python frame")   \
    X(file, "TEXT", SQL_PLAIN, text(LEAF->file), "of that line")                                  \
    X(module, "TEXT", SQL_PLAIN, text(LEAF->module), "of that line")                              \
    X(line, "INTEGER", SQL_PLAIN, known(LEAF->line), "of the file")                               \
    X(peak_bytes, "INTEGER", SQL_PLAIN, BYTES(PEAK), "alive when the program used most memory")   \
    X(peak_blocks, "INTEGER", SQL_PLAIN, BLOCKS(PEAK), "blocks of peak_bytes")                    \
    X(leaked_bytes, "INTEGER", SQL_PLAIN, BYTES(LEAKED), "still allocated when recording ended")  \
    X(leaked_blocks, "INTEGER", SQL_PLAIN, BLOCKS(LEAKED), "blocks of leaked_bytes")              \
    X(total_bytes, "INTEGER", SQL_PLAIN, BYTES(TOTAL), "allocated in all")                        \
    X(total_blocks, "INTEGER", SQL_PLAIN, BLOCKS(TOTAL), "allocations")                           \
    X(temporary_bytes, "INTEGER", SQL_PLAIN, BYTES(TEMPORARY), "freed again at once")             \
    X(temporary_blocks, "INTEGER", SQL_PLAIN, BLOCKS(TEMPORARY), "blocks of temporary_bytes")     \
    X(frees, "INTEGER", SQL_PLAIN, number(r->frees), "how many")

static size_t sites_count(const struct barrow_sql_data *data)
{
    return data->profile->sites_count;
}
DEFINE(sites, SITES, const struct barrow_site *r = &p->sites[row])

/* ---- stacks and frames ---- */

#define HAS_FRAME (row && !r->is_thread && !r->is_folded)

#define STACKS(X)                                                              \
    X(id, "INTEGER", SQL_ID, number(row), "0: the root of all")                \
    X(parent_id, "INTEGER", SQL_INDEX, row ? number(r->parent) : null(),       \
      "stacks.id: the caller; NULL: none")                                     \
    X(depth, "INTEGER", SQL_PLAIN, number(data->depths[row]),                  \
      "Python frames from the thread's first call")                            \
    X(frame_id, "INTEGER", SQL_INDEX, HAS_FRAME ? number(r->frame) : null(),   \
      "frames.id: the innermost call; NULL: a thread's root, or left out")     \
    X(thread, "TEXT", SQL_PLAIN, text(p->frames[data->threads[row]].function), \
      "name of the thread, its digits as *")                                   \
    X(left_out, "INTEGER", SQL_PLAIN, number(r->is_folded),                    \
      "1: stands for frames left out to keep the table budget")

static size_t stacks_count(const struct barrow_sql_data *data)
{
    return data->profile->node_count;
}
DEFINE(stacks, STACKS, const struct barrow_node *r = &p->nodes[row])

#define FRAMES(X)                                                            \
    X(id, "INTEGER", SQL_ID, number(row), "number of the frame")             \
    X(function, "TEXT", SQL_PLAIN, text(r->function), "qualified name")      \
    X(file, "TEXT", SQL_PLAIN, text(r->file), "as the code object names it") \
    X(module, "TEXT", SQL_PLAIN, text(r->module), "dotted name")             \
    X(line, "INTEGER", SQL_PLAIN, known(r->line), "NULL: not known")         \
    X(first_line, "INTEGER", SQL_PLAIN, known(r->first_line), "of the function")

static size_t frames_count(const struct barrow_sql_data *data)
{
    return data->profile->frame_count;
}
static bool frames_has(const struct barrow_sql_data *data, size_t row)
{
    return row > 0 && data->is_code[row];
}
DEFINE(frames, FRAMES, const struct barrow_frame *r = &p->frames[row])

/* ---- over time ---- */

#define SAMPLES(X)                                                                            \
    X(time_s, "REAL", SQL_PLAIN, seconds(r->time_ns), "since the start of the root process")  \
    X(process_id, "INTEGER", SQL_INDEX, number(r->process), "processes.id")                   \
    X(pid, "INTEGER", SQL_PLAIN, pid(p, r->process), "of the process")                        \
    X(rss_bytes, "INTEGER", SQL_PLAIN, number(r->rss_bytes), "resident memory")               \
    X(pss_bytes, "INTEGER", SQL_PLAIN, known(r->pss_bytes),                                   \
      "the same, shared pages divided by their users; NULL: not measured")                    \
    X(file_bytes, "INTEGER", SQL_PLAIN, known(r->file_bytes),                                 \
      "of rss_bytes: pages of files and shared memory; NULL: not measured")                   \
    X(heap_bytes, "INTEGER", SQL_PLAIN, number(r->heap_bytes), "allocated and not freed")     \
    X(minor_faults, "INTEGER", SQL_PLAIN, number(r->minor_faults), "since the process began") \
    X(major_faults, "INTEGER", SQL_PLAIN, number(r->major_faults), "since the process began") \
    X(threads, "INTEGER", SQL_PLAIN, number(r->threads), "of the process")

static size_t samples_count(const struct barrow_sql_data *data)
{
    return data->profile->sample_count;
}
DEFINE(samples, SAMPLES, const struct barrow_sample *r = &p->samples[row])

#define GC(X)                                                               \
    X(time_s, "REAL", SQL_PLAIN, seconds(r->time_ns), "when it began")      \
    X(process_id, "INTEGER", SQL_INDEX, number(r->process), "processes.id") \
    X(pid, "INTEGER", SQL_PLAIN, pid(p, r->process), "of the process")      \
    X(pause_s, "REAL", SQL_PLAIN, seconds(r->pause_ns), "how long it took") \
    X(generation, "INTEGER", SQL_PLAIN, number(r->generation), "0 to 2")    \
    X(collected, "INTEGER", SQL_PLAIN, number(r->collected), "objects")     \
    X(uncollectable, "INTEGER", SQL_PLAIN, number(r->uncollectable), "objects")

static size_t gc_count(const struct barrow_sql_data *data)
{
    return data->profile->gc_event_count;
}
DEFINE(gc, GC, const struct barrow_gc_event *r = &p->gc_events[row])

#define MARKS(X)                                                                             \
    X(time_s, "REAL", SQL_PLAIN, seconds(r->time_ns), "since the start of the root process") \
    X(process_id, "INTEGER", SQL_INDEX, number(r->process), "processes.id")                  \
    X(pid, "INTEGER", SQL_PLAIN, pid(p, r->process), "of the process")                       \
    X(name, "TEXT", SQL_PLAIN, text(r->name), "what the program calls it")                   \
    X(duration_s, "REAL", SQL_PLAIN, seconds(r->duration_ns), "0: a moment")

static size_t marks_count(const struct barrow_sql_data *data)
{
    return data->profile->mark_count;
}
DEFINE(marks, MARKS, const struct barrow_mark *r = &p->marks[row])

#define CHECKPOINTS(X)                                                                         \
    X(id, "INTEGER", SQL_ID, number(row), "by time")                                           \
    X(time_s, "REAL", SQL_PLAIN, seconds(r->time_ns), "since the start of the root process")   \
    X(process_id, "INTEGER", SQL_INDEX, number(r->process), "processes.id")                    \
    X(pid, "INTEGER", SQL_PLAIN, pid(p, r->process), "of the process")                         \
    X(live_bytes, "INTEGER", SQL_PLAIN, number(r->live_bytes), "allocated and not freed then") \
    X(is_peak, "INTEGER", SQL_PLAIN, number(r->is_peak), "1: the exact peak")                  \
    X(is_end, "INTEGER", SQL_PLAIN, number(r->is_end), "1: the end of the process")

static size_t checkpoints_count(const struct barrow_sql_data *data)
{
    return data->points.count;
}
DEFINE(checkpoints, CHECKPOINTS, const struct barrow_point *r = &data->points.points[row])

#define CHANGES(X)                                                                               \
    X(checkpoint_id, "INTEGER", SQL_INDEX, number(data->change_points[row]), "checkpoints.id")   \
    X(site_id, "INTEGER", SQL_INDEX, number(r->site), "sites.id")                                \
    X(held_bytes, "INTEGER", SQL_PLAIN, number(r->live.bytes), "of the site at that checkpoint") \
    X(held_blocks, "INTEGER", SQL_PLAIN, number(r->live.blocks), "blocks of held_bytes")

static size_t changes_count(const struct barrow_sql_data *data)
{
    return data->points.change_count;
}
DEFINE(changes, CHANGES, const struct barrow_change *r = &data->points.changes[row])

/* ---- sizes: a row for each domain and bucket that has something ---- */

/* The largest size that goes into a bucket; see LEDGER_SIZE_BUCKETS. */
static uint64_t bucket_end(size_t bucket)
{
    if (bucket <= 32)
        return bucket * 16;
    size_t octave = 9 + (bucket - 33) / 4, quarter = (bucket - 33) % 4;
    return ((uint64_t)5 + quarter) << (octave - 2);
}

#define DOMAIN (row / LEDGER_SIZE_BUCKETS)
#define BUCKET (row % LEDGER_SIZE_BUCKETS)

#define SIZES(X)                                                                         \
    X(domain, "TEXT", SQL_PLAIN, text(barrow_domain_name((enum ledger_domain)DOMAIN)),   \
      "obj, mem, malloc or mmap")                                                        \
    X(from_bytes, "INTEGER", SQL_PLAIN, number(BUCKET ? bucket_end(BUCKET - 1) + 1 : 0), \
      "the smallest size of the row")                                                    \
    X(to_bytes, "INTEGER", SQL_PLAIN, number(bucket_end(BUCKET)), "the largest")         \
    X(allocations, "INTEGER", SQL_PLAIN, number(p->sizes[DOMAIN][BUCKET]), "of such a size")

static size_t sizes_count(const struct barrow_sql_data *data)
{
    (void)data;
    return (size_t)LEDGER_DOMAIN_COUNT * LEDGER_SIZE_BUCKETS;
}
static bool sizes_has(const struct barrow_sql_data *data, size_t row)
{
    return data->profile->sizes[DOMAIN][BUCKET] != 0;
}
DEFINE(sizes, SIZES, )

/* ---- the tables themselves ---- */

#define TABLES(X)                                             \
    X(name, "TEXT", SQL_PLAIN, text(r->name), "of the table") \
    X(about, "TEXT", SQL_PLAIN, text(r->about), "what a row of it is")

static size_t tables_count(const struct barrow_sql_data *data)
{
    size_t count = 0;

    (void)data;
    while (barrow_sql_tables[count])
        count++;
    return count;
}
DEFINE(tables, TABLES, const struct barrow_sql_table *r = barrow_sql_tables[row])

/* A row number is table * 32 + column. */
enum { MOST_COLUMNS = 32 };

#define COLUMNS(X)                                                                      \
    X(table_name, "TEXT", SQL_PLAIN, text(barrow_sql_tables[row / MOST_COLUMNS]->name), \
      "tables.name")                                                                    \
    X(name, "TEXT", SQL_PLAIN, text(r->name), "of the column")                          \
    X(type, "TEXT", SQL_PLAIN, text(r->type), "TEXT, INTEGER or REAL")                  \
    X(about, "TEXT", SQL_PLAIN, text(r->about), "what it is")

static size_t columns_count(const struct barrow_sql_data *data)
{
    return tables_count(data) * MOST_COLUMNS;
}
static bool columns_has(const struct barrow_sql_data *data, size_t row)
{
    (void)data;
    return row % MOST_COLUMNS < barrow_sql_tables[row / MOST_COLUMNS]->column_count;
}
DEFINE(columns, COLUMNS,
       const struct barrow_sql_column *r =
           &barrow_sql_tables[row / MOST_COLUMNS]->columns[row % MOST_COLUMNS])

static TABLE(summary, "the recording as a whole: one row", .needs = SQL_NEEDS_NOTHING);
static TABLE(processes, "a process of the run", .needs = SQL_NEEDS_NOTHING);
static TABLE(sites, "a stack that allocated, in one domain and process: its counters",
             .needs = SQL_NEEDS_NOTHING);
static TABLE(stacks, "a call and its callers: a node of the call tree", .needs = SQL_NEEDS_NOTHING);
static TABLE(frames, "a line of a function", .has = frames_has);
static TABLE(samples, "the memory of a process at a time", .needs = SQL_NEEDS_NOTHING);
static TABLE(gc, "one of the longest garbage collections", .needs = SQL_NEEDS_NOTHING);
static TABLE(marks, "a moment or a span that the program gave a name", .needs = SQL_NEEDS_NOTHING);
static TABLE(checkpoints, "a time at which it is known what lived", .needs = SQL_NEEDS_POINTS);
static TABLE(changes, "what a site held at a checkpoint, where that changed",
             .needs = SQL_NEEDS_POINTS);
static TABLE(sizes, "how many allocations had a size", .has = sizes_has);
static TABLE(tables, "these tables", .needs = SQL_NEEDS_NOTHING);
static TABLE(columns, "their columns", .has = columns_has);

const struct barrow_sql_table *const barrow_sql_tables[] = {
    &barrow_sql_table_summary,
    &barrow_sql_table_processes,
    &barrow_sql_table_sites,
    &barrow_sql_table_stacks,
    &barrow_sql_table_frames,
    &barrow_sql_table_samples,
    &barrow_sql_table_gc,
    &barrow_sql_table_marks,
    &barrow_sql_table_checkpoints,
    &barrow_sql_table_changes,
    &barrow_sql_table_sizes,
#define X(name) &barrow_sql_table_##name,
    BARROW_SQL_HEAP_TABLES(X)
#undef X
        & barrow_sql_table_tables,
    &barrow_sql_table_columns,
    NULL,
};

/* ---- data ---- */

static void walk_nodes(struct barrow_sql_data *data)
{
    const struct barrow_profile *p = data->profile;

    for (size_t i = 1; i < p->node_count; i++) { /* parents come first */
        const struct barrow_node *node = &p->nodes[i];
        data->threads[i] = node->is_thread ? node->frame : data->threads[node->parent];
        data->depths[i] = data->depths[node->parent] + !node->is_thread;
        if (!node->is_thread && !node->is_folded)
            data->is_code[node->frame] = true;
    }
}

int barrow_sql_data_init(struct barrow_sql_data *data, const struct barrow_profile *profile,
                         struct barrow_error *err)
{
    *data = (struct barrow_sql_data){.profile = profile};
    data->threads = calloc(profile->node_count + 1, sizeof *data->threads);
    data->depths = calloc(profile->node_count + 1, sizeof *data->depths);
    data->is_code = calloc(profile->frame_count + 1, sizeof *data->is_code);
    if (!data->threads || !data->depths || !data->is_code) {
        barrow_sql_data_free(data);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    }
    walk_nodes(data);
    return 0;
}

static int load_points(struct barrow_sql_data *data, struct barrow_error *err)
{
    struct barrow_points *points = &data->points;

    if (data->has_points)
        return 0;
    if (barrow_profile_points(data->profile, points, err) < 0)
        return -1;
    data->change_points = calloc(points->change_count + 1, sizeof *data->change_points);
    if (!data->change_points) {
        barrow_points_free(points);
        *points = (struct barrow_points){0};
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < points->count; i++)
        for (size_t k = 0; k < points->points[i].count; k++)
            data->change_points[points->points[i].first + k] = (uint32_t)i;
    data->has_points = true;
    return 0;
}

bool barrow_sql_is_loaded(const struct barrow_sql_data *data, enum barrow_sql_need need)
{
    if (need == SQL_NEEDS_POINTS)
        return data->has_points;
    return need == SQL_NEEDS_NOTHING || barrow_sql_heaps_are_loaded(data->heaps, need);
}

int barrow_sql_load(struct barrow_sql_data *data, enum barrow_sql_need need,
                    struct barrow_error *err)
{
    if (need == SQL_NEEDS_NOTHING)
        return 0;
    if (need == SQL_NEEDS_POINTS)
        return load_points(data, err);
    return barrow_sql_heaps_load(data, need, err);
}

void barrow_sql_data_free(struct barrow_sql_data *data)
{
    barrow_sql_heaps_free(data->heaps);
    free(data->threads);
    free(data->depths);
    free(data->is_code);
    free(data->change_points);
    if (data->has_points)
        barrow_points_free(&data->points);
    *data = (struct barrow_sql_data){0};
}
