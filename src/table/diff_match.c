#include "table/diff_match.h"

#include <stdlib.h>
#include <string.h>

/* ---- texts ---- */

#define SAME_TEXT(items, i, key) (strcmp((items)[i], (key)) == 0)
BARROW_MAP_FIND(find_text, const char *const *, const char *, SAME_TEXT)

uint32_t diff_text(struct diff_texts *texts, const char *text)
{
    uint32_t hash = barrow_hash_bytes(text, strlen(text));
    if (!barrow_map_reserve(&texts->map, 1) ||
        (texts->items.count == 0 && !barrow_array_add(&texts->items)))
        return 0;
    uint32_t *found = find_text(&texts->map, texts->items.items, text, hash);
    if (*found)
        return *found;
    const char **item = barrow_array_add(&texts->items);
    if (!item)
        return 0;
    *item = text;
    barrow_map_fill(&texts->map, found, hash, (uint32_t)texts->items.count - 1);
    return (uint32_t)texts->items.count - 1;
}

/* ---- pairs ---- */

#define SAME_PAIR(items, i, key) \
    ((items)[(i)-1].first == (key).first && (items)[(i)-1].second == (key).second)
BARROW_MAP_FIND(find_pair, const struct diff_pair *, struct diff_pair, SAME_PAIR)

uint32_t diff_pair(struct diff_pairs *pairs, uint32_t first, uint32_t second)
{
    struct diff_pair key = {first, second};
    uint32_t hash = barrow_hash_2(first, second);
    if (!barrow_map_reserve(&pairs->map, 1))
        return 0;
    uint32_t *found = find_pair(&pairs->map, pairs->items.items, key, hash);
    if (*found == 0) {
        struct diff_pair *item = barrow_array_add(&pairs->items);
        if (!item)
            return 0;
        *item = key;
        barrow_map_fill(&pairs->map, found, hash, (uint32_t)pairs->items.count);
    }
    return *found;
}

void diff_pairs_free(struct diff_pairs *pairs)
{
    barrow_map_free(&pairs->map);
    free(pairs->items.items);
}

/* ---- frames ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool number_frames(struct diff_match *match, struct diff_side *side)
{
    size_t count = side->profile->frame_count;
    side->files = malloc((count + 1) * sizeof *side->files);
    side->functions = malloc((count + 1) * sizeof *side->functions);
    side->of_frame = malloc((count + 1) * sizeof *side->of_frame);
    side->lines = malloc((count + 1) * sizeof *side->lines);
    if (!side->files || !side->functions || !side->of_frame || !side->lines)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct barrow_frame *frame = &side->profile->frames[i];
        side->files[i] = diff_text(&match->texts, frame->file);
        side->functions[i] = diff_text(&match->texts, frame->function);
        if (!side->files[i] || !side->functions[i] || !diff_text(&match->texts, frame->module) ||
            !diff_text(&match->texts, base_name(frame->file)))
            return false;
    }
    return true;
}

/* ---- files that moved ---- */

/* Files that only one side has, by a key: the module and, at first, the name within the directory.
 * A key is of use if it is one file's on either side. */
struct candidate {
    uint32_t module, name; /* key; 0: any name */
    uint32_t files[2];     /* before and after: 0 none, DIFF_NONE several */
};

struct candidates {
    struct barrow_map map;
    BARROW_ARRAY(struct candidate) items;
};

struct moving {
    struct diff_match *match;
    uint8_t *sides; /* by text: bit 0 a file of `before`, bit 1 of `after` */
    uint32_t *now;  /* by text: the file's number after the move */
};

#define SAME_KEY(items, i, key) \
    ((items)[(i)-1].module == (key)->module && (items)[(i)-1].name == (key)->name)
BARROW_MAP_FIND(find_candidate, const struct candidate *, const struct candidate *, SAME_KEY)

static bool add_candidate(struct candidates *candidates, const struct candidate *key, int side,
                          uint32_t file)
{
    uint32_t hash = barrow_hash_2(key->module, key->name);
    if (!barrow_map_reserve(&candidates->map, 1))
        return false;
    uint32_t *found = find_candidate(&candidates->map, candidates->items.items, key, hash);
    if (!*found) {
        struct candidate *item = barrow_array_add(&candidates->items);
        if (!item)
            return false;
        *item = *key;
        barrow_map_fill(&candidates->map, found, hash, (uint32_t)candidates->items.count);
    }
    uint32_t *there = &candidates->items.items[*found - 1].files[side];
    *there = *there == 0 || *there == file ? file : DIFF_NONE;
    return true;
}

