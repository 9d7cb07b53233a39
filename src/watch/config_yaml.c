/* The configuration read by libyaml, whose documents know the line of everything.
 *
 * libyaml tells texts; which of them are numbers and booleans is YAML 1.1, as PyYAML reads it,
 * because services read the same file with that: `yes` is true, 1_000 and 0x3c are integers, 60.0
 * is none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/buffer.h"
#include "watch/config.h"

/* Merges of merges of merges could name the same few mappings without end. */
enum { LARGEST_FILE = 16 << 20, DEEPEST_MERGE = 16, MOST_MAPPINGS = 10000 };

/* ---- scalars ---- */

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

static unsigned digit_of(char c)
{
    return c >= '0' && c <= '9'   ? (unsigned)(c - '0')
           : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
           : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                  : 99;
}

/* Digits of a base, with underscores anywhere; false: there is something else, or nothing. */
static bool read_digits(const char *at, const char *end, unsigned base, int64_t *number)
{
    *number = 0;
    if (at == end)
        return false;
    for (; at < end; at++) {
        if (*at == '_')
            continue;
        if (digit_of(*at) >= base)
            return false;
        if (__builtin_mul_overflow(*number, (int64_t)base, number) ||
            __builtin_add_overflow(*number, (int64_t)digit_of(*at), number))
            *number = INT64_MAX / 64; /* large enough to be refused, and to go on */
    }
    return true;
}

/* Base 60: "1:30:00".  The first part is decimal, the others are below 60. */
static bool read_sixties(const char *at, const char *end, int64_t *number)
{
    const char *colon = memchr(at, ':', (size_t)(end - at));
    int64_t part;
    if (!colon || *at == '0' || !read_digits(at, colon, 10, number))
        return false;
    while (colon < end) {
        const char *next = memchr(colon + 1, ':', (size_t)(end - colon - 1));
        next = next ? next : end;
        if (next - colon > 3 || !read_digits(colon + 1, next, 10, &part) || part > 59)
            return false;
        *number = *number > INT64_MAX / 64 ? INT64_MAX / 64 : *number * 60 + part;
        colon = next;
    }
    return true;
}

static bool read_integer(const char *text, int64_t *number)
{
    const char *at = text + (*text == '-' || *text == '+'), *end = text + strlen(text);
    bool ok;
    if (*at == '_')
        return false;
    if (at[0] == '0' && at[1] == 'b')
        ok = read_digits(at + 2, end, 2, number);
    else if (at[0] == '0' && at[1] == 'x')
        ok = read_digits(at + 2, end, 16, number);
    else if (at[0] == '0' && at[1])
        ok = read_digits(at + 1, end, 8, number);
    else
        ok = read_sixties(at, end, number) || read_digits(at, end, 10, number);
    if (*text == '-')
        *number = -*number;
    return ok;
}

static bool is_real(const char *text)
{
    static const char *const special[] = {".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf",
                                          "+.INF", "-.inf", "-.Inf", "-.INF", ".nan",
                                          ".NaN",  ".NAN",  NULL};
    char *end;
    if (is_one_of(text, special))
        return true;
    if (!strpbrk(text, "0123456789") || !strchr(text, '.'))
        return false;
    strtod(text, &end);
    return *end == '\0' && !strpbrk(text, "xXnN");
}

static struct barrow_watch_value plain_value(const char *text)
{
    static const char *const yes[] = {"yes",  "Yes", "YES", "true", "True",
                                      "TRUE", "on",  "On",  "ON",   NULL};
    static const char *const no[] = {"no",    "No",  "NO",  "false", "False",
                                     "FALSE", "off", "Off", "OFF",   NULL};
    static const char *const nothing[] = {"", "~", "null", "Null", "NULL", NULL};
    struct barrow_watch_value value = {BARROW_WATCH_TEXT, 0, text};
    if (is_one_of(text, nothing))
        value.kind = BARROW_WATCH_NOTHING;
    else if (is_one_of(text, yes) || is_one_of(text, no))
        value.kind = BARROW_WATCH_BOOLEAN;
    else if (read_integer(text, &value.number))
        value.kind = BARROW_WATCH_INTEGER;
    else if (is_real(text))
        value.kind = BARROW_WATCH_REAL;
    if (value.kind == BARROW_WATCH_BOOLEAN)
        value.number = is_one_of(text, yes);
    return value;
}

