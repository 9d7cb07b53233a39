#include "cli/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/memory.h"

enum { CANT_START = 127, STORY_BYTES = 300 };

/* ---- signals ---- */

static const int watched[] = {SIGINT, SIGTERM, SIGHUP};
enum { WATCHED = sizeof watched / sizeof *watched };

static volatile sig_atomic_t caught; /* the signal that asks us to end; 0: none */
static volatile sig_atomic_t group;  /* of the program that runs; 0: none */
static bool tidying;

/* The program is in a group of its own, so a terminal's Ctrl-C reaches only us. */
static void pass_on(int signal_number)
{
    if (group)
        kill(-(pid_t)group, caught ? SIGKILL : signal_number);
    caught = signal_number;
}

void bench_signals_begin(void)
{
    struct sigaction action = {.sa_handler = pass_on}, before;

    for (size_t i = 0; i < WATCHED; i++)
        if (sigaction(watched[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(watched[i], &action, NULL);
}

void bench_signals_tidy(void)
{
    tidying = true;
}

void bench_signals_end(void)
{
    tidying = false;
    for (size_t i = 0; i < WATCHED; i++) {
        struct sigaction before;
        if (sigaction(watched[i], NULL, &before) == 0 && before.sa_handler == pass_on)
            signal(watched[i], SIG_DFL);
    }
    if (caught)
        raise(caught);
}

/* ---- a program ---- */

static void open_as(int fd, const char *path, int flags)
{
    int opened = open(path, flags, 0600);

    if (opened < 0)
        _exit(CANT_START);
    if (opened != fd) {
        dup2(opened, fd);
        close(opened);
    }
}

/* In the child. */
static void become(const struct bench_process *p, const sigset_t *mask)
{
    char pid[16];

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < WATCHED; i++)
        if (signal(watched[i], SIG_DFL) == SIG_IGN)
            signal(watched[i], SIG_IGN);
    sigprocmask(SIG_SETMASK, mask, NULL);
    open_as(0, "/dev/null", O_RDONLY);
    open_as(1, p->output ? p->output : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC);
    open_as(2, p->errors, O_WRONLY | O_CREAT | O_TRUNC);
    for (const struct bench_variable *v = p->variables; v && v->name; v++)
        if (v->value)
            setenv(v->name, v->value, 1);
        else
            unsetenv(v->name);
    snprintf(pid, sizeof pid, "%d", getpid());
    if (p->root_variable)
        setenv(p->root_variable, pid, 1);
    if (!p->directory || chdir(p->directory) == 0)
        execvp(p->argv[0], p->argv);
    fprintf(stderr, "can't start %s: %s\n", p->argv[0], strerror(errno));
    _exit(CANT_START);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int interrupted(struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_IO, "interrupted");
}

/* The signals wait while `group` is not yet what it should be. */
static pid_t start(const struct bench_process *p)
{
    sigset_t block, mask;

    sigemptyset(&block);
    for (size_t i = 0; i < WATCHED; i++)
        sigaddset(&block, watched[i]);
    sigprocmask(SIG_BLOCK, &block, &mask);
    pid_t child = fork();
    if (child == 0)
        become(p, &mask);
    if (child > 0) {
        setpgid(child, child); /* whoever comes first */
        group = tidying ? 0 : child;
    }
    sigprocmask(SIG_SETMASK, &mask, NULL);
    return child;
}

int bench_process_run(const struct bench_process *p, struct bench_outcome *outcome,
                      struct barrow_error *err)
{
    struct rusage usage = {0};

    if (caught && !tidying)
        return interrupted(err);
    double began = now();
    pid_t child = start(p);
    if (child < 0)
        return barrow_fail(err, BARROW_E_IO, "can't start %s: %s", p->argv[0], strerror(errno));
    while (wait4(child, &outcome->status, 0, &usage) < 0 && errno == EINTR)
        continue;
    outcome->seconds = now() - began;
    outcome->max_rss_bytes = (double)usage.ru_maxrss * 1024;
    group = 0;
    if (caught && !tidying) {
        kill(-child, SIGKILL); /* what it left behind */
        return interrupted(err);
    }
    return 0;
}

/* ---- how it ended ---- */

/* The last lines of a file, joined by " | "; to be freed. */
static char *tail(const char *path)
{
    char *text = barrow_allocate(STORY_BYTES + 1), *joined = barrow_copy("");
    char *state = NULL;
    FILE *file = fopen(path, "re");
    long size = 0;

    if (file && fseek(file, 0, SEEK_END) == 0)
        size = ftell(file);
    long skipped = size > STORY_BYTES ? size - STORY_BYTES : 0;
    if (file && fseek(file, skipped, SEEK_SET) == 0)
        text[fread(text, 1, STORY_BYTES, file)] = '\0';
    if (file)
        fclose(file);
    char *whole = skipped && strchr(text, '\n') ? strchr(text, '\n') + 1 : text;
    for (char *line = strtok_r(whole, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
        line += strspn(line, " ");
        if (!line[strspn(line, " ^~")]) /* a traceback's pointers point nowhere here */
            continue;
        char *longer = barrow_format("%s%s%s", joined, *joined ? " | " : "", line);
        free(joined);
        joined = longer;
    }
    free(text);
    return joined;
}

char *bench_process_story(int status, const char *errors)
{
    char *said = tail(errors);
    const char *colon = *said ? ": " : "";
    char *story = WIFSIGNALED(status)
                      ? barrow_format("was killed by signal %d (%s)%s%s", WTERMSIG(status),
                                      strsignal(WTERMSIG(status)), colon, said)
                      : barrow_format("ended with status %d%s%s", WEXITSTATUS(status), colon, said);
    free(said);
    return story;
}
