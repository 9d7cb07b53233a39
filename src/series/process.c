#include "series/process.h"

#include <linux/kcmp.h>
#include <stdio.h>
#include <string.h>

#include "os/raw.h"

const char *const barrow_measure_names[] = {
#define X(name, text) #name,
    BARROW_MEASURES(X)
#undef X
        NULL};

enum { FIRST_ROOM = 64, PATH_ROOM = 64, SEARCH_SHARE = 300, WALK_SHARE = 10 };

/* ---- numbers of /proc ---- */

static uint64_t next_number(const char **text)
{
    uint64_t number = 0;

    while (**text == ' ' || **text == '\t')
        (*text)++;
    for (; **text >= '0' && **text <= '9'; (*text)++)
        number = number * 10 + (uint64_t)(**text - '0');
    return number;
}

/* The sum of all lines that begin with `name`, which are in kB. */
static uint64_t field_bytes(const char *text, const char *name)
{
    size_t length = strlen(name);
    uint64_t sum = 0;

    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, length) != 0)
            continue;
        const char *colon = strchr(line, ':');
        if (!colon)
            break;
        colon++;
        sum += next_number(&colon) * 1024;
    }
    return sum;
}

/* Fills `text` from a file; its length, or -errno.  The file is opened if fd is -1. */
static long read_text(int fd, const char *path, char *text, size_t room)
{
    int own = fd < 0 ? raw_open(path, O_RDONLY, 0) : -1;

    if (fd < 0 && own < 0)
        return own;
    long length = BARROW_RAW(SYS_pread64, fd < 0 ? own : fd, text, room - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    if (own >= 0)
        raw_close(own);
    return length;
}

static uint64_t page_bytes(void)
{
    static uint64_t bytes;

    if (!bytes)
        bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    return bytes;
}

/* RSS; 0 with *code set to an errno if it can't be read, 0 alone if the process has no memory any
 * more (a zombie). */
static uint64_t read_rss(const struct barrow_member *member, int *code)
{
    char path[PATH_ROOM], text[128];

    snprintf(path, sizeof path, "/proc/%d/statm", member->pid);
    long length = read_text(member->statm_fd, path, text, sizeof text);
    *code = length < 0 ? (int)-length : 0;
    const char *at = text;
    next_number(&at); /* of address space */
    return next_number(&at) * page_bytes();
}

/* The file must be opened each time: it shows the memory of when it was opened, which is another
 * after an exec. */
static uint64_t read_walked(const struct barrow_member *member, enum barrow_measure measure,
                            int *code)
{
    char path[PATH_ROOM], text[2048];

    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", member->pid);
    long length = read_text(-1, path, text, sizeof text);
    *code = length < 0 ? (int)-length : 0;
    return field_bytes(text, measure == BARROW_MEASURE_pss ? "Pss:" : "Private_");
}

static uint64_t read_member(const struct barrow_family *family, const struct barrow_member *member,
                            int *code)
{
    return family->measure == BARROW_MEASURE_rss ? read_rss(member, code)
                                                 : read_walked(member, family->measure, code);
}

/* ---- members ---- */

static bool make_room(struct barrow_family *f)
{
    if (f->count < f->room)
        return true;
    size_t room = f->room ? 2 * f->room : FIRST_ROOM;
    struct barrow_member *members = raw_memory(room * sizeof *members);
    if (!members)
        return false;
    if (f->members) {
        memcpy(members, f->members, f->count * sizeof *members);
        raw_munmap(f->members, f->room * sizeof *members);
    }
    f->members = members;
    f->room = room;
    return true;
}

/* Without a free descriptor the member is read by its path; without memory it is left out. */
static void add_member(struct barrow_family *f, int pid)
{
    char path[PATH_ROOM];

    for (size_t i = 0; i < f->count; i++)
        if (f->members[i].pid == pid)
            return;
    if (!make_room(f))
        return;
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    int fd = raw_open(path, O_RDONLY, 0);
    f->members[f->count++] = (struct barrow_member){.pid = pid, .statm_fd = fd < 0 ? -1 : fd};
}

/* ---- descendants ---- */

/* Whether a child still uses its parent's memory: between vfork and exec, as the subprocess module
 * does it.  Such a child must not be counted beside its parent. */
static bool shares_memory(int parent, int child)
{
    return BARROW_RAW(SYS_kcmp, parent, child, KCMP_VM, 0, 0) == 0;
}

/* Adds the children that one thread started.  The list is read in pieces; a number that two pieces
 * share is put together. */
static void add_children_of_thread(struct barrow_family *f, int pid, int tid)
{
    char path[PATH_ROOM], text[1024];
    int child = 0;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, tid);
    int fd = raw_open(path, O_RDONLY, 0);
    for (long length; fd >= 0 && (length = raw_read(fd, text, sizeof text)) > 0;)
        for (long i = 0; i < length; i++) {
            if (text[i] >= '0' && text[i] <= '9') {
                child = child * 10 + (text[i] - '0');
                continue;
            }
            if (child && !shares_memory(pid, child))
                add_member(f, child);
            child = 0;
        }
    if (fd >= 0)
        raw_close(fd);
}

