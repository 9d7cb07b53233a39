/* Watches what the program loads, without getting between the program and the loader.
 *
 * To the loader it matters who calls dlopen: a bare name is looked for along the caller's RUNPATH,
 * or its RPATH and those of the objects that needed it; $ORIGIN is the caller's directory;
 * RTLD_NEXT means what follows the caller.  A wrapper would be the caller.  So these hooks do what
 * they have to, and then jump, with the caller's return address still in place:
 *
 *     caller ─call─► hook: choose() ─jump─► dlopen, which sees the caller ─return─► caller
 *
 * New objects are then patched at the latest at the next dlsym, which is what follows a dlopen.
 * Where the loader searches the same directories for the caller as for barrow (so for most objects
 * of most programs), it makes no difference who calls, and choose() gives a wrapper that patches at
 * once.
 *
 * dlclose is not hooked: what was unloaded is noticed when something is loaded.
 */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "record/native/got.h"
#include "record/record.h"

typedef void (*any_function)(void);

#pragma GCC visibility push(hidden)
any_function barrow_choose_dlopen(const char *name, long flags, long unused, const void *caller);
any_function barrow_choose_dlmopen(long scope, const char *name, long flags, const void *caller);
any_function barrow_choose_dlsym(void *handle, const char *name, long unused, const void *caller);
any_function barrow_choose_dlvsym(void *handle, const char *name, const char *version,
                                  const void *caller);
#pragma GCC visibility pop

/* A hook of up to three arguments: calls barrow_choose_NAME(the arguments, the return address), and
 * jumps to where that says, all as it was. */
/* clang-format off */
#if defined(__x86_64__)
#define JUMPING_HOOK(name)                       \
    __asm__(".text\n"                            \
            ".p2align 4\n"                       \
            ".hidden barrow_hook_" #name "\n"    \
            ".globl barrow_hook_" #name "\n"     \
            ".type barrow_hook_" #name ", @function\n" \
            "barrow_hook_" #name ":\n"           \
            ".cfi_startproc\n"                   \
            "endbr64\n"                          \
            "subq $40, %rsp\n"                   \
            ".cfi_adjust_cfa_offset 40\n"        \
            "movq %rdi, (%rsp)\n"                \
            "movq %rsi, 8(%rsp)\n"               \
            "movq %rdx, 16(%rsp)\n"              \
            "movq 40(%rsp), %rcx\n"              \
            "call barrow_choose_" #name "\n"     \
            "movq %rax, %r11\n"                  \
            "movq (%rsp), %rdi\n"                \
            "movq 8(%rsp), %rsi\n"               \
            "movq 16(%rsp), %rdx\n"              \
            "addq $40, %rsp\n"                   \
            ".cfi_adjust_cfa_offset -40\n"       \
            "jmp *%r11\n"                        \
            ".cfi_endproc\n"                     \
            ".size barrow_hook_" #name ", . - barrow_hook_" #name "\n")
#elif defined(__aarch64__)
#define JUMPING_HOOK(name)                       \
    __asm__(".text\n"                            \
            ".p2align 4\n"                       \
            ".hidden barrow_hook_" #name "\n"    \
            ".globl barrow_hook_" #name "\n"     \
            ".type barrow_hook_" #name ", %function\n" \
            "barrow_hook_" #name ":\n"           \
            ".cfi_startproc\n"                   \
            "hint #34\n"                         \
            "stp x29, x30, [sp, #-48]!\n"        \
            ".cfi_adjust_cfa_offset 48\n"        \
            ".cfi_rel_offset x29, 0\n"           \
            ".cfi_rel_offset x30, 8\n"           \
            "stp x0, x1, [sp, #16]\n"            \
            "str x2, [sp, #32]\n"                \
            "mov x3, x30\n"                      \
            "bl barrow_choose_" #name "\n"       \
            "mov x16, x0\n"                      \
            "ldp x0, x1, [sp, #16]\n"            \
            "ldr x2, [sp, #32]\n"                \
            "ldp x29, x30, [sp], #48\n"          \
            ".cfi_adjust_cfa_offset -48\n"       \
            ".cfi_restore x29\n"                 \
            ".cfi_restore x30\n"                 \
            "br x16\n"                           \
            ".cfi_endproc\n"                     \
            ".size barrow_hook_" #name ", . - barrow_hook_" #name "\n")
#endif
/* clang-format on */

JUMPING_HOOK(dlopen);
JUMPING_HOOK(dlmopen);
JUMPING_HOOK(dlsym);
JUMPING_HOOK(dlvsym);

/* ---- whom the loader takes for the caller ---- */

/* The directories that the loader searches for the object at `address`, in order; false: not known.
 */
struct search_path {
    union {
        Dl_serinfo info;
        char bytes[8192];
    };
};

static bool search_path_of(const void *address, struct search_path *path)
{
    Dl_info object;
    struct link_map *map;
    Dl_serinfo head;

    if (!dladdr1(address, &object, (void **)&map, RTLD_DL_LINKMAP) ||
        dlinfo(map, RTLD_DI_SERINFOSIZE, &head) != 0 || head.dls_size > sizeof *path)
        return false;
    path->info.dls_size = head.dls_size;
    path->info.dls_cnt = head.dls_cnt;
    return dlinfo(map, RTLD_DI_SERINFO, &path->info) == 0;
}

static bool searches_like_barrow(const void *caller)
{
    struct search_path theirs, ours;

    if (!search_path_of(caller, &theirs) || !search_path_of(&barrow_real, &ours) ||
        theirs.info.dls_cnt != ours.info.dls_cnt)
        return false;
    for (unsigned i = 0; i < ours.info.dls_cnt; i++)
        if (strcmp(theirs.info.dls_serpath[i].dls_name, ours.info.dls_serpath[i].dls_name) != 0)
            return false;
    return true;
}

/* ---- the hooks ---- */

static void *dlopen_and_patch(const char *name, int flags)
{
    void *handle = barrow_real.dlopen(name, flags);
    if (handle)
        barrow_native_refresh();
    return handle;
}

__attribute__((used)) any_function barrow_choose_dlopen(const char *name, long flags, long unused,
                                                        const void *caller)
{
    int error = errno;
    bool loads = name && !((int)flags & RTLD_NOLOAD), anyone = false;

    (void)unused;
    if (loads && !strchr(name, '$'))
        anyone = searches_like_barrow(caller);
    errno = error;
    return anyone ? (any_function)dlopen_and_patch : (any_function)barrow_real.dlopen;
}

__attribute__((used)) any_function barrow_choose_dlmopen(long scope, const char *name, long flags,
                                                         const void *caller)
{
    (void)scope, (void)name, (void)flags, (void)caller;
    return (any_function)barrow_real.dlmopen;
}

__attribute__((used)) any_function barrow_choose_dlsym(void *handle, const char *name, long unused,
                                                       const void *caller)
{
    (void)handle, (void)name, (void)unused, (void)caller;
    barrow_native_refresh();
    return (any_function)barrow_real.dlsym;
}

__attribute__((used)) any_function barrow_choose_dlvsym(void *handle, const char *name,
                                                        const char *version, const void *caller)
{
    (void)handle, (void)name, (void)version, (void)caller;
    barrow_native_refresh();
    return (any_function)barrow_real.dlvsym;
}
