/* A profile out of opened ledgers. */
#include "profile/build.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

int profile_no_memory(struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the profile");
}

/* ---- one ledger ---- */

static bool is_complete(uint32_t end)
{
    switch (end) {
#define X(number, name, complete, words) \
    case LEDGER_END_##name:              \
        return complete;
        LEDGER_ENDS(X)
#undef X
    }
    return false;
}

/* An end that a newer barrow has come to know counts as none. */
static enum ledger_end end_of(const struct ledger_state *state)
{
#define X(number, name, complete, words) \
    if (state->end == number)            \
        return number;
    LEDGER_ENDS(X)
#undef X
    return LEDGER_END_NONE;
}

static uint64_t duration_of(const struct barrow_ledger *ledger)
{
    uint32_t count;
    const struct ledger_sample *samples = barrow_ledger_samples(ledger, &count);
    if (is_complete(ledger->state.end) && ledger->state.end_ns)
        return ledger->state.end_ns;
    uint64_t last = ledger->state.now_ns;
    for (uint32_t i = 0; i < count; i++)
        if (samples[i].time_ns > last)
            last = samples[i].time_ns;
    return last;
}

/* The words of a command, joined by spaces, quoted as a shell needs them. */
static const char *command_text(struct profile_names *names, const struct ledger_header *header)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./=:,+@%";
    struct barrow_buffer text = {0};
    const char *at = header->command, *end = at + header->command_bytes;
    while (at < end) {
        size_t length = strnlen(at, (size_t)(end - at));
        bool quote = length == 0 || strspn(at, plain) < length;
        if (text.used)
            barrow_buffer_add_byte(&text, ' ');
        if (quote)
            barrow_buffer_add_byte(&text, '\'');
        for (size_t i = 0; i < length; i++) {
            if (at[i] == '\'')
                barrow_buffer_add_text(&text, "'\\''");
            else
                barrow_buffer_add_byte(&text, at[i]);
        }
        if (quote)
            barrow_buffer_add_byte(&text, '\'');
        at += length + 1;
    }
    struct profile_text *kept = text.failed ? NULL : profile_text(names, text.bytes, text.used);
    barrow_buffer_free(&text);
    return kept ? kept->chars : NULL;
}

static void add_state(struct barrow_profile *profile, const struct ledger_state *state)
{
    profile->unknown_frees += state->unknown_frees + state->native_unknown_frees;
    profile->checked_captures += state->checked_captures;
    profile->capture_mismatches += state->capture_mismatches;
    profile->peak_imprecision_bytes += state->native_imprecision_bytes;
    profile->threads += state->threads;
    if (state->max_rss_bytes > profile->max_rss_bytes)
        profile->max_rss_bytes = state->max_rss_bytes;
    if (state->sample_interval_ns > profile->sample_interval_ns)
        profile->sample_interval_ns = state->sample_interval_ns;
    for (int i = 0; i < LEDGER_DROP_LIMIT; i++)
        profile->dropped[i] += state->dropped[i];
    for (int i = 0; i < LEDGER_PAUSE_BUCKETS; i++)
        profile->gc_pauses[i] += state->gc_pauses[i];
    for (int domain = 0; domain < LEDGER_DOMAIN_COUNT; domain++)
        for (int i = 0; i < LEDGER_SIZE_BUCKETS; i++)
            profile->sizes[domain][i] += state->sizes[domain][i];
    for (int i = 0; i < LEDGER_GC_GENERATIONS; i++) {
        profile->gc[i].collections += state->gc[i].collections;
        profile->gc[i].collected += state->gc[i].collected;
        profile->gc[i].uncollectable += state->gc[i].uncollectable;
        profile->gc[i].pause_ns += state->gc[i].pause_ns;
        if (state->gc[i].longest_ns > profile->gc[i].longest_ns)
            profile->gc[i].longest_ns = state->gc[i].longest_ns;
    }
}

static bool fill_process(struct profile_build *build, struct profile_member *member,
                         struct barrow_process *process)
{
    const struct barrow_ledger *ledger = member->ledger;
    const struct ledger_header *header = &ledger->header;
    struct profile_text *path = profile_text(&build->names, ledger->path, strlen(ledger->path));
    const char *command = command_text(&build->names, header);
    if (!path || !command)
        return false;
    *process = (struct barrow_process){
        .path = path->chars,
        .command = command,
        .pid = header->pid,
        .parent_pid = header->parent_pid,
        .is_root = header->is_root == 1,
        .end = end_of(&ledger->state),
        .complete = is_complete(ledger->state.end),
        .start_ns = member->start_ns,
        .duration_ns = duration_of(ledger),
        .max_rss_bytes = ledger->state.max_rss_bytes,
    };
    return true;
}

static void add_process(struct barrow_profile *profile, const struct barrow_process *process)
{
    profile->complete = profile->complete && process->complete;
    profile->live_bytes += process->live_bytes;
    profile->live_blocks += process->live_blocks;
    profile->inherited_bytes += process->inherited_bytes;
    profile->inherited_blocks += process->inherited_blocks;
    if (process->start_ns + process->duration_ns > profile->duration_ns)
        profile->duration_ns = process->start_ns + process->duration_ns;
}

static void copy_warnings(struct profile_build *build, const struct profile_member *member)
{
    const struct barrow_ledger *ledger = member->ledger;
    for (size_t i = 0; i < ledger->warnings.count; i++)
        barrow_notes_add(&build->warnings, "%s: %s", ledger->path, ledger->warnings.items[i]);
    if (member->unknown_nodes)
        barrow_notes_add(&build->warnings, "%s: %" PRIu32 " stacks are incomplete", ledger->path,
                         member->unknown_nodes);
}

