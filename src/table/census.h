/* Class censuses of one or several ledgers as a table: each class over time.
 *
 * Points in time are the censuses of all processes together.  At each point a class has the sum of what
 * the processes had at their last census; a process counts until it ended, or, if it was killed, until
 * a census or two are overdue.  Before a process's first census its classes count as none.
 */
#ifndef BARROW_TABLE_CENSUS_H
#define BARROW_TABLE_CENSUS_H

#include "base/arena.h"
#include "ledger/inputs.h"

struct barrow_census_figures {
    uint64_t first, last, max;
    double per_hour; /* slope of the least squares line; 0 with fewer than two points in time */
};

/* From `point` on, until the class's next change. */
struct barrow_census_change {
    uint32_t class, point;
    uint64_t objects, bytes;
};

struct barrow_census_row {
    const char *name;
    struct barrow_census_figures objects, bytes;
    const struct barrow_census_change *changes; /* ascending by point */
    size_t change_count;
};

struct barrow_census_table {
    uint64_t *points; /* ns since the first process's start, ascending */
    size_t point_count;
    struct barrow_census_row *rows; /* growing ones first: by bytes an hour, then objects an hour */
    size_t row_count;
    uint64_t objects, bytes;   /* of all classes, at the last point */
    uint64_t longest_pause_ns;
    bool is_all;               /* every object; else what the collector tracks */
    size_t processes;          /* that have censuses */

    struct barrow_arena arena; /* holds the names */
    struct barrow_census_change *changes;
};

/* Errors: those of barrow_inputs_find() and barrow_input_open(); BARROW_E_USAGE: there are no censuses. */
int barrow_census_load(struct barrow_census_table *table, const char *const *paths, size_t count,
                       struct barrow_error *err);
int barrow_census_load_inputs(struct barrow_census_table *table, const struct barrow_inputs *inputs,
                              struct barrow_error *err);
void barrow_census_table_free(struct barrow_census_table *table);

/* The bytes of a row at `count` times, equally far apart, the last one at the last point. */
void barrow_census_trend(const struct barrow_census_table *table,
                         const struct barrow_census_row *row, uint64_t *bytes, size_t count);

#endif
