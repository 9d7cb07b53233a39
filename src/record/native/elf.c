#include "record/native/elf.h"

#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

/* The loader turns most pointers of a dynamic section into addresses, in place; those of the vDSO and of
 * read-only dynamic sections it leaves as they are in the file. */
static const void *pointer(const struct elf_object *object, ElfW(Addr) value)
{
    return (const void *)(elf_inside(object->range, value) ? value : value + object->bias);
}

static void read_dynamic(struct elf_object *object)
{
    size_t plt_bytes = 0, rela_bytes = 0;
    ElfW(Sxword) plt_kind = DT_RELA;

    for (const ElfW(Dyn) *d = object->dynamic; d->d_tag != DT_NULL; d++) {
        switch (d->d_tag) {
        case DT_SYMTAB:
            object->symbols = pointer(object, d->d_un.d_ptr);
            break;
        case DT_STRTAB:
            object->strings = pointer(object, d->d_un.d_ptr);
            break;
        case DT_VERSYM:
            object->versions = pointer(object, d->d_un.d_ptr);
            break;
        case DT_GNU_HASH:
            object->gnu_hash = pointer(object, d->d_un.d_ptr);
            break;
        case DT_HASH:
            object->sysv_hash = pointer(object, d->d_un.d_ptr);
            break;
        case DT_JMPREL:
            object->tables[0].first = pointer(object, d->d_un.d_ptr);
            break;
        case DT_PLTRELSZ:
            plt_bytes = d->d_un.d_val;
            break;
        case DT_PLTREL:
            plt_kind = (ElfW(Sxword))d->d_un.d_val;
            break;
        case DT_RELA:
            object->tables[1].first = pointer(object, d->d_un.d_ptr);
            break;
        case DT_RELASZ:
            rela_bytes = d->d_un.d_val;
            break;
        }
    }
    if (object->tables[0].first && plt_kind == DT_RELA)
        object->tables[0].count = plt_bytes / sizeof(ElfW(Rela));
    if (object->tables[1].first)
        object->tables[1].count = rela_bytes / sizeof(ElfW(Rela));
}

bool barrow_elf_read(struct elf_object *object, const struct dl_phdr_info *info)
{
    uintptr_t page = getauxval(AT_PAGESZ);

    *object = (struct elf_object){
        .path = info->dlpi_name ? info->dlpi_name : "",
        .bias = info->dlpi_addr,
        .headers = info->dlpi_phdr,
        .header_count = info->dlpi_phnum,
    };
    for (size_t i = 0; i < object->header_count; i++) {
        const ElfW(Phdr) *h = &object->headers[i];
        uintptr_t start = object->bias + h->p_vaddr, end = start + h->p_memsz;
        if (h->p_type == PT_DYNAMIC) {
            object->dynamic = (const ElfW(Dyn) *)start;
        } else if (h->p_type == PT_GNU_RELRO) {
            /* Rounded as the loader does: a last page that is only partly covered stays writable. */
            object->read_only = (struct elf_range){start & -page, end & -page};
        } else if (h->p_type == PT_LOAD) {
            if (object->range.end == 0 || start < object->range.start)
                object->range.start = start;
            if (end > object->range.end)
                object->range.end = end;
        }
    }
    if (!object->dynamic)
        return false;
    read_dynamic(object);
    return object->symbols && object->strings;
}

/* ---- symbols ---- */

