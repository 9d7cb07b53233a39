/* fork: the child gets a ledger of its own.  Its tables start as copies of the parent's, so that
 * blocks which the parent allocated keep their sites; those sites (1 to `inherited_sites`) hold
 * what was live at the fork, and only count down.  What the child allocates itself goes to new
 * sites.  Between the kernel's fork and our handler the child records nothing: its thread's state
 * lies in memory that the kernel wiped.
 */
#include "record/process.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/units.h"
#include "record/checkpoint.h"
#include "record/helper.h"
#include "record/hot.h"
#include "record/recorder.h"
#include "record/state.h"

/* ---- names ---- */

/* True if the file is a ledger of this process and run that exec ended before it allocated
 * anything of its own: the new program takes its place. */
static bool is_replaceable(const char *path, int pid, const uint8_t run_id[16])
{
    struct ledger_header header;
    struct ledger_state state;
    bool answer = false;
    int fd = raw_open(path, O_RDONLY | O_NOFOLLOW, 0);
    if (fd < 0)
        return false;
    if (BARROW_RAW(SYS_pread64, fd, &header, sizeof header, 0) == (long)sizeof header &&
        BARROW_RAW(SYS_pread64, fd, &state, sizeof state, LEDGER_STATE_OFFSET) ==
            (long)sizeof state) {
        uint64_t sites = state.used[LEDGER_SITES] ? state.used[LEDGER_SITES] - 1 : 0;
        answer = memcmp(header.magic, LEDGER_MAGIC, sizeof header.magic) == 0 &&
                 memcmp(header.run_id, run_id, 16) == 0 && header.pid == (uint32_t)pid &&
                 state.end == LEDGER_END_EXEC && sites <= header.inherited_sites;
    }
    raw_close(fd);
    return answer;
}

void barrow_child_path(char *path, uint32_t limit, const char *root_path, int pid,
                       const uint8_t run_id[16])
{
    static const char ending[] = ".barrow";
    size_t stem = strlen(root_path), n = sizeof ending - 1;
    struct stat st;
    if (stem > n && strcmp(root_path + stem - n, ending) == 0)
        stem -= n;
    snprintf(path, limit, "%.*s.%d.barrow", (int)stem, root_path, pid);
    if (lstat(path, &st) == 0 && is_replaceable(path, pid, run_id))
        unlink(path);
    for (int k = 2; lstat(path, &st) == 0 && k < 10000; k++)
        snprintf(path, limit, "%.*s.%d.%d.barrow", (int)stem, root_path, pid, k);
}

/* ---- fork ---- */

static bool is_held; /* the fork handlers hold the locks */
static struct ledger_snapshot snapshot;
static struct barrow_thread *forking;
static uint32_t mode_before_fork;

static void before_fork(void)
{
    struct recorder *r = &barrow_recorder;
    is_held = r->on;
    if (!is_held)
        return;
    barrow_helper_fork_begins();
    barrow_helper_stop();
    raw_lock_take(&r->intern_lock);
    raw_lock_take(&r->threads_lock);
    raw_lock_take(&r->writer.grow_lock);
    if (r->children)
        ledger_snapshot_take(&r->writer, &snapshot);
    /* What this thread books from here on would be in the child's page map but not in its tables.
     */
    forking = barrow_self->levels ? barrow_self : NULL;
    if (forking) {
        mode_before_fork = forking->mode;
        forking->mode = THREAD_INSIDE;
    }
}

static void after_fork_in_parent(void)
{
    struct recorder *r = &barrow_recorder;
    if (!is_held)
        return;
    raw_lock_release(&r->writer.grow_lock);
    raw_lock_release(&r->threads_lock);
    raw_lock_release(&r->intern_lock);
    if (forking)
        forking->mode = mode_before_fork;
    ledger_snapshot_free(&snapshot);
    barrow_helper_wanted();
}

/* Turns the parent's counters into what the child inherited. */
static void inherit_sites(struct recorder *r)
{
    struct ledger_state *state = r->state;
    uint64_t count = state->used[LEDGER_SITES];
    uint64_t live_bytes = 0, live_blocks = 0;
    for (uint64_t i = 1; i < count; i++) {
        struct ledger_site *s = &r->sites[i];
        uint64_t bytes = s->allocated_bytes - s->freed_bytes, blocks = s->allocations - s->frees;
        *s = (struct ledger_site){.allocated_bytes = bytes, .allocations = blocks};
        live_bytes += bytes;
        live_blocks += blocks;
    }
    state->inherited_bytes = live_bytes;
    state->inherited_blocks = live_blocks;
    r->inherited_sites = (uint32_t)(count - 1);
    barrow_trie_forget_sites();
}

static void reset_state(struct ledger_state *state)
{
    static const enum ledger_kind kept[] = {LEDGER_STRINGS, LEDGER_CODES,     LEDGER_NODES,
                                            LEDGER_SITES,   LEDGER_SITE_INFO, LEDGER_THREAD_GROUPS,
                                            LEDGER_SYS_PATH};
    struct ledger_state fresh = {.epoch = 1, .file_bytes = state->file_bytes};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        fresh.used[kept[i]] = state->used[kept[i]];
    *state = fresh;
}

