/* A process seen from outside: what it has mapped, reading and writing its memory.
 *
 * Nothing of it is stopped, nothing is put into it.  Reading needs what a debugger needs: the same
 * user and a kernel that lets one look (kernel.yama.ptrace_scope 0), or CAP_SYS_PTRACE.
 */
#ifndef BARROW_ATTACH_TARGET_H
#define BARROW_ATTACH_TARGET_H

#include "attach/memory.h"
#include "base/error.h"

struct barrow_image { /* a program or library */
    uint64_t start;   /* where its first page lies */
    char *path;       /* as the process sees it */
};

struct barrow_target {
    uint32_t pid;
    char name[32]; /* the command's, for errors */
    struct barrow_region *regions;
    size_t region_count;
    struct barrow_image *images;
    size_t image_count;
    struct barrow_memory memory;
};

/* Fails if there is no such process, or its memory can't be read.  Free it in any case. */
int barrow_target_open(struct barrow_target *target, uint32_t pid, struct barrow_error *err);
/* Forgets what was read and asks anew what is mapped. */
int barrow_target_again(struct barrow_target *target, struct barrow_error *err);
void barrow_target_free(struct barrow_target *target);

/* Past the copies: what is there now.  False: not readable, not writable. */
bool barrow_target_read(uint32_t pid, uint64_t address, void *to, size_t bytes);
bool barrow_target_write(uint32_t pid, uint64_t address, const void *from, size_t bytes);

/* Fails with the reason why a process can't be looked into, and what to do. */
int barrow_target_forbidden(uint32_t pid, struct barrow_error *err);

#endif
