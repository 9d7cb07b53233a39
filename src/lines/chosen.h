/* The chosen code objects and where their figures lie. */
#ifndef BARROW_LINES_CHOSEN_H
#define BARROW_LINES_CHOSEN_H

#include "lines/lines.h"

struct chosen {
    PyCodeObject *code; /* a reference */
    uint64_t stamp;     /* of the recording that `first_record` belongs to */
    uint32_t first_record;
    uint32_t record_count; /* the function's own and one a line; 0: this ledger has no room */
    uint32_t first_line, line_limit;
    uint32_t *place; /* line - first_line → number after first_record, 0: has no code */
    bool is_on;
};

/* NULL if it isn't chosen. */
struct chosen *barrow_chosen_find(const PyCodeObject *code);

/* Makes sure of its records in the present ledger; false if there are none.  Of a thread that has
 * entered (record.h). */
bool barrow_chosen_prepare(struct chosen *c, uint64_t stamp);

/* The record of a line (0: the function), NULL if the line has no code. */
struct ledger_line *barrow_chosen_record(const struct chosen *c, uint32_t line);

/* What measure.c does with events. */
extern const struct barrow_line_events barrow_measure_events;

#endif
