/* SQLite's virtual tables over sql_tables.c.
 *
 * A scan goes through the row numbers.  `id = N` goes to the row.  For the other columns by which
 * tables are joined an index is made when it is first asked for, so that no join has to compare
 * every row with every row: the row numbers, sorted by the column's value.  Where the rows of a
 * value follow one another anyway, the table tells which they are.
 *
 *     stacks.parent_id      0  0  1  2  2  2        rows with parent_id = 2: [3, 6) of the index
 *     row                   1  5  2  3  4  6
 *
 * A plan (idxNum) is 0 for a scan, else 1 + the column that is looked up.
 */
#include "export/sql_module.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "export/text.h"

struct entry {
    int64_t value;
    uint32_t row;
};

struct index {
    struct entry *entries; /* NULL: not made yet */
    size_t count;
};

/* What a module is given: a table and what it is read from. */
struct source {
    const struct barrow_sql_table *table;
    struct barrow_sql_data *data;
};

struct table {
    sqlite3_vtab base;
    const struct barrow_sql_table *table;
    struct barrow_sql_data *data;
    struct index *indexes; /* by column */
};

struct cursor {
    sqlite3_vtab_cursor base;
    const struct entry *entries; /* the rows are those of an index; NULL: numbers */
    size_t at, end;
};

void barrow_sql_result_text(sqlite3_context *context, const char *text,
                            sqlite3_destructor_type lifetime)
{
    char *copy;
    const char *clean = barrow_export_utf8(text, &copy);

    if (!clean)
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_text(context, clean, -1, copy ? free : lifetime);
}

/* ---- tables ---- */

/* "CREATE TABLE x(name TYPE, ...)"; NULL: no memory. */
static char *declaration(const struct barrow_sql_table *table)
{
    struct barrow_buffer text = {0};

    barrow_buffer_add_text(&text, "CREATE TABLE x(");
    for (size_t i = 0; i < table->column_count; i++) {
        barrow_buffer_add_text(&text, i ? ", \"" : "\"");
        barrow_buffer_add_text(&text, table->columns[i].name);
        barrow_buffer_add_text(&text, "\" ");
        barrow_buffer_add_text(&text, table->columns[i].type);
    }
    barrow_buffer_add_text(&text, ")");
    char *whole = barrow_buffer_text(&text);
    if (!whole)
        barrow_buffer_free(&text);
    return whole;
}

static int connect_table(sqlite3 *db, void *module_data, int argc, const char *const *argv,
                         sqlite3_vtab **out, char **message)
{
    const struct source *source = module_data;
    struct table *t = calloc(1, sizeof *t);
    char *text = declaration(source->table);
    int status = SQLITE_NOMEM;

    (void)argc;
    (void)argv;
    (void)message;
    if (!t || !text)
        goto out;
    *t = (struct table){.table = source->table, .data = source->data};
    t->indexes = calloc(t->table->column_count, sizeof *t->indexes);
    if (!t->indexes)
        goto out;
    status = sqlite3_declare_vtab(db, text);
    if (status == SQLITE_OK)
        sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
out:
    free(text);
    if (status == SQLITE_OK) {
        *out = &t->base;
    } else if (t) {
        free(t->indexes);
        free(t);
    }
    return status;
}

static int disconnect_table(sqlite3_vtab *base)
{
    struct table *t = (struct table *)base;

    for (size_t i = 0; i < t->table->column_count; i++)
        free(t->indexes[i].entries);
    free(t->indexes);
    free(t);
    return SQLITE_OK;
}

/* Fails a query with a line of ours. */
static int refuse(struct table *t, const struct barrow_error *err)
{
    sqlite3_free(t->base.zErrMsg);
    t->base.zErrMsg = sqlite3_mprintf("%s", err->text);
    return SQLITE_ERROR;
}

/* ---- plans ---- */

/* What finding rows by a column costs, and how many come. */
static double rows_found(enum barrow_sql_role role, size_t rows)
{
    if (role == SQL_ID)
        return 1;
    return role == SQL_SLICE ? (double)rows / 2 : 10;
}

static int plan(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const struct table *t = (const struct table *)base;
    const struct barrow_sql_table *table = t->table;
    enum barrow_sql_role best = SQL_PLAIN;
    size_t rows = barrow_sql_is_loaded(t->data, table->needs) ? table->count(t->data) : 100000;

    info->estimatedCost = (double)rows;
    info->estimatedRows = (sqlite3_int64)rows;
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *c = &info->aConstraint[i];
        if (!c->usable || c->op != SQLITE_INDEX_CONSTRAINT_EQ || c->iColumn < 0)
            continue;
        enum barrow_sql_role role = table->columns[c->iColumn].role;
        if (role <= best)
            continue;
        best = role;
        for (int k = 0; k < i; k++)
            info->aConstraintUsage[k].argvIndex = 0;
        info->aConstraintUsage[i].argvIndex = 1;
        info->idxNum = 1 + c->iColumn;
        info->estimatedRows = (sqlite3_int64)rows_found(role, rows);
        info->estimatedCost = rows_found(role, rows) * (role == SQL_INDEX ? 2 : 1);
        info->idxFlags = role == SQL_ID ? SQLITE_INDEX_SCAN_UNIQUE : 0;
    }
    return SQLITE_OK;
}

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;

    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* False: no memory. */
