/* Every kind of extent a ledger may hold: X(number, NAME, record bytes, what a record is).
 *
 * Numbers are part of the file format: never reuse or renumber one.  A record size of 1
 * means a byte store.  A new kind is one line here, a struct in format.h, an encoder, a
 * decoder, a line in docs/internals/ledger.md and a golden file.
 */
#ifndef BARROW_LEDGER_KINDS_H
#define BARROW_LEDGER_KINDS_H

#define LEDGER_KINDS(X)                                                        \
    X(1, STRINGS, 1, "text: u32 length, bytes; addressed by byte offset")      \
    X(2, CODES, 40, "code objects, identified by content")                     \
    X(3, NODES, 32, "stack nodes: a frame and the node of its caller")         \
    X(4, SITES, 64, "counters of one stack in one domain")                     \
    X(5, SITE_INFO, 8, "the stack node and domain of the site of that index")  \
    X(6, SAMPLES, 64, "process samples: RSS, heap, page faults")               \
    X(7, GC_EVENTS, 32, "the longest collections of the garbage collector")    \
    X(8, MARKS, 32, "points and spans in time that have a name")               \
    X(9, CHECKPOINTS, 1, "live counters of changed sites at points in time")   \
    X(10, THREAD_GROUPS, 16, "root nodes: threads of one name")                \
    X(11, SYS_PATH, 8, "sys.path entries, to name modules by file")            \
    X(12, REGIONS, 56, "inner recordings: baseline and peak of their own")     \
    X(13, REGION_SITES, 64, "counters of one site at a region's border")       \
    X(14, MODULES, 64, "native modules: path, load address, build id")         \
    X(15, MEMBER, 1, "in bundles: a ledger as a whole, a blob each")           \
    X(16, LINES, 64, "lines of chosen functions: what they allocated when")    \
    X(17, HEAP, 1, "heap snapshots, in parts: see heap.h and docs/internals")  \
    X(18, CENSUS, 1, "class censuses, one after another")

enum ledger_kind {
#define X(number, name, size, what) LEDGER_##name = number,
    LEDGER_KINDS(X)
#undef X
    LEDGER_KIND_LIMIT = 32
};

#endif
