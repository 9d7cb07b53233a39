/* Stops all threads of a process for a moment, as a debugger does: signals and job control don't
 * notice.  If the one who stopped them dies, they go on. */
#ifndef BARROW_ATTACH_STOP_H
#define BARROW_ATTACH_STOP_H

#include <stdint.h>
#include <sys/types.h>

#include "base/array.h"
#include "base/error.h"

struct barrow_stopped {
    pid_t thread;
    int signal; /* that it was about to receive when it stopped, 0: none */
};

struct barrow_stop { /* {0}: nothing is stopped */
    uint32_t pid;
    BARROW_ARRAY(struct barrow_stopped) threads;
};

/* Stops all threads.  Fails if that is forbidden, or a debugger has the process; nothing is stopped
 * then. */
int barrow_stop_begin(struct barrow_stop *stop, uint32_t pid, struct barrow_error *err);
void barrow_stop_end(struct barrow_stop *stop);

/* Stops one thread and waits until it stands; false: it didn't work out, and the thread goes on.
 * *signal: see above. */
bool barrow_stop_thread(pid_t thread, int *signal);
void barrow_stop_release(pid_t thread, int signal);

#endif
