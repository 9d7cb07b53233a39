#include "export/sql.h"

#include <stdlib.h>
#include <string.h>

#include "export/sql_module.h"

/* Enough for any query that a person writes, too little to run out of stack or time while it is
 * being compiled. */
static const struct {
    int what, most;
} limits[] = {
    {SQLITE_LIMIT_LENGTH, 64 << 20},
    {SQLITE_LIMIT_SQL_LENGTH, 1 << 20},
    {SQLITE_LIMIT_COLUMN, 500},
    {SQLITE_LIMIT_EXPR_DEPTH, 200},
    {SQLITE_LIMIT_COMPOUND_SELECT, 50},
    {SQLITE_LIMIT_VDBE_OP, 1000000},
    {SQLITE_LIMIT_FUNCTION_ARG, 100},
    {SQLITE_LIMIT_ATTACHED, 0},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
    {SQLITE_LIMIT_WORKER_THREADS, 0},
};
enum { CHECK_EVERY = 1000 }; /* instructions between two looks at the budget */
static const sqlite3_int64 most_memory = (sqlite3_int64)1 << 30;

struct barrow_sql {
    struct barrow_sql_data data;
    sqlite3 *db;
    sqlite3_stmt *statement;
    uint64_t budget, used;
    bool refused; /* the authorizer said no */
};

static bool same(const char *a, const char *b)
{
    return a && sqlite3_stricmp(a, b) == 0;
}

/* What a query may do: read, compute, ask for the columns of tables. */
static int authorize(void *context, int action, const char *first, const char *second,
                     const char *database, const char *trigger)
{
    struct barrow_sql *sql = context;

    (void)database;
    (void)trigger;
    if (action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_RECURSIVE)
        return SQLITE_OK;
    if (action == SQLITE_FUNCTION && !same(second, "load_extension") &&
        !same(second, "fts3_tokenizer"))
        return SQLITE_OK;
    if (action == SQLITE_PRAGMA &&
        (same(first, "table_info") || same(first, "table_xinfo") || same(first, "function_list")))
        return SQLITE_OK;
    sql->refused = true;
    return SQLITE_DENY;
}

static int spend(void *context)
{
    struct barrow_sql *sql = context;

    sql->used += CHECK_EVERY;
    return sql->used > sql->budget;
}

static int refuse(struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_USAGE,
                       "query: a recording can only be read: by select, with, values, .tables and "
                       ".schema");
}

/* One line of what SQLite complains about. */
static int complain(struct barrow_sql *sql, struct barrow_error *err)
{
    int code = sqlite3_errcode(sql->db);
    const char *message = sqlite3_errmsg(sql->db);

    if (sql->refused)
        return refuse(err);
    if (code == SQLITE_NOMEM)
        return barrow_fail(err, BARROW_E_NO_MEMORY,
                           "query: it needs more than %lld MiB of memory; take fewer rows or "
                           "columns",
                           (long long)(most_memory >> 20));
    if (strncmp(message, "no such ", 8) == 0)
        return barrow_fail(err, BARROW_E_USAGE,
                           "query: %s; the queries .tables and .schema list what there is",
                           message);
    return barrow_fail(err, BARROW_E_USAGE, "query: %s", message);
}

/* A virtual table is declared by the first query that names it, which the authorizer would refuse:
 * so they are all named once before there is one. */
static void declare_tables(sqlite3 *db)
{
    static const char *const others[] = {"json_each", "json_tree"}; /* if SQLite has them */
    sqlite3_str *text = sqlite3_str_new(db);

    for (const struct barrow_sql_table *const *t = barrow_sql_tables; *t; t++)
        sqlite3_str_appendf(text, "select 1 from %s limit 0;", (*t)->name);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        sqlite3_str_appendf(text, "select 1 from %s(null) limit 0;", others[i]);
    char *query = sqlite3_str_finish(text);
    sqlite3_exec(db, query ? query : "", NULL, NULL, NULL);
    sqlite3_free(query);
}

static int fail_to_open(sqlite3 *db, struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_NO_MEMORY, "can't start SQLite: %s",
                       db ? sqlite3_errmsg(db) : "out of memory");
}

