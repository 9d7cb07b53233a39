/* Puts the hooks into the slots through which loaded objects call the hooked functions.
 *
 *     code:  call *malloc@GOT ──► slot in the GOT (JUMP_SLOT, GLOB_DAT) ──► barrow_hook_malloc
 *     data:  struct { … = malloc } ──► word (R_*_64)                    ──► barrow_hook_malloc
 *
 * A slot belongs to a function because its relocation names that function.  It is replaced if what
 * it holds is the original, the program's canonical stub for it, something else in the original's
 * library (an older version of the function) or a stub of its own object (not yet bound).  A slot
 * that leads elsewhere was bound to another definition on purpose (RTLD_DEEPBIND, another tool) and
 * is left alone.  Words in data are replaced only if they still hold the original: programs do
 * change their allocator tables.
 *
 * barrow's own object gets the reverse: its slots are set to the originals, so that its calls pass
 * by the hooks even in a program whose canonical stubs lead into them.
 *
 * WHO IS NEW.  The loader keeps its objects in a list that grows at its end, and counts loads and
 * unloads (dlpi_adds, dlpi_subs).  `patched` repeats that list in order:
 *
 *     loader's list   A  B  C  D  E  F ►      nothing unloaded since:
 *     patched         A  B  C  D              the first `count` are done, E and F are new
 *
 * After an unload both lists are walked together.  An object that was unloaded and loaded again in
 * the same place looks the same; `probe`, one slot that was patched, no longer holds the hook then.
 *
 * WHEN.  The loader shows an object before it has relocated it; patching it then would be undone,
 * or would break it.  So the list is surveyed first, then the load lock is passed through (dladdr
 * takes it), which means that every load that was under way at the survey has ended, and then only
 * surveyed objects are touched.  Whatever is loaded meanwhile stands behind them; if anything was
 * unloaded, all starts again.
 *
 * All state here is touched inside dl_iterate_phdr callbacks only, which glibc serialises by a
 * recursive lock.
 */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

#include "os/raw.h"
#include "record/native/got.h"

struct done {
    uintptr_t bias;
    const void *dynamic;
    uintptr_t *probe; /* a slot that holds probe_value; NULL: there was nothing to patch */
    uintptr_t probe_value;
};

static struct {
    struct done *items;
    size_t count, room;
    unsigned long long adds, subs; /* the loader's counts at that time */
    struct barrow_got_counts counts;
} patched;

/* ---- one object ---- */

#define BATCH 128

struct patching {
    struct elf_object object;
    bool own;     /* the object that barrow itself is in */
    bool defines; /* it defines one of the hooked functions */
    /* Slots to be written. */
    struct {
        uintptr_t *slot, target;
    } batch[BATCH];
    size_t batch_count, slot_count;
    struct done *done;
};

/* Is the object the one that serves malloc, without being the C library?  Then mmap is how it gets
 * its memory, which is counted when it hands it out. */
static bool is_allocator(const struct elf_object *object)
{
    return !barrow_originals_plain() &&
           object->range.start == barrow_hook_table[BARROW_HOOK_malloc].provider.start;
}

/* The hook that a relocation's symbol stands for, or -1.  Large libraries have many relocations for
 * functions of their own; few libraries define one that is hooked. */
static int hook_of_symbol(const struct patching *p, const elf_symbol *symbol)
{
    if (symbol->st_shndx != SHN_UNDEF && !p->defines)
        return -1;
    return barrow_hook_named(p->object.strings + symbol->st_name);
}

static bool defines_hooked(const struct elf_object *object)
{
    for (int i = 0; i < BARROW_HOOK_COUNT; i++)
        if (barrow_elf_definition(object, barrow_hook_table[i].name))
            return true;
    return false;
}

/* Whether a slot for `hook` that holds `value` may be given to the hook; see the top. */
static bool may_replace(const struct elf_object *object, const struct barrow_hook *hook,
                        unsigned sort, const elf_symbol *symbol, uintptr_t value)
{
    if (value == *hook->real || (value && value == hook->canonical))
        return true;
    if (sort == ELF_WORD)
        return false;
    if (symbol->st_shndx != SHN_UNDEF && value == object->bias + symbol->st_value)
        return false;
    return elf_inside(hook->provider, value) || elf_inside(object->range, value);
}

