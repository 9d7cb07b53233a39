/* pprof: the protocol buffer of `go tool pprof` (package perftools.profiles, message Profile),
 * gzip'ed.
 *
 * A sample a site: the stack, leaf first, and a value for each of Go's four heap types in Go's
 * order, by which viewers know a heap profile, and behind them what lived at the peak.  Fields may
 * come in any order, so samples are written as they are met, then the locations and functions they
 * refer to, the string table last.
 *
 *     location id = frame index + 1, frame_count + 1: frames left out    function id = order of
 * first use
 *
 * Function.system_name stays empty: with it, viewers demangle `<module>` as if it were C++.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/map.h"
#include "export/export.h"
#include "export/gzip.h"
#include "export/text.h"
#include "table/stack.h"
#include "table/summary.h"

/* Field numbers. */
enum {
    PROFILE_SAMPLE_TYPE = 1,
    PROFILE_SAMPLE = 2,
    PROFILE_MAPPING = 3,
    PROFILE_LOCATION = 4,
    PROFILE_FUNCTION = 5,
    PROFILE_STRING = 6,
    PROFILE_TIME_NANOS = 9,
    PROFILE_DURATION_NANOS = 10,
    PROFILE_PERIOD_TYPE = 11,
    PROFILE_PERIOD = 12,
    PROFILE_COMMENT = 13,
    PROFILE_DEFAULT_SAMPLE_TYPE = 14,
    TYPE_TYPE = 1,
    TYPE_UNIT = 2,
    SAMPLE_LOCATIONS = 1,
    SAMPLE_VALUES = 2,
    SAMPLE_LABEL = 3,
    LABEL_KEY = 1,
    LABEL_TEXT = 2,
    LABEL_NUMBER = 3,
    LABEL_UNIT = 4,
    MAPPING_ID = 1,
    MAPPING_FILE = 5,
    MAPPING_HAS_FUNCTIONS = 7,
    MAPPING_HAS_FILES = 8,
    MAPPING_HAS_LINES = 9,
    LOCATION_ID = 1,
    LOCATION_MAPPING = 2,
    LOCATION_LINE = 4,
    LINE_FUNCTION = 1,
    LINE_LINE = 2,
    FUNCTION_ID = 1,
    FUNCTION_NAME = 2,
    FUNCTION_FILE = 4,
    FUNCTION_START_LINE = 5,
};
enum { GZIP_LEVEL = 2, THE_MAPPING = 1 };

struct function {
    const char *name, *file;
    uint32_t first_line;
};

struct writer {
    const struct barrow_profile *profile;
    struct barrow_gzip *gzip;
    bool failed; /* no memory */

    BARROW_ARRAY(const char *) strings; /* [0]: "" */
    struct barrow_map string_map;
    BARROW_ARRAY(struct function) functions; /* [i]: id i + 1 */
    struct barrow_map function_map;
    bool *used;        /* by location id */
    uint32_t *threads; /* by stack node: the frame that bears the name of its thread group */

    struct barrow_buffer message, inner; /* of the field that is being written */
};

/* ---- protocol buffers ---- */

enum { VARINT_ROOM = 10 };

/* Returns the end of what was written. */
static char *varint(char *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *to++ = (char)(value | 0x80);
    *to++ = (char)value;
    return to;
}

static void put_varint(struct barrow_buffer *to, uint64_t value)
{
    char *at = barrow_buffer_room(to, VARINT_ROOM);

    if (at)
        to->used += (size_t)(varint(at, value) - at);
}

/* Zero is what a field has that is left out. */
static void put_number(struct barrow_buffer *to, int field, uint64_t value)
{
    if (!value)
        return;
    put_varint(to, (uint64_t)field << 3);
    put_varint(to, value < INT64_MAX ? value : INT64_MAX);
}

static void put_bytes(struct barrow_buffer *to, int field, const char *bytes, size_t count)
{
    put_varint(to, (uint64_t)field << 3 | 2);
    put_varint(to, count);
    barrow_buffer_add(to, bytes, count);
}

