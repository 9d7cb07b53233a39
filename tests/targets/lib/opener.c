/* Has RUNPATH $ORIGIN/inner and opens a library there by its bare name. */
#include <dlfcn.h>
#include <stddef.h>

/* 1 if libinner.so was found and has made a block of `bytes`; 0 if not. */
int opener_call(size_t bytes)
{
    void *library = dlopen("libinner.so", RTLD_NOW);
    if (!library)
        return 0;
    void (*make)(size_t) = (void (*)(size_t))dlsym(library, "inner_make");
    if (!make)
        return 0;
    make(bytes);
    return 1;
}

/* dlopen and dlclose again; what the library made in between stays. */
int opener_open_close(const char *path, size_t bytes)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return 0;
    void (*make)(size_t) = (void (*)(size_t))dlsym(library, "inner_make");
    make(bytes);
    return dlclose(library) == 0;
}
