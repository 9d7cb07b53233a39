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

/* Every frame stands in many stacks: its text is made once. */
struct folder {
    const struct barrow_profile *profile;
    struct barrow_calltree tree;
    char **texts;    /* of the frames, NULL: not made yet */
    uint32_t *stack; /* room for the deepest one */
};

static void put_name(FILE *to, const char *name)
{
    barrow_export_text(to, name, ';', ":");
}

/* NULL: no memory. */
static char *make_text(const struct barrow_frame *frame)
{
    char *text = NULL;
    size_t length;
    FILE *to = open_memstream(&text, &length);

    if (!to)
        return NULL;
    if (!*frame->function && !*frame->file)
        fputs("(no Python frame)", to);
    put_name(to, frame->function);
    if (*frame->file) {
        fputs(" (", to);
        put_name(to, frame->file);
        fprintf(to, ":%" PRIu32 ")", frame->line);
    }
    if (fclose(to) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static int put_frame(struct folder *f, FILE *to, uint32_t node)
{
    struct barrow_calltree_node *n = &f->tree.nodes[node];
    struct barrow_frame frame = barrow_calltree_frame(&f->tree, f->profile, node);

    if (n->is_folded) {
        put_name(to, frame.function);
        return 0;
    }
    if (!f->texts[n->frame] && !(f->texts[n->frame] = make_text(&frame)))
        return -1;
    fputs(f->texts[n->frame], to);
    return 0;
}

/* Writes the stack of each node that owns something. */
static int put_stacks(struct folder *f, FILE *to)
{
    const struct barrow_calltree_node *nodes = f->tree.nodes;

    for (uint32_t n = barrow_calltree_next(&f->tree, 0, 0, true); n;
         n = barrow_calltree_next(&f->tree, n, 0, true)) {
        size_t depth = 0;
        if (nodes[n].own.bytes == 0)
            continue;
        for (uint32_t up = n; up; up = nodes[up].parent)
            f->stack[depth++] = up;
        while (depth--) {
            if (put_frame(f, to, f->stack[depth]) < 0)
                return -1;
            if (depth)
                fputc(';', to);
        }
        fprintf(to, " %" PRIu64 "\n", nodes[n].own.bytes);
    }
    return 0;
}

int barrow_export_folded(const struct barrow_profile *profile, enum barrow_metric metric, FILE *to,
                         struct barrow_error *err)
{
    struct barrow_query query = {.metric = metric, .by = BARROW_BY_STACK};
    struct folder f = {.profile = profile};
    struct barrow_row *rows = NULL;
    size_t count = 0;

    if (barrow_profile_rows(profile, &query, &rows, &count, err) < 0)
        return -1;
    int rc = barrow_calltree_build(&f.tree, profile, rows, count, false, false, err);
    free(rows);
    if (rc < 0)
        return -1;
    f.stack = calloc(f.tree.count, sizeof *f.stack);
    f.texts = calloc(profile->frame_count + 1, sizeof *f.texts);
    if (!f.stack || !f.texts || put_stacks(&f, to) < 0)
        rc = barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    for (size_t i = 0; f.texts && i < profile->frame_count; i++)
        free(f.texts[i]);
    free(f.texts);
    free(f.stack);
    barrow_calltree_free(&f.tree);
    return rc;
}
