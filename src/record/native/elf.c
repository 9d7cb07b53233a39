#include "record/native/elf.h"

#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

/* The loader turns most pointers of a dynamic section into addresses, in place; those of the vDSO
 * and of read-only dynamic sections it leaves as they are in the file. */
static const void *pointer(const struct elf_object *object, ElfW(Addr) value)
{
    return (const void *)(elf_inside(object->range, value) ? value : value + object->bias);
}

static void read_dynamic(struct elf_object *object)
{
    size_t plt_bytes = 0, rela_bytes = 0;
    ElfW(Sxword) plt_kind = DT_RELA;

    for (const elf_dynamic *d = object->dynamic; d->d_tag != DT_NULL; d++) {
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
        object->tables[0].count = plt_bytes / sizeof(elf_relocation);
    if (object->tables[1].first)
        object->tables[1].count = rela_bytes / sizeof(elf_relocation);
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
        const elf_header *h = &object->headers[i];
        uintptr_t start = object->bias + h->p_vaddr, end = start + h->p_memsz;
        if (h->p_type == PT_DYNAMIC) {
            object->dynamic = (const elf_dynamic *)start;
        } else if (h->p_type == PT_GNU_RELRO) {
            /* Rounded as the loader does: a last page that is only partly covered stays writable.
             */
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

/* What a look-up is after: the object's own function, or a stub for somebody else's. */
static bool matches(const struct elf_object *object, uint32_t symbol, const char *name, bool own)
{
    const elf_symbol *s = &object->symbols[symbol];
    return (s->st_shndx != SHN_UNDEF) == own && s->st_value != 0 &&
           ELF64_ST_TYPE(s->st_info) == STT_FUNC && ELF64_ST_BIND(s->st_info) != STB_LOCAL &&
           strcmp(object->strings + s->st_name, name) == 0;
}

/* Several versions of a symbol may be there; all but one are marked as kept for programs linked
 * long ago. */
static bool is_default_version(const struct elf_object *object, uint32_t symbol)
{
    return !object->versions || !(object->versions[symbol] & 0x8000);
}

/* A DT_GNU_HASH table: bucket count, index of the first symbol in it, bloom words, shift; then the
 * bloom filter, the buckets, and a chain word for each symbol, whose lowest bit ends the chain. */
static uint32_t find_by_gnu_hash(const struct elf_object *object, const char *name, bool own)
{
    const uint32_t *words = object->gnu_hash;
    uint32_t bucket_count = words[0], first_symbol = words[1];
    const uint32_t *buckets = (const uint32_t *)((const ElfW(Addr) *)(words + 4) + words[2]);
    const uint32_t *chains = buckets + bucket_count;
    uint32_t hash = gnu_hash_of(name), symbol = bucket_count ? buckets[hash % bucket_count] : 0;

    if (symbol < first_symbol || symbol == 0)
        return 0;
    for (;; symbol++) {
        uint32_t chain = chains[symbol - first_symbol];
        if ((chain | 1) == (hash | 1) && matches(object, symbol, name, own) &&
            is_default_version(object, symbol))
            return symbol;
        if (chain & 1)
            return 0;
    }
}

static uintptr_t find(const struct elf_object *object, const char *name, bool own)
{
    uint32_t symbol = 0;

    if (object->gnu_hash) {
        symbol = find_by_gnu_hash(object, name, own);
    } else if (object->sysv_hash) { /* its second word is the number of symbols */
        for (uint32_t i = 1; i < object->sysv_hash[1] && !symbol; i++)
            if (matches(object, i, name, own) && is_default_version(object, i))
                symbol = i;
    }
    return symbol ? object->bias + object->symbols[symbol].st_value : 0;
}

uintptr_t barrow_elf_definition(const struct elf_object *object, const char *name)
{
    return find(object, name, true);
}

uintptr_t barrow_elf_canonical_stub(const struct elf_object *program, const char *name)
{
    return find(program, name, false);
}

int barrow_elf_protection(const struct elf_object *object, uintptr_t address)
{
    if (elf_inside(object->read_only, address))
        return PROT_READ;
    for (size_t i = 0; i < object->header_count; i++) {
        const elf_header *h = &object->headers[i];
        if (h->p_type == PT_LOAD && address - object->bias - h->p_vaddr < h->p_memsz)
            return (h->p_flags & PF_R ? PROT_READ : 0) | (h->p_flags & PF_W ? PROT_WRITE : 0) |
                   (h->p_flags & PF_X ? PROT_EXEC : 0);
    }
    return PROT_READ;
}
