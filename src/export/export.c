#include "export/export.h"

const struct barrow_export_format barrow_export_formats[] = {
#define X(name, traits, help) {#name, help, traits, barrow_export_##name},
    BARROW_EXPORTERS(X)
#undef X
        {NULL, NULL, 0, NULL}};
