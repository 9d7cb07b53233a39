/* barrow mem run: starts a program, or looks at one that runs, and samples its memory.
 *
 * Signals are blocked and taken one at a time between the samples: those that were sent to us are
 * passed on.  What the terminal sends (Ctrl-C) reaches the whole foreground group, the program
 * among it, and isn't passed on again.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/interpreter.h"
#include "cli/mem.h"
#include "cli/memory.h"
#include "os/raw.h"

extern char **environ;

struct mem_run_options {
    const char *output, *python;
    double interval_s, timeout_s;
    size_t attach;
    bool children, each, force, quiet;
    int metric;
};

/* Reading it costs more than a sample, and it never goes down. */
enum { PEAK_NS = 50000000 };

struct run {
    const struct mem_run_options *options;
    const char *output;
    struct barrow_dat_writer writer;
    struct barrow_error write_error; /* text[0]: writing ended with this */
    struct barrow_family family;
    bool is_family; /* the process could be read */
    int pid;
    sigset_t taken, before; /* the signals that we take; the mask that the program gets */
    uint64_t start_ns, samples, highest, highest_rss, next_peak_ns;
};

/* ---- samples ---- */

static void write_sample(struct run *run)
{
    double now = (double)raw_clock(CLOCK_REALTIME) * 1e-9;
    const struct barrow_family *f = &run->family;
    bool is_sum = run->options->children;
    uint64_t bytes = is_sum ? barrow_family_bytes(f) : f->members[0].bytes;

    run->samples++;
    run->highest = bytes > run->highest ? bytes : run->highest;
    barrow_dat_put_sample(&run->writer, 0, (struct barrow_reading){now, bytes});
    for (size_t i = 1; run->options->each && i < f->count; i++)
        barrow_dat_put_sample(&run->writer, (uint64_t)f->members[i].pid,
                              (struct barrow_reading){now, f->members[i].bytes});
}

/* After a failure (the disk is full) nothing more is written, and the program goes on. */
static void flush(struct run *run, bool now)
{
    if (run->write_error.text[0])
        run->writer.lines.used = 0;
    else
        barrow_dat_flush(&run->writer, now, &run->write_error);
}

/* False: the process ended. */
static bool sample(struct run *run)
{
    uint64_t now = raw_monotonic_ns();

    if (!barrow_family_read(&run->family))
        return false;
    write_sample(run);
    flush(run, false);
    if (now >= run->next_peak_ns) {
        uint64_t peak = barrow_family_highest_rss(&run->family);
        run->highest_rss = peak > run->highest_rss ? peak : run->highest_rss;
        run->next_peak_ns = now + PEAK_NS;
    }
    return true;
}

/* ---- signals and time ---- */

/* All that a program can be told, but not what a fault raises and what stops or continues us. */
static void choose_signals(sigset_t *set)
{
    static const int left[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP, SIGSYS,  SIGABRT,
                               SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGPIPE, SIGWINCH};

    sigfillset(set);
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        sigdelset(set, left[i]);
}

static bool has_ended(int pid)
{
    siginfo_t info = {0};

    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == pid;
}

