/* Activations of chosen functions and what their lines allocate.
 *
 * Each thread keeps a stack of them, the innermost last.  `now` is what the thread has allocated
 * minus freed so far:
 *
 *        main()   line 12   began at now = 100 ┐
 *          load() line 3    began at now = 150 ┤ at load's next event (now = 190) its line 3 is
 * charged │ with 40; the activation then begins its next line at 190 ┘ main's line 12 ends later
 * and contains all of this
 *
 * An activation is its frame: a generator that goes on is a new one.  The highest value of `now`
 * between two events comes from the recorder; it is folded into the innermost activation and, when
 * that ends, into the one around it.
 *
 * What the events themselves allocate is taken out: an event's argument may be an int made for it
 * (`own`), which lies in the counters when we look and is gone when we look again.  So it is kept
 * alive until the next such event, whose callback lets it go; whatever changes in the counters
 * during a callback goes to `aside`.
 */
#include <string.h>

#include "cpython/frame.h"
#include "cpython/line_events.h"
#include "lines/chosen.h"
#include "os/raw.h"
#include "record/counters.h"
#include "record/record.h"

struct activation {
    const barrow_frame *frame;
    struct chosen *chosen;
    uint32_t line;          /* 0: none has begun */
    int64_t entry;          /* `now` at the call */
    int64_t began;          /* ... when the line began */
    int64_t highest;        /* since the line began, inner activations that have ended included */
    int64_t highest_before; /* of the lines before */
    uint64_t entry_rss;
};

struct measuring { /* of one thread */
    uint64_t stamp;
    int64_t aside;
    PyObject *kept;
    uint32_t count, capacity;
    struct activation *stack;
};

#define FIRST_CAPACITY 256u
#define LARGEST_CAPACITY (1u << 20)
#define RSS_AGE_NS 1000000u

static bool by_rss;

void barrow_lines_measure_rss(bool yes)
{
    by_rss = yes;
}

/* ---- looking ---- */

/* At calls, where some tenths of a per cent don't matter: not more than once a millisecond. */
static uint64_t recent_rss(void)
{
    static uint64_t rss, read_at;
    uint64_t time = raw_monotonic_ns();
    if (time - read_at > RSS_AGE_NS || !rss) {
        rss = barrow_resident_bytes();
        read_at = time;
    }
    return rss;
}

/* This thread's state, emptied if the recording is another one.  NULL: no memory. */
static struct measuring *measuring_of(struct barrow_counters *counters, uint64_t stamp)
{
    struct measuring *m = counters->measuring;
    if (!m) {
        m = raw_memory(sizeof *m);
        struct activation *stack = m ? raw_memory(FIRST_CAPACITY * sizeof *stack) : NULL;
        if (!stack)
            return NULL;
        m->stack = stack;
        m->capacity = FIRST_CAPACITY;
        counters->measuring = m;
    }
    if (m->stamp != stamp || counters->is_handed_on) {
        counters->is_handed_on = false;
        m->stamp = stamp;
        m->count = 0;
    }
    return m;
}

struct look { /* at the beginning of a callback */
    struct barrow_thread *thread;
    struct barrow_counters *counters;
    struct measuring *measuring;
    const barrow_frame *frame;
    PyObject *own; /* to be kept */
    int64_t now;
};

/* False if nothing is being recorded.  Else the thread has entered, and look_end must follow. */
static bool look_begin(struct look *l, PyObject *own)
{
    uint64_t stamp = barrow_recording_stamp();
    if (!stamp || !(l->thread = barrow_enter()))
        return false;
    l->counters = barrow_counters_of(l->thread);
    l->measuring = measuring_of(l->counters, stamp);
    l->frame = barrow_frame_top(PyThreadState_Get());
    if (!l->measuring || !l->frame) {
        barrow_leave(l->thread);
        return false;
    }
    int64_t own_bytes = own ? (int64_t)barrow_counters_newest(l->thread, own) : 0;
    int64_t highest = l->counters->highest_bytes;
    l->own = own_bytes ? own : NULL;
    l->now = l->counters->net_bytes - own_bytes - l->measuring->aside;
    if (highest == l->counters->net_bytes)
        highest -= own_bytes;
    highest -= l->measuring->aside;
    if (by_rss)
        highest = l->now = (int64_t)barrow_resident_bytes();
    if (l->measuring->count) {
        struct activation *a = &l->measuring->stack[l->measuring->count - 1];
        if (highest > a->highest)
            a->highest = highest;
    }
    return true;
}

