#include "profile/member.h"

#include <stdlib.h>

#define LINE_BUDGET (64ull << 20)

bool profile_member_init(struct profile_member *member, struct barrow_ledger *ledger)
{
    uint32_t codes = ledger->tables[LEDGER_CODES].count;
    uint32_t nodes = ledger->tables[LEDGER_NODES].count;
    uint32_t sites = ledger->tables[LEDGER_SITES].count;
    uint32_t strings = ledger->tables[LEDGER_STRINGS].count;

    *member = (struct profile_member){.ledger = ledger};
    /* An honest ledger's strings don't overlap: each byte is looked at once, but a line table by
     * all the codes that have an equal one.  Forged offsets end here instead of in quadratic work.
     */
    member->string_budget = strings;
    member->line_budget = 4 * (uint64_t)strings + LINE_BUDGET;
    profile_modules_init(&member->modules, ledger);
    member->codes = calloc(codes + 1u, sizeof *member->codes);
    member->seen_mask = 15;
    while (member->seen_mask < nodes / 2 && member->seen_mask < PROFILE_SEEN_MOST - 1)
        member->seen_mask = member->seen_mask * 2 + 1;
    member->seen = calloc(member->seen_mask + 1u, sizeof *member->seen);
    member->nodes = malloc((nodes + 1u) * sizeof *member->nodes);
    member->climb = malloc((nodes + 1u) * sizeof *member->climb);
    member->site_count = sites;
    member->sites = calloc(sites + 1u, sizeof *member->sites);
    bool ok = member->codes && member->seen && member->nodes && member->climb && member->sites &&
              barrow_array_add(&member->strings);
    for (uint32_t i = 0; ok && i <= nodes; i++)
        member->nodes[i] = PROFILE_NODE_UNRESOLVED;
    return ok;
}

void profile_member_trim(struct profile_member *member)
{
    struct barrow_ledger *ledger = member->ledger;
    if (member->codes)
        for (uint32_t i = 0; i < ledger->tables[LEDGER_CODES].count; i++)
            barrow_lines_free(&member->codes[i].lines);
    free(member->codes);
    free(member->seen);
    free(member->nodes);
    free(member->climb);
    free(member->strings.items);
    barrow_map_free(&member->string_map);
    member->codes = NULL;
    member->seen = NULL;
    member->nodes = member->climb = NULL;
    member->strings.items = NULL;
    for (enum ledger_kind kind = 1; ledger && kind < LEDGER_KIND_LIMIT; kind++)
        if (kind != LEDGER_CHECKPOINTS)
            barrow_ledger_drop_table(ledger, kind);
}

void profile_member_free(struct profile_member *member)
{
    if (!member->ledger)
        return;
    profile_member_trim(member);
    free(member->sites);
    barrow_ledger_free(member->ledger);
    *member = (struct profile_member){0};
}

#define SAME_OFFSET(strings, i, key) ((strings)[i].offset == (key))
BARROW_MAP_FIND(find_string, const struct profile_string *, uint32_t, SAME_OFFSET)

struct profile_text *profile_member_text(struct profile_member *member, struct profile_names *names,
                                         uint32_t offset)
{
    if (!barrow_map_reserve(&member->string_map, 1))
        return NULL;
    uint32_t hash = barrow_hash_1(offset);
    uint32_t *found = find_string(&member->string_map, member->strings.items, offset, hash);
    if (*found)
        return member->strings.items[*found].text;

    const char *bytes = "";
    uint32_t length = 0;
    if (!barrow_ledger_string(member->ledger, offset, &bytes, &length) ||
        length > member->string_budget) {
        bytes = "";
        length = 0;
    }
    member->string_budget -= length;
    struct profile_text *text = profile_text(names, bytes, length);
    struct profile_string *string = text ? barrow_array_add(&member->strings) : NULL;
    if (!string)
        return NULL;
    *string = (struct profile_string){.offset = offset, .text = text};
    barrow_map_fill(&member->string_map, found, hash, (uint32_t)member->strings.count - 1);
    return text;
}
