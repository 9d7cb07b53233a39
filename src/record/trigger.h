/* When a heap snapshot is due: on a signal, near the peak, at a mark.
 *
 * The recorder only says that one is due; who takes snapshots sets how it is told.  The mark is noticed in the very
 * allocation that reaches it (which makes the hooks slower by an instruction or two), peaks by the helper thread, a
 * few milliseconds late.
 */
#ifndef BARROW_RECORD_TRIGGER_H
#define BARROW_RECORD_TRIGGER_H

#include <stdbool.h>
#include <stdint.h>

enum barrow_due { BARROW_DUE_SIGNAL = 1, BARROW_DUE_PEAK = 2, BARROW_DUE_MARK = 4 };

struct barrow_triggers {
    int signal;        /* 0: none */
    bool at_peak;      /* whenever live bytes exceed those of the last such snapshot by a tenth */
    int64_t at_bytes;  /* once, when live bytes reach this; 0: never */
    /* Called from an allocation hook or the helper thread: may only note it.  False: not possible now. */
    bool (*notify)(void);
};

/* With the interpreter lock, while recording. */
void barrow_triggers_set(const struct barrow_triggers *triggers);

/* What is due since the last call, as bits of enum barrow_due. */
unsigned barrow_triggers_take(void);
/* A snapshot near the peak was taken. */
void barrow_triggers_peak_taken(void);

/* Live bytes at the last snapshot near the peak; 0: there is none. */
int64_t barrow_triggers_peak_bytes(void);

/* The helper thread's turn: looks whether a peak is due, and how many nanoseconds it may sleep. */
uint64_t barrow_triggers_poll(uint64_t pause_ns);

/* The mark, or INT64_MAX; looked at after each allocation that goes the longer way. */
extern int64_t barrow_trigger_mark __attribute__((visibility("hidden")));
void barrow_trigger_mark_reached(void);

#endif
