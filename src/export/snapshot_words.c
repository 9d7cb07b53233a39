#include "export/snapshot_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/words.h"

/* Texts of contents, a string each, are left out from here on. */
static const uint64_t most_text_bytes = (uint64_t)256 << 20;

/* ---- made once ---- */

int snapshot_words_init(struct snapshot_words *words, const struct barrow_graph *graph,
                        struct snapshot_strings *strings, struct barrow_error *err)
{
    const struct barrow_heap *heap = graph->heap;
    size_t texts = (size_t)heap->string_count + 1, types = (size_t)heap->type_count + 1;

    *words = (struct snapshot_words){.strings = strings};
    if (barrow_heap_names_init(&words->names, graph, err) < 0)
        return -1;
    words->plain = calloc(texts, sizeof *words->plain);
    words->bracketed = calloc(texts, sizeof *words->bracketed);
    words->keys = calloc(texts, sizeof *words->keys);
    words->classes = calloc(types, sizeof *words->classes);
    words->key_classes = calloc(types, sizeof *words->key_classes);
    if (words->plain && words->bracketed && words->keys && words->classes && words->key_classes)
        return 0;
    snapshot_words_free(words);
    return barrow_fail(err, BARROW_E_NO_MEMORY, "out of memory");
}

void snapshot_words_free(struct snapshot_words *words)
{
    if (words->names.heap)
        barrow_heap_names_free(&words->names);
    free(words->plain);
    free(words->bracketed);
    free(words->keys);
    free(words->classes);
    free(words->key_classes);
    *words = (struct snapshot_words){0};
}

/* ---- texts ---- */

/* "BEFORE text AFTER" as a string; texts too long for it lose their end. */
static uint32_t around(struct snapshot_words *words, const char *before, const char *text,
                       const char *after)
{
    char made[1200];

    snprintf(made, sizeof made, "%s%.1000s%s", before, text, after);
    return snapshot_string(words->strings, made);
}

/* The same, made once: `kept` is where. */
static uint32_t once(struct snapshot_words *words, uint32_t *kept, const char *before,
                     const char *text, const char *after)
{
    if (*kept == 0)
        *kept = around(words, before, text, after);
    return *kept;
}

static uint32_t numbered(struct snapshot_words *words, const char *before, uint32_t value,
                         const char *after)
{
    char digits[16];

    snprintf(digits, sizeof digits, "%" PRIu32, value);
    return around(words, before, digits, after);
}

/* DevTools cuts a name that begins with < at its first blank, and takes "Object" for a thing
 * without a class. */
static uint32_t class_string(struct snapshot_words *words, uint32_t type)
{
    const char *name = words->names.classes[type];
    bool is_odd = *name == '<' || strcmp(name, "Object") == 0;

    return once(words, &words->classes[type], is_odd ? "builtins." : "", *name ? name : "(object)",
                "");
}

/* ---- nodes ---- */

/* Of what has a name of its own. */
static uint32_t own_name(struct snapshot_words *words, uint32_t object)
{
    struct barrow_buffer name = {0};

    barrow_heap_object_words(&words->names, &name, object);
    const char *text = barrow_buffer_text(&name);
    uint32_t string = snapshot_string(words->strings, text ? text : "");
    words->strings->failed |= !text;
    barrow_buffer_free(&name);
    return string;
}

/* "str[12] #0badcafe" */
static uint32_t content_name(struct snapshot_words *words, uint32_t object)
{
    const struct barrow_heap *heap = words->names.heap;
    uint32_t type = heap->type[object], text = barrow_words_text_of(words->names.graph, object);
    uint32_t length = heap->length ? heap->length[object] : 0;
    uint32_t hash = heap->hash ? heap->hash[object] : 0;
    const char *chars = barrow_heap_string(&words->names, text);
    char name[64];

    if (text && strlen(chars) < length && hash) { /* its beginning: others may begin alike */
        snprintf(name, sizeof name, "\u2026 #%08" PRIx32, hash);
        return around(words, "", chars, name);
    }
    if (text)
        return once(words, &words->plain[text], "", chars, "");
    if (!hash || words->strings->bytes > most_text_bytes)
        return class_string(words, type);
    snprintf(name, sizeof name, "%.16s[%" PRIu32 "] #%08" PRIx32, words->names.classes[type],
             length, hash);
    return snapshot_string(words->strings, name);
}

static struct snapshot_name named(uint32_t type, uint32_t text)
{
    return (struct snapshot_name){type, text};
}

struct snapshot_name snapshot_words_object(struct snapshot_words *words, uint32_t object)
{
    const struct barrow_heap *heap = words->names.heap;
    uint32_t type = heap->type[object], flags = heap->types[type].flags;
    bool is_builtin = heap->types[type].module == 0;

