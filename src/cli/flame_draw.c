#include "cli/flame_draw.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/units.h"
#include "cli/memory.h"

enum { PLACE_AT_LEAST = 12, NAMES = 64 };

/* Backgrounds that dark letters are readable on, two shades each: neighbours of one module differ.
 */
static const unsigned char warm[][2] = {{216, 223}, {214, 221}, {209, 217}, {179, 186},
                                        {222, 229}, {203, 210}, {180, 187}, {215, 222}};
enum { INK = 234, REST_BACKGROUND = 240, REST_INK = 252 };

size_t barrow_flame_least_columns(bool color)
{
    return color ? 2 : 3;
}

bool barrow_flame_takes_colors(const struct barrow_terminal *t)
{
    static const char *const families[] = {"xterm", "screen", "tmux", "rxvt", "alacritty"};
    const char *term = getenv("TERM"), *depth = getenv("COLORTERM");

    if (!t->color)
        return false;
    if (!term || (depth && *depth) || strstr(term, "256"))
        return true;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (strncmp(term, families[i], strlen(families[i])) == 0)
            return true;
    return false;
}

/* ---- rows ---- */

/* The only call that `cell` made, if it fills the cell to the column. */
static uint32_t only_call(const struct barrow_flame_picture *p, uint32_t cell)
{
    const struct barrow_flame_cell *cells = p->flame->cells;
    uint32_t child = cells[cell].first_child;
    uint64_t column = cells[0].total.bytes / p->columns + 1;

    if (cell == 0 || !child || cells[child].count || cells[child].next_sibling ||
        cells[cell].total.bytes - cells[child].total.bytes >= column)
        return 0;
    return child;
}

/* A chain of such calls gets so many rows; those that are left share its last one. */
static size_t assign_rows(struct barrow_flame_picture *p, uint32_t rows_of_chain)
{
    const struct barrow_flame_cell *cells = p->flame->cells;
    uint32_t *in_chain = barrow_allocate(p->flame->count * sizeof *in_chain); /* rows so far */
    size_t rows = 0;

    p->row[0] = UINT32_MAX;
    for (uint32_t i = 1; i < p->flame->count; i++) {
        uint32_t parent = cells[i].parent;
        bool goes_on = only_call(p, parent) == i;
        bool shares = goes_on && in_chain[parent] == rows_of_chain;
        in_chain[i] = goes_on ? in_chain[parent] + !shares : 1;
        p->head[i] = shares ? p->head[parent] : i;
        p->row[i] = p->row[parent] + !shares;
        rows = p->row[i] + 1 > rows ? p->row[i] + 1 : rows;
    }
    free(in_chain);
    return rows;
}

/* As many rows for a chain as let the picture fit, and at least one. */
static void choose_rows(struct barrow_flame_picture *p)
{
    p->rows_needed = assign_rows(p, UINT32_MAX);
    if (p->full || !p->rows)
        return;
    for (uint32_t rows = (uint32_t)p->rows; rows > 0 && p->rows_needed > p->rows; rows--)
        p->rows_needed = assign_rows(p, rows);
}

/* ---- labels ---- */

static struct barrow_frame frame_of(const struct barrow_flame_picture *p, uint32_t cell)
{
    return barrow_calltree_frame(p->tree, p->view->profile, p->flame->cells[cell].node);
}

static char *function_of(const struct barrow_flame_picture *p, uint32_t cell)
{
    const struct barrow_terminal *t = &p->view->terminal;
    struct barrow_frame frame = frame_of(p, cell);

    return barrow_printable(t, *frame.function ? frame.function : barrow_no_frame);
}

/* " (9 deep)", or "". */
static char *recursion_of(const struct barrow_flame_picture *p, uint32_t cell)
{
    uint32_t recursion = p->tree->nodes[p->flame->cells[cell].node].recursion;

    return recursion > 1 ? barrow_format(" (%u deep)", recursion) : barrow_copy("");
}

static char *place_of(const struct barrow_flame_picture *p, uint32_t cell)
{
    struct barrow_frame frame = frame_of(p, cell);
    char *place = barrow_place(frame.file, frame.line);
    char *printable = barrow_printable(&p->view->terminal, place);

    free(place);
    return printable;
}

char *barrow_flame_name(const struct barrow_flame_picture *p, uint32_t cell, bool with_place)
{
    char *name = function_of(p, cell), *place = place_of(p, cell);
    char *both =
        barrow_format("%s%s%s", name, with_place && *place ? "  " : "", with_place ? place : "");

    free(name);
    free(place);
    return both;
}

