#include "cli/columns.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"

enum { GAP = 2, DETAIL_AT_LEAST = 30, DETAIL_AT_MOST = 100 };

struct cell {
    char *text;
    enum barrow_style style;
};

struct barrow_columns {
    const struct barrow_terminal *terminal;
    const struct barrow_column *columns;
    size_t count;
    const char *detail_title;
    struct cell *cells; /* row after row */
    size_t filled, room;
    struct remarks {
        char *detail, *below; /* NULL: none */
    } * remarks;              /* one a row */
    size_t *widths;
};

struct barrow_columns *barrow_columns_new(const struct barrow_terminal *terminal,
                                          const struct barrow_column *columns, size_t count,
                                          const char *detail)
{
    struct barrow_columns *c = barrow_allocate(sizeof *c);

    c->terminal = terminal;
    c->columns = columns;
    c->count = count;
    c->detail_title = detail;
    c->widths = barrow_allocate(count * sizeof *c->widths);
    return c;
}

static size_t row_count(const struct barrow_columns *c)
{
    return c->filled / c->count;
}

static void make_room(struct barrow_columns *c)
{
    size_t old = c->room;

    if (c->filled < c->room)
        return;
    c->room = old ? old * 2 : c->count * 32;
    c->cells = barrow_reallocate(c->cells, c->room * sizeof *c->cells);
    c->remarks = barrow_reallocate(c->remarks, c->room / c->count * sizeof *c->remarks);
    memset(c->remarks + old / c->count, 0, (c->room - old) / c->count * sizeof *c->remarks);
}

void barrow_columns_put_styled(struct barrow_columns *c, const char *text, enum barrow_style style)
{
    make_room(c);
    c->cells[c->filled++] = (struct cell){barrow_printable(c->terminal, text), style};
}

void barrow_columns_put(struct barrow_columns *c, const char *text)
{
    barrow_columns_put_styled(c, text, c->columns[c->filled % c->count].style);
}

/* The row that the last cell is in. */
static size_t last_row(const struct barrow_columns *c)
{
    return (c->filled - 1) / c->count;
}

void barrow_columns_detail(struct barrow_columns *c, const char *text)
{
    c->remarks[last_row(c)].detail = barrow_printable(c->terminal, text);
}

void barrow_columns_below(struct barrow_columns *c, const char *text)
{
    c->remarks[last_row(c)].below = barrow_printable(c->terminal, text);
}

static size_t full_width(const struct barrow_columns *c)
{
    size_t width = 1;

    for (size_t i = 0; i < c->count; i++)
        width += c->widths[i] + (i ? GAP : 0);
    return width;
}

static void measure(struct barrow_columns *c)
{
    for (size_t i = 0; i < c->count; i++)
        c->widths[i] = barrow_width(c->columns[i].title);
    for (size_t i = 0; i < c->filled; i++) {
        size_t width = barrow_width(c->cells[i].text);
        if (width > c->widths[i % c->count])
            c->widths[i % c->count] = width;
    }
}

/* Takes columns away from the widest that may give, until the row fits `wanted`. */
static void shrink(struct barrow_columns *c, size_t wanted)
{
    while (full_width(c) > wanted) {
        size_t widest = SIZE_MAX;
        for (size_t i = 0; i < c->count; i++)
            if (c->columns[i].at_least && c->widths[i] > c->columns[i].at_least &&
                (widest == SIZE_MAX || c->widths[i] > c->widths[widest]))
                widest = i;
        if (widest == SIZE_MAX)
            return;
        c->widths[widest]--;
    }
}

/* Blanks that are due before the next text: a row ends with its last text. */
struct pen {
    int blanks;
};

static void write_text(struct barrow_columns *c, struct pen *pen, const char *text,
                       enum barrow_style style)
{
    const struct barrow_terminal *t = c->terminal;

    if (!*text)
        return;
    fprintf(t->out, "%*s%s%s%s", pen->blanks, "", style ? barrow_style(t, style) : "", text,
            style ? barrow_style(t, STYLE_PLAIN) : "");
    pen->blanks = 0;
}

