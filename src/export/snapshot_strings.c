#include "export/snapshot_strings.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "export/text.h"

enum { MOST_BYTES = 1000 };

#define SAME_TEXT(list, i, key) (strcmp((list)[i], key) == 0)
BARROW_MAP_FIND(find_text, const char *const *, const char *, SAME_TEXT)

static uint32_t fail(struct snapshot_strings *strings)
{
    strings->failed = true;
    return 0;
}

/* How much of a text is kept: whole characters. */
static size_t cut(const char *text, size_t length)
{
    if (length <= MOST_BYTES)
        return length;
    length = MOST_BYTES;
    while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return length;
}

uint32_t snapshot_string(struct snapshot_strings *strings, const char *text)
{
    size_t length = cut(text, strlen(text));
    char kept[MOST_BYTES + 1];

    if (length == 0)
        return 0;
    if ((strings->list.count == 0 && !barrow_array_add(&strings->list)) ||
        !barrow_map_reserve(&strings->map, 1))
        return fail(strings);
    memcpy(kept, text, length);
    kept[length] = '\0';
    uint32_t hash = barrow_hash_bytes(kept, length);
    uint32_t *number = find_text(&strings->map, strings->list.items, kept, hash);
    if (*number)
        return *number;
    const char **added = barrow_array_add(&strings->list);
    char *copy = added ? barrow_arena_text(&strings->arena, kept, length) : NULL;
    if (!copy)
        return fail(strings);
    *added = copy;
    strings->bytes += length;
    barrow_map_fill(&strings->map, number, hash, (uint32_t)strings->list.count - 1);
    return (uint32_t)strings->list.count - 1;
}

static void put_text(FILE *to, const char *text)
{
    char *copy = NULL;
    const char *clean = barrow_export_utf8(text, &copy);

    barrow_json_quote(to, clean ? clean : "", clean ? strlen(clean) : 0);
    free(copy);
}

void snapshot_strings_write(const struct snapshot_strings *strings, FILE *to)
{
    fputs("[\"\"", to);
    for (size_t i = 1; i < strings->list.count; i++) {
        fputs(",\n", to);
        put_text(to, strings->list.items[i]);
    }
    fputc(']', to);
}

void snapshot_strings_free(struct snapshot_strings *strings)
{
    barrow_arena_free(&strings->arena);
    barrow_map_free(&strings->map);
    free(strings->list.items);
    *strings = (struct snapshot_strings){0};
}
