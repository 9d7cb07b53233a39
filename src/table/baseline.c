#include "table/baseline.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "table/keys.h"

enum { VERSION = 1, LEAST_PART = 1000 };

const struct barrow_figure_traits barrow_figures[BARROW_FIGURE_COUNT] = {
#define X(name, text, is_bytes, has_functions, metric, words) \
    {text, words, is_bytes, has_functions, BARROW_METRIC_##metric},
    BARROW_FIGURES(X)
#undef X
};

typedef BARROW_ARRAY(struct barrow_baseline_function) function_array;

/* ---- figures ---- */

uint64_t barrow_figure_of(const struct barrow_profile *p, enum barrow_figure figure)
{
    switch (figure) {
    case BARROW_FIGURE_PEAK:
        return p->peak_bytes;
    case BARROW_FIGURE_LEAKED:
        return p->live_bytes;
    case BARROW_FIGURE_TOTAL:
        return p->total_bytes;
    case BARROW_FIGURE_ALLOCATIONS:
        return p->allocations;
    case BARROW_FIGURE_TEMPORARY:
        return p->temporary_bytes;
    case BARROW_FIGURE_MAX_RSS:
        return p->max_rss_bytes;
    case BARROW_FIGURE_COUNT:
        break;
    }
    return 0;
}

uint64_t barrow_figure_of_row(const struct barrow_row *row, enum barrow_figure figure)
{
    const struct barrow_figure_traits *traits = &barrow_figures[figure];
    const struct barrow_value *value = &row->value[traits->metric];
    if (!traits->has_functions)
        return 0;
    return traits->is_bytes ? value->bytes : value->blocks;
}

/* ---- functions ---- */

static int by_name(const void *a, const void *b)
{
    const struct barrow_baseline_function *one = a, *other = b;
    int order = strcmp(one->module, other->module);
    return order ? order : strcmp(one->name, other->name);
}

/* Sorts, and adds up what has the same name: domains, files of one module. */
static void settle(struct barrow_baseline *baseline, const function_array *functions)
{
    struct barrow_baseline_function *items = functions->items;
    size_t kept = 0;
    if (functions->count)
        qsort(items, functions->count, sizeof *items, by_name);
    for (size_t i = 0; i < functions->count; i++) {
        if (kept == 0 || by_name(&items[kept - 1], &items[i]) != 0) {
            items[kept++] = items[i];
            continue;
        }
        for (size_t f = 0; f < BARROW_FIGURE_COUNT; f++)
            items[kept - 1].value[f] += items[i].value[f];
    }
    baseline->functions = items;
    baseline->function_count = kept;
}

int barrow_baseline_of(struct barrow_baseline *baseline, const struct barrow_profile *p,
                       struct barrow_error *err)
{
    /* Every site allocated something, so these are all functions, with all their metrics. */
    struct barrow_query query = {.metric = BARROW_METRIC_TOTAL, .by = BARROW_BY_FUNCTION};
    struct barrow_row *rows;
    size_t count;
    function_array functions = {0};

    *baseline = (struct barrow_baseline){.command = p->command, .python = p->python};
    for (enum barrow_figure f = 0; f < BARROW_FIGURE_COUNT; f++) {
        baseline->value[f] = barrow_figure_of(p, f);
        /* A short run of no samples has none. */
        baseline->has[f] = f != BARROW_FIGURE_MAX_RSS || baseline->value[f];
    }
    if (barrow_profile_rows(p, &query, &rows, &count, err) < 0)
        return -1;
    if (!barrow_array_reserve(&functions, count ? count : 1)) {
        free(rows);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the functions of the profile");
    }
    for (size_t i = 0; i < count; i++) {
        struct barrow_baseline_function *function = barrow_array_add(&functions);
        function->module = rows[i].frame ? p->frames[rows[i].frame].module : "";
        function->name = rows[i].function;
        for (enum barrow_figure f = 0; f < BARROW_FIGURE_COUNT; f++)
            function->value[f] = barrow_figure_of_row(&rows[i], f);
    }
    free(rows);
    settle(baseline, &functions);
    return 0;
}

void barrow_baseline_free(struct barrow_baseline *baseline)
{
    free(baseline->functions);
    barrow_json_free(&baseline->document);
    *baseline = (struct barrow_baseline){0};
}

/* ---- JSON: writing ---- */

static bool is_worth_writing(const struct barrow_baseline *baseline,
                             const struct barrow_baseline_function *function)
{
    for (enum barrow_figure f = 0; f < BARROW_FIGURE_COUNT; f++)
        if (function->value[f] && function->value[f] >= baseline->value[f] / LEAST_PART)
            return true;
    return false;
}

void barrow_baseline_write(const struct barrow_baseline *baseline, struct barrow_json *json)
{
    barrow_json_begin_object(json);
    barrow_put_number(json, "barrow_baseline", VERSION);
    barrow_put_text(json, "command", baseline->command);
    barrow_put_text(json, "python", baseline->python);
    barrow_json_key(json, "figures");
    barrow_json_begin_object(json);
    for (enum barrow_figure f = 0; f < BARROW_FIGURE_COUNT; f++)
        if (baseline->has[f])
            barrow_put_number(json, barrow_figures[f].name, baseline->value[f]);
    barrow_json_end_object(json);
    barrow_json_key(json, "functions");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < baseline->function_count; i++) {
        const struct barrow_baseline_function *function = &baseline->functions[i];
        if (!is_worth_writing(baseline, function))
            continue;
        barrow_json_begin_object(json);
        barrow_put_text(json, "module", function->module);
        barrow_put_text(json, "function", function->name);
        for (enum barrow_figure f = 0; f < BARROW_FIGURE_COUNT; f++)
            if (barrow_figures[f].has_functions && baseline->has[f])
                barrow_put_number(json, barrow_figures[f].name, function->value[f]);
        barrow_json_end_object(json);
    }
    barrow_json_end_array(json);
    barrow_json_end_object(json);
}

