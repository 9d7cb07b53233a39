/* What each thread itself has allocated and freed: for measuring between two points of its run.
 *
 *     barrow_counters_start()                    once; costs each Python allocation ~1 ns from then on
 *     struct barrow_thread *t = barrow_enter();  (record.h) NULL: nothing is being recorded
 *     struct barrow_counters *c = barrow_counters_of(t);
 *     ... c->net_bytes ...
 *     barrow_leave(t);
 *
 * Blocks of all domains count.  Only differences mean something; a block counts for the thread that
 * allocates it and against the one that frees it.  Blocks older than the recording don't count.
 */
#ifndef BARROW_RECORD_COUNTERS_H
#define BARROW_RECORD_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct barrow_thread;

/* Written by its own thread only. */
struct barrow_counters {
    int64_t net_bytes;     /* allocated minus freed */
    int64_t highest_bytes; /* that net_bytes has reached; whoever measures sets it back */
    void *measuring;       /* state of whoever measures.  NULL at first and in a fork's child */
    bool is_handed_on;     /* `measuring` comes from a thread that has ended; whoever measures clears it */
};

/* Keeps the counters from here on, with the interpreter lock held.  False, with nothing changed, if
 * the recording is off or without Python's allocators, or if somebody has put other hooks on top. */
bool barrow_counters_start(void);

/* Of a thread that has entered. */
struct barrow_counters *barrow_counters_of(struct barrow_thread *t);

/* Bytes of the block at `p` if the calling thread allocated it last, else 0. */
size_t barrow_counters_newest(const struct barrow_thread *t, const void *p);

/* When the present recording began: another value means another ledger, or a fork's child. */
uint64_t barrow_recording_stamp(void);

/* Resident memory of this process now; 0: it can't be read.  Some microseconds. */
uint64_t barrow_resident_bytes(void);

/* ---- the table of lines ---- */

struct ledger_line;

/* `count` zeroed records in a row, and the number of the first in *first; the code object's record
 * number in *code.  The code object is a PyCodeObject, alive.  False: no space. */
bool barrow_line_records_add(void *code_object, uint32_t count, uint32_t *first, uint32_t *code);
/* Record `number`, good until the next call of barrow_line_records_add or the recording's end. */
struct ledger_line *barrow_line_record(uint32_t number);

#endif
