/* The ways in which a process ends without its exit handlers: _exit and exec.
 *
 * Nothing here allocates or takes a lock: these run in the child of a vfork too, which shares all
 * memory with its parent (the recorder looks at the pid and leaves it alone).  The list forms of
 * exec become the vector forms, as in the C library, their arguments on the stack.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "record/native/hooks.h"
#include "record/record.h"

/* ---- exit ---- */

#define EXIT(name)                      \
    void barrow_hook_##name(int status) \
    {                                   \
        barrow_on_underscore_exit();    \
        barrow_real.name(status);       \
        __builtin_unreachable();        \
    }

EXIT(_exit)
EXIT(_Exit)
EXIT(quick_exit)

/* ---- exec ---- */

/* After an exec that came back; it says why in errno. */
static int failed(int result)
{
    int error = errno;
    barrow_on_exec_failed();
    errno = error;
    return result;
}

#define EXEC(name, parameters, ...)                   \
    int barrow_hook_##name parameters                 \
    {                                                 \
        barrow_on_exec_before();                      \
        return failed(barrow_real.name(__VA_ARGS__)); \
    }

EXEC(execve, (const char *path, char *const argv[], char *const envp[]), path, argv, envp)
EXEC(execv, (const char *path, char *const argv[]), path, argv)
EXEC(execvp, (const char *file, char *const argv[]), file, argv)
EXEC(execvpe, (const char *file, char *const argv[], char *const envp[]), file, argv, envp)
EXEC(fexecve, (int fd, char *const argv[], char *const envp[]), fd, argv, envp)
EXEC(execveat, (int directory, const char *path, char *const argv[], char *const envp[], int flags),
     directory, path, argv, envp, flags)

/* Arguments from `first` up to and with the NULL that ends them. */
static size_t count_arguments(const char *first, va_list list)
{
    size_t count = 1;
    for (const char *argument = first; argument; count++)
        argument = va_arg(list, const char *);
    return count;
}

static void copy_arguments(char **argv, size_t count, const char *first, va_list *list)
{
    argv[0] = (char *)first;
    for (size_t i = 1; i < count; i++)
        argv[i] = va_arg(*list, char *);
}

/* LIST(name, how to call the vector form): `envp` is what follows the NULL, if `name` has an
 * environment. */
#define LIST(name, environment, ...)                                 \
    int barrow_hook_##name(const char *path, const char *first, ...) \
    {                                                                \
        va_list list;                                                \
        va_start(list, first);                                       \
        size_t count = count_arguments(first, list);                 \
        va_end(list);                                                \
        char **argv = __builtin_alloca(count * sizeof *argv);        \
        va_start(list, first);                                       \
        copy_arguments(argv, count, first, &list);                   \
        environment;                                                 \
        va_end(list);                                                \
        return __VA_ARGS__;                                          \
    }

LIST(execl, , barrow_hook_execv(path, argv))
LIST(execlp, , barrow_hook_execvp(path, argv))
LIST(execle, char *const *envp = va_arg(list, char *const *), barrow_hook_execve(path, argv, envp))
