#include "export/report_columns.h"

#include <string.h>

#include "table/keys.h"
#include "base/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static const struct {
    const char *name;
    enum barrow_report_encoding encoding;
} kinds[REPORT_COLUMN_COUNT] = {
#define X(name, text, encoding) {text, REPORT_##encoding},
    BARROW_REPORT_COLUMNS(X)
#undef X
};
static const char *const encoding_names[] = {"varint", "delta", "text"};

/* ---- numbers ---- */

/* Unsigned LEB128: seven bits a byte, the lowest first, the top bit set on all but the last. */
static void put_varint(struct barrow_buffer *buffer, uint64_t value)
{
    char *at = barrow_buffer_room(buffer, 10);

    if (!at)
        return;
    for (; value >= 0x80; value >>= 7)
        *at++ = (char)(value | 0x80);
    *at++ = (char)value;
    buffer->used = (size_t)(at - buffer->bytes);
}

static uint64_t at_most(uint64_t value, uint64_t limit)
{
    return value < limit ? value : limit;
}

/* Small differences of either sign become small numbers: 0, -1, 1, -2 are 0, 1, 2, 3. */
static uint64_t zigzag(int64_t difference)
{
    return (uint64_t)difference << 1 ^ (uint64_t)(difference >> 63);
}

void barrow_report_put(struct barrow_report_columns *columns, enum barrow_report_column column,
                       uint64_t value)
{
    struct barrow_report_data *data = &columns->data[column];

    if (kinds[column].encoding == REPORT_DELTA) {
        value = at_most(value, ((uint64_t)1 << 52) - 1);
        put_varint(&data->buffer, zigzag((int64_t)(value - data->last)));
        data->last = value;
    } else {
        put_varint(&data->buffer, at_most(value, ((uint64_t)1 << 53) - 1));
    }
    data->count++;
}

/* ---- texts ---- */

/* How many bytes from `text` on are characters that can stay; never beyond `end`, where a NUL
 * stands. */
static size_t clean_bytes(const char *text, const char *end)
{
    const char *at = text;
    uint32_t c;

    while (at < end && *at) {
        size_t length = (unsigned char)*at < 0x80 ? 1 : barrow_utf8_decode(at, &c);
        if (length == 0 || (length > 1 && barrow_utf8_is_surrogate(c)))
            break;
        at += length;
    }
    return (size_t)(at - text);
}

void barrow_report_put_text(struct barrow_report_columns *columns, enum barrow_report_column column,
                            const char *text, size_t count)
{
    struct barrow_report_data *data = &columns->data[column];
    const char *end = text + count;
    uint32_t c;

    for (;;) {
        size_t clean = clean_bytes(text, end);
        barrow_buffer_add(&data->buffer, text, clean);
        text += clean;
        if (text == end)
            break;
        barrow_buffer_add_text(&data->buffer, REPLACEMENT);
        size_t length = barrow_utf8_decode(text, &c);
        text += length ? length : 1;
    }
    barrow_buffer_add_byte(&data->buffer, '\0');
    data->count++;
}

/* ---- all of them ---- */

bool barrow_report_columns_failed(const struct barrow_report_columns *columns)
{
    for (size_t i = 0; i < REPORT_COLUMN_COUNT; i++)
        if (columns->data[i].buffer.failed)
            return true;
    return false;
}

size_t barrow_report_columns_bytes(const struct barrow_report_columns *columns)
{
    size_t bytes = 0;

    for (size_t i = 0; i < REPORT_COLUMN_COUNT; i++)
        bytes += columns->data[i].buffer.used;
    return bytes;
}

void barrow_report_columns_json(const struct barrow_report_columns *columns, bool sources,
                                struct barrow_json *json)
{
    size_t offset = 0;

    barrow_json_key(json, "columns");
    barrow_json_begin_array(json);
    for (size_t i = 0; i < REPORT_COLUMN_COUNT; i++) {
        const struct barrow_report_data *data = &columns->data[i];
        if (!sources && (i == REPORT_SOURCES_FILE || i == REPORT_SOURCES_TEXT))
            continue;
        barrow_json_begin_object(json);
        barrow_put_text(json, "name", kinds[i].name);
        barrow_put_text(json, "encoding", encoding_names[kinds[i].encoding]);
        barrow_put_number(json, "count", data->count);
        barrow_put_number(json, "offset", offset);
        barrow_put_number(json, "bytes", data->buffer.used);
        barrow_json_end_object(json);
        offset += data->buffer.used;
    }
    barrow_json_end_array(json);
}

void barrow_report_columns_write(struct barrow_report_columns *columns, struct barrow_gzip *gzip)
{
    for (size_t i = 0; i < REPORT_COLUMN_COUNT; i++) {
        struct barrow_buffer *buffer = &columns->data[i].buffer;
        barrow_gzip_write(gzip, buffer->bytes, buffer->used);
        barrow_buffer_free(buffer);
    }
}

void barrow_report_columns_free(struct barrow_report_columns *columns)
{
    for (size_t i = 0; i < REPORT_COLUMN_COUNT; i++)
        barrow_buffer_free(&columns->data[i].buffer);
}
