/* barrow sql: a query over the profile, as a table, JSON or CSV. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/memory.h"
#include "cli/progress.h"
#include "cli/view.h"
#include "export/sql.h"
#include "table/keys.h"

struct sql_options {
    struct barrow_view_options view;
    bool csv;
};

/* Text is aligned in parts of so many rows: a query may have more than fit into memory. */
enum { PART_ROWS = 2000, WIDE = 1 << 20, TEXT_AT_LEAST = 8 };

struct printer {
    struct barrow_view *view;
    struct barrow_sql *sql;
    size_t width; /* columns */
};

/* Takes rows until the query's or the limit's end.  *more: the limit came first. */
static int next_row(struct printer *p, uint64_t *shown, bool *more, struct barrow_error *err)
{
    size_t limit = p->view->options->limit;

    if (*shown == 0)
        barrow_progress_start("asking");
    int rc = barrow_sql_step(p->sql, err);
    barrow_progress_stop();
    *more = rc > 0 && limit != LIMIT_NOT_GIVEN && limit && *shown >= limit;
    if (rc > 0)
        ++*shown;
    return *more ? 0 : rc;
}

/* ---- JSON ---- */

/* The columns' names, each made different from those before it: they become keys.  To be freed. */
static char **make_keys(const struct printer *p)
{
    char **keys = barrow_allocate((p->width + 1) * sizeof *keys);

    for (size_t i = 0; i < p->width; i++) {
        const char *name = barrow_sql_column(p->sql, i);
        keys[i] = barrow_copy(name);
        unsigned number = 2;
        for (size_t k = 0; k < i; k++) {
            if (strcmp(keys[k], keys[i]) != 0)
                continue;
            free(keys[i]);
            keys[i] = barrow_format("%s_%u", name, number++);
            k = SIZE_MAX; /* from the beginning */
        }
    }
    return keys;
}

static void put_json(struct barrow_json *json, struct barrow_sql_value value)
{
    char *hex;

    switch (value.kind) {
    case SQL_INTEGER:
        barrow_json_int(json, value.integer);
        break;
    case SQL_REAL:
        barrow_json_double(json, value.real);
        break;
    case SQL_TEXT:
        barrow_json_bytes(json, value.text, value.count);
        break;
    case SQL_BLOB:
        hex = barrow_allocate(2 * value.count + 1);
        for (size_t i = 0; i < value.count; i++)
            sprintf(hex + 2 * i, "%02x", (unsigned char)value.text[i]);
        barrow_json_string(json, hex);
        free(hex);
        break;
    default:
        barrow_json_null(json);
    }
}

static int print_json(struct printer *p, struct barrow_error *err)
{
    struct barrow_json *json = &p->view->json;
    char **keys = make_keys(p);
    uint64_t shown = 0;
    bool more;
    int rc;

    barrow_json_key(json, "columns");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < p->width; i++)
        barrow_json_string(json, keys[i]);
    barrow_json_end_array(json);
    barrow_json_key(json, "rows");
    barrow_json_begin_array(json);
    while ((rc = next_row(p, &shown, &more, err)) > 0) {
        barrow_json_begin_object(json);
        for (size_t i = 0; i < p->width; i++) {
            barrow_json_key(json, keys[i]);
            put_json(json, barrow_sql_value(p->sql, i));
        }
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
    for (size_t i = 0; i < p->width; i++)
        free(keys[i]);
    free(keys);
    return rc;
}

/* ---- text ---- */

/* A value as a person reads it; to be freed. */
static char *show(struct barrow_sql_value value)
{
    char *text;

    switch (value.kind) {
    case SQL_INTEGER:
        return barrow_format("%" PRId64, value.integer);
    case SQL_REAL:
        return barrow_format("%.15g", value.real);
    case SQL_TEXT:
        return barrow_copy(value.text);
    case SQL_BLOB:
        text = barrow_allocate(2 * value.count + 4);
        strcpy(text, "x'");
        for (size_t i = 0; i < value.count; i++)
            sprintf(text + 2 + 2 * i, "%02x", (unsigned char)value.text[i]);
        strcat(text + 2 * value.count, "'");
        return text;
    default:
        return barrow_copy("NULL");
    }
}

/* A part of the result, kept until its columns' widths and directions are known. */
struct part {
    char **texts;
    enum barrow_sql_kind *kinds;
    size_t rows;
};

