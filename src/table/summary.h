/* The summary of a profile: its keys in JSON, and names for what it counts. */
#ifndef BARROW_TABLE_SUMMARY_H
#define BARROW_TABLE_SUMMARY_H

#include "base/json.h"
#include "profile/profile.h"

/* The keys of `barrow summary --json`, into an object that has been begun. */
void barrow_summary_json(struct barrow_json *json, const struct barrow_profile *profile);

const char *barrow_mode_name(enum ledger_mode mode);
const char *barrow_scope_name(enum ledger_scope scope);
const char *barrow_domain_name(enum ledger_domain domain);
/* "the program ended", "still running, or killed", ... */
const char *barrow_end_words(enum ledger_end end);
/* The process whose end decides how the recording ended: the first that is not complete, else the
 * root.  NULL: there is no process. */
const struct barrow_process *barrow_deciding_process(const struct barrow_profile *profile);
/* What kind of thing `dropped[drop]` counts; NULL: nothing. */
const char *barrow_drop_words(enum ledger_drop drop);

#endif
