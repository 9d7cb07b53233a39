#include "table/leaks.h"

#include <stdlib.h>

#include "table/stack.h"

static int by_falling_bytes(const void *a, const void *b)
{
    const struct barrow_leak *x = a, *y = b;

    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    if (x->blocks != y->blocks)
        return x->blocks > y->blocks ? -1 : 1;
    if (x->frame != y->frame)
        return x->frame < y->frame ? -1 : 1;
    return x->node < y->node ? -1 : x->node > y->node;
}

/* Adds each row to the finding of its leaf's frame.  Rows come by falling bytes, so the first
 * stack seen of a line is its largest. */
static size_t gather(const struct barrow_profile *p, const struct barrow_row *rows, size_t count,
                     bool by_stack, uint32_t *finding_of_frame, struct barrow_leak *leaks)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t leaf = barrow_stack_leaf(p, rows[i].node);
        bool has_frame = leaf && !p->nodes[leaf].is_folded;
        uint32_t frame = has_frame ? p->nodes[leaf].frame : 0;
        uint32_t finding = by_stack ? 0 : finding_of_frame[frame];
        if (!finding) {
            leaks[found++] = (struct barrow_leak){
                .frame = frame, .node = rows[i].node, .node_bytes = rows[i].bytes};
            finding = (uint32_t)found;
            finding_of_frame[frame] = finding;
        }
        struct barrow_leak *leak = &leaks[finding - 1];
        leak->bytes += rows[i].bytes;
        leak->blocks += rows[i].blocks;
        leak->stacks++;
    }
    return found;
}

int barrow_leaks_find(const struct barrow_profile *p, const char *filter, bool by_stack,
                      struct barrow_leak **leaks, size_t *count, struct barrow_error *err)
{
    struct barrow_query query = {
        .metric = BARROW_METRIC_LEAKED, .by = BARROW_BY_STACK, .filter = filter};
    struct barrow_row *rows = NULL;
    size_t row_count = 0;

    if (barrow_profile_rows(p, &query, &rows, &row_count, err) < 0)
        return -1;
    uint32_t *finding_of_frame = calloc(p->frame_count + 1, sizeof *finding_of_frame);
    *leaks = calloc(row_count + 1, sizeof **leaks);
    if (!finding_of_frame || !*leaks) {
        free(finding_of_frame);
        free(*leaks);
        free(rows);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    }
    *count = gather(p, rows, row_count, by_stack, finding_of_frame, *leaks);
    qsort(*leaks, *count, sizeof **leaks, by_falling_bytes);
    free(finding_of_frame);
    free(rows);
    return 0;
}
