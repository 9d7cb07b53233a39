/* A library that is loaded late, and allocates in every way a compiler knows. */
#include <stdlib.h>

struct allocator {
    void *(*make)(size_t);
    void (*drop)(void *);
};
struct allocator late_table = {malloc, free};                /* words in .data */
const struct allocator late_constant_table = {malloc, free}; /* words in .data.rel.ro */

void *late_make(size_t bytes)
{
    return malloc(bytes);
}

void late_drop(void *p)
{
    free(p);
}

const struct allocator *late_tables(int constant)
{
    return constant ? &late_constant_table : &late_table;
}

/* In libplain, if that is there: an entry into this library that needs no dlsym. */
extern void plain_register(void *(*make)(size_t), void (*drop)(void *)) __attribute__((weak));

__attribute__((constructor)) static void tell(void)
{
    if (plain_register)
        plain_register(late_make, late_drop);
}
