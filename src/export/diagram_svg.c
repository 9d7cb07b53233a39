/* Diagrams as SVG.
 *
 * Layout: each tree takes as much width as its leaves need; a box stands in the middle above its
 * children. Layers have the height of a box and room for the labels of arrows.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "export/diagram.h"

enum {
    MARGIN = 20, /* pixels, as all of these */
    TOP = 44,    /* of the first layer */
    BOX = 40,    /* height of one */
    LAYER = 84,  /* from one to the next */
    GAP = 18,    /* between boxes */
    PADDING = 10,
    LEAST = 74, /* width of a box */
    CUT = 34    /* letters of a line that are shown */
};
static const double LETTER = 6.7, SMALL_LETTER = 6.0;

struct place {
    double x, width; /* the box: its middle */
    double room;     /* what the tree below takes */
    double children; /* of that: what the children take */
    double cursor;   /* where the next child goes */
    uint32_t layer;
};

struct drawing {
    const struct barrow_diagram *d;
    FILE *to;
    struct place *places;
    double width;
    uint32_t layers;
};

/* ---- text ---- */

static size_t letters(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count < CUT ? count : CUT;
}

/* Well-formed XML whatever the bytes are; longer texts than CUT lose their middle. */
static void put_text(FILE *to, const char *text, size_t most)
{
    size_t all = 0, at = 0, head = most / 2;

    for (const char *p = text; *p; p++)
        all += ((unsigned char)*p & 0xc0) != 0x80;
    while (*text) {
        uint32_t c = 0;
        size_t length = barrow_utf8_decode(text, &c), step = length ? length : 1;
        bool left_out = all > most && at >= head && at < all - (most - head - 1);
        if (left_out && at == head)
            fputs("\u2026", to);
        if (!left_out) {
            if (length == 0 || barrow_utf8_is_surrogate(c) || barrow_utf8_is_control(c) ||
                (c & 0xfffe) == 0xfffe)
                fputs("\ufffd", to);
            else if (c == '<' || c == '>' || c == '&')
                fputs(c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&amp;", to);
            else
                fwrite(text, 1, length, to);
        }
        at++;
        text += step;
    }
}

/* ---- layout ---- */

static double box_width(const struct barrow_diagram_node *n)
{
    double title = LETTER * (double)letters(n->title);
    double detail = SMALL_LETTER * (double)letters(n->detail);
    double label = n->label ? SMALL_LETTER * (double)letters(n->label) : 0;
    double widest = title > detail ? title : detail;

    widest = widest + 2 * PADDING > label + PADDING ? widest + 2 * PADDING : label + PADDING;
    return widest < LEAST ? LEAST : widest;
}

/* Parents come before children: widths from the end, places from the beginning. */
static void lay_out(struct drawing *g)
{
    const struct barrow_diagram *d = g->d;
    double right = MARGIN;

    for (uint32_t i = d->count; i-- > 0;) {
        struct place *p = &g->places[i];
        p->width = box_width(&d->nodes[i]);
        p->room = p->children > p->width ? p->children : p->width;
        if (d->nodes[i].parent != DIAGRAM_NONE) {
            struct place *parent = &g->places[d->nodes[i].parent];
            parent->children += p->room + (parent->children > 0 ? GAP : 0);
        }
    }
    for (uint32_t i = 0; i < d->count; i++) {
        struct place *p = &g->places[i];
        const struct barrow_diagram_node *n = &d->nodes[i];
        double left;
        if (n->parent != DIAGRAM_NONE) {
            struct place *parent = &g->places[n->parent];
            left = parent->cursor;
            parent->cursor += p->room + GAP;
            p->layer = parent->layer + 1;
        } else {
            left = right;
            right += p->room + GAP;
            if (n->beside != DIAGRAM_NONE && g->places[n->beside].layer)
                p->layer = g->places[n->beside].layer - 1;
        }
        p->x = left + p->room / 2;
        p->cursor = left + (p->room - p->children) / 2;
        if (p->layer + 1 > g->layers)
            g->layers = p->layer + 1;
    }
    g->width = right - GAP + MARGIN;
}

static double y_of(const struct drawing *g, uint32_t node)
{
    return TOP + (double)g->places[node].layer * LAYER;
}

/* ---- drawing ---- */

static void put_style(FILE *to)
{
    static const char *const names[] = {
#define X(name, word, light, dark) word,
        DIAGRAM_KINDS(X)
#undef X
    };
    static const char *const light[] = {
#define X(name, word, light, dark) light,
        DIAGRAM_KINDS(X)
#undef X
    };
    static const char *const dark[] = {
#define X(name, word, light, dark) dark,
        DIAGRAM_KINDS(X)
#undef X
    };
    enum { KINDS = sizeof names / sizeof *names };

    fputs("<style>\n"
          "text{font:12px system-ui,sans-serif;fill:#1f2430;text-anchor:middle}\n"
          ".s{font-size:11px;fill:#5a6372}.l{font-size:11px;fill:#394150}"
          ".t{font-size:14px;font-weight:600;text-anchor:start}\n"
          ".bg{fill:#fff}.b{stroke:#8a93a3;rx:6px}.e{fill:none;stroke:#8a93a3}.h{fill:#8a93a3}"
          ".k{fill:#fff;opacity:.85}\n"
          ".target{stroke:#c2410c;stroke-width:2}.more{stroke-dasharray:4 3}"
          ".d{stroke-dasharray:5 4}\n",
          to);
    for (int i = 0; i < KINDS; i++)
        fprintf(to, ".%s{fill:%s}", names[i], light[i]);
    fputs("\n@media (prefers-color-scheme:dark){.bg,.k{fill:#15181d}text{fill:#e6e9ef}"
          ".s{fill:#a3adbd}.l{fill:#c4ccd8}",
          to);
    for (int i = 0; i < KINDS; i++)
        fprintf(to, ".%s{fill:%s}", names[i], dark[i]);
    fputs("}\n</style>\n", to);
}

static void put_box(const struct drawing *g, uint32_t i)
{
    const struct barrow_diagram_node *n = &g->d->nodes[i];
    const struct place *p = &g->places[i];
    double y = y_of(g, i);

    fputs("<g><title>", g->to);
    put_text(g->to, n->title, 400);
    fputs("\n", g->to);
    put_text(g->to, n->detail, 400);
    fprintf(g->to,
            "</title><rect class=\"b %s\" rx=\"6\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
            "height=\"%d\"/>",
            barrow_diagram_kinds[n->kind], p->x - p->width / 2, y, p->width, BOX);
    fprintf(g->to, "<text x=\"%.1f\" y=\"%.1f\">", p->x, y + (*n->detail ? 17 : 25));
    put_text(g->to, n->title, CUT);
    fputs("</text>", g->to);
    if (*n->detail) {
        fprintf(g->to, "<text class=\"s\" x=\"%.1f\" y=\"%.1f\">", p->x, y + 32);
        put_text(g->to, n->detail, CUT);
        fputs("</text>", g->to);
    }
    fputs("</g>\n", g->to);
}

static void put_arrow(const struct drawing *g, uint32_t from, uint32_t to, const char *label,
                      const char *class)
{
    double x1 = g->places[from].x, y1 = y_of(g, from) + BOX;
    double x2 = g->places[to].x, y2 = y_of(g, to) - 1, middle = (y1 + y2) / 2;

    fprintf(g->to,
            "<path class=\"e%s\" marker-end=\"url(#a)\" d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f "
            "%.1f\"/>\n",
            class, x1, y1, x1, middle, x2, middle, x2, y2);
    if (!label || !*label)
        return;
    double width = SMALL_LETTER * (double)letters(label) + 4;
    bool extra = *class != '\0'; /* the place above the box is that of the arrow from its parent */
    double x = extra ? (x1 + x2) / 2 : x2, y = extra ? middle - 8 : y2 - 27;
    fprintf(g->to,
            "<rect class=\"k\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"15\"/>"
            "<text class=\"l\" x=\"%.1f\" y=\"%.1f\">",
            x - width / 2, y, width, x, y + 11);
    put_text(g->to, label, CUT);
    fputs("</text>\n", g->to);
}

int barrow_diagram_svg(const struct barrow_diagram *d, FILE *to, struct barrow_error *err)
{
    struct drawing g = {.d = d, .to = to, .places = calloc(d->count + 1u, sizeof *g.places)};

    if (!g.places)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "not enough memory for a picture");
    lay_out(&g);
    double title = MARGIN * 2 + 8.5 * (double)letters(d->title);
    double width = g.width > title ? g.width : title;
    double height = TOP + g.layers * (double)LAYER - (LAYER - BOX) + MARGIN;
    fprintf(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
            "viewBox=\"0 0 %.0f %.0f\">\n",
            width, height, width, height);
    put_style(to);
    fputs(
        "<defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" "
        "markerHeight=\"7\" orient=\"auto\"><path class=\"h\" d=\"M0 0L8 4L0 8z\"/></marker></defs>"
        "\n<rect class=\"bg\" width=\"100%\" height=\"100%\"/>\n",
        to);
    fprintf(to, "<text class=\"t\" x=\"%d\" y=\"26\">", MARGIN);
    put_text(to, d->title, 120);
    fputs("</text>\n", to);
    for (uint32_t i = 0; i < d->count; i++)
        if (d->nodes[i].parent != DIAGRAM_NONE)
            put_arrow(&g, d->nodes[i].parent, i, d->nodes[i].label, "");
    for (uint32_t i = 0; i < d->edge_count; i++)
        put_arrow(&g, d->edges[i].from, d->edges[i].to, d->edges[i].label, " d");
    for (uint32_t i = 0; i < d->count; i++)
        put_box(&g, i);
    fputs("</svg>\n", to);
    free(g.places);
    return 0;
}
