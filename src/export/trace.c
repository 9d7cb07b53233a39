/* Trace events (the JSON of Chrome's tracing, which Perfetto reads): memory over time.
 *
 * A process of the run is a process of the trace.  Counters: RSS, heap, file-backed pages, each a
 * track of its own.  Collections are slices of one line (the interpreter lock keeps them apart);
 * marks with a duration may overlap in any way, so they are a begin and an end of their own number.
 * Times are microseconds since the start of the run's root process.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/units.h"
#include "export/export.h"
#include "export/text.h"
#include "table/keys.h"

enum { LINE_MAIN = 1, LINE_GC = 2 }; /* thread numbers: made up */

static uint32_t pid_of(const struct barrow_profile *p, uint32_t process)
{
    return process < p->process_count ? p->processes[process].pid : 0;
}

/* JSON's doubles hold microseconds with three decimals for 285 years. */
static void put_us(struct barrow_json *json, const char *key, uint64_t ns)
{
    barrow_json_key(json, key);
    if (ns % 1000)
        barrow_json_double(json, (double)ns / 1000);
    else
        barrow_json_uint(json, ns / 1000);
}

static void begin_event(struct barrow_json *json, const char *phase, const char *name, uint32_t pid,
                        uint64_t time_ns)
{
    barrow_json_begin_object(json);
    barrow_put_text(json, "ph", phase);
    barrow_export_put_text(json, "name", name);
    barrow_put_number(json, "pid", pid);
    put_us(json, "ts", time_ns);
}

static void begin_args(struct barrow_json *json)
{
    barrow_json_key(json, "args");
    barrow_json_begin_object(json);
}

static void end_args(struct barrow_json *json)
{
    barrow_json_end_object(json);
    barrow_json_end_object(json);
}

static void put_name(struct barrow_json *json, const char *what, uint32_t pid, uint32_t line,
                     const char *name)
{
    begin_event(json, "M", what, pid, 0);
    if (line)
        barrow_put_number(json, "tid", line);
    begin_args(json);
    barrow_export_put_text(json, "name", name);
    end_args(json);
}

static void put_counter(struct barrow_json *json, const char *name, uint32_t pid, uint64_t time_ns,
                        uint64_t bytes)
{
    begin_event(json, "C", name, pid, time_ns);
    begin_args(json);
    barrow_put_number(json, "bytes", bytes);
    end_args(json);
}

static void put_instant(struct barrow_json *json, const char *category, const char *name,
                        uint32_t pid, uint64_t time_ns)
{
    begin_event(json, "i", name, pid, time_ns);
    barrow_put_text(json, "cat", category);
    barrow_put_number(json, "tid", LINE_MAIN);
    barrow_put_text(json, "s", "p"); /* a line through all of the process */
    barrow_json_end_object(json);
}

static void put_processes(struct barrow_json *json, const struct barrow_profile *p)
{
    for (size_t i = 0; i < p->process_count; i++) {
        const struct barrow_process *process = &p->processes[i];
        uint64_t end_ns = process->start_ns + process->duration_ns;
        char size[BARROW_UNITS_ROOM], peak[BARROW_UNITS_ROOM + 16];

        put_name(json, "process_name", process->pid, 0, process->command ? process->command : "");
        put_name(json, "thread_name", process->pid, LINE_MAIN, "marks");
        put_name(json, "thread_name", process->pid, LINE_GC, "garbage collector");
        if (process->peak_bytes) {
            snprintf(peak, sizeof peak, "heap peak %s",
                     barrow_units_bytes(size, process->peak_bytes));
            put_instant(json, "peak", peak, process->pid, process->start_ns + process->peak_ns);
        }
        /* Else its last values seem to go on to the end of the run. */
        if (end_ns < p->duration_ns) {
            put_counter(json, "RSS", process->pid, end_ns, 0);
            put_counter(json, "heap", process->pid, end_ns, 0);
        }
    }
}

static void put_samples(struct barrow_json *json, const struct barrow_profile *p)
{
    for (size_t i = 0; i < p->sample_count; i++) {
        const struct barrow_sample *sample = &p->samples[i];
        uint32_t pid = pid_of(p, sample->process);

        put_counter(json, "RSS", pid, sample->time_ns, sample->rss_bytes);
        put_counter(json, "heap", pid, sample->time_ns, sample->heap_bytes);
        if (sample->file_bytes) /* else not measured */
            put_counter(json, "file-backed", pid, sample->time_ns, sample->file_bytes);
    }
}

static void put_collections(struct barrow_json *json, const struct barrow_profile *p)
{
    for (size_t i = 0; i < p->gc_event_count; i++) {
        const struct barrow_gc_event *event = &p->gc_events[i];
        char name[32];

        snprintf(name, sizeof name, "gc generation %" PRIu32, event->generation);
        begin_event(json, "X", name, pid_of(p, event->process), event->time_ns);
        barrow_put_text(json, "cat", "gc");
        barrow_put_number(json, "tid", LINE_GC);
        put_us(json, "dur", event->pause_ns);
        begin_args(json);
        barrow_put_number(json, "collected", event->collected);
        barrow_put_number(json, "uncollectable", event->uncollectable);
        end_args(json);
    }
}

static void put_bound(struct barrow_json *json, const char *phase, const struct barrow_mark *mark,
                      uint32_t pid, uint64_t time_ns, size_t number)
{
    begin_event(json, phase, mark->name, pid, time_ns);
    barrow_put_text(json, "cat", "mark");
    barrow_put_number(json, "tid", LINE_MAIN);
    barrow_put_number(json, "id", number);
    barrow_json_end_object(json);
}

static void put_marks(struct barrow_json *json, const struct barrow_profile *p)
{
    for (size_t i = 0; i < p->mark_count; i++) {
        const struct barrow_mark *mark = &p->marks[i];
        uint32_t pid = pid_of(p, mark->process);

        if (mark->duration_ns) {
            put_bound(json, "b", mark, pid, mark->time_ns, i + 1);
            put_bound(json, "e", mark, pid, mark->time_ns + mark->duration_ns, i + 1);
        } else {
            put_instant(json, "mark", mark->name, pid, mark->time_ns);
        }
    }
}

/* Memory over time knows no metrics. */
int barrow_export_trace(const struct barrow_profile *profile, enum barrow_metric metric, FILE *to,
                        struct barrow_error *err)
{
    struct barrow_json json;

    (void)metric;
    (void)err;
    barrow_json_init(&json, to, 0);
    barrow_json_begin_object(&json);
    barrow_put_text(&json, "displayTimeUnit", "ms");
    barrow_json_key(&json, "traceEvents");
    barrow_json_begin_array(&json);
    put_processes(&json, profile);
    put_samples(&json, profile);
    put_collections(&json, profile);
    put_marks(&json, profile);
    barrow_json_end_array(&json);
    barrow_json_end_object(&json);
    return 0;
}
