/* Writes JSON to a stdio stream as it comes: nothing is kept but the nesting.
 *
 *     struct barrow_json json;
 *     barrow_json_init(&json, stdout, 2);
 *     barrow_json_begin_object(&json);
 *     barrow_json_key(&json, "bytes");
 *     barrow_json_uint(&json, 312);
 *     barrow_json_end_object(&json);            // newline after the outermost value
 *
 * The output is valid JSON whatever the strings hold: control characters are escaped, lone
 * surrogates (UTF-8 with surrogatepass, as Python writes file names) become \udXXX, bytes that are no
 * UTF-8 become U+FFFD.  Numbers that JSON lacks (NaN, infinities) become null.  Independent of the
 * locale.  The stream is not locked: it must be one thread's.  Write errors stay in it: check ferror()
 * at the end.  At most 64 levels.
 */
#ifndef BARROW_BASE_JSON_H
#define BARROW_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct barrow_json {
    FILE *to;
    int indent;      /* spaces a level; 0: all in one line */
    int depth;
    uint64_t filled; /* bit d: the container at depth d has an item */
    bool after_key;
};

void barrow_json_init(struct barrow_json *json, FILE *to, int indent);

void barrow_json_begin_object(struct barrow_json *json);
void barrow_json_end_object(struct barrow_json *json);
void barrow_json_begin_array(struct barrow_json *json);
void barrow_json_end_array(struct barrow_json *json);
void barrow_json_key(struct barrow_json *json, const char *key);

void barrow_json_string(struct barrow_json *json, const char *text); /* NULL: null */
void barrow_json_bytes(struct barrow_json *json, const char *text, size_t count);
void barrow_json_uint(struct barrow_json *json, uint64_t value);
void barrow_json_int(struct barrow_json *json, int64_t value);
void barrow_json_bool(struct barrow_json *json, bool value);
void barrow_json_null(struct barrow_json *json);
void barrow_json_double(struct barrow_json *json, double value);
/* Nanoseconds as seconds, exactly: 1500000000 is 1.5. */
void barrow_json_seconds(struct barrow_json *json, uint64_t ns);

/* Only the quoted, escaped text: for writers of formats that embed JSON strings. */
void barrow_json_quote(FILE *to, const char *text, size_t count);

#endif
