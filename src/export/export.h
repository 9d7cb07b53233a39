/* Exporters: a profile or a graph in, bytes out.
 *
 * They write to a stdio stream as they go and know nothing of files or command lines.  Write errors
 * stay in the stream: check ferror() at the end.  They fail for want of memory only, or of a library
 * (BARROW_E_UNSUPPORTED), or because a format can't hold as much.
 */
#ifndef BARROW_EXPORT_EXPORT_H
#define BARROW_EXPORT_EXPORT_H

#include <stdio.h>

#include "export/exporters.h"
#include "graph/graph.h"
#include "profile/profile.h"

typedef int barrow_exporter(const struct barrow_profile *profile, enum barrow_metric metric,
                            FILE *to, struct barrow_error *err);

/* A graph and what tells its objects apart from others: who they were before, and where they were born. */
struct barrow_snapshot {
    const struct barrow_graph *graph;
    const uint32_t *numbers; /* by vertex, of graph/identity.h */
    const struct barrow_profile *profile; /* of the same recording; NULL: births are not known */
    uint32_t process;                     /* of the profile: whose snapshot it is */
};
typedef int barrow_graph_exporter(const struct barrow_snapshot *snapshot, FILE *to,
                                  struct barrow_error *err);

#define X(name, traits, help) extern barrow_exporter barrow_export_##name;
BARROW_EXPORTERS(X)
#undef X
#define X(name, traits, help) extern barrow_graph_exporter barrow_export_##name;
BARROW_GRAPH_EXPORTERS(X)
#undef X

struct barrow_export_format {
    const char *name, *help;
    unsigned traits; /* of enum barrow_export_traits */
    barrow_exporter *write;             /* NULL: it takes a graph */
    barrow_graph_exporter *write_graph; /* NULL: it takes a profile */
};
/* All formats, ended by an entry without a name. */
extern const struct barrow_export_format barrow_export_formats[];

#endif
