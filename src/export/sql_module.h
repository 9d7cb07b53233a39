/* The tables of sql_tables.h as SQLite's virtual tables.  Only for builds with SQLite. */
#ifndef BARROW_EXPORT_SQL_MODULE_H
#define BARROW_EXPORT_SQL_MODULE_H

#include <sqlite3.h>

#include "export/sql_tables.h"

/* Makes all tables readable under PREFIX and their names.  `data` must outlive the connection.
 * Returns SQLite's status. */
int barrow_sql_register_tables(sqlite3 *db, struct barrow_sql_data *data, const char *prefix);

/* The functions size(), duration(), percent() and stack_text(). */
int barrow_sql_register_functions(sqlite3 *db, struct barrow_sql_data *data);

/* Text as a result of a column or function, cleaned if it needs it.  `lifetime`: SQLITE_STATIC or
 * SQLITE_TRANSIENT. */
void barrow_sql_result_text(sqlite3_context *context, const char *text,
                            sqlite3_destructor_type lifetime);

#endif
