/* What all views of a heap snapshot share: loading it, the first line, objects and births in words. */
#ifndef BARROW_CLI_HEAP_VIEW_H
#define BARROW_CLI_HEAP_VIEW_H

#include "base/buffer.h"
#include "cli/view.h"
#include "graph/graph.h"
#include "graph/paths.h"
#include "table/births.h"

/* First member of the options of such views. */
struct barrow_heap_options {
    struct barrow_view_options view;
    size_t snapshot; /* from 1; 0: the last */
};
#define HEAP_OPTION_SNAPSHOT(type)                                                                    \
    {                                                                                                 \
        "snapshot", 's', OPTION_COUNT, "N", offsetof(type, heap.snapshot), NULL, NULL,                \
            "the Nth heap snapshot of the ledger (the last by default)"                               \
    }
#define HEAP_OPTION_LIMIT(type)                                                  \
    {                                                                            \
        "limit", 'n', OPTION_COUNT, "N", offsetof(type, heap.view.limit), NULL, NULL, \
            "show the N largest; 0: all (text shows 25 otherwise, JSON all)"     \
    }
#define HEAP_OPTION_JSON(type)                                               \
    {                                                                        \
        "json", 0, OPTION_FLAG, NULL, offsetof(type, heap.view.json), NULL, NULL, \
            "write JSON to standard output, all of it"                       \
    }
#define HEAP_OPTION_COLOR(type)                                                                  \
    {                                                                                            \
        "color", 0, OPTION_CHOICE, "WHEN", offsetof(type, heap.view.color), barrow_color_names, NULL, \
            "colours (auto: on a terminal, unless NO_COLOR is set)"                              \
    }

struct barrow_heap_view {
    struct barrow_view view; /* its profile is that of the same ledger */
    const char *path;
    uint32_t process, snapshots; /* of the profile; how many the ledger has */
    struct barrow_heap *heap;
    struct barrow_graph *graph;
    struct barrow_paths *paths;   /* barrow_heap_view_paths() */
    struct barrow_births births;  /* barrow_heap_view_births() */
};

/* Loads snapshot and profile of one ledger.  In a directory, or a bundle, the first ledger with a
 * snapshot counts.  Fails with one line that says how to take a snapshot if there is none. */
int barrow_heap_view_open(struct barrow_heap_view *h, const struct barrow_heap_options *options,
                          int count, char **paths, struct barrow_error *err);
/* Has any of the ledgers a snapshot?  Cheap; false if in doubt. */
bool barrow_heap_view_has(int count, char **paths);
/* Another snapshot of the same ledger; to be freed with barrow_heap_free(). */
int barrow_heap_view_read(struct barrow_heap **out, uint32_t number, char **paths, struct barrow_notes *damage,
                          struct barrow_error *err);
int barrow_heap_view_count(uint32_t *count, char **paths, struct barrow_error *err);
/* As barrow_view_close() and barrow_view_drop(). */
void barrow_heap_view_close(struct barrow_heap_view *h);
void barrow_heap_view_drop(struct barrow_heap_view *h);

/* Both do nothing the second time. */
int barrow_heap_view_paths(struct barrow_heap_view *h, struct barrow_error *err);
int barrow_heap_view_births(struct barrow_heap_view *h, struct barrow_error *err);

/* Who else holds an object than its path says: the last steps of other paths, and the paths without the
 * object that they end; both to be freed.  None if one holder keeps it alive alone. */
int barrow_heap_view_referrers(struct barrow_heap_view *h, uint32_t object,
                               struct barrow_paths **without, struct barrow_step **steps,
                               size_t *count, struct barrow_error *err);

/* The first line: printf text, then whose heap it is and when. */
void barrow_heap_headline(const struct barrow_heap_view *h, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* What the file says of the snapshot, as keys of the JSON object. */
void barrow_heap_json(struct barrow_heap_view *h);

/* The buffer's text, which it gives up; aborts as barrow_allocate() does. */
char *barrow_take(struct barrow_buffer *buffer);
/* "pkg.Class", "class pkg.Class", "module app"; to be freed. */
char *barrow_object_words(const struct barrow_graph *graph, uint32_t vertex);
/* The path that a search took, in one line; to be freed. */
char *barrow_path_words(const struct barrow_heap_view *h, const struct barrow_paths *paths,
                        uint32_t vertex);
/* The object's birth; needs barrow_heap_view_births(). */
const struct barrow_birth *barrow_object_birth(const struct barrow_heap_view *h, uint32_t object);

/* The value {"function", "file", "line", "stack": [...]}: the user's frame of a birth, and all. */
void barrow_birth_json(struct barrow_json *json, const struct barrow_profile *profile,
                       const struct barrow_birth *birth);

#endif