static bool add_candidates(const struct moving *moving, struct candidates *candidates, int number,
                           bool by_name)
{
    struct diff_texts *texts = &moving->match->texts;
    const struct diff_side *side = number ? &moving->match->after : &moving->match->before;
    for (size_t i = 0; i < side->profile->frame_count; i++) {
        const struct barrow_frame *frame = &side->profile->frames[i];
        uint32_t file = side->files[i];
        if (moving->sides[file] == 3 || moving->now[file] != file || !*frame->module)
            continue;
        struct candidate key = {.module = diff_text(texts, frame->module),
                                .name = by_name ? diff_text(texts, base_name(frame->file)) : 0};
        if (!add_candidate(candidates, &key, number, file))
            return false;
    }
    return true;
}

/* One round over the files that have no counterpart yet. */
static bool match_files_by(const struct moving *moving, bool by_name)
{
    struct candidates candidates = {0};
    bool ok = add_candidates(moving, &candidates, 0, by_name) &&
              add_candidates(moving, &candidates, 1, by_name);
    for (size_t i = 0; ok && i < candidates.items.count; i++) {
        const uint32_t *files = candidates.items.items[i].files;
        if (!files[0] || !files[1] || files[0] == DIFF_NONE || files[1] == DIFF_NONE ||
            moving->sides[files[1]] == 3)
            continue;
        moving->now[files[0]] = files[1];
        moving->sides[files[1]] = 3; /* taken */
    }
    barrow_map_free(&candidates.map);
    free(candidates.items.items);
    return ok;
}

static bool match_files(struct diff_match *match)
{
    size_t texts = match->texts.items.count;
    struct diff_side *before = &match->before;
    struct moving moving = {match, calloc(texts + 1, 1), malloc((texts + 1) * sizeof(uint32_t))};
    bool ok = moving.sides && moving.now;
    for (size_t i = 0; ok && i < texts; i++)
        moving.now[i] = (uint32_t)i;
    for (size_t i = 0; ok && i < before->profile->frame_count; i++)
        moving.sides[before->files[i]] |= 1;
    for (size_t i = 0; ok && i < match->after.profile->frame_count; i++)
        moving.sides[match->after.files[i]] |= 2;
    ok = ok && match_files_by(&moving, true) && match_files_by(&moving, false);
    for (size_t i = 0; ok && i < before->profile->frame_count; i++)
        before->files[i] = moving.now[before->files[i]];
    free(moving.sides);
    free(moving.now);
    return ok;
}

/* ---- lines ---- */

