/* Samples and collections of a profile as JSON. */
#ifndef BARROW_TABLE_SERIES_JSON_H
#define BARROW_TABLE_SERIES_JSON_H

#include "base/json.h"
#include "profile/profile.h"

/* The keys samples, gc_events, gc and resolution_s, into an object that has been begun; at most
 * `limit` samples and events. */
void barrow_series_json(struct barrow_json *json, const struct barrow_profile *profile,
                        size_t limit);

#endif
