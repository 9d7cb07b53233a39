#include "base/json_read.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/utf8.h"

enum { MOST_LEVELS = 64, MOST_BYTES = 64 * 1024 * 1024 };

/* The input ends with a NUL, which no token goes on over: each step looks at one byte. */
struct reader {
    const char *at, *stop;
    const char *name;
    unsigned line;
    int level;
    struct barrow_arena *arena;
    struct barrow_error *err;
};

static int bad(const struct reader *r, const char *what)
{
    return barrow_fail(r->err, BARROW_E_FORMAT, "%s:%u: no valid JSON: %s", r->name, r->line, what);
}

static int no_memory(const struct reader *r)
{
    return barrow_fail(r->err, BARROW_E_NO_MEMORY, "%s: no memory to read it", r->name);
}

static void skip_space(struct reader *r)
{
    for (; *r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'; r->at++)
        if (*r->at == '\n')
            r->line++;
}

/* ---- strings ---- */

/* Four hexadecimal digits. */
static bool take_hex(struct reader *r, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        char c = *r->at;
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16)
            return false;
        *value = *value << 4 | digit;
    }
    return true;
}

/* Writes a character, surrogates too; UTF-8 is never longer than the escape it comes from. */
static char *put_character(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *to++ = (char)(0xe0 | c >> 12);
        } else {
            *to++ = (char)(0xf0 | c >> 18);
            *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (c & 0x3f));
    return to;
}

/* What follows a backslash. */
static int take_escape(struct reader *r, char **to)
{
    static const char letters[] = "\"\\/bfnrt", plain[] = "\"\\/\b\f\n\r\t";
    const char *letter = *r->at ? strchr(letters, *r->at) : NULL;
    uint32_t c, low;
    if (letter) {
        *(*to)++ = plain[letter - letters];
        r->at++;
        return 0;
    }
    if (*r->at != 'u')
        return bad(r, "an unknown escape in a string");
    r->at++;
    if (!take_hex(r, &c))
        return bad(r, "\\u without four hexadecimal digits");
    if (c >= 0xd800 && c < 0xdc00 && r->at[0] == '\\' && r->at[1] == 'u') {
        const char *second = r->at;
        r->at += 2;
        if (!take_hex(r, &low))
            return bad(r, "\\u without four hexadecimal digits");
        if (low >= 0xdc00 && low < 0xe000)
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        else
            r->at = second; /* a lone surrogate; the next one is read anew */
    }
    *to = put_character(*to, c);
    return 0;
}

/* The closing quote of the string that begins at `at`, or where it breaks off. */
static const char *string_end(const char *at)
{
    for (; *at && *at != '"'; at++)
        if (*at == '\\' && at[1])
            at++;
    return at;
}

static int take_string(struct reader *r, const char **text, size_t *count)
{
    r->at++; /* the opening quote */
    char *to = barrow_arena_alloc(r->arena, (size_t)(string_end(r->at) - r->at) + 1);
    if (!to)
        return no_memory(r);
    *text = to;
    while (*r->at != '"') {
        uint32_t c;
        size_t length = barrow_utf8_decode(r->at, &c);
        if (r->at == r->stop)
            return bad(r, "a string does not end");
        if (length == 0)
            return bad(r, "a string is not UTF-8");
        if (c < 0x20)
            return bad(r, "a control character in a string");
        if (c == '\\') {
            r->at++;
            if (take_escape(r, &to) < 0)
                return -1;
            continue;
        }
        memcpy(to, r->at, length);
        to += length;
        r->at += length;
    }
    r->at++;
    *to = '\0';
    *count = (size_t)(to - *text);
    return 0;
}

/* ---- numbers and words ---- */

static bool take_digits(struct reader *r)
{
    const char *first = r->at;
    while (*r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > first;
}

static void set_uint(struct barrow_json_value *value, const char *digits, const char *end)
{
    uint64_t sum = 0;
    for (; digits < end; digits++)
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(*digits - '0'), &sum))
            return;
    value->is_uint = true;
    value->uint = sum;
}

/* The decimal point is that of JSON, whatever the process' locale. */
static int set_double(const struct reader *r, struct barrow_json_value *value, const char *first)
{
    static locale_t plain;
    if (!plain)
        plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (!plain)
        return no_memory(r);
    value->number = strtod_l(first, NULL, plain);
    return 0;
}

static int take_number(struct reader *r, struct barrow_json_value *value)
{
    const char *first = r->at;
    value->kind = JSON_NUMBER;
    r->at += *r->at == '-';
    const char *digits = r->at;
    if (!take_digits(r))
        return bad(r, "a value is missing, or none that JSON knows");
    if (*digits == '0' && r->at > digits + 1)
        return bad(r, "a number begins with 0");
    const char *end = r->at;
    if (*r->at == '.') {
        r->at++;
        if (!take_digits(r))
            return bad(r, "a number ends with its decimal point");
    }
    if (*r->at == 'e' || *r->at == 'E') {
        r->at++;
        r->at += *r->at == '+' || *r->at == '-';
        if (!take_digits(r))
            return bad(r, "a number ends within its exponent");
    }
    if (digits == first && end == r->at)
        set_uint(value, digits, end);
    return set_double(r, value, first);
}

static bool take_word(struct reader *r, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(r->at, word, length) != 0)
        return false;
    r->at += length;
    return true;
}

/* ---- containers ---- */

static int take_value(struct reader *r, struct barrow_json_value *value);