static void write_batch(struct patching *p)
{
    uintptr_t page = getauxval(AT_PAGESZ), start = UINTPTR_MAX, end = 0;

    for (size_t i = 0; i < p->batch_count; i++) {
        uintptr_t at = (uintptr_t)p->batch[i].slot;
        if (!elf_inside(p->object.read_only, at))
            continue;
        start = at < start ? at & -page : start;
        end = at >= end ? (at & -page) + page : end;
    }
    bool open = end > start;
    bool locked = open && BARROW_RAW(SYS_mprotect, start, end - start, PROT_READ | PROT_WRITE) != 0;
    for (size_t i = 0; i < p->batch_count; i++) {
        uintptr_t *slot = p->batch[i].slot;
        if (locked && elf_inside(p->object.read_only, (uintptr_t)slot)) {
            patched.counts.failed++;
            continue;
        }
        __atomic_store_n(slot, p->batch[i].target, __ATOMIC_RELAXED);
        p->done->probe = slot;
        p->done->probe_value = p->batch[i].target;
        p->slot_count++;
    }
    if (open && !locked)
        BARROW_RAW(SYS_mprotect, start, end - start, PROT_READ);
    p->batch_count = 0;
}

static void add_to_batch(struct patching *p, uintptr_t *slot, uintptr_t target)
{
    if (!elf_inside(p->object.read_only, (uintptr_t)slot) &&
        !(barrow_elf_protection(&p->object, (uintptr_t)slot) & PROT_WRITE)) {
        patched.counts.failed++;
        return;
    }
    if (p->batch_count == BATCH)
        write_batch(p);
    p->batch[p->batch_count].slot = slot;
    p->batch[p->batch_count++].target = target;
}

static void consider_slot(struct patching *p, const elf_relocation *relocation, int number)
{
    const struct elf_object *object = &p->object;
    const struct barrow_hook *hook = &barrow_hook_table[number];
    unsigned sort = ELF64_R_TYPE(relocation->r_info);
    uintptr_t *slot = (uintptr_t *)(object->bias + relocation->r_offset);

    if ((hook->group == BARROW_HOOKS_MMAP && is_allocator(object)) ||
        (uintptr_t)slot % sizeof *slot != 0 || (sort == ELF_WORD && relocation->r_addend != 0))
        return;
    uintptr_t value = __atomic_load_n(slot, __ATOMIC_RELAXED);
    uintptr_t target = p->own ? *hook->real : hook->hook;
    if (value == target)
        return;
    if (may_replace(object, hook, sort, &object->symbols[ELF64_R_SYM(relocation->r_info)], value))
        add_to_batch(p, slot, target);
    else
        patched.counts.foreign +=
            sort != ELF_WORD && value != 0 && hook->group <= BARROW_HOOKS_MMAP;
}

static bool is_loader(const struct elf_object *object)
{
    const char *slash = strrchr(object->path, '/');
    return (object->bias != 0 && object->bias == getauxval(AT_BASE)) ||
           strncmp(slash ? slash + 1 : object->path, "ld-linux", 8) == 0;
}

/* The loader's own memory is not counted.  It calls the malloc family through four pointers that no
 * relocation names, and where the program has canonical stubs, those it has lead through the
 * program's slots into the hooks, half of a pair perhaps.  They are found by their value, and set
 * to the originals. */
static void spare_loader(struct patching *p)
{
    for (size_t i = 0; i < p->object.header_count; i++) {
        const elf_header *h = &p->object.headers[i];
        if (h->p_type != PT_LOAD || !(h->p_flags & PF_W))
            continue;
        uintptr_t *word =
            (uintptr_t *)((p->object.bias + h->p_vaddr + sizeof *word - 1) & -sizeof *word);
        uintptr_t *end = (uintptr_t *)((p->object.bias + h->p_vaddr + h->p_memsz) & -sizeof *word);
        for (; word < end; word++)
            for (int k = 0; *word && k < BARROW_HOOK_COUNT; k++)
                if (*word == barrow_hook_table[k].canonical && *barrow_hook_table[k].real)
                    add_to_batch(p, word, *barrow_hook_table[k].real);
    }
    write_batch(p);
}

static void patch_slots(struct patching *p)
{
    p->own = barrow_is_own(&p->object);
    p->defines = defines_hooked(&p->object);
    for (int table = 0; table < 2; table++) {
        const struct elf_relocations *relocations = &p->object.tables[table];
        for (size_t i = 0; i < relocations->count; i++) {
            const elf_relocation *r = &relocations->first[i];
            unsigned sort = ELF64_R_TYPE(r->r_info);
            if (sort != ELF_JUMP_SLOT && sort != ELF_GLOB_DAT && sort != ELF_WORD)
                continue;
            int hook = hook_of_symbol(p, &p->object.symbols[ELF64_R_SYM(r->r_info)]);
            if (hook >= 0)
                consider_slot(p, r, hook);
        }
    }
    write_batch(p);
    if (!p->own && p->slot_count > 0) {
        patched.counts.objects++;
        patched.counts.slots += p->slot_count;
    }
}

