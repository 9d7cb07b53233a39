/* Diagrams as Graphviz's language. */
#include <inttypes.h>

#include "base/utf8.h"
#include "export/diagram.h"

const char *const barrow_diagram_kinds[] = {
#define X(name, word, light, dark) word,
    DIAGRAM_KINDS(X)
#undef X
};
static const char *const fills[] = {
#define X(name, word, light, dark) light,
    DIAGRAM_KINDS(X)
#undef X
};

/* In quotes; what would end them, or is no text, is replaced. */
static void put_quoted(FILE *to, const char *first, const char *second)
{
    const char *parts[] = {first, second};

    fputc('"', to);
    for (int i = 0; i < 2; i++) {
        if (i && *parts[i])
            fputs("\\n", to);
        for (const char *p = parts[i]; *p;) {
            uint32_t c = 0;
            size_t length = barrow_utf8_decode(p, &c);
            if (length == 0 || barrow_utf8_is_control(c) || barrow_utf8_is_surrogate(c))
                fputs("\ufffd", to);
            else if (c == '"' || c == '\\')
                fprintf(to, "\\%c", (int)c);
            else
                fwrite(p, 1, length, to);
            p += length ? length : 1;
        }
    }
    fputc('"', to);
}

static void put_edge(FILE *to, uint32_t from, uint32_t target, const char *label, const char *style)
{
    fprintf(to, "    n%" PRIu32 " -> n%" PRIu32 " [label=", from, target);
    put_quoted(to, label ? label : "", "");
    fprintf(to, "%s];\n", style);
}

int barrow_diagram_dot(const struct barrow_diagram *d, FILE *to, struct barrow_error *err)
{
    (void)err;
    fputs("digraph heap {\n    label=", to);
    put_quoted(to, d->title, "");
    fputs(";\n    labelloc=t; rankdir=TB; fontname=\"sans-serif\"; fontsize=12;\n"
          "    node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\", fontsize=11, "
          "color=\"#8a93a3\"];\n"
          "    edge [fontname=\"sans-serif\", fontsize=10, color=\"#8a93a3\"];\n",
          to);
    for (uint32_t i = 0; i < d->count; i++) {
        const struct barrow_diagram_node *n = &d->nodes[i];
        fprintf(to, "    n%" PRIu32 " [label=", i);
        put_quoted(to, n->title, n->detail);
        if (n->kind == DIAGRAM_MORE)
            fputs(", style=\"dashed\"", to);
        else
            fprintf(to, ", fillcolor=\"%s\"", fills[n->kind]);
        fputs(n->kind == DIAGRAM_TARGET ? ", penwidth=2, color=\"#c2410c\"];\n" : "];\n", to);
    }
    for (uint32_t i = 0; i < d->count; i++)
        if (d->nodes[i].parent != DIAGRAM_NONE)
            put_edge(to, d->nodes[i].parent, i, d->nodes[i].label, "");
    for (uint32_t i = 0; i < d->edge_count; i++)
        put_edge(to, d->edges[i].from, d->edges[i].to, d->edges[i].label, ", style=dashed");
    fputs("}\n", to);
    return 0;
}
