#include "ledger/read.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32.h"
#include "ledger/read_source.h"

uint64_t ledger_source_read(const struct ledger_source *source, uint64_t offset, void *to,
                            uint64_t count)
{
    uint64_t got = 0;
    if (source->fd < 0) {
        if (offset < source->size)
            got = source->size - offset < count ? source->size - offset : count;
        if (got)
            memcpy(to, source->bytes + offset, got);
    } else {
        while (got < count) {
            ssize_t n = pread(source->fd, (char *)to + got, count - got, (off_t)(offset + got));
            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                break;
            got += (uint64_t)n;
        }
    }
    if (got < count)
        memset((char *)to + got, 0, count - got);
    return got;
}

/* ---- header ---- */

static bool header_is_intact(const struct ledger_header *header)
{
    struct ledger_header copy = *header;
    copy.checksum = 0;
    return memcmp(header->magic, LEDGER_MAGIC, sizeof header->magic) == 0 &&
           header->checksum == barrow_crc32(&copy, sizeof copy);
}

/* A NUL at the end of every text, so that later code may treat them as strings. */
static void end_texts(struct ledger_header *header)
{
    header->barrow_version[sizeof header->barrow_version - 1] = '\0';
    header->python_version[sizeof header->python_version - 1] = '\0';
    header->executable[sizeof header->executable - 1] = '\0';
    header->working_directory[sizeof header->working_directory - 1] = '\0';
    header->command[sizeof header->command - 1] = '\0';
    if (header->command_bytes > sizeof header->command)
        header->command_bytes = sizeof header->command;
}

int ledger_read_header(struct ledger_header *header, const struct ledger_source *source,
                       const char *path, bool *damaged, struct barrow_error *err)
{
    struct ledger_header pages[2];
    uint64_t got = ledger_source_read(source, 0, pages, sizeof pages);
    int good = header_is_intact(&pages[0]) ? 0 : header_is_intact(&pages[1]) ? 1 : -1;
    if (good < 0) {
        bool ours = got >= 8 && (memcmp(pages[0].magic, LEDGER_MAGIC, 8) == 0 ||
                                 memcmp(pages[1].magic, LEDGER_MAGIC, 8) == 0);
        if (!ours)
            return barrow_fail(err, BARROW_E_FORMAT, "%.300s: not a barrow ledger", path);
        return barrow_fail(err, BARROW_E_FORMAT,
                           "%.300s: the ledger's header is %s; nothing can be read", path,
                           got < LEDGER_PAGE ? "cut off" : "damaged");
    }
    *header = pages[good];
    *damaged = good == 1;
    if (header->byte_order != LEDGER_BYTE_ORDER || header->page_bytes != LEDGER_PAGE)
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "%.300s: written on a machine with another byte order or page size",
                           path);
    if (header->format == 0 || header->format > LEDGER_FORMAT)
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "%.300s: ledger format %" PRIu32 " is newer than this barrow "
                           "(reads up to %u); use a newer barrow",
                           path, header->format, LEDGER_FORMAT);
    end_texts(header);
    return 0;
}

/* ---- state ---- */

static void read_state(struct barrow_ledger *ledger, const struct ledger_source *source)
{
    uint64_t got =
        ledger_source_read(source, LEDGER_STATE_OFFSET, &ledger->state, sizeof ledger->state);
    /* A writer sets epoch to 1 before the file is a ledger, so 0 means the page is gone. */
    ledger->state_lost = ledger->state.epoch == 0;
    if (ledger->state_lost) {
        memset(&ledger->state, 0, sizeof ledger->state);
        barrow_notes_add(&ledger->warnings,
                         "the page of totals at offset %u is %s: peak, duration and how the "
                         "recording ended are unknown",
                         LEDGER_STATE_OFFSET, got ? "damaged" : "missing");
    } else if (ledger->state.file_bytes > ledger->file_bytes && ledger->file_bytes > 0) {
        uint64_t bytes = ledger->state.file_bytes;
        if (bytes < (uint64_t)1 << 46) /* else that number is damaged itself */
            barrow_notes_add(&ledger->warnings,
                             "the file is cut off: %" PRIu64 " of %" PRIu64 " bytes are missing",
                             bytes - ledger->file_bytes, bytes);
    }
}

/* The counters that decide about the peak belong to the sites' counters, which were read after
 * them: a process that runs has gone on meanwhile. */
static void refresh_hot_state(struct barrow_ledger *ledger, const struct ledger_source *source)
{
    struct ledger_state now;
    size_t hot = offsetof(struct ledger_state, end);
    if (ledger_source_read(source, LEDGER_STATE_OFFSET, &now, hot) == hot && now.epoch)
        memcpy(&ledger->state, &now, hot);
}

/* ---- opening ---- */

