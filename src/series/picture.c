#include "series/picture.h"

#include <math.h>
#include <string.h>

#include "base/units.h"
#include "base/utf8.h"

enum {
    LEFT = 76,
    RIGHT = 24,
    TOP = 84,
    PLOT_HEIGHT = 360,
    LEGEND_TOP = 58, /* below the plot */
    ROW = 20,
    SWATCH = 22,
    GAP = 26,
    LABEL = 12,
    HEAD = 16,
    MOST_ENTRIES = 40,
    MOST_CALLS = 4000,
    NAME_ROOM = 60, /* letters of a legend's entry */
    BRACKET = 9,
    FOOT = 5
};

static const double mib = 1 << 20;

struct layout {
    const struct barrow_picture *of;
    struct barrow_canvas *canvas; /* NULL: only measure */
    double top_mib, step_mib, step_s, width;
    double legend_x, legend_y;
    int entries;
};

/* ---- places ---- */

static double x_of(const struct layout *l, double time_s)
{
    return LEFT + time_s / l->of->plot->seconds * l->width;
}

static double y_of(const struct layout *l, double bytes)
{
    return TOP + PLOT_HEIGHT * (1 - bytes / mib / l->top_mib);
}

static struct barrow_spot spot_of(const struct layout *l, struct barrow_reading reading)
{
    return (struct barrow_spot){x_of(l, reading.time_s), y_of(l, (double)reading.bytes)};
}

static void draw_line(const struct layout *l, struct barrow_spot a, struct barrow_spot b,
                      enum barrow_ink ink, double width, bool dashed)
{
    struct barrow_spot spots[] = {a, b};

    l->canvas->kind->line(l->canvas, spots, 2, ink, width, dashed);
}

static void put_text(const struct layout *l, double x, double y, enum barrow_anchor anchor,
                     enum barrow_ink ink, const char *text)
{
    l->canvas->kind->text(l->canvas, x, y, anchor, LABEL, ink, false, text);
}

/* The first `room` letters of a text, the last of them "…" if there are more. */
static void fit(char *to, size_t bytes, const char *text, size_t room)
{
    size_t used = 0, letters = 0, last = 0;
    uint32_t c;

    while (text[used]) {
        size_t length = barrow_utf8_decode(text + used, &c);
        length = length ? length : 1;
        if (letters == room || used + length + 4 > bytes) {
            memcpy(to + last, "\u2026", sizeof "\u2026");
            return;
        }
        memcpy(to + used, text + used, length);
        last = used;
        used += length;
        letters++;
    }
    to[used] = '\0';
}

static size_t letters_of(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += (*text & 0xc0) != 0x80;
    return count;
}

/* ---- axes ---- */

static void choose_scales(struct layout *l)
{
    double highest = (double)l->of->plot->top_bytes / mib;

    l->width = BARROW_PICTURE_WIDTH - LEFT - RIGHT;
    l->step_mib = barrow_plot_step(highest, 6);
    l->top_mib = ceil(highest / l->step_mib * (1 + 0.03)) * l->step_mib;
    l->step_s = barrow_plot_step(l->of->plot->seconds, 10);
}

/* A number with as many decimals as its axis's steps have. */
static void put_number(char *text, size_t room, double number, double step)
{
    int decimals = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);

    snprintf(text, room, "%.*f", decimals, number);
}

static void draw_axes(const struct layout *l)
{
    char text[32];
    double bottom = TOP + PLOT_HEIGHT, right = LEFT + l->width;

    for (int i = 0; i * l->step_mib <= l->top_mib * (1 + 1e-9); i++) {
        double y = y_of(l, i * l->step_mib * mib);
        put_number(text, sizeof text, i * l->step_mib, l->step_mib);
        draw_line(l, (struct barrow_spot){LEFT, y}, (struct barrow_spot){right, y},
                  i ? BARROW_INK_GRID : BARROW_INK_AXIS, 1, false);
        put_text(l, LEFT - 8, y + 4, BARROW_ANCHOR_END, BARROW_INK_NOTE, text);
    }
    for (int i = 0; i * l->step_s <= l->of->plot->seconds * (1 + 1e-9); i++) {
        double x = x_of(l, i * l->step_s);
        put_number(text, sizeof text, i * l->step_s, l->step_s);
        draw_line(l, (struct barrow_spot){x, bottom}, (struct barrow_spot){x, bottom + 5},
                  BARROW_INK_AXIS, 1, false);
        put_text(l, x, bottom + 19, BARROW_ANCHOR_MIDDLE, BARROW_INK_NOTE, text);
    }
    put_text(l, LEFT - 8, TOP - 12, BARROW_ANCHOR_END, BARROW_INK_NOTE, "MiB");
    put_text(l, right, bottom + 36, BARROW_ANCHOR_END, BARROW_INK_NOTE, "seconds");
}

