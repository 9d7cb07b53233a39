/* The result as JSON.  A baseline is the same document, read for its subject:
 *
 *     {"barrow_bench": 1, "runs": 10,
 *      "subject": {"name", "setup", "kind", "revision", "loops", "python",
 *                  "metrics": {"peak_bytes": {"median", "low", "high", "values": [...]}, ...}},
 *      "reference": {the same} or null,
 *      "comparison": {"peak_bytes": {"difference", "percent", "percent_low", "percent_high", "p",
 *                                    "significant", "over"}, ...} or null}
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "table/keys.h"
#include "table/stats.h"

enum { VERSION = 1 };

/* ---- writing ---- */

static void put_double(struct barrow_json *json, const char *key, double value)
{
    barrow_json_key(json, key);
    barrow_json_double(json, value);
}

static void put_metric(struct barrow_json *json, const char *key, const bench_values *values)
{
    struct barrow_interval interval = barrow_stats_median_interval(values->items, values->count);

    barrow_json_key(json, key);
    barrow_json_begin_object(json);
    put_double(json, "median", barrow_stats_median(values->items, values->count));
    put_double(json, "low", interval.low);
    put_double(json, "high", interval.high);
    barrow_json_key(json, "values");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < values->count; i++)
        barrow_json_double(json, values->items[i]);
    barrow_json_end_array(json);
    barrow_json_end_object(json);
}

static void put_side(struct barrow_json *json, const char *key, const struct bench_side *side)
{
    barrow_json_key(json, key);
    if (!side) {
        barrow_json_null(json);
        return;
    }
    barrow_json_begin_object(json);
    barrow_put_text(json, "name", side->name);
    barrow_put_text(json, "setup", side->setup);
    barrow_put_text(json, "kind", side->is_statement ? "statement" : "program");
    barrow_put_text(json, "revision", side->revision);
    barrow_put_number(json, "loops", side->loops);
    barrow_put_text(json, "python", side->python);
    barrow_json_key(json, "metrics");
    barrow_json_begin_object(json);
    for (size_t i = 0; i < BENCH_METRIC_COUNT; i++)
        put_metric(json, bench_metrics[i].key, &side->metrics[i]);
    barrow_json_end_object(json);
    barrow_json_end_object(json);
}

/* A share that is infinite or unknown is null. */
static void put_comparison(struct barrow_json *json, const struct bench_result *result,
                           enum bench_metric metric)
{
    struct bench_comparison c = bench_compare(result, metric);

    barrow_json_key(json, bench_metrics[metric].key);
    barrow_json_begin_object(json);
    put_double(json, "difference", c.after - c.before);
    put_double(json, "percent", c.change * 100);
    put_double(json, "percent_low", c.low * 100);
    put_double(json, "percent_high", c.high * 100);
    put_double(json, "p", c.p);
    barrow_put_flag(json, "significant", c.is_significant);
    barrow_put_flag(json, "over", bench_is_over(&c, result->fail_over));
    barrow_json_end_object(json);
}

void bench_json_write(FILE *to, const struct bench_result *result)
{
    struct barrow_json json;

    barrow_json_init(&json, to, 2);
    barrow_json_begin_object(&json);
    barrow_put_number(&json, "barrow_bench", VERSION);
    barrow_put_number(&json, "runs", result->runs);
    put_side(&json, "subject", result->subject);
    put_side(&json, "reference", result->reference);
    barrow_json_key(&json, "comparison");
    if (result->reference) {
        barrow_json_begin_object(&json);
        for (size_t i = 0; i < BENCH_METRIC_COUNT; i++)
            put_comparison(&json, result, (enum bench_metric)i);
        barrow_json_end_object(&json);
    } else {
        barrow_json_null(&json);
    }
    barrow_json_end_object(&json);
}

/* ---- reading ---- */

struct reader {
    const char *path;
    struct barrow_error *err;
};

static int complain(const struct reader *r, const struct barrow_json_value *where, const char *what)
{
    return barrow_fail(r->err, BARROW_E_FORMAT,
                       "%s:%u: %s; a baseline is what barrow bench -o writes", r->path,
                       where ? where->line : 1, what);
}

static const char *text_of(const struct barrow_json_value *object, const char *key)
{
    const struct barrow_json_value *value = barrow_json_get(object, key);

    return value && value->kind == JSON_STRING ? value->text : NULL;
}

static int read_values(const struct reader *r, bench_values *to,
                       const struct barrow_json_value *metrics, const char *key)
{
    const struct barrow_json_value *metric = barrow_json_get(metrics, key);
    const struct barrow_json_value *values = barrow_json_get(metric, "values");

    if (!values || values->kind != JSON_ARRAY || !values->first) {
        char what[64];
        snprintf(what, sizeof what, "it has no values of %s", key);
        return complain(r, metric ? metric : metrics, what);
    }
    if (values->count > BENCH_RUNS_AT_MOST)
        return complain(r, values, "it has more values than there are runs");
    for (const struct barrow_json_value *v = values->first; v; v = v->next) {
        if (v->kind != JSON_NUMBER || !isfinite(v->number))
            return complain(r, v, "a value is no number");
        double *value = barrow_array_add(to);
        if (!value)
            return barrow_fail(r->err, BARROW_E_NO_MEMORY, "out of memory");
        *value = v->number;
    }
    return 0;
}

static int read_subject(const struct reader *r, struct bench_side *side,
                        const struct barrow_json_value *root)
{
    const struct barrow_json_value *version = barrow_json_get(root, "barrow_bench");
    const struct barrow_json_value *subject = barrow_json_get(root, "subject");
    const struct barrow_json_value *loops = barrow_json_get(subject, "loops");
    const char *kind = text_of(subject, "kind"), *python = text_of(subject, "python");

    if (!version || !version->is_uint)
        return complain(r, root, "it is no result of barrow bench");
    if (version->uint != VERSION)
        return complain(r, version, "it was written by a newer barrow");
    side->name = text_of(subject, "name");
    side->setup = text_of(subject, "setup");
    side->revision = text_of(subject, "revision");
    if (!side->name || !side->setup || !kind || !python || !loops || !loops->is_uint)
        return complain(r, subject ? subject : root,
                        "the subject lacks its name, setup, kind, python or loops");
    side->is_statement = strcmp(kind, "statement") == 0;
    side->loops = loops->uint;
    snprintf(side->python, sizeof side->python, "%s", python);
    const struct barrow_json_value *metrics = barrow_json_get(subject, "metrics");
    for (size_t i = 0; i < BENCH_METRIC_COUNT; i++)
        if (read_values(r, &side->metrics[i], metrics ? metrics : subject, bench_metrics[i].key) <
            0)
            return -1;
    return 0;
}

int bench_json_read(struct bench_side *side, struct barrow_json_document *document,
                    const char *path, struct barrow_error *err)
{
    struct reader reader = {path, err};

    if (barrow_json_read(document, path, err) < 0)
        return -1;
    return read_subject(&reader, side, document->root);
}