static void patch_object(const struct dl_phdr_info *info, struct done *done)
{
    struct patching p = {.done = done};

    *done = (struct done){.bias = info->dlpi_addr, .dynamic = info->dlpi_phdr};
    if (!barrow_elf_read(&p.object, info))
        return;
    done->dynamic = p.object.dynamic;
    if (is_loader(&p.object))
        spare_loader(&p);
    else
        patch_slots(&p);
}

/* ---- the list of objects ---- */

struct pass {
    bool new_objects;
    bool finished;
    size_t count;                  /* objects at the survey */
    unsigned long long adds, subs; /* and the loader's counts */
    bool nothing_unloaded;         /* since the last pass */
    size_t index;                  /* in the loader's list */
    size_t old, kept,
        old_count; /* in `patched.items`: the next to compare, the end of what is settled */
};

static int survey(struct dl_phdr_info *info, size_t size, void *context)
{
    struct pass *pass = context;

    (void)size;
    if (pass->count == 0) {
        if (patched.count > 0 && info->dlpi_adds == patched.adds && info->dlpi_subs == patched.subs)
            return 1;
        pass->new_objects = true;
        pass->adds = info->dlpi_adds;
        pass->subs = info->dlpi_subs;
    }
    pass->count++;
    return 0;
}

static bool make_room(size_t count)
{
    if (count <= patched.room)
        return true;
    size_t room = patched.room ? patched.room : 128;
    while (room < count)
        room *= 2;
    struct done *items = raw_memory(room * sizeof *items);
    if (!items)
        return false;
    if (patched.items) {
        memcpy(items, patched.items, patched.count * sizeof *items);
        raw_munmap(patched.items, patched.room * sizeof *items);
    }
    patched.items = items;
    patched.room = room;
    return true;
}

/* Whether the pass may go on: nothing was unloaded since its survey, and no later one has done its
 * work. */
static bool begin_pass(struct pass *pass, const struct dl_phdr_info *info)
{
    bool overtaken = patched.count > 0 && patched.adds >= pass->adds && patched.subs >= pass->subs;

    if (overtaken || info->dlpi_subs != pass->subs) {
        pass->finished = overtaken;
        return false;
    }
    if (!make_room(pass->count)) {
        pass->finished = true;
        return false;
    }
    pass->nothing_unloaded = patched.subs == pass->subs;
    pass->old_count = patched.count;
    return true;
}

/* After an unload: the entry of this object among those not yet compared, or NULL: it is new. */
static struct done *find_done(struct pass *pass, const struct dl_phdr_info *info)
{
    for (size_t i = pass->old; i < pass->old_count; i++) {
        struct done *d = &patched.items[i];
        struct elf_object object;
        if (d->bias != info->dlpi_addr)
            continue;
        pass->old = i + 1;
        bool same = barrow_elf_read(&object, info) ? d->dynamic == object.dynamic
                                                   : d->dynamic == (const void *)info->dlpi_phdr;
        return same && (!d->probe || *d->probe == d->probe_value) ? d : NULL;
    }
    pass->old = pass->old_count;
    return NULL;
}

static int patch_if_new(struct dl_phdr_info *info, size_t size, void *context)
{
    struct pass *pass = context;

    (void)size;
    if (pass->index == 0 && !begin_pass(pass, info))
        return 1;
    if (pass->nothing_unloaded && pass->index < pass->old_count) {
        pass->kept++;
    } else {
        struct done *known = pass->nothing_unloaded ? NULL : find_done(pass, info);
        struct done settled;
        if (known)
            settled = *known;
        else
            patch_object(info, &settled);
        patched.items[pass->kept++] = settled;
    }
    if (++pass->index < pass->count)
        return 0;
    patched.count = pass->kept;
    patched.adds = pass->adds;
    patched.subs = pass->subs;
    pass->finished = true;
    return 1;
}

void barrow_got_patch_new(void)
{
    for (int attempt = 0; attempt < 8; attempt++) {
        struct pass pass = {0};
        Dl_info nowhere;

        dl_iterate_phdr(survey, &pass);
        if (!pass.new_objects)
            return;
        dladdr(&pass, &nowhere);
        dl_iterate_phdr(patch_if_new, &pass);
        if (pass.finished)
            return;
    }
}

static int copy_counts(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)info;
    (void)size;
    *(struct barrow_got_counts *)context = patched.counts;
    return 1;
}

struct barrow_got_counts barrow_got_counts(void)
{
    struct barrow_got_counts counts = {0};
    dl_iterate_phdr(copy_counts, &counts);
    return counts;
}
