/* Private to native/: the table of hooks, and the patcher that puts them into loaded objects. */
#ifndef BARROW_RECORD_NATIVE_GOT_H
#define BARROW_RECORD_NATIVE_GOT_H

#include <stddef.h>
#include <stdint.h>

#include "record/native/elf.h"
#include "record/native/hooks.h"

struct barrow_hook {
    const char *name;
    enum barrow_hook_group group;
    uintptr_t hook;
    uintptr_t *real;           /* its member of barrow_real; 0 in it: not hooked */
    uintptr_t canonical;       /* the program's canonical stub, or 0 */
    struct elf_range provider; /* the object that provides the original */
};

#define X(group, result, name, parameters) BARROW_HOOK_##name,
enum { BARROW_HOOKS(X) BARROW_HOOK_COUNT };
#undef X

#pragma GCC visibility push(hidden)

extern struct barrow_hook barrow_hook_table[BARROW_HOOK_COUNT];

/* Fills barrow_real and barrow_hook_table; `allocator` gets the name of the library that provides
 * malloc. False: the C library's functions can't be found. */
bool barrow_originals_find(char *allocator, size_t allocator_room);
/* Whether malloc is the C library's own. */
bool barrow_originals_plain(void);
/* Whether operator new and delete reach memory past malloc and could not be hooked. */
bool barrow_originals_miss_cxx(void);
/* The number of the hook of this name, if it has an original; -1: none. */
int barrow_hook_named(const char *name);

/* Whether `address` lies in the object that barrow itself is in. */
bool barrow_is_own(const struct elf_object *object);

/* Patches all loaded objects that were not patched before.  Waits for a load that another thread
 * has under way: never call it where that thread could be waiting for the caller. */
void barrow_got_patch_new(void);

struct barrow_got_counts {
    size_t objects, slots;
    size_t
        foreign; /* slots left alone because they lead to another library's function of that name */
    size_t failed; /* slots whose page could not be made writable */
};
struct barrow_got_counts barrow_got_counts(void);

#pragma GCC visibility pop

#endif
