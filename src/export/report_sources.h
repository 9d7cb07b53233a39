/* The texts of the files that own memory, for the report page to show bytes beside the code.
 *
 * Names come out of a ledger that anybody may have made, and the page may be passed on: so only what looks
 * like Python is read, never another file of the reader's.  A file that was changed after the recording is
 * left out, as its lines would mislead.
 */
#ifndef BARROW_EXPORT_REPORT_SOURCES_H
#define BARROW_EXPORT_REPORT_SOURCES_H

#include <stddef.h>
#include <stdint.h>

#include "base/array.h"
#include "profile/profile.h"

enum {
    BARROW_SOURCE_BYTES = 256 << 10,   /* the longest text */
    BARROW_SOURCES_BYTES = 4096 << 10, /* all of them */
    BARROW_SOURCES_COUNT = 400,
};

struct barrow_report_source {
    const char *file; /* the profile's: a frame's `file` */
    char *text;       /* `bytes` of them and a NUL; anything, not only UTF-8 */
    size_t bytes;
};

struct barrow_report_sources {
    BARROW_ARRAY(struct barrow_report_source) list; /* those below which most lived at the peak first */
    size_t too_large; /* files left out because of the limits */
    size_t changed;   /* files left out because they were changed */
};

/* -1: no memory.  Free with barrow_report_sources_free() either way. */
int barrow_report_sources_read(struct barrow_report_sources *sources,
                               const struct barrow_profile *profile, struct barrow_error *err);
void barrow_report_sources_free(struct barrow_report_sources *sources);

#endif
