#include "record/recorder.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cpython/object.h"
#include "record/blocks.h"
#include "record/checkpoint.h"
#include "record/helper.h"
#include "record/hooks_python.h"
#include "record/process.h"
#include "record/state.h"

struct recorder barrow_recorder;

static void copy_text(char *to, size_t limit, const char *from)
{
    snprintf(to, limit, "%s", from ? from : "");
}

void barrow_recorder_describe(struct ledger_header *h, const struct barrow_recorder_options *o)
{
    memset(h, 0, sizeof *h);
    memcpy(h->run_id, o->run_id, sizeof h->run_id);
    h->pid = (uint32_t)raw_getpid();
    h->parent_pid = (uint32_t)getppid();
    h->start_realtime_ns = raw_clock(CLOCK_REALTIME);
    h->start_monotonic_ns = raw_monotonic_ns();
    h->python_hexversion = o->python_hexversion;
    h->mode = LEDGER_MODE_COUNT;
    h->scope = (uint8_t)o->scope;
    h->is_root = o->is_root;
    h->max_table_bytes = o->max_table_bytes;
    copy_text(h->barrow_version, sizeof h->barrow_version, BARROW_VERSION);
    copy_text(h->python_version, sizeof h->python_version, o->python_version);
    copy_text(h->executable, sizeof h->executable, o->executable);
    if (!getcwd(h->working_directory, sizeof h->working_directory))
        h->working_directory[0] = '\0';
    h->command_bytes = o->command_bytes < sizeof h->command ? o->command_bytes : sizeof h->command;
    memcpy(h->command, o->command, h->command_bytes);
}

static int make_tables(struct recorder *r, struct barrow_error *err)
{
    if (!r->map.chunks)
        r->map.chunks = raw_memory(PAGEMAP_CHUNKS * sizeof *r->map.chunks);
    if (!r->map.chunks || barrow_threads_init() != 0)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the recorder's tables");
    barrow_codes_init();
    barrow_trie_init();
    barrow_checkpoint_reset();
    barrow_recorder_forget_heaps();
    return 0;
}

int barrow_recorder_start(const struct barrow_recorder_options *o, const char **note,
                          struct barrow_error *err)
{
    static char native_note[320];
    struct recorder *r = &barrow_recorder;
    struct barrow_native_report report = {.allocator = ""};
    *note = NULL;
    if (r->on)
        return barrow_fail(err, BARROW_E_UNSUPPORTED, "this process is being recorded already");
    if (r->state)
        ledger_release(&r->writer);
    r->state = NULL;
    barrow_recorder_describe(&r->header, o);
    if (ledger_create(&r->writer, o->path, &r->header, note, err) != 0)
        return -1;
    r->state = r->writer.state;
    r->state->epoch = 1;
    r->start_ns = r->header.start_monotonic_ns;
    r->pid = (int)r->header.pid;
    r->main_tid = r->pid;
    r->main_gone = false;
    r->is_root = o->is_root;
    r->quiet = o->quiet;
    r->children = o->children;
    r->checking = o->check;
    r->inherited_sites = 0;
    r->max_table_bytes = o->max_table_bytes ? o->max_table_bytes : BARROW_DEFAULT_MAX_TABLE;
    copy_text(r->root_path, sizeof r->root_path, o->root_path ? o->root_path : o->path);
    if (make_tables(r, err) != 0 || barrow_process_watch() != 0)
        return -1;
    barrow_process_remember_stderr();
    if (barrow_native_install(&report) == 0 && report.note[0] && !*note) {
        snprintf(native_note, sizeof native_note, "%s", report.note);
        *note = native_note;
    }
    barrow_state_find_offset();
    barrow_hooks_python_install(o->scope == LEDGER_SCOPE_SYSTEM);
    barrow_helper_start();
    __atomic_store_n(&r->on, true, __ATOMIC_RELEASE);
    return 0;
}

bool barrow_recorder_is_on(void)
{
    return barrow_recorder.on;
}

bool barrow_recorder_ended_early(void)
{
    return !barrow_recorder.on && barrow_recorder.state &&
           barrow_recorder.state->end >= LEDGER_END_NO_SPACE;
}

void barrow_recorder_new_run_id(uint8_t id[16])
{
    if (BARROW_RAW(SYS_getrandom, id, 16, 0) != 16) {
        uint64_t seed[2] = {raw_clock(CLOCK_REALTIME), raw_monotonic_ns() ^ (uint64_t)raw_getpid()
                                                                                << 32};
        memcpy(id, seed, 16);
    }
}

enum { PAGE_CHUNKS = 4096 / sizeof(void *) };

/* Forgets the blocks of a page of the map's first level. */
static void empty_page(struct recorder *r, uint64_t first)
{
    for (uint64_t k = first; k < first + PAGE_CHUNKS; k++)
        if (r->map.chunks[k])
            BARROW_RAW(SYS_madvise, r->map.chunks[k], PAGEMAP_CHUNK_BYTES, MADV_DONTNEED);
}

