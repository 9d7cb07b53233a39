/* The functions of the C library that barrow stands in front of.
 *
 *     program's call ─► its GOT slot ─► barrow_hook_NAME ─► barrow_real.NAME
 *
 * To hook one more: a line in BARROW_HOOKS and a barrow_hook_NAME in the file of its group.  A
 * function that the process's libraries don't have is left out when the hooks are installed: its
 * `real` stays NULL and its hook is never reached.
 *
 * Hooks run in any thread and in signal handlers.  They leave errno as the original left it.
 */
#ifndef BARROW_RECORD_NATIVE_HOOKS_H
#define BARROW_RECORD_NATIVE_HOOKS_H

#include <stddef.h>
#include <sys/types.h>

/* X(group, result, name, parameters).  The group decides which objects are left out, see got.c. */
#define BARROW_HOOKS(X)                                                                           \
    /* malloc.c */                                                                                \
    X(MALLOC, void *, malloc, (size_t bytes))                                                     \
    X(MALLOC, void *, calloc, (size_t count, size_t bytes))                                       \
    X(MALLOC, void *, realloc, (void *p, size_t bytes))                                           \
    X(MALLOC, void *, reallocarray, (void *p, size_t count, size_t bytes))                        \
    X(MALLOC, void, free, (void *p))                                                              \
    X(MALLOC, void, free_sized, (void *p, size_t bytes))                                          \
    X(MALLOC, void, free_aligned_sized, (void *p, size_t alignment, size_t bytes))                \
    X(MALLOC, int, posix_memalign, (void **block, size_t alignment, size_t bytes))                \
    X(MALLOC, void *, aligned_alloc, (size_t alignment, size_t bytes))                            \
    X(MALLOC, void *, memalign, (size_t alignment, size_t bytes))                                 \
    X(MALLOC, void *, valloc, (size_t bytes))                                                     \
    X(MALLOC, void *, pvalloc, (size_t bytes))                                                    \
    /* mmap.c */                                                                                  \
    X(MMAP, void *, mmap,                                                                         \
      (void *at, size_t bytes, int protection, int flags, int fd, off_t offset))                  \
    X(MMAP, void *, mmap64,                                                                       \
      (void *at, size_t bytes, int protection, int flags, int fd, off64_t offset))                \
    X(MMAP, int, munmap, (void *at, size_t bytes))                                                \
    X(MMAP, void *, mremap, (void *old, size_t old_bytes, size_t new_bytes, int flags, ...))      \
    /* dl.c */                                                                                    \
    X(LOADER, void *, dlopen, (const char *name, int flags))                                      \
    X(LOADER, void *, dlmopen, (long scope, const char *name, int flags))                         \
    X(LOADER, void *, dlsym, (void *handle, const char *name))                                    \
    X(LOADER, void *, dlvsym, (void *handle, const char *name, const char *version))              \
    /* process.c */                                                                               \
    X(PROCESS, void, _exit, (int status))                                                         \
    X(PROCESS, void, _Exit, (int status))                                                         \
    X(PROCESS, void, quick_exit, (int status))                                                    \
    X(PROCESS, int, execve, (const char *path, char *const argv[], char *const envp[]))           \
    X(PROCESS, int, execv, (const char *path, char *const argv[]))                                \
    X(PROCESS, int, execvp, (const char *file, char *const argv[]))                               \
    X(PROCESS, int, execvpe, (const char *file, char *const argv[], char *const envp[]))          \
    X(PROCESS, int, execl, (const char *path, const char *first, ...))                            \
    X(PROCESS, int, execlp, (const char *file, const char *first, ...))                           \
    X(PROCESS, int, execle, (const char *path, const char *first, ...))                           \
    X(PROCESS, int, fexecve, (int fd, char *const argv[], char *const envp[]))                    \
    X(PROCESS, int, execveat,                                                                     \
      (int directory, const char *path, char *const argv[], char *const envp[], int flags))       \
    /* cxx.c: operator new and delete, where the allocator serves them itself */                  \
    X(CXX, void *, _Znwm, (size_t bytes))                                                         \
    X(CXX, void *, _ZnwmRKSt9nothrow_t, (size_t bytes, const void *tag))                          \
    X(CXX, void *, _ZnwmSt11align_val_t, (size_t bytes, size_t alignment))                        \
    X(CXX, void *, _ZnwmSt11align_val_tRKSt9nothrow_t,                                            \
      (size_t bytes, size_t alignment, const void *tag))                                          \
    X(CXX, void *, _Znam, (size_t bytes))                                                         \
    X(CXX, void *, _ZnamRKSt9nothrow_t, (size_t bytes, const void *tag))                          \
    X(CXX, void *, _ZnamSt11align_val_t, (size_t bytes, size_t alignment))                        \
    X(CXX, void *, _ZnamSt11align_val_tRKSt9nothrow_t,                                            \
      (size_t bytes, size_t alignment, const void *tag))                                          \
    X(CXX, void, _ZdlPv, (void *p))                                                               \
    X(CXX, void, _ZdlPvRKSt9nothrow_t, (void *p, const void *tag))                                \
    X(CXX, void, _ZdlPvm, (void *p, size_t bytes))                                                \
    X(CXX, void, _ZdlPvSt11align_val_t, (void *p, size_t alignment))                              \
    X(CXX, void, _ZdlPvSt11align_val_tRKSt9nothrow_t,                                             \
      (void *p, size_t alignment, const void *tag))                                               \
    X(CXX, void, _ZdlPvmSt11align_val_t, (void *p, size_t bytes, size_t alignment))               \
    X(CXX, void, _ZdaPv, (void *p))                                                               \
    X(CXX, void, _ZdaPvRKSt9nothrow_t, (void *p, const void *tag))                                \
    X(CXX, void, _ZdaPvm, (void *p, size_t bytes))                                                \
    X(CXX, void, _ZdaPvSt11align_val_t, (void *p, size_t alignment))                              \
    X(CXX, void, _ZdaPvSt11align_val_tRKSt9nothrow_t,                                             \
      (void *p, size_t alignment, const void *tag))                                               \
    X(CXX, void, _ZdaPvmSt11align_val_t, (void *p, size_t bytes, size_t alignment))

enum barrow_hook_group {
    BARROW_HOOKS_MALLOC,
    BARROW_HOOKS_MMAP,
    BARROW_HOOKS_LOADER,
    BARROW_HOOKS_PROCESS,
    BARROW_HOOKS_CXX,
};

/* The originals, from the symbol table of the library that provides them (originals.c).  Written
 * once, before the first slot is patched. */
struct barrow_originals {
#define X(group, result, name, parameters) result(*name) parameters;
    BARROW_HOOKS(X)
#undef X
};
#pragma GCC visibility push(hidden)
extern struct barrow_originals barrow_real;

#define X(group, result, name, parameters) result barrow_hook_##name parameters;
BARROW_HOOKS(X)
#undef X
#pragma GCC visibility pop

#endif
