#include "table/births.h"

#include <stdlib.h>
#include <string.h>

#include "table/stack.h"

/* What a leak looks like over time.  Of what lives at the end ... */
static const double least_partial = 0.05; /* at some earlier point at least so much did, */
static const double most_partial = 0.9;   /* ... and no more than that; */
static const double recent = 0.75;    /* it grew in the last quarter of the time since its start; */
static const double most_ever = 1.25; /* and there was never much more of it. */

/* ---- whose code ---- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

bool barrow_is_users_file(const struct barrow_frame *frame)
{
    const char *file = frame->file;

    if (strcmp(frame->module, "__main__") == 0)
        return true;
    if (*file == '<') /* generated, frozen, or typed in */
        return begins(file, "<stdin") || begins(file, "<ipython") || begins(file, "<python-input");
    return *file && !strstr(file, "/lib/python3") && !strstr(file, "/site-packages/") &&
           !strstr(file, "/dist-packages/");
}

static bool is_import(const struct barrow_frame *frame)
{
    return begins(frame->file, "<frozen importlib.") || begins(frame->file, "<frozen zipimport");
}

static void look_at_stack(struct barrow_birth *birth, const struct barrow_profile *p)
{
    birth->node = barrow_stack_leaf(p, p->sites[birth->site].node);
    birth->user = birth->node;
    for (uint32_t n = birth->node; n; n = barrow_stack_caller(p, n)) {
        struct barrow_frame frame = barrow_stack_frame(p, n);
        if (!birth->is_users && barrow_is_users_file(&frame)) {
            birth->is_users = true;
            birth->by_import = birth->in_import;
            birth->user = n;
        }
        birth->in_import = birth->in_import || is_import(&frame);
    }
}

/* ---- growth ---- */

/* Of one site, while its process' points pass by. */
struct growth {
    uint64_t now, most, last;
    uint64_t before_ns; /* the last point at which there was none */
    uint64_t then;      /* live at the last point before `recent` of its time */
    bool partial;
};

/* Points up to the first that is not before the snapshot, which stands for its time. */
struct curves {
    const struct barrow_profile *profile;
    struct barrow_points points;
    struct growth *growth; /* by site of the profile */
    uint64_t taken_ns;     /* since the start of the run, as the points' times */
    uint32_t process;
    size_t seen; /* points of the process */
};

/* The next point of the process from *at on; its time in *time_ns.  NULL: none is left. */
static const struct barrow_point *next_point(const struct curves *c, size_t *at, uint64_t *time_ns)
{
    while (*at < c->points.count) {
        const struct barrow_point *point = &c->points.points[(*at)++];
        if (point->process != c->process)
            continue;
        *time_ns = point->time_ns;
        if (point->time_ns >= c->taken_ns) {
            *time_ns = c->taken_ns;
            *at = c->points.count;
        }
        for (size_t i = 0; i < point->count; i++) {
            const struct barrow_change *change = &c->points.changes[point->first + i];
            c->growth[change->site].now = change->live.bytes;
        }
        return point;
    }
    return NULL;
}

/* When each site was last empty before what it holds in the end. */
static void find_starts(struct curves *c)
{
    size_t at = 0;
    uint64_t time_ns;

    while (next_point(c, &at, &time_ns)) {
        c->seen++;
        for (size_t s = 0; s < c->profile->sites_count; s++) {
            struct growth *g = &c->growth[s];
            if (g->now == 0)
                g->before_ns = time_ns;
            if (g->now > g->most)
                g->most = g->now;
            g->last = g->now;
        }
    }
}

static void find_growth(struct curves *c)
{
    size_t at = 0;
    uint64_t time_ns;

    for (size_t s = 0; s < c->profile->sites_count; s++)
        c->growth[s].now = 0;
    while (next_point(c, &at, &time_ns)) {
        for (size_t s = 0; s < c->profile->sites_count; s++) {
            struct growth *g = &c->growth[s];
            double part = (double)g->now, whole = (double)g->last;
            double age = (double)(c->taken_ns - g->before_ns);
            if (time_ns <= g->before_ns)
                continue;
            if (part >= least_partial * whole && part <= most_partial * whole)
                g->partial = true;
            if ((double)(time_ns - g->before_ns) <= recent * age)
                g->then = g->now;
        }
    }
}

