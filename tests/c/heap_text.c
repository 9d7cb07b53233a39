/* The text of heap_maker.h. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "heap_maker.h"

enum { WORDS = 16 };

struct named {
    const char *name;
    uint32_t number;
};

struct text {
    struct heap_maker maker;
    BARROW_ARRAY(struct named) objects, types, roots;
    BARROW_ARRAY(struct barrow_heap *) heaps;
    BARROW_ARRAY(struct {
        char *words[WORDS];
        unsigned line;
        bool is_root;
    })
    edges; /* for when all objects are known */
    BARROW_ARRAY(struct {
        uint32_t type;
        const char *object;
    })
    classes;
    char *words[WORDS + 1];
    unsigned count;
    const char *why;
};

/* ---- words ---- */

/* Cuts a line into words, in place; returns behind the line. */
static char *split(struct text *text, char *at)
{
    text->count = 0;
    memset(text->words, 0, sizeof text->words);
    for (;;) {
        while (*at == ' ' || *at == '\t' || *at == '\r')
            at++;
        if (*at == '#')
            at += strcspn(at, "\n");
        if (*at == '\0' || *at == '\n')
            return *at ? (*at = '\0', at + 1) : at;
        char *word = at, *to = at;
        bool quoted = false;
        for (; *at && *at != '\n' && (quoted || !strchr(" \t\r", *at)); at++) {
            if (*at == '"')
                quoted = !quoted;
            else
                *to++ = *at;
        }
        char *next = *at == '\0' || *at == '\n' ? at : at + 1;
        char last = *at;
        *to = '\0';
        if (text->count < WORDS)
            text->words[text->count++] = word;
        if (last == '\0')
            return at;
        if (last == '\n')
            return at + 1;
        at = next;
    }
}

/* The value of the word KEY=..., or NULL. */
static const char *value_of(const struct text *text, const char *key)
{
    size_t length = strlen(key);
    for (unsigned i = 1; i < text->count; i++)
        if (strncmp(text->words[i], key, length) == 0 && text->words[i][length] == '=')
            return text->words[i] + length + 1;
    return NULL;
}

static uint64_t number_of(const struct text *text, const char *key)
{
    const char *value = value_of(text, key);
    return value ? strtoull(value, NULL, 0) : 0;
}

static const char *text_of(const struct text *text, const char *key)
{
    const char *value = value_of(text, key);
    return value ? value : "";
}

#define FIND(list, word, found)                                \
    do {                                                       \
        (found) = UINT32_MAX;                                  \
        for (size_t i_ = 0; (word) && i_ < (list).count; i_++) \
            if (strcmp((list).items[i_].name, (word)) == 0)    \
                (found) = (list).items[i_].number;             \
    } while (0)

#define ADD_NAMED(list, word, n)                       \
    do {                                               \
        struct named *added_ = barrow_array_add(list); \
        if (!added_)                                   \
            abort();                                   \
        *added_ = (struct named){word, n};             \
    } while (0)

static uint32_t flags_of(const char *words, const char *const *names, const uint32_t *bits,
                         size_t count)
{
    uint32_t flags = 0;
    while (words && *words) {
        size_t length = strcspn(words, ",");
        for (size_t i = 0; i < count; i++)
            if (strlen(names[i]) == length && strncasecmp(names[i], words, length) == 0)
                flags |= bits[i];
        words += length + (words[length] == ',');
    }
    return flags;
}

/* ---- lines ---- */

static const char *const type_flags[] = {"gc",     "heap",     "container", "type",
                                         "module", "function", "code",      "text",
                                         "number", "frame",    "dict",      "exception"};
static const uint32_t type_bits[] = {HEAP_TYPE_GC,    HEAP_TYPE_HEAP,   HEAP_TYPE_CONTAINER,
                                     HEAP_TYPE_TYPE,  HEAP_TYPE_MODULE, HEAP_TYPE_FUNCTION,
                                     HEAP_TYPE_CODE,  HEAP_TYPE_TEXT,   HEAP_TYPE_NUMBER,
                                     HEAP_TYPE_FRAME, HEAP_TYPE_DICT,   HEAP_TYPE_EXCEPTION};
static const char *const heap_flags[] = {"peak", "exit", "values", "forked"};
static const uint32_t heap_bits[] = {HEAP_FLAG_AT_PEAK, HEAP_FLAG_AT_EXIT, HEAP_FLAG_VALUES,
                                     HEAP_FLAG_FORKED};

