#include "cli/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *block)
{
    if (!block) {
        fputs("barrow: out of memory\n", stderr);
        exit(2);
    }
    return block;
}

void *barrow_allocate(size_t bytes)
{
    return checked(calloc(1, bytes ? bytes : 1));
}

void *barrow_reallocate(void *block, size_t bytes)
{
    return checked(realloc(block, bytes ? bytes : 1));
}

char *barrow_copy(const char *text)
{
    return checked(strdup(text));
}

char *barrow_format(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return checked(length < 0 ? NULL : text);
}
