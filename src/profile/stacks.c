/* Stacks: a ledger's nodes become the profile's.
 *
 *     ledger    17 {parent 9, code 4, offset 31}       profile    6 {parent 3, frame 12}
 *               23 {parent 9, code 4, offset 33}  ──►             (both, if their lines are equal)
 *
 * A node's chain is climbed until a node that is known already, then followed back down, each
 * step entering (parent, frame) into the profile's tree.  So chains of any depth need no recursion,
 * every node is done once, and a forged loop is seen as a node that is still in work.
 */
#include <stdlib.h>

#include "profile/member.h"

static const char unknown_function[] = "?";
static const char folded_function[] = "[frames left out]";

static bool look_up_code(struct profile_member *member, struct profile_names *names,
                         struct profile_code *code, const struct ledger_code *record)
{
    struct profile_text *function = profile_member_text(member, names, record->name);
    struct profile_text *file = profile_member_text(member, names, record->file);
    if (function && function->length == 0) /* lost: "" would say that there is no Python frame */
        function = profile_text(names, unknown_function, sizeof unknown_function - 1);
    if (!function || !file)
        return false;
    code->module = profile_module_of(&member->modules, names, file);
    code->function = function;
    code->file = file;
    return code->module != NULL;
}

static bool look_up_lines(struct profile_member *member, struct profile_code *code,
                          const struct ledger_code *record)
{
    const char *table;
    uint32_t length;
    code->has_lines = true;
    if (!barrow_ledger_string(member->ledger, record->line_table, &table, &length) ||
        length > member->line_budget)
        return true;
    member->line_budget -= length;
    return barrow_lines_decode(&code->lines, table, length, record->first_line);
}

uint32_t profile_member_line(struct profile_member *member, struct profile_names *names,
                             uint32_t index, uint32_t line)
{
    uint32_t count;
    const struct ledger_code *record = barrow_ledger_codes(member->ledger, &count) + index;
    struct profile_code *code = &member->codes[index];
    if (!code->function && !look_up_code(member, names, code, record))
        return PROFILE_NO_MEMORY;
    struct barrow_frame frame = {.function = code->function->chars,
                                 .file = code->file->chars,
                                 .module = code->module,
                                 .line = line,
                                 .first_line = record->first_line};
    return profile_frame(names, &frame);
}

static uint32_t make_frame(struct profile_member *member, struct profile_names *names,
                           uint32_t index, int32_t unit)
{
    uint32_t count;
    const struct ledger_code *record = barrow_ledger_codes(member->ledger, &count) + index;
    struct profile_code *code = &member->codes[index];
    if (!code->has_lines && !look_up_lines(member, code, record))
        return PROFILE_NO_MEMORY;
    uint32_t line = barrow_lines_at(&code->lines, unit);
    return profile_member_line(member, names, index, line ? line : record->first_line);
}

uint32_t profile_member_frame(struct profile_member *member, struct profile_names *names,
                              uint32_t code, int32_t unit)
{
    uint32_t hash = barrow_hash_1((uint64_t)code << 32 | (uint32_t)unit);
    struct profile_seen *seen = &member->seen[hash & member->seen_mask];
    if (seen->code == code && seen->unit == unit)
        return seen->frame;
    uint32_t frame = make_frame(member, names, code, unit);
    if (frame != PROFILE_NO_MEMORY)
        *seen = (struct profile_seen){code, unit, frame};
    return frame;
}

/* A frame that is no code: a thread group, or the place of frames left out. */
static uint32_t named_frame(struct profile_names *names, const char *name, size_t length)
{
    struct profile_text *text = profile_text(names, name, length);
    if (!text)
        return PROFILE_NO_MEMORY;
    struct barrow_frame frame = {
        .function = text->chars, .file = names->empty, .module = names->empty};
    return profile_frame(names, &frame);
}

bool profile_member_threads(struct profile_member *member, struct profile_names *names)
{
    uint32_t count, nodes = member->ledger->tables[LEDGER_NODES].count;
    const struct ledger_thread_group *groups = barrow_ledger_thread_groups(member->ledger, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (groups[i].node == 0 || groups[i].node >= nodes)
            continue;
        struct profile_text *name = profile_member_text(member, names, groups[i].name);
        uint32_t frame = name ? named_frame(names, name->chars, name->length) : PROFILE_NO_MEMORY;
        uint32_t node =
            frame == PROFILE_NO_MEMORY ? frame : profile_node(names, 0, frame, PROFILE_THREAD);
        if (node == PROFILE_NO_MEMORY)
            return false;
        member->nodes[groups[i].node] = node;
    }
    return true;
}

/* The profile's node for one record below `above`. */
static uint32_t step_down(struct profile_member *member, struct profile_names *names,
                          const struct ledger_node *node, uint32_t above)
{
    enum profile_node_kind kind = PROFILE_CODE;
    uint32_t frame;
    if (node->code == LEDGER_CODE_ALIAS)
        return above;
    if (node->code == LEDGER_CODE_FOLDED) {
        kind = PROFILE_FOLDED;
        frame = named_frame(names, folded_function, sizeof folded_function - 1);
    } else if (node->code == 0 || node->code >= member->ledger->tables[LEDGER_CODES].count) {
        member->unknown_nodes++;
        return above;
    } else {
        frame = profile_member_frame(member, names, node->code, node->offset);
    }
    return frame == PROFILE_NO_MEMORY ? frame : profile_node(names, above, frame, kind);
}

uint32_t profile_member_node(struct profile_member *member, struct profile_names *names,
                             uint32_t index)
{
    uint32_t count, depth = 0, above = 0;
    const struct ledger_node *nodes = barrow_ledger_nodes(member->ledger, &count);
    uint32_t at = index;
    while (at != 0 && at < count && member->nodes[at] == PROFILE_NODE_UNRESOLVED) {
        member->nodes[at] = PROFILE_NODE_IN_WORK;
        member->climb[depth++] = at;
        at = nodes[at].parent;
    }
    if (at != 0 && at < count && member->nodes[at] != PROFILE_NODE_IN_WORK)
        above = member->nodes[at];
    else if (at != 0)
        member->unknown_nodes++; /* a parent that isn't there, or a loop */
    while (depth > 0) {
        at = member->climb[--depth];
        above = step_down(member, names, &nodes[at], above);
        if (above == PROFILE_NO_MEMORY)
            return above;
        member->nodes[at] = above;
    }
    return above;
}
