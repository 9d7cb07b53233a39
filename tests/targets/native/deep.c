/* A library with a malloc of its own, which it calls if it is opened with RTLD_DEEPBIND. */
#include <stddef.h>

static char arena[4096];
static size_t used;

void *malloc(size_t bytes)
{
    used += (bytes + 15) & ~(size_t)15;
    return used <= sizeof arena ? arena + used - ((bytes + 15) & ~(size_t)15) : NULL;
}

/* 1 if malloc here is the one above. */
int deep_is_own(void)
{
    void *(*volatile take)(size_t) = malloc;
    char *p = take(100);
    return p >= arena && p < arena + sizeof arena;
}