/* Numbers stand right, and so do sizes, durations and shares that functions made of them. */
static bool looks_like_a_number(const char *text)
{
    size_t digits = strspn(text, "-0123456789.,");
    static const char *const units[] = {"",     "%",    " B",  " KiB",     " MiB", " GiB", " TiB",
                                        " PiB", " EiB", " ns", " \u00b5s", " ms",  " s"};

    if (!digits || !isdigit((unsigned char)text[*text == '-']))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(text + digits, units[i]) == 0)
            return true;
    return false;
}

static bool stands_right(const struct part *part, size_t column, size_t width)
{
    bool any = false;

    for (size_t i = column; i < part->rows * width; i += width) {
        if (part->kinds[i] == SQL_NULL)
            continue;
        if (part->kinds[i] != SQL_INTEGER && part->kinds[i] != SQL_REAL &&
            !(part->kinds[i] == SQL_TEXT && looks_like_a_number(part->texts[i])))
            return false;
        any = true;
    }
    return any;
}

/* On a terminal, text gives way so that a row is a line; what goes elsewhere is whole. */
static struct barrow_column *describe(const struct printer *p, const struct part *part,
                                      char **titles)
{
    struct barrow_column *columns = barrow_allocate((p->width + 1) * sizeof *columns);

    for (size_t i = 0; i < p->width; i++) {
        bool right = stands_right(part, i, p->width);
        size_t title = barrow_width(titles[i]);
        columns[i] = (struct barrow_column){
            .title = titles[i],
            .align = right ? ALIGN_RIGHT : ALIGN_LEFT,
            .at_least = right                   ? 0
                        : title > TEXT_AT_LEAST ? title
                                                : TEXT_AT_LEAST,
            .cut = strcmp(titles[i], "file") == 0 ? CUT_START : CUT_END,
        };
    }
    return columns;
}

static void print_part(const struct printer *p, const struct part *part, char **titles)
{
    struct barrow_column *columns = describe(p, part, titles);
    struct barrow_columns *c = barrow_columns_new(&p->view->terminal, columns, p->width, NULL);

    for (size_t i = 0; i < part->rows * p->width; i++)
        barrow_columns_put_styled(c, part->texts[i],
                                  part->kinds[i] == SQL_NULL ? STYLE_DIM : STYLE_PLAIN);
    barrow_columns_print(c);
    barrow_columns_free(c);
    free(columns);
}

static void drop_part(const struct printer *p, struct part *part)
{
    for (size_t i = 0; i < part->rows * p->width; i++)
        free(part->texts[i]);
    part->rows = 0;
}

static void take_row(const struct printer *p, struct part *part)
{
    for (size_t i = 0; i < p->width; i++) {
        struct barrow_sql_value value = barrow_sql_value(p->sql, i);
        part->texts[part->rows * p->width + i] = show(value);
        part->kinds[part->rows * p->width + i] = value.kind;
    }
    part->rows++;
}

static char **make_titles(const struct printer *p)
{
    char **titles = barrow_allocate((p->width + 1) * sizeof *titles);

    for (size_t i = 0; i < p->width; i++)
        titles[i] = barrow_printable(&p->view->terminal, barrow_sql_column(p->sql, i));
    return titles;
}

static int print_text(struct printer *p, struct barrow_error *err)
{
    struct barrow_terminal *t = &p->view->terminal;
    struct part part = {
        .texts = barrow_allocate(PART_ROWS * p->width * sizeof *part.texts + 1),
        .kinds = barrow_allocate(PART_ROWS * p->width * sizeof *part.kinds + 1),
    };
    char **titles = make_titles(p);
    uint64_t shown = 0;
    bool more = false;
    int rc;

    if (!isatty(fileno(t->out)) && !getenv("COLUMNS"))
        t->width = WIDE;
    while ((rc = next_row(p, &shown, &more, err)) > 0) {
        take_row(p, &part);
        if (part.rows == PART_ROWS) {
            print_part(p, &part, titles);
            drop_part(p, &part);
        }
    }
    if (rc == 0 && (part.rows || shown == 0))
        print_part(p, &part, titles);
    if (more)
        fprintf(t->out, " %s%s more rows; --limit 0 shows all%s\n", barrow_style(t, STYLE_DIM),
                barrow_pick(t, "\u2026", "..."), barrow_style(t, STYLE_PLAIN));
    drop_part(p, &part);
    for (size_t i = 0; i < p->width; i++)
        free(titles[i]);
    free(titles);
    free(part.texts);
    free(part.kinds);
    return rc;
}

