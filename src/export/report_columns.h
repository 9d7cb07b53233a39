/* The columns of the report page's data: docs/internals/report.md says what they are.
 *
 * Columns are filled value by value in any order, each into memory of its own, because the head that
 * precedes them in the file tells how long each is.  A million sites take some 25 MB.  Running out of
 * memory is remembered: fill, then ask barrow_report_columns_failed() once.
 */
#ifndef BARROW_EXPORT_REPORT_COLUMNS_H
#define BARROW_EXPORT_REPORT_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/json.h"
#include "export/gzip.h"

enum barrow_report_encoding { REPORT_VARINT, REPORT_DELTA, REPORT_TEXT };

/* X(NAME, its name in the head, encoding), in the order in which they are written. */
#define BARROW_REPORT_COLUMNS(X)                              \
    X(STRINGS, "strings", TEXT)                               \
    X(FRAMES_FUNCTION, "frames.function", VARINT)             \
    X(FRAMES_FILE, "frames.file", VARINT)                     \
    X(FRAMES_MODULE, "frames.module", VARINT)                 \
    X(FRAMES_LINE, "frames.line", VARINT)                     \
    X(FRAMES_FIRST_LINE, "frames.first_line", VARINT)         \
    X(NODES_PARENT, "nodes.parent", DELTA)                    \
    X(NODES_FRAME, "nodes.frame", VARINT)                     \
    X(NODES_FLAGS, "nodes.flags", VARINT)                     \
    X(SITES_NODE, "sites.node", DELTA)                        \
    X(SITES_PROCESS, "sites.process", VARINT)                 \
    X(SITES_DOMAIN, "sites.domain", VARINT)                   \
    X(SITES_PEAK_BYTES, "sites.peak_bytes", VARINT)           \
    X(SITES_PEAK_BLOCKS, "sites.peak_blocks", VARINT)         \
    X(SITES_LEAKED_BYTES, "sites.leaked_bytes", VARINT)       \
    X(SITES_LEAKED_BLOCKS, "sites.leaked_blocks", VARINT)     \
    X(SITES_TOTAL_BYTES, "sites.total_bytes", VARINT)         \
    X(SITES_TOTAL_BLOCKS, "sites.total_blocks", VARINT)       \
    X(SITES_TEMPORARY_BYTES, "sites.temporary_bytes", VARINT) \
    X(SITES_TEMPORARY_BLOCKS, "sites.temporary_blocks", VARINT) \
    X(SAMPLES_TIME, "samples.time_us", DELTA)                 \
    X(SAMPLES_PROCESS, "samples.process", VARINT)             \
    X(SAMPLES_RSS, "samples.rss", VARINT)                     \
    X(SAMPLES_PSS, "samples.pss", VARINT)                     \
    X(SAMPLES_HEAP, "samples.heap", VARINT)                   \
    X(SAMPLES_FILE, "samples.file", VARINT)                   \
    X(SAMPLES_MINOR_FAULTS, "samples.minor_faults", VARINT)   \
    X(SAMPLES_MAJOR_FAULTS, "samples.major_faults", VARINT)   \
    X(SAMPLES_THREADS, "samples.threads", VARINT)             \
    X(GC_TIME, "gc_events.time_us", DELTA)                    \
    X(GC_PROCESS, "gc_events.process", VARINT)                \
    X(GC_PAUSE, "gc_events.pause_us", VARINT)                 \
    X(GC_GENERATION, "gc_events.generation", VARINT)          \
    X(GC_COLLECTED, "gc_events.collected", VARINT)            \
    X(GC_UNCOLLECTABLE, "gc_events.uncollectable", VARINT)    \
    X(MARKS_TIME, "marks.time_us", DELTA)                     \
    X(MARKS_PROCESS, "marks.process", VARINT)                 \
    X(MARKS_DURATION, "marks.duration_us", VARINT)            \
    X(MARKS_NAME, "marks.name", VARINT)                       \
    X(POINTS_TIME, "points.time_us", DELTA)                   \
    X(POINTS_PROCESS, "points.process", VARINT)               \
    X(POINTS_FLAGS, "points.flags", VARINT)                   \
    X(POINTS_LIVE_BYTES, "points.live_bytes", VARINT)         \
    X(POINTS_CHANGES, "points.changes", VARINT)               \
    X(CHANGES_SITE, "changes.site", DELTA)                    \
    X(CHANGES_BYTES, "changes.bytes", VARINT)                 \
    X(CHANGES_BLOCKS, "changes.blocks", VARINT)               \
    X(LINES_FILE, "lines.file", VARINT)                       \
    X(LINES_LINE, "lines.line", VARINT)                       \
    X(LINES_OCCURRENCES, "lines.occurrences", VARINT)         \
    X(LINES_INCREMENT, "lines.increment_bytes", VARINT)       \
    X(LINES_MEMORY, "lines.memory_bytes", VARINT)             \
    X(LINES_PEAK, "lines.peak_bytes", VARINT)                 \
    X(HEAP_TYPES_CLASS, "heap_types.class", VARINT)           \
    X(HEAP_TYPES_MODULE, "heap_types.module", VARINT)         \
    X(HEAP_TYPES_OBJECTS, "heap_types.objects", VARINT)       \
    X(HEAP_TYPES_BYTES, "heap_types.bytes", VARINT)           \
    X(HEAP_TYPES_RETAINED, "heap_types.retained", VARINT)     \
    X(HEAP_NODES_DEPTH, "heap_nodes.depth", DELTA)            \
    X(HEAP_NODES_KIND, "heap_nodes.kind", VARINT)             \
    X(HEAP_NODES_NAME, "heap_nodes.name", VARINT)             \
    X(HEAP_NODES_REFERENCE, "heap_nodes.reference", VARINT)   \
    X(HEAP_NODES_OBJECTS, "heap_nodes.objects", VARINT)       \
    X(HEAP_NODES_BYTES, "heap_nodes.bytes", VARINT)           \
    X(HEAP_NODES_RETAINED, "heap_nodes.retained", VARINT)     \
    X(HEAP_NODES_ADDRESS, "heap_nodes.address", VARINT)       \
    X(HEAP_NODES_LENGTH, "heap_nodes.length", VARINT)         \
    X(HEAP_NODES_BIRTH, "heap_nodes.birth", VARINT)           \
    X(HEAP_NODES_PATH, "heap_nodes.path", VARINT)             \
    X(HEAP_PATHS_DEPTH, "heap_paths.depth", DELTA)            \
    X(HEAP_PATHS_KIND, "heap_paths.kind", VARINT)             \
    X(HEAP_PATHS_NAME, "heap_paths.name", VARINT)             \
    X(HEAP_PATHS_CLASS, "heap_paths.class", VARINT)           \
    X(HEAP_PATHS_OBJECTS, "heap_paths.objects", VARINT)       \
    X(HEAP_PATHS_ENDS, "heap_paths.ends", VARINT)             \
    X(HEAP_PATHS_BYTES, "heap_paths.bytes", VARINT)           \
    X(HEAP_PATHS_RETAINED, "heap_paths.retained", VARINT)     \
    X(SOURCES_FILE, "sources.file", VARINT)                   \
    X(SOURCES_TEXT, "sources.text", TEXT)
