#include "base/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum { NOTES_KEPT = 50 };

void barrow_notes_add(struct barrow_notes *notes, const char *format, ...)
{
    if (notes->count > NOTES_KEPT)
        return;
    char *text = NULL;
    if (notes->count == NOTES_KEPT) {
        text = strdup("and more");
    } else {
        va_list args;
        va_start(args, format);
        if (vasprintf(&text, format, args) < 0)
            text = NULL;
        va_end(args);
    }
    char **item = text ? barrow_array_add(notes) : NULL;
    if (item)
        *item = text;
    else
        free(text);
}

void barrow_notes_free(struct barrow_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++)
        free(notes->items[i]);
    free(notes->items);
    *notes = (struct barrow_notes){0};
}
