/* Every format that a profile can be written in: X(name, one line of help).
 *
 * A new format is one line here, one file NAME.c that defines `barrow_export_NAME`, and a golden
 * test in tests/cli.
 */
#ifndef BARROW_EXPORT_EXPORTERS_H
#define BARROW_EXPORT_EXPORTERS_H

#define BARROW_EXPORTERS(X)                                                       \
    X(folded, "stacks as lines `root;...;leaf bytes`, for flame graph programs")  \
    X(json, "everything: frames, stacks, counters of each, samples, collections") \
    X(csv, "a row for each line of code, for spreadsheets (RFC 4180)")

#endif