/* Waits for a signal or the deadline.  True: sampling is over. */
static bool wait_until(struct run *run, uint64_t deadline)
{
    for (;;) {
        uint64_t now = raw_monotonic_ns(), left = deadline > now ? deadline - now : 0;
        struct timespec wait = {(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
        siginfo_t info;
        int number = sigtimedwait(&run->taken, &info, &wait);
        if (number < 0 && errno == EAGAIN)
            return false;
        if (number < 0)
            continue;
        if (run->options->attach) {
            if (number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT)
                return true;
        } else if (number == SIGCHLD) {
            if (has_ended(run->pid))
                return true;
        } else if (info.si_code != SI_KERNEL) {
            kill(run->pid, number);
        }
    }
}

static void sample_to_end(struct run *run)
{
    const struct mem_run_options *o = run->options;
    uint64_t interval = (uint64_t)(o->interval_s * 1e9), deadline = raw_monotonic_ns();
    uint64_t end = o->timeout_s > 0 ? deadline + (uint64_t)(o->timeout_s * 1e9) : UINT64_MAX;
    bool alive = run->is_family && sample(run);

    for (;;) {
        uint64_t now = raw_monotonic_ns();
        deadline = deadline + interval > now ? deadline + interval : now;
        if (!alive && o->attach)
            return;
        /* A program that can't be read any more is still waited for. */
        if (wait_until(run, !alive           ? UINT64_MAX / 2
                            : deadline < end ? deadline
                                             : end) ||
            raw_monotonic_ns() >= end)
            return;
        alive = alive && sample(run);
    }
}

/* ---- the program ---- */

static int start(struct run *run, char **words, struct barrow_error *err)
{
    posix_spawnattr_t attributes;

    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &run->before);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int code = posix_spawnp(&run->pid, words[0], NULL, &attributes, words, environ);
    posix_spawnattr_destroy(&attributes);
    if (code == ENOEXEC)
        return barrow_fail(err, BARROW_E_IO,
                           "can't run %.300s: it is no program (does it lack a #! line?)",
                           words[0]);
    return code ? barrow_fail(err, BARROW_E_IO, "can't run %.300s: %s", words[0], strerror(code))
                : 0;
}

/* Page faults of the children that a process has waited for: 0 only if there were none. */
static uint64_t faults_of_children(int pid)
{
    char path[64], text[1024];

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *from = fopen(path, "re");
    size_t length = from ? fread(text, 1, sizeof text - 1, from) : 0;
    if (from)
        fclose(from);
    text[length] = '\0';
    unsigned long long faults = 1;
    const char *at =
        strrchr(text, ')'); /* behind the name come state, six numbers, flags, minflt */
    if (at)
        sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %llu", &faults);
    return faults;
}

/* The most that this process has had resident, in KiB: what a child's maximum begins with.  Not by
 * getrusage(), which also tells what this process was started from. */
static long own_highest(void)
{
    FILE *from = fopen("/proc/self/status", "re");
    char line[256];
    long kib = LONG_MAX;

    while (from && fgets(line, sizeof line, from))
        if (sscanf(line, "VmHWM: %ld", &kib) == 1)
            break;
    if (from)
        fclose(from);
    return kib;
}

/* Waits for the program; its status as of wait().  What it reached after the last reading stands in
 * its rusage, mixed with its own children's: taken if there were none. */
static int wait_for(struct run *run)
{
    struct rusage usage;
    int status = 0;
    bool is_alone = faults_of_children(run->pid) == 0;

    while (wait4(run->pid, &status, 0, &usage) < 0)
        if (errno != EINTR)
            return 0;
    uint64_t peak = (uint64_t)usage.ru_maxrss * 1024;
    if (is_alone && usage.ru_maxrss > own_highest() && peak > run->highest_rss)
        run->highest_rss = peak;
    return status;
}

/* Ends as the program did. */
static void end_like(int status)
{
    if (WIFSIGNALED(status)) {
        int number = WTERMSIG(status);
        sigset_t set;
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); /* the program has dumped its own */
        signal(number, SIG_DFL);
        sigemptyset(&set);
        sigaddset(&set, number);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        raise(number);
        exit(128 + number);
    }
    exit(WEXITSTATUS(status));
}

/* ---- what is sampled ---- */

/* A new name of mprof's form: that of the next second that is free. */
static int create_default(struct run *run, char **name, struct barrow_error *err)
{
    time_t now = time(NULL);

    for (int i = 0; i < 60; i++, now++) {
        char text[64];
        struct tm local;
        localtime_r(&now, &local);
        strftime(text, sizeof text, "mprofile_%Y%m%d%H%M%S.dat", &local);
        *name = barrow_copy(text);
        if (barrow_dat_create(&run->writer, *name, false, err) == 0)
            return 0;
        if (!err || err->code != BARROW_E_USAGE)
            return -1;
        free(*name);
    }
    *name = NULL;
    return -1;
}

static int create(struct run *run, char **name, struct barrow_error *err)
{
    char path[PATH_MAX];
    const struct mem_run_options *o = run->options;

    if (o->output)
        *name = barrow_copy(o->output);
    int rc = o->output ? barrow_dat_create(&run->writer, *name, o->force, err)
                       : create_default(run, name, err);
    if (rc < 0)
        return -1;
    run->output = *name;
    if (!o->attach && (!realpath(*name, path) || setenv("BARROW_MEM_FILE", path, 1)))
        return barrow_fail(err, BARROW_E_IO, "can't tell where %.300s is: %s", *name,
                           strerror(errno));
    return 0;
}

