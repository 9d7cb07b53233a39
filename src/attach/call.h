/* Lets a thread that waits in a system call make calls of its own program's functions, and go on
 * waiting afterwards as if nothing had been: what a debugger's `call` does.
 *
 * Only system calls that wait for time to pass, for the outside world or for another thread are
 * taken, and only if the thread is in the same one for a while.  x86-64 only: elsewhere no thread
 * is ever found.
 *
 * From the first call until barrow_call_end() this process must not end: the thread would return to
 * nowhere.  Signals that would end it are held back meanwhile.
 */
#ifndef BARROW_ATTACH_CALL_H
#define BARROW_ATTACH_CALL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct barrow_call {
    pid_t thread;
    int signal;    /* that the thread is to receive afterwards */
    bool gone;     /* it ended */
    void *state;   /* its registers, as they were */
    sigset_t mask; /* ours */
};

/* Stops the thread if it waits; false: it doesn't, or can't be stopped. */
bool barrow_call_begin(struct barrow_call *call, uint32_t pid, pid_t thread);
/* Calls a function with one argument and waits until it returns, while the other threads run.
 * False: it did not return; no more calls then. */
bool barrow_call_make(struct barrow_call *call, uint64_t function, uint64_t argument,
                      uint64_t *result);
/* Puts the thread back where it was. */
void barrow_call_end(struct barrow_call *call);

#endif
