#include "watch/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/recorder.h"

static struct {
    bool is_open;
    struct ledger_writer ledger;
    struct ledger_header header;
    struct ledger_census_writer censuses;
    struct barrow_map texts; /* text → its offset in STRINGS */
    char root[PATH_MAX];     /* that names of descendants derive from */
} store;

/* ---- strings ---- */

struct text {
    const char *bytes;
    uint32_t count;
};

static bool is_text(const uint8_t *strings, uint32_t offset, struct text text)
{
    return memcmp(strings + offset, &text.count, 4) == 0 &&
           memcmp(strings + offset + 4, text.bytes, text.count) == 0;
}
BARROW_MAP_FIND(find_text, const uint8_t *, struct text, is_text)

static uint32_t intern(void *unused, const char *bytes, uint32_t count)
{
    struct ledger_table *strings = &store.ledger.tables[LEDGER_STRINGS];
    uint64_t *used = &store.ledger.state->used[LEDGER_STRINGS];
    uint32_t hash = barrow_hash_bytes(bytes, count);
    (void)unused;
    if (!barrow_map_reserve(&store.texts, 1))
        return 0;
    uint32_t *value = find_text(&store.texts, strings->base, (struct text){bytes, count}, hash);
    if (*value)
        return *value;
    uint64_t offset = *used, end = offset + 4 + ((count + 3u) & ~3u);
    if (end > UINT32_MAX ||
        (end > strings->capacity && !ledger_grow(&store.ledger, LEDGER_STRINGS, end)))
        return 0;
    memcpy(strings->base + offset, &count, 4);
    memcpy(strings->base + offset + 4, bytes, count);
    __atomic_store_n(used, end, __ATOMIC_RELEASE);
    barrow_map_fill(&store.texts, value, hash, (uint32_t)offset);
    return (uint32_t)offset;
}

/* ---- the file ---- */

/* Makes the ledger: at `root`, or, if that is there or belongs to the parent, at a name with the
 * pid. */
static int create(bool is_child, struct barrow_error *err)
{
    char path[PATH_MAX];
    const char *note;
    struct ledger_header *h = &store.header;
    h->is_root = !is_child;
    snprintf(path, sizeof path, "%s", store.root);
    if (is_child || access(path, F_OK) == 0)
        barrow_child_path(path, sizeof path, store.root, (int)h->pid, h->run_id);
    if (ledger_create(&store.ledger, path, h, &note, err) != 0)
        return -1;
    store.ledger.state->epoch = 1;
    store.ledger.state->used[LEDGER_STRINGS] = 4; /* offset 0 is "none" */
    store.censuses.ledger = &store.ledger;
    store.censuses.intern = intern;
    store.is_open = true;
    return 0;
}

static void forget(void)
{
    ledger_release(&store.ledger);
    ledger_census_reset(&store.censuses);
    barrow_map_free(&store.texts);
    store.is_open = false;
}

int barrow_watch_store_open(const char *path, const struct ledger_header *header,
                            struct barrow_error *err)
{
    char directory[PATH_MAX];
    barrow_watch_store_close(LEDGER_END_STOP);
    store.header = *header;
    if (path[0] == '/')
        snprintf(store.root, sizeof store.root, "%s", path);
    else if (!getcwd(directory, sizeof directory) ||
             snprintf(store.root, sizeof store.root, "%s/%s", directory, path) >=
                 (int)sizeof store.root)
        return barrow_fail(err, BARROW_E_IO, "can't write the ledger %.300s: where am I?", path);
    return create(false, err);
}

const char *barrow_watch_store_path(void)
{
    return store.is_open ? store.ledger.path : "";
}

bool barrow_watch_store_put(const struct barrow_watch_census *census)
{
    struct ledger_census head = census->head;
    if (!store.is_open)
        return false;
    head.time_ns = raw_monotonic_ns() - store.header.start_monotonic_ns;
    store.ledger.state->now_ns = head.time_ns;
    return ledger_census_put(&store.censuses, &head, census->classes, census->count);
}

void barrow_watch_store_close(enum ledger_end end)
{
    if (!store.is_open)
        return;
    store.ledger.state->end_ns = raw_monotonic_ns() - store.header.start_monotonic_ns;
    __atomic_store_n(&store.ledger.state->end, end, __ATOMIC_RELEASE);
    ledger_finish(&store.ledger);
    forget();
}

void barrow_watch_store_after_fork(void)
{
    struct ledger_header *h = &store.header;
    if (!store.is_open)
        return;
    forget();
    h->parent_pid = h->pid;
    h->pid = (uint32_t)raw_getpid();
    h->start_realtime_ns = raw_clock(CLOCK_REALTIME);
    h->start_monotonic_ns = raw_monotonic_ns();
    create(true, NULL);
}
