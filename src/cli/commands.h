/* Every command of the executable: X(name, one line of help), in the order that help shows.
 *
 * A new command is one line here, one file NAME.c that defines `barrow_command_NAME`, a golden
 * test in tests/cli and a section in docs/man/barrow.1.
 */
#ifndef BARROW_CLI_COMMANDS_H
#define BARROW_CLI_COMMANDS_H

#define BARROW_COMMANDS(X)                                        \
    X(run, "record a Python program")                             \
    X(lines, "what each line of chosen functions allocates")      \
    X(summary, "the recording on one page")                       \
    X(table, "who owns the memory: by line, function, file, ...") \
    X(tree, "who owns the memory: down the call tree")            \
    X(flame, "who owns the memory: a picture of the call tree")   \
    X(leaks, "what was never freed, and where it was born")       \
    X(types, "what lives in a heap snapshot: by class, ...")      \
    X(dominators, "who keeps how much alive, as a tree")          \
    X(why, "what keeps objects alive, and where they were born")  \
    X(cycles, "what refers to itself: only the collector frees it") \
    X(graph, "a picture of what keeps objects alive")              \
    X(temporary, "what was freed again at once: churn")           \
    X(timeline, "memory and garbage collections over time")       \
    X(dig, "a heap snapshot of a running process")                \
    X(census, "classes of a process, or over time: what grows")   \
    X(at, "what was alive at a time, or grew between two")        \
    X(diff, "what changed between two recordings")                \
    X(report, "all of it on one HTML page, for the browser")      \
    X(check, "is it within its budgets? For CI")                  \
    X(bench, "what it costs, measured often, and compared")       \
    X(sql, "ask anything, in SQL")                                \
    X(mem, "any program's memory over time, as mprof does")       \
    X(top, "a running recording, live")                           \
    X(export, "write the profile for another program")            \
    X(merge, "the ledgers of a run as one file")                  \
    X(help, "explain a command")

#endif
