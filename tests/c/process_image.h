/* Images of processes (tests/data/make_process.py) as targets of src/attach. */
#ifndef BARROW_TESTS_PROCESS_IMAGE_H
#define BARROW_TESTS_PROCESS_IMAGE_H

#include <stdlib.h>
#include <string.h>

#include "attach/target.h"

enum { IMAGE_OF_FILE = 1, IMAGE_WRITABLE = 2, IMAGE_PROGRAM = 4, IMAGE_REGIONS = 16 };

struct process_image {
    struct barrow_target target;
    struct barrow_region regions[IMAGE_REGIONS];
    const unsigned char *contents[IMAGE_REGIONS];
    struct barrow_image programs[IMAGE_REGIONS];
};

static size_t read_image_memory(void *context, uint64_t address, void *to, size_t bytes)
{
    const struct process_image *image = context;

    for (size_t i = 0; i < image->target.region_count; i++) {
        const struct barrow_region *r = &image->regions[i];
        if (address < r->start || address >= r->end)
            continue;
        if (bytes > r->end - address)
            bytes = (size_t)(r->end - address);
        memcpy(to, image->contents[i] + (address - r->start), bytes);
        return bytes;
    }
    return 0;
}

/* Regions that aren't ascending, or not all there, are left out.  The bytes must stay. */
static void open_process_image(struct process_image *image, const unsigned char *bytes, size_t size)
{
    struct barrow_target *t = &image->target;
    uint64_t last = 0;

    memset(image, 0, sizeof *image);
    t->regions = image->regions;
    t->images = image->programs;
    while (size >= 16 && t->region_count < IMAGE_REGIONS) {
        uint64_t start;
        uint32_t length, flags;
        memcpy(&start, bytes, 8);
        memcpy(&length, bytes + 8, 4);
        memcpy(&flags, bytes + 12, 4);
        bytes += 16;
        size -= 16;
        if (length > size)
            length = (uint32_t)size;
        if (length && start >= last && start < (1ull << 47)) {
            image->contents[t->region_count] = bytes;
            image->regions[t->region_count++] =
                (struct barrow_region){.start = start,
                                       .end = start + length,
                                       .of_file = flags & IMAGE_OF_FILE,
                                       .writable = flags & IMAGE_WRITABLE};
            if (flags & IMAGE_PROGRAM)
                image->programs[t->image_count++] =
                    (struct barrow_image){.start = start, .path = (char *)"/usr/bin/python3"};
            last = start + length;
        }
        bytes += length;
        size -= length;
    }
    barrow_memory_init(&t->memory, read_image_memory, image, t->regions, t->region_count);
}

static void close_process_image(struct process_image *image)
{
    barrow_memory_free(&image->target.memory);
}

#endif
