/* What stands in for SQL in a build without SQLite: everything says so. */
#include "export/export.h"
#include "export/sql.h"

static int unsupported(struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_UNSUPPORTED,
                       "this barrow was built without SQLite: install its headers "
                       "(libsqlite3-dev) and build barrow again");
}

int barrow_export_sqlite(const struct barrow_profile *profile, enum barrow_metric metric, FILE *to,
                         struct barrow_error *err)
{
    (void)profile;
    (void)metric;
    (void)to;
    return unsupported(err);
}

int barrow_sql_open(struct barrow_sql **out, const struct barrow_profile *profile,
                    struct barrow_error *err)
{
    (void)profile;
    *out = NULL;
    return unsupported(err);
}

void barrow_sql_close(struct barrow_sql *sql)
{
    (void)sql;
}

/* Nobody has a struct barrow_sql to call the others with; they are here to link. */

void barrow_sql_set_budget(struct barrow_sql *sql, uint64_t instructions)
{
    (void)sql;
    (void)instructions;
}

int barrow_sql_prepare(struct barrow_sql *sql, const char *query, struct barrow_error *err)
{
    (void)sql;
    (void)query;
    return unsupported(err);
}

size_t barrow_sql_width(const struct barrow_sql *sql)
{
    (void)sql;
    return 0;
}

const char *barrow_sql_column(const struct barrow_sql *sql, size_t column)
{
    (void)sql;
    (void)column;
    return "";
}

int barrow_sql_step(struct barrow_sql *sql, struct barrow_error *err)
{
    (void)sql;
    return unsupported(err);
}

struct barrow_sql_value barrow_sql_value(const struct barrow_sql *sql, size_t column)
{
    (void)sql;
    (void)column;
    return (struct barrow_sql_value){.kind = SQL_NULL};
}
