#include "cli/leaks_find.h"

#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "graph/heap_diff.h"
#include "table/stack.h"

#define KIB 1024u

static const double share_of_all = 0.1;     /* a suspect's, of what counts (MAT's leak hunter) */
static const double share_of_growth = 0.02; /* (MAT's variant that has a baseline) */
static const double share_of_heap = 0.005;  /* and of the whole heap */
static const uint64_t least_bytes = 64 * KIB, least_unproved_bytes = 1024 * KIB;

/* ---- what counts ---- */

static bool is_data(const struct barrow_heap *heap, uint32_t object)
{
    uint32_t code = HEAP_TYPE_TYPE | HEAP_TYPE_MODULE | HEAP_TYPE_FUNCTION | HEAP_TYPE_CODE;

    return !(heap->types[heap->type[object]].flags & code);
}

static const struct barrow_birth *birth_of(const struct barrow_leak_search *s, uint32_t object)
{
    return barrow_object_birth(&s->h, object);
}

static void count_by_time(struct barrow_leak_search *s)
{
    for (uint32_t i = 1; i <= s->h.heap->object_count; i++) {
        const struct barrow_birth *birth = birth_of(s, i);
        s->counts[i] = birth->is_users && !birth->in_import && birth->grows;
    }
}

static void count_by_size(struct barrow_leak_search *s)
{
    for (uint32_t i = 1; i <= s->h.heap->object_count; i++) {
        const struct barrow_birth *birth = birth_of(s, i);
        bool loaded = s->h.heap->birth && (birth->in_import || !birth->is_users);
        s->counts[i] = is_data(s->h.heap, i) && !loaded;
    }
}

/* Objects of the snapshot that are not in another of the same ledger; keeps those already out, out.
 */
static int leave_out(struct barrow_leak_search *s, uint32_t number, bool present, char **operands,
                     struct barrow_error *err)
{
    struct barrow_heap *other = NULL;
    struct barrow_notes damage = {0};
    uint32_t *match = NULL;
    int rc = barrow_heap_view_read(&other, number, operands, &damage, err);

    if (rc == 0)
        rc = barrow_heap_match(other, s->h.heap, &match, err);
    for (uint32_t i = 1; rc == 0 && i <= s->h.heap->object_count; i++)
        if ((match[i] != 0) == present)
            s->counts[i] = 0;
    free(match);
    barrow_notes_free(&damage);
    if (other)
        barrow_heap_free(other);
    return rc;
}

/* Born since the first snapshot; of three and more, before the last but one, so that what comes and
 * goes is out. */
static int count_by_snapshots(struct barrow_leak_search *s, char **operands,
                              struct barrow_error *err)
{
    uint32_t number = s->h.heap->number;

    count_by_size(s);
    if (leave_out(s, 1, true, operands, err) < 0)
        return -1;
    return number > 2 ? leave_out(s, number - 1, false, operands, err) : 0;
}

static int choose(struct barrow_leak_search *s, char **operands, struct barrow_error *err)
{
    s->counts = barrow_allocate(s->h.heap->object_count + 1u);
    s->evidence = s->h.heap->number > 1                      ? LEAKS_BY_SNAPSHOTS
                  : s->h.heap->birth && s->h.births.has_time ? LEAKS_BY_TIME
                                                             : LEAKS_BY_SIZE;
    if (s->evidence == LEAKS_BY_SNAPSHOTS)
        return count_by_snapshots(s, operands, err);
    if (s->evidence == LEAKS_BY_TIME)
        count_by_time(s);
    else
        count_by_size(s);
    return 0;
}

/* ---- findings ---- */

/* Births of what comes from free lists mislead: they count only where there are no others. */
struct adding {
    struct barrow_leak_search *s;
    struct barrow_birth_tally sure, recycled;
    uint64_t sure_bytes, recycled_bytes;
    bool failed;
};

