/* barrow dig: a heap snapshot of a live process. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "attach/remote.h"
#include "base/json.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/dig_exchange.h"
#include "cli/memory.h"
#include "cli/progress.h"
#include "cli/top_target.h"
#include "cli/view.h"

struct dig_options {
    const char *output;
    double timeout_s;
    bool force, fork, values, json;
};

struct dig {
    const struct dig_options *options;
    uint32_t pid;
    struct barrow_target target;
    struct barrow_runtime runtime;
    struct dig_exchange exchange;
    struct barrow_remote remote;
    char *output; /* absolute; NULL: the ledger that the process writes */
    bool direct;  /* the process itself writes `output` */
    char *ledger; /* that holds the snapshot now */
    uint64_t took_ns;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- the request ---- */

/* Runs in the process.  Paths come as hexadecimal digits: they may hold anything.  In the module
 * __main__ (3.14) it leaves nothing behind. */
static const char request[] =
    "def barrow_dig_request():\n"
    "    import os, sys\n"
    "    text = lambda digits: os.fsdecode(bytes.fromhex(digits))\n"
    "    folder, output, package = text('%s'), text('%s'), text('%s')\n"
    "    try:\n"
    "        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY\n"
    "        os.close(os.open(folder + '/taken', flags, 0o600))\n"
    "    except OSError:\n"
    "        return\n"
    "    try:\n"
    "        if package:\n"
    "            sys.path.append(package)\n"
    "        try:\n"
    "            import barrow\n"
    "            answer = 'ok\\n' + os.path.abspath(\n"
    "                barrow.dig(output or None, fork=%s, values=%s))\n"
    "        finally:\n"
    "            if package:\n"
    "                sys.path.remove(package)\n"
    "    except ImportError as error:\n"
    "        answer = 'missing\\n%%s' %% error\n"
    "    except BaseException as error:\n"
    "        answer = 'error\\n%%s: %%s' %% (type(error).__name__, error)\n"
    "    with open(folder + '/answer.part', 'wb') as file:\n"
    "        file.write(os.fsencode(answer))\n"
    "    os.rename(folder + '/answer.part', folder + '/answer')\n"
    "try:\n"
    "    barrow_dig_request()\n"
    "finally:\n"
    "    del barrow_dig_request\n";

static char *to_hex(const char *text)
{
    char *digits = barrow_allocate(2 * strlen(text) + 1);

    for (size_t i = 0; text[i]; i++)
        snprintf(digits + 2 * i, 3, "%02x", (unsigned char)text[i]);
    return digits;
}

/* Where this installation keeps its package for the process's version; "": it has none. */
static char *find_package(const struct dig *d)
{
    static const char *const forms[][2] = {
        {"lib", "site-packages"}, {"lib64", "site-packages"}, {"local/lib", "dist-packages"}};
    char own[PATH_MAX], version[24];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);

    own[length < 0 ? 0 : length] = '\0';
    for (int i = 0; i < 2; i++) { /* PREFIX/bin/barrow */
        char *slash = strrchr(own, '/');
        if (slash)
            *slash = '\0';
    }
    snprintf(version, sizeof version, "3.%u", d->runtime.version >> 16 & 255);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char *folder = barrow_format("%s/%s/python%s/%s", own, forms[i][0], version, forms[i][1]);
        char *module = barrow_format("%s/barrow/__init__.py", folder);
        bool there = access(module, R_OK) == 0;
        free(module);
        if (there)
            return folder;
        free(folder);
    }
    return barrow_copy("");
}

static const char *truth(bool value)
{
    return value ? "True" : "False";
}

static int put_request(struct dig *d, struct barrow_error *err)
{
    char *inside = barrow_format("%s/heap.barrow", d->exchange.there);
    char *package = find_package(d);
    char *folder = to_hex(d->exchange.there), *place = to_hex(package);
    char *output = to_hex(!d->output ? "" : d->direct ? d->output : inside);
    char *text = barrow_format(request, folder, output, place, truth(d->options->fork),
                               truth(d->options->values));
    int rc = barrow_dig_exchange_put(&d->exchange, "request.py", text, err);

    free(text);
    free(output);
    free(place);
    free(folder);
    free(package);
    free(inside);
    return rc;
}

/* ---- where the snapshot goes ---- */

static bool is_recorded(uint32_t pid)
{
    struct barrow_top_target target = {.ledger = -1};
    char *operand = barrow_format("%" PRIu32, pid);
    bool recorded = barrow_top_target_init(&target, 1, &operand, NULL) == 0;

    if (recorded)
        barrow_top_target_free(&target);
    free(operand);
    return recorded;
}

static char *absolute(const char *path)
{
    char folder[PATH_MAX];

    if (*path == '/' || !getcwd(folder, sizeof folder))
        return barrow_copy(path);
    return barrow_format("%s/%s", folder, path);
}

/* The program's name, as `barrow run` takes it for its ledgers: the script's without its ending, or
 * the module's; else that of the command. */
