/* Where the interpreter keeps the calling thread's state.
 *
 * From 3.12 on it is a thread-local variable that isn't exported; the public function that reads it
 * costs a call and, in a shared libpython, a look-up of the thread's block.  The libraries loaded
 * at start have their thread-local blocks at a fixed distance below the thread pointer, so the
 * variable can be read in one instruction once that distance is known.  It is found by looking for
 * the one word of libpython's own block that equals the state while the thread is attached and is
 * NULL while it is detached.
 */
#include "cpython/object.h"

#include <dlfcn.h>
#include <link.h>

#if BARROW_STATE_BY_OFFSET

intptr_t barrow_state_offset;

struct block {
    uintptr_t function; /* in: an address in the library */
    char *start;        /* out: its thread-local block in this thread */
    size_t bytes;
};

static int find_block(struct dl_phdr_info *info, size_t size, void *data)
{
    struct block *block = data;
    size_t tls_bytes = 0;
    bool is_it = false;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + h->p_vaddr;
        if (h->p_type == PT_LOAD && block->function >= start &&
            block->function < start + h->p_memsz)
            is_it = true;
        if (h->p_type == PT_TLS)
            tls_bytes = h->p_memsz;
    }
    if (!is_it)
        return 0;
    block->start = info->dlpi_tls_data;
    block->bytes = tls_bytes;
    return 1;
}

void barrow_state_find_offset(void)
{
    enum { STATIC_LIMIT = 64 << 10, MATCHES = 16 };
    struct block block = {.function = (uintptr_t)dlsym(RTLD_DEFAULT, "PyThreadState_GetUnchecked")};
    PyThreadState **matches[MATCHES], *state = PyThreadState_Get();
    char *pointer = barrow_thread_pointer();
    size_t count = 0, left = 0;
    barrow_state_offset = 0;
    if (!block.function) /* 3.12 has it under its old name */
        block.function = (uintptr_t)dlsym(RTLD_DEFAULT, "_PyThreadState_UncheckedGet");
    if (!block.function || !dl_iterate_phdr(find_block, &block) || !block.start ||
        block.start > pointer || pointer - block.start > STATIC_LIMIT)
        return;
    for (size_t at = 0; at + sizeof state <= block.bytes && count < MATCHES; at += sizeof state)
        if (*(PyThreadState **)(block.start + at) == state)
            matches[count++] = (PyThreadState **)(block.start + at);
    PyEval_SaveThread();
    for (size_t i = 0; i < count; i++)
        if (*matches[i] == NULL)
            matches[left++] = matches[i];
    PyEval_RestoreThread(state);
    if (left == 1 && *matches[0] == state)
        barrow_state_offset = (char *)matches[0] - pointer;
}

void barrow_state_verify_offset(void)
{
    if (barrow_state_offset != 0 && barrow_state_here() != barrow_state_here_asked())
        barrow_state_offset = 0;
}

#else

void barrow_state_find_offset(void)
{
}

void barrow_state_verify_offset(void)
{
}

#endif
