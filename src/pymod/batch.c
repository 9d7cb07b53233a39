#include "pymod/batch.h"

#include <stdlib.h>
#include <string.h>

/* ---- making and sharing ---- */

static bool column_init(struct column *column, const struct column_plan *plan)
{
    static const int64_t zero = 0;

    *column = (struct column){.name = plan->name, .type = plan->type};
    if (plan->type == COLUMN_TEXT || plan->type == COLUMN_LIST)
        barrow_buffer_add(&column->offsets, &zero, sizeof zero);
    if (plan->child_count == 0)
        return true;
    column->children = calloc(plan->child_count, sizeof *column->children);
    if (column->children == NULL)
        return false;
    for (; column->child_count < plan->child_count; column->child_count++)
        if (!column_init(&column->children[column->child_count],
                         &plan->children[column->child_count]))
            return false;
    return true;
}

static void column_free(struct column *column)
{
    for (size_t i = 0; i < column->child_count; i++)
        column_free(&column->children[i]);
    free(column->children);
    barrow_buffer_free(&column->values);
    barrow_buffer_free(&column->offsets);
    barrow_buffer_free(&column->text);
}

struct batch *barrow_batch_create(const struct column_plan *plan, size_t count)
{
    struct column_plan table = {"", COLUMN_STRUCT, plan, count};
    struct batch *batch = calloc(1, sizeof *batch);

    if (batch == NULL)
        return NULL;
    batch->references = 1;
    if (!column_init(&batch->table, &table)) {
        barrow_batch_release(batch);
        return NULL;
    }
    return batch;
}

struct batch *barrow_batch_acquire(struct batch *batch)
{
    __atomic_fetch_add(&batch->references, 1, __ATOMIC_RELAXED);
    return batch;
}

void barrow_batch_release(struct batch *batch)
{
    if (batch == NULL || __atomic_sub_fetch(&batch->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    column_free(&batch->table);
    free(batch);
}

/* ---- filling ---- */

void barrow_column_add_int(struct column *column, uint64_t value)
{
    int64_t kept = value > INT64_MAX ? INT64_MAX : (int64_t)value;

    barrow_buffer_add(&column->values, &kept, sizeof kept);
    column->rows++;
}

void barrow_column_add_signed(struct column *column, int64_t value)
{
    barrow_buffer_add(&column->values, &value, sizeof value);
    column->rows++;
}

void barrow_column_add_float(struct column *column, double value)
{
    barrow_buffer_add(&column->values, &value, sizeof value);
    column->rows++;
}

/* Length of the UTF-8 sequence at `at`, which ends in NUL; 0: it is none. */
static size_t sequence_length(const unsigned char *at)
{
    size_t length = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

    if (at[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool too_long = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool surrogate = at[0] == 0xed && at[1] > 0x9f;
    bool too_large = at[0] == 0xf4 && at[1] > 0x8f;
    return too_long || surrogate || too_large ? 0 : length;
}

void barrow_column_add_text(struct column *column, const char *text)
{
    const unsigned char *at = (const unsigned char *)(text ? text : "");
    const unsigned char *start = at;

    while (*at) {
        size_t length = sequence_length(at);
        if (length > 0) {
            at += length;
            continue;
        }
        barrow_buffer_add(&column->text, start, (size_t)(at - start));
        barrow_buffer_add_text(&column->text, "\xef\xbf\xbd");
        start = ++at;
    }
    barrow_buffer_add(&column->text, start, (size_t)(at - start));

    int64_t end = (int64_t)column->text.used;
    barrow_buffer_add(&column->offsets, &end, sizeof end);
    column->rows++;
}

void barrow_column_end_row(struct column *column)
{
    if (column->type == COLUMN_LIST) {
        int64_t end = column->children[0].rows;
        barrow_buffer_add(&column->offsets, &end, sizeof end);
    }
    column->rows++;
}

static bool column_is_whole(const struct column *column)
{
    if (column->values.failed || column->offsets.failed || column->text.failed)
        return false;
    for (size_t i = 0; i < column->child_count; i++)
        if (!column_is_whole(&column->children[i]))
            return false;
    return true;
}

bool barrow_batch_finish(const struct batch *batch)
{
    return column_is_whole(&batch->table);
}
