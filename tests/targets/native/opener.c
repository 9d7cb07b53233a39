/* Calls the loader from within a library; built with RUNPATH, with RPATH, and with neither. */
#include <dlfcn.h>
#include <stddef.h>

void *opener_open(const char *name, int flags)
{
    return dlopen(name, flags);
}

void *opener_next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* In libouter: what makes it need libmiddle. */
#ifdef OPENER_NEEDS
extern void *OPENER_NEEDS(const char *name, int flags);
void *(*opener_needs)(const char *, int) = OPENER_NEEDS;
#endif
