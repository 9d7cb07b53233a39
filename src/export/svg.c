/* Cells are nested <svg> elements: they clip their text, and a <title> in them is shown under the
 * pointer.  Widths of text are estimated, since only the reader knows its fonts: monospaced letters
 * are 0.6 em wide, and whatever is wider anyway is clipped. */
#include "export/svg.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/map.h"
#include "base/units.h"
#include "base/utf8.h"

enum {
    WIDTH = 1200, /* pixels, as all of these */
    MARGIN = 12,
    RULER = WIDTH - 2 * MARGIN,
    TOP = 58, /* of the first row */
    ROW = 18,
    LINE = 17,   /* of text below the picture */
    PADDING = 4, /* left of a cell's text */
    HUES = 8,
    DEPTH = 200, /* rows unless asked for more */
    LABEL_AT_LEAST = 3
};
static const double LETTER = 7.23, GAP = 0.6;

/* ---- text ---- */

/* Characters that change what others look like, or that XML forbids. */
static bool is_harmful(uint32_t c)
{
    return barrow_utf8_is_control(c) || barrow_utf8_is_surrogate(c) ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0x61c || c == 0xfeff || (c & 0xfffe) == 0xfffe;
}

/* In letters; roughly, for what is not shown as it is. */
static size_t width_of(uint32_t c)
{
    if (c >= 0x300 && c < 0x370)
        return 0; /* marks on the letter before */
    return c >= 0x1100 ? 2 : 1;
}