static void add_birth(void *context, uint32_t object)
{
    struct adding *adding = context;
    const struct barrow_heap *heap = adding->s->h.heap;
    bool recycled = barrow_is_recycled(heap, object);
    struct barrow_birth_tally *tally = recycled ? &adding->recycled : &adding->sure;

    uint64_t bytes = barrow_heap_bytes(heap, object);
    if (heap->birth && !barrow_birth_tally_add(tally, heap->birth[object], bytes))
        adding->failed = true;
    *(recycled ? &adding->recycled_bytes : &adding->sure_bytes) += bytes;
}

static struct adding begin_adding(struct barrow_leak_search *s)
{
    return (struct adding){
        .s = s, .sure = {.births = &s->h.births}, .recycled = {.births = &s->h.births}};
}

static int no_memory(struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_NO_MEMORY, "not enough memory to look at leaks");
}

/* The line where most of it was born: the first that is the user's and no import, else the first.
 */
static int best_line(struct barrow_leak_search *s, struct barrow_birth_tally *tally,
                     struct barrow_birth_line *line, struct barrow_error *err)
{
    struct barrow_birth_line *lines;
    size_t count;

    if (barrow_birth_tally_lines(tally, s->h.view.profile, &lines, &count, err) < 0)
        return -1;
    *line = (struct barrow_birth_line){0};
    for (size_t i = 0; i < count; i++) {
        const struct barrow_birth *birth = barrow_birth_of(&s->h.births, lines[i].number);
        if (!line->frame)
            *line = lines[i];
        if (birth->is_users && !birth->in_import) {
            *line = lines[i];
            break;
        }
    }
    free(lines);
    return 0;
}

/* The line of what was added; *sure: not only of recycled blocks. */
static int end_adding(struct adding *adding, struct barrow_birth_line *line, bool *sure,
                      struct barrow_error *err)
{
    struct barrow_birth_line other;

    if (adding->failed) {
        free(adding->sure.values);
        free(adding->recycled.values);
        return no_memory(err);
    }
    if (best_line(adding->s, &adding->sure, line, err) < 0 ||
        best_line(adding->s, &adding->recycled, &other, err) < 0)
        return -1;
    *sure = line->frame != 0;
    if (!*sure)
        *line = other;
    return 0;
}

/* Where the items of recycled lists and dicts were allocated, which are blocks of their own that no
 * object tells the birth of: the line with the most growing blocks of that sort, if they weigh
 * about as much. */
static int line_of_items(struct barrow_leak_search *s, uint64_t bytes,
                         struct barrow_birth_line *line, struct barrow_error *err)
{
    const struct barrow_profile *p = s->h.view.profile;
    struct barrow_birth_tally tally = {.births = &s->h.births};
    struct barrow_birth_line items;

    for (uint32_t i = 1; i < s->h.births.count; i++) {
        const struct barrow_birth *birth = &s->h.births.sites[i];
        if (birth->site == BARROW_NO_SITE || !birth->grows || !birth->is_users ||
            birth->in_import || p->sites[birth->site].domain == LEDGER_DOMAIN_OBJ)
            continue;
        if (!barrow_birth_tally_add(&tally, i,
                                    p->sites[birth->site].value[BARROW_METRIC_LEAKED].bytes))
            return no_memory(err);
    }
    if (best_line(s, &tally, &items, err) < 0)
        return -1;
    if (items.frame && items.bytes > bytes / 2 && items.bytes < 2 * bytes)
        *line = items;
    return 0;
}

/* Where the members themselves were born: the best that can be said of a holder without a place. If
 * they are recycled, where what they hold was. */
static int line_of_members(struct barrow_leak_search *s, const struct barrow_leak_finding *f,
                           struct barrow_birth_line *line, struct barrow_error *err)
{
    const struct barrow_graph *g = s->h.graph;
    bool sure = false;

    for (int depth = 0; depth < 2 && !sure; depth++) {
        struct adding adding = begin_adding(s);
        for (size_t i = 0; i < f->suspect->member_count; i++) {
            uint32_t v = f->suspect->members[i];
            if (depth == 0)
                add_birth(&adding, v);
            for (uint32_t c = g->child_start[v]; depth && c < g->child_start[v + 1]; c++)
                add_birth(&adding, g->child[c]);
        }
        if (end_adding(&adding, line, &sure, err) < 0)
            return -1;
    }
    if (!sure && f->birth.frame)
        *line = f->birth;
    return 0;
}

