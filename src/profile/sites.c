/* Sites: counters become values. */
#include "profile/build.h"

#include <string.h>

static uint64_t above_zero(uint64_t more, uint64_t less)
{
    return more > less ? more - less : 0; /* less: damaged, or read in the middle of an update */
}

/* The sums over a range of sites; what is live in `live`. */
static struct barrow_value live_of_range(const struct ledger_site *sites, uint32_t first,
                                         uint32_t end)
{
    struct barrow_value live = {0};
    for (uint32_t i = first; i < end; i++) {
        live.bytes += above_zero(sites[i].allocated_bytes, sites[i].freed_bytes);
        live.blocks += above_zero(sites[i].allocations, sites[i].frees);
    }
    return live;
}

/* What was live at the process' own peak, by the rule of format.h. */
static struct barrow_value at_peak(const struct profile_member *member,
                                   const struct ledger_site *site, struct barrow_value live)
{
    if (member->open_climb || site->epoch != member->ledger->state.epoch)
        return live;
    return (struct barrow_value){site->at_peak_bytes, site->at_peak_blocks};
}

/* The profile's site of that node, domain and process, new or not: its index + 1; 0: no memory.
 * A node's sites form a chain, the newest first; those of this process stand at its head. */
static uint32_t enter_site(struct profile_build *build, const struct barrow_site *key)
{
    while (build->last_site.count <= key->node)
        if (!barrow_array_add(&build->last_site))
            return 0;
    uint32_t *last = &build->last_site.items[key->node];
    for (uint32_t i = *last; i; i = build->earlier_site.items[i - 1]) {
        const struct barrow_site *site = &build->sites.items[i - 1];
        if (site->process != key->process)
            break;
        if (site->domain == key->domain)
            return i;
    }
    struct barrow_site *site =
        build->sites.count < UINT32_MAX - 1 ? barrow_array_add(&build->sites) : NULL;
    uint32_t *earlier = site ? barrow_array_add(&build->earlier_site) : NULL;
    if (!earlier)
        return 0;
    *site = *key;
    *earlier = *last;
    *last = (uint32_t)build->sites.count;
    return *last;
}

static void add_value(struct barrow_site *site, enum barrow_metric metric,
                      struct barrow_value value)
{
    site->value[metric].bytes += value.bytes;
    site->value[metric].blocks += value.blocks;
}

static bool add_site(struct profile_build *build, struct profile_member *member, uint32_t index,
                     const struct ledger_site *from, const struct ledger_site_info *info)
{
    uint32_t node = profile_member_node(member, &build->names, info ? info->node : 0);
    uint32_t domain = info ? info->domain_next & 15 : LEDGER_DOMAIN_MALLOC;
    if (node == PROFILE_NO_MEMORY)
        return false;
    struct barrow_site key = {
        .node = node,
        .process = member->process,
        .domain = domain < LEDGER_DOMAIN_COUNT ? domain : LEDGER_DOMAIN_MALLOC,
    };
    uint32_t number = enter_site(build, &key);
    if (number == 0)
        return false;
    member->sites[index] = number;

    struct barrow_site *site = &build->sites.items[number - 1];
    struct barrow_value live = {above_zero(from->allocated_bytes, from->freed_bytes),
                                above_zero(from->allocations, from->frees)};
    add_value(site, BARROW_METRIC_PEAK, at_peak(member, from, live));
    add_value(site, BARROW_METRIC_LEAKED, live);
    add_value(site, BARROW_METRIC_TOTAL,
              (struct barrow_value){from->allocated_bytes, from->allocations});
    add_value(site, BARROW_METRIC_TEMPORARY,
              (struct barrow_value){from->temporary_bytes, from->temporaries});
    site->frees += from->frees;

    struct barrow_profile *profile = build->profile;
    profile->total_bytes += from->allocated_bytes;
    profile->allocations += from->allocations;
    profile->frees += from->frees;
    profile->temporary_bytes += from->temporary_bytes;
    profile->temporary_allocations += from->temporaries;
    return true;
}

/* The highest live total, and when. */
static void decide_peak(struct profile_member *member, struct barrow_process *process,
                        struct barrow_value live)
{
    const struct ledger_state *state = &member->ledger->state;
    int64_t total = (int64_t)((uint64_t)state->live_bytes + (uint64_t)state->native_live_bytes);
    uint64_t best = state->best_bytes > 0 ? (uint64_t)state->best_bytes : 0;
    /* The sites' sum is exact where the total is not (threads fold their part into it late), unless
     * sites are lost. */
    if (member->ledger->tables[LEDGER_SITES].lost + member->ledger->tables[LEDGER_SITES].missing &&
        total > 0 && (uint64_t)total > live.bytes)
        live.bytes = (uint64_t)total;
    member->open_climb = live.bytes > best;
    process->peak_bytes = member->open_climb ? live.bytes : best;
    process->peak_ns = member->open_climb ? process->duration_ns : state->best_ns;
}

bool profile_build_sites(struct profile_build *build, struct profile_member *member,
                         struct barrow_process *process)
{
    static const struct ledger_site nothing;
    const struct barrow_ledger *ledger = member->ledger;
    uint32_t count, infos, inherited = ledger->header.inherited_sites;
    const struct ledger_site *sites = barrow_ledger_sites(ledger, &count);
    const struct ledger_site_info *info = barrow_ledger_site_info(ledger, &infos);
    uint32_t first = inherited < count ? inherited + 1 : count;

    struct barrow_value live = live_of_range(sites, first, count);
    process->live_bytes = live.bytes;
    process->live_blocks = live.blocks;
    decide_peak(member, process, live);

    process->inherited_bytes = ledger->state.inherited_bytes;
    process->inherited_blocks = ledger->state.inherited_blocks;
    if (process->inherited_blocks == 0)
        for (uint32_t i = 1; i < first; i++) {
            process->inherited_bytes += sites[i].allocated_bytes;
            process->inherited_blocks += sites[i].allocations;
        }

    /* Mostly each site brings a node; room made at once saves growing step by step. */
    if (!barrow_array_reserve(&build->sites, build->sites.count + (count - first)) ||
        !barrow_map_reserve(&build->names.node_map, count - first))
        return false;
    for (uint32_t i = first; i < count; i++) {
        if (memcmp(&sites[i], &nothing, sizeof nothing) == 0) /* lost, or not used yet */
            continue;
        if (!add_site(build, member, i, &sites[i], i < infos ? &info[i] : NULL))
            return false;
    }
    return true;
}