/* ---- curves ---- */

static enum barrow_ink hue(size_t number)
{
    return (enum barrow_ink)(BARROW_INK_HUE_0 + number % BARROW_INK_HUES);
}

/* Never that of the first line, which the functions belong to. */
static enum barrow_ink hue_of_function(size_t number)
{
    return (enum barrow_ink)(BARROW_INK_HUE_0 + 1 + number % (BARROW_INK_HUES - 1));
}

/* Draws in pieces of bounded size, which share their ends. */
static void draw_track(const struct layout *l, const struct barrow_track *track,
                       enum barrow_ink ink, bool filled)
{
    struct barrow_spot spots[1024];
    size_t count = 0;

    for (size_t i = 0; i < track->points.count; i++) {
        spots[count++] = spot_of(l, track->points.items[i]);
        if (count < sizeof spots / sizeof *spots && i + 1 < track->points.count)
            continue;
        if (filled)
            l->canvas->kind->area(l->canvas, spots, count, TOP + PLOT_HEIGHT, ink);
        l->canvas->kind->line(l->canvas, spots, count, ink, track->pid ? 1.2 : 1.6, false);
        spots[0] = spots[count - 1];
        count = 1;
    }
}

/* A dashed line through the picture at the peak, of a file alone. */
static void draw_peak(const struct layout *l)
{
    char text[BARROW_UNITS_ROOM + 16], size[BARROW_UNITS_ROOM];
    uint64_t peak = barrow_dat_peak(l->of->plot->dats, NULL);
    double y = y_of(l, (double)peak), right = LEFT + l->width;

    snprintf(text, sizeof text, "peak %s", barrow_units_bytes(size, peak));
    draw_line(l, (struct barrow_spot){LEFT, y}, (struct barrow_spot){right, y}, BARROW_INK_PEAK, 1,
              true);
    put_text(l, right, y - 6, BARROW_ANCHOR_END, BARROW_INK_PEAK, text);
}

static void draw_slope(const struct layout *l, size_t file, enum barrow_ink ink)
{
    const struct barrow_plot *plot = l->of->plot;
    const struct barrow_dat *dat = &plot->dats[file];
    struct barrow_slope slope = barrow_plot_slope(plot, file);
    double first = INFINITY, last = 0;

    for (size_t i = 0; i < dat->self.readings.count; i++) {
        double time_s = dat->self.readings.items[i].time_s - plot->starts[file];
        first = fmin(first, time_s);
        last = fmax(last, time_s);
    }
    double low = fmax(slope.at_start + first * slope.bytes_per_s, 0),
           high = fmax(slope.at_start + last * slope.bytes_per_s, 0);
    draw_line(l, (struct barrow_spot){x_of(l, first), y_of(l, low)},
              (struct barrow_spot){x_of(l, last), y_of(l, fmin(high, l->top_mib * mib))}, ink, 1.4,
              true);
}

static void draw_bracket(const struct layout *l, struct barrow_reading at, double direction,
                         enum barrow_ink ink)
{
    struct barrow_spot s = spot_of(l, at);
    struct barrow_spot spots[] = {{s.x + direction * FOOT, s.y - BRACKET},
                                  {s.x, s.y - BRACKET},
                                  {s.x, s.y + BRACKET},
                                  {s.x + direction * FOOT, s.y + BRACKET}};

    l->canvas->kind->line(l->canvas, spots, 4, ink, 1.8, false);
}

static void draw_calls(const struct layout *l, size_t file, size_t first_hue)
{
    const struct barrow_dat *dat = &l->of->plot->dats[file];

    for (size_t i = 0; i < dat->calls.count && i < MOST_CALLS; i++) {
        const struct barrow_call *call = &dat->calls.items[i];
        struct barrow_reading enter = call->enter, leave = call->leave;
        enter.time_s -= l->of->plot->starts[file];
        leave.time_s -= l->of->plot->starts[file];
        draw_bracket(l, enter, 1, hue_of_function(first_hue + call->name));
        draw_bracket(l, leave, -1, hue_of_function(first_hue + call->name));
    }
}

/* ---- legend ---- */

enum swatch { SWATCH_LINE, SWATCH_DASHED, SWATCH_BRACKETS };