static char *name_of_program(const struct dig *d)
{
    char *path = barrow_format("/proc/%" PRIu32 "/cmdline", d->pid), words[4096] = {0};
    FILE *file = fopen(path, "re");
    size_t bytes = file ? fread(words, 1, sizeof words - 1, file) : 0;
    const char *end = words + bytes, *word = words + strlen(words) + 1;

    free(path);
    if (file)
        fclose(file);
    bool module = false;
    while (word < end && *word == '-' && !module) {
        module = strcmp(word, "-m") == 0;
        if (strcmp(word, "-c") == 0)
            return barrow_copy("c");
        if (strcmp(word, "-X") == 0 || strcmp(word, "-W") == 0)
            word += strlen(word) + 1;
        word += strlen(word) + 1;
    }
    if (word >= end || !*word)
        return barrow_copy(d->target.name);
    const char *slash = strrchr(word, '/');
    char *name = barrow_copy(slash && !module ? slash + 1 : word);
    char *dot = module ? NULL : strrchr(name, '.');
    if (dot && dot > name)
        *dot = '\0';
    return name;
}

static char *default_output(const struct dig *d)
{
    char *program = name_of_program(d);
    char *output = barrow_format("%s.%" PRIu32 ".barrow", program, d->pid);

    for (char *c = output; *c; c++)
        if (*c == '/' || (unsigned char)*c <= ' ')
            *c = '_';
    free(program);
    return output;
}

/* The ledger of a recorded process (a forked child can't write into it), a file that was named, or
 * NAME.PID.barrow. */
static int choose_output(struct dig *d, struct barrow_error *err)
{
    const struct dig_options *o = d->options;

    if (!o->output && !o->fork && is_recorded(d->pid))
        return 0;
    char *name = o->output ? barrow_copy(o->output) : default_output(d);
    d->output = absolute(name);
    if (access(d->output, F_OK) == 0) {
        if (!o->force) {
            barrow_fail(err, BARROW_E_USAGE, "%.300s exists; -f overwrites it", name);
            free(name);
            return -1;
        }
        unlink(d->output);
    }
    free(name);
    d->direct = d->exchange.same_files && d->exchange.user == geteuid();
    return 0;
}

/* ---- waiting ---- */

/* A request that is given up must be taken back, so signals that end us only end the waiting. */
static volatile sig_atomic_t ended_by;

static void note_end(int number)
{
    ended_by = number;
}

static void catch_ends(bool catch)
{
    struct sigaction action = {.sa_handler = catch ? note_end : SIG_DFL};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static bool lives(const struct dig *d)
{
    return kill((pid_t)d->pid, 0) == 0 || errno == EPERM;
}

/* Threads that don't run Python code for a while are made to. */
static int wait_for_answer(struct dig *d, char **answer, struct barrow_error *err)
{
    enum { LOOK_MS = 10, URGE_MS = 100 };
    const struct timespec pause = {0, LOOK_MS * 1000000};
    uint64_t begin = now_ns(), urged = begin;
    uint64_t timeout = (uint64_t)(d->options->timeout_s * 1e9);

    while (!(*answer = barrow_dig_exchange_get(&d->exchange, "answer"))) {
        bool taken = barrow_dig_exchange_has(&d->exchange, "taken");
        if (ended_by)
            return barrow_fail(err, BARROW_E_IO, "given up");
        if (!lives(d))
            return barrow_fail(err, BARROW_E_IO, "process %" PRIu32 " ended meanwhile", d->pid);
        if (!taken && now_ns() - begin > timeout)
            return barrow_fail(err, BARROW_E_IO,
                               "process %" PRIu32 " ran no Python code for %.3g s: all its threads "
                               "are busy in C code; --timeout waits longer",
                               d->pid, d->options->timeout_s);
        if (!taken && now_ns() - urged > URGE_MS * 1000000ull) {
            barrow_remote_urge(&d->remote);
            urged = now_ns();
        }
        nanosleep(&pause, NULL);
    }
    return 0;
}

/* ---- the answer ---- */

static int read_answer(struct dig *d, char *answer, struct barrow_error *err)
{
    char *text = strchr(answer, '\n');
    char version[24];

    if (!text)
        return barrow_fail(err, BARROW_E_FORMAT, "process %" PRIu32 " gave no answer", d->pid);
    *text++ = '\0';
    if (strcmp(answer, "missing") == 0)
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "process %" PRIu32
                           " can't import barrow (%.200s): install barrow for its "
                           "Python %s",
                           d->pid, text, barrow_runtime_version(&d->runtime, version));
    if (strcmp(answer, "ok") != 0)
        return barrow_fail(err, BARROW_E_IO, "process %" PRIu32 ": %.400s", d->pid, text);
    if (d->output && !d->direct &&
        barrow_dig_exchange_take(&d->exchange, "heap.barrow", d->output, err) < 0)
        return -1;
    d->ledger = barrow_copy(d->output ? d->output : text);
    return 0;
}

