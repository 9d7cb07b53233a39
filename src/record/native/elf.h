/* A loaded shared object or program, as its program headers and dynamic section describe it.
 *
 * Everything here reads memory that the dynamic loader has mapped; nothing is allocated or kept. An
 * elf_object is good as long as the object stays loaded: use it inside the dl_iterate_phdr callback
 * that showed the object.
 */
#ifndef BARROW_RECORD_NATIVE_ELF_H
#define BARROW_RECORD_NATIVE_ELF_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The three sorts of relocation that fill a word with the address of a named function. */
#if defined(__x86_64__)
#define ELF_JUMP_SLOT R_X86_64_JUMP_SLOT
#define ELF_GLOB_DAT R_X86_64_GLOB_DAT
#define ELF_WORD R_X86_64_64
#elif defined(__aarch64__)
#define ELF_JUMP_SLOT R_AARCH64_JUMP_SLOT
#define ELF_GLOB_DAT R_AARCH64_GLOB_DAT
#define ELF_WORD R_AARCH64_ABS64
#else
#error "barrow hooks functions on x86-64 and aarch64 only"
#endif

typedef ElfW(Phdr) elf_header;
typedef ElfW(Dyn) elf_dynamic;
typedef ElfW(Sym) elf_symbol;
typedef ElfW(Half) elf_version;
typedef ElfW(Rela) elf_relocation;

struct elf_range {
    uintptr_t start, end; /* empty if equal */
};

struct elf_object {
    const char *path; /* "" for the program itself */
    uintptr_t bias;   /* what is added to the object's own addresses */
    const elf_header *headers;
    size_t header_count;
    const elf_dynamic *dynamic;
    struct elf_range range;     /* first to last mapped byte */
    struct elf_range read_only; /* whole pages that the loader makes read-only after relocation */
    const elf_symbol *symbols;
    const char *strings;
    const elf_version *versions; /* NULL: no symbol versions */
    const uint32_t *gnu_hash;    /* either may be NULL */
    const uint32_t *sysv_hash;
    struct elf_relocations {
        const elf_relocation *first;
        size_t count;
    } tables[2]; /* DT_JMPREL, DT_RELA */
};

/* Fills *object; false: it has no dynamic section or symbols, so there is nothing in it to find or
 * patch. */
bool barrow_elf_read(struct elf_object *object, const struct dl_phdr_info *info);

/* The address of the function that `object` defines under this name, in its default version;
 * 0: none. */
uintptr_t barrow_elf_definition(const struct elf_object *object, const char *name);

/* The stub in the program that stands for an imported function: in a program that isn't position
 * independent the function's address is, to everyone in the process, that of this stub (its
 * "canonical" PLT entry).  0: there is none. */
uintptr_t barrow_elf_canonical_stub(const struct elf_object *program, const char *name);

/* The protection that the loader gave the page at `address`, once it had relocated the object. */
int barrow_elf_protection(const struct elf_object *object, uintptr_t address);

static inline bool elf_inside(struct elf_range range, uintptr_t address)
{
    return address >= range.start && address < range.end;
}

#endif
