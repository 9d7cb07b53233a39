/* Nodes of the profile become traces when an object was born in them or below:
 *
 *     profile's nodes      0   1   2   3   4   5       parents first
 *     trace of each        1   2   0   3   3   0       0: none; 4 is a thread's root or too deep:
 * its parent's
 */
#include "export/snapshot_traces.h"

#include <inttypes.h>
#include <stdlib.h>

#include "table/stack.h"

enum { MOST_CALLS = 500, ROOT = 1 };

struct maker {
    struct snapshot_traces *traces;
    const struct barrow_profile *profile;
    struct snapshot_strings *strings;
    uint32_t *trace;    /* by node of the profile; while marking: 1 if it is wanted */
    uint32_t *depth;    /* by trace */
    uint32_t *function; /* by frame, and one for frames left out: number + 1, 0: none yet */
};

/* ---- which sites and nodes are wanted ---- */

static uint32_t count_sites(const struct barrow_heap *heap)
{
    uint32_t most = 0;

    for (uint32_t i = 1; i <= heap->object_count; i++)
        if (heap->birth[i] > most && heap->birth[i] != UINT32_MAX)
            most = heap->birth[i];
    return most + 1;
}

/* Marks the nodes that lead to births; for the time being, of_site is the node of each site. */
static void mark(struct maker *m, const struct barrow_heap *heap, uint32_t process)
{
    struct snapshot_traces *t = m->traces;

    for (uint32_t i = 1; i <= heap->object_count; i++) {
        uint32_t birth = heap->birth[i];
        if (birth == 0 || birth >= t->site_count || t->of_site[birth])
            continue;
        uint32_t site = barrow_profile_site_of(m->profile, process, birth);
        if (site == BARROW_NO_SITE)
            continue;
        uint32_t node = m->profile->sites[site].node;
        t->of_site[birth] = node;
        for (; node && !m->trace[node]; node = m->profile->nodes[node].parent)
            m->trace[node] = 1;
    }
}

/* ---- traces ---- */

static uint32_t function_of(struct maker *m, uint32_t node)
{
    const struct barrow_profile *p = m->profile;
    struct barrow_frame frame = barrow_stack_frame(p, node);
    uint32_t *number =
        &m->function[p->nodes[node].is_folded ? p->frame_count : p->nodes[node].frame];

    if (*number == 0) {
        m->traces->functions[m->traces->function_count] = (struct snapshot_function){
            .name = snapshot_string(m->strings, frame.function),
            .file = snapshot_string(m->strings, frame.file),
            .line = frame.line,
        };
        *number = ++m->traces->function_count;
    }
    return *number - 1;
}

static void make_trace(struct maker *m, uint32_t node)
{
    struct snapshot_traces *t = m->traces;
    const struct barrow_node *n = &m->profile->nodes[node];
    uint32_t parent = m->trace[n->parent];

    if (n->is_thread || m->depth[parent] >= MOST_CALLS) {
        m->trace[node] = parent;
        return;
    }
    uint32_t number = t->trace_count++;
    t->traces[number] = (struct snapshot_trace){
        .parent = parent,
        .function = function_of(m, node),
        .next_sibling = t->traces[parent].first_child,
    };
    t->traces[parent].first_child = number;
    m->depth[number] = m->depth[parent] + 1;
    m->trace[node] = number;
}

static void make_traces(struct maker *m)
{
    struct snapshot_traces *t = m->traces;

    t->functions[0] = (struct snapshot_function){.name = snapshot_string(m->strings, "(root)")};
    t->function_count = 1;
    t->trace_count = ROOT + 1;
    m->trace[0] = ROOT;
    for (uint32_t node = 1; node < m->profile->node_count; node++)
        if (m->trace[node])
            make_trace(m, node);
    for (uint32_t i = 0; i < t->site_count; i++)
        if (t->of_site[i])
            t->of_site[i] = m->trace[t->of_site[i]];
}