static int dig(struct dig *d, struct barrow_error *err)
{
    uint64_t begin = now_ns();
    char *answer = NULL;

    if (barrow_target_open(&d->target, d->pid, err) < 0 ||
        barrow_runtime_find(&d->runtime, &d->target, err) < 0 ||
        barrow_dig_exchange_open(&d->exchange, d->pid, err) < 0 || choose_output(d, err) < 0 ||
        put_request(d, err) < 0)
        return -1;
    char *path = barrow_format("%s/request.py", d->exchange.there);
    catch_ends(true);
    int rc = barrow_remote_begin(&d->remote, &d->target, &d->runtime, path, err);
    free(path);
    if (rc == 0)
        rc = wait_for_answer(d, &answer, err);
    barrow_remote_end(&d->remote);
    if (rc == 0)
        rc = read_answer(d, answer, err);
    free(answer);
    d->took_ns = now_ns() - begin;
    return rc;
}

/* ---- the command ---- */

static void print_result(const struct dig *d)
{
    struct barrow_terminal t;
    struct stat status;
    char size[BARROW_UNITS_ROOM];
    bool known = stat(d->ledger, &status) == 0;

    if (d->options->json) {
        struct barrow_json json;
        barrow_json_init(&json, stdout, 0);
        barrow_json_begin_object(&json);
        barrow_json_key(&json, "pid");
        barrow_json_uint(&json, d->pid);
        barrow_json_key(&json, "file");
        barrow_json_string(&json, d->ledger);
        barrow_json_key(&json, "took_s");
        barrow_json_seconds(&json, d->took_ns);
        barrow_json_end_object(&json);
        return;
    }
    barrow_terminal_init(&t, stdout, COLOR_AUTO);
    char *name = barrow_printable(&t, d->ledger), *took = barrow_duration(&t, d->took_ns);
    printf("%s: the heap of process %" PRIu32 ", %s, in %s\n", name, d->pid,
           known ? barrow_units_bytes(size, (uint64_t)status.st_size) : "in its own files", took);
    free(took);
    free(name);
}

static int dig_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    struct dig d = {.options = values};
    char *end;

    if (count != 1)
        return barrow_fail(err, BARROW_E_USAGE, "which process? Give its number");
    unsigned long pid = strtoul(operands[0], &end, 10);
    if (*end || pid == 0 || pid > INT32_MAX)
        return barrow_fail(err, BARROW_E_USAGE, "%.300s is no number of a process", operands[0]);
    d.pid = (uint32_t)pid;
    signal(SIGPIPE, SIG_IGN); /* see barrow_output_end() */
    barrow_progress_start("waiting for the process");
    int rc = dig(&d, err);
    barrow_progress_stop();
    if (rc == 0)
        print_result(&d);
    barrow_dig_exchange_close(&d.exchange);
    barrow_target_free(&d.target);
    catch_ends(false);
    if (ended_by)
        raise(ended_by);
    free(d.ledger);
    free(d.output);
    return rc;
}

static const struct barrow_option options[] = {
    {"output", 'o', OPTION_TEXT, "FILE", offsetof(struct dig_options, output), NULL, NULL,
     "write this ledger (the one that the process is recorded into, else NAME.PID.barrow)"},
    {"force", 'f', OPTION_FLAG, NULL, offsetof(struct dig_options, force), NULL, NULL,
     "overwrite the file if it exists"},
    {"fork", 0, OPTION_FLAG, NULL, offsetof(struct dig_options, fork), NULL, NULL,
     "dig in a forked child, so that the process stands still for the fork only"},
    {"values", 0, OPTION_FLAG, NULL, offsetof(struct dig_options, values), NULL, NULL,
     "store the first characters of texts and numbers too, not only names"},
    {"timeout", 0, OPTION_SECONDS, "SECONDS", offsetof(struct dig_options, timeout_s), NULL, NULL,
     "wait so long until the process begins (30)"},
    {"json", 0, OPTION_FLAG, NULL, offsetof(struct dig_options, json), NULL, NULL,
     "write JSON to standard output"},
    OPTIONS_END};

static const struct dig_options defaults = {.timeout_s = 30};

const struct barrow_command barrow_command_dig = {
    .usage = "[OPTIONS] PID",
    .about = "Takes a heap snapshot of a running Python process (CPython 3.11 to 3.15): all\n"
             "its objects, their sizes and what refers to what. The process itself takes it,\n"
             "and so needs barrow: its own, or this installation's if that is for the same\n"
             "version of Python. Of a recorded process the snapshot goes into its ledger,\n"
             "and objects know where they were born. From 3.14 on the request is made as\n"
             "sys.remote_exec makes it, else as a debugger would; no debugger is needed.\n"
             "Both take the same user and a kernel that allows it, or CAP_SYS_PTRACE.",
    .examples = "barrow dig 4242\n"
                "barrow dig -o heap.barrow 4242\n"
                "barrow dig --fork 4242",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = dig_main,
};
