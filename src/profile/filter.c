#include "profile/filter.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *barrow_filter_help(void)
{
    return "EXPR is one or more conditions joined by commas; all of them must hold.\n"
           "  KEY=GLOB      the value matches   (* any text, ? one character, [abc] one of these)\n"
           "  KEY!=GLOB     it does not\n"
           "KEY is file, function, module or line of the innermost frame, or domain (obj, mem,\n"
           "malloc, mmap), thread (the name, digits at its end as *) or process (its pid).\n"
           "any.file, any.function, any.module and any.line look at all frames of the stack.\n"
           "A file's glob without a slash is also tried on the file's name alone. A comma that\n"
           "belongs to a glob is written \\,.\n"
           "Example: --filter 'any.module=app.*,file!=*/site-packages/*,domain=malloc'\n";
}

/* X(NAME, word, belongs to frames) */
#define KEYS(X)                   \
    X(FILE, "file", true)         \
    X(FUNCTION, "function", true) \
    X(MODULE, "module", true)     \
    X(LINE, "line", true)         \
    X(DOMAIN, "domain", false)    \
    X(THREAD, "thread", false)    \
    X(PROCESS, "process", false)
enum key {
#define X(name, word, of_frame) KEY_##name,
    KEYS(X)
#undef X
        KEY_COUNT
};
static const struct {
    const char *word;
    bool of_frame;
} keys[] = {
#define X(name, word, of_frame) {word, of_frame},
    KEYS(X)
#undef X
};

struct condition {
    enum key key;
    bool any, negated;
    char *glob;
};

/* ---- text -> condition ---- */

/* The end of the condition that begins at `text`: a comma without a backslash, or the end. */
static const char *condition_end(const char *text)
{
    while (*text && *text != ',')
        text += text[0] == '\\' && text[1] ? 2 : 1;
    return text;
}

/* Parses [text, end); `glob` is to be freed. */
static int parse(struct condition *condition, const char *text, const char *end,
                 struct barrow_error *err)
{
    const char *equals = memchr(text, '=', (size_t)(end - text));
    const char *word = text;
    if (!equals)
        return barrow_fail(err, BARROW_E_USAGE,
                           "filter: '%.*s' has no '='; conditions look like file=*/app.py",
                           (int)(end - text), text);
    *condition =
        (struct condition){.negated = equals > text && equals[-1] == '!', .key = KEY_COUNT};
    const char *word_end = equals - condition->negated;
    if (word_end - word > 4 && strncmp(word, "any.", 4) == 0) {
        condition->any = true;
        word += 4;
    }
    for (enum key key = 0; key < KEY_COUNT; key++)
        if (strlen(keys[key].word) == (size_t)(word_end - word) &&
            strncmp(word, keys[key].word, (size_t)(word_end - word)) == 0 &&
            (keys[key].of_frame || !condition->any))
            condition->key = key;
    if (condition->key == KEY_COUNT)
        return barrow_fail(err, BARROW_E_USAGE,
                           "filter: no key '%.*s'; there are file, function, module, line (each "
                           "also as any.…), domain, thread, process",
                           (int)(word_end - text), text);
    condition->glob = strndup(equals + 1, (size_t)(end - equals - 1));
    if (!condition->glob)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the filter");
    return 0;
}

/* ---- condition -> what it lets in ---- */

static bool matches(const struct condition *condition, const char *text)
{
    return fnmatch(condition->glob, text, 0) == 0;
}

static bool frame_matches(const struct condition *condition, const struct barrow_frame *frame)
{
    char line[16];
    switch (condition->key) {
    case KEY_FILE: {
        const char *slash = strrchr(frame->file, '/');
        return matches(condition, frame->file) ||
               (slash && !strchr(condition->glob, '/') && matches(condition, slash + 1));
    }
    case KEY_FUNCTION:
        return matches(condition, frame->function);
    case KEY_MODULE:
        return matches(condition, frame->module);
    default:
        snprintf(line, sizeof line, "%" PRIu32, frame->line);
        return matches(condition, line);
    }
}

