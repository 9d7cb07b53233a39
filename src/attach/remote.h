/* Asks the interpreter of another process to run a file of Python code.
 *
 * From 3.14 on the interpreter has a place for such a request (sys.remote_exec writes there too).
 * 3.11 to 3.13 have a queue of calls that the interpreter makes between two instructions: all
 * threads are stopped for a moment, the queue is seen to be at rest, and a call is entered as
 * Py_AddPendingCall() would, with the code in bytes of the process's that nothing uses.
 *
 * Either is served when a thread next runs Python code.  Threads that wait in the kernel, for a
 * request or for a timer, may not do that for hours: barrow_remote_urge() then lets such a thread
 * take the interpreter's lock and run the code where it stands, as a debugger would.
 *
 * The file may be run more than once: it must see to it that only the first time counts.
 */
#ifndef BARROW_ATTACH_REMOTE_H
#define BARROW_ATTACH_REMOTE_H

#include "attach/runtime.h"

struct barrow_remote { /* {0}: nothing was asked */
    uint32_t pid;
    struct barrow_target *target;
    const struct barrow_runtime *runtime;
    uint64_t interpreter;     /* the main one */
    uint64_t code, code_room; /* where the words are that run the file; 0: not needed yet */
    char words[600];
};

enum { BARROW_REMOTE_PATH_ROOM = 500 };

/* `path`: of the file, as the process sees it, at most BARROW_REMOTE_PATH_ROOM - 1 bytes without
 * quotes and backslashes; readable for it.  The pointers must stay until barrow_remote_end(). */
int barrow_remote_begin(struct barrow_remote *remote, struct barrow_target *target,
                        const struct barrow_runtime *runtime, const char *path,
                        struct barrow_error *err);
/* Makes a thread that waits in the kernel run the file at once, and returns when it has: 0.  1: there
 * is no such thread now. */
int barrow_remote_urge(struct barrow_remote *remote);
/* Takes back what wasn't served; the file may be deleted afterwards. */
void barrow_remote_end(struct barrow_remote *remote);

#endif
