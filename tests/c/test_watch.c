/* watch/config.h: what a configuration may hold, and the words for what it may not. watch/census.h:
 * the text of a log record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "watch/census.h"
#include "watch/config.h"

#define SECTION "general:\n  monitoring:\n    memory_profiling:\n"

static void parse(struct barrow_watch_config *config, const char *text)
{
    struct barrow_error err = {0};
    size_t count = strlen(text);
    char *copy = malloc(count + 1); /* of the exact size: reading beyond it is found */
    memcpy(copy, text, count);
    int rc = barrow_watch_config_parse(config, copy, count, "app.yaml", &err);
    free(copy);
    if (err.code == BARROW_E_UNSUPPORTED)
        skip(); /* built without libyaml */
    if (rc < 0)
        fail_msg("%s: %s", text, err.text);
}

static void refused(const char *text, const char *words)
{
    struct barrow_watch_config config;
    struct barrow_error err = {0};
    int rc = barrow_watch_config_parse(&config, text, strlen(text), "app.yaml", &err);
    if (err.code == BARROW_E_UNSUPPORTED)
        skip();
    if (rc == 0)
        fail_msg("accepted: %s", text);
    assert_int_equal(err.code, BARROW_E_USAGE);
    assert_string_equal(err.text, words);
}

static void test_defaults(void **state)
{
    static const char *const texts[] = {
        "",           "# nothing\n",
        "general:\n", "general: {monitoring: 5}\n",
        "[1, 2]\n",   "other: {memory_profiling: {enabled: true}}\n",
        SECTION,      SECTION "      {}\n",
    };
    struct barrow_watch_config config;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        parse(&config, texts[i]);
        assert_false(config.enabled);
        assert_false(config.is_all);
        assert_int_equal(config.interval_seconds, 60);
        assert_int_equal(config.top_n_classes, 50);
        assert_string_equal(config.ledger, "");
    }
}

static void test_values(void **state)
{
    struct barrow_watch_config config;
    (void)state;
    parse(&config, "server: {port: 80}\n" SECTION "      enabled: true\n"
                   "      interval_seconds: 10\n      top_n_classes: 1\n      scope: all\n"
                   "      ledger: 'app of today.barrow'\n    other: {enabled: 7}\n");
    assert_true(config.enabled);
    assert_true(config.is_all);
    assert_int_equal(config.interval_seconds, 10);
    assert_int_equal(config.top_n_classes, 1);
    assert_string_equal(config.ledger, "app of today.barrow");
    parse(&config, SECTION "      scope: tracked\n");
    assert_false(config.is_all);
}

/* YAML 1.1, as PyYAML reads it. */
static void test_integers(void **state)
{
    static const struct {
        const char *text;
        unsigned seconds;
    } good[] = {
        {"60", 60},  {"+60", 60},  {"1_000", 1000},   {"0x3c", 60},     {"0b111100", 60},
        {"074", 60}, {"1:30", 90}, {"1:00:05", 3605}, {"!!int 60", 60}, {"2147483647", 2147483647}};
    static const char *const bad[] = {
        "60.0", "6e1",     "060.5",      "\"60\"",
        "'60'", "sixty",   "08",         "1:60",
        "0x",   "yes",     ".inf",       "~",
        "-60",  "9",       "2147483648", "99999999999999999999999999999999",
        "[60]", "{a: 60}", "-0x3c"};
    struct barrow_watch_config config;
    struct barrow_error err;
    char text[200];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(text, sizeof text, SECTION "      interval_seconds: %s\n", good[i].text);
        parse(&config, text);
        assert_int_equal(config.interval_seconds, good[i].seconds);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(text, sizeof text, SECTION "      interval_seconds: %s\n", bad[i]);
        if (barrow_watch_config_parse(&config, text, strlen(text), "app.yaml", &err) == 0)
            fail_msg("accepted: %s", bad[i]);
        assert_non_null(strstr(err.text, "app.yaml:4: interval_seconds: "));
        assert_non_null(strstr(err.text, ": allowed are integers from 10"));
    }
}

static void test_errors(void **state)
{
    (void)state;
    refused(SECTION "      enabled: true\n      interval_seconds: 5\n",
            "app.yaml:5: interval_seconds: 5 is too small: allowed are integers from 10");
    refused(SECTION "      interval_seconds: true\n",
            "app.yaml:4: interval_seconds: true is a boolean: allowed are integers from 10");
    refused(SECTION "      interval_seconds: \"60\"\n",
            "app.yaml:4: interval_seconds: \"60\" is a text: allowed are integers from 10");
    refused(SECTION "      interval_seconds: 60.5\n",
            "app.yaml:4: interval_seconds: 60.5 is no integer: allowed are integers from 10");
    refused(SECTION "      interval_seconds:\n",
            "app.yaml:4: interval_seconds: this is nothing: allowed are integers from 10");
    refused(SECTION "      top_n_classes: 0\n",
            "app.yaml:4: top_n_classes: 0 is too small: allowed are integers from 1");
    refused(SECTION "      enabled: 1\n",
            "app.yaml:4: enabled: 1 is an integer: allowed are true and false");
    refused(SECTION "      enabled: [true]\n",
            "app.yaml:4: enabled: this is a list: allowed are true and false");
    refused(SECTION "      scope: everything\n",
            "app.yaml:4: scope: \"everything\" is no scope: allowed are tracked and all");
    refused(SECTION "      ledger: ''\n",
            "app.yaml:4: ledger: \"\" is empty: allowed is the path of a file to write");
    refused(SECTION "      intervall_seconds: 60\n",
            "app.yaml:4: intervall_seconds: there is no such key: allowed are enabled, "
            "interval_seconds, top_n_classes, scope, ledger");
    refused(SECTION "      ? [a]\n      : 1\n",
            "app.yaml:4: (this key): there is no such key: allowed are enabled, "
            "interval_seconds, top_n_classes, scope, ledger");
    refused(SECTION "      enabled: true\n      enabled: false\n",
            "app.yaml:5: enabled: this key is there twice");
    refused("general:\n  monitoring:\n    memory_profiling: true\n",
            "app.yaml:3: memory_profiling: this is a boolean: allowed is a mapping with the keys "
            "enabled, interval_seconds, top_n_classes, scope, ledger");
    refused("a: 1\nb: [\n",
            "app.yaml:3: this is no valid YAML: did not find expected node content");
}

