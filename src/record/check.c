/* Check mode: every capture is compared with a walk that knows nothing of caches, keys or nodes.
 *
 * The frames are followed one by one from the leaf, and each one's file name, qualified name, first
 * line and instruction offset are compared, as text and numbers, with what the ledger says about
 * the node that the capture gave. */
#include <stdio.h>
#include <string.h>

#include "cpython/object.h"
#include "record/state.h"

static bool same_text(uint32_t offset, PyObject *text)
{
    char buffer[4096];
    uint32_t bytes, stored;
    const uint8_t *at = barrow_recorder.writer.tables[LEDGER_STRINGS].base + offset;
    const char *data = barrow_text_look(text, buffer, sizeof buffer, &bytes);
    memcpy(&stored, at, 4);
    return stored == bytes && memcmp(at + 4, data, bytes) == 0;
}

static bool same_frame(const struct ledger_node *node, const barrow_frame *f)
{
    struct barrow_code_view view;
    barrow_code_look(barrow_frame_code(f), &view);
    const struct ledger_code *code =
        ledger_record(&barrow_recorder.writer, LEDGER_CODES, node->code);
    int64_t offset = ((int64_t)barrow_frame_instruction(f) - (int64_t)view.first_instruction) / 2;
    return offset == node->offset && code->first_line == view.first_line &&
           same_text(code->file, view.file) && same_text(code->name, view.qualified_name);
}

void barrow_stack_check(struct barrow_thread *t, PyThreadState *state,
                        const struct barrow_leaf *leaf)
{
    struct recorder *r = &barrow_recorder;
    if (leaf->node == NODE_FOLDED)
        return;
    uint32_t id = leaf->node;
    bool same = true;
    for (barrow_frame *f = barrow_frame_top(state); f && same; f = barrow_frame_previous(f)) {
        if (barrow_frame_is_hidden(f))
            continue;
        const struct ledger_node *node = ledger_record(&r->writer, LEDGER_NODES, id);
        same = node->parent != 0 && node->code != 0 && node->code < LEDGER_CODE_FOLDED &&
               same_frame(node, f);
        id = node->parent;
    }
    const struct ledger_node *root = ledger_record(&r->writer, LEDGER_NODES, id);
    same = same && root->parent == 0 && root->code == 0 && (t->root == NODE_NONE || id == t->root);
    __atomic_add_fetch(&r->state->checked_captures, 1, __ATOMIC_RELAXED);
    if (!same)
        __atomic_add_fetch(&r->state->capture_mismatches, 1, __ATOMIC_RELAXED);
}
