/* Grouping: a profile's sites become rows.
 *
 *     site ─► node ─► unit (a line, a file, a thread, a stack ...) ─► row
 *
 * First every node gets its unit, by way of its frame where that decides.  Then the sites' values
 * are added up by unit, and by domain where the grouping shows it: at the leaf's unit, or, if
 * inclusive, at each unit on the stack, once (inclusive.c).
 */
#include "profile/group.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"

/* ---- nodes -> units ---- */

/* The frame that a stack ending at this node is shown with. */
static uint32_t leaf_frame(const struct barrow_profile *profile, size_t node)
{
    return node == 0 || profile->nodes[node].is_thread ? 0 : profile->nodes[node].frame;
}

static bool add_unit(struct profile_units *units, uint32_t example)
{
    uint32_t *item = barrow_array_add(&units->examples);
    if (item)
        *item = example;
    return item != NULL;
}

struct frame_key {
    const char *texts[2];
    uint32_t line;
};

/* What of a frame the grouping looks at.  A profile keeps each text once, so pointers tell them
 * apart. */
static struct frame_key key_of(const struct barrow_frame *frame, enum barrow_grouping by)
{
    switch (by) {
    case BARROW_BY_LINE:
        return (struct frame_key){{frame->function, frame->file}, frame->line};
    case BARROW_BY_FUNCTION:
        return (struct frame_key){{frame->function, frame->file}, 0};
    case BARROW_BY_FILE:
        return (struct frame_key){{NULL, frame->file}, 0};
    default:
        return (struct frame_key){{NULL, frame->module}, 0};
    }
}

struct frame_context {
    const struct barrow_profile *profile;
    const struct profile_units *units;
    enum barrow_grouping by;
};

static bool is_same_unit(const struct frame_context *context, uint32_t number,
                         const struct frame_key *key)
{
    uint32_t example = context->units->examples.items[number - 1];
    struct frame_key other = key_of(&context->profile->frames[example], context->by);
    return other.line == key->line && other.texts[0] == key->texts[0] &&
           other.texts[1] == key->texts[1];
}
BARROW_MAP_FIND(find_unit, const struct frame_context *, const struct frame_key *, is_same_unit)

/* frames[i] = the unit of frame i */
static bool units_of_frames(struct profile_units *units, const struct barrow_profile *profile,
                            enum barrow_grouping by, uint32_t *frames)
{
    struct barrow_map map = {0};
    struct frame_context context = {profile, units, by};
    bool ok = true;
    for (size_t i = 0; i < profile->frame_count; i++) {
        struct frame_key key = key_of(&profile->frames[i], by);
        uint32_t hash = barrow_hash_2(
            barrow_hash_2((uintptr_t)key.texts[0], (uintptr_t)key.texts[1]), key.line);
        ok = barrow_map_reserve(&map, 1);
        if (!ok)
            break;
        uint32_t *found = find_unit(&map, &context, &key, hash);
        if (!*found) {
            ok = add_unit(units, (uint32_t)i);
            if (!ok)
                break;
            barrow_map_fill(&map, found, hash, (uint32_t)units->examples.count);
        }
        frames[i] = *found - 1;
    }
    barrow_map_free(&map);
    return ok;
}

static bool units_by_frame(struct profile_units *units, const struct barrow_profile *profile,
                           enum barrow_grouping by)
{
    uint32_t *frames = malloc(profile->frame_count * sizeof *frames);
    bool ok = frames && units_of_frames(units, profile, by, frames);
    for (size_t i = 0; ok && i < profile->node_count; i++)
        units->of_node[i] = frames[leaf_frame(profile, i)];
    free(frames);
    return ok;
}

static bool units_by_thread(struct profile_units *units, const struct barrow_profile *profile)
{
    uint32_t *threads = profile_threads_of_nodes(profile);
    bool ok = threads != NULL;
    for (size_t i = 0; ok && i < profile->node_count; i++) {
        if (threads[i] == i) {
            ok = add_unit(units, (uint32_t)i);
            units->of_node[i] = (uint32_t)units->examples.count - 1;
        } else {
            units->of_node[i] = units->of_node[threads[i]];
        }
    }
    free(threads);
    return ok;
}

