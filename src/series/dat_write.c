#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "os/raw.h"
#include "series/dat.h"

enum { FLUSH_NS = 500000000, LONGEST_COMMAND = 32 << 10, MIB = 1 << 20 };

int barrow_dat_create(struct barrow_dat_writer *w, const char *path, bool overwrite,
                      struct barrow_error *err)
{
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (overwrite ? O_TRUNC : O_EXCL);

    *w = (struct barrow_dat_writer){.name = path, .flushed_ns = raw_monotonic_ns()};
    w->fd = open(path, flags, 0600);
    if (w->fd >= 0)
        return 0;
    if (errno == EEXIST)
        return barrow_fail(err, BARROW_E_USAGE, "%.300s exists; -f overwrites it", path);
    return barrow_fail(err, BARROW_E_IO, "can't write %.300s: %s; -o FILE writes elsewhere", path,
                       strerror(errno));
}

__attribute__((format(printf, 2, 3))) static void put_line(struct barrow_dat_writer *w,
                                                           const char *format, ...)
{
    char line[128];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    barrow_buffer_add(&w->lines, line, (size_t)length);
}

void barrow_dat_put_command(struct barrow_dat_writer *w, char *const *words, size_t count)
{
    size_t start = w->lines.used;

    barrow_buffer_add_text(&w->lines, "CMDLINE");
    for (size_t i = 0; i < count && w->lines.used - start < LONGEST_COMMAND; i++) {
        size_t length = strnlen(words[i], LONGEST_COMMAND);
        barrow_buffer_add_byte(&w->lines, ' ');
        for (size_t j = 0; j < length; j++)
            barrow_buffer_add_byte(&w->lines,
                                   words[i][j] == '\n' || words[i][j] == '\r' ? ' ' : words[i][j]);
    }
    barrow_buffer_add_byte(&w->lines, '\n');
}

void barrow_dat_put_metric(struct barrow_dat_writer *w, enum barrow_measure measure)
{
    put_line(w, "METRIC %s\n", barrow_measure_names[measure]);
}

void barrow_dat_put_sample(struct barrow_dat_writer *w, uint64_t pid, struct barrow_reading r)
{
    if (pid)
        put_line(w, "CHLD %llu %.6f %.4f\n", (unsigned long long)pid, (double)r.bytes / MIB,
                 r.time_s);
    else
        put_line(w, "MEM %.6f %.4f\n", (double)r.bytes / MIB, r.time_s);
}

void barrow_dat_put_peak(struct barrow_dat_writer *w, uint64_t bytes)
{
    put_line(w, "PEAK %.6f\n", (double)bytes / MIB);
}

int barrow_dat_flush(struct barrow_dat_writer *w, bool now, struct barrow_error *err)
{
    uint64_t time_ns = raw_monotonic_ns();

    if (!now && time_ns - w->flushed_ns < FLUSH_NS)
        return 0;
    w->flushed_ns = time_ns;
    if (w->lines.failed)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    for (size_t written = 0; written < w->lines.used;) {
        ssize_t n = write(w->fd, w->lines.bytes + written, w->lines.used - written);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return barrow_fail(err, BARROW_E_IO, "can't write %.300s: %s", w->name,
                               strerror(n < 0 ? errno : ENOSPC));
        written += (size_t)n;
    }
    w->lines.used = 0;
    return 0;
}

void barrow_dat_close(struct barrow_dat_writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    barrow_buffer_free(&w->lines);
    w->fd = -1;
}