static int open_source(struct barrow_ledger **out, const struct ledger_source *source,
                       const char *path, struct barrow_error *err)
{
    bool header_damaged = false;
    struct barrow_ledger *ledger = calloc(1, sizeof *ledger);
    *out = NULL;
    if (!ledger || !(ledger->path = strdup(path))) {
        barrow_ledger_free(ledger);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory to read %.300s", path);
    }
    ledger->file_bytes = source->size;
    if (ledger_read_header(&ledger->header, source, path, &header_damaged, err) < 0)
        goto failed;
    if (ledger->header.is_bundle) {
        barrow_fail(err, BARROW_E_FORMAT,
                    "%.300s: a bundle where a ledger should be; merge its ledgers anew", path);
        goto failed;
    }
    if (header_damaged)
        barrow_notes_add(&ledger->warnings, "the header at offset 0 is damaged: its copy is used");
    read_state(ledger, source);
    if (ledger_read_tables(ledger, source, err) < 0)
        goto failed;
    if (!ledger->state_lost)
        refresh_hot_state(ledger, source);
    *out = ledger;
    return 0;

failed:
    barrow_ledger_free(ledger);
    return -1;
}

int ledger_source_open(struct ledger_source *source, const char *path, struct barrow_error *err)
{
    struct stat status;
    source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (source->fd < 0)
        return barrow_fail(err, BARROW_E_IO, "%.300s: %s", path, strerror(errno));
    if (fstat(source->fd, &status) < 0) {
        barrow_fail(err, BARROW_E_IO, "%.300s: %s", path, strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        barrow_fail(err, BARROW_E_IO, "%.300s: not a regular file", path);
    } else {
        source->size = (uint64_t)status.st_size;
        return 0;
    }
    close(source->fd);
    return -1;
}

int barrow_ledger_open(struct barrow_ledger **out, const char *path, struct barrow_error *err)
{
    struct ledger_source source = {.fd = -1};
    *out = NULL;
    if (ledger_source_open(&source, path, err) < 0)
        return -1;
    int result = open_source(out, &source, path, err);
    close(source.fd);
    return result;
}

int barrow_ledger_open_bytes(struct barrow_ledger **out, const void *bytes, size_t count,
                             const char *name, struct barrow_error *err)
{
    struct ledger_source source = {.fd = -1, .bytes = bytes, .size = count};
    return open_source(out, &source, name, err);
}

int ledger_open_given_bytes(struct barrow_ledger **out, uint8_t *bytes, size_t count,
                            const char *name, struct barrow_error *err)
{
    struct ledger_source source = {.fd = -1, .bytes = bytes, .size = count, .is_lasting = true};
    int result = open_source(out, &source, name, err);
    if (result == 0 && (*out)->heap)
        (*out)->heap->owns_bytes = true;
    else
        free(bytes);
    return result;
}

int barrow_ledger_read_header(struct ledger_header *header, const char *path,
                              struct barrow_error *err)
{
    struct ledger_source source = {.fd = -1};
    bool damaged;
    if (ledger_source_open(&source, path, err) < 0)
        return -1;
    int result = ledger_read_header(header, &source, path, &damaged, err);
    close(source.fd);
    return result;
}

void barrow_ledger_drop_table(struct barrow_ledger *ledger, enum ledger_kind kind)
{
    free(ledger->tables[kind].records);
    ledger->tables[kind] = (struct barrow_ledger_table){0};
}

void barrow_ledger_free(struct barrow_ledger *ledger)
{
    if (!ledger)
        return;
    for (int kind = 0; kind < LEDGER_KIND_LIMIT; kind++)
        free(ledger->tables[kind].records);
    ledger_lazy_free(ledger->heap);
    barrow_notes_free(&ledger->warnings);
    free(ledger->path);
    free(ledger);
}

/* ---- contents ---- */

bool barrow_ledger_string(const struct barrow_ledger *ledger, uint32_t offset, const char **text,
                          uint32_t *length)
{
    const struct barrow_ledger_table *strings = &ledger->tables[LEDGER_STRINGS];
    const char *bytes = strings->records;
    uint32_t count;
    if (offset == 0 || offset >= strings->count || strings->count - offset < sizeof count)
        return false;
    memcpy(&count, bytes + offset, sizeof count);
    if (count > strings->count - offset - sizeof count)
        return false;
    *text = bytes + offset + sizeof count;
    *length = count;
    return true;
}

struct barrow_checkpoints barrow_ledger_checkpoints(const struct barrow_ledger *ledger)
{
    const struct barrow_ledger_table *table = &ledger->tables[LEDGER_CHECKPOINTS];
    const uint8_t *bytes = table->records;
    return (struct barrow_checkpoints){.at = bytes, .end = bytes ? bytes + table->count : bytes};
}

bool barrow_checkpoints_next(struct barrow_checkpoints *walk, struct barrow_checkpoint *point)
{
    struct ledger_checkpoint head;
    while ((size_t)(walk->end - walk->at) >= sizeof head) {
        const uint8_t *entries = walk->at + sizeof head;
        size_t left = (size_t)(walk->end - entries);
        memcpy(&head, walk->at, sizeof head);
        size_t bytes = (size_t)head.entries * sizeof *point->entries;
        if (head.magic == LEDGER_CHECKPOINT_MAGIC && bytes <= left &&
            barrow_crc32(entries, bytes) == head.checksum) {
            walk->at = entries + bytes;
            point->time_ns = head.time_ns;
            point->live_bytes = head.live_bytes;
            point->entries = (const struct ledger_checkpoint_entry *)(const void *)entries;
            point->count = head.entries;
            return true;
        }
        walk->at += 8; /* all sizes are multiples of 8, so the next one begins on one too */
    }
    return false;
}
