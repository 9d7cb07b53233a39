/* Heap snapshots in the report page's data: what matters of them, so that the page stays small.
 *
 *     classes      of all snapshots (100 at most), the 1000 that hold or retain most in any; the others are one row
 *     dominators   of the last 4 snapshots: what retains 0.05 % of its heap, 20,000 objects and 200 levels at most;
 *                  of those 2000 that retain most the shortest path, too
 *     paths        of the same: from the roots to the 40 classes that retain most and the 40 that hold most
 *
 * docs/internals/report.md says what the columns are.  Private to src/export/report_*.c.
 */
#ifndef BARROW_EXPORT_REPORT_HEAP_H
#define BARROW_EXPORT_REPORT_HEAP_H

#include "base/array.h"
#include "export/report_columns.h"
#include "export/snapshot_strings.h"
#include "graph/paths.h"
#include "table/snapshots.h"

enum {
    BARROW_REPORT_SNAPSHOTS = 100,
    BARROW_REPORT_CLASSES = 1000,
    BARROW_REPORT_WHOLE_SNAPSHOTS = 4,
    BARROW_REPORT_NODES = 20000,
    BARROW_REPORT_LEVELS = 200,
    BARROW_REPORT_NODE_PATHS = 2000, /* of the objects that retain most */
    BARROW_REPORT_PATHS = 40,       /* classes, by each of the two orders */
    BARROW_REPORT_PATH_NODES = 300, /* of one class */
};

struct report_class { /* a class in a snapshot */
    uint32_t name, module; /* strings of the page */
    uint64_t objects, bytes, retained;
};

struct report_snapshot {
    struct barrow_snapshot_place place;
    uint32_t label; /* string of the page */
    uint64_t objects, bytes, garbage_objects, garbage_bytes;
    struct report_class *classes;
    size_t class_count, classes_written, nodes_written, path_nodes_written;
};

struct report_heap { /* {0} */
    const struct barrow_profile *profile;
    struct barrow_report_columns *columns;
    const char *const *known; /* what the column of strings holds so far */
    size_t known_count;
    uint32_t (*add_text)(void *context, const char *text); /* to that column: its index */
    void *context;
    struct snapshot_strings strings;     /* of the snapshots, which have theirs in many places */
    BARROW_ARRAY(uint32_t) page_strings; /* by them: the page's, 0: none yet */
    BARROW_ARRAY(struct report_snapshot) list;
    struct barrow_notes warnings;
    bool failed;
};

/* Fills the columns of the heap from all snapshots of `profile`; the fields above `strings` are set.  A snapshot
 * that can't be read is left out with a warning.  Fails for want of memory. */
int report_heap_put(struct report_heap *heap, struct barrow_error *err);
/* The key `heaps`, if there is a snapshot, and `heap_warnings`. */
void report_heap_json(const struct report_heap *heap, struct barrow_json *json);
void report_heap_free(struct report_heap *heap);

/* The page's string for a text. */
uint32_t report_heap_string(struct report_heap *heap, const char *text);
/* The same of words in a buffer, which is emptied. */
uint32_t report_heap_words(struct report_heap *heap, struct barrow_buffer *words);

/* The dominator tree of a snapshot (report_dominators.c) and its paths (report_paths.c); how many rows they have. */
int report_heap_dominators(struct report_heap *heap, struct barrow_graph *graph,
                           const struct barrow_paths *paths, uint32_t process, size_t *rows,
                           struct barrow_error *err);
int report_heap_paths(struct report_heap *heap, const struct barrow_paths *paths,
                      const struct barrow_class_row *classes, size_t class_count, size_t *rows,
                      struct barrow_error *err);

#endif
