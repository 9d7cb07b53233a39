/* Functions that make queries pleasant to read. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/units.h"
#include "export/sql_module.h"
#include "table/stack.h"

/* size(bytes): '1.5 MiB' */
static void size(sqlite3_context *context, int count, sqlite3_value **values)
{
    char text[BARROW_UNITS_ROOM + 1] = "-";

    (void)count;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL)
        return;
    int64_t bytes = sqlite3_value_int64(values[0]);
    barrow_units_bytes(text + 1, bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes);
    sqlite3_result_text(context, bytes < 0 ? text : text + 1, -1, SQLITE_TRANSIENT);
}

/* duration(seconds): '340 ms' */
static void duration(sqlite3_context *context, int count, sqlite3_value **values)
{
    char text[BARROW_UNITS_ROOM + 1] = "-";

    (void)count;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL)
        return;
    double s = sqlite3_value_double(values[0]), ns = fabs(s) * 1e9;
    barrow_units_duration(text + 1, (uint64_t)fmin(ns + 0.5, 1.8e19));
    sqlite3_result_text(context, s < 0 ? text : text + 1, -1, SQLITE_TRANSIENT);
}

/* percent(part, whole): '29.8%' */
static void percent(sqlite3_context *context, int count, sqlite3_value **values)
{
    char text[40];
    double part = sqlite3_value_double(values[0]), whole = sqlite3_value_double(values[1]);

    (void)count;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL || whole == 0)
        return;
    snprintf(text, sizeof text, "%.1f%%", 100 * part / whole);
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static void add_frame(struct barrow_buffer *text, const struct barrow_frame *frame)
{
    char line[16];

    barrow_buffer_add_text(text, frame->function);
    if (!*frame->file)
        return;
    barrow_buffer_add_text(text, " (");
    barrow_buffer_add_text(text, frame->file);
    snprintf(line, sizeof line, ":%" PRIu32 ")", frame->line);
    barrow_buffer_add_text(text, line);
}

/* The stack whose innermost call is `node`, root first; false: no memory. */
static bool add_stack(struct barrow_buffer *text, const struct barrow_sql_data *data, uint32_t node,
                      const char *between)
{
    const struct barrow_profile *p = data->profile;
    size_t depth = data->depths[node];
    uint32_t *path = calloc(depth + 1, sizeof *path);

    if (!path)
        return false;
    size_t count = 0;
    for (uint32_t n = barrow_stack_leaf(p, node); n && count < depth; n = barrow_stack_caller(p, n))
        path[count++] = n;
    for (size_t i = count; i > 0; i--) {
        struct barrow_frame frame = barrow_stack_frame(p, path[i - 1]);
        add_frame(text, &frame);
        if (i > 1)
            barrow_buffer_add_text(text, between);
    }
    free(path);
    return barrow_buffer_text(text) != NULL;
}

/* stack_text(stack_id [, between]): 'root (file:1);…;leaf (file:2)' */
static void stack_text(sqlite3_context *context, int count, sqlite3_value **values)
{
    const struct barrow_sql_data *data = sqlite3_user_data(context);
    const char *between = count > 1 ? (const char *)sqlite3_value_text(values[1]) : ";";
    int64_t id = sqlite3_value_int64(values[0]);
    struct barrow_buffer text = {0};

    if (sqlite3_value_type(values[0]) != SQLITE_INTEGER || id < 0 ||
        (uint64_t)id >= data->profile->node_count)
        return;
    if (!add_stack(&text, data, (uint32_t)id, between ? between : ""))
        sqlite3_result_error_nomem(context);
    else
        barrow_sql_result_text(context, text.bytes, SQLITE_TRANSIENT);
    barrow_buffer_free(&text);
}

int barrow_sql_register_functions(sqlite3 *db, struct barrow_sql_data *data)
{
    static const struct {
        const char *name;
        int arguments;
        void (*call)(sqlite3_context *context, int count, sqlite3_value **values);
    } functions[] = {
        {"size", 1, size},
        {"duration", 1, duration},
        {"percent", 2, percent},
        {"stack_text", 1, stack_text},
        {"stack_text", 2, stack_text},
    };
    int status = SQLITE_OK;

    for (size_t i = 0; i < sizeof functions / sizeof *functions && status == SQLITE_OK; i++)
        status = sqlite3_create_function_v2(db, functions[i].name, functions[i].arguments,
                                            SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
                                            data, functions[i].call, NULL, NULL, NULL);
    return status;
}
