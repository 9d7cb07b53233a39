/* Any bytes as a process's memory: its interpreter is looked for, its objects counted. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "../c/process_image.h"
#include "attach/census.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct process_image image;
    struct barrow_runtime runtime;
    struct barrow_live_census census;
    struct barrow_error err;
    uint64_t objects = 0;

    open_process_image(&image, data, size);
    if (barrow_runtime_find(&runtime, &image.target, &err) == 0 &&
        barrow_live_census_take(&census, &image.target, &runtime, &err) == 0) {
        for (size_t i = 0; i < census.count; i++)
            objects += census.classes[i].objects;
        if (objects != census.objects || census.tracked > objects || objects > size)
            abort();
        barrow_live_census_free(&census);
    }
    close_process_image(&image);
    return 0;
}
