/* The helper thread (helper.c). */
#ifndef BARROW_RECORD_HELPER_H
#define BARROW_RECORD_HELPER_H

#include "record/state.h"

/* 0, or -1 if no thread can be made: the recording then has no samples. */
int barrow_helper_start(void);
/* Ends it and waits for that.  Not from inside a hook. */
void barrow_helper_stop(void);
/* One sample and one checkpoint now, on the calling thread. */
void barrow_helper_take_last(void);

/* Around a fork: where the fork is called from; that the thread is wanted again; and, from a
 * capture on thread `t`, whether it may come back now. */
void barrow_helper_fork_begins(void);
void barrow_helper_wanted(void);
void barrow_helper_maybe_return(struct barrow_thread *t);

#endif
