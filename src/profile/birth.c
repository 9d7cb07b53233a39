/* From a profile back to the ledgers: births, and what only they hold. */
#include "profile/build.h"

uint32_t barrow_profile_site_of(const struct barrow_profile *profile, uint32_t process,
                                uint32_t number)
{
    const struct profile_internal *internal = profile->internal;

    if (process >= internal->members.count)
        return BARROW_NO_SITE;
    const struct profile_member *member = &internal->members.items[process];
    /* The member's numbers are one higher: 0, none, becomes BARROW_NO_SITE. */
    return number < member->site_count ? member->sites[number] - 1u : BARROW_NO_SITE;
}

const struct barrow_ledger *barrow_profile_ledger(const struct barrow_profile *profile,
                                                  uint32_t process)
{
    const struct profile_internal *internal = profile->internal;

    return process < internal->members.count ? internal->members.items[process].ledger : NULL;
}
