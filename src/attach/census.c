#include "attach/census.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attach/stop.h"
#include "attach/walk.h"

enum { INTERPRETERS = 1024 };

/* ---- counting ---- */

static void count_all(struct barrow_walk *w, const struct barrow_runtime *rt)
{
    uint64_t interpreter = rt->interpreter;

    for (int i = 0; i < INTERPRETERS && interpreter; i++) {
        barrow_walk_lists(w, interpreter);
        interpreter = barrow_memory_word(w->memory, interpreter + rt->layout.next);
    }
    for (size_t i = 0; i < w->found.count && !w->failed; i++) {
        uint64_t object = w->found.items[i];
        uint32_t number = barrow_walk_type(w, object);
        if (!number)
            continue;
        uint64_t bytes = barrow_walk_object(w, object, number);
        w->types[number].objects++;
        w->types[number].bytes += bytes;
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct barrow_live_class *)a)->name,
                  ((const struct barrow_live_class *)b)->name);
}

static int by_falling_bytes(const void *a, const void *b)
{
    const struct barrow_live_class *x = a, *y = b;

    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    if (x->objects != y->objects)
        return x->objects > y->objects ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void merge_same_names(struct barrow_live_census *c)
{
    size_t kept = 0;

    if (c->count == 0)
        return;
    qsort(c->classes, c->count, sizeof *c->classes, by_name);
    for (size_t i = 1; i < c->count; i++) {
        struct barrow_live_class *here = &c->classes[i], *last = &c->classes[kept];
        if (strcmp(here->name, last->name) != 0) {
            c->classes[++kept] = *here;
            continue;
        }
        last->objects += here->objects;
        last->tracked += here->tracked;
        last->bytes += here->bytes;
        free(here->name);
    }
    c->count = kept + 1;
    qsort(c->classes, c->count, sizeof *c->classes, by_falling_bytes);
}

static bool fill(struct barrow_live_census *c, struct barrow_walk *w)
{
    size_t types = w->type_count; /* names may lead to further classes, that have no objects */

    c->classes = calloc(types + 1, sizeof *c->classes);
    for (size_t i = 1; c->classes && i < types; i++) {
        struct walk_type t = w->types[i];
        if (t.objects == 0)
            continue;
        char *name = barrow_walk_name(w, &t);
        if (!name)
            return false;
        c->classes[c->count++] = (struct barrow_live_class){name, t.objects, t.tracked, t.bytes};
        c->objects += t.objects;
        c->tracked += t.tracked;
        c->bytes += t.bytes;
    }
    c->torn = w->broken > 0;
    c->read_bytes = w->memory->bytes;
    return c->classes && !w->failed;
}

int barrow_live_census_take(struct barrow_live_census *c, struct barrow_target *target,
                            const struct barrow_runtime *rt, struct barrow_error *err)
{
    struct barrow_walk w;

    *c = (struct barrow_live_census){0};
    if (barrow_walk_init(&w, target, rt, err) < 0)
        return -1;
    count_all(&w, rt);
    bool ok = !w.failed && fill(c, &w);
    barrow_walk_free(&w);
    if (!ok) {
        barrow_live_census_free(c);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "not enough memory for the census");
    }
    merge_same_names(c);
    return 0;
}

void barrow_live_census_free(struct barrow_live_census *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->classes[i].name);
    free(c->classes);
    *c = (struct barrow_live_census){0};
}

/* ---- a process that goes on ---- */

static void wait_ms(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static bool is_collecting(const struct barrow_target *t, const struct barrow_runtime *rt)
{
    uint32_t collecting = 0;

    barrow_target_read(t->pid, rt->interpreter + rt->layout.gc + rt->layout.collecting, &collecting,
                       sizeof collecting);
    return collecting != 0;
}

/* While the collector is at work its lists are taken apart: that is over in milliseconds. */
static void wait_for_collector(const struct barrow_target *t, const struct barrow_runtime *rt)
{
    enum { LOOKS = 200, MS = 5 };

    for (int i = 0; i < LOOKS && is_collecting(t, rt); i++)
        wait_ms(MS);
}

int barrow_live_census_of(struct barrow_live_census *c, struct barrow_target *target,
                          const struct barrow_runtime *rt, struct barrow_error *err)
{
    enum { TRIES = 4 };
    struct barrow_live_census best = {0};

    for (int i = 0; i < TRIES; i++) {
        wait_for_collector(target, rt);
        if (i && barrow_target_again(target, err) < 0)
            break; /* it has ended */
        if (barrow_live_census_take(c, target, rt, err) < 0) {
            barrow_live_census_free(&best);
            return -1;
        }
        if (!c->torn || c->tracked >= best.tracked) {
            struct barrow_live_census other = best;
            best = *c;
            *c = other;
        }
        barrow_live_census_free(c);
        if (!best.torn)
            break;
        wait_ms(10);
    }
    *c = best;
    if (best.count == 0 && best.objects == 0 && barrow_target_again(target, err) < 0)
        return -1;
    return 0;
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A collection that is under way is let come to its end. */
int barrow_live_census_stopped(struct barrow_live_census *c, struct barrow_target *target,
                               const struct barrow_runtime *rt, struct barrow_error *err)
{
    enum { TRIES = 100, MS = 5 };
    struct barrow_stop stop;
    uint64_t begin;

    for (int i = 0;; i++) {
        wait_for_collector(target, rt);
        begin = now_ns();
        if (barrow_stop_begin(&stop, target->pid, err) < 0)
            return -1;
        if (i == TRIES || !is_collecting(target, rt))
            break;
        barrow_stop_end(&stop);
        wait_ms(MS);
    }
    int rc = barrow_target_again(target, err);
    if (rc == 0)
        rc = barrow_live_census_take(c, target, rt, err);
    barrow_stop_end(&stop);
    if (rc == 0)
        c->pause_ns = now_ns() - begin;
    return rc;
}
