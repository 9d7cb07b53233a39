/* Which module a source file is, by what the recorded process had as sys.path and command. */
#ifndef BARROW_PROFILE_MODULE_H
#define BARROW_PROFILE_MODULE_H

#include "ledger/read.h"
#include "profile/names.h"

enum { PROFILE_SYS_PATHS = 256 }; /* more entries are not looked at */

struct profile_modules {
    struct { const char *text; uint32_t length; } directories[PROFILE_SYS_PATHS];
    size_t count;
    const char *working_directory;
    const char *script;   /* of the command, NULL: none */
    const char *run_name; /* X of `-m X`, NULL: none */
    bool inline_code;     /* -c */
};

/* Refers to the ledger's memory. */
void profile_modules_init(struct profile_modules *modules, const struct barrow_ledger *ledger);

/* The dotted name of `file`'s module: "__main__" for the script, `a.b` for a/b.py and a/b/__init__.py
 * below the longest fitting sys.path entry, the name within <frozen ...>, else the stem.
 * Remembered in the text; NULL: no memory. */
const char *profile_module_of(const struct profile_modules *modules, struct profile_names *names,
                              struct profile_text *file);

#endif