static int compare(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int compare_frames(const void *left, const void *right, void *context)
{
    const struct diff_side *side = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    const struct barrow_frame *x = &side->profile->frames[a], *y = &side->profile->frames[b];
    int order = compare(side->files[a], side->files[b]);
    if (order == 0)
        order = compare(side->functions[a], side->functions[b]);
    if (order == 0)
        order = compare(x->line, y->line);
    if (order == 0)
        order = compare(x->first_line, y->first_line);
    return order;
}

/* Frames that are equal but for the first line, or the module, are one line, as in tables. */
static void collect_lines(struct diff_side *side, uint32_t *order)
{
    const struct barrow_profile *profile = side->profile;
    for (size_t i = 0; i < profile->frame_count; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, profile->frame_count, sizeof *order, compare_frames, side);
    for (size_t i = 0; i < profile->frame_count; i++) {
        uint32_t frame = order[i];
        const struct diff_line *last = side->count ? &side->lines[side->count - 1] : NULL;
        if (!last || last->file != side->files[frame] || last->function != side->functions[frame] ||
            last->line != profile->frames[frame].line)
            side->lines[side->count++] =
                (struct diff_line){.file = side->files[frame],
                                   .function = side->functions[frame],
                                   .first_line = profile->frames[frame].first_line,
                                   .line = profile->frames[frame].line};
        side->of_frame[frame] = (uint32_t)side->count - 1;
    }
    for (size_t i = 0; i < profile->sites_count; i++) {
        const struct barrow_site *site = &profile->sites[i];
        uint32_t frame = profile->nodes[site->node].frame;
        side->lines[side->of_frame[frame]].blocks += site->value[BARROW_METRIC_TOTAL].blocks;
    }
}

/* Each function counts once for a line that calls it, from however many stacks. */
static bool add_calls(struct diff_side *side)
{
    const struct barrow_profile *profile = side->profile;
    struct diff_pairs calls = {0};
    bool ok = true;
    for (size_t i = 1; ok && i < profile->node_count; i++) {
        const struct barrow_node *node = &profile->nodes[i];
        const struct barrow_node *caller = &profile->nodes[node->parent];
        if (node->is_thread || node->is_folded || node->parent == 0 || caller->is_thread ||
            caller->is_folded)
            continue;
        size_t before = calls.items.count;
        uint32_t line = side->of_frame[caller->frame];
        ok = diff_pair(&calls, line, side->functions[node->frame]) != 0;
        if (calls.items.count > before)
            side->lines[line].calls +=
                (uint64_t)barrow_hash_1(side->functions[node->frame]) * 0x9e3779b97f4a7c15u;
    }
    diff_pairs_free(&calls);
    return ok;
}

static int compare_lines(const void *left, const void *right, void *context)
{
    const struct diff_line *lines = context;
    const struct diff_line *a = &lines[*(const uint32_t *)left];
    const struct diff_line *b = &lines[*(const uint32_t *)right];
    int order = compare(a->file, b->file);
    if (order == 0)
        order = compare(a->function, b->function);
    if (order == 0)
        order = compare(a->first_line, b->first_line);
    return order ? order : compare(a->line, b->line);
}

/* A run of one side's lines, in an order that compare_lines() made. */
struct run {
    struct diff_line *lines;
    const uint32_t *order;
    size_t count;
};

static struct diff_line *line_of(const struct run *run, size_t i)
{
    return &run->lines[run->order[i]];
}

/* The part of a run from `first` on that is of the same code object. */
static struct run code_at(const struct run *run, size_t first)
{
    size_t end = first + 1;
    while (end < run->count && line_of(run, end)->first_line == line_of(run, first)->first_line)
        end++;
    return (struct run){run->lines, run->order + first, end - first};
}

/* Scratch for aligning; enough for either side. */
struct scratch {
    struct diff_place *old, *new;
    uint32_t *old_at, *new_at; /* where in the run the place's lines begin */
    uint32_t *to, *to_line;
    bool *taken;
};

static size_t places_of_lines(const struct run *run, struct diff_place *places)
{
    for (size_t i = 0; i < run->count; i++)
        places[i] = (struct diff_place){line_of(run, i)->line, line_of(run, i)->blocks,
                                        line_of(run, i)->calls};
    return run->count;
}

static size_t places_of_codes(const struct run *run, struct diff_place *places, uint32_t *at)
{
    size_t count = 0;
    for (size_t i = 0; i < run->count; count++) {
        struct run code = code_at(run, i);
        places[count] = (struct diff_place){.line = line_of(&code, 0)->first_line};
        for (size_t line = 0; line < code.count; line++) {
            places[count].blocks += line_of(&code, line)->blocks;
            places[count].calls += line_of(&code, line)->calls;
        }
        at[count] = (uint32_t)i;
        i += code.count;
    }
    return count;
}

/* Lines that changed places: what is left over on both sides and is alike. */
static void pair_the_rest(const struct scratch *scratch, size_t old_count, size_t new_count,
                          bool *taken)
{
    static const uint64_t most = 1 << 22; /* comparisons */
    if (old_count > most / (new_count + 1))
        return;
    memset(taken, 0, new_count * sizeof *taken);
    for (size_t i = 0; i < old_count; i++)
        if (scratch->to_line[i] != DIFF_NONE)
            taken[scratch->to_line[i]] = true;
    for (size_t i = 0; i < old_count; i++) {
        const struct diff_place *old = &scratch->old[i];
        for (uint32_t j = 0; scratch->to_line[i] == DIFF_NONE && j < new_count; j++) {
            const struct diff_place *new = &scratch->new[j];
            if (taken[j] || old->blocks != new->blocks || old->calls != new->calls)
                continue;
            scratch->to_line[i] = j;
            taken[j] = true;
        }
    }
}

static bool match_code(struct scratch *scratch, const struct run *old, const struct run *new)
{
    int64_t distance = (int64_t)line_of(new, 0)->first_line - (int64_t)line_of(old, 0)->first_line;
    places_of_lines(old, scratch->old);
    places_of_lines(new, scratch->new);
    if (!diff_align(scratch->old, old->count, scratch->new, new->count, distance, scratch->to_line))
        return false;
    pair_the_rest(scratch, old->count, new->count, scratch->taken);
    for (size_t i = 0; i < old->count; i++)
        if (scratch->to_line[i] != DIFF_NONE)
            line_of(old, i)->number = line_of(new, scratch->to_line[i])->number;
    return true;
}

/* All code objects of one name in one file. */
static bool match_function(struct scratch *scratch, const struct run *old, const struct run *new)
{
    size_t old_count = places_of_codes(old, scratch->old, scratch->old_at);
    size_t new_count = places_of_codes(new, scratch->new, scratch->new_at);
    if (!diff_align(scratch->old, old_count, scratch->new, new_count, 0, scratch->to))
        return false;
    for (size_t i = 0; i < old_count; i++) {
        if (scratch->to[i] == DIFF_NONE)
            continue;
        struct run from = code_at(old, scratch->old_at[i]);
        struct run into = code_at(new, scratch->new_at[scratch->to[i]]);
        if (!match_code(scratch, &from, &into))
            return false;
    }
    return true;
}

static struct run function_at(const struct diff_side *side, const uint32_t *order, size_t first)
{
    struct run run = {side->lines, order + first, 1};
    while (first + run.count < side->count &&
           line_of(&run, run.count)->file == line_of(&run, 0)->file &&
           line_of(&run, run.count)->function == line_of(&run, 0)->function)
        run.count++;
    return run;
}

/* Both orders begin with file and function: they are walked side by side. */
static bool match_functions(struct diff_match *match, struct scratch *scratch,
                            const uint32_t *old_order, const uint32_t *new_order)
{
    for (size_t i = 0, j = 0; i < match->before.count && j < match->after.count;) {
        struct run old = function_at(&match->before, old_order, i);
        struct run new = function_at(&match->after, new_order, j);
        int order = compare(line_of(&old, 0)->file, line_of(&new, 0)->file);
        if (order == 0)
            order = compare(line_of(&old, 0)->function, line_of(&new, 0)->function);
        if (order == 0 && !match_function(scratch, &old, &new))
            return false;
        i += order <= 0 ? old.count : 0;
        j += order >= 0 ? new.count : 0;
    }
    return true;
}

static void order_lines(struct diff_side *side, uint32_t *order, uint32_t first_number)
{
    collect_lines(side, order);
    for (size_t i = 0; i < side->count; i++) {
        order[i] = (uint32_t)i;
        side->lines[i].number = first_number + (uint32_t)i;
    }
    qsort_r(order, side->count, sizeof *order, compare_lines, side->lines);
}

static bool match_lines(struct diff_match *match)
{
    size_t most = match->before.profile->frame_count + match->after.profile->frame_count + 1;
    uint32_t *old_order = malloc(most * sizeof *old_order);
    uint32_t *new_order = malloc(most * sizeof *new_order);
    struct scratch s = {
        malloc(most * sizeof *s.old),    malloc(most * sizeof *s.new),
        malloc(most * sizeof *s.old_at), malloc(most * sizeof *s.new_at),
        malloc(most * sizeof *s.to),     malloc(most * sizeof *s.to_line),
        malloc(most * sizeof *s.taken),
    };
    bool ok =
        old_order && new_order && s.old && s.new &&s.old_at &&s.new_at &&s.to &&s.to_line &&s.taken;
    if (ok) {
        order_lines(&match->after, new_order, 1);
        order_lines(&match->before, old_order, 1 + (uint32_t)match->after.count);
        ok = add_calls(&match->before) && add_calls(&match->after) &&
             match_functions(match, &s, old_order, new_order);
    }
    free(old_order);
    free(new_order);
    free(s.old);
    free(s.new);
    free(s.old_at);
    free(s.new_at);
    free(s.to);
    free(s.to_line);
    free(s.taken);
    return ok;
}

bool diff_match_init(struct diff_match *match, const struct barrow_profile *before,
                     const struct barrow_profile *after)
{
    *match = (struct diff_match){.before.profile = before, .after.profile = after};
    return number_frames(match, &match->before) && number_frames(match, &match->after) &&
           match_files(match) && match_lines(match);
}

static void side_free(struct diff_side *side)
{
    free(side->files);
    free(side->functions);
    free(side->of_frame);
    free(side->lines);
}

void diff_match_free(struct diff_match *match)
{
    side_free(&match->before);
    side_free(&match->after);
    barrow_map_free(&match->texts.map);
    free(match->texts.items.items);
}
