/* What a person's view needs to know of the terminal, and text made safe for it.
 *
 * Names come out of the recorded program: none of their control characters, invalid bytes or
 * direction marks may reach the terminal.  Every string that is shown goes through
 * barrow_printable() first; widths are counted in terminal columns, not bytes.
 */
#ifndef BARROW_CLI_TERMINAL_H
#define BARROW_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum barrow_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

enum barrow_style {
    STYLE_PLAIN,
    STYLE_HEAD, /* the first line of a view */
    STYLE_DIM,  /* places, units, frames of drawings */
    STYLE_NAME, /* functions */
    STYLE_HOT,  /* a big share */
    STYLE_WARM,
    STYLE_WARN,
    STYLE_GOOD, /* less than before */
    STYLE_RSS, /* the two curves of a timeline */
    STYLE_HEAP,
    STYLE_COUNT
};

struct barrow_terminal {
    FILE *out;
    int width;  /* columns */
    bool color; /* write escape sequences */
    bool utf8;  /* else ASCII only */
};

/* Sets the process's LC_CTYPE.  Width: COLUMNS, else the window's, else 80. */
void barrow_terminal_init(struct barrow_terminal *t, FILE *out, enum barrow_color color);

/* The escape sequence that starts a style; "" without colours.  STYLE_PLAIN ends every style. */
const char *barrow_style(const struct barrow_terminal *t, enum barrow_style style);

/* A copy that is safe to print; to be freed.  Without memory the program aborts with one line. */
char *barrow_printable(const struct barrow_terminal *t, const char *text);

/* Width in columns of text that barrow_printable() gave. */
size_t barrow_width(const char *printable);

enum barrow_cut { CUT_END, CUT_START, CUT_MIDDLE };
/* Shortens a printable text in place of memory of its own to at most `width` columns, marking
 * the cut; frees the given text when it makes another. */
char *barrow_fit(const struct barrow_terminal *t, char *printable, size_t width,
                 enum barrow_cut cut)
    __attribute__((returns_nonnull));

/* UTF-8 text, or its ASCII stand-in where the terminal takes no UTF-8. */
const char *barrow_pick(const struct barrow_terminal *t, const char *utf8, const char *ascii);

#endif
