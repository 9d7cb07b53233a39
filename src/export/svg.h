/* Flame graphs as SVG: one file, no scripts, nothing loaded from elsewhere. */
#ifndef BARROW_EXPORT_SVG_H
#define BARROW_EXPORT_SVG_H

#include <stdio.h>

#include "table/flame.h"

struct barrow_svg_flame {
    const struct barrow_profile *profile;
    const struct barrow_calltree *tree; /* of that profile and metric */
    enum barrow_metric metric;
    const char *filter; /* NULL: none; only told in the picture */
    bool inverted;
    uint32_t max_depth;   /* 0: as deep as is sensible, which the picture tells if it cuts */
    uint64_t least_bytes; /* smaller cells are put together */
};

/* Write errors stay in the stream; fails for want of memory only.  The picture is well-formed XML
 * whatever the names hold. */
int barrow_svg_flame(const struct barrow_svg_flame *picture, FILE *to, struct barrow_error *err);

#endif
