/* How tables are defined: as lists of columns, X(name, type, role, value, what it is), from which come
 * their description and the function that gives their values.  In a value's expression `data` is
 * what is read from, `p` the profile, `row` the number of the row, and `r` the row's record.  Private to
 * src/export/sql_*.c. */
#ifndef BARROW_EXPORT_SQL_DEFINE_H
#define BARROW_EXPORT_SQL_DEFINE_H

#include "export/sql_tables.h"
#include "table/stack.h"

static inline struct barrow_sql_value null(void)
{
    return (struct barrow_sql_value){.kind = SQL_NULL};
}

static inline struct barrow_sql_value number(uint64_t value)
{
    int64_t integer = value < INT64_MAX ? (int64_t)value : INT64_MAX;

    return (struct barrow_sql_value){.kind = SQL_INTEGER, .integer = integer};
}

/* A number of which 0 says that it is not known. */
static inline struct barrow_sql_value known(uint64_t value)
{
    return value ? number(value) : null();
}

static inline struct barrow_sql_value seconds(uint64_t ns)
{
    return (struct barrow_sql_value){.kind = SQL_REAL, .real = (double)ns / 1e9};
}

/* "" says that there is none. */
static inline struct barrow_sql_value text(const char *chars)
{
    if (!chars || !*chars)
        return null();
    return (struct barrow_sql_value){.kind = SQL_TEXT, .text = chars};
}

/* Frame that a site's bytes are allocated in; 0: none. */
static inline uint32_t leaf_frame(const struct barrow_profile *p, const struct barrow_site *site)
{
    uint32_t leaf = barrow_stack_leaf(p, site->node);

    return leaf && !p->nodes[leaf].is_folded ? p->nodes[leaf].frame : 0;
}

#define COLUMN(name, type, role, value, about) {#name, type, about, role},
#define NUMBER(name, type, role, value, about) column_##name,
#define VALUE(name, type, role, value, about) \
    case column_##name:                       \
        return value;

/* Defines TABLE_columns[] and TABLE_value(); `record` declares `r`. */
#define DEFINE(table, list, record)                                                              \
    static const struct barrow_sql_column table##_columns[] = {list(COLUMN)};                    \
    static struct barrow_sql_value table##_value(const struct barrow_sql_data *data, size_t row, \
                                                 size_t column)                                  \
    {                                                                                            \
        enum { list(NUMBER) };                                                                   \
        const struct barrow_profile *p = data->profile;                                          \
        record;                                                                                  \
        (void)p;                                                                                 \
        (void)row;                                                                               \
        switch (column) {                                                                        \
            list(VALUE)                                                                          \
        }                                                                                        \
        return null();                                                                           \
    }

/* Defines barrow_sql_table_TABLE of TABLE_columns, TABLE_count() and TABLE_value(); `...` are further members. */
#define TABLE(table, words, ...)                                          \
    const struct barrow_sql_table barrow_sql_table_##table = {            \
        .name = #table,                                                   \
        .about = words,                                                   \
        .columns = table##_columns,                                       \
        .column_count = sizeof table##_columns / sizeof *table##_columns, \
        .count = table##_count,                                           \
        .value = table##_value,                                           \
        __VA_ARGS__}

#endif