static void look_end(struct look *l)
{
    PyObject *gone = NULL;
    barrow_leave(l->thread);
    if (l->own) {
        gone = l->measuring->kept;
        l->measuring->kept = Py_NewRef(l->own);
        Py_XDECREF(gone);
    }
    if (!by_rss)
        l->measuring->aside = l->counters->net_bytes - l->now;
    l->counters->highest_bytes = l->counters->net_bytes;
}

/* ---- activations ---- */

static void end_line(struct activation *a, int64_t now)
{
    struct ledger_line *r = a->line ? barrow_chosen_record(a->chosen, a->line) : NULL;
    if (r) {
        int64_t memory = (int64_t)a->entry_rss + now - a->entry, peak = a->highest - a->entry;
        r->increment_bytes += now - a->began;
        if (memory > (int64_t)r->memory_bytes)
            r->memory_bytes = (uint64_t)memory;
        if (peak > (int64_t)r->peak_bytes)
            r->peak_bytes = (uint64_t)peak;
    }
    if (a->highest > a->highest_before)
        a->highest_before = a->highest;
    a->highest = a->began = now;
}

static struct activation *push(struct look *l, struct chosen *c)
{
    struct measuring *m = l->measuring;
    if (m->count == m->capacity) {
        uint32_t larger = m->capacity * 2;
        struct activation *stack =
            larger <= LARGEST_CAPACITY ? raw_memory(larger * sizeof *stack) : NULL;
        if (!stack)
            return NULL;
        memcpy(stack, m->stack, m->count * sizeof *stack);
        raw_munmap(m->stack, m->capacity * sizeof *stack);
        m->stack = stack;
        m->capacity = larger;
    }
    struct activation *a = &m->stack[m->count++];
    *a = (struct activation){.frame = l->frame,
                             .chosen = c,
                             .entry = l->now,
                             .began = l->now,
                             .highest = l->now,
                             .highest_before = l->now,
                             .entry_rss = by_rss ? (uint64_t)l->now : recent_rss()};
    return a;
}

static void pop(struct measuring *m)
{
    const struct activation *a = &m->stack[--m->count];
    if (m->count && a->highest_before > a[-1].highest)
        m->stack[m->count - 1].highest = a->highest_before;
}

/* The activation of the innermost frame; those above it have been left without an event. */
static struct activation *find(const struct look *l, const struct chosen *c)
{
    struct measuring *m = l->measuring;
    uint32_t i = m->count;
    while (i > 0 && m->stack[i - 1].frame != l->frame)
        i--;
    if (i == 0)
        return NULL;
    while (m->count > i)
        pop(m);
    if (m->stack[i - 1].chosen == c)
        return &m->stack[i - 1];
    pop(m); /* another call lies where that frame lay */
    return NULL;
}

/* ---- events ---- */

static void on_entered(PyCodeObject *code, int line, PyObject *own)
{
    struct chosen *c = barrow_chosen_find(code);
    struct look l;
    if (!c || !c->is_on || !look_begin(&l, own))
        return;
    struct measuring *m = l.measuring;
    if (m->count && m->stack[m->count - 1].frame == l.frame)
        pop(m);
    struct activation *a = barrow_chosen_prepare(c, m->stamp) ? push(&l, c) : NULL;
    if (a && line > 0) {
        a->line = (uint32_t)line;
    } else if (a) {
        struct ledger_line *r = barrow_chosen_record(c, 0);
        r->occurrences++;
        if (a->entry_rss > r->memory_bytes)
            r->memory_bytes = a->entry_rss;
    }
    look_end(&l);
}

static void on_line(PyCodeObject *code, int line, PyObject *own)
{
    struct look l;
    struct chosen *c = barrow_chosen_find(code);
    if (!c || !c->is_on || !look_begin(&l, own))
        return;
    struct activation *a = find(&l, c);
    if (!a && barrow_chosen_prepare(c, l.measuring->stamp))
        a = push(&l, c); /* chosen while it was running, or thrown into */
    if (a) {
        end_line(a, l.now);
        a->line = line > 0 ? (uint32_t)line : 0;
        struct ledger_line *r = a->line ? barrow_chosen_record(c, a->line) : NULL;
        if (r)
            r->occurrences++;
    }
    look_end(&l);
}

static void on_left(PyCodeObject *code, PyObject *own)
{
    struct look l;
    struct chosen *c = barrow_chosen_find(code);
    if (!c || !c->is_on || !look_begin(&l, own))
        return;
    struct activation *a = find(&l, c);
    if (a) {
        end_line(a, l.now);
        pop(l.measuring);
    }
    look_end(&l);
}

const struct barrow_line_events barrow_measure_events = {on_entered, on_line, on_left};