/* ---- CSV ---- */

/* By RFC 4180; NULL is an empty field, "" an empty text. */
static void put_field(const char *text, bool quoted)
{
    if (!quoted && *text && !strpbrk(text, ",\"\r\n")) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static int print_csv(struct printer *p, struct barrow_error *err)
{
    uint64_t shown = 0;
    bool more;
    int rc;

    for (size_t i = 0; i < p->width; i++) {
        fputs(i ? "," : "", stdout);
        put_field(barrow_sql_column(p->sql, i), false);
    }
    fputs("\r\n", stdout);
    while ((rc = next_row(p, &shown, &more, err)) > 0) {
        for (size_t i = 0; i < p->width; i++) {
            struct barrow_sql_value value = barrow_sql_value(p->sql, i);
            char *text = show(value);
            fputs(i ? "," : "", stdout);
            if (value.kind != SQL_NULL)
                put_field(text, false);
            free(text);
        }
        fputs("\r\n", stdout);
    }
    return rc;
}

/* ---- the command ---- */

/* The query; `-`: from standard input.  To be freed; NULL: can't be read. */
static char *read_query(const char *operand, struct barrow_error *err)
{
    char *text = NULL;
    size_t room = 0;

    if (strcmp(operand, "-") != 0)
        return barrow_copy(operand);
    if (getdelim(&text, &room, '\0', stdin) < 0) {
        free(text);
        barrow_fail(err, BARROW_E_USAGE, "no query on standard input");
        return NULL;
    }
    return text;
}

static int answer(struct barrow_view *view, const struct sql_options *o, const char *query,
                  struct barrow_error *err)
{
    struct printer p = {.view = view};

    if (barrow_sql_open(&p.sql, view->profile, err) < 0)
        return -1;
    int rc = barrow_sql_prepare(p.sql, query, err);
    if (rc == 0) {
        p.width = barrow_sql_width(p.sql);
        rc = o->view.json ? print_json(&p, err) : o->csv ? print_csv(&p, err) : print_text(&p, err);
    }
    barrow_sql_close(p.sql);
    return rc;
}

static int sql_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct sql_options *o = values;
    struct barrow_view view;

    if (o->csv && o->view.json)
        return barrow_fail(err, BARROW_E_USAGE, "--csv and --json: one of them");
    if (count < 2)
        return barrow_fail(err, BARROW_E_USAGE,
                           "sql takes ledgers and then a query: barrow sql FILE 'select …', or "
                           "barrow sql FILE .tables");
    char *query = read_query(operands[count - 1], err);
    if (!query)
        return -1;
    int rc = barrow_view_open(&view, &o->view, count - 1, operands, err);
    if (rc == 0) {
        rc = answer(&view, o, query, err);
        if (rc == 0 && !o->csv)
            barrow_view_close(&view);
        else
            barrow_view_drop(&view);
    }
    free(query);
    return rc;
}

static const struct barrow_option options[] = {
    {"csv", 0, OPTION_FLAG, NULL, offsetof(struct sql_options, csv), NULL, NULL,
     "write comma-separated values (RFC 4180); NULL is an empty field"},
    VIEW_OPTION_JSON(struct sql_options),
    {"limit", 'n', OPTION_COUNT, "N", offsetof(struct sql_options, view.limit), NULL, NULL,
     "show N rows at most; 0, the default: all that the query gives"},
    VIEW_OPTION_COLOR(struct sql_options),
    OPTIONS_END};

static const struct sql_options defaults = {.view = VIEW_DEFAULTS};

const struct barrow_command barrow_command_sql = {
    .usage = "[OPTIONS] FILE... QUERY",
    .about = "Answers a query in SQL (SQLite's) over the tables of a recording. .tables\n"
             "lists the tables, .schema their columns, .schema TABLE those of one; - reads\n"
             "the query from standard input. Nothing can be changed. Besides SQLite's own\n"
             "functions there are size(bytes), duration(seconds), percent(part, whole) and\n"
             "stack_text(stack_id [, separator]). The guide has examples: docs/guide/sql.md.",
    .examples =
        "barrow sql app.1234.barrow .schema\n"
        "barrow sql app.1234.barrow \"select module, size(sum(leaked_bytes)) as leaked\n"
        "    from sites group by module order by sum(leaked_bytes) desc limit 10\"\n"
        "barrow sql --csv app.1234.barrow 'select time_s, rss_bytes from samples' > rss.csv",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = sql_main,
};