/* "PID 12: python app.py", as mprof has it for a process that it didn't start */
static void put_attached(struct run *run)
{
    char path[64], text[1024], *words[] = {text};

    snprintf(path, sizeof path, "/proc/%zu/cmdline", run->options->attach);
    int used = snprintf(text, sizeof text, "PID %zu: ", run->options->attach);
    FILE *from = fopen(path, "re");
    size_t length = from ? fread(text + used, 1, sizeof text - 1 - (size_t)used, from) : 0;
    if (from)
        fclose(from);
    for (size_t i = 0; i + 1 < length; i++)
        if (!text[(size_t)used + i])
            text[(size_t)used + i] = ' ';
    text[(size_t)used + length] = '\0';
    barrow_dat_put_command(&run->writer, words, 1);
}

/* A script that isn't said to be run by anything is Python's, as with mprof: its interpreter before
 * it, in memory of its own. */
static char **program_words(const struct mem_run_options *o, int count, char **words,
                            struct barrow_error *err)
{
    size_t length = strlen(words[0]);
    bool is_script = length > 3 && strcmp(words[0] + length - 3, ".py") == 0;
    char **all = barrow_allocate(((size_t)count + 2) * sizeof *all);
    struct barrow_program program = {.kind = PROGRAM_SCRIPT, .name = words[0]};
    struct barrow_error why;

    memcpy(all + is_script, words, (size_t)count * sizeof *all);
    if (!is_script)
        return all;
    all[0] = barrow_interpreter_find(o->python, getenv("BARROW_PYTHON"), &program,
                                     o->python ? err : &why);
    if (!all[0] && !o->python)
        all[0] = barrow_copy("python3"); /* any will do: nothing is loaded into it */
    if (all[0])
        return all;
    free(all);
    return NULL;
}

static int begin(struct run *run, char **words, size_t count, struct barrow_error *err)
{
    const struct mem_run_options *o = run->options;

    run->pid = (int)o->attach;
    if (!o->attach && start(run, words, err) < 0)
        return -1;
    run->start_ns = raw_monotonic_ns();
    if (barrow_family_init(&run->family, run->pid, (enum barrow_measure)o->metric,
                           o->children || o->each, err) == 0)
        run->is_family = true;
    else if (o->attach || err->code == BARROW_E_UNSUPPORTED)
        return -1;
    if (o->attach)
        put_attached(run);
    else
        barrow_dat_put_command(&run->writer, words, count);
    if (o->metric != BARROW_MEASURE_rss)
        barrow_dat_put_metric(&run->writer, (enum barrow_measure)o->metric);
    return 0;
}

/* ---- the end ---- */

static void print_end(const struct run *run)
{
    const struct mem_run_options *o = run->options;
    struct barrow_terminal t;
    char peak[BARROW_UNITS_ROOM], count[BARROW_UNITS_ROOM], took[BARROW_UNITS_ROOM];
    bool is_exact = run->highest_rss && !o->children && o->metric == BARROW_MEASURE_rss;

    barrow_terminal_init(&t, stderr, COLOR_NEVER);
    char *name = barrow_printable(&t, run->output);
    uint64_t bytes = is_exact && run->highest_rss > run->highest ? run->highest_rss : run->highest;
    if (run->write_error.text[0])
        fprintf(stderr, "barrow: %s; later samples are lost\n", run->write_error.text);
    if (o->quiet)
        return;
    if (run->samples)
        fprintf(stderr, "barrow: peak %s%s, %s sample%s in %s; barrow mem plot %s\n",
                barrow_units_bytes(peak, bytes), is_exact ? "" : " of the samples",
                barrow_units_count(count, run->samples), run->samples == 1 ? "" : "s",
                barrow_units_duration(took, raw_monotonic_ns() - run->start_ns), name);
    else
        fprintf(stderr, "barrow: the program ended before the first sample%s%s; %s\n",
                is_exact ? ", its peak was " : "", is_exact ? barrow_units_bytes(peak, bytes) : "",
                name);
    free(name);
}

static int check(const struct mem_run_options *o, int count, struct barrow_error *err)
{
    if (o->attach && count)
        return barrow_fail(err, BARROW_E_USAGE,
                           "--attach looks at a process that runs: leave the command away");
    if (!o->attach && !count)
        return barrow_fail(err, BARROW_E_USAGE,
                           "which command? barrow mem run COMMAND, or --attach PID");
    if (o->attach > INT_MAX)
        return barrow_fail(err, BARROW_E_USAGE, "there is no process %zu", o->attach);
    if (o->timeout_s > 0 && !o->attach)
        return barrow_fail(err, BARROW_E_USAGE,
                           "--timeout goes with --attach: a command is sampled to its end");
    return 0;
}

