/* Any bytes as a ledger: reader, profile, rows of every metric and grouping, checkpoints. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "ledger/read.h"
#include "pack.h"
#include "profile/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk_checkpoints(const uint8_t *bytes, size_t size)
{
    struct barrow_ledger *ledger;
    if (barrow_ledger_open_bytes(&ledger, bytes, size, "fuzz", NULL) < 0)
        return;
    struct barrow_checkpoints walk = barrow_ledger_checkpoints(ledger);
    struct barrow_checkpoint point;
    volatile uint64_t sum = 0;
    while (barrow_checkpoints_next(&walk, &point))
        for (uint32_t i = 0; i < point.count; i++)
            sum += point.entries[i].live_bytes;
    (void)sum;
    barrow_ledger_free(ledger);
}

/* One query in seven, another set of them for each input. */
static void group(const struct barrow_profile *profile, unsigned input)
{
    static const char *const filters[] = {NULL, "any.module=*,domain=m*", "thread!=*,line=1*"};
    for (unsigned i = input % 7; i < BARROW_METRIC_COUNT * BARROW_BY_COUNT * 2; i += 7) {
        struct barrow_query query = {.metric = (enum barrow_metric)(i % BARROW_METRIC_COUNT),
                                     .by = (enum barrow_grouping)(i / 8),
                                     .inclusive = i / 4 % 2,
                                     .filter = filters[i % 3],
                                     .limit = i % 5};
        struct barrow_row *rows;
        size_t count;
        if (barrow_profile_rows(profile, &query, &rows, &count, NULL) < 0)
            abort();
        free(rows);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct barrow_profile *profile;
    struct barrow_error err = {0};
    uint8_t *bytes = fuzz_ledger_bytes(data, size, &size);
    if (barrow_profile_load_bytes(&profile, bytes, size, "fuzz", &err) == 0) {
        group(profile, barrow_crc32(bytes, size < 20000 ? size : 20000));
        barrow_profile_free(profile);
        walk_checkpoints(bytes, size);
    } else if (!err.text[0] || strchr(err.text, '\n')) {
        abort();
    }
    free(bytes);
    return 0;
}
