/* The lines of functions chosen for profiling. */
#include <stdlib.h>
#include <string.h>

#include "profile/build.h"

bool profile_build_profiled(struct profile_build *build, struct profile_member *member)
{
    uint32_t count;
    const struct ledger_line *from = barrow_ledger_lines(member->ledger, &count);
    uint32_t codes = member->ledger->tables[LEDGER_CODES].count;
    const struct ledger_code *code = member->ledger->tables[LEDGER_CODES].records;
    for (uint32_t i = 0; i < count; i++) {
        const struct ledger_line *l = &from[i];
        if (l->code == 0 || l->code >= codes)
            continue; /* being written, or damaged */
        uint32_t frame = profile_member_line(member, &build->names, l->code,
                                             l->line ? l->line : code[l->code].first_line);
        struct barrow_profiled *p =
            frame == PROFILE_NO_MEMORY ? NULL : barrow_array_add(&build->profiled);
        if (!p)
            return false;
        *p = (struct barrow_profiled){.frame = frame,
                                      .is_function = l->line == 0,
                                      .occurrences = l->occurrences,
                                      .memory_bytes = l->memory_bytes,
                                      .peak_bytes = l->peak_bytes,
                                      .increment_bytes = l->increment_bytes};
    }
    return true;
}

static int compare(const void *left, const void *right, void *context)
{
    const struct barrow_profiled *a = left, *b = right;
    const struct barrow_frame *frames = context, *f = &frames[a->frame], *g = &frames[b->frame];
    int order = strcmp(f->file, g->file);
    if (order == 0 && f->first_line != g->first_line)
        order = f->first_line < g->first_line ? -1 : 1;
    if (order == 0)
        order = strcmp(f->function, g->function);
    if (order == 0)
        order = (int)b->is_function - (int)a->is_function;
    if (order == 0 && f->line != g->line)
        order = f->line < g->line ? -1 : 1;
    return order;
}

void profile_build_sum_profiled(struct profile_build *build)
{
    struct barrow_profiled *lines = build->profiled.items;
    struct barrow_frame *frames = build->names.frames.items;
    size_t kept = 0;
    if (build->profiled.count)
        qsort_r(lines, build->profiled.count, sizeof *lines, compare, frames);
    for (size_t i = 0; i < build->profiled.count; i++) {
        struct barrow_profiled *sum = kept ? &lines[kept - 1] : NULL;
        if (!sum || compare(sum, &lines[i], frames) != 0) {
            lines[kept++] = lines[i];
            continue;
        }
        sum->occurrences += lines[i].occurrences;
        sum->increment_bytes += lines[i].increment_bytes;
        if (lines[i].memory_bytes > sum->memory_bytes)
            sum->memory_bytes = lines[i].memory_bytes;
        if (lines[i].peak_bytes > sum->peak_bytes)
            sum->peak_bytes = lines[i].peak_bytes;
    }
    build->profiled.count = kept;
}