/* The name of an edge by the words from `at` on. */
static bool edge_name(struct text *text, char *const *words, uint32_t *name)
{
    static const char *const kinds[] = {
#define X(number, kind, what) #kind,
        HEAP_NAMES(X)
#undef X
    };
    uint32_t kind = 0;
    if (!words[0])
        return (*name = 0, true);
    while (kind < sizeof kinds / sizeof *kinds && strcasecmp(kinds[kind], words[0]) != 0)
        kind++;
    if (kind == sizeof kinds / sizeof *kinds)
        return (text->why = "unknown kind of a reference", false);
    bool is_text =
        kind == HEAP_NAME_ATTRIBUTE || kind == HEAP_NAME_VARIABLE || kind == HEAP_NAME_INTERNAL;
    if (is_text)
        *name = maker_name(&text->maker, kind, words[1] ? words[1] : "");
    else
        *name = HEAP_NAME(kind, words[1] ? strtoul(words[1], NULL, 0) : 0);
    return true;
}

static bool add_type(struct text *text)
{
    const char *base = value_of(text, "base");
    const char *called = value_of(text, "class");
    uint32_t number = 0;
    if (text->count < 2)
        return (text->why = "type: NAME is missing", false);
    if (base)
        FIND(text->types, base, number);
    if (number == UINT32_MAX)
        return (text->why = "type: unknown base", false);
    uint32_t type =
        maker_type(&text->maker, called ? called : text->words[1], text_of(text, "module"),
                   flags_of(value_of(text, "flags"), type_flags, type_bits, sizeof type_bits / 4));
    text->maker.types.items[type].base = number;
    ADD_NAMED(&text->types, text->words[1], type);
    if (value_of(text, "object")) {
        __typeof__(text->classes.items) class = barrow_array_add(&text->classes);
        if (!class)
            abort();
        class->type = type;
        class->object = value_of(text, "object");
    }
    return true;
}

static bool add_object(struct text *text)
{
    uint32_t type;
    if (text->count < 4)
        return (text->why = "object: needs NAME TYPE BYTES", false);
    FIND(text->types, text->words[2], type);
    if (type == UINT32_MAX)
        return (text->why = "object: unknown type", false);
    uint32_t object = maker_object(&text->maker, type, strtoull(text->words[3], NULL, 0));
    struct maker_object *made = &text->maker.objects.items[object - 1];
    if (value_of(text, "address"))
        made->address = number_of(text, "address");
    made->birth = (uint32_t)number_of(text, "birth");
    made->hash = (uint32_t)number_of(text, "hash");
    made->length = (uint32_t)number_of(text, "length");
    ADD_NAMED(&text->objects, text->words[1], object);
    if (value_of(text, "text")) {
        struct heap_text *added = barrow_array_add(&text->maker.texts);
        *added = (struct heap_text){object, maker_string(&text->maker, text_of(text, "text"))};
    }
    if (value_of(text, "file") || value_of(text, "line")) {
        struct heap_place *added = barrow_array_add(&text->maker.places);
        *added = (struct heap_place){object, maker_string(&text->maker, text_of(text, "file")),
                                     (uint32_t)number_of(text, "line")};
    }
    return true;
}

static bool add_root(struct text *text)
{
    static const char *const kinds[] = {
#define X(number, kind, words) #kind,
        HEAP_ROOT_KINDS(X)
#undef X
    };
    uint32_t kind = 0, parent = 0;
    if (text->count < 3)
        return (text->why = "root: needs NAME KIND", false);
    while (kind < sizeof kinds / sizeof *kinds && strcasecmp(kinds[kind], text->words[2]) != 0)
        kind++;
    if (kind == sizeof kinds / sizeof *kinds)
        return (text->why = "root: unknown kind", false);
    const char *above = value_of(text, "parent");
    if (above && strcmp(above, "all") != 0)
        FIND(text->roots, above, parent);
    if (parent == UINT32_MAX)
        return (text->why = "root: unknown parent", false);
    const char *name = value_of(text, "name");
    uint32_t root = maker_root(&text->maker, kind, parent, name ? name : text->words[1]);
    struct heap_root *made = &text->maker.roots.items[root];
    made->file = maker_string(&text->maker, text_of(text, "file"));
    made->line = (uint32_t)number_of(text, "line");
    ADD_NAMED(&text->roots, text->words[1], root);
    return true;
}

static bool keep_edge(struct text *text, unsigned line, bool is_root)
{
    if (text->count < 3)
        return (text->why = "edge: needs FROM TO", false);
    __typeof__(text->edges.items) edge = barrow_array_add(&text->edges);
    if (!edge)
        abort();
    memcpy(edge->words, text->words, sizeof edge->words);
    edge->line = line;
    edge->is_root = is_root;
    return true;
}

