/* The line profiler: what each line of chosen functions allocates, exactly.
 *
 *     events of the interpreter ──► activations ──► records of LINES in the ledger
 *     (cpython/line_events.h)       (measure.c)     (chosen.c)
 *
 * A line is charged with what its thread allocated minus what it freed between the line's beginning and
 * the next event of the same activation: what the line calls is part of it, other threads' work is not.
 * The counters are the recorder's own (record/counters.h), so the figures are exact to the byte, with
 * what barrow and the interpreter allocate for the events taken out.
 *
 * Everything needs the interpreter lock; interpreters with a lock of their own aren't measured.
 */
#ifndef BARROW_LINES_LINES_H
#define BARROW_LINES_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include <Python.h>

#include "ledger/format.h"

/* Measures this code object from here on; nested ones are not chosen with it.  Idempotent.  Events stay on
 * when the recording ends, and count in the next one.  0, or -1 with an exception: RuntimeError if nothing
 * is being recorded or the recording can't count, MemoryError. */
int barrow_lines_choose(PyCodeObject *code);
/* Ends its events; its figures stay. */
int barrow_lines_drop(PyCodeObject *code);

/* Chooses the functions that are made from here on and match a pattern: one a line, FILE:NAME, both with
 * wildcards (fnmatch) for the code's file and qualified name.  The text is copied. */
int barrow_lines_choose_matching(const char *patterns);

/* Growth in resident memory instead of allocations: costs some microseconds a line. */
void barrow_lines_measure_rss(bool yes);

/* The figures so far: *lines points to *count records that lie in a row, the first of them the
 * function's own (line 0).  Zero if it isn't chosen in this recording.  Good until the next choose. */
void barrow_lines_figures(PyCodeObject *code, struct ledger_line **lines, uint32_t *count);

#endif