enum barrow_report_column {
#define X(name, text, encoding) REPORT_##name,
    BARROW_REPORT_COLUMNS(X)
#undef X
    REPORT_COLUMN_COUNT
};

struct barrow_report_columns { /* {0}: all empty */
    struct barrow_report_data {
        struct barrow_buffer buffer;
        size_t count;
        uint64_t last; /* DELTA: the value before */
    } data[REPORT_COLUMN_COUNT];
};

/* A value of a VARINT or DELTA column.  Those of 2^53 and above, which a page can't hold, are cut (2^52
 * and above in DELTA columns). */
void barrow_report_put(struct barrow_report_columns *columns, enum barrow_report_column column,
                       uint64_t value);
/* A string of a TEXT column, made valid UTF-8: NUL, lone surrogates and what is no UTF-8 become U+FFFD. */
void barrow_report_put_text(struct barrow_report_columns *columns, enum barrow_report_column column,
                            const char *text, size_t count);

/* Whether memory ran out. */
bool barrow_report_columns_failed(const struct barrow_report_columns *columns);
size_t barrow_report_columns_bytes(const struct barrow_report_columns *columns);

/* The key `columns`, into an object that has been begun.  Empty columns are there too, except those of
 * `sources` without `sources`. */
void barrow_report_columns_json(const struct barrow_report_columns *columns, bool sources,
                                struct barrow_json *json);
/* Writes and frees them. */
void barrow_report_columns_write(struct barrow_report_columns *columns, struct barrow_gzip *gzip);
void barrow_report_columns_free(struct barrow_report_columns *columns);

#endif
