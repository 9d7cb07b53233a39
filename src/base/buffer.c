#include "base/buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Room for `more` bytes and a NUL. */
static bool make_room(struct barrow_buffer *buffer, size_t more)
{
    if (buffer->failed)
        return false;
    if (more < buffer->room - buffer->used)
        return true;
    size_t room = buffer->room ? buffer->room : 64;
    while (room - buffer->used <= more && room <= SIZE_MAX / 2)
        room *= 2;
    char *grown = room - buffer->used > more ? realloc(buffer->bytes, room) : NULL;
    if (!grown) {
        buffer->failed = true;
        return false;
    }
    buffer->bytes = grown;
    buffer->room = room;
    return true;
}

void barrow_buffer_add(struct barrow_buffer *buffer, const void *bytes, size_t count)
{
    if (count == 0 || !make_room(buffer, count))
        return;
    memcpy(buffer->bytes + buffer->used, bytes, count);
    buffer->used += count;
}

char *barrow_buffer_room(struct barrow_buffer *buffer, size_t count)
{
    return make_room(buffer, count) ? buffer->bytes + buffer->used : NULL;
}

void barrow_buffer_add_text(struct barrow_buffer *buffer, const char *text)
{
    barrow_buffer_add(buffer, text, strlen(text));
}

void barrow_buffer_add_byte(struct barrow_buffer *buffer, char byte)
{
    barrow_buffer_add(buffer, &byte, 1);
}

char *barrow_buffer_text(struct barrow_buffer *buffer)
{
    if (!make_room(buffer, 0))
        return NULL;
    buffer->bytes[buffer->used] = '\0';
    return buffer->bytes;
}

void barrow_buffer_free(struct barrow_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct barrow_buffer){0};
}
