/* Every format that a profile or a graph can be written in: X(name, traits, one line of help).
 *
 * A new format is one line here, one file NAME.c that defines `barrow_export_NAME`, and a golden
 * test in tests/cli, or for binary formats one in tests/python/test_formats.py.
 */
#ifndef BARROW_EXPORT_EXPORTERS_H
#define BARROW_EXPORT_EXPORTERS_H

enum barrow_export_traits {
    EXPORT_PLAIN = 0,
    EXPORT_BINARY = 1,   /* not for a terminal */
    EXPORT_NO_METRIC = 2 /* holds all metrics, or none: which one is asked for makes no difference */
};

#define BARROW_EXPORTERS(X)                                                                       \
    X(folded, EXPORT_PLAIN, "stacks as lines `root;...;leaf bytes`, for flame graph programs")    \
    X(json, EXPORT_PLAIN, "everything: frames, stacks, counters of each, samples, collections")   \
    X(csv, EXPORT_PLAIN, "a row for each line of code, for spreadsheets (RFC 4180)")              \
    X(pprof, EXPORT_BINARY | EXPORT_NO_METRIC, "for go tool pprof, Perfetto, Pyroscope and others") \
    X(speedscope, EXPORT_PLAIN, "for speedscope; name the file something.speedscope.json")        \
    X(trace, EXPORT_NO_METRIC, "memory, collections and marks over time, for Perfetto and Chrome") \
    X(sqlite, EXPORT_BINARY | EXPORT_NO_METRIC, "a database with the tables of barrow sql")

#define BARROW_GRAPH_EXPORTERS(X)                                                                    \
    X(heapsnapshot, EXPORT_NO_METRIC, "a heap snapshot, for Chrome's DevTools (Memory > Load profile)")

#endif
