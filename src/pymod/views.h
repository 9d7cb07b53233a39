/* What a ledger tells, as batches of columns.  Knows nothing of Python. */
#ifndef BARROW_PYMOD_VIEWS_H
#define BARROW_PYMOD_VIEWS_H

#include "profile/profile.h"
#include "pymod/batch.h"

/* Each gives one reference, or NULL and fills *err.  Column names are the keys of `--json`. */
struct batch *barrow_view_rows(const struct barrow_profile *profile,
                               const struct barrow_query *query, struct barrow_error *err);
struct batch *barrow_view_samples(const struct barrow_profile *profile, struct barrow_error *err);
struct batch *barrow_view_gc_events(const struct barrow_profile *profile, struct barrow_error *err);
struct batch *barrow_view_lines(const struct barrow_profile *profile, struct barrow_error *err);
struct batch *barrow_view_marks(const struct barrow_profile *profile, struct barrow_error *err);

#endif
