#include "attach/layout.h"

#include <stddef.h>

static const struct release {
    uint32_t version;
    struct barrow_layout layout;
} releases[] = {
#define LAYOUT(major, minor, ...) {(major) << 8 | (minor), {__VA_ARGS__}},
#include "attach/layouts.h"
#undef LAYOUT
};

const struct barrow_layout *barrow_layout_find(uint32_t version)
{
    for (size_t i = 0; i < sizeof releases / sizeof *releases; i++)
        if (releases[i].version == version)
            return &releases[i].layout;
    return NULL;
}
