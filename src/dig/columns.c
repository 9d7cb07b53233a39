#include "dig/columns.h"

#include "os/raw.h"

enum { HUGE_BYTES = 8 << 20 };

static size_t whole_pages(size_t bytes)
{
    return (bytes + 4095) & ~(size_t)4095;
}

bool barrow_column_reserve(struct dig_column *column, size_t bytes)
{
    if (bytes <= column->bytes)
        return true;
    size_t room = whole_pages(bytes < 1 << 20 ? 1 << 20 : bytes + bytes / 2);
    void *at;
    if (column->at) {
        long moved = BARROW_RAW(SYS_mremap, column->at, column->bytes, room, MREMAP_MAYMOVE);
        at = moved < 0 && moved > -4096 ? NULL : (void *)moved;
    } else {
        at = raw_mmap(NULL, room, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    }
    if (!at)
        return false;
    if (room >= HUGE_BYTES)
        BARROW_RAW(SYS_madvise, at, room, MADV_HUGEPAGE); /* fewer first touches */
    column->at = at;
    column->bytes = room;
    return true;
}

void barrow_column_free(struct dig_column *column)
{
    if (column->at)
        raw_munmap(column->at, column->bytes);
    *column = (struct dig_column){0};
}

void barrow_column_trim(struct dig_column *column, size_t bytes)
{
    size_t keep = whole_pages(bytes ? bytes : 1);
    if (column->at && keep < column->bytes) {
        raw_munmap((char *)column->at + keep, column->bytes - keep);
        column->bytes = keep;
    }
}
