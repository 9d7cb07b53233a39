/* The canvas as pixels, written by libpng.
 *
 * A line is drawn in two steps: how much of each pixel its pen covers goes into `mask`, where a
 * pixel that several pieces touch keeps the most; then the touched part is mixed into `pixels` with
 * the ink, and the mask is empty again.  So joints of a line aren't darker than the line.
 */
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "series/canvas.h"
#include "series/letters.h"

enum { SCALE = 2 };

struct png {
    int width, height;     /* in pixels, not in the canvas's units */
    unsigned char *pixels; /* red, green, blue */
    unsigned char *mask;
    int left, top, right, bottom; /* what was touched of the mask */
    char *title;
};

/* ---- the pen ---- */

static double clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static double distance(double px, double py, struct barrow_spot a, struct barrow_spot b)
{
    double dx = b.x - a.x, dy = b.y - a.y, square = dx * dx + dy * dy;
    double t = square > 0 ? clamp(((px - a.x) * dx + (py - a.y) * dy) / square, 0, 1) : 0;

    return hypot(px - a.x - t * dx, py - a.y - t * dy);
}

/* From a to b, in pixels; `half`: of the pen's width. */
static void cover(struct png *p, struct barrow_spot a, struct barrow_spot b, double half)
{
    int left = (int)clamp(floor(fmin(a.x, b.x) - half - 1), 0, p->width),
        right = (int)clamp(ceil(fmax(a.x, b.x) + half + 1), 0, p->width),
        top = (int)clamp(floor(fmin(a.y, b.y) - half - 1), 0, p->height),
        bottom = (int)clamp(ceil(fmax(a.y, b.y) + half + 1), 0, p->height);

    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++) {
            double share = clamp(half + 0.5 - distance(x + 0.5, y + 0.5, a, b), 0, 1);
            unsigned char *at = &p->mask[(size_t)y * (size_t)p->width + (size_t)x];
            if (share * 255 > *at)
                *at = (unsigned char)(share * 255);
        }
    p->left = left < p->left ? left : p->left;
    p->right = right > p->right ? right : p->right;
    p->top = top < p->top ? top : p->top;
    p->bottom = bottom > p->bottom ? bottom : p->bottom;
}

static void mix(struct png *p, size_t at, enum barrow_ink ink, double share)
{
    unsigned color = barrow_ink_colors[ink].light;

    for (int i = 0; i < 3; i++) {
        unsigned char *byte = &p->pixels[at * 3 + (size_t)i];
        double wanted = (color >> (16 - 8 * i)) & 0xff;
        *byte = (unsigned char)(*byte + (wanted - *byte) * share + 0.5);
    }
}

static void forget_mask(struct png *p)
{
    p->left = p->width;
    p->top = p->height;
    p->right = p->bottom = 0;
}

static void ink_mask(struct png *p, enum barrow_ink ink)
{
    for (int y = p->top; y < p->bottom; y++)
        for (int x = p->left; x < p->right; x++) {
            size_t at = (size_t)y * (size_t)p->width + (size_t)x;
            if (p->mask[at])
                mix(p, at, ink, p->mask[at] / 255.0);
            p->mask[at] = 0;
        }
    forget_mask(p);
}

/* ---- what a canvas can ---- */

static struct barrow_spot scaled(struct barrow_spot spot)
{
    return (struct barrow_spot){spot.x * SCALE, spot.y * SCALE};
}

static void cover_dashed(struct png *p, struct barrow_spot a, struct barrow_spot b, double half)
{
    static const double dash = 6 * SCALE, gap = 4 * SCALE;
    double length = hypot(b.x - a.x, b.y - a.y);

    for (double at = 0; at < length; at += dash + gap) {
        double from = at / length, to = fmin(at + dash, length) / length;
        cover(p, (struct barrow_spot){a.x + (b.x - a.x) * from, a.y + (b.y - a.y) * from},
              (struct barrow_spot){a.x + (b.x - a.x) * to, a.y + (b.y - a.y) * to}, half);
    }
}

static void png_line(struct barrow_canvas *c, const struct barrow_spot *spots, size_t count,
                     enum barrow_ink ink, double width, bool dashed)
{
    struct png *p = c->own;

    for (size_t i = 0; i < count; i++) {
        struct barrow_spot a = scaled(spots[i ? i - 1 : 0]), b = scaled(spots[i]);
        if (dashed)
            cover_dashed(p, a, b, width * SCALE / 2);
        else
            cover(p, a, b, width * SCALE / 2);
    }
    ink_mask(p, ink);
}

static void png_area(struct barrow_canvas *c, const struct barrow_spot *spots, size_t count,
                     double base, enum barrow_ink ink)
{
    struct png *p = c->own;

    for (size_t i = 1; i < count; i++) {
        struct barrow_spot a = scaled(spots[i - 1]), b = scaled(spots[i]);
        int left = (int)clamp(ceil(a.x - 0.5), 0, p->width),
            right = (int)clamp(ceil(b.x - 0.5), 0, p->width),
            bottom = (int)clamp(base * SCALE, 0, p->height);
        for (int x = left; x < right; x++) {
            double y = a.y + (b.y - a.y) * clamp((x + 0.5 - a.x) / (b.x - a.x), 0, 1);
            for (int row = (int)clamp(y, 0, p->height); row < bottom; row++)
                mix(p, (size_t)row * (size_t)p->width + (size_t)x, ink, 0.13);
        }
    }
}

