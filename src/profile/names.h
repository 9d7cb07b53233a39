/* What a profile's stacks are made of: texts, frames, nodes, each kept once.
 *
 * Private to src/profile.  Texts are compared by content when they come in and by pointer from then
 * on: two of a profile's frames have the same file if and only if the pointers are equal.  Not
 * thread-safe.  Functions that return a pointer or an index return NULL or PROFILE_NO_MEMORY when
 * memory is out.
 */
#ifndef BARROW_PROFILE_NAMES_H
#define BARROW_PROFILE_NAMES_H

#include "base/arena.h"
#include "base/array.h"
#include "base/map.h"
#include "profile/profile.h"

#define PROFILE_NO_MEMORY UINT32_MAX

struct profile_text {
    const char *chars; /* ended by NUL */
    uint32_t length, hash;
    const char *module; /* of the file of this name; NULL: not asked for yet */
};

enum profile_node_kind { PROFILE_CODE, PROFILE_THREAD, PROFILE_FOLDED };

struct profile_names {
    struct barrow_arena arena;
    struct barrow_map text_map, frame_map, node_map;
    const char *empty; /* the text "" */
    BARROW_ARRAY(struct profile_text *) texts; /* index 0 is unused in all three */
    BARROW_ARRAY(struct barrow_frame) frames;  /* 0: no Python frame */
    BARROW_ARRAY(struct barrow_node) nodes;    /* 0: the root */
};

bool profile_names_init(struct profile_names *names);
/* Frees the maps and lists that only building needs: texts, frames and nodes stay. */
void profile_names_finish(struct profile_names *names);

/* NUL bytes in it become '?'. */
struct profile_text *profile_text(struct profile_names *names, const char *bytes, size_t count);

uint32_t profile_frame(struct profile_names *names, const struct barrow_frame *frame);
uint32_t profile_node(struct profile_names *names, uint32_t parent, uint32_t frame,
                      enum profile_node_kind kind);

#endif
