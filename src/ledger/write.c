#include "ledger/write.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/crc32.h"

/* X(kind, bytes of the first extent, bytes of address space reserved at first).  An extent's
 * payload is whole pages and whole records, or its last record would lie astride two extents. */
#define TABLES(X)                       \
    X(STRINGS, 128 << 10, 16 << 20)     \
    X(CODES, 40 << 10, 4 << 20)         \
    X(NODES, 128 << 10, 64 << 20)       \
    X(SITES, 128 << 10, 64 << 20)       \
    X(SITE_INFO, 16 << 10, 8 << 20)     \
    X(SAMPLES, 256 << 10, 1 << 20)      \
    X(GC_EVENTS, 16 << 10, 16 << 10)    \
    X(MARKS, 8 << 10, 1 << 20)          \
    X(CHECKPOINTS, 512 << 10, 16 << 20) \
    X(THREAD_GROUPS, 4 << 10, 4 << 10)  \
    X(SYS_PATH, 4 << 10, 64 << 10)      \
    X(REGIONS, 28 << 10, 1 << 20)       \
    X(REGION_SITES, 4 << 10, 16 << 20)  \
    X(LINES, 4 << 10, 1 << 20)          \
    X(CENSUS, 4 << 10, 4 << 20)         \
    X(HEAP, 4 << 10, 64 << 20)

#define LARGEST_EXTENT (16u << 20)

enum {
#define X(number, name, size, what) record_bytes_of_##name = size,
    LEDGER_KINDS(X)
#undef X
};

#define X(kind, first, reserve)                                                         \
    _Static_assert((first) % LEDGER_PAGE == 0 && (first) % record_bytes_of_##kind == 0, \
                   "an extent of " #kind " is whole pages and records");
TABLES(X)
#undef X

static const uint32_t record_sizes[LEDGER_KIND_LIMIT] = {
#define X(number, name, size, what) [number] = size,
    LEDGER_KINDS(X)
#undef X
};

/* Takes file space for [offset, offset + bytes), so that storing into its mapping can't fault.
 * A file size limit sends SIGXFSZ besides failing: it is held back and swallowed. */
static int take_space(int fd, off_t offset, uint64_t bytes)
{
    static const char zeros[LEDGER_PAGE];
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        (uint64_t)offset + bytes > limit.rlim_cur)
        return -EFBIG;

    uint64_t xfsz = 1ull << (SIGXFSZ - 1), before = 0;
    BARROW_RAW(SYS_rt_sigprocmask, SIG_BLOCK, &xfsz, &before, 8);
    int r = (int)BARROW_RAW(SYS_fallocate, fd, 0, offset, bytes);
    if (r == -EOPNOTSUPP || r == -ENOSYS) {
        r = 0;
        for (uint64_t done = 0; done < bytes && r == 0; done += sizeof zeros)
            r = raw_write_all(fd, zeros, sizeof zeros, offset + (off_t)done);
    }
    if (r == -EFBIG && !(before & xfsz)) {
        struct timespec now = {0, 0};
        BARROW_RAW(SYS_rt_sigtimedwait, &xfsz, NULL, &now, 8);
    }
    BARROW_RAW(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, 8);
    return r;
}

int ledger_open_own_file(const struct ledger_writer *w, bool *is_temporary)
{
    struct stat st;
    int fd = w->fd;
    if (w->backing == LEDGER_FILE)
        fd = w->helper_fd >= 0 && raw_gettid() == w->helper_tid ? w->helper_fd : -1;
    *is_temporary = false;
    /* The program may have closed our descriptor and been given its number for a file of its own.
     */
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == w->device && st.st_ino == w->inode)
        return fd;
    if (w->backing == LEDGER_MEMORY)
        return -EBADF;
    fd = raw_open(w->path, O_RDWR | O_NOFOLLOW, 0);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) != 0 || st.st_dev != w->device || st.st_ino != w->inode) {
        raw_close(fd);
        return -ENOENT;
    }
    *is_temporary = true;
    return fd;
}

static void *map_shared(void *at, uint64_t bytes, int fd, uint64_t offset)
{
    return raw_mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | (at ? MAP_FIXED : 0), fd,
                    (off_t)offset);
}

