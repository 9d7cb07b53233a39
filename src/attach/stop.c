#include "attach/stop.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "attach/target.h"

enum { ROUNDS = 8, WAIT_MS = 1000 };

/* A thread in an uninterruptible wait stops late. */
static bool wait_until_stopped(pid_t thread, int *signal)
{
    const struct timespec ms = {0, 1000000};
    int status = 0;

    for (int i = 0; i < WAIT_MS; i++) {
        pid_t got = waitpid(thread, &status, __WALL | WNOHANG);
        if (got < 0 || (got == thread && !WIFSTOPPED(status)))
            return false;
        if (got == thread) {
            /* The stop that was asked for has an event; any other is a signal's. */
            *signal = status >> 16 ? 0 : WSTOPSIG(status);
            return true;
        }
        nanosleep(&ms, NULL);
    }
    return false;
}

bool barrow_stop_thread(pid_t thread, int *signal)
{
    *signal = 0;
    if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) < 0)
        return false;
    if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) == 0 && wait_until_stopped(thread, signal))
        return true;
    /* Detaching needs a stopped thread: what can't be stopped goes on when we end. */
    ptrace(PTRACE_DETACH, thread, NULL, NULL);
    return false;
}

void barrow_stop_release(pid_t thread, int signal)
{
    ptrace(PTRACE_DETACH, thread, NULL, (void *)(uintptr_t)(unsigned)signal);
}

static bool is_stopped(const struct barrow_stop *stop, pid_t thread)
{
    for (size_t i = 0; i < stop->threads.count; i++)
        if (stop->threads.items[i].thread == thread)
            return true;
    return false;
}

static int stop_one(struct barrow_stop *stop, pid_t thread, struct barrow_error *err)
{
    int signal;

    errno = 0;
    if (!barrow_stop_thread(thread, &signal)) {
        if (errno == ESRCH) /* it ended meanwhile */
            return 0;
        if (errno == EPERM)
            return barrow_target_forbidden(stop->pid, err);
        return barrow_fail(err, BARROW_E_IO,
                           "process %" PRIu32 ": thread %d can't be stopped; is a debugger at it?",
                           stop->pid, (int)thread);
    }
    struct barrow_stopped *stopped = barrow_array_add(&stop->threads);
    if (!stopped) {
        barrow_stop_release(thread, signal);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "not enough memory");
    }
    *stopped = (struct barrow_stopped){thread, signal};
    return 0;
}

/* The threads that run; a thread that runs may start another, so until there is no new one. */
int barrow_stop_begin(struct barrow_stop *stop, uint32_t pid, struct barrow_error *err)
{
    char path[40];
    bool more = true;

    *stop = (struct barrow_stop){.pid = pid};
    snprintf(path, sizeof path, "/proc/%" PRIu32 "/task", pid);
    for (int round = 0; more && round < ROUNDS; round++) {
        DIR *list = opendir(path);
        struct dirent *entry;
        more = false;
        while (list && (entry = readdir(list)) != NULL) {
            pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);
            if (thread <= 0 || is_stopped(stop, thread))
                continue;
            more = true;
            if (stop_one(stop, thread, err) < 0) {
                closedir(list);
                barrow_stop_end(stop);
                return -1;
            }
        }
        if (list)
            closedir(list);
    }
    if (stop->threads.count == 0)
        return barrow_fail(err, BARROW_E_USAGE, "there is no process %" PRIu32, pid);
    return 0;
}

void barrow_stop_end(struct barrow_stop *stop)
{
    for (size_t i = 0; i < stop->threads.count; i++)
        barrow_stop_release(stop->threads.items[i].thread, stop->threads.items[i].signal);
    free(stop->threads.items);
    *stop = (struct barrow_stop){0};
}