static bool units_by_domain(struct profile_units *units, const struct barrow_profile *profile)
{
    memset(units->of_node, 0, profile->node_count * sizeof *units->of_node);
    return add_unit(units, 0);
}

struct stack_context {
    const struct barrow_profile *profile;
    const struct profile_units *units;
};

struct stack_key {
    uint32_t parent; /* unit */
    uint32_t frame;
};

static bool is_same_stack(const struct stack_context *context, uint32_t unit,
                          const struct stack_key *key)
{
    const struct barrow_node *node = &context->profile->nodes[context->units->examples.items[unit]];
    return node->frame == key->frame && context->units->of_node[node->parent] == key->parent;
}
BARROW_MAP_FIND(find_stack, const struct stack_context *, const struct stack_key *, is_same_stack)

/* Equal frames below whatever thread group are one stack: the unit of a node follows from its
 * parent's unit and its frame.  Unit 0 is the empty stack. */
static bool units_by_stack(struct profile_units *units, const struct barrow_profile *profile)
{
    struct barrow_map map = {0};
    struct stack_context context = {profile, units};
    bool ok = add_unit(units, 0) && barrow_map_reserve(&map, profile->node_count) &&
              barrow_array_reserve(&units->examples, profile->node_count);
    for (size_t i = 0; ok && i < profile->node_count; i++) {
        const struct barrow_node *node = &profile->nodes[i];
        units->of_node[i] = 0;
        if (i == 0 || node->is_thread)
            continue;
        struct stack_key key = {units->of_node[node->parent], node->frame};
        uint32_t hash = barrow_hash_1((uint64_t)key.parent << 32 | key.frame);
        uint32_t *found = find_stack(&map, &context, &key, hash);
        if (!*found) {
            ok = add_unit(units, (uint32_t)i);
            barrow_map_fill(&map, found, hash, (uint32_t)units->examples.count - 1);
        }
        units->of_node[i] = *found;
    }
    barrow_map_free(&map);
    return ok;
}

static bool units_init(struct profile_units *units, const struct barrow_profile *profile,
                       enum barrow_grouping by)
{
    bool by_domain = by == BARROW_BY_LINE || by == BARROW_BY_FUNCTION || by == BARROW_BY_DOMAIN;
    *units = (struct profile_units){.of_node = malloc(profile->node_count * sizeof(uint32_t)),
                                    .domains = by_domain ? LEDGER_DOMAIN_COUNT : 1};
    if (!units->of_node)
        return false;
    switch (by) {
    case BARROW_BY_DOMAIN:
        return units_by_domain(units, profile);
    case BARROW_BY_THREAD:
        return units_by_thread(units, profile);
    case BARROW_BY_STACK:
        return units_by_stack(units, profile);
    default:
        return units_by_frame(units, profile, by);
    }
}

/* ---- sums -> rows ---- */

static void sum_own(const struct barrow_profile *profile, const struct barrow_query *query,
                    const struct profile_filter *filter, const struct profile_units *units,
                    struct profile_sums *sums)
{
    for (size_t i = 0; i < profile->sites_count; i++) {
        const struct barrow_site *site = &profile->sites[i];
        if (profile_filter_takes(filter, site))
            profile_sums_add_site(
                &sums[profile_unit_sum(units, units->of_node[site->node], site->domain)], profile,
                query, i);
    }
}

static void describe(struct barrow_row *row, const struct barrow_profile *profile,
                     enum barrow_grouping by, uint32_t example)
{
    static const char *const domains[] = {
#define X(number, name, text) [number] = text,
        LEDGER_DOMAINS(X)
#undef X
    };
    row->name = row->function = row->file = "";
    if (by == BARROW_BY_STACK) {
        row->node = example;
    } else if (by == BARROW_BY_DOMAIN) {
        row->name = domains[row->domain];
    } else if (by == BARROW_BY_THREAD) {
        row->name = example ? profile->frames[profile->nodes[example].frame].function : "";
    } else {
        const struct barrow_frame *frame = &profile->frames[example];
        row->frame = example;
        if (by == BARROW_BY_LINE || by == BARROW_BY_FUNCTION) {
            row->function = frame->function;
            row->file = frame->file;
        } else {
            row->name = by == BARROW_BY_FILE ? frame->file : frame->module;
        }
        if (by == BARROW_BY_LINE)
            row->line = frame->line;
    }
}