static void draw_swatch(const struct layout *l, enum swatch swatch, enum barrow_ink ink)
{
    double x = l->legend_x, y = l->legend_y - 4;

    if (swatch != SWATCH_BRACKETS) {
        draw_line(l, (struct barrow_spot){x, y}, (struct barrow_spot){x + SWATCH - 6, y}, ink, 2,
                  swatch == SWATCH_DASHED);
        return;
    }
    for (int side = 0; side < 2; side++) {
        double edge = x + (side ? 14 : 2), inner = edge + (side ? -4 : 4);
        struct barrow_spot spots[] = {{inner, y - 6}, {edge, y - 6}, {edge, y + 6}, {inner, y + 6}};
        l->canvas->kind->line(l->canvas, spots, 4, ink, 1.8, false);
    }
}

/* One entry at the next place; without a canvas only the place is taken. */
static void put_entry(struct layout *l, enum swatch swatch, enum barrow_ink ink, const char *text)
{
    char fitted[4 * NAME_ROOM + 8];

    if (++l->entries > MOST_ENTRIES)
        return;
    fit(fitted, sizeof fitted, text, NAME_ROOM);
    double width = SWATCH + LABEL * BARROW_LETTER_WIDTH * (double)letters_of(fitted);
    if (l->legend_x > LEFT && l->legend_x + width > BARROW_PICTURE_WIDTH - RIGHT) {
        l->legend_x = LEFT;
        l->legend_y += ROW;
    }
    if (l->canvas) {
        draw_swatch(l, swatch, ink);
        put_text(l, l->legend_x + SWATCH, l->legend_y, BARROW_ANCHOR_START, BARROW_INK_TEXT,
                 fitted);
    }
    l->legend_x += width + GAP;
}

static void put_track_entry(struct layout *l, size_t index)
{
    const struct barrow_track *track = &l->of->plot->tracks.items[index];
    const char *name = l->of->names[track->file];
    char text[300], peak[BARROW_UNITS_ROOM];
    uint64_t highest = 0;

    for (size_t i = 0; i < track->points.count; i++)
        if (track->points.items[i].bytes > highest)
            highest = track->points.items[i].bytes;
    barrow_units_bytes(peak, highest);
    if (!track->pid)
        snprintf(text, sizeof text, "%.200s, up to %s",
                 l->of->plot->count > 1 ? name : "the process", peak);
    else
        snprintf(text, sizeof text, "child %llu, up to %s", (unsigned long long)track->pid, peak);
    put_entry(l, SWATCH_LINE, hue(index), text);
}

static void put_slope_entry(struct layout *l, size_t file, enum barrow_ink ink)
{
    char text[300], rate[BARROW_SLOPE_ROOM];
    bool is_one = l->of->plot->count == 1;

    barrow_plot_slope_text(rate, barrow_plot_slope(l->of->plot, file));
    snprintf(text, sizeof text, "slope %s%s%.200s", rate, is_one ? "" : " of ",
             is_one ? "" : l->of->names[file]);
    put_entry(l, SWATCH_DASHED, ink, text);
}

static void put_call_entries(struct layout *l, size_t file, size_t first_hue)
{
    const struct barrow_dat *dat = &l->of->plot->dats[file];

    for (size_t name = 0; name < dat->names.count; name++) {
        char text[300], took[BARROW_UNITS_ROOM];
        double seconds = 0;
        size_t count = 0;
        if (l->entries > MOST_ENTRIES)
            return;
        for (size_t i = 0; i < dat->calls.count; i++)
            if (dat->calls.items[i].name == name) {
                count++;
                seconds +=
                    fmax(dat->calls.items[i].leave.time_s - dat->calls.items[i].enter.time_s, 0);
            }
        snprintf(text, sizeof text, "%.200s, %zu call%s, %s", barrow_picture_short_name(dat, name),
                 count, count == 1 ? "" : "s",
                 barrow_units_duration(took, (uint64_t)(fmin(seconds, 1e9) * 1e9)));
        put_entry(l, SWATCH_BRACKETS, hue_of_function(first_hue + name), text);
    }
}

/* Where the hues of a file's functions begin: after those of all lines. */
static size_t first_hue_of(const struct layout *l, size_t file)
{
    size_t first = l->of->plot->tracks.count - 1;

    for (size_t i = 0; i < file; i++)
        first += l->of->plot->dats[i].names.count;
    return first;
}

static size_t track_of(const struct barrow_plot *plot, size_t file)
{
    for (size_t i = 0; i < plot->tracks.count; i++)
        if (plot->tracks.items[i].file == file)
            return i;
    return 0;
}

