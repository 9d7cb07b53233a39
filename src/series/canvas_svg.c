/* The canvas as SVG: one file, no scripts, nothing loaded from elsewhere; dark on dark pages. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "series/canvas.h"

const struct barrow_ink_color barrow_ink_colors[BARROW_INK_COUNT] = {
#define X(name, light, dark) {#name, light, dark},
    BARROW_INKS(X)
#undef X
};

/* Well-formed XML whatever the bytes are. */
static void put_text(FILE *to, const char *text)
{
    while (*text) {
        uint32_t c = 0;
        size_t length = barrow_utf8_decode(text, &c);
        bool is_bad = length == 0 || barrow_utf8_is_surrogate(c) || barrow_utf8_is_control(c) ||
                      c == 0xfffe || c == 0xffff;
        if (is_bad)
            fputs("\ufffd", to);
        else if (c == '<' || c == '>' || c == '&')
            fputs(c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&amp;", to);
        else
            fwrite(text, 1, length, to);
        text += length ? length : 1;
    }
}

static void put_spots(FILE *to, const struct barrow_spot *spots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fprintf(to, "%s%.1f,%.1f", i ? " " : "", spots[i].x, spots[i].y);
}

static void svg_line(struct barrow_canvas *c, const struct barrow_spot *spots, size_t count,
                     enum barrow_ink ink, double width, bool dashed)
{
    fprintf(c->to, "<polyline class=\"l%d\" stroke-width=\"%g\"%s points=\"", ink, width,
            dashed ? " stroke-dasharray=\"6 4\"" : "");
    put_spots(c->to, spots, count);
    fputs("\"/>\n", c->to);
}

static void svg_area(struct barrow_canvas *c, const struct barrow_spot *spots, size_t count,
                     double base, enum barrow_ink ink)
{
    if (!count)
        return;
    fprintf(c->to, "<polygon class=\"a%d\" points=\"%.1f,%.1f ", ink, spots[0].x, base);
    put_spots(c->to, spots, count);
    fprintf(c->to, " %.1f,%.1f\"/>\n", spots[count - 1].x, base);
}

static void svg_text(struct barrow_canvas *c, double x, double y, enum barrow_anchor anchor,
                     double size, enum barrow_ink ink, bool bold, const char *text)
{
    static const char *const anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};

    fprintf(c->to, "<text class=\"t%d\" x=\"%.1f\" y=\"%.1f\" font-size=\"%g\"%s%s>", ink, x, y,
            size, anchors[anchor], bold ? " font-weight=\"bold\"" : "");
    put_text(c->to, text);
    fputs("</text>\n", c->to);
}

static int svg_end(struct barrow_canvas *c, struct barrow_error *err)
{
    (void)err;
    fputs("</svg>\n", c->to);
    return 0;
}

static const struct barrow_canvas_kind svg_kind = {
    .line = svg_line,
    .area = svg_area,
    .text = svg_text,
    .end = svg_end,
};

static void put_inks(FILE *to, bool dark)
{
    for (int i = 0; i < BARROW_INK_COUNT; i++) {
        unsigned color = dark ? barrow_ink_colors[i].dark : barrow_ink_colors[i].light;
        fprintf(to, ".l%d{stroke:#%06x}.a%d,.t%d{fill:#%06x}\n", i, color, i, i, color);
    }
}

int barrow_canvas_svg(struct barrow_canvas *c, FILE *to, int width, int height, const char *title,
                      struct barrow_error *err)
{
    (void)err;
    *c = (struct barrow_canvas){.kind = &svg_kind, .width = width, .height = height, .to = to};
    fprintf(to,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\">\n<title>",
            width, height, width, height);
    put_text(to, title);
    fputs("</title>\n<style>\n"
          "svg{color-scheme:light dark}\n"
          "text{font-family:ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;"
          "white-space:pre}\n"
          "polyline{fill:none;stroke-linejoin:round;stroke-linecap:round}"
          "polygon{fill-opacity:.13}\n",
          to);
    put_inks(to, false);
    fputs("@media(prefers-color-scheme:dark){\n", to);
    put_inks(to, true);
    fprintf(to, "}\n</style>\n<rect class=\"t%d\" width=\"100%%\" height=\"100%%\"/>\n",
            BARROW_INK_PAGE);
    return 0;
}
