/* The snapshot's strings: names of attributes, classes, functions, files. */
#include <string.h>

#include "base/map.h"
#include "cpython/object.h"
#include "dig/state.h"

enum { TEXT_LIMIT = 256 };

uint32_t barrow_walk_string_add(struct dig_walk *w, const char *text, size_t bytes)
{
    struct barrow_heap *heap = &w->dig->heap;
    struct dig_column *starts = &w->dig->columns[COLUMN_STRING_START];
    struct dig_column *texts = &w->dig->columns[COLUMN_STRINGS];
    uint32_t number = heap->string_count;
    uint32_t start = number ? ((uint32_t *)starts->at)[number] : 0;
    if (start + bytes > UINT32_MAX / 2 ||
        !barrow_column_reserve(starts, (number + (size_t)2) * 4) ||
        !barrow_column_reserve(texts, start + bytes + 1)) {
        w->failed = true;
        return 0;
    }
    memcpy((char *)texts->at + start, text, bytes);
    ((uint32_t *)starts->at)[number] = start;
    ((uint32_t *)starts->at)[number + 1] = start + (uint32_t)bytes;
    heap->string_count = number + 1;
    return number;
}

uint32_t barrow_walk_string(struct dig_walk *w, const char *text, size_t bytes)
{
    if (bytes == 0)
        return 0;
    const uint32_t *starts = w->dig->columns[COLUMN_STRING_START].at;
    const char *texts = w->dig->columns[COLUMN_STRINGS].at;
    uint32_t hash = barrow_hash_bytes(text, bytes);
    uint32_t *slot = &w->string_slots[hash % 8192];
    if (*slot && starts[*slot] - starts[*slot - 1] == bytes &&
        memcmp(texts + starts[*slot - 1], text, bytes) == 0)
        return *slot - 1;
    uint32_t number = barrow_walk_string_add(w, text, bytes);
    *slot = number + 1;
    return number;
}

uint32_t barrow_walk_words(struct dig_walk *w, const char *text)
{
    return text ? barrow_walk_string(w, text, strlen(text)) : 0;
}

uint32_t barrow_walk_string_of(struct dig_walk *w, PyObject *text)
{
    char buffer[1024];
    uint32_t bytes;
    size_t at = ((uintptr_t)text >> 4) % 4096;
    if (!text)
        return 0;
    if (w->text_strings[at].text == text)
        return w->text_strings[at].string;
    const char *words = barrow_text_look(text, buffer, sizeof buffer, &bytes);
    w->text_strings[at].text = text;
    return w->text_strings[at].string = barrow_walk_string(w, words, bytes);
}

static bool is_name(const char *text, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)text[i];
        bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';
        if (!letter && c != '_' && (i == 0 || ((c < '0' || c > '9') && c != '.')))
            return false;
    }
    return bytes > 0;
}

void barrow_walk_call(struct dig_walk *w, PyObject *text)
{
    uint32_t number = text ? barrow_walk_object(w, text) : 0;
    if (!number || !barrow_column_reserve(&w->called_column, number + (size_t)1))
        return;
    ((uint8_t *)w->called_column.at)[number] = 1;
}

/* Qualified names have dots and brackets, and aren't interned. */
static bool is_called(const struct dig_walk *w, uint32_t number)
{
    return number < w->called_column.bytes && ((const uint8_t *)w->called_column.at)[number];
}

/* Names in source code are interned; what else a text says is the program's own business. */
void barrow_walk_add_text(struct dig_walk *w, uint32_t number, PyObject *text)
{
    struct barrow_heap *heap = &w->dig->heap;
    char buffer[TEXT_LIMIT];
    uint32_t bytes;
    bool any = w->options->with_values || is_called(w, number);
    if (!any && !(barrow_text_is_interned(text) && PyUnicode_IS_COMPACT_ASCII(text)))
        return;
    const char *words = barrow_text_look(text, buffer, TEXT_LIMIT, &bytes);
    if (!any && (bytes >= TEXT_LIMIT || !is_name(words, bytes)))
        return;
    struct heap_text *record =
        barrow_walk_append(w, COLUMN_TEXTS, heap->text_count, sizeof *record);
    if (!record)
        return;
    *record = (struct heap_text){number, barrow_walk_string_add(w, words, bytes)};
    heap->text_count++;
}
