/* What a class is called: "package.module.Class", builtins without a module. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/walk.h"
#include "base/utf8.h"

enum { NAME_ROOM = 512 };

static size_t put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    to[0] = (char)((more == 1 ? 0xc0 : more == 2 ? 0xe0 : 0xf0) | c >> (6 * more));
    for (size_t i = 1; i <= more; i++)
        to[i] = (char)(0x80 | (c >> (6 * (more - i)) & 63));
    return more + 1;
}

/* The characters of a str; false: it is none, or too long for a name. */
static bool read_text(struct barrow_walk *w, uint64_t object, char text[NAME_ROOM])
{
    const struct barrow_layout *l = w->layout;
    uint32_t type = barrow_walk_type(w, object);
    uint32_t state = barrow_memory_half(w->memory, object + l->text_state);
    uint64_t length = barrow_memory_word(w->memory, object + l->text_length);
    uint32_t kind = state >> l->text_kind_bit & 7;
    bool ascii = state >> l->text_ascii_bit & 1;
    size_t used = 0;

    if (!type || w->types[type].kind != WALK_TEXT || !(state >> l->text_compact_bit & 1) ||
        (kind != 1 && kind != 2 && kind != 4) || length >= NAME_ROOM / 4)
        return false;
    const char *data = barrow_memory_look(
        w->memory, object + (ascii ? l->text_ascii : l->text_compact), length * kind);
    if (!data)
        return false;
    for (uint64_t i = 0; i < length; i++) {
        uint32_t c = 0;
        memcpy(&c, data + i * kind, kind);
        used += put_utf8(text + used, c <= 0x10ffff && c ? c : '?');
    }
    text[used] = '\0';
    return true;
}

/* The value of `name` in a dict whose keys are texts. */
static uint64_t find_in_dict(struct barrow_walk *w, uint64_t dict, const char *name)
{
    const struct barrow_layout *l = w->layout;
    struct barrow_memory *m = w->memory;
    uint64_t keys = barrow_memory_word(m, dict + l->dict_keys);
    uint64_t count = barrow_memory_word(m, keys + l->keys_count);
    uint32_t log2_index = barrow_memory_half(m, keys + l->keys_log2_size) >> 8 & 255;
    uint32_t kind = barrow_memory_half(m, keys + l->keys_log2_size) >> 16 & 255;
    char text[NAME_ROOM];
    uint64_t stride = kind == 0 ? 24 : 16;

    if (log2_index > 20 || count > (1 << 16) || barrow_memory_word(m, dict + l->dict_values))
        return 0;
    uint64_t entry = keys + l->keys_indices + ((uint64_t)1 << log2_index) + (kind == 0 ? 8 : 0);
    for (uint64_t i = 0; i < count; i++, entry += stride)
        if (read_text(w, barrow_memory_word(m, entry), text) && strcmp(text, name) == 0)
            return barrow_memory_word(m, entry + 8);
    return 0;
}

char *barrow_walk_name(struct barrow_walk *w, const struct walk_type *t)
{
    const struct barrow_layout *l = w->layout;
    struct barrow_memory *m = w->memory;
    char own[NAME_ROOM], module[NAME_ROOM], whole[2 * NAME_ROOM + 1];
    uint64_t address = t->address; /* `t` moves when a new class is met */
    bool heap = t->flags & TYPE_HEAP;

    if (!heap || !read_text(w, barrow_memory_word(m, address + l->type_qualname), own)) {
        if (!barrow_memory_text(m, barrow_memory_word(m, address + l->type_name), own, sizeof own))
            snprintf(own, sizeof own, "?");
        return strdup(own);
    }
    uint64_t dict = barrow_memory_word(m, address + l->type_dict);
    if (!read_text(w, find_in_dict(w, dict, "__module__"), module) ||
        strcmp(module, "builtins") == 0)
        return strdup(own);
    snprintf(whole, sizeof whole, "%s.%s", module, own);
    return strdup(whole);
}
