/* The Python interpreter inside a process: where it is, which version, where it keeps what. */
#ifndef BARROW_ATTACH_RUNTIME_H
#define BARROW_ATTACH_RUNTIME_H

#include "attach/layout.h"
#include "attach/target.h"

struct barrow_runtime {
    uint64_t address;            /* of _PyRuntime */
    uint32_t version;            /* as sys.hexversion */
    bool has_table;              /* 3.13: it tells its own offsets, which `layout` then has */
    struct barrow_layout layout; /* of that version */
    uint64_t interpreter;        /* the first one's state: the main one comes last in the list */
};

/* Looks in the process's own memory, so it doesn't matter whether the files it was started from
 * are still there, or are in another mount namespace.  `target` may be made up of memory alone.
 * Fails if there is no interpreter, or one that isn't known. */
int barrow_runtime_find(struct barrow_runtime *runtime, struct barrow_target *target,
                        struct barrow_error *err);

/* The address of an exported symbol in a process; 0: no image defines it. */
uint64_t barrow_symbol_find(struct barrow_target *target, const char *name);

/* "3.13.0", "3.15.0b2"; returns `text`. */
char *barrow_runtime_version(const struct barrow_runtime *runtime, char text[24]);

#endif
