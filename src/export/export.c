#include "export/export.h"

const struct barrow_export_format barrow_export_formats[] = {
#define X(name, traits, help) {#name, help, traits, barrow_export_##name, NULL},
    BARROW_EXPORTERS(X)
#undef X
#define X(name, traits, help) {#name, help, traits, NULL, barrow_export_##name},
        BARROW_GRAPH_EXPORTERS(X)
#undef X
            {NULL, NULL, 0, NULL, NULL}};
