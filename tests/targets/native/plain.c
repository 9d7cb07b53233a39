/* A library without RUNPATH that programs are linked with. */
#include <dlfcn.h>
#include <stddef.h>

static void *(*registered_make)(size_t);
static void (*registered_drop)(void *);

void plain_register(void *(*make)(size_t), void (*drop)(void *))
{
    registered_make = make;
    registered_drop = drop;
}

void *plain_open(const char *name, int flags)
{
    return dlopen(name, flags);
}

/* Through what was registered last. */
void *plain_make(size_t bytes)
{
    return registered_make(bytes);
}

void plain_drop(void *p)
{
    registered_drop(p);
}
