/* Hooks of the interpreter's own allocators, MEM and OBJ, by PyMem_SetAllocator. */
#ifndef BARROW_RECORD_HOOKS_PYTHON_H
#define BARROW_RECORD_HOOKS_PYTHON_H

#include <stdbool.h>

/* Puts the hooks in, with the interpreter lock held.  With `deaths_only` allocations go past
 * barrow, and only frees of marked blocks (code objects) are looked at. */
void barrow_hooks_python_install(bool deaths_only);

/* Has them keep the threads' own counters too (counters.h).  False if they aren't in, if allocations
 * go past them, or if somebody has put others on top. */
bool barrow_hooks_python_count(void);

/* Takes them out again, if nobody has put others on top; else they stay and pass through. */
void barrow_hooks_python_remove(void);

#endif
