/* The words after `barrow run`: options of barrow, options of the interpreter, then the program.
 *
 *     -o out.barrow  -X dev -Bc  code  a b          barrow's   interpreter's   program   its
 * arguments
 *
 * The program is a script, `-m module` or `-c code`, as python itself would take it; all that
 * follows is its own.
 */
#ifndef BARROW_CLI_PROGRAM_H
#define BARROW_CLI_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "cli/options.h"

enum barrow_program_kind { PROGRAM_NONE, PROGRAM_SCRIPT, PROGRAM_MODULE, PROGRAM_CODE };

struct barrow_program {
    enum barrow_program_kind kind;
    const char *name; /* script or module; NULL for code */
    char **words;     /* for the interpreter: its options, the program, the program's arguments */
    size_t count;
    char *earlier;      /* memory of some of the words */
    bool no_user_site;  /* an option keeps Python from the user's site-packages */
    char site_flags[4]; /* those of I, s and E that were given */
};

/* Splits argv.  `values` receives barrow's own options.  Words of `earlier` (options that the
 * interpreter was started with, NULL or one a line) come first.  `program->words` is to be freed.
 */
int barrow_program_parse(struct barrow_program *program, const struct barrow_option *options,
                         void *values, const char *earlier, int argc, char **argv, bool *help,
                         struct barrow_error *err);

void barrow_program_free(struct barrow_program *program);

/* What the ledger is called after: the script's stem, the module, or `c`.  To be freed. */
char *barrow_program_stem(const struct barrow_program *program);

#endif