/* `inner` as a field of `message`. */
static void put_inner(struct writer *w, int field)
{
    put_bytes(&w->message, field, w->inner.bytes, w->inner.used);
    w->failed |= w->inner.failed;
    w->inner.used = 0;
}

/* Bytes as a field of the profile. */
static void write_bytes(struct writer *w, int field, const char *bytes, size_t count)
{
    char head[2 * VARINT_ROOM], *end = varint(varint(head, (uint64_t)field << 3 | 2), count);

    barrow_gzip_write(w->gzip, head, (size_t)(end - head));
    barrow_gzip_write(w->gzip, bytes, count);
}

/* `message` as a field of the profile. */
static void write_message(struct writer *w, int field)
{
    write_bytes(w, field, w->message.bytes, w->message.used);
    w->failed |= w->message.failed;
    w->message.used = 0;
}

/* ---- strings and functions, each once ---- */

#define SAME_STRING(w, index, text) (strcmp((w)->strings.items[index], text) == 0)
BARROW_MAP_FIND(find_string, const struct writer *, const char *, SAME_STRING)

/* `text` must live until the strings are written. */
static uint64_t string(struct writer *w, const char *text)
{
    uint32_t hash = barrow_hash_bytes(text, strlen(text)), *index;

    if (!*text)
        return 0;
    if (!barrow_map_reserve(&w->string_map, 1)) {
        w->failed = true;
        return 0;
    }
    index = find_string(&w->string_map, w, text, hash);
    if (*index == 0) {
        uint32_t number = (uint32_t)w->strings.count;
        const char **added = barrow_array_add(&w->strings);
        if (!added) {
            w->failed = true;
            return 0;
        }
        *added = text;
        barrow_map_fill(&w->string_map, index, hash, number);
        return number;
    }
    return *index;
}

static bool same_function(const struct function *a, const struct function *b)
{
    /* A profile's names are equal only if their addresses are. */
    return a->name == b->name && a->file == b->file && a->first_line == b->first_line;
}
#define SAME_FUNCTION(w, id, f) same_function(&(w)->functions.items[(id)-1], f)
BARROW_MAP_FIND(find_function, const struct writer *, const struct function *, SAME_FUNCTION)

static uint64_t function(struct writer *w, const struct function *f)
{
    uint32_t hash = barrow_hash_2((uintptr_t)f->name + f->first_line, (uintptr_t)f->file), *id;

    if (!barrow_map_reserve(&w->function_map, 1)) {
        w->failed = true;
        return 0;
    }
    id = find_function(&w->function_map, w, f, hash);
    if (*id == 0) {
        struct function *added = barrow_array_add(&w->functions);
        if (!added) {
            w->failed = true;
            return 0;
        }
        *added = *f;
        barrow_map_fill(&w->function_map, id, hash, (uint32_t)w->functions.count);
        return w->functions.count;
    }
    return *id;
}

/* ---- the profile ---- */

/* In this order; metric and what of it. */
static const struct {
    const char *type, *unit;
    enum barrow_metric metric;
    bool is_bytes;
} types[] = {
    {"alloc_objects", "count", BARROW_METRIC_TOTAL, false},
    {"alloc_space", "bytes", BARROW_METRIC_TOTAL, true},
    {"inuse_objects", "count", BARROW_METRIC_LEAKED, false},
    {"inuse_space", "bytes", BARROW_METRIC_LEAKED, true},
    {"peak_space", "bytes", BARROW_METRIC_PEAK, true},
};
enum { TYPES = sizeof types / sizeof *types };
static const char default_type[] = "inuse_space";

static void put_type(struct writer *w, struct barrow_buffer *to, const char *type, const char *unit)
{
    put_number(to, TYPE_TYPE, string(w, type));
    put_number(to, TYPE_UNIT, string(w, unit));
}

