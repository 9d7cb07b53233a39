#include "cpython/blocks.h"

#include <dlfcn.h>
#include <link.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "cpython/layout.h"
#include "os/raw.h"

/* The head of a pool as obmalloc.c lays it out, the same in 3.11 to 3.15. */
struct pool_head {
    uint64_t used;
    void *free_block, *next_pool, *previous_pool;
    uint32_t arena, size_class;
};

static const struct pool_head *pool_of(const void *p)
{
    return (const struct pool_head *)((uintptr_t)p & ~(uintptr_t)(BARROW_POOL_BYTES - 1));
}

static bool add_image(struct barrow_blocks *blocks, uintptr_t start, uintptr_t end)
{
    if (blocks->image_count == blocks->image_room) {
        size_t room = blocks->image_room ? blocks->image_room * 2 : 256;
        struct barrow_image *more = raw_memory(room * sizeof *more);
        if (!more)
            return false;
        if (blocks->images) {
            memcpy(more, blocks->images, blocks->image_count * sizeof *more);
            raw_munmap(blocks->images, blocks->image_room * sizeof *more);
        }
        blocks->images = more;
        blocks->image_room = room;
    }
    blocks->images[blocks->image_count++] = (struct barrow_image){start, end};
    return true;
}

static int add_object(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && !add_image(context, start, start + segment->p_memsz))
            return 1;
    }
    return 0;
}

static int by_start(const void *a, const void *b)
{
    const struct barrow_image *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

/* Insertion sort: a few hundred, nearly ordered, and qsort() may allocate. */
static void sort_images(struct barrow_blocks *blocks)
{
    for (size_t i = 1; i < blocks->image_count; i++) {
        struct barrow_image image = blocks->images[i];
        size_t at = i;
        for (; at > 0 && by_start(&blocks->images[at - 1], &image) > 0; at--)
            blocks->images[at] = blocks->images[at - 1];
        blocks->images[at] = image;
    }
}

bool barrow_blocks_is_static(const struct barrow_blocks *blocks, const void *p)
{
    uintptr_t address = (uintptr_t)p;
    size_t low = 0, high = blocks->image_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (address < blocks->images[middle].start)
            high = middle;
        else if (address >= blocks->images[middle].end)
            low = middle + 1;
        else
            return true;
    }
    return false;
}

/* How a dict object (16 bytes of collector's head and the object, 64 in all) was allocated. */
static void find_allocator(struct barrow_blocks *blocks, PyObject *dict)
{
    const char *start = (const char *)dict - sizeof(PyGC_Head);
    size_t asked = sizeof(PyGC_Head) + sizeof(PyDictObject);
    /* Debug allocators put 16 bytes before a block: its size, big-endian, a letter and 0xfd. */
    bool is_debug = (unsigned char)start[-9] == asked && memcmp(start - 7, "\xfd\xfd\xfd", 3) == 0;
    const struct pool_head *pool = pool_of(is_debug ? start - 16 : start);
    size_t blocks_of_16 = (asked + (is_debug ? 24 : 0) + 15) / 16;
    bool in_pool = pool->size_class == blocks_of_16 - 1;
    if (is_debug) {
        blocks->guard_before = 16;
        blocks->guard_bytes = 24;
    }
    if (in_pool)
        blocks->allocator = is_debug ? BARROW_ALLOCATOR_PYMALLOC_DEBUG : BARROW_ALLOCATOR_PYMALLOC;
    else
        blocks->allocator = is_debug ? BARROW_ALLOCATOR_MALLOC_DEBUG : BARROW_ALLOCATOR_MALLOC;
}

bool barrow_blocks_init(struct barrow_blocks *blocks)
{
    *blocks = (struct barrow_blocks){0};
    if (dl_iterate_phdr(add_object, blocks) != 0) {
        barrow_blocks_free(blocks);
        return false;
    }
    sort_images(blocks);
    Dl_info info;
    blocks->is_glibc = dladdr((void *)(uintptr_t)malloc_usable_size, &info) && info.dli_fname &&
                       strstr(info.dli_fname, "/libc");
    find_allocator(blocks, PyImport_GetModuleDict());
    return true;
}

void barrow_blocks_free(struct barrow_blocks *blocks)
{
    if (blocks->images)
        raw_munmap(blocks->images, blocks->image_room * sizeof *blocks->images);
    *blocks = (struct barrow_blocks){0};
}

uint64_t barrow_blocks_bytes(const struct barrow_blocks *blocks, const void *start,
                             size_t requested)
{
    start = (const char *)start - blocks->guard_before;
    requested += blocks->guard_bytes;
    if (blocks->allocator <= BARROW_ALLOCATOR_PYMALLOC_DEBUG && requested <= BARROW_SMALL_LIMIT)
        return ((uint64_t)pool_of(start)->size_class + 1) * 16;
    if (blocks->is_glibc)
        return ((const uint64_t *)start)[-1] & ~(uint64_t)7;
    return malloc_usable_size((void *)(uintptr_t)start);
}
