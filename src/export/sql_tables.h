/* A profile as tables of rows and columns, for SQL: what there is, and each value.
 *
 * Knows nothing of SQLite: src/export/sql_module.c makes these tables readable by it.  A row is a
 * number from 0; tables may have numbers without a row (`has`).
 */
#ifndef BARROW_EXPORT_SQL_TABLES_H
#define BARROW_EXPORT_SQL_TABLES_H

#include "export/sql.h"

/* What the tables are read from.  Parts that take time are made when they are first needed. */
struct barrow_sql_data {
    const struct barrow_profile *profile;
    /* By stack node. */
    uint32_t *threads; /* frame whose function is the name of the stack's thread group; 0: none */
    uint32_t *depths;  /* Python frames */
    bool *is_code;     /* by frame: of code, not the name of a thread group */
    struct barrow_points points;
    uint32_t *change_points; /* by change: its point */
    bool has_points;
};

int barrow_sql_data_init(struct barrow_sql_data *data, const struct barrow_profile *profile,
                         struct barrow_error *err);
void barrow_sql_data_free(struct barrow_sql_data *data);

enum barrow_sql_role {
    SQL_PLAIN,
    SQL_ID,   /* the number of its row: finding one takes no search */
    SQL_INDEX /* integers by which rows are looked up */
};

struct barrow_sql_column {
    const char *name, *type, *about;
    enum barrow_sql_role role;
};

struct barrow_sql_table {
    const char *name, *about;
    const struct barrow_sql_column *columns;
    size_t column_count;
    bool needs_points; /* call barrow_sql_load_points() before anything else */
    size_t (*count)(const struct barrow_sql_data *data);           /* of row numbers */
    bool (*has)(const struct barrow_sql_data *data, size_t row);   /* NULL: all */
    struct barrow_sql_value (*value)(const struct barrow_sql_data *data, size_t row, size_t column);
};

/* All tables, ended by one without a name. */
extern const struct barrow_sql_table barrow_sql_tables[];

int barrow_sql_load_points(struct barrow_sql_data *data, struct barrow_error *err);

#endif