/* ---- JSON: reading ---- */

static int wrong(const char *path, unsigned line, const char *what, struct barrow_error *err)
{
    return barrow_fail(err, BARROW_E_FORMAT,
                       "%s:%u: no baseline: %s; barrow check --write-baseline writes one", path,
                       line, what);
}

/* The figures that an object has; those that it lacks are left as they are. */
static int read_figures(const struct barrow_json_value *object, const char *path, uint64_t *value,
                        bool *has, struct barrow_error *err)
{
    for (enum barrow_figure f = 0; f < BARROW_FIGURE_COUNT; f++) {
        const struct barrow_json_value *number = barrow_json_get(object, barrow_figures[f].name);
        if (!number)
            continue;
        if (!number->is_uint)
            return wrong(path, number->line, "a figure is no whole number", err);
        value[f] = number->uint;
        if (has)
            has[f] = true;
    }
    return 0;
}

static int read_functions(struct barrow_baseline *baseline, const char *path,
                          struct barrow_error *err)
{
    const struct barrow_json_value *list = barrow_json_get(baseline->document.root, "functions");
    function_array functions = {0};
    int rc = 0;
    if (!list)
        return 0; /* it tells whether a figure grew, not where */
    if (list->kind != JSON_ARRAY)
        return wrong(path, list->line, "`functions` is no array", err);
    for (const struct barrow_json_value *v = list->first; v && rc == 0; v = v->next) {
        const struct barrow_json_value *module = barrow_json_get(v, "module");
        const struct barrow_json_value *name = barrow_json_get(v, "function");
        struct barrow_baseline_function *function = barrow_array_add(&functions);
        if (!function)
            rc = barrow_fail(err, BARROW_E_NO_MEMORY, "%s: no memory to read it", path);
        else if (!module || !name || module->kind != JSON_STRING || name->kind != JSON_STRING)
            rc = wrong(path, v->line, "a function lacks its `module` or its name", err);
        else {
            function->module = module->text;
            function->name = name->text;
            rc = read_figures(v, path, function->value, NULL, err);
        }
    }
    settle(baseline, &functions);
    return rc;
}

static int read_document(struct barrow_baseline *baseline, const char *path,
                         struct barrow_error *err)
{
    const struct barrow_json_value *root = baseline->document.root;
    const struct barrow_json_value *version = barrow_json_get(root, "barrow_baseline");
    const struct barrow_json_value *figures = barrow_json_get(root, "figures");
    const struct barrow_json_value *command = barrow_json_get(root, "command");
    const struct barrow_json_value *python = barrow_json_get(root, "python");
    if (!version || !version->is_uint || version->uint == 0)
        return wrong(path, root->line, "the key `barrow_baseline` is missing", err);
    if (version->uint > VERSION)
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "%s: a baseline of version %" PRIu64
                           ", this barrow knows %d: write it anew, or use a newer barrow",
                           path, version->uint, VERSION);
    if (!figures || figures->kind != JSON_OBJECT)
        return wrong(path, root->line, "the object `figures` is missing", err);
    if (read_figures(figures, path, baseline->value, baseline->has, err) < 0)
        return -1;
    baseline->command = command && command->kind == JSON_STRING ? command->text : "";
    baseline->python = python && python->kind == JSON_STRING ? python->text : "";
    return read_functions(baseline, path, err);
}

int barrow_baseline_read(struct barrow_baseline *baseline, const char *path,
                         struct barrow_error *err)
{
    *baseline = (struct barrow_baseline){0};
    if (barrow_json_read(&baseline->document, path, err) < 0)
        return -1;
    if (read_document(baseline, path, err) == 0)
        return 0;
    barrow_baseline_free(baseline);
    return -1;
}

/* ---- growth ---- */

static int by_growth(const void *a, const void *b)
{
    const struct barrow_growth *one = a, *other = b;
    uint64_t grown = one->after - one->before, other_grown = other->after - other->before;
    if (grown != other_grown)
        return grown > other_grown ? -1 : 1;
    int order = strcmp(one->module, other->module);
    return order ? order : strcmp(one->name, other->name);
}

int barrow_baseline_growth(const struct barrow_baseline *before,
                           const struct barrow_baseline *after, enum barrow_figure figure,
                           struct barrow_growth **growths, size_t *count, struct barrow_error *err)
{
    BARROW_ARRAY(struct barrow_growth) found = {0};
    size_t k = 0;
    for (size_t i = 0; i < after->function_count; i++) {
        const struct barrow_baseline_function *now = &after->functions[i];
        while (k < before->function_count && by_name(&before->functions[k], now) < 0)
            k++;
        bool is_old = k < before->function_count && by_name(&before->functions[k], now) == 0;
        uint64_t was = is_old ? before->functions[k].value[figure] : 0;
        if (now->value[figure] <= was)
            continue;
        struct barrow_growth *growth = barrow_array_add(&found);
        if (!growth) {
            free(found.items);
            return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for what grew");
        }
        *growth = (struct barrow_growth){now->module, now->name, was, now->value[figure]};
    }
    if (found.count)
        qsort(found.items, found.count, sizeof *found.items, by_growth);
    *growths = found.items;
    *count = found.count;
    return 0;
}