    if (flags & HEAP_TYPE_TEXT && is_builtin)
        return named(SNAPSHOT_NODE_STRING, content_name(words, object));
    if (flags & HEAP_TYPE_NUMBER && is_builtin)
        return named(SNAPSHOT_NODE_NUMBER, class_string(words, type));
    if (flags & HEAP_TYPE_CODE)
        return named(SNAPSHOT_NODE_CODE, own_name(words, object));
    if (flags & HEAP_TYPE_FUNCTION)
        return named(SNAPSHOT_NODE_CLOSURE, own_name(words, object));
    if (flags & (HEAP_TYPE_TYPE | HEAP_TYPE_MODULE))
        return named(SNAPSHOT_NODE_OBJECT, own_name(words, object));
    return named(SNAPSHOT_NODE_OBJECT, class_string(words, type));
}

uint32_t snapshot_words_root(struct snapshot_words *words, uint32_t root)
{
    struct barrow_buffer name = {0};

    barrow_words_vertex(&name, words->names.graph, words->names.heap->object_count + root);
    const char *text = barrow_buffer_text(&name);
    uint32_t string = around(words, "(", text ? text : "root", ")");
    barrow_buffer_free(&name);
    return string;
}

/* ---- edges ---- */

/* A dict's value, by the key that is the edge before. */
static uint32_t value_name(struct snapshot_words *words, uint32_t source, uint64_t edge)
{
    const struct barrow_heap *heap = words->names.heap;

    if (edge <= heap->edge_start[source] ||
        heap->name[edge - 1] >> HEAP_NAME_SHIFT != HEAP_NAME_KEY)
        return snapshot_string(words->strings, "[...]");
    uint32_t key = heap->target[edge - 1], text = barrow_words_text_of(words->names.graph, key);
    if (text)
        return once(words, &words->keys[text], "['", barrow_heap_string(&words->names, text), "']");
    uint32_t type = heap->type[key];
    return once(words, &words->key_classes[type], "[", words->names.classes[type], "]");
}

struct snapshot_name snapshot_words_root_edge(struct snapshot_words *words, uint32_t name)
{
    uint32_t value = name & HEAP_NAME_MASK;
    uint32_t string = value < words->names.heap->string_count ? value : 0;
    const char *text = barrow_heap_string(&words->names, string);

    switch ((enum heap_name)(name >> HEAP_NAME_SHIFT)) {
    case HEAP_NAME_INDEX:
        return named(SNAPSHOT_EDGE_ELEMENT, value);
    case HEAP_NAME_ATTRIBUTE:
        return named(SNAPSHOT_EDGE_PROPERTY, once(words, &words->plain[string], "", text, ""));
    case HEAP_NAME_VARIABLE:
        return named(SNAPSHOT_EDGE_CONTEXT, once(words, &words->plain[string], "", text, ""));
    case HEAP_NAME_INTERNAL:
        return named(SNAPSHOT_EDGE_INTERNAL,
                     once(words, &words->bracketed[string], "(", text, ")"));
    case HEAP_NAME_VALUE:
        return named(SNAPSHOT_EDGE_PROPERTY, snapshot_string(words->strings, "[...]"));
    case HEAP_NAME_KEY:
        return named(SNAPSHOT_EDGE_INTERNAL, snapshot_string(words->strings, "(key)"));
    case HEAP_NAME_ELEMENT:
        return named(SNAPSHOT_EDGE_INTERNAL, snapshot_string(words->strings, "(element)"));
    case HEAP_NAME_CLASS:
        return named(SNAPSHOT_EDGE_INTERNAL, snapshot_string(words->strings, "(class)"));
    case HEAP_NAME_WEAK:
        return named(SNAPSHOT_EDGE_WEAK, snapshot_string(words->strings, "(weak)"));
    case HEAP_NAME_STACK:
        return named(SNAPSHOT_EDGE_CONTEXT, numbered(words, "(stack ", value, ")"));
    case HEAP_NAME_COUNTED:
        return named(SNAPSHOT_EDGE_INTERNAL, numbered(words, "(references: ", value, ")"));
    case HEAP_NAME_REF:
        break;
    }
    return named(SNAPSHOT_EDGE_INTERNAL, numbered(words, "(reference ", value, ")"));
}

struct snapshot_name snapshot_words_edge(struct snapshot_words *words, uint32_t source,
                                         uint64_t edge)
{
    uint32_t name = words->names.heap->name[edge];

    if (name >> HEAP_NAME_SHIFT == HEAP_NAME_VALUE)
        return named(SNAPSHOT_EDGE_PROPERTY, value_name(words, source, edge));
    return snapshot_words_root_edge(words, name);
}

struct snapshot_name snapshot_words_weak(struct snapshot_words *words, struct snapshot_name name)
{
    bool is_position = name.type == SNAPSHOT_EDGE_ELEMENT;

    return named(SNAPSHOT_EDGE_WEAK,
                 is_position ? numbered(words, "[", name.text, "]") : name.text);
}
