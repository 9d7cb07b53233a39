#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/memory.h"

/* The file that a signal would leave behind. */
static char *volatile unfinished;

static void remove_unfinished(int signal_number)
{
    if (unfinished)
        unlink(unfinished);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void watch_signals(char *temporary)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

    unfinished = temporary;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (signal(signals[i], temporary ? remove_unfinished : SIG_DFL) == SIG_IGN)
            signal(signals[i], SIG_IGN);
}

static int open_in_place(struct barrow_output *o, const char *path, struct barrow_error *err)
{
    o->to = fopen(path, "we");
    if (!o->to)
        return barrow_fail(err, BARROW_E_IO, "can't write %s: %s", path, strerror(errno));
    return 0;
}

static int open_beside(struct barrow_output *o, struct barrow_error *err)
{
    const char *slash = strrchr(o->path, '/');
    int directory = slash ? (int)(slash - o->path) + 1 : 0;

    o->temporary = barrow_format("%.*s.%s.XXXXXX", directory, o->path, o->path + directory);
    int fd = mkostemp(o->temporary, O_CLOEXEC);
    if (fd < 0) {
        int code = errno;
        free(o->temporary);
        o->temporary = NULL;
        return barrow_fail(err, BARROW_E_IO, "can't write %s: %s", o->name, strerror(code));
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
    watch_signals(o->temporary);
    o->to = fdopen(fd, "w");
    if (!o->to)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    setvbuf(o->to, NULL, _IOFBF, 1 << 16);
    return 0;
}

int barrow_output_open(struct barrow_output *o, const char *path, struct barrow_error *err)
{
    struct stat info;

    *o = (struct barrow_output){.to = stdout, .name = "standard output"};
    if (!path || strcmp(path, "-") == 0)
        return 0;
    o->name = path;
    bool exists = stat(path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode))
        return barrow_fail(err, BARROW_E_USAGE, "can't write %s: it is a directory", path);
    if (exists && !S_ISREG(info.st_mode))
        return open_in_place(o, path, err);
    o->path = exists ? realpath(path, NULL) : NULL; /* a symbolic link stays one */
    if (!o->path)
        o->path = barrow_copy(path);
    if (open_beside(o, err) < 0) {
        barrow_output_abandon(o);
        return -1;
    }
    return 0;
}

static bool reader_gone(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};

    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLERR);
}

/* Why nothing more can be written.  A stream remembers only that a write failed, so one more byte
 * is tried: what it would belong to is given up anyway. */
static int ask_again(int fd)
{
    return write(fd, "\n", 1) < 0 ? errno : 0;
}

int barrow_output_end(FILE *to, const char *name, struct barrow_error *err)
{
    errno = 0;
    int flushed = fflush(to);
    int code = errno;

    if (flushed == 0 && !ferror(to))
        return 0;
    if (code == EPIPE || reader_gone(fileno(to)))
        return 0;
    if (code == 0)
        code = ask_again(fileno(to));
    return barrow_fail(err, BARROW_E_IO, "can't write %s%s%s", name, code ? ": " : "",
                       code ? strerror(code) : "");
}

int barrow_output_commit(struct barrow_output *o, struct barrow_error *err)
{
    int rc = barrow_output_end(o->to, o->name, err);

    if (rc == 0 && o->to != stdout) {
        FILE *to = o->to;
        o->to = NULL;
        if (fclose(to) != 0)
            rc = barrow_fail(err, BARROW_E_IO, "can't write %s: %s", o->name, strerror(errno));
    }
    if (rc == 0 && o->temporary && rename(o->temporary, o->path) != 0)
        rc = barrow_fail(err, BARROW_E_IO, "can't write %s: %s", o->name, strerror(errno));
    if (rc == 0 && o->temporary) {
        watch_signals(NULL);
        free(o->temporary);
        o->temporary = NULL;
    }
    barrow_output_abandon(o);
    return rc;
}

void barrow_output_abandon(struct barrow_output *o)
{
    if (o->to && o->to != stdout)
        fclose(o->to);
    o->to = NULL;
    if (o->temporary) {
        unlink(o->temporary);
        watch_signals(NULL);
    }
    free(o->temporary);
    free(o->path);
    o->temporary = o->path = NULL;
}
