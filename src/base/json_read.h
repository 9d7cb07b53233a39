/* Reads JSON (RFC 8259) as a tree of values.
 *
 *     struct barrow_json_document document;
 *     if (barrow_json_read(&document, path, &err) < 0)
 *         return -1;                                 // "base.json:3: ..., what to do"
 *     const struct barrow_json_value *bytes = barrow_json_get(document.root, "bytes");
 *     if (bytes && bytes->is_uint) ... bytes->uint ...
 *     barrow_json_free(&document);
 *
 * Strict: no comments, no trailing commas, no NaN, no bare words, nothing after the value, UTF-8
 * only (lone surrogates pass, as they do in base/json.h, which writes them as \udXXX).  At most
 * 64 levels and 64 MiB.  Of equal keys the last counts.  Independent of the locale.
 * Values and texts belong to the document.  Not thread-safe.
 */
#ifndef BARROW_BASE_JSON_READ_H
#define BARROW_BASE_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum barrow_json_kind {
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct barrow_json_value {
    enum barrow_json_kind kind;
    unsigned line; /* where it begins in the input, from 1: for errors */
    bool truth;    /* JSON_BOOL */
    bool is_uint;  /* JSON_NUMBER: written as an integer from 0 to 2^64-1, which `uint` is */
    uint64_t uint;
    double number;    /* JSON_NUMBER; an infinity if it is too large for a double */
    const char *text; /* JSON_STRING: UTF-8, ends with NUL and may hold others */
    size_t count;     /* JSON_STRING: its bytes; JSON_ARRAY, JSON_OBJECT: its items */
    const struct barrow_json_value *first; /* JSON_ARRAY, JSON_OBJECT: its first item, or NULL */
    const struct barrow_json_value *next;  /* the next item of the array or object it is in */
    const char *key;                       /* in an object; ends with NUL */
    size_t key_count;
};

struct barrow_json_document {
    struct barrow_arena arena;
    const struct barrow_json_value *root;
};

/* Reads a file; errors name it.  After a failure there is nothing to free. */
int barrow_json_read(struct barrow_json_document *document, const char *path,
                     struct barrow_error *err);
/* The same from memory; `name` stands for the path. */
int barrow_json_parse(struct barrow_json_document *document, const char *bytes, size_t count,
                      const char *name, struct barrow_error *err);
void barrow_json_free(struct barrow_json_document *document);

/* An object's value; NULL: there is none, or `object` is NULL or no object. */
const struct barrow_json_value *barrow_json_get(const struct barrow_json_value *object,
                                                const char *key);

/* "object", "string", ... for errors. */
const char *barrow_json_kind_name(enum barrow_json_kind kind);

#endif
