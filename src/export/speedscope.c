/* speedscope: one document with a profile for each metric; `metric` is the one that it opens with.
 *
 *     shared.frames [{"name", "file", "line"}]      [0]: no Python frame, [frame_count]: left out
 *     profiles [{"type": "sampled", "samples": [[frame index, root first], ...], "weights": [bytes,
 * ...]}]
 *
 * Thread groups are left out; stacks that differ in nothing else become one.
 */
#include <stdlib.h>

#include "export/export.h"
#include "export/text.h"
#include "table/calltree.h"
#include "table/keys.h"
#include "table/stack.h"

static const struct {
    const char *name, *words;
} metrics[] = {
#define X(name, text, words) {text, words},
    BARROW_METRICS(X)
#undef X
};

static void put_frame(struct barrow_json *json, const struct barrow_frame *frame)
{
    barrow_json_begin_object(json);
    barrow_export_put_text(json, "name", frame->function);
    if (*frame->file) {
        barrow_export_put_text(json, "file", frame->file);
        if (frame->line)
            barrow_put_number(json, "line", frame->line);
    }
    barrow_json_end_object(json);
}

static void put_frames(struct barrow_json *json, const struct barrow_profile *p)
{
    static const struct barrow_frame none = {.function = "(no Python frame)", .file = ""};
    static const struct barrow_frame left_out = {.function = BARROW_FOLDED_NAME, .file = ""};

    barrow_json_key(json, "shared");
    barrow_json_begin_object(json);
    barrow_json_key(json, "frames");
    barrow_json_begin_array(json);
    put_frame(json, &none);
    for (size_t i = 1; i < p->frame_count; i++)
        put_frame(json, &p->frames[i]);
    put_frame(json, &left_out);
    barrow_json_end_array(json);
    barrow_json_end_object(json);
}

/* The tree's nodes that own something: their weights, or their stacks. */
static uint64_t put_weights(struct barrow_json *json, const struct barrow_calltree *tree)
{
    uint64_t sum = 0;

    barrow_json_key(json, "weights");
    barrow_json_begin_array(json);
    for (uint32_t n = barrow_calltree_next(tree, 0, 0, true); n;
         n = barrow_calltree_next(tree, n, 0, true)) {
        if (!tree->nodes[n].own.bytes)
            continue;
        barrow_json_uint(json, tree->nodes[n].own.bytes);
        sum += tree->nodes[n].own.bytes;
    }
    barrow_json_end_array(json);
    return sum;
}

static void put_samples(struct barrow_json *json, const struct barrow_calltree *tree,
                        size_t frame_count, uint32_t *stack)
{
    barrow_json_key(json, "samples");
    barrow_json_begin_array(json);
    for (uint32_t n = barrow_calltree_next(tree, 0, 0, true); n;
         n = barrow_calltree_next(tree, n, 0, true)) {
        size_t depth = 0;
        if (!tree->nodes[n].own.bytes)
            continue;
        for (uint32_t up = n; up; up = tree->nodes[up].parent)
            stack[depth++] = up;
        barrow_json_begin_array(json);
        while (depth--) {
            const struct barrow_calltree_node *node = &tree->nodes[stack[depth]];
            barrow_json_uint(json, node->is_folded ? frame_count : node->frame);
        }
        barrow_json_end_array(json);
    }
    barrow_json_end_array(json);
}

static int put_profile(struct barrow_json *json, const struct barrow_profile *p,
                       enum barrow_metric metric, struct barrow_error *err)
{
    struct barrow_query query = {.metric = metric, .by = BARROW_BY_STACK};
    struct barrow_calltree tree;
    struct barrow_row *rows = NULL;
    size_t count = 0;

    if (barrow_profile_rows(p, &query, &rows, &count, err) < 0)
        return -1;
    int rc = barrow_calltree_build(&tree, p, rows, count, false, false, err);
    free(rows);
    if (rc < 0)
        return -1;
    uint32_t *stack = calloc(tree.count, sizeof *stack);
    if (stack) {
        barrow_json_begin_object(json);
        barrow_put_text(json, "type", "sampled");
        barrow_put_text(json, "name", metrics[metric].words);
        barrow_put_text(json, "unit", "bytes");
        put_samples(json, &tree, p->frame_count, stack);
        uint64_t sum = put_weights(json, &tree);
        barrow_put_number(json, "startValue", 0);
        barrow_put_number(json, "endValue", sum);
        barrow_json_end_object(json);
    } else {
        rc = barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    }
    free(stack);
    barrow_calltree_free(&tree);
    return rc;
}

int barrow_export_speedscope(const struct barrow_profile *profile, enum barrow_metric metric,
                             FILE *to, struct barrow_error *err)
{
    struct barrow_json json;
    int rc = 0;

    barrow_json_init(&json, to, 0);
    barrow_json_begin_object(&json);
    barrow_put_text(&json, "$schema", "https://www.speedscope.app/file-format-schema.json");
    barrow_put_text(&json, "exporter", "barrow@" BARROW_VERSION);
    barrow_export_put_text(&json, "name", profile->command ? profile->command : "");
    barrow_put_number(&json, "activeProfileIndex", metric);
    put_frames(&json, profile);
    barrow_json_key(&json, "profiles");
    barrow_json_begin_array(&json);
    for (int m = 0; m < BARROW_METRIC_COUNT && rc == 0; m++)
        rc = put_profile(&json, profile, (enum barrow_metric)m, err);
    barrow_json_end_array(&json);
    barrow_json_end_object(&json);
    return rc;
}
