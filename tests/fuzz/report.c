/* Any bytes as a ledger, made a report of and compared with itself.  No sources: the names are not
 * to be opened. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/report.h"
#include "pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char page[] = "<title>x</title>[<!--barrow:data-->]";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct barrow_profile *profile;
    uint8_t *bytes = fuzz_ledger_bytes(data, size, &size);
    if (barrow_profile_load_bytes(&profile, bytes, size, "fuzz", NULL) == 0) {
        struct barrow_report report = {
            .page = page, .page_bytes = sizeof page - 1, .profile = profile, .base = profile};
        char *text = NULL;
        size_t length;
        FILE *to = open_memstream(&text, &length);
        if (!to || barrow_report_write(&report, to, NULL) < 0)
            abort();
        fclose(to);
        /* Nothing of the ledger ends an element. */
        const char *body = strstr(text, "</title>[<script ");
        if (!body || !strchr(body, ']') || strchr(body, ']')[1] || strlen(text) != length)
            abort();
        free(text);
        barrow_profile_free(profile);
    }
    free(bytes);
    return 0;
}
