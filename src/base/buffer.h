/* A growing run of bytes.  Not thread-safe.
 *
 * Running out of memory is remembered instead of reported each time: add whatever there is to add,
 * then look at `failed` once.
 */
#ifndef BARROW_BASE_BUFFER_H
#define BARROW_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct barrow_buffer { /* {0} is an empty buffer */
    char *bytes;
    size_t used, room;
    bool failed;
};

void barrow_buffer_add(struct barrow_buffer *buffer, const void *bytes, size_t count);
void barrow_buffer_add_text(struct barrow_buffer *buffer, const char *text);
void barrow_buffer_add_byte(struct barrow_buffer *buffer, char byte);
/* Where the next `count` bytes can be written, which `used` is then to count; NULL: no memory. */
char *barrow_buffer_room(struct barrow_buffer *buffer, size_t count);
/* Ends the bytes with a NUL that `used` does not count; NULL if anything failed. */
char *barrow_buffer_text(struct barrow_buffer *buffer);
void barrow_buffer_free(struct barrow_buffer *buffer);

#endif
