/* A profile as the report page reads it: the container of docs/internals/report.md, gzip'ed. */
#ifndef BARROW_EXPORT_REPORT_CONTAINER_H
#define BARROW_EXPORT_REPORT_CONTAINER_H

#include <stdbool.h>

#include "export/gzip.h"
#include "profile/profile.h"

/* Hands the compressed container to `write`.  With `sources` the texts of the program's files are read
 * and are in it.  Fails for want of memory only: what `write` fails with is its own business. */
int barrow_report_container_write(const struct barrow_profile *profile, bool sources,
                                  barrow_gzip_sink *write, void *context, struct barrow_error *err);

#endif
