/* A SQLite database with the tables of sql_tables.h, filled from their virtual counterparts.
 *
 * It is made in memory, where SQLite keeps it just as it looks in a file, and then written: so it
 * can go to a pipe too.
 */
#include <sqlite3.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "export/export.h"
#include "export/sql_module.h"

/* Of the virtual tables: the real ones bear the names without it. */
#define PREFIX "barrow_"

static const char begin[] = "pragma page_size = 4096; pragma journal_mode = off;"
                            "pragma synchronous = off; begin";

static void add_columns(struct barrow_buffer *text, const struct barrow_sql_table *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const struct barrow_sql_column *column = &table->columns[i];
        barrow_buffer_add_text(text, i ? ",\n  " : "\n  ");
        barrow_buffer_add_text(text, column->name);
        barrow_buffer_add_text(text, " ");
        barrow_buffer_add_text(text, column->type);
        if (column->role == SQL_ID)
            barrow_buffer_add_text(text, " PRIMARY KEY");
    }
}

static void add_indexes(struct barrow_buffer *text, const struct barrow_sql_table *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const char *const words[] = {"CREATE INDEX ", table->name, "_by_", table->columns[i].name,
                                     " ON ",          table->name, "(",    table->columns[i].name,
                                     ");\n"};
        if (table->columns[i].role == SQL_PLAIN || table->columns[i].role == SQL_ID)
            continue;
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            barrow_buffer_add_text(text, words[w]);
    }
}

/* Creates a table and copies the rows; SQLite's status. */
static int copy_table(sqlite3 *db, const struct barrow_sql_table *table)
{
    struct barrow_buffer text = {0};
    int status = SQLITE_NOMEM;

    barrow_buffer_add_text(&text, "CREATE TABLE ");
    barrow_buffer_add_text(&text, table->name);
    barrow_buffer_add_text(&text, " (");
    add_columns(&text, table);
    barrow_buffer_add_text(&text, "\n);\nINSERT INTO ");
    barrow_buffer_add_text(&text, table->name);
    barrow_buffer_add_text(&text, " SELECT * FROM " PREFIX);
    barrow_buffer_add_text(&text, table->name);
    barrow_buffer_add_text(&text, ";\n");
    add_indexes(&text, table);
    if (barrow_buffer_text(&text))
        status = sqlite3_exec(db, text.bytes, NULL, NULL, NULL);
    barrow_buffer_free(&text);
    return status;
}

static int fill(sqlite3 *db, struct barrow_sql_data *data)
{
    sqlite3_int64 most = INT64_MAX;

    sqlite3_file_control(db, "main", SQLITE_FCNTL_SIZE_LIMIT, &most);
    int status = barrow_sql_register_tables(db, data, PREFIX);
    if (status == SQLITE_OK)
        status = sqlite3_exec(db, begin, NULL, NULL, NULL);
    for (size_t i = 0; barrow_sql_tables[i] && status == SQLITE_OK; i++)
        status = copy_table(db, barrow_sql_tables[i]);
    return status == SQLITE_OK ? sqlite3_exec(db, "commit", NULL, NULL, NULL) : status;
}

static int write_database(sqlite3 *db, struct barrow_sql_data *data, FILE *to,
                          struct barrow_error *err)
{
    sqlite3_int64 count = 0;

    if (fill(db, data) != SQLITE_OK)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "can't make the database: %s",
                           sqlite3_errmsg(db));
    const unsigned char *bytes = sqlite3_serialize(db, "main", &count, SQLITE_SERIALIZE_NOCOPY);
    if (!bytes)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "can't make the database: out of memory");
    fwrite(bytes, 1, (size_t)count, to);
    return 0;
}

/* All metrics are columns of their own. */
int barrow_export_sqlite(const struct barrow_profile *profile, enum barrow_metric metric, FILE *to,
                         struct barrow_error *err)
{
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    struct barrow_sql_data data;
    sqlite3 *db = NULL;
    int rc;

    (void)metric;
    if (barrow_sql_data_init(&data, profile, err) < 0)
        return -1;
    if (sqlite3_open_v2("file:barrow?vfs=memdb", &db, flags, NULL) == SQLITE_OK)
        rc = write_database(db, &data, to, err);
    else
        rc = barrow_fail(err, BARROW_E_NO_MEMORY, "can't start SQLite: %s",
                         db ? sqlite3_errmsg(db) : "out of memory");
    sqlite3_close(db);
    barrow_sql_data_free(&data);
    return rc;
}