static void record_in_child(struct recorder *r)
{
    char path[PATH_MAX];
    struct ledger_header header = r->header;
    header.parent_pid = (uint32_t)r->pid;
    r->pid = raw_getpid();
    header.pid = (uint32_t)r->pid;
    header.is_root = 0;
    header.start_realtime_ns = raw_clock(CLOCK_REALTIME);
    header.start_monotonic_ns = r->start_ns = raw_monotonic_ns();
    header.inherited_sites = (uint32_t)(snapshot.state.used[LEDGER_SITES] - 1);
    header.inherited_nodes = (uint32_t)(snapshot.state.used[LEDGER_NODES] - 1);
    r->header = header;
    r->main_tid = r->pid;
    r->main_gone = false;
    r->is_root = false;
    barrow_child_path(path, sizeof path, r->root_path, r->pid, header.run_id);
    bool moved = ledger_move_to_new_file(&r->writer, path, &header, &snapshot);
    ledger_snapshot_free(&snapshot);
    if (!moved) {
        r->on = false;
        return;
    }
    reset_state(r->state);
    inherit_sites(r);
    barrow_checkpoint_reset();
    barrow_native_after_fork_in_child();
    barrow_threads_after_fork();
    barrow_helper_wanted();
}

static void after_fork_in_child(void)
{
    struct recorder *r = &barrow_recorder;
    if (!is_held)
        return;
    memset(&r->writer.grow_lock, 0, sizeof r->writer.grow_lock);
    memset(&r->intern_lock, 0, sizeof r->intern_lock);
    if (!r->children) {
        r->on = false;
        return;
    }
    record_in_child(r);
}

int barrow_process_watch(void)
{
    static bool watched;
    if (watched)
        return 0;
    watched = true;
    return pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0 ? 0 : -1;
}

/* ---- exec and _exit ---- */

static bool is_own_process(void)
{
    return barrow_recorder.on && raw_getpid() == barrow_recorder.pid;
}

static void mark_end(enum ledger_end end)
{
    struct ledger_state *state = barrow_recorder.state;
    state->end_ns = barrow_now();
    __atomic_store_n(&state->end, end, __ATOMIC_RELEASE);
}

void barrow_on_exec_before(void)
{
    if (is_own_process())
        mark_end(LEDGER_END_EXEC);
}

void barrow_on_exec_failed(void)
{
    if (is_own_process())
        mark_end(LEDGER_END_NONE);
}

static void end_recording(enum ledger_end end)
{
    if (!is_own_process())
        return;
    mark_end(end);
    barrow_recorder.on = false;
    barrow_threads_set_mode(THREAD_OFF);
    ledger_finish(&barrow_recorder.writer);
    barrow_recorder_say_goodbye();
}

void barrow_on_underscore_exit(void)
{
    end_recording(LEDGER_END_UNDERSCORE_EXIT);
}

void barrow_process_on_last_thread(void)
{
    end_recording(LEDGER_END_EXIT);
}

/* ---- the closing line ---- */

void barrow_process_remember_stderr(void)
{
    struct stat st;
    struct recorder *r = &barrow_recorder;
    r->stderr_inode = 0;
    if (fstat(2, &st) == 0) {
        r->stderr_device = st.st_dev;
        r->stderr_inode = st.st_ino;
    }
}

static const char *shown_path(const char *path, char *working_directory)
{
    size_t n;
    if (!getcwd(working_directory, PATH_MAX))
        return path;
    n = strlen(working_directory);
    return strncmp(path, working_directory, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

/* The program may have closed standard error and got its number for a file of its own. */
static bool stderr_is_the_same(void)
{
    struct recorder *r = &barrow_recorder;
    struct stat st;
    return r->stderr_inode != 0 && fstat(2, &st) == 0 && st.st_dev == r->stderr_device &&
           st.st_ino == r->stderr_inode;
}

void barrow_recorder_say(const char *text)
{
    char line[1024];
    int n = snprintf(line, sizeof line, "barrow: %s\n", text);
    if (n > 0 && stderr_is_the_same())
        BARROW_RAW(SYS_write, 2, line, n < (int)sizeof line ? n : (int)sizeof line - 1);
}

int64_t barrow_recorder_peak_bytes(void)
{
    const struct ledger_state *state = barrow_recorder.state;
    int64_t now = live_total(state);
    return now > state->best_bytes ? now : state->best_bytes;
}

void barrow_recorder_say_goodbye(void)
{
    struct recorder *r = &barrow_recorder;
    struct ledger_state *state = r->state;
    char peak[BARROW_UNITS_ROOM], live[BARROW_UNITS_ROOM];
    char directory[PATH_MAX], line[1024];
    if (r->quiet || !r->is_root)
        return;
    int64_t now = live_total(state), best = barrow_recorder_peak_bytes();
    snprintf(line, sizeof line, "peak %s, %s not freed at the end%s; see: barrow %s %.700s",
             barrow_units_bytes(peak, (uint64_t)best),
             barrow_units_bytes(live, now > 0 ? (uint64_t)now : 0),
             state->end >= LEDGER_END_NO_SPACE ? "; recording ended early, no space for the ledger"
                                               : "",
             state->used[LEDGER_LINES] ? "lines show" : "summary",
             shown_path(r->writer.path, directory));
    barrow_recorder_say(line);
}
