/* The report: the page built from web/ with one or two profiles in it, one HTML file.
 *
 * docs/internals/report.md says what the page finds in the file.  Like an exporter this writes to a
 * stdio stream as it goes; write errors stay in the stream.
 */
#ifndef BARROW_EXPORT_REPORT_H
#define BARROW_EXPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "profile/profile.h"

struct barrow_report {
    const char *page; /* the built page: HTML with the mark `<!--barrow:data-->` once */
    size_t page_bytes;
    const char *title; /* of the page; NULL: what was recorded */
    const struct barrow_profile *profile;
    const struct barrow_profile *base; /* an older recording to compare with, or NULL */
    bool sources;                      /* put the texts of the program's files in */
};

/* Fails for want of memory, or if `page` is no such page. */
int barrow_report_write(const struct barrow_report *report, FILE *to, struct barrow_error *err);

#endif
