#include "attach/runtime.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* From 3.13 on an interpreter's state begins with this, its version, whether it is free-threaded,
 * and where it keeps things. */
static const char cookie[8] = "xdebugpy";
enum { TABLE_VERSION = 8, TABLE_FREE_THREADED = 16, FIELD_LIMIT = 1 << 24 };

static bool has_cookie(struct barrow_memory *m, uint64_t address)
{
    const void *at = barrow_memory_look(m, address, sizeof cookie);
    return at && memcmp(at, cookie, sizeof cookie) == 0;
}

/* Programs that export no symbols have the cookie in their data. */
static uint64_t scan_for_cookie(struct barrow_target *t)
{
    enum { LARGEST = 64 << 20 };

    for (size_t i = 0; i < t->region_count; i++) {
        const struct barrow_region *r = &t->regions[i];
        uint64_t bytes = r->end - r->start;
        if (!r->of_file || !r->writable || bytes > LARGEST)
            continue;
        const char *copy = barrow_memory_look(&t->memory, r->start, bytes);
        for (uint64_t at = 0; copy && at + TABLE_FREE_THREADED + 8 <= bytes; at += 8)
            if (memcmp(copy + at, cookie, sizeof cookie) == 0 &&
                barrow_memory_word(&t->memory, r->start + at + TABLE_VERSION) >> 24 == 3)
                return r->start + at;
    }
    return 0;
}

char *barrow_runtime_version(const struct barrow_runtime *rt, char text[24])
{
    uint32_t v = rt->version;
    const char *level = (v >> 4 & 15) == 10 ? "a" : (v >> 4 & 15) == 11 ? "b" : "rc";

    int length = snprintf(text, 24, "%u.%u.%u", v >> 24, v >> 16 & 255, v >> 8 & 255);
    if ((v >> 4 & 15) != 15)
        snprintf(text + length, 24 - (size_t)length, "%s%u", level, v & 15);
    return text;
}

/* What the interpreter itself says about where things are. */
static bool read_table(struct barrow_runtime *rt, struct barrow_memory *m)
{
    struct barrow_layout *l = &rt->layout;
    const struct {
        uint32_t where, *field;
    } fields[] = {
        {l->table_interpreters, &l->interpreters}, {l->table_next, &l->next},
        {l->table_threads, &l->threads},           {l->table_gc, &l->gc},
        {l->table_collecting, &l->collecting},     {l->table_thread_next, &l->thread_next},
        {l->table_native_id, &l->native_id},       {l->table_gil, &l->gil},
    };

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        uint64_t value = barrow_memory_word(m, rt->address + fields[i].where);
        if (value > FIELD_LIMIT)
            return false;
        *fields[i].field = (uint32_t)value;
    }
    return true;
}

static int say_unknown(const struct barrow_target *t, const char *what, struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_UNSUPPORTED,
                       "process %" PRIu32 " (%s) %s; barrow reads CPython 3.11 to 3.15", t->pid,
                       t->name, what);
}

static int read_version(struct barrow_runtime *rt, struct barrow_target *t,
                        struct barrow_error *err)
{
    char text[24], what[64];

    if (rt->has_table) {
        rt->version = barrow_memory_half(&t->memory, rt->address + TABLE_VERSION);
    } else {
        uint64_t symbol = barrow_symbol_find(t, "Py_Version");
        rt->version = symbol ? barrow_memory_half(&t->memory, symbol) : 0;
    }
    if (rt->version == 0)
        return say_unknown(t, "runs a Python older than 3.11", err);
    snprintf(what, sizeof what, "runs Python %s", barrow_runtime_version(rt, text));
    const struct barrow_layout *layout = barrow_layout_find(rt->version >> 16);
    bool early = (rt->version >> 4 & 15) < 12; /* alphas and betas move fields */
    if (!layout || early || (layout->table_gc && !rt->has_table))
        return say_unknown(t, what, err);
    rt->layout = *layout;
    if (rt->has_table && barrow_memory_word(&t->memory, rt->address + TABLE_FREE_THREADED)) {
        snprintf(what, sizeof what, "runs a free-threaded build of Python %s", text);
        return say_unknown(t, what, err);
    }
    if (rt->has_table && !read_table(rt, &t->memory))
        return say_unknown(t, "has a damaged interpreter state", err);
    return 0;
}

int barrow_runtime_find(struct barrow_runtime *rt, struct barrow_target *t,
                        struct barrow_error *err)
{
    *rt = (struct barrow_runtime){0};
    rt->address = barrow_symbol_find(t, "_PyRuntime");
    if (!rt->address)
        rt->address = scan_for_cookie(t);
    if (!rt->address)
        return barrow_fail(err, BARROW_E_USAGE,
                           "process %" PRIu32 " (%s) runs no Python that can be found", t->pid,
                           t->name);
    rt->has_table = has_cookie(&t->memory, rt->address);
    if (read_version(rt, t, err) < 0)
        return -1;
    rt->interpreter = barrow_memory_word(&t->memory, rt->address + rt->layout.interpreters);
    if (!rt->interpreter)
        return barrow_fail(err, BARROW_E_USAGE,
                           "process %" PRIu32 " (%s): its Python is only starting, or has ended",
                           t->pid, t->name);
    return 0;
}