/* Names joined from the outermost to the innermost, some left out in the middle. */
static char *join(char **names, size_t count, size_t head, size_t tail, const char *arrow,
                  const char *gap)
{
    char *text = barrow_copy("");

    for (size_t i = 0; i < count; i++) {
        if (i >= head && i < count - tail && i > head)
            continue;
        bool is_gap = i >= head && i < count - tail;
        char *longer = barrow_format("%s%s%s", text, *text ? arrow : "", is_gap ? gap : names[i]);
        free(text);
        text = longer;
    }
    return text;
}

/* The calls that share a row, as many as fit.  The innermost is always told, or inverted the
 * outermost of them: it has the bytes.  One name of the far end goes before the near ones do. */
static char *chain_text(const struct barrow_flame_picture *p, char **names, size_t count,
                        size_t room)
{
    const struct barrow_terminal *t = &p->view->terminal;
    const char *arrow =
        p->inverted ? barrow_pick(t, " \u2039 ", " < ") : barrow_pick(t, " \u203a ", " > ");
    const char *gap = barrow_pick(t, "\u2026", "..");
    size_t near = count, far = 0;

    while (true) {
        char *text = p->inverted ? join(names, count, near, far, arrow, gap)
                                 : join(names, count, far, near, arrow, gap);
        if (barrow_width(text) <= room || (near == 1 && far == 0))
            return text;
        free(text);
        if (near == count) {
            near = count > 2 ? count - 2 : 1;
            far = count > 2;
        } else if (near > 1) {
            near--;
        } else {
            far = 0;
        }
    }
}

static char *name_in(const struct barrow_flame_picture *p, uint32_t cell, size_t room)
{
    char *names[NAMES];
    size_t count = 0;

    for (uint32_t at = cell; count < NAMES; at = p->flame->cells[at].parent) {
        names[count++] = function_of(p, at);
        if (at == p->head[cell])
            break;
    }
    for (size_t i = 0; i < count / 2; i++) { /* outermost first */
        char *swapped = names[i];
        names[i] = names[count - 1 - i];
        names[count - 1 - i] = swapped;
    }
    char *text = chain_text(p, names, count, room);
    if (count > 1 && barrow_width(text) > room) { /* without the mark of those left out */
        free(text);
        text = barrow_copy(names[p->inverted ? 0 : count - 1]);
    }
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    return barrow_fit(&p->view->terminal, text, room, room < 8 ? CUT_END : CUT_MIDDLE);
}

/* What a cell says in so many columns, all of which are used: the name, and what there is room for.
 */
static void print_label(const struct barrow_flame_picture *p, uint32_t cell, size_t room)
{
    FILE *out = p->view->terminal.out;
    char size[BARROW_UNITS_ROOM];
    uint32_t told = p->inverted ? p->head[cell] : cell;
    char *name = name_in(p, cell, room), *recursion = recursion_of(p, told);
    char *place = place_of(p, told);
    size_t left = room - barrow_width(name), width = barrow_width(place);
    bool has_recursion = left >= strlen(recursion);

    left -= has_recursion ? strlen(recursion) : 0;
    bool has_place = *place && left >= 2 + (width < PLACE_AT_LEAST ? width : PLACE_AT_LEAST);
    if (has_place) {
        place = barrow_fit(&p->view->terminal, place, left - 2, CUT_START);
        left -= 2 + barrow_width(place);
    }
    fprintf(out, "%s%s%s%s", name, has_recursion ? recursion : "", has_place ? "  " : "",
            has_place ? place : "");
    barrow_units_bytes(size, p->flame->cells[cell].total.bytes);
    if (has_place && left >= 2 + strlen(size))
        fprintf(out, "%*s ", (int)left - 1, size);
    else
        fprintf(out, "%*s", (int)left, "");
    free(name);
    free(recursion);
    free(place);
}

/* Dots, and how many cells they are. */
static void print_rest(const struct barrow_flame_picture *p, uint32_t cell, size_t room)
{
    const struct barrow_terminal *t = &p->view->terminal;
    const char *dot = barrow_pick(t, "\u00b7", ".");
    uint32_t count = p->flame->cells[cell].count;
    char *text = barrow_format(" %u call%s ", count, count == 1 ? "" : "s");
    size_t width = strlen(text);
    size_t before = room > width + 2 ? (room - width) / 2 : room;

    for (size_t i = 0; i < before; i++)
        fputs(dot, t->out);
    if (before < room)
        fputs(text, t->out);
    for (size_t i = before + width; i < room; i++)
        fputs(dot, t->out);
    free(text);
}

/* ---- drawing ---- */

static size_t column_of(const struct barrow_flame_picture *p, uint64_t bytes)
{
    return (size_t)((__uint128_t)bytes * p->columns / p->flame->cells[0].total.bytes);
}

