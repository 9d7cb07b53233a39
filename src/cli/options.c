#include "cli/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

enum { MAX_OPTIONS = 64 };

const struct barrow_option *barrow_option_by_name(const struct barrow_option *options,
                                                  const char *name, size_t length)
{
    for (const struct barrow_option *o = options; o->name; o++)
        if (strlen(o->name) == length && memcmp(o->name, name, length) == 0)
            return o;
    return NULL;
}

const struct barrow_option *barrow_option_by_letter(const struct barrow_option *options,
                                                    char letter)
{
    for (const struct barrow_option *o = options; o->name; o++)
        if (o->letter == letter && letter)
            return o;
    return NULL;
}

int barrow_option_unknown(const struct barrow_option *options, const char *name,
                          struct barrow_error *err)
{
    const char *names[MAX_OPTIONS];
    size_t count = 0;
    const char *near = NULL;

    if (strncmp(name, "--", 2) == 0) {
        for (const struct barrow_option *o = options; o->name && count < MAX_OPTIONS - 1; o++)
            names[count++] = o->name;
        names[count++] = "help";
        near = barrow_nearest(name + 2, names, count);
    }
    if (near)
        return barrow_fail(err, BARROW_E_USAGE, "there is no option %s; did you mean --%s?", name,
                           near);
    return barrow_fail(err, BARROW_E_USAGE, "there is no option %s; --help shows those there are",
                       name);
}

/* ---- values ---- */

static int bad_value(const struct barrow_option *o, const char *text, const char *wanted,
                     struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_USAGE, "--%s %s: expected %s", o->name, text, wanted);
}

static int parse_count(const char *text, size_t *value)
{
    char *end;

    if (*text < '0' || *text > '9')
        return -1;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (errno || *end)
        return -1;
    *value = n;
    return 0;
}

static int parse_percent(const char *text, double *value)
{
    char *end;
    double n = strtod(text, &end);

    if (end == text || (*end && strcmp(end, "%") != 0) || !(n >= 0 && n <= 100))
        return -1;
    *value = n;
    return 0;
}

static int parse_seconds(const char *text, double *value)
{
    char *end;
    double n = strtod(text, &end);

    if (strcmp(end, "ms") == 0)
        n /= 1000;
    else if (*end && strcmp(end, "s") != 0)
        return -1;
    if (end == text || !(n >= 0.001 && n <= 1e9))
        return -1;
    *value = n;
    return 0;
}

static int parse_choice(const struct barrow_option *o, const char *text, int *value,
                        struct barrow_error *err)
{
    size_t count = 0;
    char list[300] = "";

    for (; o->choices[count]; count++) {
        if (strcmp(o->choices[count], text) == 0) {
            *value = (int)count;
            return 0;
        }
        if (count)
            strncat(list, ", ", sizeof list - strlen(list) - 1);
        strncat(list, o->choices[count], sizeof list - strlen(list) - 1);
    }
    const char *near = barrow_nearest(text, o->choices, count);
    if (near)
        return barrow_fail(err, BARROW_E_USAGE, "--%s %s: did you mean %s? There are: %s", o->name,
                           text, near, list);
    return barrow_fail(err, BARROW_E_USAGE, "--%s %s: expected one of: %s", o->name, text, list);
}

static int append(const struct barrow_option *o, struct barrow_texts *list, const char *text,
                  struct barrow_error *err)
{
    if (list->count == BARROW_TEXTS_ROOM)
        return barrow_fail(err, BARROW_E_USAGE, "--%s %s: given more than %d times", o->name, text,
                           BARROW_TEXTS_ROOM);
    list->items[list->count++] = text;
    return 0;
}

static int store(const struct barrow_option *o, void *values, const char *text,
                 struct barrow_error *err)
{
    void *place = (char *)values + o->offset;