static int mem_run_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    struct run run = {.options = values, .writer = {.fd = -1}};
    char *name = NULL, **words = NULL;

    if (check(run.options, count, err) < 0)
        return -1;
    if (count && !(words = program_words(run.options, count, operands, err)))
        return -1;
    if (create(&run, &name, err) < 0)
        return -1;
    choose_signals(&run.taken);
    signal(SIGCHLD, SIG_DFL); /* not ignored, as a careless parent may have left it */
    sigprocmask(SIG_BLOCK, &run.taken, &run.before);
    size_t word_count = 0;
    while (words && words[word_count])
        word_count++;
    int rc = begin(&run, words, word_count, err);
    if (rc < 0 && !run.options->force)
        unlink(name);
    if (rc == 0)
        sample_to_end(&run);
    int status = run.pid && !run.options->attach ? wait_for(&run) : 0;
    if (run.highest_rss && !run.options->children && run.options->metric == BARROW_MEASURE_rss)
        barrow_dat_put_peak(&run.writer, run.highest_rss);
    if (rc == 0) {
        flush(&run, true);
        barrow_dat_close(&run.writer);
        print_end(&run);
        if (!run.options->attach)
            end_like(status);
    }
    barrow_family_free(&run.family);
    free(words);
    free(name);
    return rc;
}

/* Options end at the first other word: what follows is the command's. */
static int mem_run_parse(const struct barrow_option *options, void *values, int argc, char **argv,
                         bool *help, struct barrow_error *err)
{
    int next = 0;

    while (next < argc && argv[next][0] == '-' && argv[next][1] && strcmp(argv[next], "--") != 0)
        if (barrow_option_take(options, values, argc, argv, &next, help, err) < 0)
            return -1;
        else if (*help)
            return 0;
    next += next < argc && strcmp(argv[next], "--") == 0;
    memmove(argv, argv + next, (size_t)(argc - next) * sizeof *argv);
    return argc - next;
}

#define AT(member) offsetof(struct mem_run_options, member)
static const struct barrow_option options[] = {
    {"interval", 'T', OPTION_SECONDS, "SECONDS", AT(interval_s), NULL, NULL,
     "from one sample to the next (0.1)"},
    {"children", 'C', OPTION_FLAG, NULL, AT(children), NULL, NULL,
     "add the memory of all processes that it starts, and of theirs"},
    {"multiprocess", 'M', OPTION_FLAG, NULL, AT(each), NULL, NULL,
     "give each of these processes a curve of its own"},
    {"metric", 0, OPTION_CHOICE, "METRIC", AT(metric), barrow_measure_names, NULL,
     "resident memory as it is (rss), with shared pages divided among those who share them "
     "(pss), or without them (uss)"},
    {"attach", 'a', OPTION_COUNT, "PID", AT(attach), NULL, NULL,
     "sample a process that runs already, until it ends or Ctrl-C"},
    {"timeout", 't', OPTION_SECONDS, "SECONDS", AT(timeout_s), NULL, NULL,
     "with --attach: end after so long"},
    {"output", 'o', OPTION_TEXT, "FILE", AT(output), NULL, NULL,
     "write this file (mprofile_YYYYMMDDhhmmss.dat in the working directory)"},
    {"force", 'f', OPTION_FLAG, NULL, AT(force), NULL, NULL, "overwrite FILE if it exists"},
    {"python", 0, OPTION_TEXT, "PATH", AT(python), NULL, NULL,
     "the interpreter for a COMMAND that ends in .py"},
    {"quiet", 'q', OPTION_FLAG, NULL, AT(quiet), NULL, NULL, "no closing line on standard error"},
    OPTIONS_END};

static const struct mem_run_options defaults = {.interval_s = 0.1};

const struct barrow_command barrow_mem_run = {
    .usage = "[OPTIONS] [--] COMMAND [ARGUMENTS...]\n[OPTIONS] --attach PID",
    .about = "Runs a command, any, and samples its memory from outside until it ends. Its exit\n"
             "status and signals are passed on, its standard streams left alone. A COMMAND that\n"
             "ends in .py is run by Python. The peak comes from the kernel and is exact for the\n"
             "process itself; sums over processes are of the samples. The file grows while the\n"
             "command runs, and a kill loses at most its last second. Its name is given to the\n"
             "command in BARROW_MEM_FILE, for brackets around functions.",
    .examples = "barrow mem run app.py\n"
                "barrow mem run -T 10ms -- ./server --port 8000\n"
                "barrow mem run --attach 4242 -t 60",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .parse = mem_run_parse,
    .main = mem_run_main,
};