struct row {        /* being drawn */
    size_t used;    /* columns */
    int background; /* of the cell that ends there; 0: none does */
};

static int background_of(const struct barrow_flame_picture *p, uint32_t cell, int before)
{
    const struct barrow_flame_cell *c = &p->flame->cells[cell];

    if (c->count)
        return REST_BACKGROUND;
    const char *module = frame_of(p, cell).module;
    uint32_t hash = barrow_hash_bytes(module, strlen(module));
    const unsigned char *shades = warm[hash % (sizeof warm / sizeof *warm)];
    int shade = shades[p->row[cell] & 1];
    return shade == before ? shades[~p->row[cell] & 1] : shade;
}

static void draw_colored(const struct barrow_flame_picture *p, uint32_t cell, struct row *row,
                         size_t from, size_t to)
{
    FILE *out = p->view->terminal.out;
    int background = background_of(p, cell, row->used == from ? row->background : 0);
    bool is_rest = p->flame->cells[cell].count > 0;

    fprintf(out, "%*s\033[48;5;%dm\033[38;5;%dm", (int)(from - row->used), "", background,
            is_rest ? REST_INK : INK);
    if (is_rest)
        print_rest(p, cell, to - from);
    else if (to - from > 3) {
        fputc(' ', out);
        print_label(p, cell, to - from - 1);
    } else {
        print_label(p, cell, to - from);
    }
    fputs("\033[0m", out);
    *row = (struct row){to, background};
}

/* Ends the cell that reaches to the pen, if the next one doesn't begin there. */
static void end_plain(const struct barrow_flame_picture *p, struct row *row, size_t next)
{
    if (row->background && row->used != next) {
        fputs(barrow_pick(&p->view->terminal, "\u2502", "|"), p->view->terminal.out);
        row->used++;
    }
    row->background = 0;
}

static void draw_plain(const struct barrow_flame_picture *p, uint32_t cell, struct row *row,
                       size_t from, size_t to)
{
    const struct barrow_terminal *t = &p->view->terminal;

    bool is_rest = p->flame->cells[cell].count > 0;
    bool bar = !is_rest || to - from > 1;

    end_plain(p, row, from);
    fprintf(t->out, "%*s%s", (int)(from - row->used), "", bar ? barrow_pick(t, "\u2502", "|") : "");
    if (is_rest)
        print_rest(p, cell, to - from - bar);
    else
        print_label(p, cell, to - from - 1);
    *row = (struct row){to, 1};
}

static void draw_cell(const struct barrow_flame_picture *p, uint32_t cell, struct row *row)
{
    const struct barrow_flame_cell *c = &p->flame->cells[cell];
    size_t from = column_of(p, c->start), to = column_of(p, c->start + c->total.bytes);

    if (to <= from || from < row->used)
        return;
    if (p->color)
        draw_colored(p, cell, row, from, to);
    else
        draw_plain(p, cell, row, from, to);
}

/* Cells that are drawn: of calls that share a row the innermost, which knows the others. */
static bool is_drawn(const struct barrow_flame_picture *p, uint32_t cell)
{
    uint32_t child = only_call(p, cell);

    return !child || p->head[child] == child;
}

static void draw_rows(struct barrow_flame_picture *p, size_t rows)
{
    size_t count = p->flame->count;
    uint32_t *first = barrow_allocate((rows + 1) * sizeof *first);
    uint32_t *next = barrow_allocate(count * sizeof *next);

    /* A list for each row; cells of a depth come from left to right, but rows mix depths. */
    for (uint32_t i = 1; i < count; i++) {
        if (p->row[i] >= rows || !is_drawn(p, i))
            continue;
        uint32_t *place = &first[p->row[i]];
        while (*place && p->flame->cells[*place].start < p->flame->cells[i].start)
            place = &next[*place];
        next[i] = *place;
        *place = i;
    }
    for (size_t r = 0; r < rows; r++) {
        struct row row = {0, 0};
        for (uint32_t cell = first[r]; cell; cell = next[cell])
            draw_cell(p, cell, &row);
        if (!p->color)
            end_plain(p, &row, SIZE_MAX);
        fputc('\n', p->view->terminal.out);
    }
    free(first);
    free(next);
}

void barrow_flame_draw(struct barrow_flame_picture *p)
{
    p->row = barrow_allocate(p->flame->count * sizeof *p->row);
    p->head = barrow_allocate(p->flame->count * sizeof *p->head);
    choose_rows(p);
    draw_rows(p, p->rows && p->rows < p->rows_needed ? p->rows : p->rows_needed);
}

void barrow_flame_picture_free(struct barrow_flame_picture *p)
{
    free(p->row);
    free(p->head);
}
