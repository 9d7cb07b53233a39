/* The screen, from above: three lines of facts, the curve of RSS, the table, a line of keys.  In a
 * low window only the first of the facts, and no curve: the table is what matters.
 *
 *     etl.py a.json · pid 4242, running for 12 s                           every 1.0 s
 *     RSS 41 MiB, max 45 MiB   heap 20 MiB, 1,234 blocks   peak 22 MiB at 1.0 s
 *     allocating 12,345/s, 3.1 MiB/s   gc 12   heap +1.2 MiB in the last 4.0 s
 *     RSS ▁▁▂▃▄▅▅▆▇▇▇▇▇▇█ 45 MiB
 *        live▾   growth      rate  allocs/s  function  line
 *      12 MiB  +300 KiB  1.0 MiB/s    4,000  load      app.py:12
 *     q quit  h help  / filter  s sort: live  g by: line  b baseline  f freeze
 */
#include "cli/top_draw.h"

#ifdef BARROW_HAVE_NCURSES

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/memory.h"
#include "cli/top_words.h"
#include "table/series.h"
#include "table/summary.h"

enum { PAIR_GOOD = 1, PAIR_BAD, PAIR_NAME, PAIR_CURVE };

/* ---- text on the screen ---- */

/* Frees the text.  Returns the columns it took, at most `room`. */
static int put(const struct barrow_top_display *s, int y, int x, int room, attr_t look,
               enum barrow_cut cut, char *text)
{
    if (room <= 0 || y < 0 || y >= s->height) {
        free(text);
        return 0;
    }
    char *printable = barrow_printable(&s->terminal, text);
    free(text);
    printable = barrow_fit(&s->terminal, printable, (size_t)room, cut);
    int width = (int)barrow_width(printable);
    attron(look);
    mvaddstr(y, x, printable);
    attroff(look);
    free(printable);
    return width;
}

static void put_right(const struct barrow_top_display *s, int y, int end, int room, attr_t look,
                      const char *text)
{
    int width = (int)strlen(text);

    put(s, y, width < room ? end - width : end - room, room, look, CUT_END, barrow_copy(text));
}

static attr_t pair(const struct barrow_top_display *s, short number)
{
    return s->colors ? (attr_t)COLOR_PAIR(number) : A_NORMAL;
}

/* ---- above the table ---- */

static char *interval_text(const struct barrow_top_display *s)
{
    uint64_t interval_ns = barrow_top_interval_ns(s->top, s->wishes->interval_ns);
    char *every = barrow_duration(&s->terminal, interval_ns);
    char *text;

    if (s->frozen)
        text = barrow_copy("FROZEN");
    else if (s->top->state != TOP_RUNNING)
        text = barrow_copy("last state");
    else if (s->width < 60)
        text = barrow_copy("");
    else
        text = barrow_format("every %s%s", every,
                             interval_ns > s->wishes->interval_ns ? ": a large ledger" : "");
    free(every);
    return text;
}

static int fact_rows(const struct barrow_top_display *s)
{
    return s->height < 8 ? 1 : 3;
}

static void draw_facts(const struct barrow_top_display *s)
{
    const struct barrow_terminal *t = &s->terminal;
    const char *dot = barrow_pick(t, " \u00b7 ", " - ");
    char *life = barrow_top_life(s->top, t), *interval = interval_text(s);
    bool running = s->top->state == TOP_RUNNING;
    int end = s->width - (*interval ? (int)strlen(interval) + 2 : 0);
    int used = (int)(strlen(life) + barrow_width(dot));

    attr_t look = s->frozen ? A_REVERSE : running ? A_DIM : A_BOLD;
    put_right(s, 0, s->width, s->width, look, interval);
    int command = end - used > 8 ? end - used : 8;
    int x = put(s, 0, 0, command, A_BOLD, CUT_END, barrow_top_command(s->top));
    x += put(s, 0, x, end - x, A_DIM, CUT_END, barrow_copy(dot));
    look = running ? pair(s, PAIR_GOOD) : pair(s, PAIR_BAD) | A_BOLD;
    put(s, 0, x, end - x, look, CUT_END, life);
    if (fact_rows(s) > 1) {
        put(s, 1, 0, s->width, A_NORMAL, CUT_END, barrow_top_memory(s->top, t));
        put(s, 2, 0, s->width, A_NORMAL, CUT_END, barrow_top_activity(s->top, t));
    }
    free(interval);
}

/* Rows of the curve: more where there is room. */
static int curve_rows(const struct barrow_top_display *s)
{
    return s->height < 12 ? 0 : s->height < 32 ? 1 : s->height < 44 ? 3 : 5;
}

