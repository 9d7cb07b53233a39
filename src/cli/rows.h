/* Rows of a grouping, as text and as JSON. */
#ifndef BARROW_CLI_ROWS_H
#define BARROW_CLI_ROWS_H

#include "cli/view.h"

/* Columns bytes, share of `whole`, blocks, then what the row is, with source text. */
void barrow_rows_print(const struct barrow_view *view, enum barrow_grouping by,
                       const struct barrow_row *rows, size_t count, uint64_t whole);

/* What a row is, in columns behind others: fills `columns` and returns how many they are; then the
 * row's cells, with source text as the detail of rows by line. */
enum { BARROW_GROUP_COLUMNS = 3 };
size_t barrow_group_columns(enum barrow_grouping by, struct barrow_column *columns);
void barrow_put_group(struct barrow_columns *c, const struct barrow_view *view,
                      enum barrow_grouping by, const struct barrow_row *row);

/* The keys of the grouping, into an object that has been begun. */
void barrow_row_json(struct barrow_json *json, const struct barrow_profile *profile,
                     enum barrow_grouping by, const struct barrow_row *row);

/* The value [{"function", "file", "line"}, ...], leaf first. */
void barrow_stack_json(struct barrow_json *json, const struct barrow_profile *profile,
                       uint32_t node);
/* "<- main app.py:30 <- <module> app.py:40": the callers of the stack's leaf; NULL: none.  To be
 * freed. */
char *barrow_callers(const struct barrow_view *view, uint32_t node);

/* Source text of a place as the last row's detail, if there is any. */
void barrow_put_source(struct barrow_columns *c, const struct barrow_view *view, const char *file,
                       uint32_t line);

/* The columns of views by line, beginning with the number columns. */
#define BARROW_COLUMNS_NUMBERS                           \
    {"bytes", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END},     \
        {"share", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END}, \
    {                                                    \
        "blocks", ALIGN_RIGHT, STYLE_PLAIN, 0, CUT_END   \
    }
#define BARROW_COLUMN_FUNCTION                             \
    {                                                      \
        "function", ALIGN_LEFT, STYLE_NAME, 10, CUT_MIDDLE \
    }
#define BARROW_COLUMN_LINE                             \
    {                                                  \
        "line", ALIGN_LEFT, STYLE_PLAIN, 12, CUT_START \
    }
#define BARROW_COLUMN_DOMAIN                        \
    {                                               \
        "domain", ALIGN_LEFT, STYLE_DIM, 0, CUT_END \
    }

#endif
