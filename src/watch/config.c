#include "watch/config.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_BYTES = 60 };

static const struct {
    const char *name;
    enum barrow_watch_kind kind;
    int64_t least;
    const char *allowed;
} keys[BARROW_WATCH_KEY_COUNT] = {
#define X(key, kind, least, allowed) {#key, BARROW_WATCH_##kind, least, allowed},
    BARROW_WATCH_KEYS(X)
#undef X
};

static const char *const kind_words[] = {
#define X(name, words) words,
    BARROW_WATCH_KINDS(X)
#undef X
};

void barrow_watch_config_init(struct barrow_watch_config *config)
{
    *config = (struct barrow_watch_config){.interval_seconds = 60, .top_n_classes = 50};
}

/* ---- errors ---- */

/* What stands in the file, fit for one line: cut between characters, nothing unprintable. */
static const char *shown(char out[SHOWN_BYTES + 4], const char *text)
{
    size_t count = strlen(text), n = count;
    if (count > SHOWN_BYTES) {
        n = SHOWN_BYTES;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
    }
    memcpy(out, text, n);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
            out[i] = '?';
    strcpy(out + n, n < count ? "..." : "");
    return out;
}

static const char *all_keys(char out[256])
{
    size_t used = 0;
    for (size_t i = 0; i < BARROW_WATCH_KEY_COUNT; i++)
        used += (size_t)snprintf(out + used, 256 - used, "%s%s", i ? ", " : "", keys[i].name);
    return out;
}

int barrow_watch_config_key(const char *where, const char *key, struct barrow_error *err)
{
    char name[SHOWN_BYTES + 4], all[256];
    for (int i = 0; i < BARROW_WATCH_KEY_COUNT; i++)
        if (strcmp(keys[i].name, key) == 0)
            return i;
    return barrow_fail(err, BARROW_E_USAGE, "%s%s: there is no such key: allowed are %s", where,
                       shown(name, key), all_keys(all));
}

int barrow_watch_config_no_mapping(const char *where, const struct barrow_watch_value *value,
                                   struct barrow_error *err)
{
    char all[256];
    return barrow_fail(err, BARROW_E_USAGE,
                       "%smemory_profiling: this is %s: allowed is a mapping with the keys %s",
                       where, kind_words[value->kind], all_keys(all));
}

/* "app.yaml:7: interval_seconds: 5 is too small: allowed are integers from 10" */
static int refuse(const char *where, int key, const struct barrow_watch_value *value,
                  const char *is_what, struct barrow_error *err)
{
    char text[SHOWN_BYTES + 4];
    const char *quote = value->kind == BARROW_WATCH_TEXT ? "\"" : "";
    bool has_text = value->text && value->kind != BARROW_WATCH_NOTHING;
    return barrow_fail(err, BARROW_E_USAGE, "%s%s: %s%s%s is %s: allowed %s %s", where,
                       keys[key].name, quote, has_text ? shown(text, value->text) : "this", quote,
                       is_what, key == BARROW_WATCH_KEY_ledger ? "is" : "are", keys[key].allowed);
}

/* ---- values ---- */

static int set_scope(struct barrow_watch_config *config, const char *where,
                     const struct barrow_watch_value *value, struct barrow_error *err)
{
    config->is_all = strcmp(value->text, "all") == 0;
    if (!config->is_all && strcmp(value->text, "tracked") != 0)
        return refuse(where, BARROW_WATCH_KEY_scope, value, "no scope", err);
    return 0;
}

static int set_ledger(struct barrow_watch_config *config, const char *where,
                      const struct barrow_watch_value *value, struct barrow_error *err)
{
    size_t count = strlen(value->text);
    if (count == 0 || count >= sizeof config->ledger)
        return refuse(where, BARROW_WATCH_KEY_ledger, value, count ? "too long" : "empty", err);
    memcpy(config->ledger, value->text, count + 1);
    return 0;
}

int barrow_watch_config_set(struct barrow_watch_config *config, const char *where, const char *key,
                            const struct barrow_watch_value *value, struct barrow_error *err)
{
    int k = barrow_watch_config_key(where, key, err);
    if (k < 0)
        return -1;
    if (value->kind != keys[k].kind)
        return refuse(where, k, value, kind_words[value->kind], err);
    if (value->kind == BARROW_WATCH_INTEGER && value->number < keys[k].least)
        return refuse(where, k, value, "too small", err);
    if (value->kind == BARROW_WATCH_INTEGER && value->number > BARROW_WATCH_LARGEST)
        return refuse(where, k, value, "too large", err);
    switch ((enum barrow_watch_key)k) {
    case BARROW_WATCH_KEY_enabled:
        config->enabled = value->number != 0;
        return 0;
    case BARROW_WATCH_KEY_interval_seconds:
        config->interval_seconds = (uint32_t)value->number;
        return 0;
    case BARROW_WATCH_KEY_top_n_classes:
        config->top_n_classes = (uint32_t)value->number;
        return 0;
    case BARROW_WATCH_KEY_scope:
        return set_scope(config, where, value, err);
    case BARROW_WATCH_KEY_ledger:
        return set_ledger(config, where, value, err);
    case BARROW_WATCH_KEY_COUNT:
        break;
    }
    return 0;
}
