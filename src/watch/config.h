/* How a service asks to be watched: the section of its own YAML file that is barrow's.
 *
 *     general:
 *       monitoring:
 *         memory_profiling:
 *           enabled: true
 *           interval_seconds: 60
 *
 * Everything outside that section is the service's and is not looked at; inside it everything must be
 * known and right: a mistyped key would otherwise be found when its effect is missed.
 *
 * Errors are BARROW_E_USAGE, one line that begins with where: "app.yaml:7: interval_seconds: 5 is too
 * small: allowed are integers from 10".  The text is valid UTF-8 if the file's name is.
 */
#ifndef BARROW_WATCH_CONFIG_H
#define BARROW_WATCH_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define BARROW_WATCH_SECTION "general.monitoring.memory_profiling"

/* X(key, kind of value, least value, what is allowed) */
#define BARROW_WATCH_KEYS(X)                                            \
    X(enabled, BOOLEAN, 0, "true and false")                            \
    X(interval_seconds, INTEGER, 10, "integers from 10")                \
    X(top_n_classes, INTEGER, 1, "integers from 1")                     \
    X(scope, TEXT, 0, "tracked and all")                                \
    X(ledger, TEXT, 0, "the path of a file to write")
enum barrow_watch_key {
#define X(key, kind, least, allowed) BARROW_WATCH_KEY_##key,
    BARROW_WATCH_KEYS(X)
#undef X
    BARROW_WATCH_KEY_COUNT
};
#define BARROW_WATCH_LARGEST 2147483647 /* of any integer */

struct barrow_watch_config {
    bool enabled;
    bool is_all;               /* scope: every object, not only what the collector tracks */
    uint32_t interval_seconds;
    uint32_t top_n_classes;
    char ledger[1024];         /* "": none */
};

/* X(NAME, what a value of that kind is) */
#define BARROW_WATCH_KINDS(X)     \
    X(NOTHING, "nothing")         \
    X(BOOLEAN, "a boolean")       \
    X(INTEGER, "an integer")      \
    X(REAL, "no integer")         \
    X(TEXT, "a text")             \
    X(LIST, "a list")             \
    X(MAPPING, "a mapping")       \
    X(OTHER, "of another type")
enum barrow_watch_kind {
#define X(name, words) BARROW_WATCH_##name,
    BARROW_WATCH_KINDS(X)
#undef X
};

struct barrow_watch_value {
    enum barrow_watch_kind kind;
    int64_t number;   /* of integers (saturated) and booleans */
    const char *text; /* as written; NULL: not told in errors */
};

/* enabled: false, interval_seconds: 60, top_n_classes: 50, scope: tracked. */
void barrow_watch_config_init(struct barrow_watch_config *config);

/* Checks a value and sets it.  `where` stands before the key in errors: "app.yaml:7: ", or
 * "general.monitoring.memory_profiling.". */
int barrow_watch_config_set(struct barrow_watch_config *config, const char *where, const char *key,
                            const struct barrow_watch_value *value, struct barrow_error *err);
/* The key of that name; -1, BARROW_E_USAGE: there is none. */
int barrow_watch_config_key(const char *where, const char *key, struct barrow_error *err);
/* The section itself is no mapping. */
int barrow_watch_config_no_mapping(const char *where, const struct barrow_watch_value *value,
                                   struct barrow_error *err);

/* Reads a YAML file (config_yaml.c).  BARROW_E_UNSUPPORTED: built without libyaml. */
int barrow_watch_config_load(struct barrow_watch_config *config, const char *path,
                             struct barrow_error *err);
/* The same from memory; `name` stands for the path. */
int barrow_watch_config_parse(struct barrow_watch_config *config, const void *bytes, size_t count,
                              const char *name, struct barrow_error *err);

#endif
