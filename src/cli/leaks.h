/* The two halves of `barrow leaks`. */
#ifndef BARROW_CLI_LEAKS_H
#define BARROW_CLI_LEAKS_H

#include "cli/heap_view.h"

struct barrow_leaks_options {
    struct barrow_heap_options heap;
    int by;
    const char *filter;
};
enum barrow_leaks_by { LEAKS_BY_WHAT_THERE_IS = -1, LEAKS_BY_HOLDER, LEAKS_BY_LINE, LEAKS_BY_STACK };

/* With a heap snapshot: what piled up where (leaks_heap.c). */
int barrow_leaks_by_holder(const struct barrow_leaks_options *options, int count, char **operands,
                           struct barrow_error *err);

#endif
