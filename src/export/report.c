#include "export/report.h"

#include <string.h>

#include "export/report_base64.h"
#include "export/report_container.h"
#include "base/utf8.h"

static const char mark[] = "<!--barrow:data-->";
static const char title_begin[] = "<title>", title_end[] = "</title>";

/* A part of the page. */
struct span {
    const char *begin, *end;
};

/* The first `what` of the part; empty at its end if there is none. */
static struct span find(struct span in, const char *what)
{
    const char *found = memmem(in.begin, (size_t)(in.end - in.begin), what, strlen(what));

    return found ? (struct span){found, found + strlen(what)} : (struct span){in.end, in.end};
}

static bool is_empty(struct span span)
{
    return span.begin == span.end;
}

static void copy(FILE *to, const char *begin, const char *end)
{
    fwrite(begin, 1, (size_t)(end - begin), to);
}

/* Text of an element: one line, valid UTF-8. */
static void put_text(FILE *to, const char *text)
{
    while (*text) {
        uint32_t c = 0;
        size_t length = barrow_utf8_decode(text, &c);
        if (length == 0 || barrow_utf8_is_surrogate(c))
            fputs("\xef\xbf\xbd", to);
        else if (barrow_utf8_is_control(c))
            fputc(' ', to);
        else if (c == '&' || c == '<' || c == '>')
            fprintf(to, "&#%u;", c);
        else
            fwrite(text, 1, length, to);
        text += length ? length : 1;
    }
}

static void put_title(const struct barrow_report *report, FILE *to)
{
    const char *command = report->profile->command;

    if (!report->title)
        fputs("barrow: ", to);
    put_text(to, report->title ? report->title : command && *command ? command : "report");
}

/* The page up to its mark, with our title in the place of its own. */
static void put_beginning(const struct barrow_report *report, struct span page, FILE *to)
{
    struct span opening = find(page, title_begin);
    struct span closing = find((struct span){opening.end, page.end}, title_end);

    if (is_empty(closing)) {
        copy(to, page.begin, page.end);
        return;
    }
    copy(to, page.begin, opening.end);
    put_title(report, to);
    copy(to, closing.begin, page.end);
}

static int put_data(const struct barrow_profile *profile, const char *name, bool sources, FILE *to,
                    struct barrow_error *err)
{
    struct barrow_base64 base64 = {.to = to};

    fprintf(to, "<script type=\"application/x-barrow\" id=\"%s\">", name);
    if (barrow_report_container_write(profile, sources, barrow_base64_write, &base64, err) < 0)
        return -1;
    barrow_base64_end(&base64);
    fputs("</script>\n", to);
    return 0;
}

int barrow_report_write(const struct barrow_report *report, FILE *to, struct barrow_error *err)
{
    struct span page = {report->page, report->page + report->page_bytes};
    struct span place = find(page, mark);

    if (is_empty(place) || !is_empty(find((struct span){place.end, page.end}, mark)))
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "the report's page was not built well: it lacks the mark %s", mark);
    put_beginning(report, (struct span){page.begin, place.begin}, to);
    if (put_data(report->profile, "main", report->sources, to, err) < 0)
        return -1;
    if (report->base && put_data(report->base, "base", false, to, err) < 0)
        return -1;
    copy(to, place.end, page.end);
    return 0;
}
