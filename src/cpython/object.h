/* Facts about interpreter objects, read without running any of the interpreter's code.
 *
 * Nothing here allocates, changes a reference count or needs the interpreter lock, provided the
 * object is kept alive by somebody (a code object by the frame that runs it).
 */
#ifndef BARROW_CPYTHON_OBJECT_H
#define BARROW_CPYTHON_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpython/frame.h"

struct barrow_code_view {
    uintptr_t first_instruction;
    uint64_t code_bytes;
    uint32_t first_line;
    PyObject *file; /* str */
    PyObject *qualified_name;
    const char *line_table;
    uint32_t line_table_bytes;
};

void barrow_code_look(PyCodeObject *code, struct barrow_code_view *view);

/* UTF-8 of a str, lone surrogates passed through; cut at `limit` bytes between characters.
 * Returns the text, which is inside the object (pure ASCII) or in `buffer`; *bytes is its length. */
const char *barrow_text_look(PyObject *text, char *buffer, uint32_t limit, uint32_t *bytes);

/* The name of the threading.Thread whose rootmost frame is `f`; false if it can't be told. */
bool barrow_thread_name_look(const barrow_frame *f, char *name, uint32_t limit);

/* True if the state's interpreter is not the main one and has a lock of its own (3.12+). */
bool barrow_state_has_own_lock(const PyThreadState *state);

/* Prepares barrow_state_here().  With the interpreter lock. */
void barrow_state_find_offset(void);
/* Goes back to asking the interpreter if in this thread the quick way gives another answer. */
void barrow_state_verify_offset(void);

/* Compares barrow's view of the calling thread's stack with the public frame API's.  Needs the
 * interpreter lock, allocates; false and a reason if they differ. */
bool barrow_frames_self_check(const char **reason);

#endif
