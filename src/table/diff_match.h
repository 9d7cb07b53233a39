/* Which files, functions and lines of two profiles are the same.  Private to src/table/diff*.c.
 *
 * Everything gets numbers that both profiles share: texts by content, files with those that moved
 * under their new path's number, lines as the later profile counts them.
 *
 * Lines are matched within functions of the same file and name.  Line numbers alone don't tell:
 * when a line is put in above, 40, 41, 42 become 41, 42, 43, and comparing numbers would pair 40's
 * neighbours wrongly and call the ends new and gone.  So the two ordered lists are aligned as a
 * whole, at the least cost (diff_align.c):
 *
 *     before   12   40 41 42      60          a line without a counterpart costs 4,
 *              |     \  \  \       \          a pair whose distance differs from that of the pair
 *     after    12     41 42 43  50  61        before it 4, one that calls other functions 4,
 *                                             one that allocated another number of blocks up to 4
 *
 * The distance to begin with is how far the function's first line moved.  Lines that changed places
 * can't all be paired in order; those left over are paired if they are alike.  Functions of one name in
 * one file (lambdas) are told apart in the same way, by their first lines.
 */
#ifndef BARROW_TABLE_DIFF_MATCH_H
#define BARROW_TABLE_DIFF_MATCH_H

#include "base/array.h"
#include "base/map.h"
#include "profile/profile.h"

#define DIFF_NONE UINT32_MAX

struct diff_texts { /* {0}; equal texts have equal numbers */
    struct barrow_map map;
    BARROW_ARRAY(const char *) items; /* the first is unused */
};
/* 0: no memory. */
uint32_t diff_text(struct diff_texts *texts, const char *text);

struct diff_pair {
    uint32_t first, second;
};
struct diff_pairs { /* {0}; equal pairs have equal numbers, from 1 */
    struct barrow_map map;
    BARROW_ARRAY(struct diff_pair) items; /* pair n at n - 1 */
};
/* 0: no memory. */
uint32_t diff_pair(struct diff_pairs *pairs, uint32_t first, uint32_t second);
void diff_pairs_free(struct diff_pairs *pairs);

struct diff_line { /* a line of a function */
    uint32_t file, function, first_line, line;
    uint32_t number; /* shared by both sides */
    uint64_t blocks; /* allocated there in all */
    uint64_t calls;  /* stands for the names of the functions called from there */
};

struct diff_side {
    const struct barrow_profile *profile;
    uint32_t *files;     /* by frame: number of its file */
    uint32_t *functions; /* by frame */
    uint32_t *of_frame;  /* by frame: index in `lines` */
    struct diff_line *lines;
    size_t count;
};

struct diff_match {
    struct diff_texts texts;
    struct diff_side before, after;
};

/* false: no memory (diff_match_free is still to be called). */
bool diff_match_init(struct diff_match *match, const struct barrow_profile *before,
                     const struct barrow_profile *after);
void diff_match_free(struct diff_match *match);

/* Where something stands, and what it does. */
struct diff_place {
    uint32_t line;
    uint64_t blocks, calls;
};
/* Pairs places, both in rising order of line: to[i] becomes the index in `new` of old[i]'s counterpart, or
 * DIFF_NONE.  `distance`: how far the first is expected to have moved.  false: no memory. */
bool diff_align(const struct diff_place *old, size_t old_count, const struct diff_place *new,
                size_t new_count, int64_t distance, uint32_t *to);

#endif