static void add_children(struct barrow_family *f, int pid)
{
    enum { LENGTH_AT = 16, NAME_AT = 19 }; /* in a directory's entry, as the kernel gives it */
    char path[PATH_ROOM];
    char entries[4096] __attribute__((aligned(8)));

    snprintf(path, sizeof path, "/proc/%d/task", pid);
    int fd = raw_open(path, O_RDONLY | O_DIRECTORY, 0);
    for (long length;
         fd >= 0 && (length = BARROW_RAW(SYS_getdents64, fd, entries, sizeof entries)) > 0;)
        for (long at = 0; at < length;) {
            uint16_t entry_bytes;
            const char *name = entries + at + NAME_AT;
            memcpy(&entry_bytes, entries + at + LENGTH_AT, sizeof entry_bytes);
            if (*name != '.')
                add_children_of_thread(f, pid, (int)next_number(&name));
            at += entry_bytes;
        }
    if (fd >= 0)
        raw_close(fd);
}

/* Those that are found are searched in turn, since they come after the one at hand. */
static void find_descendants(struct barrow_family *f)
{
    uint64_t start = raw_monotonic_ns();

    if (start < f->next_search_ns)
        return;
    for (size_t i = 0; i < f->count; i++)
        add_children(f, f->members[i].pid);
    uint64_t end = raw_monotonic_ns();
    f->next_search_ns = end + (end - start) * SEARCH_SHARE;
}

/* ---- the family ---- */

static int check_process(struct barrow_family *f, int pid, struct barrow_error *err)
{
    char path[PATH_ROOM];
    int code;

    add_member(f, pid);
    if (!f->count)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    f->members[0].bytes = read_member(f, &f->members[0], &code);
    if (code == ENOENT || code == ESRCH || (!code && !f->members[0].bytes))
        return barrow_fail(err, BARROW_E_IO, "there is no process %d, or it has ended", pid);
    if (code)
        return barrow_fail(err, BARROW_E_IO,
                           "can't read the %s of process %d: %s; its own user or root can",
                           barrow_measure_names[f->measure], pid, strerror(code));
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    int fd = f->descendants ? raw_open(path, O_RDONLY, 0) : -1;
    if (f->descendants && fd == -ENOENT)
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "this kernel doesn't tell a process's children (%s is missing)", path);
    if (fd >= 0)
        raw_close(fd);
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    f->status_fd = raw_open(path, O_RDONLY, 0);
    return 0;
}

int barrow_family_init(struct barrow_family *f, int pid, enum barrow_measure measure,
                       bool descendants, struct barrow_error *err)
{
    *f = (struct barrow_family){.measure = measure, .descendants = descendants, .status_fd = -1};
    if (check_process(f, pid, err) < 0) {
        barrow_family_free(f);
        return -1;
    }
    barrow_family_read(f);
    return 0;
}

static void read_members(struct barrow_family *f)
{
    size_t kept = 1;

    for (size_t i = 1; i < f->count; i++) {
        struct barrow_member *member = &f->members[i];
        int code;
        member->bytes = read_member(f, member, &code);
        if (member->bytes)
            f->members[kept++] = *member;
        else if (member->statm_fd >= 0)
            raw_close(member->statm_fd);
    }
    f->count = kept;
}

bool barrow_family_read(struct barrow_family *f)
{
    int code;
    uint64_t start = raw_monotonic_ns();

    if (start < f->next_read_ns) {
        uint64_t rss = read_rss(&f->members[0], &code); /* is it still there? */
        return rss > 0;
    }
    uint64_t bytes = read_member(f, &f->members[0], &code);
    if (!bytes)
        return false;
    f->members[0].bytes = bytes;
    if (f->descendants) {
        find_descendants(f);
        read_members(f);
    }
    if (f->measure != BARROW_MEASURE_rss) {
        uint64_t end = raw_monotonic_ns();
        f->next_read_ns = end + (end - start) * (WALK_SHARE - 1);
    }
    return true;
}

uint64_t barrow_family_bytes(const struct barrow_family *f)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < f->count; i++)
        sum += f->members[i].bytes;
    return sum;
}

uint64_t barrow_family_highest_rss(const struct barrow_family *f)
{
    char path[PATH_ROOM], text[4096];

    snprintf(path, sizeof path, "/proc/%d/status", f->members[0].pid);
    return read_text(f->status_fd, path, text, sizeof text) > 0 ? field_bytes(text, "VmHWM:") : 0;
}

void barrow_family_free(struct barrow_family *f)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->members[i].statm_fd >= 0)
            raw_close(f->members[i].statm_fd);
    if (f->status_fd >= 0)
        raw_close(f->status_fd);
    if (f->members)
        raw_munmap(f->members, f->room * sizeof *f->members);
    *f = (struct barrow_family){.status_fd = -1};
}