static bool make_index(struct table *t, size_t column)
{
    struct index *index = &t->indexes[column];
    size_t rows = t->table->count(t->data);

    if (index->entries)
        return true;
    struct entry *entries = calloc(rows + 1, sizeof *entries);
    if (!entries)
        return false;
    for (size_t row = 0; row < rows; row++) {
        if (t->table->has && !t->table->has(t->data, row))
            continue;
        struct barrow_sql_value value = t->table->value(t->data, row, column);
        if (value.kind == SQL_INTEGER)
            entries[index->count++] = (struct entry){value.integer, (uint32_t)row};
    }
    if (index->count)
        qsort(entries, index->count, sizeof *entries, compare_entries);
    index->entries = entries;
    return true;
}

/* First entry whose value is at least `value`. */
static size_t search(const struct index *index, int64_t value)
{
    size_t low = 0, high = index->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->entries[middle].value < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- cursors ---- */

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    struct cursor *c = calloc(1, sizeof *c);

    (void)base;
    if (!c)
        return SQLITE_NOMEM;
    *out = &c->base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    free(base);
    return SQLITE_OK;
}

static struct table *table_of(const struct cursor *c)
{
    return (struct table *)c->base.pVtab;
}

static size_t row_of(const struct cursor *c)
{
    return c->entries ? c->entries[c->at].row : c->at;
}

static void skip_gaps(struct cursor *c)
{
    const struct table *t = table_of(c);

    while (!c->entries && c->at < c->end && t->table->has && !t->table->has(t->data, c->at))
        c->at++;
}

/* Whether `value` is an integer, or as good as one. */
static bool as_integer(sqlite3_value *value, int64_t *integer)
{
    int type = sqlite3_value_numeric_type(value);

    *integer = sqlite3_value_int64(value);
    return type == SQLITE_INTEGER ||
           (type == SQLITE_FLOAT && (double)*integer == sqlite3_value_double(value));
}

static int look_up(struct cursor *c, size_t column, int64_t value)
{
    struct table *t = table_of(c);
    size_t rows = t->table->count(t->data);
    enum barrow_sql_role role = t->table->columns[column].role;

    if (role == SQL_RANGE || role == SQL_SLICE) {
        t->table->range(t->data, column, value, &c->at, &c->end);
        return SQLITE_OK;
    }
    if (role == SQL_ID) {
        bool there = value >= 0 && (uint64_t)value < rows;
        c->at = there ? (size_t)value : 0;
        c->end = there ? c->at + 1 : 0;
        return SQLITE_OK;
    }
    if (!make_index(t, column))
        return SQLITE_NOMEM;
    const struct index *index = &t->indexes[column];
    c->entries = index->entries;
    c->at = search(index, value);
    c->end = value < INT64_MAX ? search(index, value + 1) : index->count;
    return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int number, const char *text, int argc,
                  sqlite3_value **argv)
{
    struct cursor *c = (struct cursor *)base;
    struct table *t = table_of(c);
    struct barrow_error err = {0};
    int status = SQLITE_OK;
    int64_t value;

    (void)text;
    if (barrow_sql_load(t->data, t->table->needs, &err) < 0)
        return refuse(t, &err);
    c->entries = NULL;
    c->at = c->end = 0;
    if (number == 0 || argc < 1)
        c->end = t->table->count(t->data);
    else if (as_integer(argv[0], &value))
        status = look_up(c, (size_t)number - 1, value);
    skip_gaps(c);
    return status;
}

static int next(sqlite3_vtab_cursor *base)
{
    struct cursor *c = (struct cursor *)base;

    c->at++;
    skip_gaps(c);
    return SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *base)
{
    const struct cursor *c = (const struct cursor *)base;

    return c->at >= c->end;
}

static int put_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct cursor *c = (const struct cursor *)base;
    const struct table *t = table_of(c);
    struct barrow_sql_value value = t->table->value(t->data, row_of(c), (size_t)column);

    if (value.kind == SQL_INTEGER)
        sqlite3_result_int64(context, value.integer);
    else if (value.kind == SQL_REAL)
        sqlite3_result_double(context, value.real);
    else if (value.kind == SQL_TEXT)
        barrow_sql_result_text(context, value.text, SQLITE_STATIC);
    else
        sqlite3_result_null(context);
    return SQLITE_OK;
}

static int put_row(sqlite3_vtab_cursor *base, sqlite3_int64 *row)
{
    *row = (sqlite3_int64)row_of((const struct cursor *)base);
    return SQLITE_OK;
}

int barrow_sql_register_tables(sqlite3 *db, struct barrow_sql_data *data, const char *prefix)
{
    /* No xCreate: the tables are there without being created. */
    static const sqlite3_module module = {
        .xConnect = connect_table,
        .xBestIndex = plan,
        .xDisconnect = disconnect_table,
        .xOpen = open_cursor,
        .xClose = close_cursor,
        .xFilter = filter,
        .xNext = next,
        .xEof = at_end,
        .xColumn = put_column,
        .xRowid = put_row,
    };
    int status = SQLITE_OK;

    for (const struct barrow_sql_table *const *t = barrow_sql_tables; *t && status == SQLITE_OK;
         t++) {
        struct source *source = malloc(sizeof *source);
        char *name = sqlite3_mprintf("%s%s", prefix, (*t)->name);
        if (source && name) {
            *source = (struct source){*t, data};
            status = sqlite3_create_module_v2(db, name, &module, source, free);
        } else {
            free(source);
            status = SQLITE_NOMEM;
        }
        sqlite3_free(name);
    }
    return status;
}
