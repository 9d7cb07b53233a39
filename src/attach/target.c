#include "attach/target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/array.h"

/* ---- its memory ---- */

static size_t read_memory(void *context, uint64_t address, void *to, size_t bytes)
{
    const struct barrow_target *t = context;
    struct iovec here = {to, bytes}, there = {(void *)(uintptr_t)address, bytes};
    ssize_t got = process_vm_readv((pid_t)t->pid, &here, 1, &there, 1, 0);
    return got < 0 ? 0 : (size_t)got;
}

bool barrow_target_read(uint32_t pid, uint64_t address, void *to, size_t bytes)
{
    struct iovec here = {to, bytes}, there = {(void *)(uintptr_t)address, bytes};
    return process_vm_readv((pid_t)pid, &here, 1, &there, 1, 0) == (ssize_t)bytes;
}

bool barrow_target_write(uint32_t pid, uint64_t address, const void *from, size_t bytes)
{
    struct iovec here = {(void *)(uintptr_t)from, bytes};
    struct iovec there = {(void *)(uintptr_t)address, bytes};
    return process_vm_writev((pid_t)pid, &here, 1, &there, 1, 0) == (ssize_t)bytes;
}

/* ---- why not ---- */

static int ptrace_scope(void)
{
    FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
    int scope = 0;

    if (file && fscanf(file, "%d", &scope) != 1)
        scope = 0;
    if (file)
        fclose(file);
    return scope;
}

int barrow_target_forbidden(uint32_t pid, struct barrow_error *err)
{
    struct stat status;
    char path[40];
    int scope = ptrace_scope();

    snprintf(path, sizeof path, "/proc/%" PRIu32, pid);
    if (stat(path, &status) < 0)
        return barrow_fail(err, BARROW_E_USAGE, "there is no process %" PRIu32, pid);
    if (geteuid() != 0 && status.st_uid != geteuid())
        return barrow_fail(err, BARROW_E_IO,
                           "process %" PRIu32 " is another user's (%u): look into it as that user, "
                           "or as root",
                           pid, (unsigned)status.st_uid);
    if (scope > 0)
        return barrow_fail(err, BARROW_E_IO,
                           "process %" PRIu32 ": the kernel forbids looking into it "
                           "(kernel.yama.ptrace_scope is %d); run as root, or with CAP_SYS_PTRACE",
                           pid, scope);
    return barrow_fail(err, BARROW_E_IO,
                       "process %" PRIu32 ": the kernel forbids looking into it; run as root with "
                       "CAP_SYS_PTRACE (containers: --cap-add SYS_PTRACE)",
                       pid);
}

/* ---- what it has mapped ---- */

struct lists {
    BARROW_ARRAY(struct barrow_region) regions;
    BARROW_ARRAY(struct barrow_image) images;
};

/* To read what a device mapped may do something. */
static bool is_readable(const char *rights, const char *path, uint64_t bytes)
{
    bool device = strncmp(path, "/dev/", 5) == 0 && strncmp(path, "/dev/shm/", 9) != 0;
    return rights[0] == 'r' && !device && strncmp(path, "[v", 2) != 0 && bytes <= (1ull << 46);
}

static bool add_line(struct lists *lists, char *line)
{
    uint64_t start, end, offset, inode;
    char rights[8];
    int path = 0;

    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %" SCNu64 " %n", &start, &end,
               rights, &offset, &inode, &path) != 5 ||
        !path || !is_readable(rights, line + path, end - start))
        return true;
    bool writable = rights[1] == 'w';
    struct barrow_region *last =
        lists->regions.count ? &lists->regions.items[lists->regions.count - 1] : NULL;
    if (last && last->end == start && last->writable && writable && !last->of_file && !inode) {
        last->end = end;
    } else {
        last = barrow_array_add(&lists->regions);
        if (!last)
            return false;
        *last = (struct barrow_region){
            .start = start, .end = end, .of_file = inode != 0, .writable = writable};
    }
    if (!inode || offset)
        return true;
    struct barrow_image *image = barrow_array_add(&lists->images);
    line[strcspn(line, "\n")] = '\0';
    if (image)
        *image = (struct barrow_image){start, strdup(line + path)};
    return image && image->path;
}

static int read_maps(struct barrow_target *t, struct barrow_error *err)
{
    struct lists lists = {0};
    char path[40], *line = NULL;
    size_t room = 0;
    bool ok = true;

    snprintf(path, sizeof path, "/proc/%" PRIu32 "/maps", t->pid);
    FILE *maps = fopen(path, "re");
    if (!maps && (errno == EACCES || errno == EPERM))
        return barrow_target_forbidden(t->pid, err);
    if (!maps)
        return barrow_fail(err, BARROW_E_USAGE, "there is no process %" PRIu32, t->pid);
    while (ok && getline(&line, &room, maps) > 0)
        ok = add_line(&lists, line);
    free(line);
    fclose(maps);
    t->regions = lists.regions.items;
    t->region_count = lists.regions.count;
    t->images = lists.images.items;
    t->image_count = lists.images.count;
    if (!ok)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "not enough memory");
    if (t->region_count == 0)
        return barrow_fail(err, BARROW_E_USAGE,
                           "process %" PRIu32 " has ended, or is one of the kernel's", t->pid);
    return 0;
}

static void read_name(struct barrow_target *t)
{
    char path[40];

    snprintf(path, sizeof path, "/proc/%" PRIu32 "/comm", t->pid);
    FILE *file = fopen(path, "re");
    if (file && fgets(t->name, sizeof t->name, file))
        t->name[strcspn(t->name, "\n")] = '\0';
    if (file)
        fclose(file);
}

/* ---- opening ---- */

int barrow_target_open(struct barrow_target *t, uint32_t pid, struct barrow_error *err)
{
    *t = (struct barrow_target){.pid = pid};
    read_name(t);
    return barrow_target_again(t, err);
}

int barrow_target_again(struct barrow_target *t, struct barrow_error *err)
{
    char byte;

    barrow_target_free(t);
    if (read_maps(t, err) < 0)
        return -1;
    barrow_memory_init(&t->memory, read_memory, t, t->regions, t->region_count);
    for (size_t i = 0; i < t->region_count && i < 16; i++)
        if (read_memory(t, t->regions[i].start, &byte, 1) == 1)
            return 0;
    return barrow_target_forbidden(t->pid, err);
}

void barrow_target_free(struct barrow_target *t)
{
    barrow_memory_free(&t->memory);
    for (size_t i = 0; i < t->image_count; i++)
        free(t->images[i].path);
    free(t->images);
    free(t->regions);
    t->images = NULL;
    t->regions = NULL;
    t->image_count = t->region_count = 0;
    t->memory = (struct barrow_memory){0};
}
