/* What pictures are drawn with: lines, areas and text, in pixels from the upper left corner.
 *
 * A canvas is one way to keep a picture: SVG text, PNG pixels.  Both letter in a font whose
 * letters are all 0.6 times its size wide, so that a layout can count them.  Not thread-safe.
 */
#ifndef BARROW_SERIES_CANVAS_H
#define BARROW_SERIES_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

/* X(name, on light pages, on dark ones); the hues of lines come last and together. */
#define BARROW_INKS(X)                    \
    X(PAGE, 0xffffff, 0x17140f)           \
    X(TEXT, 0x2a1c10, 0xf3ece5)           \
    X(NOTE, 0x6b5f55, 0xa89c90)           \
    X(GRID, 0xe8e2dc, 0x37322c)           \
    X(AXIS, 0x8a7f75, 0x7d736a)           \
    X(PEAK, 0xc0281c, 0xff7a68)           \
    X(HUE_0, 0xb4500a, 0xf0954a)          \
    X(HUE_1, 0x1f6fb2, 0x6bb5ef)          \
    X(HUE_2, 0x2c7a3f, 0x6fcb85)          \
    X(HUE_3, 0x8a3fa0, 0xcf8fe2)          \
    X(HUE_4, 0x9a7d00, 0xdcc24a)          \
    X(HUE_5, 0x0f7f86, 0x55c9cf)          \
    X(HUE_6, 0xb23a6b, 0xf08bb4)          \
    X(HUE_7, 0x5a5f6b, 0xaab0bd)

enum barrow_ink {
#define X(name, light, dark) BARROW_INK_##name,
    BARROW_INKS(X)
#undef X
    BARROW_INK_COUNT,
    BARROW_INK_HUES = BARROW_INK_COUNT - BARROW_INK_HUE_0
};

struct barrow_ink_color {
    const char *name; /* in lower case */
    unsigned light, dark;
};
extern const struct barrow_ink_color barrow_ink_colors[BARROW_INK_COUNT];

struct barrow_spot {
    double x, y;
};

enum barrow_anchor { BARROW_ANCHOR_START, BARROW_ANCHOR_MIDDLE, BARROW_ANCHOR_END };

struct barrow_canvas;
struct barrow_canvas_kind {
    void (*line)(struct barrow_canvas *c, const struct barrow_spot *spots, size_t count,
                 enum barrow_ink ink, double width, bool dashed);
    /* Ends of the area are those of the line through `spots`; it goes down to `base`. */
    void (*area)(struct barrow_canvas *c, const struct barrow_spot *spots, size_t count,
                 double base, enum barrow_ink ink);
    /* (x, y): on the base line. */
    void (*text)(struct barrow_canvas *c, double x, double y, enum barrow_anchor anchor,
                 double size, enum barrow_ink ink, bool bold, const char *text);
    /* Writes the picture; nothing more can be drawn.  Write errors stay in the stream. */
    int (*end)(struct barrow_canvas *c, struct barrow_error *err);
    void (*free)(struct barrow_canvas *c); /* NULL: nothing to free */
};

#define BARROW_LETTER_WIDTH 0.6 /* of the font's size */

struct barrow_canvas {
    const struct barrow_canvas_kind *kind;
    int width, height;
    FILE *to;
    void *own; /* of the kind */
};

/* Both begin with the page's colour.  `title` is told to readers of the file, not drawn. */
int barrow_canvas_svg(struct barrow_canvas *c, FILE *to, int width, int height, const char *title,
                      struct barrow_error *err);
/* Twice as many pixels each way, for sharp screens.  Fails where barrow was built without libpng:
 * UNSUPPORTED. */
int barrow_canvas_png(struct barrow_canvas *c, FILE *to, int width, int height, const char *title,
                      struct barrow_error *err);
/* Also after a failure. */
static inline void barrow_canvas_free(struct barrow_canvas *c)
{
    if (c->kind && c->kind->free)
        c->kind->free(c);
    c->own = NULL;
}

#endif
