/* One key and its value: most of what JSON is written by. */
#ifndef BARROW_TABLE_KEYS_H
#define BARROW_TABLE_KEYS_H

#include "base/json.h"

static inline void barrow_put_text(struct barrow_json *json, const char *key, const char *value)
{
    barrow_json_key(json, key);
    barrow_json_string(json, value);
}

static inline void barrow_put_number(struct barrow_json *json, const char *key, uint64_t value)
{
    barrow_json_key(json, key);
    barrow_json_uint(json, value);
}

static inline void barrow_put_seconds(struct barrow_json *json, const char *key, uint64_t ns)
{
    barrow_json_key(json, key);
    barrow_json_seconds(json, ns);
}

static inline void barrow_put_flag(struct barrow_json *json, const char *key, bool value)
{
    barrow_json_key(json, key);
    barrow_json_bool(json, value);
}

#endif
