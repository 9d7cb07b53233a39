/* barrow check: what was asked for and what came out, between its two files. */
#ifndef BARROW_CLI_CHECK_H
#define BARROW_CLI_CHECK_H

#include "cli/view.h"
#include "table/baseline.h"

/* One figure against one limit. */
struct barrow_check_verdict {
    enum barrow_figure figure;
    uint64_t value, limit; /* over: value > limit */
    bool from_baseline;
    uint64_t before;       /* from_baseline: what it was */
    const char *tolerance; /* from_baseline: as it was written, "5%" or "64KiB" */
};

struct barrow_check {
    struct barrow_view view;
    struct barrow_baseline now, before; /* `before` is empty without --baseline */
    const char *baseline_path;          /* NULL: none */
    struct barrow_check_verdict verdicts[2 * BARROW_FIGURE_COUNT];
    size_t count;
};

static inline bool barrow_check_is_over(const struct barrow_check_verdict *verdict)
{
    return verdict->value > verdict->limit;
}

/* Both show the verdicts, and for those that are over the sites that did it. */
int barrow_check_print(const struct barrow_check *check, struct barrow_error *err);
int barrow_check_json(struct barrow_check *check, struct barrow_error *err);

#endif
