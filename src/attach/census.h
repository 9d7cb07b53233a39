/* The classes of another process's objects: how many there are of each, and their bytes.
 *
 * Counted are the objects that the collector tracks, and what is reached from them: texts, numbers,
 * and containers of these, which it doesn't track.  What nothing but C code or a running function's
 * variables hold isn't found.  Bytes are the allocator's, of all blocks of an object; objects in the
 * interpreter's own data have none.
 */
#ifndef BARROW_ATTACH_CENSUS_H
#define BARROW_ATTACH_CENSUS_H

#include "attach/runtime.h"

struct barrow_live_class {
    char *name; /* "package.module.Class"; classes of the same name are one */
    uint64_t objects, tracked, bytes;
};

struct barrow_live_census {
    struct barrow_live_class *classes; /* largest first */
    size_t count;
    uint64_t objects, tracked, bytes;
    uint64_t read_bytes; /* of the process's memory */
    uint64_t pause_ns;   /* how long the process stood still */
    bool torn;           /* a list changed while it was followed: some objects may be missing */
};

/* Counts once, in the memory that `target` stands for. */
int barrow_live_census_take(struct barrow_live_census *census, struct barrow_target *target,
                       const struct barrow_runtime *runtime, struct barrow_error *err);
/* The same while the process goes on; anew if its lists change too much meanwhile, a few times. */
int barrow_live_census_of(struct barrow_live_census *census, struct barrow_target *target,
                          const struct barrow_runtime *runtime, struct barrow_error *err);
/* The same while the process stands still: nothing is missed. */
int barrow_live_census_stopped(struct barrow_live_census *census, struct barrow_target *target,
                               const struct barrow_runtime *runtime, struct barrow_error *err);
void barrow_live_census_free(struct barrow_live_census *census);

#endif
