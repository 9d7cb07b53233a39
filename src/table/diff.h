/* What changed between two recordings: new, gone, grown, shrunk.
 *
 * The recordings may be of different versions of a program, so groups are matched, not compared by
 * line number.  Files: by path; of those that only one recording has, by module (the file moved).
 * Functions: by file and qualified name.  Lines: by their place in the function, see diff_match.h.
 * So a function that only moved gives no rows.  What has no counterpart is new or gone.
 *
 * Not thread-safe.  Strings in rows belong to the two profiles.
 */
#ifndef BARROW_TABLE_DIFF_H
#define BARROW_TABLE_DIFF_H

#include "profile/profile.h"

/* X(NAME, its name in output) */
#define BARROW_DIFF_STATUSES(X) \
    X(NEW, "new")               \
    X(GONE, "gone")             \
    X(GROWN, "grown")           \
    X(SHRUNK, "shrunk")
enum barrow_diff_status {
#define X(name, text) BARROW_DIFF_##name,
    BARROW_DIFF_STATUSES(X)
#undef X
};

struct barrow_diff_row {
    enum barrow_diff_status status;
    struct barrow_row row; /* what it is: as `after` has it or, if it is GONE, as `before` had it */
    uint32_t old_line;     /* by line and stack: the (leaf's) line in `before`; 0: the same, or none */
    const char *old_file;  /* by line, function and file: the path in `before`; NULL: the same, or none */
    struct barrow_value before, after;
};

const char *barrow_diff_status_name(enum barrow_diff_status status);

/* The profile that a row's strings and nodes are of. */
static inline const struct barrow_profile *barrow_diff_profile(const struct barrow_diff_row *row,
                                                               const struct barrow_profile *before,
                                                               const struct barrow_profile *after)
{
    return row->status == BARROW_DIFF_GONE ? before : after;
}

/* By falling absolute change in bytes, then in blocks, then by names; what didn't change is left
 * out.  Rows' changes add up to the change of the whole.  `*rows` is to be freed with free(). */
int barrow_diff_rows(const struct barrow_profile *before, const struct barrow_profile *after,
                     const struct barrow_query *query, struct barrow_diff_row **rows,
                     size_t *count, struct barrow_error *err);

#endif