static const char *curve_cell(const struct barrow_top_display *s, uint64_t bytes, uint64_t top,
                              int row, int rows)
{
    static const char *const utf8[] = {" ",      "\u2581", "\u2582", "\u2583", "\u2584",
                                       "\u2585", "\u2586", "\u2587", "\u2588"};
    static const char *const ascii[] = {" ", ".", ".", ":", "-", "=", "+", "*", "#"};
    int eighths = (int)((__uint128_t)bytes * (unsigned)(rows * 8) / top) - row * 8;

    if (row == 0 && bytes && eighths < 1)
        eighths = 1;
    eighths = eighths < 0 ? 0 : eighths > 8 ? 8 : eighths;
    return s->terminal.utf8 ? utf8[eighths] : ascii[eighths];
}

static void draw_curve(const struct barrow_top_display *s, int y, int rows)
{
    const struct barrow_profile *p = s->top->profile;
    int count = s->width - 16;
    struct barrow_error err;
    char label[BARROW_UNITS_ROOM];
    uint64_t top = 1;

    if (rows == 0 || count < 8)
        return;
    struct barrow_interval *intervals = barrow_allocate((size_t)count * sizeof *intervals);
    if (barrow_series_build(p, intervals, (size_t)count, &err) == 0) {
        for (int i = 0; i < count; i++)
            top = intervals[i].rss_bytes > top ? intervals[i].rss_bytes : top;
        mvaddstr(y + rows - 1, 0, "RSS ");
        attron(pair(s, PAIR_CURVE));
        for (int row = 0; row < rows; row++)
            for (int i = 0; i < count; i++)
                mvaddstr(y + rows - 1 - row, 4 + i,
                         curve_cell(s, intervals[i].rss_bytes, top, row, rows));
        attroff(pair(s, PAIR_CURVE));
        put(s, y, 4 + count + 1, 11, A_DIM, CUT_END,
            barrow_format("%s", p->sample_count ? barrow_units_bytes(label, top) : "no samples"));
        if (rows > 1)
            put(s, y + rows - 1, 4 + count + 1, 11, A_DIM, CUT_END, barrow_copy("0"));
    }
    free(intervals);
}

/* ---- the table ---- */

enum cell { CELL_LIVE, CELL_GROWTH, CELL_RATE, CELL_ALLOCS, CELL_BLOCKS, CELL_DOMAIN, CELL_COUNT };

static const struct cell_kind {
    const char *title;
    int width;
    int from; /* columns of the screen from which on it is shown */
    int sort; /* enum top_sort; -1 */
} cells[CELL_COUNT] = {
    [CELL_LIVE] = {"live", 9, 0, TOP_SORT_LIVE},
    [CELL_GROWTH] = {"growth", 10, 0, TOP_SORT_GROWTH},
    [CELL_RATE] = {"rate", 11, 56, TOP_SORT_RATE},
    [CELL_ALLOCS] = {"allocs/s", 10, 72, -1},
    [CELL_BLOCKS] = {"blocks", 12, 100, -1},
    [CELL_DOMAIN] = {"domain", 8, 100, -1},
};

static bool has_places(const struct barrow_top_display *s)
{
    return s->by == TOP_BY_LINE || s->by == TOP_BY_FUNCTION;
}

static bool is_shown(const struct barrow_top_display *s, int cell)
{
    return s->width >= cells[cell].from && (cell != CELL_DOMAIN || has_places(s));
}

static void fill_cell(char *text, enum cell cell, const struct barrow_top_row *row)
{
    switch (cell) {
    case CELL_LIVE:
        barrow_units_bytes(text, row->live_bytes);
        return;
    case CELL_GROWTH:
        barrow_top_growth(text, row->growth_bytes);
        return;
    case CELL_RATE:
        barrow_top_rate(text, row->bytes_per_s);
        return;
    case CELL_ALLOCS:
        barrow_top_count(text, row->allocations_per_s);
        return;
    case CELL_BLOCKS:
        barrow_top_count(text, row->live_blocks);
        return;
    default:
        snprintf(text, TOP_CELL_ROOM, "%s", barrow_domain_name(row->row->domain));
    }
}

static attr_t cell_look(const struct barrow_top_display *s, enum cell cell,
                        const struct barrow_top_row *row)
{
    if (cell == CELL_GROWTH)
        return pair(s, row->growth_bytes > 0 ? PAIR_BAD : PAIR_GOOD);
    return cell == CELL_LIVE ? A_BOLD : cell == CELL_DOMAIN ? A_DIM : A_NORMAL;
}

struct name_columns {
    int name, place; /* first columns; place 0: there is none */
    int name_room, place_room;
};

