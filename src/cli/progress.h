/* A sign of life on standard error for work that takes longer than a second.
 *
 * Shows nothing before that, nothing when standard error is no terminal, and takes its line away
 * at the end.  Uses SIGALRM and the real interval timer.
 */
#ifndef BARROW_CLI_PROGRESS_H
#define BARROW_CLI_PROGRESS_H

/* `what`: a printable text that lives until barrow_progress_stop(). */
void barrow_progress_start(const char *what);
void barrow_progress_stop(void);

#endif
