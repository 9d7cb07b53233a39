/* Comma-separated values by RFC 4180: the rows of `barrow table` by line. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "export/export.h"
#include "export/text.h"
#include "table/summary.h"

static void put_field(FILE *to, const char *text)
{
    const char *quote = strpbrk(text, ",\"") ? "\"" : "";

    fputs(quote, to);
    barrow_export_text(to, text, '"', "\"\"");
    fputs(quote, to);
}

int barrow_export_csv(const struct barrow_profile *profile, enum barrow_metric metric, FILE *to,
                      struct barrow_error *err)
{
    struct barrow_query query = {.metric = metric, .by = BARROW_BY_LINE};
    struct barrow_row *rows = NULL;
    size_t count = 0;

    if (barrow_profile_rows(profile, &query, &rows, &count, err) < 0)
        return -1;
    fputs("function,file,line,domain,bytes,blocks\r\n", to);
    for (size_t i = 0; i < count; i++) {
        put_field(to, rows[i].function);
        fputc(',', to);
        put_field(to, rows[i].file);
        fprintf(to, ",%" PRIu32 ",%s,%" PRIu64 ",%" PRIu64 "\r\n", rows[i].line,
                barrow_domain_name(rows[i].domain), rows[i].bytes, rows[i].blocks);
    }
    free(rows);
    return 0;
}
