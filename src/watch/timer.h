/* A thread that calls a function every so often, with the interpreter lock.
 *
 *     | sleeps, without any Python state | attaches, calls `tick`, detaches | sleeps ...
 *
 * It blocks all signals, is no thread of Python's while it sleeps, and never keeps the process from ending.
 *
 * Around a fork it is gone: interpreters from 3.12 on warn about forking with threads, and a program must
 * not be warned of barrow's.  So it ends before a fork (a tick that is under way may end first, a second at
 * most), and comes back in the parent once the call of fork has returned, in the child at once.  The time of
 * the next tick stays as it was in the parent, and is an interval after the fork in the child.
 *
 * One a process, of the main interpreter.  All functions with the interpreter lock held, which they
 * let go of while they wait.
 */
#ifndef BARROW_WATCH_TIMER_H
#define BARROW_WATCH_TIMER_H

#include <stdbool.h>
#include <stdint.h>

/* False: no thread can be made.  A timer that runs is stopped first. */
bool barrow_timer_start(uint64_t interval_ns, void (*tick)(void));
/* Waits until a tick under way has ended, five seconds at most.  From within a tick it doesn't wait. */
void barrow_timer_stop(void);
bool barrow_timer_is_on(void);

/* What os.register_at_fork() is to call.  The last two are called though the first wasn't, by programs that
 * fork in C. */
void barrow_timer_before_fork(void);
void barrow_timer_after_fork_in_parent(void);
void barrow_timer_after_fork_in_child(void);

#endif
