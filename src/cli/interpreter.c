#include "cli/interpreter.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/memory.h"

/* What the wheel installs into site-packages; it starts the recorder. */
#define START_FILE "barrow.pth"

extern char **environ;

static bool is_program(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

/* ---- does it have barrow? The cheap answer: look where it keeps its packages ---- */

static bool exists(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool exists(const char *format, ...)
{
    char path[PATH_MAX];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    return length > 0 && (size_t)length < sizeof path && access(path, F_OK) == 0;
}

/* "3.11" out of ".../bin/python3.11"; NULL: the name doesn't tell. */
static const char *version_of(const char *resolved)
{
    const char *name = strrchr(resolved, '/') + 1;

    if (strncmp(name, "python3.", 8) != 0 || !name[8] || name[8 + strspn(name + 8, "0123456789")])
        return NULL;
    return name + 6;
}

/* Cuts the last component off; false if there is none. */
static bool to_parent(char *path)
{
    char *slash = strrchr(path, '/');

    if (!slash || slash == path)
        return false;
    *slash = '\0';
    return true;
}

static bool prefix_has_barrow(const char *prefix, const char *version)
{
    return exists("%s/lib/python%s/site-packages/" START_FILE, prefix, version) ||
           exists("%s/lib64/python%s/site-packages/" START_FILE, prefix, version);
}

/* True: it has.  False: the files don't tell. */
static bool surely_has_barrow(const char *python, bool user_site)
{
    char resolved[PATH_MAX], prefix[PATH_MAX];
    const char *version, *home = getenv("HOME");

    if (!realpath(python, resolved) || !(version = version_of(resolved)))
        return false;
    snprintf(prefix, sizeof prefix, "%s", python);
    if (!to_parent(prefix) || !to_parent(prefix))
        return false;
    if (exists("%s/pyvenv.cfg", prefix)) /* a venv, whose packages lie beside the link */
        return prefix_has_barrow(prefix, version);
    snprintf(prefix, sizeof prefix, "%s", resolved);
    if (!to_parent(prefix) || !to_parent(prefix))
        return false;
    if (prefix_has_barrow(prefix, version))
        return true;
    if (strcmp(prefix, "/usr") == 0 && /* Debian's own interpreter */
        (exists("/usr/local/lib/python%s/dist-packages/" START_FILE, version) ||
         exists("/usr/lib/python3/dist-packages/" START_FILE)))
        return true;
    return user_site && home && !getenv("PYTHONNOUSERSITE") && !getenv("PYTHONUSERBASE") &&
           exists("%s/.local/lib/python%s/site-packages/" START_FILE, home, version);
}

/* ---- the dear answer: ask it ---- */

/* The environment without barrow's own variables: the question must not be recorded. */
static char **plain_environment(void)
{
    size_t count = 0, kept = 0;

    while (environ[count])
        count++;
    char **plain = barrow_allocate((count + 1) * sizeof *plain);
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], "BARROW_", 7) != 0)
            plain[kept++] = environ[i];
    return plain;
}

static bool says_it_has_barrow(const char *python, const struct barrow_program *program)
{
    static const char question[] =
        "import os, sys; sys.exit(not any(os.path.exists(os.path.join(p, '" START_FILE "')) "
        "for p in sys.path[1:]))";
    char *flags = barrow_format("-%s%s", program->site_flags, "c");
    char *argv[] = {(char *)python, flags, (char *)question, NULL};
    char **environment = plain_environment();
    posix_spawn_file_actions_t actions;
    int status = -1;
    pid_t child;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (posix_spawn(&child, python, &actions, NULL, argv, environment) == 0)
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            continue;
    posix_spawn_file_actions_destroy(&actions);
    free(environment);
    free(flags);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool has_barrow(const char *python, const struct barrow_program *program)
{
    return surely_has_barrow(python, !program->no_user_site) || says_it_has_barrow(python, program);
}

/* ---- where to look ---- */

/* Calls `accept` with each program of that name on PATH until it takes one; NULL: none. */
static char *on_path(const char *name, bool (*accept)(const char *, const struct barrow_program *),
                     const struct barrow_program *program)
{
    const char *path = getenv("PATH");

    if (!path)
        path = "/usr/local/bin:/usr/bin:/bin";
    for (;;) {
        size_t length = strcspn(path, ":");
        char *candidate = length ? barrow_format("%.*s/%s", (int)length, path, name)
                                 : barrow_format("./%s", name);
        if (is_program(candidate) && (!accept || accept(candidate, program)))
            return candidate;
        free(candidate);
        if (!path[length])
            return NULL;
        path += length + 1;
    }
}

/* python3 or python in the directory of this executable; NULL: neither. */
static char *beside_executable(void)
{
    static const char *const names[] = {"python3", "python"};
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (length <= 0)
        return NULL;
    self[length] = '\0';
    if (!to_parent(self))
        return NULL;
    for (size_t i = 0; i < 2; i++) {
        char *candidate = barrow_format("%s/%s", self, names[i]);
        if (is_program(candidate))
            return candidate;
        free(candidate);
    }
    return NULL;
}

static char *checked(char *python, const struct barrow_program *program, struct barrow_error *err)
{
    if (has_barrow(python, program))
        return python;
    barrow_fail(err, BARROW_E_USAGE,
                "%s has no barrow; install it there (%s -m pip install barrow), or name another "
                "interpreter with --python",
                python, python);
    free(python);
    return NULL;
}

char *barrow_interpreter_find(const char *wanted, const char *given,
                              const struct barrow_program *program, struct barrow_error *err)
{
    if (wanted) {
        char *python = strchr(wanted, '/') ? barrow_copy(wanted) : on_path(wanted, NULL, program);
        if (python && is_program(python))
            return checked(python, program, err);
        free(python);
        barrow_fail(err, BARROW_E_USAGE, "--python %s: there is no such program", wanted);
        return NULL;
    }
    if (given && *given)
        return barrow_copy(given);
    char *beside = beside_executable();
    if (beside)
        return checked(beside, program, err);
    char *found = on_path("python3", has_barrow, program);
    if (!found)
        barrow_fail(err, BARROW_E_USAGE,
                    "no python3 on PATH has barrow; install it (python3 -m pip install barrow), or "
                    "name an interpreter with --python");
    return found;
}