static int numbers_width(const struct barrow_top_display *s)
{
    int width = 0;

    for (int i = 0; i < CELL_COUNT; i++)
        width += is_shown(s, i) ? cells[i].width : 0;
    return width;
}

static size_t printed_width(const struct barrow_top_display *s, char *text)
{
    char *printable = barrow_printable(&s->terminal, text);
    size_t width = barrow_width(printable);

    free(printable);
    free(text);
    return width;
}

/* Shares what the numbers leave between functions and places, by what they need. */
static struct name_columns name_columns(const struct barrow_top_display *s, size_t from, size_t to)
{
    struct name_columns c = {.name = numbers_width(s) + 2};
    int room = s->width - c.name, names = 8, places = 4;

    c.name_room = room;
    if (!has_places(s))
        return c;
    for (size_t i = from; i < to; i++) {
        int name = (int)printed_width(s, barrow_top_row_name(&s->rows[i], s->by));
        int place = (int)printed_width(s, barrow_top_row_place(&s->rows[i], s->by));
        names = name > names ? name : names;
        places = place > places ? place : places;
    }
    if (names + 2 + places > room) { /* the shorter one has its way up to a half */
        int half = (room - 2) / 2;
        if (names > half && places > half)
            names = half;
        else if (names > half)
            names = room - 2 - places;
    }
    c.name_room = names;
    c.place = c.name + names + 2;
    c.place_room = s->width - c.place;
    return c;
}

static void draw_titles(const struct barrow_top_display *s, int y, const struct name_columns *c)
{
    static const char *const names[TOP_GROUP_COUNT] = {"function", "function", "file", "module"};
    const char *mark = barrow_pick(&s->terminal, "\u25be", "*");
    attr_t look = A_REVERSE;
    int x = 0;

    attron(look);
    mvhline(y, 0, ' ', s->width);
    attroff(look);
    for (int i = 0; i < CELL_COUNT; i++) {
        if (!is_shown(s, i))
            continue;
        x += cells[i].width;
        bool sorted = cells[i].sort == (int)s->sort;
        int width = (int)strlen(cells[i].title) + sorted;
        put(s, y, x - width, width, sorted ? look | A_BOLD : look, CUT_END,
            barrow_format("%s%s", cells[i].title, sorted ? mark : ""));
    }
    bool sorted = s->sort == TOP_SORT_NAME;
    put(s, y, c->name, c->name_room, sorted ? look | A_BOLD : look, CUT_END,
        barrow_format("%s%s", names[s->by], sorted ? mark : ""));
    if (c->place)
        put(s, y, c->place, c->place_room, look, CUT_END,
            barrow_copy(s->by == TOP_BY_LINE ? "line" : "file"));
}

static void draw_row(const struct barrow_top_display *s, int y, const struct barrow_top_row *row,
                     const struct name_columns *c)
{
    char text[TOP_CELL_ROOM];
    int x = 0;

    for (int i = 0; i < CELL_COUNT; i++) {
        if (!is_shown(s, i))
            continue;
        x += cells[i].width;
        fill_cell(text, (enum cell)i, row);
        put_right(s, y, x, cells[i].width, cell_look(s, (enum cell)i, row), text);
    }
    put(s, y, c->name, c->name_room, pair(s, PAIR_NAME), has_places(s) ? CUT_MIDDLE : CUT_START,
        barrow_top_row_name(row, s->by));
    if (c->place)
        put(s, y, c->place, c->place_room, A_NORMAL, CUT_START, barrow_top_row_place(row, s->by));
}

static int table_top(const struct barrow_top_display *s)
{
    return fact_rows(s) + curve_rows(s);
}

size_t barrow_top_page(const struct barrow_top_display *s)
{
    int rows = s->height - table_top(s) - 2;

    return rows > 1 ? (size_t)rows : 1;
}

static void draw_table(struct barrow_top_display *s)
{
    size_t room = barrow_top_page(s);
    size_t most = s->count > room ? s->count - room : 0;
    int y = table_top(s);

    s->scroll = s->scroll < most ? s->scroll : most;
    size_t to = s->scroll + room < s->count ? s->scroll + room : s->count;
    struct name_columns c = name_columns(s, s->scroll, to);
    draw_titles(s, y, &c);
    for (size_t i = s->scroll; i < to; i++)
        draw_row(s, ++y, &s->rows[i], &c);
    if (s->count == 0)
        put(s, y + 1, 1, s->width - 1, A_DIM, CUT_END,
            *s->filter ? barrow_format("no row holds '%s'", s->filter)
                       : barrow_copy("nothing is live"));
}

/* ---- the last line ---- */