/* One letter, its lower left corner at (x, y); `unit`: of the letters' grid. */
static void put_letter(struct png *p, double x, double y, double unit, double half,
                       const char *strokes)
{
    struct barrow_spot before = {0, 0};
    bool is_first = true;

    for (const char *s = strokes; *s; s++) {
        if (*s == ' ') {
            is_first = true;
            continue;
        }
        struct barrow_spot here = {x + (s[0] - '0') * unit,
                                   y - (s[1] - '0' - BARROW_LETTER_BASE) * unit};
        if (!is_first)
            cover(p, before, here, half);
        is_first = false;
        before = here;
        s++;
    }
}

static size_t count_letters(const char *text)
{
    size_t count = 0;
    uint32_t c;

    for (; *text; count++) {
        size_t length = barrow_utf8_decode(text, &c);
        text += length ? length : 1;
    }
    return count;
}

static void png_text_of(struct barrow_canvas *c, double x, double y, enum barrow_anchor anchor,
                        double size, enum barrow_ink ink, bool bold, const char *text)
{
    struct png *p = c->own;
    double unit = size * SCALE * BARROW_LETTER_WIDTH / BARROW_LETTER_STEP,
           width = unit * BARROW_LETTER_STEP * (double)count_letters(text),
           half = unit * (bold ? 0.72 : 0.48);

    x = x * SCALE + unit / 2 -
        (anchor == BARROW_ANCHOR_START ? 0
         : anchor == BARROW_ANCHOR_END ? width
                                       : width / 2);
    while (*text) {
        uint32_t character = 0xfffd;
        size_t length = barrow_utf8_decode(text, &character);
        put_letter(p, x, y * SCALE, unit, half, barrow_letter(character));
        ink_mask(p, ink);
        x += unit * BARROW_LETTER_STEP;
        text += length ? length : 1;
    }
}

/* ---- the file ---- */

static void keep_message(png_structp png, png_const_charp message)
{
    struct barrow_error *err = png_get_error_ptr(png);

    barrow_fail(err, BARROW_E_IO, "can't make the PNG: %s", message);
    longjmp(png_jmpbuf(png), 1);
}

static void ignore_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void put_title(png_structp png, png_infop info, char *title)
{
    static char key[] = "Title", software_key[] = "Software", software[] = "barrow " BARROW_VERSION;
    png_text text[2] = {
        {.compression = PNG_TEXT_COMPRESSION_NONE, .key = key, .text = title},
        {.compression = PNG_TEXT_COMPRESSION_NONE, .key = software_key, .text = software}};

    png_set_text(png, info, text, 2);
}

static int png_end(struct barrow_canvas *c, struct barrow_error *err)
{
    struct png *p = c->own;
    struct barrow_error why = {0};
    png_structp png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, &why, keep_message, ignore_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;

    if (!info) {
        png_destroy_write_struct(&png, NULL);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory for the picture");
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        if (err)
            *err = why;
        return -1;
    }
    png_init_io(png, c->to);
    png_set_IHDR(png, info, (png_uint_32)p->width, (png_uint_32)p->height, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_pHYs(png, info, 3780 * SCALE, 3780 * SCALE, PNG_RESOLUTION_METER); /* 96 dpi each */
    png_set_filter(png, 0, PNG_FILTER_UP); /* rows are much like those above them */
    put_title(png, info, p->title);
    png_write_info(png, info);
    for (int y = 0; y < p->height; y++)
        png_write_row(png, p->pixels + (size_t)y * (size_t)p->width * 3);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    return 0;
}

static void png_free_canvas(struct barrow_canvas *c)
{
    struct png *p = c->own;

    if (p) {
        free(p->pixels);
        free(p->mask);
        free(p->title);
    }
    free(p);
}

static const struct barrow_canvas_kind png_kind = {
    .line = png_line,
    .area = png_area,
    .text = png_text_of,
    .end = png_end,
    .free = png_free_canvas,
};

int barrow_canvas_png(struct barrow_canvas *c, FILE *to, int width, int height, const char *title,
                      struct barrow_error *err)
{
    struct png *p = calloc(1, sizeof *p);
    size_t count = (size_t)width * SCALE * (size_t)height * SCALE;

    *c = (struct barrow_canvas){&png_kind, width, height, to, p};
    if (p) {
        p->width = width * SCALE;
        p->height = height * SCALE;
        p->pixels = malloc(count * 3);
        p->mask = calloc(count, 1);
        p->title = strdup(title);
    }
    if (!p || !p->pixels || !p->mask || !p->title)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory for the picture");
    memset(p->pixels, 0xff, count * 3);
    forget_mask(p);
    return 0;
}
