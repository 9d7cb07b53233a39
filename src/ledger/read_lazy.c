#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger/read_source.h"

/* The bytes of an extent that the file holds. */
static uint64_t bytes_held(const struct ledger_extent *extent, uint64_t file_bytes)
{
    uint64_t start = extent->offset + LEDGER_PAGE;
    uint64_t held = start < file_bytes ? file_bytes - start : 0;
    return held < extent->capacity ? held : extent->capacity;
}

/* Outlives the source it was made of.  0 or -errno. */
static int keep_source(struct ledger_lazy *lazy, const struct ledger_source *source)
{
    lazy->source = *source;
    if (source->fd >= 0)
        return (lazy->source.fd = fcntl(source->fd, F_DUPFD_CLOEXEC, 3)) < 0 ? -errno : 0;
    if (source->is_lasting)
        return 0;
    uint8_t *copy = malloc(source->size);
    if (copy)
        memcpy(copy, source->bytes, source->size);
    lazy->source.bytes = copy;
    lazy->owns_bytes = true;
    return copy ? 0 : -ENOMEM;
}

int ledger_lazy_new(struct ledger_lazy **out, const struct ledger_source *source, unsigned kind,
                    const struct ledger_extent *extents, size_t count, uint64_t used)
{
    size_t kept = 0;
    uint64_t reach = 0;
    *out = NULL;
    for (size_t i = 0; i < count; i++) {
        uint64_t held = bytes_held(&extents[i], source->size);
        if (extents[i].kind != kind || held == 0)
            continue;
        kept++;
        if (extents[i].first_record + held > reach)
            reach = extents[i].first_record + held;
    }
    if (kept == 0 || used == 0)
        return 0;
    struct ledger_lazy *lazy = calloc(1, sizeof *lazy);
    if (!lazy)
        return -ENOMEM;
    lazy->source.fd = -1;
    lazy->bytes = used < reach ? used : reach;
    lazy->extents = calloc(kept, sizeof *lazy->extents);
    int result = lazy->extents ? keep_source(lazy, source) : -ENOMEM;
    if (result < 0) {
        free(lazy->extents);
        free(lazy);
        return result;
    }
    for (size_t i = 0; i < count; i++)
        if (extents[i].kind == kind && bytes_held(&extents[i], source->size))
            lazy->extents[lazy->extent_count++] = extents[i];
    *out = lazy;
    return 0;
}

void ledger_lazy_free(struct ledger_lazy *lazy)
{
    if (!lazy)
        return;
    if (lazy->source.fd >= 0)
        close(lazy->source.fd);
    if (lazy->owns_bytes)
        free((void *)lazy->source.bytes);
    free(lazy->extents);
    free(lazy);
}

uint64_t ledger_lazy_read(const struct ledger_lazy *lazy, uint64_t offset, void *to, uint64_t count)
{
    uint64_t got = 0, end = offset + count;
    memset(to, 0, count);
    for (size_t i = 0; i < lazy->extent_count; i++) {
        const struct ledger_extent *extent = &lazy->extents[i];
        uint64_t first = extent->first_record;
        uint64_t stop = first + bytes_held(extent, lazy->source.size);
        uint64_t from = offset > first ? offset : first;
        if (stop > lazy->bytes)
            stop = lazy->bytes;
        if (stop > end)
            stop = end;
        if (from < stop)
            got += ledger_source_read(&lazy->source, extent->offset + LEDGER_PAGE + from - first,
                                      (char *)to + (from - offset), stop - from);
    }
    return got;
}
