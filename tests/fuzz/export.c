/* Any bytes as a ledger, written in every format. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "export/export.h"
#include "pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct barrow_profile *profile;
    uint8_t *bytes = fuzz_ledger_bytes(data, size, &size);
    if (barrow_profile_load_bytes(&profile, bytes, size, "fuzz", NULL) == 0) {
        for (const struct barrow_export_format *f = barrow_export_formats; f->name; f++) {
            if (!f->write) /* heap snapshots have a target of their own */
                continue;
            char *text = NULL;
            size_t length;
            FILE *to = open_memstream(&text, &length);
            struct barrow_error err = {0};
            enum barrow_metric metric = (enum barrow_metric)(size % BARROW_METRIC_COUNT);
            if (!to ||
                (f->write(profile, metric, to, &err) < 0 && err.code != BARROW_E_UNSUPPORTED))
                abort();
            fclose(to);
            free(text);
        }
        barrow_profile_free(profile);
    }
    free(bytes);
    return 0;
}
