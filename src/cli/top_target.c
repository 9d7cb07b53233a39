#include "cli/top_target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/memory.h"
#include "ledger/read.h"

/* ---- what a process has mapped ---- */

struct mapping {
    char range[40]; /* "7f…-7f…", as in /proc/PID/map_files */
    char rights[8];
    uint64_t inode;
    const char *path;
};

static FILE *open_maps(uint32_t pid)
{
    char *name = barrow_format("/proc/%" PRIu32 "/maps", pid);
    FILE *maps = fopen(name, "re");

    free(name);
    return maps;
}

/* The next mapping of a file; `line` is getline()'s and holds the path. */
static bool next_mapping(FILE *maps, struct mapping *m, char **line, size_t *room)
{
    ssize_t length;

    while ((length = getline(line, room, maps)) > 0) {
        int path = 0;
        if ((*line)[length - 1] == '\n')
            (*line)[length - 1] = '\0';
        if (sscanf(*line, "%39s %7s %*s %*s %" SCNu64 " %n", m->range, m->rights, &m->inode,
                   &path) == 3 &&
            m->inode && path) {
            m->path = *line + path;
            return true;
        }
    }
    return false;
}

/* ---- its ledger ---- */

static int open_if_inode(const char *path, uint64_t inode)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_ino == inode)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* A file without a name may still be one of the process' descriptors. */
static int open_among_descriptors(uint32_t pid, uint64_t inode)
{
    char *folder = barrow_format("/proc/%" PRIu32 "/fd", pid);
    DIR *list = opendir(folder);
    struct dirent *entry;
    int fd = -1;

    while (list && fd < 0 && (entry = readdir(list)) != NULL) {
        struct stat status;
        char *path = barrow_format("%s/%s", folder, entry->d_name);
        if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_ino == inode)
            fd = open_if_inode(path, inode);
        free(path);
    }
    if (list)
        closedir(list);
    free(folder);
    return fd;
}

/* By its name, as the process sees its name, as the mapping itself, or as a descriptor. */
static int open_mapping(uint32_t pid, const struct mapping *m)
{
    char *names[] = {
        barrow_copy(m->path),
        barrow_format("/proc/%" PRIu32 "/root%s", pid, m->path),
        barrow_format("/proc/%" PRIu32 "/map_files/%s", pid, m->range),
    };
    int fd = -1;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (fd < 0)
            fd = open_if_inode(names[i], m->inode);
        free(names[i]);
    }
    return fd < 0 ? open_among_descriptors(pid, m->inode) : fd;
}

static bool is_ledger(const char *path)
{
    struct ledger_header header;

    return barrow_ledger_read_header(&header, path, NULL) == 0;
}

/* To open one may do something. */
static bool is_device(const char *path)
{
    return strncmp(path, "/dev/", 5) == 0 && strncmp(path, "/dev/shm/", 9) != 0;
}

/* What is mapped for writing and shared, and is a ledger.  -1: nothing is; *hidden tells the name
 * of what looks like one but can't be opened. */
static int find_ledger(uint32_t pid, FILE *maps, char **path, char **hidden)
{
    struct mapping m;
    char *line = NULL;
    size_t room = 0;
    uint64_t last = 0;
    int found = -1;

    while (found < 0 && next_mapping(maps, &m, &line, &room)) {
        if (strcmp(m.rights, "rw-s") != 0 || m.inode == last || is_device(m.path))
            continue;
        last = m.inode; /* a ledger is mapped in many pieces */
        int fd = open_mapping(pid, &m);
        if (fd < 0) {
            bool named = strstr(m.path, ".barrow") || strstr(m.path, "memfd:barrow");
            if (named && !*hidden)
                *hidden = barrow_copy(m.path);
            continue;
        }
        *path = barrow_format("/proc/self/fd/%d", fd);
        if (is_ledger(*path)) {
            found = fd;
        } else {
            close(fd);
            free(*path);
            *path = NULL;
        }
    }
    free(line);
    return found;
}

static int say_not_recorded(uint32_t pid, const char *hidden, bool empty, struct barrow_error *err)
{
    if (hidden)
        return barrow_fail(err, BARROW_E_IO,
                           "process %" PRIu32 " writes %.200s, which can't be opened from here; "
                           "try as root",
                           pid, hidden);
    if (empty)
        return barrow_fail(err, BARROW_E_USAGE,
                           "process %" PRIu32 " has ended, or is one of the kernel's", pid);
    return barrow_fail(err, BARROW_E_USAGE,
                       "process %" PRIu32 " is not being recorded; start it with barrow run", pid);
}

