/* Any bytes as a bundle: its members, their headers, the profile of them all. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/inputs.h"
#include "pack.h"
#include "profile/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An error is one line. */
static void check(int result, const struct barrow_error *err)
{
    if (result < 0 && (!err->text[0] || strchr(err->text, '\n')))
        abort();
}

static void read_members(const uint8_t *bytes, size_t size)
{
    struct barrow_bundle *bundle;
    struct barrow_error err = {0};
    int result = barrow_bundle_open_bytes(&bundle, bytes, size, "fuzz", &err);
    check(result, &err);
    if (result < 0)
        return;
    for (size_t i = 0; i < barrow_bundle_count(bundle); i++) {
        struct ledger_header header;
        struct barrow_ledger *ledger;
        check(barrow_bundle_header(bundle, i, &header, &err), &err);
        result = barrow_bundle_ledger(bundle, i, &ledger, &err);
        check(result, &err);
        if (result == 0)
            barrow_ledger_free(ledger);
    }
    barrow_bundle_free(bundle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct barrow_profile *profile;
    struct barrow_error err = {0};
    uint8_t *bytes = fuzz_ledger_bytes(data, size, &size);
    read_members(bytes, size);
    int result = barrow_profile_load_bytes(&profile, bytes, size, "fuzz", &err);
    check(result, &err);
    if (result == 0)
        barrow_profile_free(profile);
    free(bytes);
    return 0;
}