static void write_head(struct writer *w)
{
    const struct barrow_profile *p = w->profile;
    struct barrow_buffer *message = &w->message;

    for (size_t i = 0; i < TYPES; i++) {
        put_type(w, message, types[i].type, types[i].unit);
        write_message(w, PROFILE_SAMPLE_TYPE);
    }
    /* Fields of the profile itself: written without a message around them. */
    put_number(message, PROFILE_TIME_NANOS, p->start_realtime_ns);
    put_number(message, PROFILE_DURATION_NANOS, p->duration_ns);
    put_type(w, &w->inner, "space", "bytes");
    put_inner(w, PROFILE_PERIOD_TYPE);
    put_number(message, PROFILE_PERIOD, 1); /* every byte is counted */
    put_number(message, PROFILE_COMMENT, string(w, p->command ? p->command : ""));
    put_number(message, PROFILE_COMMENT, string(w, "recorded by barrow " BARROW_VERSION));
    put_number(message, PROFILE_DEFAULT_SAMPLE_TYPE, string(w, default_type));
    barrow_gzip_write(w->gzip, message->bytes, message->used);
    message->used = 0;

    put_number(message, MAPPING_ID, THE_MAPPING);
    put_number(message, MAPPING_FILE, string(w, "python"));
    put_number(message, MAPPING_HAS_FUNCTIONS, 1);
    put_number(message, MAPPING_HAS_FILES, 1);
    put_number(message, MAPPING_HAS_LINES, 1);
    write_message(w, PROFILE_MAPPING);
}

static void put_label(struct writer *w, const char *key, uint64_t text, uint64_t bytes)
{
    put_number(&w->inner, LABEL_KEY, string(w, key));
    put_number(&w->inner, LABEL_TEXT, text);
    put_number(&w->inner, LABEL_NUMBER, bytes);
    put_number(&w->inner, LABEL_UNIT, bytes ? string(w, "bytes") : 0);
    put_inner(w, SAMPLE_LABEL);
}

static void put_location(struct writer *w, uint64_t id)
{
    w->used[id] = true;
    put_varint(&w->inner, id);
}

static void put_stack(struct writer *w, uint32_t leaf)
{
    const struct barrow_profile *p = w->profile;
    uint32_t node = barrow_stack_leaf(p, leaf);

    if (!node)
        put_location(w, 1);
    for (; node; node = barrow_stack_caller(p, node))
        put_location(w, p->nodes[node].is_folded ? p->frame_count + 1
                                                 : (uint64_t)p->nodes[node].frame + 1);
    put_inner(w, SAMPLE_LOCATIONS);
}

/* `pids`: string of each process' pid. */
static void write_sample(struct writer *w, const struct barrow_site *site, const uint64_t *pids)
{
    const struct barrow_profile *p = w->profile;
    const struct barrow_value *total = &site->value[BARROW_METRIC_TOTAL];
    uint64_t any = 0, values[TYPES];

    for (size_t i = 0; i < TYPES; i++) {
        const struct barrow_value *value = &site->value[types[i].metric];
        values[i] = types[i].is_bytes ? value->bytes : value->blocks;
        any |= values[i];
    }
    if (!any)
        return;
    put_stack(w, site->node);
    for (size_t i = 0; i < TYPES; i++)
        put_varint(&w->inner, values[i] < INT64_MAX ? values[i] : INT64_MAX);
    put_inner(w, SAMPLE_VALUES);
    const char *thread = p->frames[w->threads[site->node]].function;
    if (*thread)
        put_label(w, "thread", string(w, thread), 0);
    put_label(w, "domain", string(w, barrow_domain_name(site->domain)), 0);
    if (site->process < p->process_count)
        put_label(w, "process", pids[site->process], 0);
    if (total->blocks && total->bytes / total->blocks)
        put_label(w, "bytes", 0, total->bytes / total->blocks);
    write_message(w, PROFILE_SAMPLE);
}