static int open_pidfd(uint32_t pid)
{
    return (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
}

static void watch(struct barrow_top_target *t, uint32_t pid, int fd)
{
    t->processes = barrow_reallocate(t->processes, (t->process_count + 1) * sizeof *t->processes);
    t->processes[t->process_count++] = (struct barrow_top_process){pid, fd};
}

static int init_from_process(struct barrow_top_target *t, struct barrow_error *err)
{
    char *hidden = NULL;
    FILE *maps = open_maps(t->pid);

    if (!maps && (errno == ENOENT || errno == ESRCH))
        return barrow_fail(err, BARROW_E_USAGE, "there is no process %" PRIu32, t->pid);
    if (!maps)
        return barrow_fail(err, BARROW_E_IO, "process %" PRIu32 ": %s; try as its user, or as root",
                           t->pid, strerror(errno));
    t->ledger = find_ledger(t->pid, maps, &t->ledger_path, &hidden);
    bool empty = ftell(maps) <= 0;
    fclose(maps);
    int rc = t->ledger < 0 ? say_not_recorded(t->pid, hidden, empty, err) : 0;
    free(hidden);
    if (rc < 0)
        return rc;
    watch(t, t->pid, open_pidfd(t->pid));
    t->paths = barrow_allocate(sizeof *t->paths);
    t->paths[t->count++] = t->ledger_path;
    return 0;
}

static bool is_number(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits < 10 && !text[digits];
}

int barrow_top_target_init(struct barrow_top_target *t, int count, char **operands,
                           struct barrow_error *err)
{
    *t = (struct barrow_top_target){.ledger = -1};
    if (count == 0)
        return barrow_fail(err, BARROW_E_USAGE,
                           "which recording? Name the id of a recorded process, or a ledger");
    if (count == 1 && is_number(operands[0])) {
        t->pid = (uint32_t)atoi(operands[0]);
        return init_from_process(t, err);
    }
    t->paths = barrow_allocate((size_t)count * sizeof *t->paths);
    for (int i = 0; i < count; i++)
        t->paths[t->count++] = operands[i];
    return 0;
}

void barrow_top_target_free(struct barrow_top_target *t)
{
    for (size_t i = 0; i < t->process_count; i++)
        if (t->processes[i].fd >= 0)
            close(t->processes[i].fd);
    if (t->ledger >= 0)
        close(t->ledger);
    free(t->processes);
    free(t->ledger_path);
    free(t->paths);
}

/* ---- life ---- */

/* Where we may not look into a process, it must do that the ledger is of its user. */
static bool is_of_user(uint32_t pid, const struct stat *ledger)
{
    struct stat status;
    char *name = barrow_format("/proc/%" PRIu32, pid);
    bool same = stat(name, &status) == 0 && status.st_uid == ledger->st_uid;

    free(name);
    return same;
}

/* Whether the process of that id has the ledger mapped: ids are given out again. */
static bool writes(uint32_t pid, const char *ledger)
{
    struct stat status;
    struct mapping m;
    char *line = NULL;
    size_t room = 0;
    bool found = false;

    if (stat(ledger, &status) < 0)
        return false;
    FILE *maps = open_maps(pid);
    if (!maps)
        return (errno == EACCES || errno == EPERM) && is_of_user(pid, &status);
    while (!found && next_mapping(maps, &m, &line, &room))
        found = m.inode == status.st_ino;
    free(line);
    fclose(maps);
    return found;
}

/* Asks once for each process; afterwards its descriptor tells. */
static bool lives(struct barrow_top_target *t, const struct barrow_process *process)
{
    uint32_t pid = t->pid ? t->pid : process->pid;
    size_t i = 0;

    while (i < t->process_count && t->processes[i].pid != pid)
        i++;
    if (i == t->process_count)
        watch(t, pid, writes(pid, process->path) ? open_pidfd(pid) : -1);
    struct pollfd wait = {.fd = t->processes[i].fd, .events = POLLIN};
    return wait.fd >= 0 && poll(&wait, 1, 0) == 0;
}

bool barrow_top_target_lives(struct barrow_top_target *t, const struct barrow_profile *p)
{
    for (size_t i = 0; i < p->process_count; i++)
        if (p->processes[i].end == LEDGER_END_NONE && lives(t, &p->processes[i]))
            return true;
    return false;
}
