/* A profile and its heap snapshots as tables of rows and columns, for SQL: what there is, and each value.
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
    struct barrow_sql_heaps *heaps; /* of sql_heap.c; NULL: not loaded */
};

int barrow_sql_data_init(struct barrow_sql_data *data, const struct barrow_profile *profile,
                         struct barrow_error *err);
void barrow_sql_data_free(struct barrow_sql_data *data);

/* How rows are found by a column's value, the worse first. */
enum barrow_sql_role {
    SQL_PLAIN, /* they aren't */
    SQL_SLICE, /* as SQL_RANGE, but the rows are a good part of all */
    SQL_INDEX, /* integers, of which an index is made */
    SQL_RANGE, /* integers whose rows follow one another: `range` tells which */
    SQL_ID,    /* the number of its row: finding one takes no search */
};

/* What has to be read before a table can be. */
enum barrow_sql_need {
    SQL_NEEDS_NOTHING,
    SQL_NEEDS_POINTS, /* what lived when */
    SQL_NEEDS_HEAPS,  /* heap snapshots with their dominators */
    SQL_NEEDS_TYPES,  /* what classes retain, too */
};

struct barrow_sql_column {
    const char *name, *type, *about;
    enum barrow_sql_role role;
};

struct barrow_sql_table {
    const char *name, *about;
    const struct barrow_sql_column *columns;
    size_t column_count;
    enum barrow_sql_need needs; /* to be loaded before anything else */
    size_t (*count)(const struct barrow_sql_data *data);           /* of row numbers */
    bool (*has)(const struct barrow_sql_data *data, size_t row);   /* NULL: all */
    struct barrow_sql_value (*value)(const struct barrow_sql_data *data, size_t row, size_t column);
    /* Columns of the roles SQL_RANGE and SQL_SLICE: the rows with that value are in [*first, *end). */
    void (*range)(const struct barrow_sql_data *data, size_t column, int64_t value, size_t *first,
                  size_t *end);
};

/* All tables, ended by NULL. */
extern const struct barrow_sql_table *const barrow_sql_tables[];

/* Reads what a table needs, once. */
int barrow_sql_load(struct barrow_sql_data *data, enum barrow_sql_need need,
                    struct barrow_error *err);
bool barrow_sql_is_loaded(const struct barrow_sql_data *data, enum barrow_sql_need need);

#endif
