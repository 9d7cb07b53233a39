/* How long the work on a heap snapshot takes, and how much memory.
 *
 *     time-graph FILE [NUMBER]     seconds of CPU time of each step, bytes, counts: a JSON object
 *     time-graph --write FILE      reads the last snapshot and encodes it anew: seconds, bytes
 *
 * `peak_bytes` is the growth of the process's peak resident set from before the file was opened.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "graph/graph.h"
#include "ledger/read.h"

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* VmHWM or VmRSS, in bytes. */
static uint64_t status_bytes(const char *key)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[128];
    uint64_t kib = 0;
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            kib = strtoull(line + strlen(key) + 1, NULL, 10);
    if (file)
        fclose(file);
    return kib * 1024;
}

static void give_up(const struct barrow_error *err)
{
    fprintf(stderr, "time-graph: %s\n", err->text);
    exit(2);
}

static int count_bytes(void *context, const void *bytes, uint64_t count)
{
    (void)bytes;
    *(uint64_t *)context += count;
    return 0;
}

static int time_writing(const char *path)
{
    struct barrow_ledger *ledger;
    struct barrow_heap *heap;
    struct barrow_notes warnings = {0};
    struct barrow_error err;
    uint64_t bytes = 0;
    if (barrow_ledger_open(&ledger, path, &err) < 0)
        give_up(&err);
    double start = now();
    if (barrow_heap_read(&heap, ledger, 0, &warnings, &err) < 0)
        give_up(&err);
    double read = now();
    barrow_heap_write(heap, count_bytes, &bytes);
    double written = now();
    printf("{\"objects\": %" PRIu32 ", \"edges\": %" PRIu64 ", \"bytes\": %" PRIu64
           ", \"read_s\": %.3f, \"write_s\": %.3f}\n",
           heap->object_count, heap->edge_count, bytes, read - start, written - read);
    barrow_heap_free(heap);
    barrow_ledger_free(ledger);
    return 0;
}

int main(int count, char **words)
{
    struct barrow_graph *graph;
    struct barrow_error err;
    struct barrow_class_row *rows;
    struct barrow_cycle *cycles;
    size_t row_count, cycle_count;
    if (count == 3 && strcmp(words[1], "--write") == 0)
        return time_writing(words[2]);
    if (count < 2)
        return 2;
    uint64_t before = status_bytes("VmRSS:");
    double start = now();
    if (barrow_graph_load(&graph, words[1], count > 2 ? (uint32_t)strtoul(words[2], NULL, 10) : 0,
                          NULL, &err) < 0)
        give_up(&err);
    double load = now() - start;
    uint64_t peak = status_bytes("VmHWM:") - before;
    start = now();
    if (barrow_graph_classes(graph, &rows, &row_count, &err) < 0)
        give_up(&err);
    double classes = now() - start;
    start = now();
    if (barrow_graph_children(graph, &err) < 0 || barrow_graph_referrers(graph, &err) < 0)
        give_up(&err);
    double neighbours = now() - start;
    start = now();
    if (barrow_graph_cycles(graph, &cycles, &cycle_count, &err) < 0)
        give_up(&err);
    double components = now() - start;
    printf("{\"objects\": %" PRIu32 ", \"edges\": %" PRIu64 ", \"load_s\": %.3f, "
           "\"peak_bytes\": %" PRIu64 ", \"classes_s\": %.3f, \"neighbours_s\": %.3f, "
           "\"cycles_s\": %.3f, \"classes\": %zu, \"cycles\": %zu, \"unreachable\": %" PRIu32 "}\n",
           graph->object_count, graph->heap->edge_count, load, peak, classes, neighbours,
           components, row_count, cycle_count, graph->unreachable);
    free(rows);
    barrow_cycles_free(cycles, cycle_count);
    barrow_graph_free(graph);
    return 0;
}