static void put_legend(struct layout *l)
{
    const struct barrow_plot *plot = l->of->plot;
    bool is_plain = plot->tracks.count == 1;

    l->legend_x = LEFT;
    l->legend_y = TOP + PLOT_HEIGHT + LEGEND_TOP;
    l->entries = 0;
    for (size_t i = 0; !is_plain && i < plot->tracks.count; i++)
        put_track_entry(l, i);
    for (size_t i = 0; i < plot->count; i++) {
        if (l->of->slope)
            put_slope_entry(l, i, is_plain ? BARROW_INK_TEXT : hue(track_of(plot, i)));
        put_call_entries(l, i, first_hue_of(l, i));
    }
}

/* ---- the whole ---- */

/* Equal ends are told apart by one part more each; quadratic, so only for as many as are shown. */
const char *barrow_picture_short_name(const struct barrow_dat *dat, size_t name)
{
    const char *whole = dat->names.items[name], *start = strrchr(whole, '.');

    for (start = start ? start + 1 : whole; start > whole;) {
        size_t length = strlen(start);
        bool is_unique = true;
        for (size_t i = 0; is_unique && i < dat->names.count && i < 1000; i++) {
            const char *other = dat->names.items[i];
            size_t other_length = strlen(other);
            is_unique = i == name || other_length < length ||
                        strcmp(other + other_length - length, start) != 0 ||
                        (other_length > length && other[other_length - length - 1] != '.');
        }
        if (is_unique)
            return start;
        for (start--; start > whole && start[-1] != '.'; start--)
            continue;
    }
    return whole;
}

const char *barrow_picture_title(const struct barrow_picture *picture)
{
    const struct barrow_plot *plot = picture->plot;

    if (picture->title)
        return picture->title;
    if (plot->count > 1)
        return "memory over time";
    return plot->dats[0].command && *plot->dats[0].command ? plot->dats[0].command
                                                           : picture->names[0];
}

static void draw_head(const struct layout *l)
{
    static const char *const words[] = {"RSS", "PSS", "USS"};
    const struct barrow_plot *plot = l->of->plot;
    char text[600], peak[BARROW_UNITS_ROOM], took[BARROW_UNITS_ROOM], count[BARROW_UNITS_ROOM];
    size_t samples = 0;
    bool is_exact;
    uint64_t highest = barrow_dat_peak(&plot->dats[0], &is_exact);

    fit(text, sizeof text, barrow_picture_title(l->of), (BARROW_PICTURE_WIDTH - 2 * RIGHT) / 10);
    l->canvas->kind->text(l->canvas, RIGHT, 28, BARROW_ANCHOR_START, HEAD, BARROW_INK_TEXT, true,
                          text);
    for (size_t i = 0; i < plot->count; i++)
        samples += plot->dats[i].self.readings.count;
    barrow_units_count(count, samples);
    barrow_units_duration(took, (uint64_t)(fmin(plot->seconds, 1e9) * 1e9));
    if (plot->count > 1)
        snprintf(text, sizeof text, "%zu files, %s samples, up to %s", plot->count, count, took);
    else
        snprintf(text, sizeof text, "%s, peak %s%s, %s sample%s in %s",
                 words[plot->dats[0].measure], barrow_units_bytes(peak, highest),
                 is_exact ? " (exact)" : " of the samples", count, samples == 1 ? "" : "s", took);
    put_text(l, RIGHT, 48, BARROW_ANCHOR_START, BARROW_INK_NOTE, text);
}

int barrow_picture_height(const struct barrow_picture *picture)
{
    struct layout layout = {.of = picture};

    choose_scales(&layout);
    put_legend(&layout);
    return layout.entries ? (int)layout.legend_y + ROW : TOP + PLOT_HEIGHT + LEGEND_TOP - 8;
}

void barrow_picture_draw(const struct barrow_picture *picture, struct barrow_canvas *canvas)
{
    struct layout l = {.of = picture, .canvas = canvas};
    const struct barrow_plot *plot = picture->plot;

    choose_scales(&l);
    draw_head(&l);
    draw_axes(&l);
    for (size_t i = plot->tracks.count; i-- > 0;)
        draw_track(&l, &plot->tracks.items[i], hue(i),
                   plot->count == 1 && !plot->tracks.items[i].pid);
    if (plot->count == 1)
        draw_peak(&l);
    for (size_t i = 0; i < plot->count; i++) {
        if (picture->slope)
            draw_slope(&l, i, plot->tracks.count == 1 ? BARROW_INK_TEXT : hue(track_of(plot, i)));
        draw_calls(&l, i, first_hue_of(&l, i));
    }
    put_legend(&l);
}
