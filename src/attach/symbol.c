/* Exported symbols, found as the dynamic linker finds them: through the hash table that every image
 * has mapped. */
#include <elf.h>
#include <string.h>

#include "attach/runtime.h"

struct image {
    struct barrow_memory *memory;
    uint64_t symbols, names, hash; /* addresses of its tables */
    uint64_t bias;                 /* from addresses in the file to those in memory */
};

enum { SEGMENTS = 64, ENTRIES = 512, STEPS = 1 << 16 };

/* The tables' addresses, which the dynamic linker of the GNU C library makes absolute. */
static bool read_dynamic(struct image *image, uint64_t dynamic)
{
    for (uint64_t i = 0; i < ENTRIES; i++) {
        Elf64_Dyn at;
        if (!barrow_memory_copy(image->memory, dynamic + i * sizeof at, &at, sizeof at) ||
            at.d_tag == DT_NULL)
            break;
        uint64_t value = at.d_un.d_ptr < image->bias ? at.d_un.d_ptr + image->bias : at.d_un.d_ptr;
        if (at.d_tag == DT_SYMTAB)
            image->symbols = value;
        else if (at.d_tag == DT_STRTAB)
            image->names = value;
        else if (at.d_tag == DT_GNU_HASH)
            image->hash = value;
    }
    return image->symbols && image->names && image->hash;
}

static bool read_image(struct image *image, struct barrow_memory *memory, uint64_t start)
{
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    uint64_t dynamic = 0;
    bool placed = false;

    *image = (struct image){.memory = memory};
    if (!barrow_memory_copy(memory, start, &header, sizeof header) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64)
        return false;
    for (uint64_t i = 0; i < header.e_phnum && i < SEGMENTS; i++) {
        if (!barrow_memory_copy(memory, start + header.e_phoff + i * sizeof segment, &segment,
                                sizeof segment))
            return false;
        if (segment.p_type == PT_LOAD && !placed) {
            image->bias = start - (segment.p_vaddr - segment.p_offset);
            placed = true;
        }
        if (segment.p_type == PT_DYNAMIC)
            dynamic = segment.p_vaddr;
    }
    return placed && dynamic && read_dynamic(image, dynamic + image->bias);
}

static uint32_t hash_name(const char *name)
{
    uint32_t hash = 5381;

    for (; *name; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash;
}

/* The value of symbol `number` if that is its name and it is defined here. */
static uint64_t symbol_value(const struct image *image, uint64_t number, const char *name)
{
    Elf64_Sym symbol;
    char text[64];

    if (!barrow_memory_copy(image->memory, image->symbols + number * sizeof symbol, &symbol,
                            sizeof symbol) ||
        symbol.st_shndx == SHN_UNDEF ||
        !barrow_memory_text(image->memory, image->names + symbol.st_name, text, sizeof text) ||
        strcmp(text, name) != 0)
        return 0;
    return symbol.st_value + image->bias;
}

/* The table: four numbers, a Bloom filter, the first symbol of each bucket, and for each symbol its
 * hash, whose lowest bit ends the bucket. */
static uint64_t find_in_image(const struct image *image, const char *name)
{
    struct barrow_memory *m = image->memory;
    uint32_t hash = hash_name(name);
    uint32_t buckets = barrow_memory_half(m, image->hash);
    uint32_t first = barrow_memory_half(m, image->hash + 4);
    uint64_t bucket = image->hash + 16 + (uint64_t)barrow_memory_half(m, image->hash + 8) * 8;
    uint64_t chain = bucket + (uint64_t)buckets * 4;

    if (buckets == 0)
        return 0;
    uint32_t number = barrow_memory_half(m, bucket + (uint64_t)(hash % buckets) * 4);
    if (number < first)
        return 0;
    for (uint32_t step = 0; step < STEPS; step++, number++) {
        uint32_t here = barrow_memory_half(m, chain + (uint64_t)(number - first) * 4);
        uint64_t value = (here | 1) == (hash | 1) ? symbol_value(image, number, name) : 0;
        if (value)
            return value;
        if (here & 1)
            break;
    }
    return 0;
}

/* Those that may be Python's by their name come first: others are many, and take time to read. */
static bool looks_like_python(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strstr(slash ? slash : path, "python") != NULL;
}

uint64_t barrow_symbol_find(struct barrow_target *t, const char *name)
{
    struct image image;

    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < t->image_count; i++) {
            if (looks_like_python(t->images[i].path) != (pass == 0) ||
                !read_image(&image, &t->memory, t->images[i].start))
                continue;
            uint64_t value = find_in_image(&image, name);
            if (value)
                return value;
        }
    return 0;
}
