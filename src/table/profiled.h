/* Functions chosen for profiling with their lines, as a person reads them beside the source.
 *
 * What is defined inside a chosen function (comprehensions, closures) is shown in it: a line's figures are
 * those of the outermost function that ran it, which contain those of the inner ones.
 */
#ifndef BARROW_TABLE_PROFILED_H
#define BARROW_TABLE_PROFILED_H

#include "base/json.h"
#include "profile/profile.h"

struct barrow_profiled_line {
    uint32_t line;
    uint32_t depth;       /* of the function it is taken from: 0 the chosen one */
    uint64_t occurrences; /* 0: the line never ran */
    int64_t increment_bytes;
    uint64_t memory_bytes, peak_bytes;
    /* Of all that was allocated by the line or by what it called, whenever and by whichever thread: in all,
     * and still live at the end of the recording. */
    uint64_t allocated_bytes, live_bytes;
};

struct barrow_profiled_function {
    const char *function, *file; /* the profile's */
    uint32_t first_line, last_line;
    uint64_t calls, memory_bytes; /* the highest RSS at a call */
    size_t first, count;          /* its lines, by number */
};

struct barrow_profiled_functions {
    struct barrow_profiled_function *items; /* by file, then place */
    size_t count;
    struct barrow_profiled_line *lines;
    size_t line_count;
};

int barrow_profiled_functions(const struct barrow_profile *profile,
                              struct barrow_profiled_functions *functions, struct barrow_error *err);
void barrow_profiled_functions_free(struct barrow_profiled_functions *functions);

/* The value [{"function", "file", "first_line", "calls", "memory_bytes", "lines": [...]}, ...]. */
void barrow_profiled_json(struct barrow_json *json, const struct barrow_profiled_functions *functions);

#endif
