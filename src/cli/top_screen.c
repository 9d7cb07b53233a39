/* One thread does it all: keys are waited for until the next look is due.  Everything is drawn anew
 * after each of both; ncurses sends the terminal what changed. */
#include "cli/top_screen.h"

#include <stdio.h>
#include <unistd.h>

#ifndef BARROW_HAVE_NCURSES

int barrow_top_screen(struct barrow_top *top, const struct barrow_top_wishes *wishes,
                      struct barrow_error *err)
{
    (void)top;
    (void)wishes;
    (void)err;
    if (isatty(0) && isatty(1))
        fputs("barrow: built without ncurses: lines instead of a screen\n", stderr);
    return 1;
}

#else

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <time.h>
#include <wchar.h>

#include "cli/memory.h"
#include "cli/top_draw.h"

/* term.h has names that are too common for us. */
#undef lines
#undef columns

enum { KEY_ESCAPE = 27, KEY_DELETE = 127, WAIT_MS = 500 };

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- state ---- */

static void choose_rows(struct barrow_top_display *s)
{
    free(s->rows);
    s->rows = barrow_top_rows(s->top, s->by, s->sort, s->filter, &s->count);
}

static void look(struct barrow_top_display *s)
{
    struct barrow_error err = {0};

    free(s->trouble);
    s->trouble = NULL;
    if (barrow_top_load(s->top, &err) < 0)
        s->trouble = barrow_copy(err.text);
    s->due_ns = now_ns() + barrow_top_interval_ns(s->top, s->wishes->interval_ns);
    choose_rows(s);
}

/* ---- keys ---- */

static void add_to_filter(struct barrow_top_display *s, wint_t c)
{
    char bytes[MB_LEN_MAX];
    mbstate_t state = {0};
    size_t count = wcrtomb(bytes, (wchar_t)c, &state), used = strlen(s->filter);

    if (count == (size_t)-1 || used + count >= sizeof s->filter)
        return;
    memcpy(s->filter + used, bytes, count);
    s->filter[used + count] = '\0';
}

static void take_from_filter(struct barrow_top_display *s)
{
    size_t used = strlen(s->filter);

    while (used && ((unsigned char)s->filter[--used] & 0xc0) == 0x80)
        continue;
    s->filter[used] = '\0';
}

static void edit(struct barrow_top_display *s, wint_t key, bool is_function_key)
{
    if (key == KEY_ESCAPE && !is_function_key) {
        s->editing = false;
        s->filter[0] = '\0';
    } else if ((is_function_key && key == KEY_ENTER) || key == '\n' || key == '\r') {
        s->editing = false;
    } else if ((is_function_key && key == KEY_BACKSPACE) || key == KEY_DELETE || key == '\b') {
        take_from_filter(s);
    } else if (!is_function_key && key >= ' ') {
        add_to_filter(s, key);
    }
    s->scroll = 0;
    choose_rows(s);
}

static void scroll_by(struct barrow_top_display *s, long rows)
{
    if (rows < 0 && s->scroll < (size_t)-rows)
        s->scroll = 0;
    else
        s->scroll += (size_t)rows; /* drawing keeps it in bounds */
}

static void press_function_key(struct barrow_top_display *s, wint_t key)
{
    long page = (long)barrow_top_page(s);

    switch (key) {
    case KEY_UP:
        scroll_by(s, -1);
        break;
    case KEY_DOWN:
        scroll_by(s, 1);
        break;
    case KEY_PPAGE:
        scroll_by(s, -page);
        break;
    case KEY_NPAGE:
        scroll_by(s, page);
        break;
    case KEY_HOME:
        s->scroll = 0;
        break;
    case KEY_END:
        s->scroll = s->count;
        break;
    default:
        break; /* KEY_RESIZE: the next drawing sees it */
    }
}

static void freeze(struct barrow_top_display *s)
{
    s->frozen = !s->frozen;
    if (!s->frozen)
        s->due_ns = 0;
}

static void press(struct barrow_top_display *s, wint_t key)
{
    bool helped = s->help;

    s->help = false;
    switch (key) {
    case 'q':
        s->quit = !helped;
        break;
    case 'h':
    case '?':
        s->help = !helped;
        break;
    case 's':
        s->sort = (s->sort + 1) % TOP_SORT_COUNT;
        break;
    case 'g':
        s->by = (s->by + 1) % TOP_GROUP_COUNT;
        s->scroll = 0;
        break;
    case 'b':
        barrow_top_set_baseline(s->top);
        break;
    case 'r':
        barrow_top_reset_baseline(s->top);
        break;
    case 'f':
    case ' ':
        freeze(s);
        break;
    case '/':
        s->editing = true;
        break;
    case KEY_ESCAPE:
        s->filter[0] = '\0';
        break;
    default:
        break;
    }
    choose_rows(s);
}

/* Waits for a key until the next look is due. */
static void wait_for_key(struct barrow_top_display *s)
{
    bool looks = !s->frozen && s->top->state == TOP_RUNNING;
    uint64_t now = now_ns(), wait_ms = WAIT_MS;
    wint_t key;

    if (looks)
        wait_ms = s->due_ns > now ? (s->due_ns - now) / 1000000 + 1 : 0;
    timeout((int)(wait_ms < WAIT_MS ? wait_ms : WAIT_MS));
    int kind = get_wch(&key);
    if (kind == KEY_CODE_YES && !s->editing)
        press_function_key(s, key);
    else if (kind != ERR && s->editing)
        edit(s, key, kind == KEY_CODE_YES);
    else if (kind == OK)
        press(s, key);
    else if (looks && now_ns() >= s->due_ns)
        look(s);
    else
        return; /* nothing new to draw */
    barrow_top_draw(s);
}

/* ---- from end to end ---- */

static bool begin_curses(struct barrow_top_display *s)
{
    int status;
    const char *no_color = getenv("NO_COLOR");
    bool wants_color = s->wishes->view.color == COLOR_ALWAYS ||
                       (s->wishes->view.color == COLOR_AUTO && !(no_color && *no_color));

    if (setupterm(NULL, 1, &status) != OK || !cursor_address)
        return false;
    barrow_terminal_init(&s->terminal, stdout, COLOR_NEVER);
    unsetenv("COLUMNS"); /* they would keep the screen from following the window */
    unsetenv("LINES");
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    set_escdelay(50);
    if (!newterm(NULL, stdout, stdin))
        return false;
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    if (wants_color)
        barrow_top_start_colors(s);
    return true;
}

int barrow_top_screen(struct barrow_top *top, const struct barrow_top_wishes *wishes,
                      struct barrow_error *err)
{
    struct barrow_top_display s = {
        .top = top, .wishes = wishes, .by = wishes->by, .sort = wishes->sort};

    if (!isatty(0) || !isatty(1))
        return 1;
    if (barrow_top_load(top, err) < 0) /* while errors can still be read */
        return -1;
    if (!begin_curses(&s)) {
        const char *name = getenv("TERM");
        fprintf(stderr,
                "barrow: can't draw on a terminal of type '%s': lines instead of a screen\n",
                name ? name : "");
        return 1;
    }
    s.due_ns = now_ns() + barrow_top_interval_ns(top, wishes->interval_ns);
    choose_rows(&s);
    barrow_top_draw(&s);
    while (!s.quit && !stopped)
        wait_for_key(&s);
    endwin();
    free(s.rows);
    free(s.trouble);
    return 0;
}

#endif
