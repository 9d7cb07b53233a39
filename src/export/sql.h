/* Queries in SQL over a profile, by SQLite's virtual tables: nothing is copied, nothing is written.
 *
 *     barrow_sql_open(&sql, profile, err);
 *     barrow_sql_prepare(sql, "select function, sum(peak_bytes) from sites group by 1", err);
 *     while ((rc = barrow_sql_step(sql, err)) > 0)
 *         for (size_t i = 0; i < barrow_sql_width(sql); i++)
 *             ... barrow_sql_column(sql, i), barrow_sql_value(sql, i) ...
 *     barrow_sql_close(sql);
 *
 * The tables, columns and functions are listed in docs/guide/sql.md, by the queries `.tables` and
 * `.schema`, and in sql_tables.c.  A query may come from anywhere: it can only read, files are out
 * of its reach, and memory is bounded (for the process, not for each connection).  It may run for
 * ever unless it is given a budget.
 *
 * Text is valid UTF-8 without control characters: what is not becomes `\xff`, `\udcff` and so on.
 * Numbers of 2^63 and more become 2^63-1.  Built without SQLite, barrow_sql_open() fails with
 * BARROW_E_UNSUPPORTED.  Not thread-safe.
 */
#ifndef BARROW_EXPORT_SQL_H
#define BARROW_EXPORT_SQL_H

#include "profile/profile.h"

enum barrow_sql_kind { SQL_NULL, SQL_INTEGER, SQL_REAL, SQL_TEXT, SQL_BLOB };

struct barrow_sql_value {
    enum barrow_sql_kind kind;
    int64_t integer;
    double real;
    const char *text; /* text, ended by NUL, or the bytes of a blob */
    size_t count;     /* bytes of either; 0 for text that comes out of a table */
};

struct barrow_sql;

/* `profile` must outlive *out. */
int barrow_sql_open(struct barrow_sql **out, const struct barrow_profile *profile,
                    struct barrow_error *err);
void barrow_sql_close(struct barrow_sql *sql); /* may be NULL */

/* From now on a query fails after about this many of SQLite's instructions; 0: never. */
void barrow_sql_set_budget(struct barrow_sql *sql, uint64_t instructions);

/* Takes the place of the query before.  `.tables` and `.schema [TABLE]` are queries too. */
int barrow_sql_prepare(struct barrow_sql *sql, const char *query, struct barrow_error *err);
/* Number and names of the result's columns. */
size_t barrow_sql_width(const struct barrow_sql *sql);
const char *barrow_sql_column(const struct barrow_sql *sql, size_t column);
/* Goes to the next row: 1; 0: there is none; -1: failed. */
int barrow_sql_step(struct barrow_sql *sql, struct barrow_error *err);
/* Of the row; what it points to is good until the next step. */
struct barrow_sql_value barrow_sql_value(const struct barrow_sql *sql, size_t column);

#endif