static int open_database(struct barrow_sql *sql, struct barrow_error *err)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;

    if (sqlite3_open_v2(":memory:", &sql->db, flags, NULL) != SQLITE_OK)
        return fail_to_open(sql->db, err);
    sqlite3_hard_heap_limit64(most_memory);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        sqlite3_limit(sql->db, limits[i].what, limits[i].most);
    sqlite3_db_config(sql->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(sql->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    if (sqlite3_exec(sql->db, "pragma temp_store = memory", NULL, NULL, NULL) != SQLITE_OK ||
        barrow_sql_register_tables(sql->db, &sql->data, "") != SQLITE_OK ||
        barrow_sql_register_functions(sql->db, &sql->data) != SQLITE_OK)
        return fail_to_open(sql->db, err);
    declare_tables(sql->db);
    sqlite3_set_authorizer(sql->db, authorize, sql);
    return 0;
}

int barrow_sql_open(struct barrow_sql **out, const struct barrow_profile *profile,
                    struct barrow_error *err)
{
    struct barrow_sql *sql = calloc(1, sizeof *sql);

    *out = NULL;
    if (!sql)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
    if (barrow_sql_data_init(&sql->data, profile, err) < 0 || open_database(sql, err) < 0) {
        barrow_sql_close(sql);
        return -1;
    }
    *out = sql;
    return 0;
}

void barrow_sql_close(struct barrow_sql *sql)
{
    if (!sql)
        return;
    sqlite3_finalize(sql->statement);
    sqlite3_close(sql->db);
    barrow_sql_data_free(&sql->data);
    free(sql);
}

void barrow_sql_set_budget(struct barrow_sql *sql, uint64_t instructions)
{
    sql->budget = instructions;
    sql->used = 0;
    sqlite3_progress_handler(sql->db, instructions ? CHECK_EVERY : 0, spend, sql);
}

/* ---- queries ---- */

static const char blanks[] = " \t\r\n\f";

/* What a query that begins with a point stands for; to be freed with sqlite3_free().  *out NULL: it
 * begins with none. */
static int expand(const char *query, char **out, struct barrow_error *err)
{
    size_t word = strcspn(query, blanks);
    const char *rest = query + word + strspn(query + word, blanks);
    size_t length = strlen(rest);

    *out = NULL;
    if (*query != '.')
        return 0;
    while (length && strchr(" \t\r\n\f;", rest[length - 1]))
        length--;
    if (word == 7 && memcmp(query, ".tables", 7) == 0 && !length)
        *out = sqlite3_mprintf("select name, about from tables");
    else if (word == 7 && memcmp(query, ".schema", 7) == 0)
        *out = sqlite3_mprintf("select table_name as \"table\", name as \"column\", type, about "
                               "from columns where %d or table_name = '%.*q'",
                               length == 0, (int)length, rest);
    else
        return barrow_fail(err, BARROW_E_USAGE,
                           "query: there is no %.*s; there are .tables and .schema [TABLE]",
                           (int)(word < 40 ? word : 40), query);
    return *out ? 0 : barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
}

int barrow_sql_prepare(struct barrow_sql *sql, const char *query, struct barrow_error *err)
{
    char *expanded;
    const char *rest = "";

    sqlite3_finalize(sql->statement);
    sql->statement = NULL;
    sql->refused = false;
    query += strspn(query, blanks);
    if (expand(query, &expanded, err) < 0)
        return -1;
    int status =
        sqlite3_prepare_v2(sql->db, expanded ? expanded : query, -1, &sql->statement, &rest);
    bool is_more = status == SQLITE_OK && rest[strspn(rest, " \t\r\n\f;")] != '\0';
    sqlite3_free(expanded);
    if (status != SQLITE_OK)
        return complain(sql, err);
    if (is_more)
        return barrow_fail(err, BARROW_E_USAGE,
                           "query: one query at a time; there is more behind ;");
    if (!sql->statement)
        return barrow_fail(err, BARROW_E_USAGE,
                           "query: it is empty; .tables lists what can be asked");
    if (sqlite3_column_count(sql->statement) == 0) /* begin, reindex: they answer nothing */
        return refuse(err);
    return 0;
}

size_t barrow_sql_width(const struct barrow_sql *sql)
{
    return (size_t)sqlite3_column_count(sql->statement);
}

const char *barrow_sql_column(const struct barrow_sql *sql, size_t column)
{
    const char *name = sqlite3_column_name(sql->statement, (int)column);

    return name ? name : "";
}

int barrow_sql_step(struct barrow_sql *sql, struct barrow_error *err)
{
    int status = sqlite3_step(sql->statement);

    if (status == SQLITE_ROW)
        return 1;
    return status == SQLITE_DONE ? 0 : complain(sql, err);
}

struct barrow_sql_value barrow_sql_value(const struct barrow_sql *sql, size_t column)
{
    sqlite3_stmt *s = sql->statement;
    int i = (int)column;
    struct barrow_sql_value value = {.kind = SQL_NULL};

    switch (sqlite3_column_type(s, i)) {
    case SQLITE_INTEGER:
        value.kind = SQL_INTEGER;
        value.integer = sqlite3_column_int64(s, i);
        break;
    case SQLITE_FLOAT:
        value.kind = SQL_REAL;
        value.real = sqlite3_column_double(s, i);
        break;
    case SQLITE_TEXT:
        value.text = (const char *)sqlite3_column_text(s, i);
        value.kind = value.text ? SQL_TEXT : SQL_NULL;
        break;
    case SQLITE_BLOB:
        value.text = sqlite3_column_blob(s, i); /* NULL: empty */
        value.text = value.text ? value.text : "";
        value.kind = SQL_BLOB;
        break;
    default:
        break;
    }
    if (value.text)
        value.count = (size_t)sqlite3_column_bytes(s, i);
    return value;
}
