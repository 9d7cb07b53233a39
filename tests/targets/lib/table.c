/* A library that reaches the allocator through words in its data (as libxml2 and glib do):
 * the linker fills them by R_X86_64_64 relocations, not through the GOT. */
#include <stdlib.h>

struct allocator {
    void *(*get)(size_t);
    void *(*resize)(void *, size_t);
    void (*put)(void *);
};
struct allocator table_allocator = {malloc, realloc, free};
const struct allocator table_constant = {malloc, realloc, free}; /* in .data.rel.ro */

static void *blocks[1000];

void table_get(int slot, size_t bytes) { blocks[slot] = table_allocator.get(bytes); }
void table_resize(int slot, size_t bytes) { blocks[slot] = table_allocator.resize(blocks[slot], bytes); }
void table_put(int slot) { table_allocator.put(blocks[slot]); }
void table_get_constant(int slot, size_t bytes) { blocks[slot] = table_constant.get(bytes); }
void table_put_plain(int slot) { free(blocks[slot]); } /* through the GOT */
