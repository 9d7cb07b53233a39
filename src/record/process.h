/* What happens to the process: fork, exec, _exit (process.c). */
#ifndef BARROW_RECORD_PROCESS_H
#define BARROW_RECORD_PROCESS_H

/* Registers the fork handlers, once. */
int barrow_process_watch(void);

/* What standard error is at the start; barrow_recorder_say* keep silent if it is something else. */
void barrow_process_remember_stderr(void);

/* From the helper thread, when it is the last one: the recording is over, and complete. */
void barrow_process_on_last_thread(void);

#endif
