#include "base/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void barrow_json_init(struct barrow_json *json, FILE *to, int indent)
{
    *json = (struct barrow_json){.to = to, .indent = indent};
}

static void newline(const struct barrow_json *json)
{
    if (json->indent)
        fprintf(json->to, "\n%*s", json->indent * json->depth, "");
}

/* Writes the digits of a number so that they end before `end`; gives where they begin.  Exports of
 * large profiles are numbers in the main, and printf would be what they take time for. */
static char *put_digits(char *end, uint64_t value)
{
    do
        *--end = (char)('0' + value % 10);
    while (value /= 10);
    return end;
}

/* What must stand before a value or a key: a comma, a line break, or nothing. */
static void before_item(struct barrow_json *json)
{
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (json->depth == 0)
        return;
    uint64_t bit = (uint64_t)1 << (json->depth - 1);
    if (json->filled & bit)
        fwrite_unlocked(", ", 1, json->indent ? 1 : 2, json->to);
    json->filled |= bit;
    newline(json);
}

/* Whether all that stands before the next item is ", ". */
static bool follows_in_line(const struct barrow_json *json)
{
    return json->indent == 0 && !json->after_key && json->depth > 0 &&
           json->filled >> (json->depth - 1) & 1;
}

static void after_value(const struct barrow_json *json)
{
    if (json->depth == 0)
        fputc('\n', json->to);
}

static void begin(struct barrow_json *json, char bracket)
{
    before_item(json);
    putc_unlocked(bracket, json->to);
    assert(json->depth < 64);
    json->filled &= ~((uint64_t)1 << json->depth);
    json->depth++;
}

static void end(struct barrow_json *json, char bracket)
{
    assert(json->depth > 0 && !json->after_key);
    json->depth--;
    if (json->filled & (uint64_t)1 << json->depth)
        newline(json);
    putc_unlocked(bracket, json->to);
    after_value(json);
}

void barrow_json_begin_object(struct barrow_json *json)
{
    begin(json, '{');
}

void barrow_json_end_object(struct barrow_json *json)
{
    end(json, '}');
}

void barrow_json_begin_array(struct barrow_json *json)
{
    begin(json, '[');
}

void barrow_json_end_array(struct barrow_json *json)
{
    end(json, ']');
}

/* Length of the UTF-8 sequence at `at`, surrogates allowed; 0: none. */
static size_t sequence(const uint8_t *at, size_t left, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = at[0] < 0x80   ? 1
                    : at[0] < 0xc0 ? 0
                    : at[0] < 0xe0 ? 2
                    : at[0] < 0xf0 ? 3
                    : at[0] < 0xf8 ? 4
                                   : 0;
    if (length == 0 || length > left)
        return 0;
    uint32_t c = length == 1 ? at[0] : at[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (at[i] & 0x3f);
    }
    *character = c;
    return c < least[length] || c > 0x10ffff ? 0 : length;
}

static void escape(FILE *to, uint32_t c)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *found = c && c < 0x80 ? strchr(plain, (int)c) : NULL;
    if (found)
        fprintf(to, "\\%c", letters[found - plain]);
    else
        fprintf(to, "\\u%04x", c);
}

void barrow_json_quote(FILE *to, const char *text, size_t count)
{
    const uint8_t *at = (const uint8_t *)text, *stop = at + count, *run = at;
    fputc('"', to);
    while (at < stop) {
        uint32_t c = 0;
        size_t length = sequence(at, (size_t)(stop - at), &c);
        bool verbatim = length && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f &&
                        !(c >= 0xd800 && c <= 0xdfff);
        if (!verbatim) {
            fwrite(run, 1, (size_t)(at - run), to);
            escape(to, length ? c : 0xfffd);
            run = at + (length ? length : 1);
        }
        at += length ? length : 1;
    }
    fwrite(run, 1, (size_t)(stop - run), to);
    fputc('"', to);
}

void barrow_json_key(struct barrow_json *json, const char *key)
{
    before_item(json);
    barrow_json_quote(json->to, key, strlen(key));
    fputs(": ", json->to);
    json->after_key = true;
}

void barrow_json_bytes(struct barrow_json *json, const char *text, size_t count)
{
    before_item(json);
    barrow_json_quote(json->to, text, count);
    after_value(json);
}

void barrow_json_string(struct barrow_json *json, const char *text)
{
    if (text)
        barrow_json_bytes(json, text, strlen(text));
    else
        barrow_json_null(json);
}

static void literal(struct barrow_json *json, const char *text)
{
    before_item(json);
    fputs(text, json->to);
    after_value(json);
}

enum { NUMBER_ROOM = 24 }; /* a separator, a sign and 20 digits */

/* `digits` up to the end of its buffer, which has room for a separator before them. */
static void put_number(struct barrow_json *json, char *digits, const char *end)
{
    if (follows_in_line(json)) { /* in one piece: long arrays of numbers are made of this */
        *--digits = ' ';
        *--digits = ',';
    } else {
        before_item(json);
    }
    fwrite_unlocked(digits, 1, (size_t)(end - digits), json->to);
    after_value(json);
}

void barrow_json_uint(struct barrow_json *json, uint64_t value)
{
    char text[NUMBER_ROOM], *end = text + sizeof text;

    put_number(json, put_digits(end, value), end);
}

void barrow_json_int(struct barrow_json *json, int64_t value)
{
    char text[NUMBER_ROOM], *end = text + sizeof text;
    char *digits = put_digits(end, value < 0 ? -(uint64_t)value : (uint64_t)value);

    if (value < 0)
        *--digits = '-';
    put_number(json, digits, end);
}

void barrow_json_bool(struct barrow_json *json, bool value)
{
    literal(json, value ? "true" : "false");
}

void barrow_json_null(struct barrow_json *json)
{
    literal(json, "null");
}

void barrow_json_double(struct barrow_json *json, double value)
{
    char text[40];
    if (!isfinite(value)) {
        barrow_json_null(json);
        return;
    }
    int digits = 15; /* the fewest that read back as the same number */
    do
        snprintf(text, sizeof text, "%.*g", digits, value);
    while (strtod(text, NULL) != value && digits++ < 17);
    char *comma = strpbrk(text, ",");
    if (comma)
        *comma = '.';
    literal(json, text);
}

void barrow_json_seconds(struct barrow_json *json, uint64_t ns)
{
    char text[40];
    int length =
        snprintf(text, sizeof text, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);
    while (text[length - 1] == '0' && text[length - 2] != '.')
        text[--length] = '\0';
    literal(json, text);
}
