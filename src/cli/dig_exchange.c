#include "cli/dig_exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/memory.h"

static const char *const names[] = {"request.py", "taken", "answer.part", "answer", "heap.barrow"};

/* ---- the folder ---- */

static bool same_link(uint32_t pid, const char *name)
{
    char theirs[PATH_MAX], ours[PATH_MAX], path[64];

    snprintf(path, sizeof path, "/proc/%" PRIu32 "/%s", pid, name);
    ssize_t a = readlink(path, theirs, sizeof theirs);
    snprintf(path, sizeof path, "/proc/self/%s", name);
    ssize_t b = readlink(path, ours, sizeof ours);
    return a > 0 && a == b && memcmp(theirs, ours, (size_t)a) == 0;
}

int barrow_dig_exchange_open(struct dig_exchange *x, uint32_t pid, struct barrow_error *err)
{
    static const char *const places[] = {"/tmp", "/var/tmp", "/dev/shm"};
    struct stat status;

    *x = (struct dig_exchange){0};
    char *process = barrow_format("/proc/%" PRIu32, pid);
    int rc = stat(process, &status);
    free(process);
    if (rc < 0)
        return barrow_fail(err, BARROW_E_USAGE, "there is no process %" PRIu32, pid);
    x->user = status.st_uid;
    x->group = status.st_gid;
    x->same_files = same_link(pid, "ns/mnt") && same_link(pid, "root");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *root = x->same_files ? barrow_copy("") : barrow_format("/proc/%" PRIu32 "/root", pid);
        x->here = barrow_format("%s%s/barrow-XXXXXX", root, places[i]);
        x->there = x->here + strlen(root);
        free(root);
        if (mkdtemp(x->here)) {
            if (x->user == geteuid() || chown(x->here, x->user, x->group) == 0)
                return 0;
            rmdir(x->here);
        }
        free(x->here);
        x->here = NULL;
    }
    return barrow_fail(err, BARROW_E_IO,
                       "can't make a folder for process %" PRIu32 " in its /tmp: %s", pid,
                       strerror(errno));
}

void barrow_dig_exchange_close(struct dig_exchange *x)
{
    if (!x->here)
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = barrow_format("%s/%s", x->here, names[i]);
        unlink(path);
        free(path);
    }
    rmdir(x->here);
    free(x->here);
    x->here = NULL;
}

/* ---- its files ---- */

int barrow_dig_exchange_put(const struct dig_exchange *x, const char *name, const char *text,
                            struct barrow_error *err)
{
    char *path = barrow_format("%s/%s", x->here, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    size_t bytes = strlen(text);
    bool ok = fd >= 0 && write(fd, text, bytes) == (ssize_t)bytes &&
              (x->user == geteuid() || fchown(fd, x->user, x->group) == 0);

    if (!ok)
        barrow_fail(err, BARROW_E_IO, "can't write %.300s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    free(path);
    return ok ? 0 : -1;
}

bool barrow_dig_exchange_has(const struct dig_exchange *x, const char *name)
{
    char *path = barrow_format("%s/%s", x->here, name);
    bool has = access(path, F_OK) == 0;

    free(path);
    return has;
}

char *barrow_dig_exchange_get(const struct dig_exchange *x, const char *name)
{
    enum { ROOM = 1 << 14 };
    char *path = barrow_format("%s/%s", x->here, name), *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    free(path);
    if (fd < 0)
        return NULL;
    text = barrow_allocate(ROOM);
    ssize_t got = read(fd, text, ROOM - 1);
    close(fd);
    text[got < 0 ? 0 : got] = '\0';
    return text;
}

static bool copy(int from, int to)
{
    enum { PART = 1 << 24 };
    ssize_t got;

    while ((got = sendfile(to, from, NULL, PART)) > 0)
        continue;
    return got == 0 && fsync(to) == 0;
}

/* By renaming where that is possible; copied files appear whole or not at all. */
int barrow_dig_exchange_take(const struct dig_exchange *x, const char *name, const char *to,
                             struct barrow_error *err)
{
    char *path = barrow_format("%s/%s", x->here, name);
    char *part = barrow_format("%s.part", to);
    bool ok = x->user == geteuid() && rename(path, to) == 0;

    if (!ok) {
        int in = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        int out = in < 0 ? -1 : open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        ok = out >= 0 && copy(in, out) && rename(part, to) == 0;
        if (!ok)
            barrow_fail(err, BARROW_E_IO, "can't write %.300s: %s", to, strerror(errno));
        if (out >= 0 && !ok)
            unlink(part);
        if (in >= 0)
            close(in);
        if (out >= 0)
            close(out);
    }
    free(part);
    free(path);
    return ok ? 0 : -1;
}