static uint32_t gnu_hash_of(const char *name)
{
    uint32_t hash = 5381;
    for (; *name; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash;
}

static bool is_definition(const struct elf_object *object, uint32_t symbol, const char *name)
{
    const ElfW(Sym) *s = &object->symbols[symbol];
    return s->st_shndx != SHN_UNDEF && s->st_value != 0 &&
           ELF64_ST_TYPE(s->st_info) == STT_FUNC && ELF64_ST_BIND(s->st_info) != STB_LOCAL &&
           strcmp(object->strings + s->st_name, name) == 0;
}

/* A DT_GNU_HASH table: bucket count, index of the first hashed symbol, bloom words, shift; then the bloom
 * filter, the buckets, and a chain word for each hashed symbol whose lowest bit ends the chain. */
struct gnu_table {
    uint32_t bucket_count, first_symbol;
    const uint32_t *buckets, *chains;
};

static struct gnu_table gnu_table(const struct elf_object *object)
{
    const uint32_t *words = object->gnu_hash;
    const ElfW(Addr) *bloom = (const ElfW(Addr) *)(words + 4);
    struct gnu_table t = {.bucket_count = words[0], .first_symbol = words[1]};
    t.buckets = (const uint32_t *)(bloom + words[2]);
    t.chains = t.buckets + t.bucket_count;
    return t;
}

void barrow_elf_each_definition(const struct elf_object *object, const char *name,
                                void (*found)(void *context, uint32_t symbol), void *context)
{
    if (object->gnu_hash) {
        struct gnu_table t = gnu_table(object);
        if (t.bucket_count == 0)
            return;
        uint32_t hash = gnu_hash_of(name), symbol = t.buckets[hash % t.bucket_count];
        if (symbol < t.first_symbol || symbol == 0)
            return;
        for (;; symbol++) {
            uint32_t chain = t.chains[symbol - t.first_symbol];
            if ((chain | 1) == (hash | 1) && is_definition(object, symbol, name))
                found(context, symbol);
            if (chain & 1)
                return;
        }
    }
    for (uint32_t symbol = 1; object->sysv_hash && symbol < object->sysv_hash[1]; symbol++)
        if (is_definition(object, symbol, name))
            found(context, symbol);
}

struct default_version {
    const struct elf_object *object;
    uintptr_t address;
};

static void keep_default_version(void *context, uint32_t symbol)
{
    struct default_version *wanted = context;
    const ElfW(Half) *versions = wanted->object->versions;
    bool old = versions && (versions[symbol] & 0x8000) != 0; /* kept for programs linked long ago */
    if (!old)
        wanted->address = wanted->object->bias + wanted->object->symbols[symbol].st_value;
}

uintptr_t barrow_elf_definition(const struct elf_object *object, const char *name)
{
    struct default_version wanted = {.object = object};
    barrow_elf_each_definition(object, name, keep_default_version, &wanted);
    return wanted.address;
}

/* Imports stand before the first symbol of a GNU hash table.  But the table of an object that exports
 * nothing is a dummy; then no symbol is of interest that no relocation names. */
size_t barrow_elf_import_limit(const struct elf_object *object)
{
    if (object->gnu_hash) {
        struct gnu_table t = gnu_table(object);
        for (uint32_t i = 0; i < t.bucket_count; i++)
            if (t.buckets[i] != 0)
                return t.first_symbol;
    } else if (object->sysv_hash) {
        return object->sysv_hash[1];
    }
    size_t limit = 0;
    for (int table = 0; table < 2; table++) {
        for (size_t i = 0; i < object->tables[table].count; i++) {
            size_t symbol = ELF64_R_SYM(object->tables[table].first[i].r_info);
            if (symbol >= limit)
                limit = symbol + 1;
        }
    }
    return limit;
}

uintptr_t barrow_elf_canonical_stub(const struct elf_object *program, const char *name)
{
    size_t limit = barrow_elf_import_limit(program);
    for (size_t i = 1; i < limit; i++) {
        const ElfW(Sym) *s = &program->symbols[i];
        if (s->st_shndx == SHN_UNDEF && s->st_value != 0 &&
            strcmp(program->strings + s->st_name, name) == 0)
            return program->bias + s->st_value;
    }
    return 0;
}

int barrow_elf_protection(const struct elf_object *object, uintptr_t address)
{
    if (elf_inside(object->read_only, address))
        return PROT_READ;
    for (size_t i = 0; i < object->header_count; i++) {
        const ElfW(Phdr) *h = &object->headers[i];
        if (h->p_type == PT_LOAD && address - object->bias - h->p_vaddr < h->p_memsz)
            return (h->p_flags & PF_R ? PROT_READ : 0) | (h->p_flags & PF_W ? PROT_WRITE : 0) |
                   (h->p_flags & PF_X ? PROT_EXEC : 0);
    }
    return PROT_READ;
}
