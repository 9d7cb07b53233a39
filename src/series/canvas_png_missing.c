/* The canvas as pixels, in a build without libpng. */
#include "series/canvas.h"

int barrow_canvas_png(struct barrow_canvas *c, FILE *to, int width, int height, const char *title,
                      struct barrow_error *err)
{
    *c = (struct barrow_canvas){.width = width, .height = height, .to = to};
    (void)title;
    return barrow_fail(err, BARROW_E_UNSUPPORTED,
                       "this barrow was built without libpng: PNG pictures can't be written; "
                       "SVG can, and build with libpng-dev for PNG");
}
