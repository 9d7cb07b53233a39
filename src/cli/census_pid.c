/* barrow census PID: any live Python process, read from outside. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "attach/census.h"
#include "base/units.h"
#include "cli/census.h"
#include "cli/memory.h"
#include "cli/output.h"
#include "cli/progress.h"

struct result {
    struct barrow_target target;
    struct barrow_runtime runtime;
    struct barrow_live_census census;
    uint64_t took_ns;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static size_t rows_to_show(const struct barrow_view_options *o, size_t count)
{
    size_t limit = o->limit;

    if (limit == LIMIT_NOT_GIVEN)
        limit = o->json ? 0 : TEXT_ROWS;
    return limit && limit < count ? limit : count;
}

/* ---- JSON ---- */

static void put_number(struct barrow_json *json, const char *key, uint64_t value)
{
    barrow_json_key(json, key);
    barrow_json_uint(json, value);
}

static void print_json(const struct barrow_view_options *o, const struct result *r)
{
    const struct barrow_live_census *c = &r->census;
    size_t shown = rows_to_show(o, c->count);
    struct barrow_json json;
    char version[24];

    barrow_json_init(&json, stdout, 0);
    barrow_json_begin_object(&json);
    put_number(&json, "pid", r->target.pid);
    barrow_json_key(&json, "python");
    barrow_json_string(&json, barrow_runtime_version(&r->runtime, version));
    put_number(&json, "objects", c->objects);
    put_number(&json, "tracked", c->tracked);
    put_number(&json, "bytes", c->bytes);
    barrow_json_key(&json, "complete");
    barrow_json_bool(&json, !c->torn);
    barrow_json_key(&json, "took_s");
    barrow_json_seconds(&json, r->took_ns);
    barrow_json_key(&json, "pause_s");
    barrow_json_seconds(&json, c->pause_ns);
    barrow_json_key(&json, "rows");
    barrow_json_begin_array(&json);
    for (size_t i = 0; i < shown; i++) {
        barrow_json_begin_object(&json);
        barrow_json_key(&json, "class");
        barrow_json_string(&json, c->classes[i].name);
        put_number(&json, "objects", c->classes[i].objects);
        put_number(&json, "tracked", c->classes[i].tracked);
        put_number(&json, "bytes", c->classes[i].bytes);
        barrow_json_end_object(&json);
    }
    barrow_json_end_array(&json);
    barrow_json_end_object(&json);
}

/* ---- text ---- */

static void print_head(const struct barrow_view *view, const struct result *r)
{
    const struct barrow_live_census *c = &r->census;
    const struct barrow_terminal *t = &view->terminal;
    char count[BARROW_UNITS_ROOM], tracked[BARROW_UNITS_ROOM], bytes[BARROW_UNITS_ROOM];
    char version[24];
    char *took = barrow_duration(t, c->pause_ns ? c->pause_ns : r->took_ns);
    char *name = barrow_printable(t, r->target.name);

    fprintf(t->out, "%sclasses of process %" PRIu32 "%s (%s, Python %s): %s in %s objects\n",
            barrow_style(t, STYLE_HEAD), r->target.pid, barrow_style(t, STYLE_PLAIN), name,
            barrow_runtime_version(&r->runtime, version), barrow_units_bytes(bytes, c->bytes),
            barrow_units_count(count, c->objects));
    char *counted = barrow_format(
        "Counted: %s objects that the collector tracks and %s others reached from them, read from "
        "outside in %s while the process %s.",
        barrow_units_count(tracked, c->tracked), barrow_units_count(count, c->objects - c->tracked),
        took, c->pause_ns ? "stood still" : "went on");
    barrow_view_say(view, STYLE_DIM, "", counted);
    free(counted);
    free(name);
    free(took);
}

static void print_text(const struct barrow_view_options *o, const struct result *r)
{
    static const struct barrow_column columns[] = {
        {"bytes", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"%", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"objects", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},
        {"each", ALIGN_RIGHT, STYLE_DIM, 0, CUT_END},
        {"class", ALIGN_LEFT, STYLE_NAME, 20, CUT_START}};
    const struct barrow_live_census *c = &r->census;
    size_t shown = rows_to_show(o, c->count);
    struct barrow_view view = {.options = o};
    char each[BARROW_UNITS_ROOM];

    barrow_terminal_init(&view.terminal, stdout, (enum barrow_color)o->color);
    print_head(&view, r);
    struct barrow_columns *table =
        barrow_columns_new(&view.terminal, columns, sizeof columns / sizeof *columns, NULL);
    for (size_t i = 0; i < shown; i++) {
        const struct barrow_live_class *row = &c->classes[i];
        barrow_put_bytes(table, row->bytes);
        barrow_put_share(table, row->bytes, c->bytes);
        barrow_put_count(table, row->objects);
        barrow_columns_put(table, barrow_units_bytes(each, row->bytes / row->objects));
        barrow_columns_put(table, row->name);
    }
    barrow_columns_print(table);
    barrow_columns_free(table);
    barrow_view_more(&view, c->count, "classes");
    if (c->torn)
        barrow_view_say(&view, STYLE_WARN, "note: ",
                        "the process changed its lists of objects while they were read: some "
                        "objects are missing; --stop gives all");
}

/* ---- the command ---- */

static int take(struct result *r, const struct census_options *o, uint32_t pid,
                struct barrow_error *err)
{
    uint64_t begin = now_ns();

    if (barrow_target_open(&r->target, pid, err) < 0 ||
        barrow_runtime_find(&r->runtime, &r->target, err) < 0)
        return -1;
    int rc = o->stop ? barrow_live_census_stopped(&r->census, &r->target, &r->runtime, err)
                     : barrow_live_census_of(&r->census, &r->target, &r->runtime, err);
    r->took_ns = now_ns() - begin;
    return rc;
}

int barrow_census_pid(const struct census_options *o, uint32_t pid, struct barrow_error *err)
{
    struct result r = {0};

    signal(SIGPIPE, SIG_IGN); /* see barrow_output_end() */
    barrow_progress_start("reading the process");
    int rc = take(&r, o, pid, err);
    barrow_progress_stop();
    if (rc == 0 && o->view.json)
        print_json(&o->view, &r);
    else if (rc == 0)
        print_text(&o->view, &r);
    barrow_live_census_free(&r.census);
    barrow_target_free(&r.target);
    return rc;
}