/* What was allocated at each trace; at least what the snapshot has of it, which is counted in the
 * allocator's own sizes. */
static void add_values(struct maker *m, const struct barrow_heap *heap)
{
    const struct barrow_profile *p = m->profile;
    struct snapshot_traces *t = m->traces;

    for (size_t i = 0; i < p->sites_count; i++) {
        uint32_t trace = p->sites[i].node ? m->trace[p->sites[i].node] : 0;
        if (!trace)
            continue;
        t->traces[trace].count += p->sites[i].value[BARROW_METRIC_TOTAL].blocks;
        t->traces[trace].bytes += p->sites[i].value[BARROW_METRIC_TOTAL].bytes;
    }
    for (uint32_t i = 1; i <= heap->object_count; i++) {
        uint32_t trace = snapshot_trace_of(t, heap, i);
        t->traces[trace].live += barrow_heap_bytes(heap, i);
    }
    for (uint32_t i = 1; i < t->trace_count; i++)
        if (t->traces[i].bytes < t->traces[i].live)
            t->traces[i].bytes = t->traces[i].live;
}

int snapshot_traces_init(struct snapshot_traces *traces, const struct barrow_heap *heap,
                         const struct barrow_profile *profile, uint32_t process,
                         struct snapshot_strings *strings, struct barrow_error *err)
{
    struct maker m = {.traces = traces, .profile = profile, .strings = strings};
    size_t nodes = profile ? profile->node_count : 0;
    int rc = 0;

    *traces = (struct snapshot_traces){0};
    if (!heap->birth || nodes == 0)
        return 0;
    traces->site_count = count_sites(heap);
    traces->of_site = calloc(traces->site_count, sizeof *traces->of_site);
    traces->traces = calloc(nodes + 2, sizeof *traces->traces);
    traces->functions = calloc(profile->frame_count + 2, sizeof *traces->functions);
    m.trace = calloc(nodes, sizeof *m.trace);
    m.depth = calloc(nodes + 2, sizeof *m.depth);
    m.function = calloc(profile->frame_count + 1, sizeof *m.function);
    if (traces->of_site && traces->traces && traces->functions && m.trace && m.depth &&
        m.function) {
        mark(&m, heap, process);
        make_traces(&m);
        add_values(&m, heap);
    } else {
        snapshot_traces_free(traces);
        rc = barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    }
    free(m.function);
    free(m.depth);
    free(m.trace);
    return rc;
}

void snapshot_traces_free(struct snapshot_traces *traces)
{
    free(traces->of_site);
    free(traces->traces);
    free(traces->functions);
    *traces = (struct snapshot_traces){0};
}

/* ---- writing ---- */

/* id, function, count, bytes, children: from the root down, without recursion. */
static void put_tree(const struct snapshot_traces *t, FILE *to)
{
    uint32_t at = ROOT;

    for (;;) {
        const struct snapshot_trace *trace = &t->traces[at];
        fprintf(to, "%" PRIu32 ",%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",[", at, trace->function,
                trace->count, trace->bytes);
        if (trace->first_child) {
            at = trace->first_child;
            continue;
        }
        fputc(']', to);
        while (!t->traces[at].next_sibling) {
            if (at == ROOT)
                return;
            at = t->traces[at].parent;
            fputc(']', to);
        }
        fputc(',', to);
        at = t->traces[at].next_sibling;
    }
}

void snapshot_traces_write(const struct snapshot_traces *t, FILE *to)
{
    fputs("\"trace_function_infos\":[", to);
    for (uint32_t i = 0; i < t->function_count; i++)
        fprintf(to, "%s%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",0,%" PRIu32 ",0", i ? ",\n" : "", i,
                t->functions[i].name, t->functions[i].file, t->functions[i].line);
    fputs("],\n\"trace_tree\":[", to);
    if (t->trace_count)
        put_tree(t, to);
    fputs("],\n", to);
}
