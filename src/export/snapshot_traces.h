/* The allocation stacks of a .heapsnapshot: the part of a profile's call tree in which objects were born.
 *
 * Traces are numbered from 1, the root, parents first; functions from 0, "(root)".  A stack deeper than 500 calls
 * loses those below: readers walk the tree recursively.
 */
#ifndef BARROW_EXPORT_SNAPSHOT_TRACES_H
#define BARROW_EXPORT_SNAPSHOT_TRACES_H

#include "export/snapshot_strings.h"
#include "ledger/heap.h"
#include "profile/profile.h"

struct snapshot_traces { /* {0}: no births are known */
    uint32_t *of_site; /* by site of the ledger: its trace, 0: not known */
    uint32_t site_count;
    struct snapshot_trace {
        uint32_t parent, function, first_child, next_sibling;
        uint64_t count, bytes; /* allocated there, whatever became of it */
        uint64_t live;         /* of the snapshot's objects */
    } *traces;                 /* [1]: the root */
    uint32_t trace_count;      /* valid ones are below; 0: none */
    struct snapshot_function {
        uint32_t name, file; /* strings */
        uint32_t line;
    } *functions;
    uint32_t function_count;
};

/* `process` is whose ledger the heap is of.  Fails for want of memory. */
int snapshot_traces_init(struct snapshot_traces *traces, const struct barrow_heap *heap,
                         const struct barrow_profile *profile, uint32_t process,
                         struct snapshot_strings *strings, struct barrow_error *err);
void snapshot_traces_free(struct snapshot_traces *traces);

/* The trace of an object; 0: not known. */
static inline uint32_t snapshot_trace_of(const struct snapshot_traces *traces,
                                         const struct barrow_heap *heap, uint32_t object)
{
    return traces->of_site && heap->birth[object] < traces->site_count
               ? traces->of_site[heap->birth[object]]
               : 0;
}

/* The members trace_function_infos and trace_tree, each followed by a comma. */
void snapshot_traces_write(const struct snapshot_traces *traces, FILE *to);

#endif
