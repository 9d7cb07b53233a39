#include "profile/lines.h"

#include <stdlib.h>

#include "base/array.h"

enum { ONE_LINE_0 = 10, ONE_LINE_2 = 12, NO_COLUMNS = 13, LONG = 14, NONE = 15 };

struct cursor {
    const uint8_t *at, *end;
};

static bool is_entry_start(const struct cursor *c)
{
    return c->at < c->end && *c->at & 0x80;
}

/* An unsigned varint; stops at the end of the table and at the start of an entry. */
static uint64_t varint(struct cursor *c)
{
    uint64_t value = 0;
    for (unsigned shift = 0; c->at < c->end && !is_entry_start(c); shift += 6) {
        uint8_t byte = *c->at++;
        if (shift < 60)
            value |= (uint64_t)(byte & 0x3f) << shift;
        if (!(byte & 0x40))
            break;
    }
    return value;
}

static int64_t signed_varint(struct cursor *c)
{
    uint64_t value = varint(c);
    return value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
}

/* Keeps the sum of forged deltas far from overflow. */
static int64_t bounded(int64_t line)
{
    const int64_t limit = (int64_t)1 << 40;
    return line < -limit ? -limit : line > limit ? limit : line;
}

bool barrow_lines_decode(struct barrow_lines *lines, const void *table, size_t count,
                         uint32_t first_line)
{
    struct cursor c = {.at = table, .end = (const uint8_t *)table + count};
    BARROW_ARRAY(struct barrow_line_run) runs = {0};
    int64_t line = first_line;
    uint32_t unit = 0;

    *lines = (struct barrow_lines){0};
    while (is_entry_start(&c)) {
        unsigned code = *c.at >> 3 & 15, units = (*c.at & 7) + 1u;
        c.at++;
        if (code >= ONE_LINE_0 && code <= ONE_LINE_2)
            line += (int64_t)code - ONE_LINE_0;
        else if (code == NO_COLUMNS || code == LONG)
            line = bounded(line + bounded(signed_varint(&c)));
        while (c.at < c.end && !is_entry_start(&c)) /* columns */
            c.at++;
        bool known = code != NONE && line > 0 && line <= INT32_MAX;
        uint32_t shown = known ? (uint32_t)line : first_line;
        if (runs.count == 0 || runs.items[runs.count - 1].line != shown) {
            struct barrow_line_run *run = barrow_array_add(&runs);
            if (!run) {
                free(runs.items);
                return false;
            }
            run->start = unit;
            run->line = shown;
        }
        unit += units;
        if (unit > INT32_MAX)
            break;
    }
    /* A last, empty run says where the table ends. */
    struct barrow_line_run *stop = barrow_array_add(&runs);
    if (!stop) {
        free(runs.items);
        return false;
    }
    stop->start = unit;
    lines->runs = runs.items;
    lines->count = (uint32_t)runs.count - 1;
    return true;
}

uint32_t barrow_lines_at(const struct barrow_lines *lines, int32_t unit)
{
    if (unit < 0 || lines->count == 0 || (uint32_t)unit >= lines->runs[lines->count].start)
        return 0;
    uint32_t low = 0, high = lines->count; /* the run is in [low, high) */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (lines->runs[middle].start <= (uint32_t)unit)
            low = middle;
        else
            high = middle;
    }
    return lines->runs[low].line;
}

void barrow_lines_free(struct barrow_lines *lines)
{
    free(lines->runs);
    *lines = (struct barrow_lines){0};
}