static void write_location(struct writer *w, uint64_t id)
{
    const struct barrow_profile *p = w->profile;
    struct function f = {"<frames left out>", "", 0};
    uint32_t line = 0;

    if (id == 1) {
        f.name = "<no Python frame>";
    } else if (id <= p->frame_count) {
        const struct barrow_frame *frame = &p->frames[id - 1];
        f = (struct function){frame->function, frame->file, frame->first_line};
        line = frame->line;
    }
    put_number(&w->message, LOCATION_ID, id);
    put_number(&w->message, LOCATION_MAPPING, THE_MAPPING);
    put_number(&w->inner, LINE_FUNCTION, function(w, &f));
    put_number(&w->inner, LINE_LINE, line);
    put_inner(w, LOCATION_LINE);
    write_message(w, PROFILE_LOCATION);
}

static void write_functions(struct writer *w)
{
    for (size_t i = 0; i < w->functions.count; i++) {
        const struct function *f = &w->functions.items[i];
        put_number(&w->message, FUNCTION_ID, i + 1);
        put_number(&w->message, FUNCTION_NAME, string(w, f->name));
        put_number(&w->message, FUNCTION_FILE, string(w, f->file));
        put_number(&w->message, FUNCTION_START_LINE, f->first_line);
        write_message(w, PROFILE_FUNCTION);
    }
}

static void write_strings(struct writer *w)
{
    for (size_t i = 0; i < w->strings.count; i++) {
        char *copy;
        const char *text = barrow_export_utf8(w->strings.items[i], &copy);
        if (text)
            write_bytes(w, PROFILE_STRING, text, strlen(text));
        else
            w->failed = true;
        free(copy);
    }
}

/* Texts of the processes' pids and their numbers as strings. */
struct pids {
    char (*texts)[12];
    uint64_t *strings;
};

static bool name_pids(struct writer *w, struct pids *pids)
{
    size_t count = w->profile->process_count;

    pids->texts = calloc(count + 1, sizeof *pids->texts);
    pids->strings = calloc(count + 1, sizeof *pids->strings);
    if (!pids->texts || !pids->strings)
        return false;
    for (size_t i = 0; i < count; i++) {
        snprintf(pids->texts[i], sizeof pids->texts[i], "%" PRIu32, w->profile->processes[i].pid);
        pids->strings[i] = string(w, pids->texts[i]);
    }
    return true;
}

static bool name_threads(struct writer *w)
{
    const struct barrow_profile *p = w->profile;

    w->threads = calloc(p->node_count + 1, sizeof *w->threads);
    for (size_t i = 1; w->threads && i < p->node_count; i++) /* parents come first */
        w->threads[i] = p->nodes[i].is_thread ? p->nodes[i].frame : w->threads[p->nodes[i].parent];
    return w->threads;
}

static void write_profile(struct writer *w)
{
    const struct barrow_profile *p = w->profile;
    struct pids pids;
    const char **empty = barrow_array_add(&w->strings);

    w->used = calloc(p->frame_count + 2, sizeof *w->used);
    if (!name_pids(w, &pids) || !name_threads(w) || !w->used || !empty) {
        w->failed = true;
    } else {
        *empty = "";
        write_head(w);
        for (size_t i = 0; i < p->sites_count && !w->failed; i++)
            write_sample(w, &p->sites[i], pids.strings);
        for (size_t id = 1; id <= p->frame_count + 1 && !w->failed; id++)
            if (w->used[id])
                write_location(w, id);
        write_functions(w);
        write_strings(w);
    }
    free(pids.texts);
    free(pids.strings);
}

/* All metrics are written: viewers choose. */
int barrow_export_pprof(const struct barrow_profile *profile, enum barrow_metric metric, FILE *to,
                        struct barrow_error *err)
{
    struct writer w = {.profile = profile};

    (void)metric;
    w.gzip = barrow_gzip_open(barrow_gzip_to_stream, to, GZIP_LEVEL);
    if (w.gzip)
        write_profile(&w);
    else
        w.failed = true;
    barrow_gzip_close(w.gzip); /* write errors are in the stream */
    free(w.strings.items);
    free(w.functions.items);
    free(w.used);
    free(w.threads);
    barrow_map_free(&w.string_map);
    barrow_map_free(&w.function_map);
    barrow_buffer_free(&w.message);
    barrow_buffer_free(&w.inner);
    return w.failed ? barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory") : 0;
}