/* Each frame is matched once, however many nodes it has. */
static bool apply_to_frames(struct profile_filter *filter, const struct barrow_profile *profile,
                            const struct condition *condition)
{
    bool *frames = malloc(profile->frame_count);
    bool *found = malloc(profile->node_count);
    bool ok = frames && found;
    for (size_t i = 0; ok && i < profile->frame_count; i++)
        frames[i] = frame_matches(condition, &profile->frames[i]);
    for (size_t i = 0; ok && i < profile->node_count; i++) {
        const struct barrow_node *node = &profile->nodes[i];
        bool is_root = i == 0 || node->is_thread;
        /* With `any`, the stack without frames matches nothing. */
        found[i] = is_root ? !condition->any && frames[0] : frames[node->frame];
        if (condition->any && !is_root)
            found[i] = found[i] || found[node->parent];
    }
    for (size_t i = 0; ok && i < profile->node_count; i++)
        if (found[i] == condition->negated)
            filter->nodes[i] = false;
    free(frames);
    free(found);
    return ok;
}

uint32_t *profile_threads_of_nodes(const struct barrow_profile *profile)
{
    uint32_t *threads = malloc(profile->node_count * sizeof *threads);
    for (size_t i = 0; threads && i < profile->node_count; i++)
        threads[i] = profile->nodes[i].is_thread ? (uint32_t)i
                     : i == 0                    ? 0
                                                 : threads[profile->nodes[i].parent];
    return threads;
}

static bool apply_to_threads(struct profile_filter *filter, const struct barrow_profile *profile,
                             const struct condition *condition)
{
    uint32_t *threads = profile_threads_of_nodes(profile);
    bool *found = malloc(profile->node_count);
    bool ok = threads && found;
    for (size_t i = 0; ok && i < profile->node_count; i++) {
        const struct barrow_node *node = &profile->nodes[i];
        if (threads[i] == i)
            found[i] = matches(condition, i ? profile->frames[node->frame].function : "");
        else
            found[i] = found[threads[i]];
        if (found[i] == condition->negated)
            filter->nodes[i] = false;
    }
    free(threads);
    free(found);
    return ok;
}

static bool apply(struct profile_filter *filter, const struct barrow_profile *profile,
                  const struct condition *condition)
{
    static const char *const domains[] = {
#define X(number, name, text) [number] = text,
        LEDGER_DOMAINS(X)
#undef X
    };
    if (keys[condition->key].of_frame)
        return apply_to_frames(filter, profile, condition);
    if (condition->key == KEY_THREAD)
        return apply_to_threads(filter, profile, condition);
    if (condition->key == KEY_DOMAIN)
        for (int i = 0; i < LEDGER_DOMAIN_COUNT; i++)
            if (matches(condition, domains[i]) == condition->negated)
                filter->domains[i] = false;
    if (condition->key == KEY_PROCESS)
        for (size_t i = 0; i < profile->process_count; i++) {
            char pid[16];
            snprintf(pid, sizeof pid, "%" PRIu32, profile->processes[i].pid);
            if (matches(condition, pid) == condition->negated)
                filter->processes[i] = false;
        }
    return true;
}

int profile_filter_init(struct profile_filter *filter, const struct barrow_profile *profile,
                        const char *text, struct barrow_error *err)
{
    *filter = (struct profile_filter){.nodes = malloc(profile->node_count),
                                      .processes = malloc(profile->process_count)};
    if (!filter->nodes || !filter->processes) {
        profile_filter_free(filter);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the filter");
    }
    memset(filter->nodes, true, profile->node_count);
    memset(filter->processes, true, profile->process_count);
    memset(filter->domains, true, sizeof filter->domains);

    int result = 0;
    while (result == 0 && text && *text) {
        struct condition condition = {0};
        const char *end = condition_end(text);
        result = parse(&condition, text, end, err);
        if (result == 0) {
            if (!apply(filter, profile, &condition))
                result = barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for the filter");
            free(condition.glob);
        }
        text = *end ? end + 1 : end;
    }
    if (result < 0)
        profile_filter_free(filter);
    return result;
}

void profile_filter_free(struct profile_filter *filter)
{
    free(filter->nodes);
    free(filter->processes);
    *filter = (struct profile_filter){0};
}