static uint32_t depth_of(const struct barrow_leak_search *s, uint32_t object)
{
    uint32_t user = birth_of(s, object)->user;

    return user ? s->h.view.profile->nodes[user].depth : UINT32_MAX;
}

/* Of garbage: where those objects were born that the fewest calls made: they are what the rest
 * hangs on. */
static int line_of_garbage(struct barrow_leak_search *s, const struct barrow_suspect *suspect,
                           struct barrow_birth_line *line, struct barrow_error *err)
{
    struct adding adding = begin_adding(s);
    bool sure;
    uint64_t at_depth[64] = {0}, enough = suspect->objects / 50;
    uint32_t least = 0;

    for (size_t i = 0; i < suspect->member_count; i++) {
        uint32_t depth = depth_of(s, suspect->members[i]);
        at_depth[depth < 63 ? depth : 63]++;
    }
    while (least < 63 && at_depth[least] <= enough)
        least++;
    for (size_t i = 0; i < suspect->member_count; i++) {
        uint32_t depth = depth_of(s, suspect->members[i]), object = suspect->members[i];
        uint32_t flags = s->h.heap->types[s->h.heap->type[object]].flags;
        if ((depth < 63 ? depth : 63) == least && flags & HEAP_TYPE_GC)
            add_birth(&adding, object);
    }
    return end_adding(&adding, line, &sure, err);
}

static void use_line(const struct barrow_leak_search *s, struct barrow_leak_finding *f,
                     const struct barrow_birth_line *line)
{
    struct barrow_frame frame = s->h.view.profile->frames[line->frame];

    if (line->frame)
        f->holder = (struct barrow_holder_place){barrow_copy(frame.file), frame.line};
}

static int find_holder(struct barrow_leak_search *s, struct barrow_leak_finding *f,
                       struct barrow_error *err)
{
    const struct barrow_suspect *suspect = f->suspect;
    struct barrow_birth_line line = {0};
    bool garbage = suspect->kind == BARROW_SUSPECT_GARBAGE;

    int rc = garbage ? line_of_garbage(s, suspect, &line, err) : line_of_members(s, f, &line, err);
    if (rc < 0)
        return -1;
    if (suspect->holder) {
        const char *likely = s->h.view.profile->frames[f->birth.frame].file;
        f->holder = barrow_holder_find(&s->h, suspect->holder, f->birth.frame ? likely : NULL);
    }
    if (!f->holder.file)
        use_line(s, f, &line);
    return 0;
}

static int add_finding(struct barrow_leak_search *s, const struct barrow_suspect *suspect,
                       struct barrow_error *err)
{
    struct adding adding = begin_adding(s);
    bool sure;
    struct barrow_suspect_visitor visitor = {add_birth, &adding};
    struct barrow_leak_finding *f = &s->findings[s->count++];

    *f = (struct barrow_leak_finding){
        .suspect = suspect, .bytes = suspect->bytes, .objects = suspect->objects};
    f->path = barrow_copy(suspect->path ? suspect->path : "");
    if (barrow_suspect_each(s->h.graph, suspect, s->counts, visitor, err) < 0)
        return -1;
    if (end_adding(&adding, &f->birth, &sure, err) < 0)
        return -1;
    if (adding.recycled_bytes > adding.sure_bytes &&
        line_of_items(s, adding.recycled_bytes, &f->birth, err) < 0)
        return -1;
    return find_holder(s, f, err);
}

/* What is born at the line of a leak of objects is part of that. */
static bool add_to_same_birth(struct barrow_leak_search *s, const struct barrow_birth_line *line)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->findings[i].birth.frame == line->frame) {
            s->findings[i].bytes += line->bytes;
            return true;
        }
    return false;
}

