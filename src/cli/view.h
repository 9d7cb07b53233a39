/* What all views share: their options, loading the profile, the first line, the closing notes. */
#ifndef BARROW_CLI_VIEW_H
#define BARROW_CLI_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "cli/columns.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "profile/profile.h"

/* First member of every view's options. */
struct barrow_view_options {
    bool json;
    int color;    /* enum barrow_color */
    size_t limit; /* LIMIT_NOT_GIVEN; 0: all */
};
#define LIMIT_NOT_GIVEN SIZE_MAX
#define VIEW_DEFAULTS                                 \
    {                                                 \
        .color = COLOR_AUTO, .limit = LIMIT_NOT_GIVEN \
    }
enum { TEXT_ROWS = 25 }; /* that a person's view shows unless told otherwise */

extern const char *const barrow_color_names[];
extern const char *const barrow_metric_names[]; /* in the order of enum barrow_metric */
extern const char *const barrow_grouping_names[];

/* Lines of an option table; `type` is the command's options, which begin with `view`. */
#define VIEW_OPTION_JSON(type)                                               \
    {                                                                        \
        "json", 0, OPTION_FLAG, NULL, offsetof(type, view.json), NULL, NULL, \
            "write JSON to standard output, all of it"                       \
    }
#define VIEW_OPTION_COLOR(type)                                                                  \
    {                                                                                            \
        "color", 0, OPTION_CHOICE, "WHEN", offsetof(type, view.color), barrow_color_names, NULL, \
            "colours (auto: on a terminal, unless NO_COLOR is set)"                              \
    }
#define VIEW_OPTION_LIMIT(type)                                                  \
    {                                                                            \
        "limit", 'n', OPTION_COUNT, "N", offsetof(type, view.limit), NULL, NULL, \
            "show the N largest; 0: all (text shows 25 otherwise, JSON all)"     \
    }
#define VIEW_OPTION_METRIC(type)                                                                   \
    {                                                                                              \
        "metric", 'm', OPTION_CHOICE, "METRIC", offsetof(type, metric), barrow_metric_names, NULL, \
            "which bytes to show (peak by default)"                                                \
    }
#define VIEW_OPTION_FILTER(type)                                                                 \
    {                                                                                            \
        "filter", 0, OPTION_TEXT, "EXPR", offsetof(type, filter), NULL, NULL,                    \
            "only what matches: key=glob or key!=glob, joined by commas; keys: file, function, " \
            "module, "                                                                           \
            "line (with any. before it: anywhere in the stack), domain, thread, process"         \
    }

struct barrow_view {
    const struct barrow_view_options *options;
    struct barrow_profile *profile;
    struct barrow_terminal terminal; /* text views */
    struct barrow_json json;         /* --json: an object has been begun */
    bool shows_peak;                 /* the closing notes say how exact the peak is */
};

/* Loads the ledgers; ready to write to standard output. */
int barrow_view_open(struct barrow_view *view, const struct barrow_view_options *options, int count,
                     char **paths, struct barrow_error *err);
/* Ends the JSON object, or prints what a reader of any text view must know: what was dropped, how
 * far the peak may be off, whether the recording is complete.  Frees the profile. */
void barrow_view_close(struct barrow_view *view);
/* After a failure: frees the profile, prints nothing. */
void barrow_view_drop(struct barrow_view *view);

/* Rows to show of `count`. */
size_t barrow_view_limit(const struct barrow_view *view, size_t count);
/* "… 12 more lines; --limit 0 shows all" if rows are left out. */
void barrow_view_more(const struct barrow_view *view, size_t count, const char *noun);

/* The first line: printf text, then whose profile it is.  A second one if it is not complete. */
void barrow_view_headline(const struct barrow_view *view, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* `first` and words, in lines that fit the terminal, all but the first indented below the words. */
void barrow_view_say(const struct barrow_view *view, enum barrow_style style, const char *first,
                     const char *words);
/* How the recording ended, in words; to be freed. */
char *barrow_view_ending(const struct barrow_view *view);
/* The first line of a view of that metric: "live at the peak, by line: 41 MiB after 1.2 s", or
 * with a filter "never freed, by line, only file=a.py: 2 MiB of 3 MiB".  `how` is "by line". */
void barrow_view_headline_metric(const struct barrow_view *view, enum barrow_metric metric,
                                 const char *how, const char *filter, struct barrow_value shown);

/* Sum of a metric over all sites that match; an error if the filter is malformed. */
int barrow_metric_sum(const struct barrow_profile *profile, enum barrow_metric metric,
                      const char *filter, struct barrow_value *sum, struct barrow_error *err);

/* One line of columns each; see columns.h. */
void barrow_put_bytes(struct barrow_columns *c, uint64_t bytes);
void barrow_put_count(struct barrow_columns *c, uint64_t count);
void barrow_put_share(struct barrow_columns *c, uint64_t part, uint64_t whole); /* "29.8%" */
char *barrow_share(uint64_t part, uint64_t whole);
enum barrow_style barrow_share_style(uint64_t part, uint64_t whole);

/* A duration that the terminal can show; to be freed. */
char *barrow_duration(const struct barrow_terminal *terminal, uint64_t ns);

/* The part of a path that tells: below the working directory, the standard library or
 * site-packages; points into `file`. */
const char *barrow_short_path(const char *file);
/* "app.py:12", "(no Python frame)"; to be freed, not yet printable. */
char *barrow_place(const char *file, uint32_t line);
extern const char barrow_no_frame[];

#endif
