/* Words for what a graph holds: objects, roots, references, places.
 *
 * Everything is appended to a buffer (base/buffer.h), which remembers if memory ran out.  The texts come
 * out of the recorded program as they are: who prints them makes them printable.
 */
#ifndef BARROW_GRAPH_WORDS_H
#define BARROW_GRAPH_WORDS_H

#include "base/buffer.h"
#include "graph/graph.h"

/* One reference on the way from a root to an object. */
struct barrow_step {
    uint32_t from, to; /* vertices */
    uint32_t name;     /* as in heap->name; 0 between roots */
    uint64_t edge;     /* of heap->name, or of heap->root_edges if `from` is a root */
};

/* "dict", "pkg.Class"; of a class "class pkg.Class"; of a root "module app", "main (app.py:12)". */
void barrow_words_vertex(struct barrow_buffer *out, const struct barrow_graph *graph, uint32_t vertex);
/* "pkg.Class" by its number in heap->types; "?" for one that is not known. */
void barrow_words_type(struct barrow_buffer *out, const struct barrow_graph *graph, uint32_t type);
void barrow_words_string(struct barrow_buffer *out, const struct barrow_graph *graph, uint32_t string);
/* The string of the words that the snapshot holds of an object (a name, a key); 0: none. */
uint32_t barrow_words_text_of(const struct barrow_graph *graph, uint32_t object);

/* Is this the reference of an object to the dict of its own attributes?  In words the two are one. */
bool barrow_step_is_dict(const struct barrow_graph *graph, uint32_t name, uint32_t to);

/* Is it the reference of a dict to a value?  Those of dict subclasses are called after the key. */
bool barrow_step_is_item(const struct barrow_graph *graph, uint32_t from, uint32_t name);
/* The string of the key that such a step has; 0: not known. */
uint32_t barrow_step_key(const struct barrow_graph *graph, const struct barrow_step *step);

enum barrow_words_how {
    BARROW_WORDS_EXACT, /* [17], ["key"] */
    BARROW_WORDS_MERGED /* [*] */
};
/* What a reference between objects adds to the path: ".cache", "[17]", ".<local rows>".
 * `after_dict`: the step before it was one of barrow_step_is_dict(). */
void barrow_words_step(struct barrow_buffer *out, const struct barrow_graph *graph,
                       const struct barrow_step *step, bool after_dict, enum barrow_words_how how);

/* A whole path: what can be written as an expression first, then what root it starts from:
 *
 *     app.Server.sessions[17].user
 *     cache["a"], local of main (app.py:12) in thread MainThread
 *     app.Connection, held by C code (2 references)
 */
void barrow_words_path(struct barrow_buffer *out, const struct barrow_graph *graph,
                       const struct barrow_step *steps, size_t count);
/* The two parts of it that a step from a root gives. */
void barrow_words_start(struct barrow_buffer *out, const struct barrow_graph *graph,
                        const struct barrow_step *step);
void barrow_words_origin(struct barrow_buffer *out, const struct barrow_graph *graph,
                         const struct barrow_step *step);

#endif
