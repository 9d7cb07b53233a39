#include "cli/heap_target.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "table/stack.h"

static void take(struct barrow_heap_target *target, uint32_t object)
{
    if ((target->count & (target->count + 1)) == 0) /* full: 0, 1, 3, 7, ... */
        target->objects =
            barrow_reallocate(target->objects, (target->count + 1) * 2 * sizeof *target->objects);
    target->objects[target->count++] = object;
}

/* ---- addresses ---- */

static bool parse_address(const char *word, uint64_t *address)
{
    char *end;

    if (*word < '0' || *word > '9')
        return false;
    errno = 0;
    *address = strtoull(word, &end, 0);
    return errno == 0 && *end == '\0';
}

static int find_address(struct barrow_heap_target *target, const struct barrow_heap_view *h,
                        uint64_t address, struct barrow_error *err)
{
    for (uint32_t i = 1; i <= h->heap->object_count; i++)
        if (h->heap->address[i] == address) {
            char *name = barrow_object_words(h->graph, i);
            take(target, i);
            target->words = barrow_format("%s at 0x%" PRIx64, name, address);
            free(name);
            return 0;
        }
    return barrow_fail(err, BARROW_E_USAGE,
                       "no object of the snapshot is at 0x%" PRIx64 ": give what id() said in the "
                       "same process",
                       address);
}

/* ---- places ---- */

/* "app.py:12"; the file's name is the first *length bytes. */
static bool parse_place(const char *word, size_t *length, uint32_t *line)
{
    const char *colon = strrchr(word, ':');
    char *end;

    if (!colon || colon == word || colon[1] < '0' || colon[1] > '9')
        return false;
    *length = (size_t)(colon - word);
    *line = (uint32_t)strtoul(colon + 1, &end, 10);
    return *end == '\0';
}

/* Is `file` called so, or does it end so after a slash? */
static bool is_file(const char *file, const char *word, size_t length)
{
    size_t bytes = strlen(file);

    if (bytes < length || memcmp(file + bytes - length, word, length) != 0)
        return false;
    return bytes == length || file[bytes - length - 1] == '/';
}

static bool born_at(const struct barrow_heap_view *h, const struct barrow_birth *birth,
                    const char *word, size_t length, uint32_t line)
{
    const uint32_t nodes[] = {birth->node, birth->user};

    for (int i = 0; i < 2; i++) {
        struct barrow_frame frame = barrow_stack_frame(h->view.profile, nodes[i]);
        if (nodes[i] && frame.line == line && is_file(frame.file, word, length))
            return true;
    }
    return false;
}

static int find_place(struct barrow_heap_target *target, struct barrow_heap_view *h,
                      const char *word, size_t length, uint32_t line, struct barrow_error *err)
{
    if (!h->heap->birth)
        return barrow_fail(err, BARROW_E_USAGE,
                           "%s has no places of birth: they are known of programs under barrow run",
                           h->path);
    if (barrow_heap_view_births(h, err) < 0)
        return -1;
    bool *there = barrow_allocate(h->births.count * sizeof *there);
    for (uint32_t i = 1; i < h->births.count; i++)
        there[i] = born_at(h, &h->births.sites[i], word, length, line);
    for (uint32_t i = 1; i <= h->heap->object_count; i++)
        if (h->heap->birth[i] < h->births.count && there[h->heap->birth[i]])
            take(target, i);
    free(there);
    target->words = barrow_format("what was born at %s", word);
    if (target->count)
        return 0;
    return barrow_fail(err, BARROW_E_USAGE,
                       "nothing that was born at %s is alive; barrow types --by birth lists lines",
                       word);
}

/* ---- classes ---- */

struct classes {
    const struct barrow_heap *heap;
    char **names; /* by type; NULL: no objects */
    uint64_t *objects;
    bool *taken;
};

static struct classes list_classes(const struct barrow_heap_view *h)
{
    struct classes c = {.heap = h->heap};
    uint32_t count = h->heap->type_count;