/* Reserves twice the address range and shows the table's pages there too. */
static bool reserve_more(struct ledger_writer *w, enum ledger_kind kind, uint64_t bytes, int fd)
{
    struct ledger_table *t = &w->tables[kind];
    uint64_t reserve = t->reserved_bytes * 2;
    while (reserve < bytes)
        reserve *= 2;
    uint8_t *base =
        raw_mmap(NULL, reserve, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!base)
        return false;
    uint64_t at = 0;
    for (uint32_t i = 0; i < w->extent_count; i++) {
        if (w->extents[i].kind != kind)
            continue;
        if (!map_shared(base + at, w->extents[i].bytes, fd, w->extents[i].offset + LEDGER_PAGE)) {
            raw_munmap(base, reserve);
            return false;
        }
        at += w->extents[i].bytes;
    }
    /* The old range stays for those who still hold it; its pages are no longer counted as ours. */
    BARROW_RAW(SYS_madvise, t->base, t->mapped_bytes, MADV_DONTNEED);
    __atomic_store_n(&t->base, base, __ATOMIC_RELEASE);
    t->reserved_bytes = reserve;
    return true;
}

static void describe_extent(struct ledger_extent *x, enum ledger_kind kind, uint64_t offset,
                            uint64_t payload, uint64_t first_record)
{
    memset(x, 0, sizeof *x);
    x->magic = LEDGER_EXTENT_MAGIC;
    x->kind = (uint16_t)kind;
    x->version = 1;
    x->record_bytes = record_sizes[kind];
    x->offset = offset;
    x->payload_bytes = payload;
    x->first_record = first_record;
    x->capacity = payload / record_sizes[kind];
    x->checksum = barrow_crc32(x, 64);
}

/* The page that starts an extent, written to the file. */
static int write_extent_header(int fd, enum ledger_kind kind, uint64_t offset, uint64_t payload,
                               uint64_t first_record)
{
    struct ledger_extent x;
    describe_extent(&x, kind, offset, payload, first_record);
    return raw_write_all(fd, &x, sizeof x, (off_t)offset);
}

/* Appends an extent of `payload` bytes to a table.  0 or -errno. */
static int append_extent(struct ledger_writer *w, enum ledger_kind kind, uint64_t payload, int fd)
{
    struct ledger_table *t = &w->tables[kind];
    uint64_t offset = w->file_bytes;
    if (w->extent_count == LEDGER_EXTENT_LIMIT)
        return -ENOSPC;
    int r = take_space(fd, (off_t)offset, LEDGER_PAGE + payload);
    if (r < 0)
        return r;
    if (t->mapped_bytes + payload > t->reserved_bytes &&
        !reserve_more(w, kind, t->mapped_bytes + payload, fd))
        return -ENOMEM;
    r = write_extent_header(fd, kind, offset, payload, t->mapped_bytes / t->record_bytes);
    if (r < 0)
        return r;
    if (!map_shared(t->base + t->mapped_bytes, payload, fd, offset + LEDGER_PAGE))
        return -ENOMEM;
    w->extents[w->extent_count].offset = offset;
    w->extents[w->extent_count].bytes = payload;
    w->extents[w->extent_count].kind = kind;
    w->extent_count++;
    w->file_bytes = offset + LEDGER_PAGE + payload;
    if (w->state)
        w->state->file_bytes = w->file_bytes;
    t->mapped_bytes += payload;
    /* By a quarter each time: the file's size tells what is in it, not where doubling stood. */
    uint64_t next = t->mapped_bytes / 4 / t->first_extent_bytes * t->first_extent_bytes;
    if (next > t->extent_bytes && next <= LARGEST_EXTENT)
        t->extent_bytes = (uint32_t)next;
    __atomic_store_n(&t->capacity, t->mapped_bytes / t->record_bytes, __ATOMIC_RELEASE);
    return 0;
}

