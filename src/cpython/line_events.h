/* Events of chosen code objects: entered, a line begins, left.
 *
 * From 3.12 on by sys.monitoring: local events of the chosen code objects, so that no other code pays
 * anything; only how a function is left by an exception is a global event until 3.14, which every frame
 * that an exception passes pays with ~0.1 us.  On 3.11 by a trace function, in threads that asked for it.
 *
 * All of this needs the interpreter lock.  Functions that return int give 0, or -1 with an exception set.
 */
#ifndef BARROW_CPYTHON_LINE_EVENTS_H
#define BARROW_CPYTHON_LINE_EVENTS_H

#include <stdbool.h>

#include <Python.h>

/* Called in the thread that runs the code; its frame is the innermost.  May not raise or run Python
 * code.  `own`: an object that the interpreter has just made for the event, or NULL; it is let go right
 * after the call, unless a reference is kept. */
struct barrow_line_events {
    /* `line`: where a generator or coroutine goes on; 0 at a call. */
    void (*entered)(PyCodeObject *code, int line, PyObject *own);
    void (*line)(PyCodeObject *code, int line, PyObject *own);
    void (*left)(PyCodeObject *code, PyObject *own); /* returned, yielded, or an exception passes */
};

/* Idempotent.  Fails if all tool numbers of sys.monitoring are taken. */
int barrow_line_events_start(const struct barrow_line_events *to);

/* Events of one code object, on or off.  After barrow_line_events_start. */
int barrow_line_events_choose(PyCodeObject *code, bool on);

/* `wanted` is asked about each code object that is made (3.12+) or called (3.11) from here on, and
 * chooses it by itself if it wants it. */
int barrow_line_events_offer(void (*offered)(PyCodeObject *code));

/* 3.11: events come to the calling thread from enter to leave, nested ones counted, and to all threads
 * that are started later after `everywhere`.  3.12+: they always come, and these do nothing. */
int barrow_line_events_enter(void);
int barrow_line_events_leave(void);
int barrow_line_events_everywhere(void);

#endif
