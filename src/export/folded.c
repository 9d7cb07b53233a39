/* Folded stacks: one line `root;caller;leaf bytes` a stack, a frame being
 * `qualified_name (file:line)`.
 *
 * Readers split at the last blank and at every `;`, and lines at line feeds, so those are replaced
 * inside names. Thread groups are left out; stacks that differ in nothing else become one.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "export/export.h"
#include "export/text.h"
#include "table/calltree.h"

static void put_name(FILE *to, const char *name)
{
    barrow_export_text(to, name, ';', ":");
}

static void put_frame(FILE *to, const struct barrow_calltree *tree,
                      const struct barrow_profile *profile, uint32_t node)
{
    struct barrow_frame frame = barrow_calltree_frame(tree, profile, node);

    if (!*frame.function && !*frame.file) {
        fputs("(no Python frame)", to);
        return;
    }
    put_name(to, frame.function);
    if (!*frame.file)
        return;
    fputs(" (", to);
    put_name(to, frame.file);
    fprintf(to, ":%" PRIu32 ")", frame.line);
}

/* Writes the stack of each node that owns something.  `stack` has room for the deepest one. */
static void put_stacks(FILE *to, const struct barrow_calltree *tree,
                       const struct barrow_profile *profile, uint32_t *stack)
{
    for (uint32_t n = barrow_calltree_next(tree, 0, 0, true); n;
         n = barrow_calltree_next(tree, n, 0, true)) {
        size_t depth = 0;
        if (tree->nodes[n].own.bytes == 0)
            continue;
        for (uint32_t up = n; up; up = tree->nodes[up].parent)
            stack[depth++] = up;
        while (depth--) {
            put_frame(to, tree, profile, stack[depth]);
            if (depth)
                fputc(';', to);
        }
        fprintf(to, " %" PRIu64 "\n", tree->nodes[n].own.bytes);
    }
}

int barrow_export_folded(const struct barrow_profile *profile, enum barrow_metric metric, FILE *to,
                         struct barrow_error *err)
{
    struct barrow_query query = {.metric = metric, .by = BARROW_BY_STACK};
    struct barrow_calltree tree = {NULL, 0};
    struct barrow_row *rows = NULL;
    uint32_t *stack = NULL;
    size_t count = 0;
    int rc = barrow_profile_rows(profile, &query, &rows, &count, err);

    if (rc == 0)
        rc = barrow_calltree_build(&tree, profile, rows, count, false, false, err);
    if (rc == 0 && !(stack = calloc(tree.count, sizeof *stack)))
        rc = barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    if (rc == 0)
        put_stacks(to, &tree, profile, stack);
    free(stack);
    free(rows);
    barrow_calltree_free(&tree);
    return rc;
}
