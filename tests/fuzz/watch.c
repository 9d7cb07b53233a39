/* Any bytes as a configuration of a watch: it is read, or refused in one line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "watch/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct barrow_watch_config config;
    struct barrow_error err = {0};
    if (barrow_watch_config_parse(&config, data, size, "fuzz.yaml", &err) < 0) {
        if (!err.text[0] || strpbrk(err.text, "\n\r\x1b"))
            abort();
        return 0;
    }
    if (config.interval_seconds < 10 || config.interval_seconds > BARROW_WATCH_LARGEST ||
        config.top_n_classes < 1 || config.top_n_classes > BARROW_WATCH_LARGEST ||
        strnlen(config.ledger, sizeof config.ledger) == sizeof config.ledger)
        abort();
    return 0;
}