bool profile_build_add(struct profile_build *build, struct barrow_ledger *ledger)
{
    struct profile_member *member = barrow_array_add(&build->internal->members);
    struct barrow_process *process = member ? barrow_array_add(&build->processes) : NULL;
    if (!process) {
        barrow_ledger_free(ledger);
        return false;
    }
    if (!profile_member_init(member, ledger))
        return false;
    uint64_t start = ledger->header.start_monotonic_ns;
    if (build->internal->members.count == 1)
        build->epoch_ns = start;
    member->process = (uint32_t)build->internal->members.count - 1;
    member->start_ns = start > build->epoch_ns ? start - build->epoch_ns : 0;
    if (!fill_process(build, member, process) || !profile_member_threads(member, &build->names) ||
        !profile_build_sites(build, member, process) || !profile_build_series(build, member) ||
        !profile_build_profiled(build, member))
        return false;
    add_state(build->profile, &ledger->state);
    add_process(build->profile, process);
    copy_warnings(build, member);
    profile_member_trim(member);
    return true;
}

/* ---- the whole ---- */

static uint64_t count_stacks(const struct profile_build *build)
{
    uint64_t stacks = 0;
    unsigned char *seen = calloc(build->names.nodes.count, 1);
    for (size_t i = 0; seen && i < build->sites.count; i++) {
        unsigned char *mark = &seen[build->sites.items[i].node];
        stacks += !*mark;
        *mark = 1;
    }
    free(seen);
    return stacks;
}

static bool fill_head(struct profile_build *build)
{
    struct barrow_profile *profile = build->profile;
    const struct ledger_header *header = &build->internal->members.items[0].ledger->header;
    const struct barrow_process *root = &build->processes.items[0];
    struct profile_text *python =
        profile_text(&build->names, header->python_version, strcspn(header->python_version, " "));
    if (!python)
        return false;
    profile->python = python->chars;
    profile->command = root->command;
    profile->pid = root->pid;
    profile->mode = header->mode;
    profile->scope = header->scope;
    profile->start_realtime_ns = header->start_realtime_ns;
    profile->peak_bytes = root->peak_bytes;
    profile->peak_ns = root->start_ns + root->peak_ns;
    return true;
}

static void hand_over(struct profile_build *build)
{
    struct barrow_profile *profile = build->profile;
    profile->stack_count = count_stacks(build);
    profile->site_count = build->sites.count;
#define HAND_OVER(array, field, number) \
    profile->field = (array).items;     \
    profile->number = (array).count;    \
    (array).items = NULL;
    HAND_OVER(build->names.frames, frames, frame_count)
    HAND_OVER(build->names.nodes, nodes, node_count)
    HAND_OVER(build->sites, sites, sites_count)
    HAND_OVER(build->samples, samples, sample_count)
    HAND_OVER(build->gc_events, gc_events, gc_event_count)
    HAND_OVER(build->marks, marks, mark_count)
    HAND_OVER(build->profiled, profiled, profiled_count)
    HAND_OVER(build->processes, processes, process_count)
    HAND_OVER(build->warnings, warnings, warning_count)
#undef HAND_OVER
    build->internal->arena = build->names.arena;
    build->names.arena = (struct barrow_arena){0};
}

int profile_build_finish(struct profile_build *build, struct barrow_error *err)
{
    profile_build_sort_series(build);
    profile_build_sum_profiled(build);
    if (!fill_head(build))
        return profile_no_memory(err);
    if (build->internal->members.count > 1 && !profile_build_merged_peak(build))
        return profile_no_memory(err);
    hand_over(build);
    return 0;
}

int profile_build_begin(struct profile_build *build, struct barrow_error *err)
{
    *build = (struct profile_build){.profile = calloc(1, sizeof *build->profile)};
    if (!build->profile)
        return profile_no_memory(err);
    build->profile->complete = true;
    build->profile->internal = build->internal = calloc(1, sizeof *build->internal);
    return build->internal && profile_names_init(&build->names) ? 0 : profile_no_memory(err);
}

void profile_build_end(struct profile_build *build, struct barrow_profile **out, int result)
{
    free(build->last_site.items);
    free(build->earlier_site.items);
    profile_names_finish(&build->names);
    free(build->names.frames.items);
    free(build->names.nodes.items);
    barrow_arena_free(&build->names.arena);
    free(build->sites.items);
    free(build->samples.items);
    free(build->gc_events.items);
    free(build->marks.items);
    free(build->profiled.items);
    free(build->processes.items);
    if (build->warnings.items)
        barrow_notes_free(&build->warnings);
    if (result == 0)
        *out = build->profile;
    else
        barrow_profile_free(build->profile);
}

void barrow_profile_free(struct barrow_profile *profile)
{
    if (!profile)
        return;
    struct profile_internal *internal = profile->internal;
    if (internal) {
        for (size_t i = 0; i < internal->members.count; i++)
            profile_member_free(&internal->members.items[i]);
        free(internal->members.items);
        barrow_arena_free(&internal->arena);
        free(internal);
    }
    for (size_t i = 0; i < profile->warning_count; i++)
        free(profile->warnings[i]);
    free(profile->warnings);
    free(profile->frames);
    free(profile->nodes);
    free(profile->sites);
    free(profile->samples);
    free(profile->gc_events);
    free(profile->marks);
    free(profile->profiled);
    free(profile->processes);
    free(profile);
}