/* Forgets all blocks, so that a next recording starts with an empty map.  Most pages of its first
 * level were never touched; the kernel is asked which, a megabyte at a time. */
static void empty_map(struct recorder *r)
{
    enum { PAGES = 256 };
    unsigned char resident[PAGES];
    _Static_assert(PAGEMAP_CHUNKS % (PAGES * PAGE_CHUNKS) == 0, "whole megabytes");
    for (uint64_t i = 0; i < PAGEMAP_CHUNKS; i += PAGES * PAGE_CHUNKS) {
        bool is_known = BARROW_RAW(SYS_mincore, &r->map.chunks[i], PAGES * 4096, resident) == 0;
        for (uint64_t k = 0; k < PAGES; k++)
            if (!is_known || resident[k] & 1)
                empty_page(r, i + k * PAGE_CHUNKS);
    }
}

int barrow_recorder_stop(enum ledger_end end, bool at_exit, struct barrow_error *err)
{
    struct recorder *r = &barrow_recorder;
    if (!r->on)
        return r->state && r->state->end >= LEDGER_END_NO_SPACE
                   ? 0
                   : barrow_fail(err, BARROW_E_UNSUPPORTED, "nothing is being recorded");
    barrow_helper_stop();
    __atomic_store_n(&r->on, false, __ATOMIC_SEQ_CST);
    barrow_threads_set_mode(THREAD_OFF);
    barrow_threads_settle();
    barrow_helper_take_last();
    r->fork_ns = 0;
    r->state->end_ns = barrow_now();
    __atomic_store_n(&r->state->end, end, __ATOMIC_RELEASE);
    if (!at_exit) {
        barrow_hooks_python_remove();
        barrow_native_reset();
        empty_map(r);
    }
    int failure = ledger_finish(&r->writer);
    if (failure < 0)
        return barrow_fail(err, BARROW_E_IO, "can't write the ledger %s: %s", r->writer.path,
                           strerror(-failure));
    return 0;
}

void barrow_recorder_out_of_space(void)
{
    struct recorder *r = &barrow_recorder;
    if (!__atomic_exchange_n(&r->on, false, __ATOMIC_SEQ_CST))
        return;
    barrow_threads_set_mode(THREAD_OFF);
    r->state->dropped[LEDGER_DROP_ended_early] = 1;
    r->state->end_ns = barrow_now();
    int failure = r->writer.failure;
    __atomic_store_n(&r->state->end, failure == EIO ? LEDGER_END_IO_ERROR : LEDGER_END_NO_SPACE,
                     __ATOMIC_RELEASE);
}

const char *barrow_recorder_path(void)
{
    static char path[64];
    struct ledger_writer *w = &barrow_recorder.writer;
    if (w->path[0])
        return w->path;
    snprintf(path, sizeof path, "/proc/self/fd/%d", w->fd);
    return path;
}

void barrow_recorder_add_sys_path(const char *directory)
{
    struct recorder *r = &barrow_recorder;
    struct ledger_table *t = &r->writer.tables[LEDGER_SYS_PATH];
    struct ledger_sys_path *paths = (struct ledger_sys_path *)t->base;
    if (!r->state)
        return;
    raw_lock_take(&r->intern_lock);
    uint32_t name = barrow_string_intern(directory, (uint32_t)strlen(directory));
    uint64_t count = r->state->used[LEDGER_SYS_PATH];
    bool is_known = name == 0 || count >= t->capacity;
    for (uint64_t i = 0; i < count && !is_known; i++)
        is_known = paths[i].directory == name;
    if (!is_known) {
        paths[count].directory = name;
        __atomic_store_n(&r->state->used[LEDGER_SYS_PATH], count + 1, __ATOMIC_RELEASE);
    }
    raw_lock_release(&r->intern_lock);
}

void barrow_recorder_mark(const char *name)
{
    struct recorder *r = &barrow_recorder;
    if (!r->on)
        return;
    raw_lock_take(&r->intern_lock);
    uint64_t count = r->state->used[LEDGER_MARKS];
    bool has_room = count < r->writer.tables[LEDGER_MARKS].capacity ||
                    (count < 4096 && ledger_grow(&r->writer, LEDGER_MARKS, count + 1));
    if (has_room) {
        *(struct ledger_mark *)ledger_record(&r->writer, LEDGER_MARKS, count) =
            (struct ledger_mark){
                .time_ns = barrow_now(),
                .name = barrow_string_intern(name, (uint32_t)strlen(name)),
            };
        __atomic_store_n(&r->state->used[LEDGER_MARKS], count + 1, __ATOMIC_RELEASE);
    }
    raw_lock_release(&r->intern_lock);
}
