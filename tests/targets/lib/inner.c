/* Loaded by opener.c, by a bare name or late: makes one block a call. */
#include <stdlib.h>

void *inner_last;

void inner_make(size_t bytes) { inner_last = malloc(bytes); }
