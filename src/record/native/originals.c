/* Finds the functions that the hooks stand in front of.
 *
 * What a program means by `malloc` is the first definition in the order in which objects were
 * loaded: a preloaded allocator's, else the C library's.  It is read from that object's own symbol
 * table.  Nothing else will do: in a program that is not position independent (Debian's
 * interpreters) `&malloc`, RTLD_DEFAULT and most GOT slots give a stub inside the program, which
 * jumps through the program's own slot for malloc, and that slot leads to the hook.
 */
#include <stdio.h>
#include <string.h>

#include "record/native/got.h"

struct barrow_originals barrow_real;

struct barrow_hook barrow_hook_table[BARROW_HOOK_COUNT] = {
#define X(hook_group, result, function, parameters)         \
    [BARROW_HOOK_##function] = {                            \
        .name = #function,                                  \
        .group = BARROW_HOOKS_##hook_group,                 \
        .hook = (uintptr_t)barrow_hook_##function,          \
        .real = (uintptr_t *)(void *)&barrow_real.function, \
    },
    BARROW_HOOKS(X)
#undef X
};

/* ---- look-up by name ---- */

#define NAME_SLOTS 256 /* more than four times the hooks */
#define NAME_LIMIT 40  /* longer than any hooked name */
_Static_assert(BARROW_HOOK_COUNT * 4 <= NAME_SLOTS, "NAME_SLOTS is too small");

static uint8_t names[NAME_SLOTS]; /* number of the hook + 1 */

static uint32_t name_slot(const char *name)
{
    uint32_t hash = 5381;
    for (int i = 0; i < NAME_LIMIT && name[i]; i++)
        hash = hash * 33 + (unsigned char)name[i];
    return (hash ^ hash >> 11) % NAME_SLOTS;
}

int barrow_hook_named(const char *name)
{
    for (uint32_t at = name_slot(name); names[at]; at = (at + 1) % NAME_SLOTS)
        if (strcmp(barrow_hook_table[names[at] - 1].name, name) == 0)
            return names[at] - 1;
    return -1;
}

static void index_names(void)
{
    for (int i = 0; i < BARROW_HOOK_COUNT; i++) {
        if (!*barrow_hook_table[i].real)
            continue;
        uint32_t at = name_slot(barrow_hook_table[i].name);
        while (names[at])
            at = (at + 1) % NAME_SLOTS;
        names[at] = (uint8_t)(i + 1);
    }
}

/* ---- the search ---- */

struct search {
    char *allocator;
    size_t allocator_room;
    struct elf_range libc;
    bool after_program;
};

static struct elf_range libc_range;
static bool cxx_missed;

bool barrow_is_own(const struct elf_object *object)
{
    return elf_inside(object->range, (uintptr_t)&barrow_real);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int search_object(struct dl_phdr_info *info, size_t size, void *context)
{
    struct search *search = context;
    struct elf_object object;
    bool is_program = !search->after_program;

    (void)size;
    search->after_program = true;
    if (!barrow_elf_read(&object, info) || barrow_is_own(&object))
        return 0;
    for (int i = 0; i < BARROW_HOOK_COUNT; i++) {
        struct barrow_hook *h = &barrow_hook_table[i];
        if (is_program)
            h->canonical = barrow_elf_canonical_stub(&object, h->name);
        if (*h->real)
            continue;
        *h->real = barrow_elf_definition(&object, h->name);
        if (!*h->real)
            continue;
        h->provider = object.range;
        if (i == BARROW_HOOK_malloc)
            snprintf(search->allocator, search->allocator_room, "%s",
                     is_program ? "the program" : base_name(object.path));
    }
    if (barrow_elf_definition(&object, "gnu_get_libc_version"))
        search->libc = object.range;
    return 0;
}

/* operator new and delete need no hooks where they call malloc and free.  Preloaded allocators
 * bring their own, which do not; these are hooked if all of them come from the allocator. */
static void settle_cxx(void)
{
    uintptr_t allocator = barrow_hook_table[BARROW_HOOK_malloc].provider.start;
    bool served = barrow_hook_table[BARROW_HOOK__Znwm].provider.start == allocator, whole = true;

    for (int i = 0; i < BARROW_HOOK_COUNT; i++)
        if (barrow_hook_table[i].group == BARROW_HOOKS_CXX)
            whole = whole && barrow_hook_table[i].provider.start == allocator;
    cxx_missed = served && !whole;
    for (int i = 0; i < BARROW_HOOK_COUNT; i++)
        if (barrow_hook_table[i].group == BARROW_HOOKS_CXX && !whole)
            *barrow_hook_table[i].real = 0;
}

bool barrow_originals_find(char *allocator, size_t allocator_room)
{
    struct search search = {.allocator = allocator, .allocator_room = allocator_room};

    dl_iterate_phdr(search_object, &search);
    libc_range = search.libc;
    if (!barrow_real.malloc || !barrow_real.calloc || !barrow_real.realloc || !barrow_real.free)
        return false;
    settle_cxx();
    index_names();
    return true;
}

bool barrow_originals_plain(void)
{
    return barrow_hook_table[BARROW_HOOK_malloc].provider.start == libc_range.start;
}

bool barrow_originals_miss_cxx(void)
{
    return cxx_missed;
}