/* Growing blocks that belong to no object: held by C code, or lost by it. */
static int add_unowned(struct barrow_leak_search *s, struct barrow_error *err)
{
    const struct barrow_heap *heap = s->h.heap;
    struct barrow_birth_tally tally = {.births = &s->h.births};
    struct barrow_birth_line *lines;
    size_t count;
    uint64_t *blocks = barrow_allocate((s->h.view.profile->frame_count + 1) * sizeof *blocks);

    for (uint32_t i = 0; s->evidence == LEAKS_BY_TIME && i < heap->unowned_count; i++) {
        const struct barrow_birth *birth = barrow_birth_of(&s->h.births, heap->unowned[i].site);
        if (!birth->is_users || birth->in_import || !birth->grows)
            continue;
        if (!barrow_birth_tally_add(&tally, heap->unowned[i].site, heap->unowned[i].bytes))
            return no_memory(err);
        blocks[s->h.view.profile->nodes[birth->user].frame] += heap->unowned[i].blocks;
    }
    if (barrow_birth_tally_lines(&tally, s->h.view.profile, &lines, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count && lines[i].bytes >= s->least; i++) {
        struct barrow_leak_finding f = {.bytes = lines[i].bytes, .objects = blocks[lines[i].frame]};
        if (add_to_same_birth(s, &lines[i]))
            continue;
        f.birth = lines[i];
        f.path = barrow_copy("");
        use_line(s, &f, &lines[i]);
        s->findings = barrow_reallocate(s->findings, (s->count + 1) * sizeof *s->findings);
        s->findings[s->count++] = f;
    }
    free(blocks);
    free(lines);
    return 0;
}

static bool same_place(const struct barrow_leak_finding *a, const struct barrow_leak_finding *b)
{
    return a->holder.file && b->holder.file && a->holder.line == b->holder.line &&
           strcmp(a->holder.file, b->holder.file) == 0;
}

/* One line's holders (a list in each thread, ...) are one finding. */
static void unite(struct barrow_leak_search *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->count; i++) {
        struct barrow_leak_finding *f = &s->findings[i], *same = NULL;
        for (size_t j = 0; j < kept && !same; j++)
            if (same_place(&s->findings[j], f))
                same = &s->findings[j];
        if (!same) {
            s->findings[kept++] = *f;
            continue;
        }
        same->bytes += f->bytes;
        same->objects += f->objects;
        free(f->path);
        free(f->holder.file);
    }
    s->count = kept;
}

static int by_falling_bytes(const void *a, const void *b)
{
    const struct barrow_leak_finding *x = a, *y = b;

    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x->birth.frame < y->birth.frame ? -1 : x->birth.frame > y->birth.frame;
}

int barrow_leaks_search(struct barrow_leak_search *s, char **operands, struct barrow_error *err)
{
    struct barrow_suspect_query query = {.share = share_of_all};

    if (barrow_heap_view_paths(&s->h, err) < 0 || barrow_heap_view_births(&s->h, err) < 0 ||
        choose(s, operands, err) < 0)
        return -1;
    if (s->evidence == LEAKS_BY_SNAPSHOTS)
        query.share = share_of_growth;
    s->least = (uint64_t)(share_of_heap * (double)s->h.graph->total_bytes);
    uint64_t floor = s->evidence == LEAKS_BY_SIZE ? least_unproved_bytes : least_bytes;
    if (s->least < floor)
        s->least = floor;
    if (s->evidence == LEAKS_BY_SIZE && s->least < s->h.graph->total_bytes / 10)
        s->least = s->h.graph->total_bytes / 10;
    query.least_bytes = s->least;
    query.counts = s->counts;
    if (barrow_suspects_find(s->h.graph, s->h.paths, &query, &s->suspects, &s->suspect_count, err) <
        0)
        return -1;
    s->findings = barrow_allocate((s->suspect_count + 1) * sizeof *s->findings);
    for (size_t i = 0; i < s->suspect_count; i++)
        if (add_finding(s, &s->suspects[i], err) < 0)
            return -1;
    if (add_unowned(s, err) < 0)
        return -1;
    if (s->count)
        qsort(s->findings, s->count, sizeof *s->findings, by_falling_bytes);
    unite(s);
    return 0;
}

void barrow_leaks_search_free(struct barrow_leak_search *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->findings[i].path);
        free(s->findings[i].holder.file);
    }
    free(s->findings);
    free(s->counts);
    barrow_suspects_free(s->suspects, s->suspect_count);
}