    switch (o->kind) {
    case OPTION_FLAG:
        *(bool *)place = true;
        return 0;
    case OPTION_TEXT:
        *(const char **)place = text;
        return 0;
    case OPTION_COUNT:
        return parse_count(text, place) == 0 ? 0 : bad_value(o, text, "a whole number", err);
    case OPTION_BYTES:
        return barrow_units_parse_bytes(text, place) == 0
                   ? 0
                   : bad_value(o, text, "a size like 64M", err);
    case OPTION_PERCENT:
        return parse_percent(text, place) == 0
                   ? 0
                   : bad_value(o, text, "a percentage from 0 to 100", err);
    case OPTION_SECONDS:
        return parse_seconds(text, place) == 0
                   ? 0
                   : bad_value(o, text, "seconds like 0.1, or 10ms; at least 1ms", err);
    case OPTION_CHOICE:
        return parse_choice(o, text, place, err);
    case OPTION_LIST:
        return append(o, place, text, err);
    }
    return 0;
}

/* ---- the command line ---- */

struct cursor {
    const struct barrow_option *options;
    void *values;
    int argc, next;
    char **argv;
    bool *help;
    struct barrow_error *err;
};

static int needs_value(const struct barrow_option *o, const char *spelling,
                       struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_USAGE, "%s needs a value: %s", spelling, o->argument);
}

/* Stores the option, taking its value from `attached` or from the next word. */
static int take(struct cursor *c, const struct barrow_option *o, const char *spelling,
                const char *attached)
{
    if (o->kind == OPTION_FLAG) {
        if (attached)
            return barrow_fail(c->err, BARROW_E_USAGE, "--%s takes no value", o->name);
        return store(o, c->values, NULL, c->err);
    }
    if (!attached) {
        if (c->next >= c->argc)
            return needs_value(o, spelling, c->err);
        attached = c->argv[c->next++];
    }
    return store(o, c->values, attached, c->err);
}

static int take_long(struct cursor *c, char *word)
{
    char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) - 2 : strlen(word) - 2;
    const struct barrow_option *o = barrow_option_by_name(c->options, word + 2, length);

    if (length == 4 && memcmp(word + 2, "help", 4) == 0) {
        *c->help = true;
        return 0;
    }
    if (equals)
        *equals = '\0'; /* error texts name the option alone */
    if (!o)
        return barrow_option_unknown(c->options, word, c->err);
    return take(c, o, word, equals ? equals + 1 : NULL);
}

static int take_short(struct cursor *c, const char *word)
{
    for (const char *p = word + 1; *p; p++) {
        char spelling[] = {'-', *p, '\0'};
        const struct barrow_option *o = barrow_option_by_letter(c->options, *p);
        if (!o && *p == 'h') {
            *c->help = true;
            return 0;
        }
        if (!o)
            return barrow_option_unknown(c->options, spelling, c->err);
        if (o->kind == OPTION_FLAG) {
            if (take(c, o, spelling, NULL) < 0)
                return -1;
            continue;
        }
        return take(c, o, spelling, p[1] ? p + 1 : NULL);
    }
    return 0;
}

int barrow_option_take(const struct barrow_option *options, void *values, int argc, char **argv,
                       int *next, bool *help, struct barrow_error *err)
{
    struct cursor c = {options, values, argc, *next + 1, argv, help, err};
    int rc = argv[*next][1] == '-' ? take_long(&c, argv[*next]) : take_short(&c, argv[*next]);

    *next = c.next;
    return rc;
}

int barrow_options_parse(const struct barrow_option *options, void *values, int argc, char **argv,
                         bool *help, struct barrow_error *err)
{
    int operands = 0, next = 0;
    bool ended = false;

    while (next < argc && !*help) {
        char *word = argv[next];
        if (ended || word[0] != '-' || word[1] == '\0') {
            argv[operands++] = word;
            next++;
        } else if (strcmp(word, "--") == 0) {
            ended = true;
            next++;
        } else if (barrow_option_take(options, values, argc, argv, &next, help, err) < 0) {
            return -1;
        }
    }
    return *help ? 0 : operands;
}
