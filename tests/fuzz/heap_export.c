/* Any bytes as the HEAP table of a recording, written for DevTools, asked in SQL and made a report
 * of.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"
#include "export/export.h"
#include "export/report.h"
#include "export/sql.h"
#include "heap_mend.h"
#include "table/snapshots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char page[] = "<title>x</title>[<!--barrow:data-->]";

/* An array of the document has as many numbers as its head says. */
static void check_count(const struct barrow_json_value *root, const char *array, const char *count,
                        size_t fields)
{
    const struct barrow_json_value *head = barrow_json_get(root, "snapshot");
    const struct barrow_json_value *list = barrow_json_get(root, array);
    const struct barrow_json_value *told = barrow_json_get(head, count);
    if (!list || !told || list->count != told->uint * fields)
        abort();
    for (const struct barrow_json_value *v = list->first; v; v = v->next)
        if (!v->is_uint || v->uint > UINT32_MAX)
            abort();
}

static void check_text(const char *text, size_t length)
{
    struct barrow_json_document document;
    struct barrow_error err;
    if (barrow_json_parse(&document, text, length, "heapsnapshot", &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    check_count(document.root, "nodes", "node_count", 7);
    check_count(document.root, "edges", "edge_count", 3);
    check_count(document.root, "trace_function_infos", "trace_function_count", 6);
    barrow_json_free(&document);
}

static void write_snapshot(const struct barrow_profile *profile,
                           const struct barrow_snapshot_place *place)
{
    struct barrow_snapshot snapshot = {.profile = profile, .process = place->process};
    struct barrow_error err = {0};
    struct barrow_graph *graph;
    uint32_t *numbers;
    char *text = NULL;
    size_t length;
    if (barrow_snapshot_load(&graph, profile, place, NULL, &err) < 0) {
        if (!err.text[0])
            abort();
        return;
    }
    if (barrow_snapshot_numbers(&numbers, profile, place, graph, &err) < 0)
        abort();
    snapshot.graph = graph;
    snapshot.numbers = numbers;
    FILE *to = open_memstream(&text, &length);
    int rc = barrow_export_heapsnapshot(&snapshot, to, &err);
    fclose(to);
    if (rc == 0)
        check_text(text, length);
    else if (err.code != BARROW_E_UNSUPPORTED)
        abort();
    free(text);
    free(numbers);
    barrow_graph_free(graph);
}

static void ask(const struct barrow_profile *profile)
{
    static const char *const queries[] = {
        "select * from snapshots",
        "select * from types limit 50",
        "select * from objects limit 50",
        "select * from roots limit 50",
        "select * from refs limit 50",
        "select r.* from objects o join refs r on r.source = o.id join objects t on t.id = "
        "r.target "
        "join types on types.id = t.type_id limit 50",
        "select * from roots r join refs on source = r.id where r.snapshot = 2 limit 50",
        "select count(*) from refs where target = 3",
    };
    struct barrow_sql *sql;
    if (barrow_sql_open(&sql, profile, NULL) < 0)
        return;
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        barrow_sql_set_budget(sql, 100000);
        if (barrow_sql_prepare(sql, queries[i], NULL) < 0)
            continue;
        while (barrow_sql_step(sql, NULL) > 0)
            for (size_t k = 0; k < barrow_sql_width(sql); k++)
                (void)barrow_sql_value(sql, k);
    }
    barrow_sql_close(sql);
}

static void write_report(const struct barrow_profile *profile)
{
    struct barrow_report report = {.page = page, .page_bytes = sizeof page - 1, .profile = profile};
    char *text = NULL;
    size_t length;
    FILE *to = open_memstream(&text, &length);
    if (!to || barrow_report_write(&report, to, NULL) < 0)
        abort();
    fclose(to);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct barrow_profile *profile;
    struct barrow_snapshots snapshots;
    size_t bytes;
    uint8_t *file = fuzz_heap_bytes(data, size, TEST_DATA "/format1.barrow", &bytes);
    if (barrow_profile_load_bytes(&profile, file, bytes, "fuzz", NULL) < 0 ||
        barrow_snapshots_find(&snapshots, profile, NULL) < 0)
        abort();
    for (size_t i = 0; i < snapshots.count && i < 3; i++)
        write_snapshot(profile, &snapshots.items[i]);
    ask(profile);
    write_report(profile);
    barrow_snapshots_free(&snapshots);
    barrow_profile_free(profile);
    free(file);
    return 0;
}
