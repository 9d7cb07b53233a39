/* mprof's files: memory over time as text, which memory_profiler's `mprof` writes and reads too.
 *
 *     CMDLINE python app.py
 *     MEM 12.500000 1732201200.1034             MiB, seconds since 1970
 *     CHLD 4242 3.250000 1732201200.1034        a child process
 *     FUNC app.load 12.5 1732201200.2 40.1 1732201201.0 0     memory and time at entry and at exit,
 *                                               depth of the call (0 if it is missing)
 *     METRIC pss                                barrow's own: what is counted, if not RSS
 *     PEAK 41.300000                            barrow's own: the exact peak of the process
 *
 * Lines with other first words are passed over, as mprof does, and so is a last line that has no
 * end: its writer was killed.  A line is appended by one write(), or several with it, so that
 * processes can add lines to the same file at the same time.
 */
#ifndef BARROW_SERIES_DAT_H
#define BARROW_SERIES_DAT_H

#include <stdio.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/map.h"
#include "series/process.h"

/* ---- reading ---- */

struct barrow_curve {
    uint64_t pid; /* of a child; 0: the process itself */
    BARROW_ARRAY(struct barrow_reading) readings; /* in the order of the file */
};

/* One call of a function that was marked to be followed. */
struct barrow_call {
    uint32_t name; /* index into `names` */
    uint32_t level;
    struct barrow_reading enter, leave;
};

struct barrow_dat {
    char *command; /* NULL: the file doesn't tell */
    enum barrow_measure measure;
    uint64_t peak_bytes; /* 0: the file doesn't tell */
    struct barrow_curve self;
    BARROW_ARRAY(struct barrow_curve) children; /* in order of appearance */
    BARROW_ARRAY(struct barrow_call) calls;
    BARROW_ARRAY(char *) names;
    /* of the reader */
    struct barrow_map child_map, name_map; /* to an index + 1 */
};

/* Reads a stream to its end; `name` is for errors.  Fails if it isn't such a file.  It may hold
 * no sample: of a program that ended before the first.  After a failure nothing is to be freed. */
int barrow_dat_read(struct barrow_dat *dat, FILE *from, const char *name, struct barrow_error *err);
/* The same for a plain file or a pipe. */
int barrow_dat_load(struct barrow_dat *dat, const char *path, struct barrow_error *err);
void barrow_dat_free(struct barrow_dat *dat);

/* The highest memory: the exact peak, if it is told, or the highest sample; *is_exact says which
 * (NULL: never mind). */
uint64_t barrow_dat_peak(const struct barrow_dat *dat, bool *is_exact);
/* The first and the last time of all curves and calls. */
void barrow_dat_times(const struct barrow_dat *dat, double *first_s, double *last_s);

/* ---- writing ---- */

/* Lines are kept and appended together: after a kill those of the last half second are missing. */
struct barrow_dat_writer {
    int fd;
    const char *name; /* the caller's */
    struct barrow_buffer lines;
    uint64_t flushed_ns;
};

/* Makes the file, for its owner alone (0600).  Fails if it exists, unless it may be overwritten. */
int barrow_dat_create(struct barrow_dat_writer *writer, const char *path, bool overwrite,
                      struct barrow_error *err);
/* Characters that would end the line are written as spaces. */
void barrow_dat_put_command(struct barrow_dat_writer *writer, char *const *words, size_t count);
void barrow_dat_put_metric(struct barrow_dat_writer *writer, enum barrow_measure measure);
/* pid 0: the process itself. */
void barrow_dat_put_sample(struct barrow_dat_writer *writer, uint64_t pid,
                           struct barrow_reading reading);
void barrow_dat_put_peak(struct barrow_dat_writer *writer, uint64_t bytes);
/* To be called after each sample: appends what is kept if it is time to. */
int barrow_dat_flush(struct barrow_dat_writer *writer, bool now, struct barrow_error *err);
void barrow_dat_close(struct barrow_dat_writer *writer);

#endif
