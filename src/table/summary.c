#include "table/summary.h"

#include <stdlib.h>

#include "table/keys.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const domain_names[] = {
#define X(number, name, text) [number] = text,
    LEDGER_DOMAINS(X)
#undef X
};
static const char *const end_words[] = {
#define X(number, name, complete, words) [number] = words,
    LEDGER_ENDS(X)
#undef X
};
static const struct drop {
    const char *name, *words;
} drops[LEDGER_DROP_LIMIT] = {
#define X(number, name, words) [number] = {#name, words},
    LEDGER_DROPS(X)
#undef X
};

const char *barrow_mode_name(enum ledger_mode mode)
{
    return mode == LEDGER_MODE_COUNT    ? "count"
           : mode == LEDGER_MODE_EVENTS ? "events"
           : mode == LEDGER_MODE_SAMPLE ? "sample"
                                        : "unknown";
}

const char *barrow_scope_name(enum ledger_scope scope)
{
    return scope == LEDGER_SCOPE_SYSTEM ? "system" : "all";
}

const char *barrow_domain_name(enum ledger_domain domain)
{
    return domain < COUNT(domain_names) ? domain_names[domain] : "unknown";
}

const char *barrow_end_words(enum ledger_end end)
{
    return end < COUNT(end_words) && end_words[end] ? end_words[end] : "in an unknown way";
}

const struct barrow_process *barrow_deciding_process(const struct barrow_profile *p)
{
    const struct barrow_process *told = NULL;

    for (size_t i = 0; i < p->process_count; i++) {
        const struct barrow_process *process = &p->processes[i];
        if (!told || (told->complete && (!process->complete || process->is_root)))
            told = process;
    }
    return told;
}

const char *barrow_drop_words(enum ledger_drop drop)
{
    return drop < LEDGER_DROP_LIMIT ? drops[drop].words : NULL;
}

/* ---- JSON ---- */

static void put_dropped(struct barrow_json *json, const struct barrow_profile *p)
{
    barrow_json_key(json, "dropped");
    barrow_json_begin_object(json);
    for (size_t i = 0; i < LEDGER_DROP_LIMIT; i++)
        if (drops[i].name)
            barrow_put_number(json, drops[i].name, p->dropped[i]);
    barrow_json_end_object(json);
}

static void put_process(struct barrow_json *json, const struct barrow_process *process)
{
    barrow_json_begin_object(json);
    barrow_put_number(json, "pid", process->pid);
    barrow_put_number(json, "parent_pid", process->parent_pid);
    barrow_put_text(json, "command", process->command);
    barrow_put_text(json, "file", process->path);
    barrow_put_flag(json, "root", process->is_root);
    barrow_put_flag(json, "complete", process->complete);
    barrow_put_text(json, "ended", barrow_end_words(process->end));
    barrow_put_seconds(json, "start_s", process->start_ns);
    barrow_put_seconds(json, "duration_s", process->duration_ns);
    barrow_put_number(json, "peak_bytes", process->peak_bytes);
    barrow_put_seconds(json, "peak_time_s", process->peak_ns);
    barrow_put_number(json, "live_bytes", process->live_bytes);
    barrow_put_number(json, "live_blocks", process->live_blocks);
    barrow_put_number(json, "max_rss_bytes", process->max_rss_bytes);
    barrow_put_number(json, "inherited_bytes", process->inherited_bytes);
    barrow_put_number(json, "inherited_blocks", process->inherited_blocks);
    barrow_json_end_object(json);
}

void barrow_summary_json(struct barrow_json *json, const struct barrow_profile *p)
{
    const struct barrow_process *decider = barrow_deciding_process(p);

    barrow_put_text(json, "command", p->command);
    barrow_put_text(json, "python", p->python);
    barrow_put_number(json, "pid", p->pid);
    barrow_put_text(json, "mode", barrow_mode_name(p->mode));
    barrow_put_text(json, "scope", barrow_scope_name(p->scope));
    barrow_put_flag(json, "complete", p->complete);
    barrow_put_text(json, "ended", decider ? barrow_end_words(decider->end) : "");
    barrow_put_seconds(json, "duration_s", p->duration_ns);
    barrow_put_number(json, "peak_bytes", p->peak_bytes);
    barrow_put_seconds(json, "peak_time_s", p->peak_ns);
    barrow_put_number(json, "peak_imprecision_bytes", p->peak_imprecision_bytes);
    barrow_put_number(json, "live_bytes", p->live_bytes);
    barrow_put_number(json, "live_blocks", p->live_blocks);
    barrow_put_number(json, "total_bytes", p->total_bytes);
    barrow_put_number(json, "allocations", p->allocations);
    barrow_put_number(json, "frees", p->frees);
    barrow_put_number(json, "unknown_frees", p->unknown_frees);
    barrow_put_number(json, "checked_captures", p->checked_captures);
    barrow_put_number(json, "capture_mismatches", p->capture_mismatches);
    barrow_put_number(json, "temporary_allocations", p->temporary_allocations);
    barrow_put_number(json, "temporary_bytes", p->temporary_bytes);
    barrow_put_number(json, "inherited_bytes", p->inherited_bytes);
    barrow_put_number(json, "inherited_blocks", p->inherited_blocks);
    barrow_put_number(json, "sites", p->site_count);
    barrow_put_number(json, "stacks", p->stack_count);
    barrow_put_number(json, "threads", p->threads);
    barrow_put_number(json, "max_rss_bytes", p->max_rss_bytes);
    put_dropped(json, p);
    barrow_json_key(json, "processes");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < p->process_count; i++)
        put_process(json, &p->processes[i]);
    barrow_json_end_array(json);
    barrow_json_key(json, "warnings");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < p->warning_count; i++)
        barrow_json_string(json, p->warnings[i]);
    barrow_json_end_array(json);
}