static bool grows(const struct curves *c, size_t site)
{
    const struct growth *g = &c->growth[site];
    double whole = (double)g->last;

    return whole > 0 && g->partial && (double)g->then <= most_partial * whole &&
           (double)g->most <= most_ever * whole;
}

static int look_at_time(struct barrow_births *births, struct curves *c, struct barrow_error *err)
{
    if (barrow_profile_points(c->profile, &c->points, err) < 0)
        return -1;
    c->growth = calloc(c->profile->sites_count + 1, sizeof *c->growth);
    if (!c->growth) {
        barrow_points_free(&c->points);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "not enough memory to look at births");
    }
    find_starts(c);
    find_growth(c);
    births->has_time = c->seen >= 3;
    for (uint32_t i = 1; i < births->count; i++)
        if (births->sites[i].site != BARROW_NO_SITE)
            births->sites[i].grows = grows(c, births->sites[i].site);
    free(c->growth);
    barrow_points_free(&c->points);
    return 0;
}

/* ---- all of them ---- */

int barrow_births_load(struct barrow_births *births, const struct barrow_profile *profile,
                       uint32_t process, uint32_t count, uint64_t taken_ns,
                       struct barrow_error *err)
{
    struct curves curves = {.profile = profile, .process = process};

    *births = (struct barrow_births){.count = count ? count : 1};
    births->sites = calloc(births->count, sizeof *births->sites);
    if (!births->sites)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "not enough memory to look at births");
    births->sites[0].site = BARROW_NO_SITE;
    for (uint32_t i = 1; i < births->count; i++) {
        struct barrow_birth *birth = &births->sites[i];
        birth->site = barrow_profile_site_of(profile, process, i);
        if (birth->site != BARROW_NO_SITE)
            look_at_stack(birth, profile);
    }
    if (process < profile->process_count)
        curves.taken_ns = profile->processes[process].start_ns +
                          (taken_ns ? taken_ns : profile->processes[process].duration_ns);
    if (look_at_time(births, &curves, err) == 0)
        return 0;
    barrow_births_free(births);
    return -1;
}

void barrow_births_free(struct barrow_births *births)
{
    free(births->sites);
    *births = (struct barrow_births){0};
}

/* ---- sums by line ---- */

bool barrow_birth_tally_add(struct barrow_birth_tally *tally, uint32_t number, uint64_t bytes)
{
    if (!tally->values)
        tally->values = calloc(tally->births->count, sizeof *tally->values);
    if (!tally->values)
        return false;
    struct barrow_value *value = &tally->values[number < tally->births->count ? number : 0];
    value->bytes += bytes;
    value->blocks++;
    return true;
}

static int by_falling_bytes(const void *a, const void *b)
{
    const struct barrow_birth_line *x = a, *y = b;

    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x->frame < y->frame ? -1 : x->frame > y->frame;
}

static void add_to_line(const struct barrow_birth_tally *tally, uint32_t number,
                        struct barrow_birth_line *line)
{
    const struct barrow_value *value = &tally->values[number];

    line->objects += value->blocks;
    line->bytes += value->bytes;
    if (value->bytes >= line->most) {
        line->most = value->bytes;
        line->number = number;
    }
}

int barrow_birth_tally_lines(struct barrow_birth_tally *tally, const struct barrow_profile *profile,
                             struct barrow_birth_line **lines, size_t *count,
                             struct barrow_error *err)
{
    uint32_t *line_of_frame = calloc(profile->frame_count + 1, sizeof *line_of_frame);

    *count = 0;
    *lines = calloc(tally->births->count + 1u, sizeof **lines);
    if (!line_of_frame || !*lines) {
        free(line_of_frame);
        free(*lines);
        *lines = NULL;
        return barrow_fail(err, BARROW_E_NO_MEMORY, "not enough memory to add up births");
    }
    for (uint32_t i = 0; tally->values && i < tally->births->count; i++) {
        uint32_t user = tally->births->sites[i].user;
        uint32_t frame = user ? profile->nodes[user].frame : 0;
        if (!tally->values[i].blocks)
            continue;
        if (!line_of_frame[frame]) {
            (*lines)[(*count)++].frame = frame;
            line_of_frame[frame] = (uint32_t)*count;
        }
        add_to_line(tally, i, &(*lines)[line_of_frame[frame] - 1]);
    }
    if (*count)
        qsort(*lines, *count, sizeof **lines, by_falling_bytes);
    free(line_of_frame);
    free(tally->values);
    tally->values = NULL;
    return 0;
}
