/* barrow run: starts a program under the recorder.
 *
 * Finds the interpreter, makes sure that the ledger can be written, says in BARROW_* variables what
 * is to be recorded, and becomes the interpreter by exec.  The recorder itself is started inside
 * it by the barrow.pth that is installed beside the package.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/interpreter.h"
#include "cli/memory.h"
#include "cli/run.h"

struct run_command {
    struct barrow_run_options run;
};

static const char *const scopes[] = {"all", "system", NULL};
const char *const barrow_run_signals[] = {"none", "USR1", "USR2", "HUP", "WINCH", "URG", NULL};
static const int signals[] = {0, SIGUSR1, SIGUSR2, SIGHUP, SIGWINCH, SIGURG};

/* ---- the ledger's file ---- */

static char *absolute(const char *path, struct barrow_error *err)
{
    char here[PATH_MAX];

    if (*path == '/')
        return barrow_copy(path);
    if (!getcwd(here, sizeof here)) {
        barrow_fail(err, BARROW_E_IO, "can't tell the working directory: %s", strerror(errno));
        return NULL;
    }
    return barrow_format("%s/%s", strcmp(here, "/") == 0 ? "" : here, path);
}

/* Makes a file in the directory and takes it away again; an errno, or 0. */
static int try_file(const char *directory)
{
    int fd = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) { /* no unnamed files here */
        char *name = barrow_format("%s/.barrow-%d", directory, getpid());
        fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        int code = fd < 0 ? errno : 0;
        if (fd >= 0)
            unlink(name);
        free(name);
        errno = code;
    }
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

/* Tries whether a file can be made in the directory of `path`, without leaving one behind. */
static int check_directory(const char *path, struct barrow_error *err)
{
    char *directory = barrow_copy(path);
    char *slash = strrchr(directory, '/');
    int rc = 0;

    slash[slash == directory] = '\0';
    int code = try_file(directory);
    if (code)
        rc = barrow_fail(err, BARROW_E_IO,
                         "can't write a ledger in %s: %s; -o FILE puts it elsewhere", directory,
                         strerror(code));
    free(directory);
    return rc;
}

/* Finds out, before anything is started, whether the ledger can be written at `path`. */
static int check_output(const char *path, const struct barrow_run_options *o,
                        struct barrow_error *err)
{
    struct stat info, script;
    const struct barrow_program *program = &o->program;

    if (stat(path, &info) != 0) {
        if (errno != ENOENT)
            return barrow_fail(err, BARROW_E_IO, "can't write %s: %s", path, strerror(errno));
        return check_directory(path, err);
    }
    if (S_ISDIR(info.st_mode))
        return barrow_fail(err, BARROW_E_USAGE, "%s is a directory; -o wants a file", path);
    if (!S_ISREG(info.st_mode))
        return barrow_fail(err, BARROW_E_USAGE,
                           "%s is no plain file; a ledger can't be written there", path);
    if (!o->force)
        return barrow_fail(err, BARROW_E_USAGE, "%s exists; -f overwrites it", path);
    if (program->kind == PROGRAM_SCRIPT && stat(program->name, &script) == 0 &&
        script.st_dev == info.st_dev && script.st_ino == info.st_ino)
        return barrow_fail(err, BARROW_E_USAGE, "%s is the script; it won't be overwritten", path);
    return check_directory(path, err);
}

static char *choose_output(const struct barrow_run_options *o, struct barrow_error *err)
{
    char *stem = barrow_program_stem(&o->program);
    char *name = o->output ? barrow_copy(o->output) : barrow_format("%s.%d.barrow", stem, getpid());
    char *path = absolute(name, err);

    if (path && check_output(path, o, err) < 0) {
        free(path);
        path = NULL;
    }
    free(name);
    free(stem);
    return path;
}

/* ---- what the recorder is told ---- */

int barrow_run_make_id(char text[33], struct barrow_error *err)
{
    unsigned char id[16];

    if (getrandom(id, sizeof id, 0) != sizeof id)
        return barrow_fail(err, BARROW_E_UNSUPPORTED, "the system gives no random numbers: %s",
                           strerror(errno));
    for (size_t i = 0; i < sizeof id; i++)
        sprintf(text + 2 * i, "%02x", id[i]);
    return 0;
}

static int set_environment(const struct barrow_run_options *o, const char *output,
                           struct barrow_error *err)
{
    char run_id[33], pid[16], options[288];

