#include "profile/names.h"

#include <stdlib.h>

/* The highest numbers are marks. */
#define MOST 0xfffffff0u

bool profile_names_init(struct profile_names *names)
{
    *names = (struct profile_names){0};
    struct profile_text **text = barrow_array_add(&names->texts);
    struct barrow_frame *frame = barrow_array_add(&names->frames);
    struct barrow_node *root = barrow_array_add(&names->nodes);
    struct profile_text *empty = text && frame && root ? profile_text(names, "", 0) : NULL;
    if (!empty)
        return false;
    names->empty = empty->chars;
    *frame = (struct barrow_frame){
        .function = empty->chars, .file = empty->chars, .module = empty->chars};
    return true;
}

void profile_names_finish(struct profile_names *names)
{
    barrow_map_free(&names->text_map);
    barrow_map_free(&names->frame_map);
    barrow_map_free(&names->node_map);
    free(names->texts.items);
    names->texts.items = NULL;
}

struct text_key {
    const char *bytes;
    size_t count;
};
#define SAME_TEXT(texts, i, key) \
    ((texts)[i]->length == (key).count && memcmp((texts)[i]->chars, (key).bytes, (key).count) == 0)
BARROW_MAP_FIND(find_text, struct profile_text *const *, struct text_key, SAME_TEXT)

struct profile_text *profile_text(struct profile_names *names, const char *bytes, size_t count)
{
    char *cleaned = NULL;
    if (count == 0)
        bytes = ""; /* may have been NULL */
    if (count && memchr(bytes, 0, count)) {
        cleaned = barrow_arena_text(&names->arena, bytes, count);
        if (!cleaned)
            return NULL;
        for (size_t i = 0; i < count; i++)
            if (!cleaned[i])
                cleaned[i] = '?';
        bytes = cleaned;
    }
    if (count >= UINT32_MAX || !barrow_map_reserve(&names->text_map, 1))
        return NULL;
    uint32_t hash = barrow_hash_bytes(bytes, count);
    uint32_t *found =
        find_text(&names->text_map, names->texts.items, (struct text_key){bytes, count}, hash);
    if (*found)
        return names->texts.items[*found];
    struct profile_text *text = barrow_arena_alloc(&names->arena, sizeof *text);
    char *chars = cleaned ? cleaned : barrow_arena_text(&names->arena, bytes, count);
    struct profile_text **place = text && chars ? barrow_array_add(&names->texts) : NULL;
    if (!place)
        return NULL;
    *text = (struct profile_text){.chars = chars, .length = (uint32_t)count, .hash = hash};
    *place = text;
    barrow_map_fill(&names->text_map, found, hash, (uint32_t)names->texts.count - 1);
    return text;
}

#define SAME_FRAME(frames, i, key)                                                 \
    ((frames)[i].function == (key)->function && (frames)[i].file == (key)->file && \
     (frames)[i].line == (key)->line && (frames)[i].first_line == (key)->first_line)
BARROW_MAP_FIND(find_frame, const struct barrow_frame *, const struct barrow_frame *, SAME_FRAME)

uint32_t profile_frame(struct profile_names *names, const struct barrow_frame *frame)
{
    if (names->frames.count >= MOST || !barrow_map_reserve(&names->frame_map, 1))
        return PROFILE_NO_MEMORY;
    uint32_t hash = barrow_hash_2(barrow_hash_2((uintptr_t)frame->function, (uintptr_t)frame->file),
                                  (uint64_t)frame->line << 32 | frame->first_line);
    uint32_t *found = find_frame(&names->frame_map, names->frames.items, frame, hash);
    if (*found)
        return *found;
    struct barrow_frame *added = barrow_array_add(&names->frames);
    if (!added)
        return PROFILE_NO_MEMORY;
    *added = *frame;
    uint32_t index = (uint32_t)names->frames.count - 1;
    barrow_map_fill(&names->frame_map, found, hash, index);
    return index;
}

struct node_key {
    uint32_t parent, frame;
    enum profile_node_kind kind;
};
#define SAME_NODE(nodes, i, key)                                             \
    ((nodes)[i].parent == (key).parent && (nodes)[i].frame == (key).frame && \
     (nodes)[i].is_thread == ((key).kind == PROFILE_THREAD) &&               \
     (nodes)[i].is_folded == ((key).kind == PROFILE_FOLDED))
BARROW_MAP_FIND(find_node, const struct barrow_node *, struct node_key, SAME_NODE)

uint32_t profile_node(struct profile_names *names, uint32_t parent, uint32_t frame,
                      enum profile_node_kind kind)
{
    if (names->nodes.count >= MOST || !barrow_map_reserve(&names->node_map, 1))
        return PROFILE_NO_MEMORY;
    uint32_t hash = barrow_hash_2((uint64_t)parent << 32 | frame, kind);
    uint32_t *found = find_node(&names->node_map, names->nodes.items,
                                (struct node_key){parent, frame, kind}, hash);
    if (*found)
        return *found;
    struct barrow_node *added = barrow_array_add(&names->nodes);
    if (!added)
        return PROFILE_NO_MEMORY;
    *added = (struct barrow_node){.parent = parent,
                                  .frame = frame,
                                  .depth = names->nodes.items[parent].depth + 1,
                                  .is_thread = kind == PROFILE_THREAD,
                                  .is_folded = kind == PROFILE_FOLDED};
    uint32_t index = (uint32_t)names->nodes.count - 1;
    barrow_map_fill(&names->node_map, found, hash, index);
    return index;
}