bool ledger_grow(struct ledger_writer *w, enum ledger_kind kind, uint64_t records)
{
    struct ledger_table *t = &w->tables[kind];
    bool is_temporary = false;
    int fd = -1, r = 0;
    if (w->failure)
        return false;
    raw_lock_take(&w->grow_lock);
    if (records > t->capacity) {
        fd = ledger_open_own_file(w, &is_temporary);
        r = fd < 0 ? fd : 0;
    }
    while (r == 0 && records > t->capacity) {
        uint64_t need = (records - t->capacity) * t->record_bytes;
        uint64_t payload = t->extent_bytes;
        while (payload < need)
            payload *= 2;
        r = append_extent(w, kind, payload, fd);
    }
    if (fd >= 0 && is_temporary)
        raw_close(fd);
    if (kind == LEDGER_HEAP) /* the recording goes on without the snapshot */
        w->heap_failure = -r;
    else if (r == -ENOSPC || r == -EFBIG || r == -EDQUOT || r == -EIO)
        w->failure = -r;
    raw_lock_release(&w->grow_lock);
    return r == 0;
}

static void fill_header(struct ledger_header *page, const struct ledger_header *header)
{
    *page = *header;
    memcpy(page->magic, LEDGER_MAGIC, sizeof page->magic);
    page->format = LEDGER_FORMAT;
    page->byte_order = LEDGER_BYTE_ORDER;
    page->page_bytes = LEDGER_PAGE;
    page->checksum = 0;
    page->checksum = barrow_crc32(page, sizeof *page);
}

/* Maps header and state of an empty file. */
static int lay_out(struct ledger_writer *w, const struct ledger_header *header, int fd)
{
    int r = take_space(fd, 0, LEDGER_EXTENTS_OFFSET);
    if (r < 0)
        return r;
    struct ledger_header *pages = map_shared(NULL, LEDGER_EXTENTS_OFFSET, fd, 0);
    if (!pages)
        return -ENODEV;
    w->header = pages;
    w->state = (struct ledger_state *)((char *)pages + LEDGER_STATE_OFFSET);
    fill_header(&pages[0], header);
    pages[1] = pages[0];
    w->file_bytes = LEDGER_EXTENTS_OFFSET;
    w->state->file_bytes = w->file_bytes;
    return 0;
}

