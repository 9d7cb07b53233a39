/* `barrow top` without a screen: a block of text, or a line of JSON, for each state. */
#ifndef BARROW_CLI_TOP_PLAIN_H
#define BARROW_CLI_TOP_PLAIN_H

#include "cli/top_model.h"

struct barrow_top_wishes {
    struct barrow_view_options view;
    uint64_t interval_ns;
    enum top_group by;
    enum top_sort sort;
    bool once;
};

/* Shows states until the recorded program ended, or the reader of standard output did. */
int barrow_top_plain(struct barrow_top *top, const struct barrow_top_wishes *wishes,
                     struct barrow_error *err);

#endif
