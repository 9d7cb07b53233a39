/* A list of one-line texts for a person: warnings about what could not be read. */
#ifndef BARROW_BASE_NOTES_H
#define BARROW_BASE_NOTES_H

#include <stddef.h>

struct barrow_notes { /* {0} is an empty list */
    char **items;     /* `count` texts, each to be freed with free() */
    size_t count, room;
};

/* Appends a text.  After 50 only one more, "and more", is kept: a badly damaged file must not fill
 * the memory with complaints.  Without memory the text is lost. */
void barrow_notes_add(struct barrow_notes *notes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void barrow_notes_free(struct barrow_notes *notes);

#endif
