/* Exporters: a profile in, bytes out.
 *
 * They write to a stdio stream as they go and know nothing of files or command lines.  Write errors
 * stay in the stream: check ferror() at the end.  They fail for want of memory only, or of a library
 * (BARROW_E_UNSUPPORTED).
 */
#ifndef BARROW_EXPORT_EXPORT_H
#define BARROW_EXPORT_EXPORT_H

#include <stdio.h>

#include "export/exporters.h"
#include "profile/profile.h"

typedef int barrow_exporter(const struct barrow_profile *profile, enum barrow_metric metric,
                            FILE *to, struct barrow_error *err);

#define X(name, traits, help) extern barrow_exporter barrow_export_##name;
BARROW_EXPORTERS(X)
#undef X

struct barrow_export_format {
    const char *name, *help;
    unsigned traits; /* of enum barrow_export_traits */
    barrow_exporter *write;
};
/* All formats, ended by an entry without a name. */
extern const struct barrow_export_format barrow_export_formats[];

#endif
