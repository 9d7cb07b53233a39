/* Which Python interpreter `barrow run` is to start. */
#ifndef BARROW_CLI_INTERPRETER_H
#define BARROW_CLI_INTERPRETER_H

#include "cli/program.h"

/* `wanted` (--python), else `given` (that of `python -m barrow`, which has barrow), else the one
 * beside this executable, else the first python3 on PATH that has barrow.  Fails if it can't be
 * started or has no barrow.  To be freed.  Costs an interpreter start only where the files beside
 * the interpreter don't tell whether it has barrow. */
char *barrow_interpreter_find(const char *wanted, const char *given,
                              const struct barrow_program *program, struct barrow_error *err);

#endif
