/* Samples a process's memory in a thread of this process.
 *
 * The thread knows nothing of Python: it samples while a function holds the interpreter's lock.  It
 * blocks all signals, uses no malloc, and has a descriptor table of its own where the kernel can
 * (Linux 5.9), so that the program meets none of its descriptors.
 *
 * In a forked child a sampler is dead: it holds what was sampled before the fork, and can be
 * stopped and freed as usual.  Interpreters from 3.12 on warn about a fork while a sampler runs, as
 * with any other thread.
 */
#ifndef BARROW_SERIES_SAMPLER_H
#define BARROW_SERIES_SAMPLER_H

#include "series/process.h"

struct barrow_sampler; /* the calls below: by one thread at a time */

/* Takes the first sample before it returns.  Fails if the process can't be read or there is no
 * thread to be had.  `interval_ns` is at least 1. */
int barrow_sampler_start(struct barrow_sampler **out, int pid, enum barrow_measure measure,
                         bool descendants, uint64_t interval_ns, struct barrow_error *err);
/* Takes the last sample and waits for the thread to end: at most one reading.  Again: nothing. */
void barrow_sampler_stop(struct barrow_sampler *sampler);
bool barrow_sampler_running(const struct barrow_sampler *sampler);

/* The samples so far, in order of time, also while the thread runs. */
size_t barrow_sampler_count(const struct barrow_sampler *sampler);
/* Copies the first `count` of them, which there must be. */
void barrow_sampler_copy(const struct barrow_sampler *sampler, struct barrow_reading *to,
                         size_t count);
/* The highest memory since the start: of the samples, or, for the RSS of a process alone, exact
 * from the kernel if it is higher than the process had ever been before. */
uint64_t barrow_sampler_peak(const struct barrow_sampler *sampler);

/* Stops it first.  NULL: nothing. */
void barrow_sampler_free(struct barrow_sampler *sampler);

#endif
