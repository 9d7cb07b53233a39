/* Options as data: a table gives parsing, help and error texts.
 *
 * Long options are `--name VALUE` or `--name=VALUE`, short ones `-x VALUE`, `-xVALUE`, flags may
 * be bundled.  Options and operands may be mixed; `--` ends the options.
 */
#ifndef BARROW_CLI_OPTIONS_H
#define BARROW_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum barrow_option_kind {
    OPTION_FLAG,    /* bool */
    OPTION_TEXT,    /* const char * */
    OPTION_COUNT,   /* size_t */
    OPTION_BYTES,   /* uint64_t; `64M`, `1.5GiB` */
    OPTION_PERCENT, /* double; `0.5` or `0.5%` */
    OPTION_SECONDS, /* double, at least a thousandth; `0.1`, `0.1s`, `100ms` */
    OPTION_CHOICE,  /* int: index into `choices` */
    OPTION_LIST     /* struct barrow_texts: may be given several times */
};

enum { BARROW_TEXTS_ROOM = 32 };
struct barrow_texts {
    size_t count;
    const char *items[BARROW_TEXTS_ROOM];
};

struct barrow_option {
    const char *name; /* without the dashes; NULL ends the table */
    char letter;      /* 0: none */
    enum barrow_option_kind kind;
    const char *argument;       /* its name in help; NULL for a flag */
    size_t offset;              /* of the value in the command's values */
    const char *const *choices; /* OPTION_CHOICE: ended by NULL */
    const char *group;          /* heading in help, NULL: "options" */
    const char *help;
};

#define OPTIONS_END                                     \
    {                                                   \
        NULL, 0, OPTION_FLAG, NULL, 0, NULL, NULL, NULL \
    }

/* Writes the options of argv[0 .. argc) into `values` and moves the operands to the front of argv.
 * Returns their number, or -1.  With `-h` or `--help` *help becomes true and 0 is returned. */
int barrow_options_parse(const struct barrow_option *options, void *values, int argc, char **argv,
                         bool *help, struct barrow_error *err);

/* The same for the one option at argv[*next], whose words are taken: for commands that parse their
 * command line themselves. */
int barrow_option_take(const struct barrow_option *options, void *values, int argc, char **argv,
                       int *next, bool *help, struct barrow_error *err);

const struct barrow_option *barrow_option_by_name(const struct barrow_option *options,
                                                  const char *name, size_t length);
const struct barrow_option *barrow_option_by_letter(const struct barrow_option *options,
                                                    char letter);
/* Fails with "no option NAME", naming the nearest one there is.  `name` has its dashes. */
int barrow_option_unknown(const struct barrow_option *options, const char *name,
                          struct barrow_error *err);

/* The name nearest to a mistyped one; NULL if none is near. */
const char *barrow_nearest(const char *word, const char *const *names, size_t count);

#endif
