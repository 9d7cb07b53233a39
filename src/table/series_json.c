#include "table/series_json.h"

#include "table/keys.h"

static uint32_t pid_of(const struct barrow_profile *p, uint32_t process)
{
    return process < p->process_count ? p->processes[process].pid : 0;
}

static void put_samples(struct barrow_json *json, const struct barrow_profile *p, size_t limit)
{
    barrow_json_key(json, "samples");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < p->sample_count && i < limit; i++) {
        const struct barrow_sample *sample = &p->samples[i];
        barrow_json_begin_object(json);
        barrow_put_seconds(json, "time_s", sample->time_ns);
        barrow_put_number(json, "pid", pid_of(p, sample->process));
        barrow_put_number(json, "rss_bytes", sample->rss_bytes);
        if (sample->pss_bytes) /* not measured in every sample */
            barrow_put_number(json, "pss_bytes", sample->pss_bytes);
        barrow_put_number(json, "heap_bytes", sample->heap_bytes);
        barrow_put_number(json, "minor_faults", sample->minor_faults);
        barrow_put_number(json, "major_faults", sample->major_faults);
        barrow_put_number(json, "threads", sample->threads);
        if (sample->file_bytes) /* ledgers of older versions */
            barrow_put_number(json, "file_bytes", sample->file_bytes);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
}

static void put_events(struct barrow_json *json, const struct barrow_profile *p, size_t limit)
{
    barrow_json_key(json, "gc_events");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < p->gc_event_count && i < limit; i++) {
        const struct barrow_gc_event *event = &p->gc_events[i];
        barrow_json_begin_object(json);
        barrow_put_seconds(json, "time_s", event->time_ns);
        barrow_put_seconds(json, "pause_s", event->pause_ns);
        barrow_put_number(json, "pid", pid_of(p, event->process));
        barrow_put_number(json, "generation", event->generation);
        barrow_put_number(json, "collected", event->collected);
        barrow_put_number(json, "uncollectable", event->uncollectable);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
}

static void put_marks(struct barrow_json *json, const struct barrow_profile *p, size_t limit)
{
    barrow_json_key(json, "marks");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < p->mark_count && i < limit; i++) {
        barrow_json_begin_object(json);
        barrow_put_seconds(json, "time_s", p->marks[i].time_ns);
        barrow_put_number(json, "pid", pid_of(p, p->marks[i].process));
        barrow_json_key(json, "name");
        barrow_json_string(json, p->marks[i].name);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
}

static void put_generation(struct barrow_json *json, const struct ledger_gc_totals *totals)
{
    barrow_json_begin_object(json);
    barrow_put_number(json, "collections", totals->collections);
    barrow_put_number(json, "collected", totals->collected);
    barrow_put_number(json, "uncollectable", totals->uncollectable);
    barrow_put_seconds(json, "pause_s", totals->pause_ns);
    barrow_put_seconds(json, "longest_pause_s", totals->longest_ns);
    barrow_json_end_object(json);
}

/* Totals over all collections, those beyond the longest that gc_events keeps included. */
static void put_gc(struct barrow_json *json, const struct barrow_profile *p)
{
    struct ledger_gc_totals all = {0};

    for (size_t i = 0; i < LEDGER_GC_GENERATIONS; i++) {
        all.collections += p->gc[i].collections;
        all.collected += p->gc[i].collected;
        all.uncollectable += p->gc[i].uncollectable;
        all.pause_ns += p->gc[i].pause_ns;
        if (p->gc[i].longest_ns > all.longest_ns)
            all.longest_ns = p->gc[i].longest_ns;
    }
    barrow_json_key(json, "gc");
    barrow_json_begin_object(json);
    barrow_put_number(json, "collections", all.collections);
    barrow_put_number(json, "collected", all.collected);
    barrow_put_number(json, "uncollectable", all.uncollectable);
    barrow_put_seconds(json, "pause_s", all.pause_ns);
    barrow_put_seconds(json, "longest_pause_s", all.longest_ns);
    barrow_json_key(json, "generations");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < LEDGER_GC_GENERATIONS; i++)
        put_generation(json, &p->gc[i]);
    barrow_json_end_array(json);
    barrow_json_key(json, "pauses");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < LEDGER_PAUSE_BUCKETS; i++) {
        if (!p->gc_pauses[i])
            continue;
        barrow_json_begin_object(json);
        barrow_put_seconds(json, "at_least_s", (uint64_t)1 << i);
        barrow_put_number(json, "count", p->gc_pauses[i]);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
    barrow_json_end_object(json);
}

void barrow_series_json(struct barrow_json *json, const struct barrow_profile *p, size_t limit)
{
    barrow_put_seconds(json, "resolution_s", p->sample_interval_ns);
    barrow_put_seconds(json, "duration_s", p->duration_ns);
    put_samples(json, p, limit);
    put_events(json, p, limit);
    put_marks(json, p, limit);
    put_gc(json, p);
}