    if (barrow_run_make_id(run_id, err) < 0)
        return -1;
    snprintf(pid, sizeof pid, "%d", getpid()); /* exec keeps it */
    int length = snprintf(options, sizeof options,
                          "mode=count,scope=%s,children=%d,quiet=%d,check=%d%s", scopes[o->scope],
                          !o->no_children, o->quiet, o->check_stacks, o->lines_rss ? ",rss=1" : "");
    if (o->max_table)
        snprintf(options + length, sizeof options - (size_t)length, ",max_table=%llu",
                 (unsigned long long)o->max_table);
    length = (int)strlen(options);
    if (o->dig || o->dig_at_peak || o->dig_at || o->dig_on)
        snprintf(options + length, sizeof options - (size_t)length,
                 ",dig=%d,dig_peak=%d,dig_mark=%llu,dig_signal=%d", o->dig, o->dig_at_peak,
                 (unsigned long long)o->dig_at, signals[o->dig_on]);
    if (setenv("BARROW_RUN", run_id, 1) || setenv("BARROW_OUT", output, 1) ||
        setenv("BARROW_ROOT", pid, 1) || setenv("BARROW_OPTIONS", options, 1))
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    if (o->lines ? setenv("BARROW_LINES", o->lines, 1) : unsetenv("BARROW_LINES"))
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    unsetenv("BARROW_PYTHON");
    unsetenv("BARROW_PYTHON_OPTIONS");
    return 0;
}

/* Becomes the interpreter; returns only on failure. */
static int become(const char *python, const struct barrow_program *program,
                  struct barrow_error *err)
{
    char **argv = barrow_allocate((program->count + 2) * sizeof *argv);

    argv[0] = (char *)python;
    memcpy(argv + 1, program->words, program->count * sizeof *argv);
    execv(python, argv);
    free(argv);
    return barrow_fail(err, BARROW_E_IO, "can't start %s: %s", python, strerror(errno));
}

int barrow_run(const struct barrow_run_options *o, struct barrow_error *err)
{
    struct barrow_program program = o->program;
    int rc = -1;

    char *output = choose_output(o, err);
    char *python =
        output ? barrow_interpreter_find(o->python, getenv("BARROW_PYTHON"), &o->program, err)
               : NULL;
    if (python && set_environment(o, output, err) == 0) {
        if (o->force)
            unlink(output);
        rc = become(python, &o->program, err);
    }
    free(python);
    free(output);
    barrow_program_free(&program);
    return rc;
}

static int run_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct run_command *command = values;

    (void)count;
    (void)operands;
    return barrow_run(&command->run, err);
}

static int run_parse(const struct barrow_option *options, void *values, int argc, char **argv,
                     bool *help, struct barrow_error *err)
{
    struct run_command *command = values;

    return barrow_program_parse(&command->run.program, options, values,
                                getenv("BARROW_PYTHON_OPTIONS"), argc, argv, help, err);
}

static const struct barrow_option options[] = {
    RUN_OPTIONS_COMMON(struct run_command, NULL),
    {"scope", 0, OPTION_CHOICE, "SCOPE", offsetof(struct run_command, run.scope), scopes, NULL,
     "record Python's object allocators too (all, the default), or only what reaches the C "
     "library and the system, which costs less"},
    {"dig", 0, OPTION_FLAG, NULL, offsetof(struct run_command, run.dig), NULL, "heap snapshots",
     "take one at the end: what is alive, and who keeps it alive"},
    {"dig-at-peak", 0, OPTION_FLAG, NULL, offsetof(struct run_command, run.dig_at_peak), NULL,
     "heap snapshots",
     "take one near the peak: whenever a tenth more is live than at the last one"},
    {"dig-at", 0, OPTION_BYTES, "SIZE", offsetof(struct run_command, run.dig_at), NULL,
     "heap snapshots", "take one as soon as this much is live"},
    {"dig-on", 0, OPTION_CHOICE, "SIGNAL", offsetof(struct run_command, run.dig_on),
     barrow_run_signals, "heap snapshots", "take one at each such signal"},
    {"check-stacks", 0, OPTION_FLAG, NULL, offsetof(struct run_command, run.check_stacks), NULL,
     "debugging", "compare every captured stack with a second, slow walk"},
    OPTIONS_END};

static const struct run_command defaults = {0};

const struct barrow_command barrow_command_run = {
    .usage = "[OPTIONS] [PYTHON-OPTIONS] SCRIPT [ARGS...]\n"
             "[OPTIONS] [PYTHON-OPTIONS] -m MODULE [ARGS...]\n"
             "[OPTIONS] [PYTHON-OPTIONS] -c CODE [ARGS...]",
    .about = "Runs a Python program and records who allocates its memory into a ledger,\n"
             "which the other commands read: while the program runs, after it ended, after\n"
             "it was killed. The program behaves as under python; options of python may\n"
             "stand before it. Processes it starts are recorded into ledgers of their own\n"
             "beside FILE.",
    .examples = "barrow run app.py --its-own-option\n"
                "barrow run -o app.barrow -f -m package.module\n"
                "barrow run -X dev -W error app.py\n"
                "python3 -X dev -m barrow run app.py   # the same, with that interpreter",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .parse = run_parse,
    .main = run_main,
};