static bool add_unowned(struct text *text)
{
    if (text->count < 4)
        return (text->why = "unowned: needs SITE BLOCKS BYTES", false);
    struct heap_unowned *added = barrow_array_add(&text->maker.unowned);
    *added = (struct heap_unowned){(uint32_t)strtoul(text->words[1], NULL, 0),
                                   (uint32_t)strtoul(text->words[2], NULL, 0),
                                   strtoull(text->words[3], NULL, 0)};
    return true;
}

/* ---- snapshots ---- */

static bool end_snapshot(struct text *text, unsigned *line)
{
    for (size_t i = 0; i < text->edges.count; i++) {
        char *const *words = text->edges.items[i].words;
        uint32_t from = 0, to, name;
        if (!text->edges.items[i].is_root)
            FIND(text->objects, words[1], from);
        else if (strcmp(words[1], "all") != 0)
            FIND(text->roots, words[1], from);
        FIND(text->objects, words[2], to);
        *line = text->edges.items[i].line;
        if (from == UINT32_MAX || to == UINT32_MAX)
            return (text->why = "edge: no such object or root", false);
        if (!edge_name(text, words + 3, &name))
            return false;
        if (text->edges.items[i].is_root)
            maker_root_edge(&text->maker, from, to, name);
        else
            maker_edge(&text->maker, from, to, name);
    }
    for (size_t i = 0; i < text->classes.count; i++) {
        uint32_t object;
        FIND(text->objects, text->classes.items[i].object, object);
        if (object == UINT32_MAX)
            return (text->why = "type: no such object", false);
        text->maker.types.items[text->classes.items[i].type].object = object;
    }
    struct barrow_heap **heap = barrow_array_add(&text->heaps);
    if (!heap)
        abort();
    *heap = maker_heap(&text->maker);
    text->objects.count = text->types.count = text->roots.count = 0;
    text->edges.count = text->classes.count = 0;
    return true;
}

static bool begin_snapshot(struct text *text, unsigned *line)
{
    struct heap_maker *maker = &text->maker;
    if (maker->types.count > 1 || maker->objects.count || maker->roots.count > 1)
        if (!end_snapshot(text, line))
            return false;
    maker->time_ns = (uint64_t)(strtod(text_of(text, "time"), NULL) * 1e9);
    maker->pause_ns = (uint64_t)(strtod(text_of(text, "pause"), NULL) * 1e9);
    maker->live_bytes = number_of(text, "live");
    maker->label = maker_string(maker, text_of(text, "label"));
    maker->flags = flags_of(value_of(text, "flags"), heap_flags, heap_bits, sizeof heap_bits / 4);
    return true;
}

static bool read_line(struct text *text, unsigned *line)
{
    const char *what = text->count ? text->words[0] : "";
    if (!*what)
        return true;
    if (strcmp(what, "snapshot") == 0)
        return begin_snapshot(text, line);
    if (strcmp(what, "type") == 0)
        return add_type(text);
    if (strcmp(what, "object") == 0)
        return add_object(text);
    if (strcmp(what, "edge") == 0 || strcmp(what, "rootedge") == 0)
        return keep_edge(text, *line, *what == 'r');
    if (strcmp(what, "root") == 0)
        return add_root(text);
    if (strcmp(what, "unowned") == 0)
        return add_unowned(text);
    text->why = "unknown word at the beginning of the line";
    return false;
}

struct barrow_heap **maker_read_text(const char *bytes, size_t *count, unsigned *line,
                                     const char **why)
{
    struct text text = {0};
    char *copy = strdup(bytes), *at = copy;
    bool good = copy != NULL;
    unsigned here = 0;
    while (good && *at) {
        *line = ++here;
        at = split(&text, at);
        good = read_line(&text, line);
    }
    good = good && end_snapshot(&text, line);
    *why = text.why;
    *count = text.heaps.count;
    if (!good) {
        barrow_heap_free(maker_heap(&text.maker));
        for (size_t i = 0; i < text.heaps.count; i++)
            barrow_heap_free(text.heaps.items[i]);
        free(text.heaps.items);
        text.heaps.items = NULL;
        *count = 0;
    }
    free(text.objects.items);
    free(text.types.items);
    free(text.roots.items);
    free(text.edges.items);
    free(text.classes.items);
    free(copy);
    return text.heaps.items;
}