static int add_first_extents(struct ledger_writer *w, int fd)
{
    int r = 0;
#define X(kind, first, reserve)                                                                   \
    if (r == 0) {                                                                                 \
        struct ledger_table *t = &w->tables[LEDGER_##kind];                                       \
        t->record_bytes = record_sizes[LEDGER_##kind];                                            \
        t->reserved_bytes = reserve;                                                              \
        t->extent_bytes = t->first_extent_bytes = first;                                          \
        t->base = raw_mmap(NULL, reserve, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, \
                           -1, 0);                                                                \
        r = t->base ? append_extent(w, LEDGER_##kind, first, fd) : -ENOMEM;                       \
    }
    TABLES(X)
#undef X
    return r;
}

static int remember_identity(struct ledger_writer *w, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return -errno;
    w->device = st.st_dev;
    w->inode = st.st_ino;
    return 0;
}

/* A memory file, its descriptor out of the way of those that programs expect to get. */
static int open_memory_file(void)
{
    int fd = (int)BARROW_RAW(SYS_memfd_create, "barrow", 1 /* MFD_CLOEXEC */);
    if (fd < 0)
        return fd;
    struct rlimit limit = {1024, 1024};
    getrlimit(RLIMIT_NOFILE, &limit);
    long high = limit.rlim_cur > 2048 ? 1024 : (long)limit.rlim_cur - 24;
    long moved = BARROW_RAW(SYS_fcntl, fd, F_DUPFD_CLOEXEC, high > 3 ? high : 3);
    if (moved < 0)
        return fd;
    raw_close(fd);
    return (int)moved;
}

static int create_file(struct ledger_writer *w, const char *path,
                       const struct ledger_header *header)
{
    int fd = raw_open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fd;
    int r = remember_identity(w, fd);
    if (r == 0)
        r = lay_out(w, header, fd);
    if (r == 0)
        r = add_first_extents(w, fd);
    raw_close(fd);
    return r;
}

static int create_memory(struct ledger_writer *w, const struct ledger_header *header)
{
    w->fd = open_memory_file();
    if (w->fd < 0)
        return w->fd;
    w->backing = LEDGER_MEMORY;
    int r = remember_identity(w, w->fd);
    if (r == 0)
        r = lay_out(w, header, w->fd);
    if (r == 0)
        r = add_first_extents(w, w->fd);
    return r;
}

int ledger_create(struct ledger_writer *w, const char *path, const struct ledger_header *header,
                  const char **note, struct barrow_error *err)
{
    int r = -ENODEV;
    memset(w, 0, sizeof *w);
    w->fd = w->helper_fd = -1;
    *note = NULL;
    if (path) {
        if (strlen(path) >= sizeof w->path)
            return barrow_fail(err, BARROW_E_IO, "the ledger's path is too long: %.80s...", path);
        strcpy(w->path, path);
        r = create_file(w, path, header);
        if (r < 0 && r != -ENODEV && r != -EINVAL) {
            bool existed = r == -EEXIST;
            ledger_release(w);
            if (!existed)
                unlink(path);
            return barrow_fail(err, BARROW_E_IO, "can't write the ledger %s: %s%s", path,
                               strerror(-r), existed ? " (-f overwrites it)" : "");
        }
        if (r == 0)
            return 0;
        ledger_release(w);
        strcpy(w->path, path);
        *note = "the file system can't map files shared: the ledger is kept in memory and written "
                "at the end";
    }
    r = create_memory(w, header);
    if (r < 0) {
        ledger_release(w);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for a ledger: %s", strerror(-r));
    }
    return 0;
}

static uint64_t used_bytes(const struct ledger_writer *w, int kind)
{
    const struct ledger_table *t = &w->tables[kind];
    uint64_t used = w->state->used[kind] * t->record_bytes;
    return used < t->mapped_bytes ? used : t->mapped_bytes;
}

void ledger_snapshot_take(const struct ledger_writer *w, struct ledger_snapshot *snapshot)
{
    uint64_t bytes = 0, at = 0;
    for (int kind = 0; kind < LEDGER_KIND_LIMIT; kind++)
        bytes += kind == LEDGER_HEAP ? 0 : used_bytes(w, kind);
    snapshot->state = *w->state;
    snapshot->state.used[LEDGER_HEAP] = 0; /* the parent's objects are its own affair */
    snapshot->bytes = bytes + LEDGER_PAGE;
    snapshot->records = raw_memory(snapshot->bytes);
    for (int kind = 0; snapshot->records && kind < LEDGER_KIND_LIMIT; kind++) {
        uint64_t n = kind == LEDGER_HEAP ? 0 : used_bytes(w, kind);
        if (n)
            memcpy(snapshot->records + at, w->tables[kind].base, n);
        at += n;
    }
}

void ledger_snapshot_free(struct ledger_snapshot *snapshot)
{
    if (snapshot->records)
        raw_munmap(snapshot->records, snapshot->bytes);
    snapshot->records = NULL;
}

/* Writes one table into `fd` as a single extent and maps it over the old pages. */
static int move_table(struct ledger_writer *w, enum ledger_kind kind, int fd,
                      const uint8_t *records, uint64_t bytes)
{
    struct ledger_table *t = &w->tables[kind];
    uint64_t offset = w->file_bytes;
    int r = take_space(fd, (off_t)offset, LEDGER_PAGE + t->mapped_bytes);
    if (r == 0)
        r = write_extent_header(fd, kind, offset, t->mapped_bytes, 0);
    if (r == 0)
        r = raw_write_all(fd, records, bytes, (off_t)(offset + LEDGER_PAGE));
    if (r == 0 && !map_shared(t->base, t->mapped_bytes, fd, offset + LEDGER_PAGE))
        r = -ENOMEM;
    if (r < 0)
        return r;
    w->extents[w->extent_count].offset = offset;
    w->extents[w->extent_count].bytes = t->mapped_bytes;
    w->extents[w->extent_count].kind = kind;
    w->extent_count++;
    w->file_bytes = offset + LEDGER_PAGE + t->mapped_bytes;
    return 0;
}

/* Cuts the parent's file off: whatever is stored from now on stays in this process. */
static void detach(struct ledger_writer *w)
{
    raw_mmap(w->header, LEDGER_EXTENTS_OFFSET, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    for (int kind = 0; kind < LEDGER_KIND_LIMIT; kind++) {
        struct ledger_table *t = &w->tables[kind];
        if (t->mapped_bytes)
            raw_mmap(t->base, t->mapped_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    }
    w->failure = EIO;
}

/* The new file's header, state and tables, mapped where the parent's were. */
static int move_all(struct ledger_writer *w, int fd, const struct ledger_header *header,
                    const struct ledger_snapshot *snapshot)
{
    struct ledger_header *pages = w->header;
    const uint8_t *at = snapshot->records;
    int r = remember_identity(w, fd);
    if (r == 0)
        r = take_space(fd, 0, LEDGER_EXTENTS_OFFSET);
    if (r == 0 && !map_shared(pages, LEDGER_EXTENTS_OFFSET, fd, 0))
        r = -ENOMEM;
    if (r < 0)
        return r;
    fill_header(&pages[0], header);
    pages[1] = pages[0];
    *w->state = snapshot->state;
    w->file_bytes = LEDGER_EXTENTS_OFFSET;
    w->extent_count = 0;
    w->tables[LEDGER_HEAP].mapped_bytes = w->tables[LEDGER_HEAP].first_extent_bytes;
    w->tables[LEDGER_HEAP].capacity = w->tables[LEDGER_HEAP].first_extent_bytes;
    for (int kind = 0; kind < LEDGER_KIND_LIMIT && r == 0; kind++) {
        uint64_t bytes = used_bytes(w, kind);
        if (w->tables[kind].mapped_bytes)
            r = move_table(w, (enum ledger_kind)kind, fd, at, bytes);
        at += bytes;
    }
    w->state->file_bytes = w->file_bytes;
    return r;
}

bool ledger_move_to_new_file(struct ledger_writer *w, const char *path,
                             const struct ledger_header *header,
                             const struct ledger_snapshot *snapshot)
{
    int fd = -1, r = -ENOMEM;
    memset(&w->grow_lock, 0, sizeof w->grow_lock);
    w->helper_fd = -1;
    if (w->backing == LEDGER_MEMORY)
        w->fd = fd = open_memory_file();
    else
        fd = raw_open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (path && strlen(path) < sizeof w->path)
        strcpy(w->path, path);
    if (fd >= 0 && snapshot->records)
        r = move_all(w, fd, header, snapshot);
    if (fd >= 0 && w->backing == LEDGER_FILE)
        raw_close(fd);
    if (r == 0)
        return true;
    if (fd >= 0 && w->backing == LEDGER_FILE)
        BARROW_RAW(SYS_unlinkat, AT_FDCWD, path, 0);
    detach(w);
    return false;
}

int ledger_finish(struct ledger_writer *w)
{
    bool is_temporary;
    char page[LEDGER_PAGE];
    if (w->backing != LEDGER_MEMORY || !w->path[0])
        return 0;
    int from = ledger_open_own_file(w, &is_temporary);
    if (from < 0)
        return from;
    int to = raw_open(w->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (to < 0)
        return to;
    int r = 0;
    for (uint64_t at = 0; at < w->file_bytes && r == 0; at += sizeof page) {
        long n = BARROW_RAW(SYS_pread64, from, page, sizeof page, at);
        r = n < 0 ? (int)n : raw_write_all(to, page, (size_t)n, (off_t)at);
    }
    raw_close(to);
    return r;
}

void ledger_release(struct ledger_writer *w)
{
    if (w->header)
        raw_munmap(w->header, LEDGER_EXTENTS_OFFSET);
    for (int kind = 0; kind < LEDGER_KIND_LIMIT; kind++)
        if (w->tables[kind].base)
            raw_munmap(w->tables[kind].base, w->tables[kind].reserved_bytes);
    if (w->fd >= 0)
        raw_close(w->fd);
    memset(w, 0, sizeof *w);
    w->fd = w->helper_fd = -1;
}
