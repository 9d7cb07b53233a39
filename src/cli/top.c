/* barrow top: a running recording, live. */
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/memory.h"
#include "cli/top_screen.h"

struct top_options {
    struct barrow_view_options view;
    const char *interval, *filter;
    int by, sort;
    bool once, plain;
};

static int parse_interval(const char *text, uint64_t *ns, struct barrow_error *err)
{
    char *end;
    double seconds = strtod(text, &end);

    if (end == text || (*end && strcmp(end, "s") != 0) || !(seconds >= 0.05 && seconds <= 86400))
        return barrow_fail(err, BARROW_E_USAGE,
                           "--interval %s: expected seconds, from 0.05 to 86400", text);
    *ns = (uint64_t)(seconds * 1e9);
    return 0;
}

static int show(struct barrow_top *top, const struct top_options *o,
                const struct barrow_top_wishes *wishes, struct barrow_error *err)
{
    if (!o->once && !o->plain && !o->view.json) {
        int rc = barrow_top_screen(top, wishes, err);
        if (rc <= 0)
            return rc;
    }
    return barrow_top_plain(top, wishes, err);
}

static int top_main(const void *values, int count, char **operands, struct barrow_error *err)
{
    const struct top_options *o = values;
    struct barrow_top top = {.filter = o->filter};
    struct barrow_top_wishes wishes = {.view = o->view,
                                       .by = (enum top_group)o->by,
                                       .sort = (enum top_sort)o->sort,
                                       .once = o->once};

    if (parse_interval(o->interval, &wishes.interval_ns, err) < 0)
        return -1;
    if (barrow_top_target_init(&top.target, count, operands, err) < 0)
        return -1;
    int rc = show(&top, o, &wishes, err);
    barrow_top_free(&top);
    return rc;
}

static const struct barrow_option options[] = {
    {"interval", 'i', OPTION_TEXT, "SECONDS", offsetof(struct top_options, interval), NULL, NULL,
     "time between two looks (1; longer if a look takes long)"},
    {"by", 'b', OPTION_CHOICE, "GROUPING", offsetof(struct top_options, by), barrow_top_group_names,
     NULL, "what a row is (line by default)"},
    {"sort", 's', OPTION_CHOICE, "ORDER", offsetof(struct top_options, sort), barrow_top_sort_names,
     NULL, "what comes first (live by default)"},
    {"once", 0, OPTION_FLAG, NULL, offsetof(struct top_options, once), NULL, NULL,
     "show the state once and end"},
    {"plain", 0, OPTION_FLAG, NULL, offsetof(struct top_options, plain), NULL, NULL,
     "lines of text instead of a screen, as when the output is no terminal"},
    VIEW_OPTION_FILTER(struct top_options),
    VIEW_OPTION_LIMIT(struct top_options),
    VIEW_OPTION_JSON(struct top_options),
    VIEW_OPTION_COLOR(struct top_options),
    OPTIONS_END};

static const struct top_options defaults = {.view = VIEW_DEFAULTS, .interval = "1"};

const struct barrow_command barrow_command_top = {
    .usage = "[OPTIONS] PID\n[OPTIONS] FILE...",
    .about = "Shows a recording while it is being made: what is live now, by line, how much\n"
             "that has grown, and how fast it is allocated. A process is recorded if it was\n"
             "started by barrow run, or calls barrow.record(). Looking costs it nothing.\n"
             "Keys: q ends, h explains the others. Where the output is no terminal, a block\n"
             "of lines is written for each look, until the program ends; with --json one\n"
             "object a line. Rates are those since the look before, the first ones since\n"
             "recording began.",
    .examples = "barrow top 4242\n"
                "barrow top app.4242.barrow\n"
                "barrow top --once --by module 4242\n"
                "barrow top --json --limit 5 4242 | jq .live_bytes",
    .options = options,
    .defaults = &defaults,
    .values_bytes = sizeof defaults,
    .main = top_main,
};