/* A sum that becomes a row.  These are sorted instead of rows: five times smaller, and names are
 * only looked at where sums are equal. */
struct candidate {
    uint64_t bytes, blocks;
    size_t sum;
};

struct row_context {
    const struct barrow_profile *profile;
    const struct barrow_query *query;
    const struct profile_units *units;
    const struct profile_sums *sums;
};

/* Everything but the values. */
static void name_row(struct barrow_row *row, const struct row_context *context, size_t sum)
{
    const struct profile_units *units = context->units;
    row->domain = (enum ledger_domain)(sum % units->domains);
    row->frame = row->node = row->line = 0;
    describe(row, context->profile, context->query->by,
             units->examples.items[sum / units->domains]);
}

static void make_row(struct barrow_row *row, const struct row_context *context, size_t sum)
{
    const struct barrow_value *value = context->sums[sum].value;
    name_row(row, context, sum);
    row->bytes = value[context->query->metric].bytes;
    row->blocks = value[context->query->metric].blocks;
    memcpy(row->value, value, sizeof row->value);
}

static int compare_names(const struct barrow_row *a, const struct barrow_row *b)
{
    int order = strcmp(a->name, b->name);
    if (order == 0)
        order = strcmp(a->file, b->file);
    if (order == 0)
        order = (a->line > b->line) - (a->line < b->line);
    if (order == 0)
        order = strcmp(a->function, b->function);
    if (order == 0)
        order = (int)a->domain - (int)b->domain;
    if (order == 0)
        order = (a->node > b->node) - (a->node < b->node);
    return order;
}

static int compare_candidates(const void *left, const void *right, void *context)
{
    const struct candidate *a = left, *b = right;
    struct barrow_row rows[2];
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    if (a->blocks != b->blocks)
        return a->blocks > b->blocks ? -1 : 1;
    name_row(&rows[0], context, a->sum);
    name_row(&rows[1], context, b->sum);
    return compare_names(&rows[0], &rows[1]);
}

static bool make_rows(const struct row_context *context, struct barrow_row **rows, size_t *count)
{
    size_t sums = context->units->examples.count * context->units->domains, found = 0;
    struct candidate *candidates = malloc(sums * sizeof *candidates);
    if (!candidates)
        return false;
    for (size_t i = 0; i < sums; i++) {
        const struct barrow_value *value = &context->sums[i].value[context->query->metric];
        if (value->bytes || value->blocks)
            candidates[found++] = (struct candidate){value->bytes, value->blocks, i};
    }
    qsort_r(candidates, found, sizeof *candidates, compare_candidates, (void *)(uintptr_t)context);
    if (context->query->limit && found > context->query->limit)
        found = context->query->limit;
    *rows = malloc((found + 1) * sizeof **rows);
    for (size_t i = 0; *rows && i < found; i++)
        make_row(&(*rows)[i], context, candidates[i].sum);
    free(candidates);
    *count = *rows ? found : 0;
    return *rows != NULL;
}

int barrow_profile_rows(const struct barrow_profile *profile, const struct barrow_query *query,
                        struct barrow_row **rows, size_t *count, struct barrow_error *err)
{
    struct profile_filter filter;
    struct profile_units units = {0};
    struct profile_sums *sums = NULL;
    bool by_frame = query->by == BARROW_BY_LINE || query->by == BARROW_BY_FUNCTION ||
                    query->by == BARROW_BY_FILE || query->by == BARROW_BY_MODULE;
    *rows = NULL;
    *count = 0;
    if (profile_filter_init(&filter, profile, query->filter, err) < 0)
        return -1;
    bool ok = units_init(&units, profile, query->by);
    if (ok) {
        sums = calloc(units.examples.count * units.domains, sizeof *sums);
        ok = sums != NULL;
    }
    if (ok && query->inclusive && by_frame)
        ok = profile_sum_inclusive(profile, query, &filter, &units, sums);
    else if (ok)
        sum_own(profile, query, &filter, &units, sums);
    ok = ok && make_rows(&(struct row_context){profile, query, &units, sums}, rows, count);
    free(sums);
    free(units.of_node);
    free(units.examples.items);
    profile_filter_free(&filter);
    return ok ? 0 : barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the table");
}
