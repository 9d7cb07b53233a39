/* Diagrams: boxes and arrows, as text for Graphviz or as a picture.
 *
 * The boxes form trees from the top down, by their first parent; further arrows may lead anywhere.  The
 * picture is SVG of its own: no library, no script, nothing loaded; light or dark as the page around it.
 *
 *            ┌───────────┐
 *            │module app │                  layers: a box stands below its parent,
 *            └─────┬─────┘                  centred over its children
 *            .cache│
 *              ┌───┴──┐
 *              │ dict │
 *              └──────┘
 */
#ifndef BARROW_EXPORT_DIAGRAM_H
#define BARROW_EXPORT_DIAGRAM_H

#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/* X(NAME, word in JSON, fill of the box when light, when dark) */
#define DIAGRAM_KINDS(X)                       \
    X(ROOT, "root", "#dcefdc", "#24452a")      \
    X(HOLDER, "holder", "#eef0f4", "#2c313a")  \
    X(TARGET, "target", "#ffe1d6", "#5c2b1a")  \
    X(HELD, "held", "#e1ecf9", "#1d3a5a")      \
    X(MORE, "more", "none", "none")
enum barrow_diagram_kind {
#define X(name, word, light, dark) DIAGRAM_##name,
    DIAGRAM_KINDS(X)
#undef X
};
extern const char *const barrow_diagram_kinds[];

#define DIAGRAM_NONE UINT32_MAX
struct barrow_diagram_node {
    const char *title, *detail; /* two lines; detail may be "" */
    enum barrow_diagram_kind kind;
    uint32_t parent;     /* before this one; DIAGRAM_NONE: at the top */
    const char *label;   /* of the arrow from the parent */
    uint32_t beside;     /* without a parent: in the layer above this box, to the right; or NONE */
};
struct barrow_diagram_edge { /* an arrow beside those from parents */
    uint32_t from, to;
    const char *label;
};
struct barrow_diagram {
    const char *title;
    const struct barrow_diagram_node *nodes;
    uint32_t count;
    const struct barrow_diagram_edge *edges;
    uint32_t edge_count;
};

int barrow_diagram_svg(const struct barrow_diagram *diagram, FILE *to, struct barrow_error *err);
int barrow_diagram_dot(const struct barrow_diagram *diagram, FILE *to, struct barrow_error *err);

#endif
