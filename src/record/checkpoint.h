/* Checkpoints: what was live, by site, at points in time (ledger/format.h).  Helper thread only,
 * or any thread while there is no helper. */
#ifndef BARROW_RECORD_CHECKPOINT_H
#define BARROW_RECORD_CHECKPOINT_H

#include <stdint.h>

void barrow_checkpoint_take(uint64_t now_ns);
/* A new recording, or a fork's child: the next checkpoint gives everything. */
void barrow_checkpoint_reset(void);

#endif