/* Long and odd texts: one line, cut between characters. */
static void test_odd_texts(void **state)
{
    struct barrow_watch_config config;
    struct barrow_error err;
    char text[400] = SECTION "      \"a\\n\\x1b[1m";
    (void)state;
    for (int i = 0; i < 80; i++)
        strcat(text, "\u00e9");
    strcat(text, "\": 1\n");
    if (barrow_watch_config_parse(&config, text, strlen(text), "app.yaml", &err) == 0)
        fail_msg("accepted");
    if (err.code == BARROW_E_UNSUPPORTED)
        skip();
    assert_null(strpbrk(err.text, "\n\x1b"));
    assert_non_null(strstr(err.text, "app.yaml:4: a??[1m\u00e9\u00e9"));
    assert_non_null(strstr(err.text, "\u00e9...: there is no such key"));
}

static void test_merges(void **state)
{
    struct barrow_watch_config config;
    (void)state;
    parse(&config, "defaults: &base {interval_seconds: 30, top_n_classes: 7}\n"
                   "more: &more {<<: *base, scope: all, top_n_classes: 9}\n" SECTION
                   "      enabled: true\n      <<: [*base, *more]\n      interval_seconds: 20\n");
    assert_true(config.enabled && config.is_all);
    assert_int_equal(config.interval_seconds, 20);
    assert_int_equal(config.top_n_classes, 7);
    parse(&config, "x: &m {monitoring: {memory_profiling: {enabled: true}}}\ngeneral: {<<: *m}\n");
    assert_true(config.enabled);
    refused("defaults: &base\n  intervall: 30\n" SECTION "      <<: *base\n",
            "app.yaml:2: intervall: there is no such key: allowed are enabled, interval_seconds, "
            "top_n_classes, scope, ledger");
}

/* Mappings that name each other many times end in an error, soon. */
static void test_merges_without_end(void **state)
{
    struct barrow_watch_config config;
    struct barrow_error err;
    char text[4000] = "a0: &a0 {enabled: true}\n", line[200];
    (void)state;
    for (int i = 1; i < 16; i++) {
        snprintf(line, sizeof line, "a%d: &a%d {<<: [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d]}\n", i, i,
                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
        strcat(text, line);
    }
    strcat(text, SECTION "      <<: *a15\n");
    int rc = barrow_watch_config_parse(&config, text, strlen(text), "app.yaml", &err);
    if (rc < 0 && err.code == BARROW_E_UNSUPPORTED)
        skip();
    assert_int_equal(rc, -1);
    assert_non_null(strstr(err.text, "too much is merged in here"));
}

static void test_set(void **state)
{
    struct barrow_watch_config config;
    struct barrow_error err;
    struct barrow_watch_value value = {BARROW_WATCH_INTEGER, 3, "3"};
    (void)state;
    barrow_watch_config_init(&config);
    assert_int_equal(barrow_watch_config_set(&config, BARROW_WATCH_SECTION ".", "interval_seconds",
                                             &value, &err),
                     -1);
    assert_string_equal(err.text, "general.monitoring.memory_profiling.interval_seconds: 3 is too "
                                  "small: allowed are integers from 10");
}

/* ---- the text ---- */

static struct barrow_watch_census census_of(const struct ledger_census_class *classes, size_t count)
{
    struct barrow_watch_census census = {.count = count};
    census.classes = malloc((count + 1) * sizeof *classes);
    memcpy(census.classes, classes, count * sizeof *classes);
    return census;
}

static void test_text(void **state)
{
    static const struct ledger_census_class classes[] = {
        {"shop.cart.Item", 14, 12345, 1887437},
        {"dict", 4, 5678, 47395635},
        {"a.Tie", 5, 7, 0},
        {"b.Tie", 5, 7, 0},
        {"shop.cart.Item", 14, 1, 0},
        {"list", 4, 1, 262144},
        {"tuple", 5, 1, 786432},
    };
    struct barrow_watch_census census = census_of(classes, 7);
    (void)state;
    barrow_watch_census_merge(&census);
    assert_int_equal(census.count, 6);
    char *text = barrow_watch_text(&census, 5);
    assert_string_equal(text, "Memory Snapshot\n"
                              "\n"
                              "Top 5 by object count:\n"
                              "  shop.cart.Item: 12,346 objects\n"
                              "  dict: 5,678 objects\n"
                              "  a.Tie: 7 objects\n"
                              "  b.Tie: 7 objects\n"
                              "  tuple: 1 objects\n"
                              "\n"
                              "Top 5 by memory usage:\n"
                              "  dict: 45.2 MB\n"
                              "  shop.cart.Item: 1.8 MB\n"
                              "  tuple: 0.8 MB\n"
                              "  list: 0.2 MB\n"
                              "  a.Tie: 0.0 MB");
    free(text);
    barrow_watch_census_free(&census);
    text = barrow_watch_text(&census, 50);
    assert_string_equal(text,
                        "Memory Snapshot\n\nTop 50 by object count:\n\nTop 50 by memory usage:");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_odd_texts),
        cmocka_unit_test(test_merges),
        cmocka_unit_test(test_merges_without_end),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