/* One character of `text`, as XML if `to` is given; returns its bytes and adds to *width. */
static size_t put_character(FILE *to, const char *text, size_t *width)
{
    char escape[16] = "";
    uint32_t c = 0;
    size_t length = barrow_utf8_decode(text, &c);

    if (length == 0)
        snprintf(escape, sizeof escape, "\\x%02x", (unsigned char)*text);
    else if (is_harmful(c))
        snprintf(escape, sizeof escape, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
    *width += *escape ? strlen(escape) : width_of(c);
    if (to && *escape)
        fputs(escape, to);
    else if (to && (c == '&' || c == '<' || c == '>' || c == '"'))
        fprintf(to, "&#%u;", c);
    else if (to)
        fwrite(text, 1, length, to);
    return length ? length : 1;
}

static size_t measure(const char *text)
{
    size_t width = 0;

    while (*text)
        text += put_character(NULL, text, &width);
    return width;
}

static void put_text(FILE *to, const char *text)
{
    size_t width = 0;

    while (*text)
        text += put_character(to, text, &width);
}

static void put_fitted(FILE *to, const char *text, size_t room)
{
    size_t used = 0;
    bool fits = measure(text) <= room;

    while (*text) {
        size_t after = used;
        size_t length = put_character(NULL, text, &after);
        if (!fits && after + 1 > room) {
            fputs("\u2026", to);
            return;
        }
        put_character(to, text, &used);
        text += length;
    }
}

/* ---- cells ---- */

struct drawing {
    const struct barrow_svg_flame *of;
    struct barrow_flame flame;
    FILE *to;
    BARROW_ARRAY(unsigned char) colors; /* of the cells */
    BARROW_ARRAY(uint32_t) ends;        /* depth -> the last cell drawn there; 0: none */
};

static double x_of(const struct drawing *d, uint64_t bytes)
{
    return MARGIN + (double)bytes / (double)d->flame.cells[0].total.bytes * RULER;
}

static void put_share(FILE *to, uint64_t part, uint64_t whole)
{
    uint64_t permille = whole ? (uint64_t)((__uint128_t)part * 1000 / whole) : 0;

    fprintf(to, "%" PRIu64 ".%" PRIu64 "%%", permille / 10, permille % 10);
}

/* The file's name, with its folder where that alone says nothing: "json/__init__.py". */
static const char *short_file(const char *file)
{
    const char *name = strrchr(file, '/');

    name = name ? name + 1 : file;
    if (strncmp(name, "__", 2) == 0 && name - file > 1)
        for (name--; name > file && name[-1] != '/';)
            name--;
    return name;
}

static const char *name_of(const struct barrow_frame *frame)
{
    return *frame->function ? frame->function : "(no Python frame)";
}

static void put_tooltip(const struct drawing *d, const struct barrow_flame_cell *cell,
                        const struct barrow_frame *frame)
{
    char text[BARROW_UNITS_ROOM];
    FILE *to = d->to;

    fputs("<title>", to);
    if (!cell->count) {
        uint32_t recursion = d->of->tree->nodes[cell->node].recursion;
        put_text(to, name_of(frame));
        if (recursion > 1)
            fprintf(to, " (%" PRIu32 " deep)", recursion);
        fputc('\n', to);
        put_text(to, frame->file);
        if (frame->line)
            fprintf(to, ":%" PRIu32, frame->line);
        if (*frame->file)
            fputc('\n', to);
    } else {
        fprintf(to, "%s call%s too small to draw\n", barrow_units_count(text, cell->count),
                cell->count == 1 ? "" : "s");
    }
    fprintf(to, "%s, ", barrow_units_bytes(text, cell->total.bytes));
    put_share(to, cell->total.bytes, d->flame.cells[0].total.bytes);
    fprintf(to, ", in %s block%s", barrow_units_count(text, cell->total.blocks),
            cell->total.blocks == 1 ? "" : "s");
    if (cell->own.bytes && cell->own.bytes != cell->total.bytes && !d->of->inverted)
        fprintf(to, "\nown: %s", barrow_units_bytes(text, cell->own.bytes));
    fputs("</title>", to);
}

/* Name, recursion, place and size, as much of it as there is room for. */
static int put_label(const struct drawing *d, const struct barrow_flame_cell *cell,
                     const struct barrow_frame *frame, size_t room)
{
    char size[BARROW_UNITS_ROOM], deep[32] = "";
    uint32_t recursion = d->of->tree->nodes[cell->node].recursion;
    const char *name = name_of(frame);
    char *place = NULL, *texts[3] = {NULL, NULL, NULL}; /* from short to long */
    int rc = -1;

    barrow_units_bytes(size, cell->total.bytes);
    if (recursion > 1)
        snprintf(deep, sizeof deep, " (%" PRIu32 " deep)", recursion);
    if (*frame->file && asprintf(&place, "  %s:%" PRIu32, short_file(frame->file), frame->line) < 0)
        goto out;
    if (asprintf(&texts[0], "%s%s", name, deep) < 0 ||
        asprintf(&texts[1], "%s%s  %s", name, deep, size) < 0 ||
        asprintf(&texts[2], "%s%s%s  %s", name, deep, place ? place : "", size) < 0)
        goto out;
    int most = 2;
    while (most >= 0 && measure(texts[most]) > room)
        most--;
    fprintf(d->to, "<text x=\"%d\" y=\"13\">", PADDING);
    put_fitted(d->to, most >= 0 ? texts[most] : name, room);
    fputs("</text>", d->to);
    rc = 0;
out:
    for (int i = 0; i < 3; i++)
        free(texts[i]);
    free(place);
    return rc;
}

/* By module; another shade than the neighbours at the left and above have. */
static unsigned char color_of(struct drawing *d, uint32_t index, const struct barrow_frame *frame)
{
    const struct barrow_flame_cell *cells = d->flame.cells, *cell = &cells[index];
    uint32_t before = d->ends.items[cell->depth];
    uint32_t hash = barrow_hash_bytes(frame->module, strlen(frame->module));
    unsigned char color = (unsigned char)(hash % HUES * 2 + (cell->depth & 1));

    if (before && cells[before].start + cells[before].total.bytes == cell->start &&
        d->colors.items[before] == color)
        color ^= 1;
    return color;
}

static int put_cell(struct drawing *d, uint32_t index)
{
    const struct barrow_flame_cell *cell = &d->flame.cells[index];
    struct barrow_frame frame = barrow_calltree_frame(d->of->tree, d->of->profile, cell->node);
    double x = x_of(d, cell->start), width = x_of(d, cell->start + cell->total.bytes) - x;
    int rc = 0;

    fprintf(d->to, "<svg x=\"%.1f\" y=\"%" PRIu32 "\" width=\"%.1f\" height=\"%d\">", x,
            TOP + (cell->depth - 1) * ROW, width > 2 * GAP ? width - GAP : width, ROW - 1);
    put_tooltip(d, cell, &frame);
    if (!cell->count) {
        d->colors.items[index] = color_of(d, index, &frame);
        fprintf(d->to, "<rect class=\"c%d\"/>", d->colors.items[index]);
    } else {
        d->colors.items[index] = 0xff;
        fputs("<rect class=\"rest\"/>", d->to);
    }
    double letters = (width - 2 * PADDING) / LETTER;
    if (!cell->count && letters >= LABEL_AT_LEAST)
        rc = put_label(d, cell, &frame, (size_t)letters);
    fputs("</svg>\n", d->to);
    d->ends.items[cell->depth] = index;
    return rc;
}

/* ---- around them ---- */

/* Hues are warm; light cells with dark letters, and the other way round on dark pages. */
static void put_style(FILE *to)
{
    static const int hues[HUES] = {28, 8, 46, 352, 18, 54, 36, 342};

    fputs("<style>\n"
          "svg{color-scheme:light dark}\n"
          "text{font:12px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;"
          "fill:#2a1c10;white-space:pre}\n"
          ".page{fill:#fff}.head{font-size:15px;font-weight:bold}.note{fill:#6b5f55}\n"
          "rect{width:100%;height:100%}.rest{fill:#d5d0ca}\n"
          "svg svg:hover rect{stroke:#2a1c10;stroke-width:2}\n",
          to);
    for (int i = 0; i < HUES; i++)
        fprintf(to, ".c%d{fill:hsl(%d 82%% 76%%)}.c%d{fill:hsl(%d 78%% 69%%)}\n", 2 * i, hues[i],
                2 * i + 1, hues[i]);
    fputs("@media(prefers-color-scheme:dark){\n"
          "text{fill:#f3ece5}.page{fill:#17140f}.note{fill:#a89c90}.rest{fill:#4a4540}\n"
          "svg svg:hover rect{stroke:#f3ece5}\n",
          to);
    for (int i = 0; i < HUES; i++)
        fprintf(to, ".c%d{fill:hsl(%d 48%% 33%%)}.c%d{fill:hsl(%d 46%% 27%%)}\n", 2 * i, hues[i],
                2 * i + 1, hues[i]);
    fputs("}\n</style>\n", to);
}

static void begin_line(const struct drawing *d, const char *class, int y)
{
    fprintf(d->to, "<text class=\"%s\" x=\"%d\" y=\"%d\">", class, MARGIN, y);
}

static void put_headline(const struct drawing *d)
{
    static const char *const words[BARROW_METRIC_COUNT] = {
#define X(name, text, words) [BARROW_METRIC_##name] = words,
        BARROW_METRICS(X)
#undef X
    };
    const struct barrow_profile *p = d->of->profile;
    char text[BARROW_UNITS_ROOM];

    fprintf(d->to, "%s: %s", words[d->of->metric],
            barrow_units_bytes(text, d->flame.cells[0].total.bytes));
    if (d->of->metric == BARROW_METRIC_PEAK && !d->of->filter)
        fprintf(d->to, " after %s", barrow_units_duration(text, p->peak_ns));
    else
        fprintf(d->to, " in %s blocks", barrow_units_count(text, d->flame.cells[0].total.blocks));
    if (d->of->filter) {
        fputs(", only ", d->to);
        put_fitted(d->to, d->of->filter, 60);
    }
}

static void put_head(const struct drawing *d, int height)
{
    const char *command = d->of->profile->command;

    fprintf(d->to,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\">\n<title>barrow flame: ",
            WIDTH, height, WIDTH, height);
    put_text(d->to, command ? command : "");
    fputs("</title>\n", d->to);
    put_style(d->to);
    fputs("<rect class=\"page\"/>\n", d->to);
    begin_line(d, "head", 26);
    put_headline(d);
    fputs("</text>\n", d->to);
    begin_line(d, "note", 46);
    put_fitted(d->to, command && *command ? command : "(no command)", 80);
    fprintf(d->to, " \u00b7 %s</text>\n",
            d->of->inverted ? "what allocated at the top, its callers below it"
                            : "callers at the top, what they call below them");
}

static void put_foot(const struct drawing *d, int y)
{
    uint64_t count = 0, bytes = 0;
    char number[BARROW_UNITS_ROOM], size[BARROW_UNITS_ROOM];

    for (size_t i = 1; i < d->flame.count; i++)
        if (d->flame.cells[i].count) {
            count += d->flame.cells[i].count;
            bytes += d->flame.cells[i].total.bytes;
        }
    if (d->flame.count == 1) {
        begin_line(d, "note", y);
        fputs("nothing to show</text>\n", d->to);
    }
    if (d->flame.hidden) {
        begin_line(d, "note", y);
        fprintf(d->to, "+%s levels deeper</text>\n", barrow_units_count(number, d->flame.hidden));
        y += LINE;
    }
    if (count) {
        begin_line(d, "note", y);
        fprintf(d->to, "grey: %s call%s too small to draw, %s in all</text>\n",
                barrow_units_count(number, count), count == 1 ? "" : "s",
                barrow_units_bytes(size, bytes));
    }
    fputs("</svg>\n", d->to);
}

static int draw(struct drawing *d)
{
    int bottom = TOP + (int)d->flame.depth * ROW + LINE;
    int rc = 0;

    if (!barrow_array_reserve(&d->colors, d->flame.count) ||
        !barrow_array_reserve(&d->ends, (size_t)d->flame.depth + 1))
        return -1;
    memset(d->ends.items, 0, ((size_t)d->flame.depth + 1) * sizeof *d->ends.items);
    put_head(d, bottom + LINE + MARGIN);
    for (uint32_t i = 1; rc == 0 && i < d->flame.count; i++)
        rc = put_cell(d, i);
    put_foot(d, bottom);
    return rc;
}

int barrow_svg_flame(const struct barrow_svg_flame *picture, FILE *to, struct barrow_error *err)
{
    struct drawing d = {.of = picture, .to = to};
    struct barrow_flame_limits limits = {.inverted = picture->inverted,
                                         .max_depth =
                                             picture->max_depth ? picture->max_depth : DEPTH,
                                         .least_bytes = picture->least_bytes};

    if (barrow_flame_build(&d.flame, picture->tree, &limits, err) < 0)
        return -1;
    int rc = draw(&d);
    free(d.colors.items);
    free(d.ends.items);
    barrow_flame_free(&d.flame);
    return rc < 0 ? barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory for the picture") : 0;
}
