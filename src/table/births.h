/* Births: for the objects of a heap snapshot, what the recording knows of the places that made them.
 *
 * A snapshot says the birth site of an object as its number in the ledger.  Here each such number leads to
 * its stack, to the line of the user's own code that is nearest to the leaf, to whether the stack is part of
 * an import, and to whether what was born there kept growing.
 */
#ifndef BARROW_TABLE_BIRTHS_H
#define BARROW_TABLE_BIRTHS_H

#include "profile/profile.h"

struct barrow_birth {
    uint32_t site;   /* in profile->sites; BARROW_NO_SITE: unknown */
    uint32_t node;   /* the stack's leaf in profile->nodes; 0: no Python frame */
    uint32_t user;   /* the innermost frame of it in the user's code, else `node` */
    bool in_import;  /* the import system is on the stack: made once, when a module was loaded */
    bool by_import;  /* ... and nearer to the leaf than the user's frame */
    bool is_users;   /* there is a frame of the user's code */
    bool grows;      /* what it made went on growing until the snapshot, step by step */
};
struct barrow_births {
    struct barrow_birth *sites; /* by number in the ledger; [0] is unknown */
    uint32_t count;
    bool has_time; /* there were points of time enough to tell what grows */
};

/* `process`: which of the profile's the snapshot is of.  `count`: numbers are below it.  `taken_ns`: when
 * the program stood still for it, since the start of the process; 0: at
 * its end. */
int barrow_births_load(struct barrow_births *births, const struct barrow_profile *profile,
                       uint32_t process, uint32_t count, uint64_t taken_ns,
                       struct barrow_error *err);
void barrow_births_free(struct barrow_births *births);

static inline const struct barrow_birth *barrow_birth_of(const struct barrow_births *births,
                                                         uint32_t number)
{
    return &births->sites[number < births->count ? number : 0];
}

/* Objects added up by the line of the user's code where they were born. */
struct barrow_birth_line {
    uint32_t frame;  /* in profile->frames; 0: not known */
    uint32_t number; /* the site, as in the ledger, that most of the bytes come from */
    uint64_t objects, bytes;
    uint64_t most; /* bytes of that site */
};
struct barrow_birth_tally { /* {.births = ...} is an empty one */
    const struct barrow_births *births;
    struct barrow_value *values; /* by number of the site */
};
/* false: no memory. */
bool barrow_birth_tally_add(struct barrow_birth_tally *tally, uint32_t number, uint64_t bytes);
/* Lines by falling bytes, to be freed; empties the tally.  *count is 0 if there are none. */
int barrow_birth_tally_lines(struct barrow_birth_tally *tally, const struct barrow_profile *profile,
                             struct barrow_birth_line **lines, size_t *count,
                             struct barrow_error *err);

/* Is the file part of the program, rather than of the standard library, an installed package or the
 * interpreter? */
bool barrow_is_users_file(const struct barrow_frame *frame);

#endif
