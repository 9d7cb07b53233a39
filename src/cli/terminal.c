#include "cli/terminal.h"

#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "cli/memory.h"
#include "base/utf8.h"

static const char *const styles[STYLE_COUNT] = {
    [STYLE_PLAIN] = "\033[0m", [STYLE_HEAD] = "\033[1m", [STYLE_DIM] = "\033[2m",
    [STYLE_NAME] = "\033[36m", [STYLE_HOT] = "\033[31m", [STYLE_WARM] = "\033[33m",
    [STYLE_WARN] = "\033[33m", [STYLE_RSS] = "\033[35m", [STYLE_HEAP] = "\033[32m",
    [STYLE_GOOD] = "\033[32m",
};

static bool locale_is_utf8(void)
{
    /* The first that is set and not empty decides, as for setlocale(); but the names are looked
     * at, because containers name locales that they don't have. */
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i]);
        if (value && *value)
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

static int window_width(FILE *out)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;

    if (columns && atoi(columns) > 0)
        return atoi(columns);
    /* Standard error's window serves when the output is piped into a pager. */
    if ((ioctl(fileno(out), TIOCGWINSZ, &size) == 0 || ioctl(2, TIOCGWINSZ, &size) == 0) &&
        size.ws_col > 0)
        return size.ws_col;
    return 80;
}

void barrow_terminal_init(struct barrow_terminal *t, FILE *out, enum barrow_color color)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    t->out = out;
    t->utf8 = locale_is_utf8();
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
        setlocale(LC_CTYPE, "C.UTF-8"); /* for wcwidth() */
    t->width = window_width(out);
    if (t->width < 40)
        t->width = 40;
    if (t->width > 1000)
        t->width = 1000;
    t->color =
        color == COLOR_ALWAYS || (color == COLOR_AUTO && isatty(fileno(out)) &&
                                  !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0));
}

const char *barrow_style(const struct barrow_terminal *t, enum barrow_style style)
{
    return t->color ? styles[style] : "";
}

const char *barrow_pick(const struct barrow_terminal *t, const char *utf8, const char *ascii)
{
    return t->utf8 ? utf8 : ascii;
}

/* ---- UTF-8 ---- */

/* Columns that a character takes, -1 if it must not be printed. */
static int columns_of(uint32_t c)
{
    if (barrow_utf8_is_control(c) || barrow_utf8_is_surrogate(c))
        return -1;
    if (c < 0x300)
        return 1;
    /* Marks that change the direction of text make one name look like another. */
    if ((c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
        (c >= 0x2066 && c <= 0x2069) || c == 0x61c || c == 0xfeff)
        return -1;
    return wcwidth((wchar_t)c);
}

char *barrow_printable(const struct barrow_terminal *t, const char *text)
{
    /* The longest escape, \U0010ffff, stands for 4 bytes; \x1b and \ufeff for 1 and 3. */
    char *copy = barrow_allocate(strlen(text) * 4 + 1), *out = copy;

    while (*text) {
        uint32_t c;
        size_t length = barrow_utf8_decode(text, &c);
        if (length == 0) {
            out += sprintf(out, "\\x%02x", (unsigned char)*text++);
            continue;
        }
        if (columns_of(c) >= 0 && (c < 0x80 || t->utf8))
            out = mempcpy(out, text, length);
        else if (c == '\n' || c == '\t' || c == '\r')
            out += sprintf(out, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
        else
            out += sprintf(out, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
        text += length;
    }
    *out = '\0';
    return copy;
}

size_t barrow_width(const char *printable)
{
    size_t width = 0;

    while (*printable) {
        uint32_t c;
        size_t length = barrow_utf8_decode(printable, &c);
        int columns = length ? columns_of(c) : 1;
        width += columns > 0 ? (size_t)columns : 0;
        printable += length ? length : 1;
    }
    return width;
}

/* Bytes of the longest beginning of `text` that takes at most `width` columns. */
static size_t bytes_of_head(const char *text, size_t width)
{
    size_t bytes = 0, used = 0;

    while (text[bytes]) {
        uint32_t c;
        size_t length = barrow_utf8_decode(text + bytes, &c);
        int columns = length ? columns_of(c) : 1;
        if (used + (size_t)(columns > 0 ? columns : 0) > width)
            break;
        used += (size_t)(columns > 0 ? columns : 0);
        bytes += length ? length : 1;
    }
    return bytes;
}

/* Where the shortest rest of `text` begins that leaves at most `width` columns. */
static const char *tail(const char *text, size_t width)
{
    size_t whole = barrow_width(text);

    if (whole <= width)
        return text;
    size_t cut = bytes_of_head(text, whole - width);
    while (barrow_width(text + cut) > width) { /* a wide character straddles the cut */
        uint32_t c;
        size_t length = barrow_utf8_decode(text + cut, &c);
        cut += length ? length : 1;
    }
    return text + cut;
}

char *barrow_fit(const struct barrow_terminal *t, char *printable, size_t width,
                 enum barrow_cut cut)
{
    const char *mark = barrow_pick(t, "\u2026", "...");
    size_t mark_width = barrow_width(mark);

    if (barrow_width(printable) <= width)
        return printable;
    if (width <= mark_width) {
        printable[bytes_of_head(printable, width)] = '\0';
        return printable;
    }
    size_t rest = width - mark_width;
    size_t head = cut == CUT_END ? rest : cut == CUT_START ? 0 : (rest + 1) / 2;
    size_t head_bytes = bytes_of_head(printable, head);
    const char *end = cut == CUT_END ? "" : tail(printable, rest - head);
    char *fitted = barrow_allocate(head_bytes + strlen(mark) + strlen(end) + 1);

    memcpy(fitted, printable, head_bytes);
    strcpy(stpcpy(fitted + head_bytes, mark), end);
    free(printable);
    return fitted;
}