static struct barrow_watch_value value_of(const yaml_node_t *node)
{
    const char *tag = node->tag ? (const char *)node->tag : "";
    if (node->type == YAML_SEQUENCE_NODE)
        return (struct barrow_watch_value){.kind = BARROW_WATCH_LIST};
    if (node->type != YAML_SCALAR_NODE)
        return (struct barrow_watch_value){.kind = BARROW_WATCH_MAPPING};
    const char *text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length) /* a NUL in it */
        return (struct barrow_watch_value){.kind = BARROW_WATCH_OTHER};
    /* An explicit tag of a number or boolean makes one out of quoted text too. */
    bool is_tagged = strcmp(tag, YAML_STR_TAG) != 0;
    if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE || is_tagged)
        return plain_value(text);
    return (struct barrow_watch_value){BARROW_WATCH_TEXT, 0, text};
}

/* ---- the tree ---- */

struct reader {
    yaml_document_t document;
    const char *name;
    struct barrow_watch_config *config;
    uint32_t seen;    /* keys, a bit each */
    uint32_t visited; /* mappings looked at */
    char where[300];
};

static const char *place(struct reader *r, const yaml_node_t *node)
{
    snprintf(r->where, sizeof r->where, "%.250s:%zu: ", r->name, node->start_mark.line + 1);
    return r->where;
}

static const char *scalar_text(const yaml_node_t *node)
{
    return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
}

static bool is_merge(const yaml_node_t *key)
{
    return key->type == YAML_SCALAR_NODE && key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           strcmp(scalar_text(key), "<<") == 0;
}

/* The value of a key: the last one of that name, else the first one that is merged in. */
static yaml_node_t *find(struct reader *r, yaml_node_t *map, const char *name, int depth)
{
    yaml_node_t *found = NULL;
    if (!map || map->type != YAML_MAPPING_NODE || depth > DEEPEST_MERGE ||
        ++r->visited > MOST_MAPPINGS)
        return NULL;
    yaml_node_pair_t *start = map->data.mapping.pairs.start, *top = map->data.mapping.pairs.top;
    for (yaml_node_pair_t *p = start; p < top; p++)
        if (strcmp(scalar_text(yaml_document_get_node(&r->document, p->key)), name) == 0)
            found = yaml_document_get_node(&r->document, p->value);
    for (yaml_node_pair_t *p = start; p < top && !found; p++) {
        yaml_node_t *from = yaml_document_get_node(&r->document, p->value);
        if (!is_merge(yaml_document_get_node(&r->document, p->key)))
            continue;
        if (from->type != YAML_SEQUENCE_NODE) {
            found = find(r, from, name, depth + 1);
            continue;
        }
        yaml_node_item_t *item = from->data.sequence.items.start;
        for (; item < from->data.sequence.items.top && !found; item++)
            found = find(r, yaml_document_get_node(&r->document, *item), name, depth + 1);
    }
    return found;
}

/* The section's own keys: each must be known, and there once. */
static int take_keys(struct reader *r, const yaml_node_t *map, struct barrow_error *err)
{
    uint32_t here = 0;
    yaml_node_pair_t *p = map->data.mapping.pairs.start;
    for (; p < map->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = yaml_document_get_node(&r->document, p->key);
        if (is_merge(key))
            continue;
        const char *name = key->type == YAML_SCALAR_NODE ? scalar_text(key) : "(this key)";
        int k = barrow_watch_config_key(place(r, key), name, err);
        if (k < 0)
            return -1;
        if (here & 1u << k)
            return barrow_fail(err, BARROW_E_USAGE, "%s%s: this key is there twice", place(r, key),
                               name);
        here |= 1u << k;
        if (r->seen & 1u << k)
            continue; /* merged in, and given where it is merged */
        const yaml_node_t *node = yaml_document_get_node(&r->document, p->value);
        struct barrow_watch_value value = value_of(node);
        if (barrow_watch_config_set(r->config, place(r, key), name, &value, err) < 0)
            return -1;
    }
    r->seen |= here;
    return 0;
}

