/* Any text as a query over a small recording. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/sql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_INSTRUCTIONS = 200000, MOST_ROWS = 200 };

static struct barrow_sql *open_sql(void)
{
    static const char *const paths[] = {TEST_DATA "/format1.barrow"};
    struct barrow_profile *profile;
    struct barrow_sql *sql;
    struct barrow_error err;
    if (barrow_profile_load(&profile, paths, 1, &err) < 0 ||
        barrow_sql_open(&sql, profile, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return sql;
}

/* Reads all of a row: sanitizers see what does not belong to it. */
static void read_row(const struct barrow_sql *sql)
{
    volatile unsigned sum = 0;
    for (size_t i = 0; i < barrow_sql_width(sql); i++) {
        struct barrow_sql_value value = barrow_sql_value(sql, i);
        for (size_t k = 0; k < value.count; k++)
            sum += (unsigned char)value.text[k];
        if (value.kind == SQL_TEXT && value.text[value.count] != '\0')
            abort();
    }
    (void)sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct barrow_sql *sql;
    struct barrow_error err = {0};
    if (!sql)
        sql = open_sql();
    char *query = strndup((const char *)data, size);
    barrow_sql_set_budget(sql, MOST_INSTRUCTIONS);
    int rc = barrow_sql_prepare(sql, query, &err);
    for (int row = 0; rc == 0 && row < MOST_ROWS; row++) {
        int more = barrow_sql_step(sql, &err);
        if (more <= 0) {
            rc = more;
            break;
        }
        read_row(sql);
    }
    if (rc < 0 && !err.text[0])
        abort();
    free(query);
    return 0;
}
