/* Any bytes as JSON: what is read is walked, and looked up, to the last value. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const struct barrow_json_value *value, int level)
{
    size_t items = 0, values = 1;
    if (level > 64 || value->line == 0)
        abort();
    if (value->kind == JSON_STRING && value->text[value->count] != '\0')
        abort();
    for (const struct barrow_json_value *v = value->first; v; v = v->next) {
        if (value->kind == JSON_OBJECT && v->key[v->key_count] != '\0')
            abort();
        values += walk(v, level + 1);
        items++;
    }
    if (value->kind >= JSON_ARRAY && items != value->count)
        abort();
    if (value->kind == JSON_OBJECT && value->first &&
        strlen(value->first->key) == value->first->key_count &&
        !barrow_json_get(value, value->first->key))
        abort();
    return values;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct barrow_json_document document;
    struct barrow_error err = {0};
    if (barrow_json_parse(&document, (const char *)data, size, "input", &err) < 0) {
        if (!err.text[0] || strchr(err.text, '\n'))
            abort();
        return 0;
    }
    if (walk(document.root, 0) > size)
        abort();
    barrow_json_free(&document);
    return 0;
}
