/* Figures that budgets are set on, and baselines: what a recording's figures were, function by
 * function, small enough to keep beside the source.
 *
 * A baseline is made from a profile or read from JSON:
 *
 *     {"barrow_baseline": 1,                      version; higher ones are refused
 *      "command": "etl.py", "python": "3.11.2",   for people
 *      "figures": {"peak": 14092424, ...},        the figures below that it has
 *      "functions": [{"module": "json.decoder", "function": "JSONDecoder.decode",
 *                     "peak": 0, "leaked": 0, "total": 1800000, "allocations": 20000, ...}]}
 *
 * Other keys are ignored, a figure that is missing is not compared.  Functions are told apart by
 * module and qualified name: paths and lines differ from machine to machine and from edit to edit.
 * Written are those that have at least a thousandth of some figure.  Not thread-safe.
 */
#ifndef BARROW_TABLE_BASELINE_H
#define BARROW_TABLE_BASELINE_H

#include "base/json.h"
#include "base/json_read.h"
#include "profile/profile.h"

/* X(NAME, its name, is it bytes, has it functions, metric, words)
 * ALLOCATIONS is the number of blocks of its metric, the others are bytes. */
#define BARROW_FIGURES(X)                                                        \
    X(PEAK, "peak", true, true, PEAK, "live at the peak")                        \
    X(LEAKED, "leaked", true, true, LEAKED, "still allocated at the end")        \
    X(TOTAL, "total", true, true, TOTAL, "allocated in all")                     \
    X(ALLOCATIONS, "allocations", false, true, TOTAL, "number of allocations")   \
    X(TEMPORARY, "temporary", true, true, TEMPORARY, "freed again at once")      \
    X(MAX_RSS, "max_rss", true, false, PEAK, "resident at most")
enum barrow_figure {
#define X(name, text, is_bytes, has_functions, metric, words) BARROW_FIGURE_##name,
    BARROW_FIGURES(X)
#undef X
    BARROW_FIGURE_COUNT
};

struct barrow_figure_traits {
    const char *name, *words;
    bool is_bytes, has_functions;
    enum barrow_metric metric;
};
extern const struct barrow_figure_traits barrow_figures[BARROW_FIGURE_COUNT];

uint64_t barrow_figure_of(const struct barrow_profile *profile, enum barrow_figure figure);
/* A row's part of it; 0 if the figure has no functions. */
uint64_t barrow_figure_of_row(const struct barrow_row *row, enum barrow_figure figure);

struct barrow_baseline_function {
    const char *module, *name;
    uint64_t value[BARROW_FIGURE_COUNT];
};

struct barrow_baseline {
    bool has[BARROW_FIGURE_COUNT];
    uint64_t value[BARROW_FIGURE_COUNT];
    struct barrow_baseline_function *functions; /* by module and name, each once */
    size_t function_count;
    const char *command, *python;
    struct barrow_json_document document; /* strings: of this or of the profile */
};

/* After a failure there is nothing to free. */
int barrow_baseline_of(struct barrow_baseline *baseline, const struct barrow_profile *profile,
                       struct barrow_error *err);
int barrow_baseline_read(struct barrow_baseline *baseline, const char *path,
                         struct barrow_error *err);
void barrow_baseline_write(const struct barrow_baseline *baseline, struct barrow_json *json);
void barrow_baseline_free(struct barrow_baseline *baseline);

/* A function that has more of a figure than before. */
struct barrow_growth {
    const char *module, *name;
    uint64_t before, after;
};
/* By falling growth, then names.  *growths is to be freed with free(); its strings belong to the
 * baselines. */
int barrow_baseline_growth(const struct barrow_baseline *before,
                           const struct barrow_baseline *after, enum barrow_figure figure,
                           struct barrow_growth **growths, size_t *count,
                           struct barrow_error *err);

#endif
