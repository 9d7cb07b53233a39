#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/units.h"
#include "watch/census.h"

typedef struct ledger_census_class class;

static int by_name(const void *left, const void *right)
{
    const class *a = left, *b = right;
    uint32_t n = a->name_bytes < b->name_bytes ? a->name_bytes : b->name_bytes;
    int order = memcmp(a->name, b->name, n);
    return order ? order : (a->name_bytes > b->name_bytes) - (a->name_bytes < b->name_bytes);
}

static int falling(uint64_t a, uint64_t b)
{
    return (a < b) - (a > b);
}

static int by_objects(const void *left, const void *right)
{
    const class *a = left, *b = right;
    int order = falling(a->objects, b->objects);
    if (!order)
        order = falling(a->bytes, b->bytes);
    return order ? order : by_name(a, b);
}

static int by_bytes(const void *left, const void *right)
{
    const class *a = left, *b = right;
    int order = falling(a->bytes, b->bytes);
    if (!order)
        order = falling(a->objects, b->objects);
    return order ? order : by_name(a, b);
}

void barrow_watch_census_merge(struct barrow_watch_census *census)
{
    size_t kept = 0;
    if (census->count == 0)
        return;
    qsort(census->classes, census->count, sizeof *census->classes, by_name);
    for (size_t i = 1; i < census->count; i++) {
        if (by_name(&census->classes[kept], &census->classes[i]) == 0) {
            census->classes[kept].objects += census->classes[i].objects;
            census->classes[kept].bytes += census->classes[i].bytes;
        } else {
            census->classes[++kept] = census->classes[i];
        }
    }
    census->count = kept + 1;
}

void barrow_watch_census_free(struct barrow_watch_census *census)
{
    free(census->classes);
    barrow_arena_free(&census->names);
    *census = (struct barrow_watch_census){0};
}

/* Tenths of 1024 * 1024 bytes, halves to even: as Python rounds, and whatever the locale. */
static uint64_t tenths_of_mb(uint64_t bytes)
{
    __uint128_t scaled = (__uint128_t)bytes * 10;
    uint64_t tenths = (uint64_t)(scaled >> 20), rest = (uint64_t)scaled & 0xfffff;
    return tenths + (rest > 0x80000 || (rest == 0x80000 && tenths & 1));
}

static void add_line(struct barrow_buffer *text, const class *c, bool is_bytes)
{
    char number[BARROW_UNITS_ROOM], amount[BARROW_UNITS_ROOM + 16];
    uint64_t tenths = tenths_of_mb(c->bytes);
    if (is_bytes)
        snprintf(amount, sizeof amount, ": %" PRIu64 ".%" PRIu64 " MB", tenths / 10, tenths % 10);
    else
        snprintf(amount, sizeof amount, ": %s objects", barrow_units_count(number, c->objects));
    barrow_buffer_add_text(text, "\n  ");
    barrow_buffer_add(text, c->name, c->name_bytes);
    barrow_buffer_add_text(text, amount);
}

char *barrow_watch_text(struct barrow_watch_census *census, uint32_t top)
{
    struct barrow_buffer text = {0};
    char heading[80];
    barrow_buffer_add_text(&text, "Memory Snapshot");
    for (int is_bytes = 0; is_bytes < 2; is_bytes++) {
        snprintf(heading, sizeof heading, "\n\nTop %" PRIu32 " by %s:", top,
                 is_bytes ? "memory usage" : "object count");
        barrow_buffer_add_text(&text, heading);
        if (census->count)
            qsort(census->classes, census->count, sizeof *census->classes,
                  is_bytes ? by_bytes : by_objects);
        for (size_t i = 0; i < census->count && i < top; i++)
            add_line(&text, &census->classes[i], is_bytes);
    }
    char *whole = barrow_buffer_text(&text);
    if (!whole)
        barrow_buffer_free(&text);
    return whole;
}