    c.names = barrow_allocate((count + 1u) * sizeof *c.names);
    c.objects = barrow_allocate((count + 1u) * sizeof *c.objects);
    c.taken = barrow_allocate((count + 1u) * sizeof *c.taken);
    for (uint32_t i = 1; i <= h->heap->object_count; i++)
        c.objects[h->heap->type[i]]++;
    for (uint32_t i = 1; i < count; i++)
        if (c.objects[i]) {
            struct barrow_buffer out = {0};
            barrow_words_type(&out, h->graph, i);
            c.names[i] = barrow_take(&out);
        }
    return c;
}

static void free_classes(struct classes *c)
{
    for (uint32_t i = 1; i < c->heap->type_count; i++)
        free(c->names[i]);
    free(c->names);
    free(c->objects);
    free(c->taken);
}

/* "Session" for "app.Session" */
static bool is_last_part(const char *name, const char *word)
{
    size_t length = strlen(name), bytes = strlen(word);

    return length > bytes && name[length - bytes - 1] == '.' &&
           strcmp(name + length - bytes, word) == 0;
}

/* Takes all types that match; several with one name (a class that was made again) are one. */
static uint32_t take_classes(struct classes *c, const char *word, int how, uint32_t *first,
                             uint32_t *other)
{
    uint32_t taken = 0;

    *first = *other = 0;
    for (uint32_t i = 1; i < c->heap->type_count; i++) {
        const char *name = c->names[i];
        bool match = name && (how == 0   ? strcmp(name, word) == 0
                              : how == 1 ? is_last_part(name, word)
                                         : fnmatch(word, name, 0) == 0);
        if (!match)
            continue;
        if (*first && strcmp(c->names[*first], name) != 0)
            *other = i;
        else if (!*first)
            *first = i;
        c->taken[i] = true;
        taken++;
    }
    return taken;
}

static int no_class(const struct classes *c, const char *word, struct barrow_error *err)
{
    const char **names = barrow_allocate(2 * (c->heap->type_count + 1u) * sizeof *names);
    size_t count = 0;

    for (uint32_t i = 1; i < c->heap->type_count; i++)
        if (c->names[i]) {
            const char *dot = strrchr(c->names[i], '.');
            names[count++] = c->names[i];
            if (dot)
                names[count++] = dot + 1;
        }
    const char *near = barrow_nearest(word, names, count);
    free(names);
    if (near)
        return barrow_fail(err, BARROW_E_USAGE,
                           "no object of the snapshot is a %s; did you mean %s?", word, near);
    return barrow_fail(err, BARROW_E_USAGE,
                       "no object of the snapshot is a %s; barrow types lists the classes, "
                       "FILE:LINE names a place of birth, 0x... an address",
                       word);
}

static int find_class(struct barrow_heap_target *target, const struct barrow_heap_view *h,
                      const char *word, struct barrow_error *err)
{
    struct classes c = list_classes(h);
    bool is_glob = strpbrk(word, "*?[") != NULL;
    uint32_t first = 0, other = 0, taken = 0;
    int rc = 0;

    for (int how = is_glob ? 2 : 0; how <= (is_glob ? 2 : 1) && !taken; how++)
        taken = take_classes(&c, word, how, &first, &other);
    if (!taken)
        rc = no_class(&c, word, err);
    else if (other && !is_glob)
        rc = barrow_fail(err, BARROW_E_USAGE, "%s may be %s or %s: say which", word, c.names[first],
                         c.names[other]);
    for (uint32_t i = 1; rc == 0 && i <= h->heap->object_count; i++)
        if (c.taken[h->heap->type[i]])
            take(target, i);
    if (rc == 0)
        target->words = barrow_copy(other ? word : c.names[first]);
    free_classes(&c);
    return rc;
}

int barrow_heap_target_find(struct barrow_heap_target *target, struct barrow_heap_view *h,
                            const char *word, struct barrow_error *err)
{
    uint64_t address;
    uint32_t line;
    size_t length;
    int rc;

    *target = (struct barrow_heap_target){0};
    if (parse_address(word, &address))
        rc = find_address(target, h, address, err);
    else if (parse_place(word, &length, &line))
        rc = find_place(target, h, word, length, line, err);
    else
        rc = find_class(target, h, word, err);
    if (rc < 0)
        barrow_heap_target_free(target);
    return rc;
}

void barrow_heap_target_free(struct barrow_heap_target *target)
{
    free(target->objects);
    free(target->words);
    *target = (struct barrow_heap_target){0};
}