static int take_key(struct reader *r, struct barrow_json_value *item)
{
    if (*r->at != '"')
        return bad(r, "a key in quotes is missing");
    if (take_string(r, &item->key, &item->key_count) < 0)
        return -1;
    skip_space(r);
    if (*r->at != ':')
        return bad(r, "a colon is missing behind a key");
    r->at++;
    skip_space(r);
    return 0;
}

/* Behind an item: true if another one follows. */
static int take_comma(struct reader *r, char close)
{
    skip_space(r);
    if (*r->at == close) {
        r->at++;
        return 0;
    }
    if (*r->at != ',')
        return bad(r, close == ']' ? "an array does not go on with , or ]"
                                   : "an object does not go on with , or }");
    r->at++;
    skip_space(r);
    return 1;
}

static int take_items(struct reader *r, struct barrow_json_value *value)
{
    const struct barrow_json_value **link = &value->first;
    char close = value->kind == JSON_ARRAY ? ']' : '}';
    int more = 1;
    if (++r->level > MOST_LEVELS)
        return bad(r, "more than 64 levels");
    r->at++;
    skip_space(r);
    if (*r->at == close) {
        r->at++;
        more = 0;
    }
    while (more > 0) {
        struct barrow_json_value *item = barrow_arena_alloc(r->arena, sizeof *item);
        if (!item)
            return no_memory(r);
        *item = (struct barrow_json_value){0};
        if ((value->kind == JSON_OBJECT && take_key(r, item) < 0) || take_value(r, item) < 0)
            return -1;
        *link = item;
        link = &item->next;
        value->count++;
        more = take_comma(r, close);
    }
    r->level--;
    return more;
}

static int take_value(struct reader *r, struct barrow_json_value *value)
{
    value->line = r->line;
    switch (*r->at) {
    case '{':
        value->kind = JSON_OBJECT;
        return take_items(r, value);
    case '[':
        value->kind = JSON_ARRAY;
        return take_items(r, value);
    case '"':
        value->kind = JSON_STRING;
        return take_string(r, &value->text, &value->count);
    case 't':
    case 'f':
        value->kind = JSON_BOOL;
        value->truth = *r->at == 't';
        return take_word(r, value->truth ? "true" : "false") ? 0 : bad(r, "an unknown word");
    case 'n':
        value->kind = JSON_NULL;
        return take_word(r, "null") ? 0 : bad(r, "an unknown word");
    default:
        return take_number(r, value);
    }
}

/* ---- documents ---- */

/* `text` ends with a NUL at `count`. */
static int parse(struct barrow_json_document *document, const char *text, size_t count,
                 const char *name, struct barrow_error *err)
{
    struct reader r = {.at = text,
                       .stop = text + count,
                       .name = name,
                       .line = 1,
                       .arena = &document->arena,
                       .err = err};
    struct barrow_json_value *root = barrow_arena_alloc(r.arena, sizeof *root);
    if (!root)
        return no_memory(&r);
    *root = (struct barrow_json_value){0};
    document->root = root;
    skip_space(&r);
    if (r.at == r.stop)
        return bad(&r, "it is empty");
    if (take_value(&r, root) < 0)
        return -1;
    skip_space(&r);
    return r.at == r.stop ? 0 : bad(&r, "something follows the value");
}

int barrow_json_parse(struct barrow_json_document *document, const char *bytes, size_t count,
                      const char *name, struct barrow_error *err)
{
    struct barrow_buffer copy = {0};
    *document = (struct barrow_json_document){0};
    if (count > MOST_BYTES)
        return barrow_fail(err, BARROW_E_FORMAT, "%s: more than 64 MiB of JSON", name);
    barrow_buffer_add(&copy, bytes, count);
    const char *text = barrow_buffer_text(&copy);
    int rc = text ? parse(document, text, count, name, err)
                  : barrow_fail(err, BARROW_E_NO_MEMORY, "%s: no memory to read it", name);
    barrow_buffer_free(&copy);
    if (rc < 0)
        barrow_json_free(document);
    return rc;
}

/* All of it, or just more than can be read. */
static int read_all(int descriptor, struct barrow_buffer *to)
{
    enum { PIECE = 64 * 1024 };
    while (to->used <= MOST_BYTES) {
        char *room = barrow_buffer_room(to, PIECE);
        ssize_t got = room ? read(descriptor, room, PIECE) : -1;
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return (int)got;
        to->used += (size_t)got;
    }
    return 0;
}

int barrow_json_read(struct barrow_json_document *document, const char *path,
                     struct barrow_error *err)
{
    struct barrow_buffer all = {0};
    int rc = -1;
    *document = (struct barrow_json_document){0};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || read_all(descriptor, &all) < 0)
        barrow_fail(err, BARROW_E_IO, "%s: can't be read: %s", path, strerror(errno));
    else
        rc = barrow_json_parse(document, all.bytes, all.used, path, err);
    if (descriptor >= 0)
        close(descriptor);
    barrow_buffer_free(&all);
    return rc;
}

void barrow_json_free(struct barrow_json_document *document)
{
    barrow_arena_free(&document->arena);
    document->root = NULL;
}

const struct barrow_json_value *barrow_json_get(const struct barrow_json_value *object,
                                                const char *key)
{
    const struct barrow_json_value *found = NULL;
    if (!object || object->kind != JSON_OBJECT)
        return NULL;
    size_t count = strlen(key);
    for (const struct barrow_json_value *v = object->first; v; v = v->next)
        if (v->key_count == count && memcmp(v->key, key, count) == 0)
            found = v;
    return found;
}

const char *barrow_json_kind_name(enum barrow_json_kind kind)
{
    static const char *const names[] = {"null", "boolean", "number", "string", "array", "object"};
    return names[kind];
}
