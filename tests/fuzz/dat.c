/* Any bytes as a file of memory over time, drawn as a picture. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "series/picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void draw(const struct barrow_dat *dat)
{
    static const char *const names[] = {"fuzz.dat", "fuzz.dat"};
    struct barrow_dat both[] = {*dat, *dat};
    struct barrow_plot plot;
    struct barrow_canvas canvas;
    char *text = NULL;
    size_t length;

    if (barrow_plot_build(&plot, both, dat->calls.count % 2 + 1, BARROW_PICTURE_COLUMNS, NULL) < 0)
        abort();
    struct barrow_picture picture = {.plot = &plot, .names = names, .slope = true};
    FILE *to = open_memstream(&text, &length);
    int height = barrow_picture_height(&picture);
    if (barrow_canvas_svg(&canvas, to, BARROW_PICTURE_WIDTH, height, barrow_picture_title(&picture),
                          NULL) < 0)
        abort();
    barrow_picture_draw(&picture, &canvas);
    canvas.kind->end(&canvas, NULL);
    barrow_canvas_free(&canvas);
    fclose(to);
    free(text);
    barrow_plot_free(&plot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct barrow_dat dat;
    struct barrow_error err = {0};
    FILE *from = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;

    if (!from)
        return 0;
    if (barrow_dat_read(&dat, from, "fuzz.dat", &err) < 0) {
        if (!err.text[0] || strchr(err.text, '\n'))
            abort();
    } else {
        if (dat.self.readings.count)
            draw(&dat);
        barrow_dat_free(&dat);
    }
    fclose(from);
    return 0;
}