static int take_section(struct reader *r, const yaml_node_t *map, int depth,
                        struct barrow_error *err)
{
    if (depth > DEEPEST_MERGE || ++r->visited > MOST_MAPPINGS)
        return barrow_fail(err, BARROW_E_USAGE, "%smemory_profiling: too much is merged in here",
                           place(r, map));
    if (map->type != YAML_MAPPING_NODE) {
        struct barrow_watch_value value = value_of(map);
        return barrow_watch_config_no_mapping(place(r, map), &value, err);
    }
    if (take_keys(r, map, err) < 0)
        return -1;
    yaml_node_pair_t *p = map->data.mapping.pairs.start;
    for (; p < map->data.mapping.pairs.top; p++) {
        if (!is_merge(yaml_document_get_node(&r->document, p->key)))
            continue;
        yaml_node_t *from = yaml_document_get_node(&r->document, p->value);
        if (from->type != YAML_SEQUENCE_NODE) {
            if (take_section(r, from, depth + 1, err) < 0)
                return -1;
            continue;
        }
        yaml_node_item_t *item = from->data.sequence.items.start;
        for (; item < from->data.sequence.items.top; item++)
            if (take_section(r, yaml_document_get_node(&r->document, *item), depth + 1, err) < 0)
                return -1;
    }
    return 0;
}

static int take_document(struct reader *r, struct barrow_error *err)
{
    static const char *const path[] = {"general", "monitoring", "memory_profiling"};
    yaml_node_t *node = yaml_document_get_root_node(&r->document);
    for (size_t i = 0; i < sizeof path / sizeof path[0] && node; i++)
        node = find(r, node, path[i], 0);
    if (!node || value_of(node).kind == BARROW_WATCH_NOTHING)
        return 0;
    return take_section(r, node, 0, err);
}

/* ---- the file ---- */

int barrow_watch_config_parse(struct barrow_watch_config *config, const void *bytes, size_t count,
                              const char *name, struct barrow_error *err)
{
    struct reader r = {.name = name, .config = config};
    yaml_parser_t parser;
    int rc;
    barrow_watch_config_init(config);
    if (!yaml_parser_initialize(&parser))
        return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory to read %.300s", name);
    yaml_parser_set_input_string(&parser, bytes, count);
    if (yaml_parser_load(&parser, &r.document)) {
        rc = take_document(&r, err);
        yaml_document_delete(&r.document);
    } else {
        size_t line = parser.problem_mark.line;
        rc = barrow_fail(err, BARROW_E_USAGE, "%.250s:%zu: this is no valid YAML: %s", name,
                         line + 1, parser.problem ? parser.problem : "it can't be read");
    }
    yaml_parser_delete(&parser);
    return rc;
}

int barrow_watch_config_load(struct barrow_watch_config *config, const char *path,
                             struct barrow_error *err)
{
    struct barrow_buffer text = {0};
    FILE *file = fopen(path, "re");
    int rc = 0;
    for (size_t got = 1; file && got && text.used <= LARGEST_FILE && !text.failed;) {
        char part[4096];
        got = fread(part, 1, sizeof part, file);
        barrow_buffer_add(&text, part, got);
    }
    if (!file || ferror(file))
        rc = barrow_fail(err, BARROW_E_USAGE, "%.300s: %s", path, strerror(errno));
    else if (text.failed || text.used > LARGEST_FILE)
        rc =
            barrow_fail(err, BARROW_E_USAGE, "%.300s: this is too large for a configuration", path);
    else
        rc = barrow_watch_config_parse(config, text.bytes ? text.bytes : "", text.used, path, err);
    if (file)
        fclose(file);
    barrow_buffer_free(&text);
    return rc;
}
