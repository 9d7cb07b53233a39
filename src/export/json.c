/* The whole profile as one JSON document, in tables that refer to each other by index:
 *
 *     frames   [{"function", "file", "module", "line", "first_line"}]     0: no Python frame
 *     stacks   [{"parent", "frame"} or {"parent", "thread"}]              0: the root
 *     sites    [{"stack", "process", "domain", "frees", "peak": {"bytes", "blocks"}, ...}]
 *
 * beside the keys of `barrow summary --json` and `barrow timeline --json`.
 */
#include "export/export.h"
#include "table/keys.h"
#include "table/series_json.h"
#include "table/stack.h"
#include "table/summary.h"

static const char *const metrics[] = {
#define X(name, text, words) text,
    BARROW_METRICS(X)
#undef X
};

static void put_frames(struct barrow_json *json, const struct barrow_profile *p)
{
    barrow_json_key(json, "frames");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < p->frame_count; i++) {
        const struct barrow_frame *frame = &p->frames[i];
        barrow_json_begin_object(json);
        barrow_put_text(json, "function", frame->function);
        barrow_put_text(json, "file", frame->file);
        barrow_put_text(json, "module", frame->module);
        barrow_put_number(json, "line", frame->line);
        barrow_put_number(json, "first_line", frame->first_line);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
}

static void put_stacks(struct barrow_json *json, const struct barrow_profile *p)
{
    barrow_json_key(json, "stacks");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < p->node_count; i++) {
        const struct barrow_node *node = &p->nodes[i];
        barrow_json_begin_object(json);
        barrow_put_number(json, "parent", node->parent);
        if (node->is_thread)
            barrow_put_text(json, "thread", p->frames[node->frame].function);
        else
            barrow_put_number(json, "frame", node->frame);
        if (node->is_folded)
            barrow_put_flag(json, "left_out", true);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
}

static void put_sites(struct barrow_json *json, const struct barrow_profile *p)
{
    barrow_json_key(json, "sites");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < p->sites_count; i++) {
        const struct barrow_site *site = &p->sites[i];
        barrow_json_begin_object(json);
        barrow_put_number(json, "stack", site->node);
        barrow_put_number(json, "process", site->process);
        barrow_put_text(json, "domain", barrow_domain_name(site->domain));
        barrow_put_number(json, "frees", site->frees);
        for (size_t m = 0; m < BARROW_METRIC_COUNT; m++) {
            barrow_json_key(json, metrics[m]);
            barrow_json_begin_object(json);
            barrow_put_number(json, "bytes", site->value[m].bytes);
            barrow_put_number(json, "blocks", site->value[m].blocks);
            barrow_json_end_object(json);
        }
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
}

/* All metrics are written: `metric` says which one the user is after. */
int barrow_export_json(const struct barrow_profile *profile, enum barrow_metric metric, FILE *to,
                       struct barrow_error *err)
{
    struct barrow_json json;

    (void)err;
    barrow_json_init(&json, to, 0);
    barrow_json_begin_object(&json);
    barrow_put_text(&json, "format", "barrow profile");
    barrow_put_number(&json, "version", 1);
    barrow_put_text(&json, "metric", metrics[metric]);
    barrow_json_key(&json, "summary");
    barrow_json_begin_object(&json);
    barrow_summary_json(&json, profile);
    barrow_json_end_object(&json);
    put_frames(&json, profile);
    put_stacks(&json, profile);
    put_sites(&json, profile);
    barrow_series_json(&json, profile, SIZE_MAX);
    barrow_json_end_object(&json);
    return 0;
}