static void write_cell(struct barrow_columns *c, struct pen *pen, size_t column, char **text,
                       enum barrow_style style)
{
    size_t room = c->widths[column];

    *text = barrow_fit(c->terminal, *text, room, c->columns[column].cut);
    size_t width = barrow_width(*text);
    int padding = (int)(room > width ? room - width : 0);
    bool right = c->columns[column].align == ALIGN_RIGHT;
    pen->blanks += (column ? GAP : 1) + (right ? padding : 0);
    write_text(c, pen, *text, style);
    pen->blanks += right ? 0 : padding;
}

static void print_below(struct barrow_columns *c, char **text, size_t indent)
{
    struct pen pen = {(int)indent + GAP};

    if (!*text)
        return;
    *text = barrow_fit(c->terminal, *text, (size_t)c->terminal->width - indent - GAP, CUT_END);
    write_text(c, &pen, *text, STYLE_DIM);
    fputc('\n', c->terminal->out);
}

/* `room`: for the detail beside the row; 0: it goes below, to column `indent`. */
static void print_row(struct barrow_columns *c, size_t row, size_t room, size_t indent)
{
    struct remarks *remarks = &c->remarks[row];
    struct pen pen = {0};

    for (size_t i = 0; i < c->count; i++) {
        struct cell *cell = &c->cells[row * c->count + i];
        write_cell(c, &pen, i, &cell->text, cell->style);
    }
    if (room && remarks->detail) {
        pen.blanks += GAP;
        remarks->detail = barrow_fit(c->terminal, remarks->detail, room, CUT_END);
        write_text(c, &pen, remarks->detail, STYLE_DIM);
    }
    fputc('\n', c->terminal->out);
    if (!room)
        print_below(c, &remarks->detail, indent);
    print_below(c, &remarks->below, indent);
}

static void print_titles(struct barrow_columns *c, bool beside)
{
    struct pen pen = {0};

    for (size_t i = 0; i < c->count; i++) {
        char *title = barrow_copy(c->columns[i].title);
        write_cell(c, &pen, i, &title, STYLE_DIM);
        free(title);
    }
    pen.blanks += GAP;
    if (beside)
        write_text(c, &pen, c->detail_title, STYLE_DIM);
    fputc('\n', c->terminal->out);
}

/* Room for details beside the rows; 0: they go below. */
static size_t room_beside(struct barrow_columns *c, bool any)
{
    size_t width = (size_t)c->terminal->width, used = full_width(c);

    if (!any)
        return 0;
    if (used + GAP + DETAIL_AT_LEAST > width && width >= 110) {
        shrink(c, width - GAP - DETAIL_AT_LEAST);
        used = full_width(c);
    }
    if (used + GAP + DETAIL_AT_LEAST > width)
        return 0;
    size_t room = width - used - GAP;
    return room < DETAIL_AT_MOST ? room : DETAIL_AT_MOST;
}

/* Column where the left-aligned text begins: details below a row start there. */
static size_t text_indent(const struct barrow_columns *c)
{
    size_t indent = 1;

    for (size_t i = 0; i < c->count && c->columns[i].align == ALIGN_RIGHT; i++)
        indent += c->widths[i] + GAP;
    return indent + 20 < (size_t)c->terminal->width ? indent : 1;
}

void barrow_columns_print(struct barrow_columns *c)
{
    bool any = false;

    for (size_t row = 0; c->detail_title && row < row_count(c); row++)
        any = any || c->remarks[row].detail;
    measure(c);
    size_t room = room_beside(c, any);
    if (!room)
        shrink(c, (size_t)c->terminal->width);
    size_t indent = text_indent(c);
    print_titles(c, room > 0);
    for (size_t row = 0; row < row_count(c); row++)
        print_row(c, row, room, indent);
}

void barrow_columns_free(struct barrow_columns *c)
{
    for (size_t i = 0; i < c->filled; i++)
        free(c->cells[i].text);
    for (size_t row = 0; c->count && row < c->room / c->count; row++) {
        free(c->remarks[row].detail);
        free(c->remarks[row].below);
    }
    free(c->cells);
    free(c->remarks);
    free(c->widths);
    free(c);
}