/* `key` stands out; returns the next free column. */
static int put_hint(const struct barrow_top_display *s, int x, const char *key, const char *words)
{
    int width = (int)(strlen(key) + 1 + strlen(words));

    if (x + width > s->width - 12)
        return s->width; /* the rest is in the help */
    put(s, s->height - 1, x, s->width - x, A_BOLD, CUT_END, barrow_copy(key));
    put(s, s->height - 1, x + (int)strlen(key) + 1, s->width - x, A_DIM, CUT_END,
        barrow_copy(words));
    return x + width + 2;
}

static void draw_hints(const struct barrow_top_display *s)
{
    char *sort = barrow_format("sort: %s", barrow_top_sort_names[s->sort]);
    char *by = barrow_format("by: %s", barrow_top_group_names[s->by]);
    int x = put_hint(s, 0, "q", "quit");

    x = put_hint(s, x, "h", "help");
    x = put_hint(s, x, "s", sort);
    x = put_hint(s, x, "g", by);
    x = put_hint(s, x, "/", "filter");
    x = put_hint(s, x, "b", "baseline");
    x = put_hint(s, x, "f", s->frozen ? "go on" : "freeze");
    free(sort);
    free(by);
}

static void draw_last_line(const struct barrow_top_display *s)
{
    size_t rows = barrow_top_page(s), end = s->scroll + rows;
    int y = s->height - 1;

    curs_set(s->editing ? 1 : 0);
    move(y, 0);
    clrtoeol(); /* help, or a row in a window too low for any, may reach down here */
    if (s->trouble) {
        put(s, y, 0, s->width, pair(s, PAIR_BAD) | A_BOLD, CUT_END, barrow_copy(s->trouble));
        return;
    }
    if (s->count > rows) {
        char *place =
            barrow_format("%zu-%zu/%zu", s->scroll + 1, end < s->count ? end : s->count, s->count);
        put_right(s, y, s->width, 20, A_DIM, place);
        free(place);
    }
    if (s->editing || *s->filter) {
        int x = put(s, y, 0, s->width / 2, A_BOLD, CUT_START, barrow_format("/%s", s->filter));
        put(s, y, x + 2, s->width - x - 22, A_DIM, CUT_END,
            barrow_copy(s->editing ? "Enter keeps it, Esc drops it" : "/ changes the filter"));
        move(y, x);
        return;
    }
    draw_hints(s);
}

/* ---- help ---- */

static const char *const help_lines[] = {
    "barrow top: what is live in a recorded program",
    "",
    "s       sort by live bytes, growth, rate, name",
    "g       group by line, function, file, module",
    "/       show rows that hold a text; Esc drops it",
    "b       set the baseline: growth counts from now",
    "r       reset it: growth counts from the first look",
    "f space freeze, go on",
    "arrows, PgUp, PgDn, Home, End  scroll",
    "h ?     this help      q  quit",
    "",
    "live    bytes allocated there and not yet freed",
    "growth  of live bytes, since the baseline",
    "rate    bytes allocated a second, since the last look",
};

static void draw_help(const struct barrow_top_display *s)
{
    enum { COUNT = sizeof help_lines / sizeof *help_lines, WIDTH = 58 };
    int width = WIDTH < s->width ? WIDTH : s->width;
    int height = COUNT + 2 < s->height ? COUNT + 2 : s->height;
    int y = (s->height - height) / 2, x = (s->width - width) / 2;

    for (int i = 0; i < height; i++) {
        attron(A_REVERSE);
        mvhline(y + i, x, ' ', width);
        attroff(A_REVERSE);
        if (i > 0 && i <= COUNT)
            put(s, y + i, x + 2, width - 4, i == 1 ? A_REVERSE | A_BOLD : A_REVERSE, CUT_END,
                barrow_copy(help_lines[i - 1]));
    }
}

void barrow_top_draw(struct barrow_top_display *s)
{
    getmaxyx(stdscr, s->height, s->width);
    erase();
    draw_facts(s);
    draw_curve(s, fact_rows(s), curve_rows(s));
    draw_table(s);
    if (s->help)
        draw_help(s);
    draw_last_line(s);
    refresh();
}

void barrow_top_start_colors(struct barrow_top_display *s)
{
    s->colors = has_colors() && start_color() == OK;
    if (!s->colors)
        return;
    use_default_colors();
    init_pair(PAIR_GOOD, COLOR_GREEN, -1);
    init_pair(PAIR_BAD, COLOR_YELLOW, -1);
    init_pair(PAIR_NAME, COLOR_CYAN, -1);
    init_pair(PAIR_CURVE, COLOR_MAGENTA, -1);
}

#endif
