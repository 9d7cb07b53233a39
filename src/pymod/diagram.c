/* Boxes and arrows as a picture: barrow._core.diagram_svg(). */
#include "pymod/pymod.h"

#include <stdio.h>
#include <stdlib.h>

#include "export/diagram.h"

static int kind_of(const char *word)
{
    for (int kind = DIAGRAM_ROOT; kind <= DIAGRAM_MORE; kind++)
        if (strcmp(barrow_diagram_kinds[kind], word) == 0)
            return kind;
    PyErr_Format(PyExc_ValueError, "no kind of box: %s", word);
    return -1;
}

/* (title, detail, kind, parent or -1, label); texts stay the objects'. */
static bool take_node(PyObject *row, Py_ssize_t at, struct barrow_diagram_node *node)
{
    const char *kind;
    Py_ssize_t parent;
    int number;
    if (!PyTuple_Check(row) || !PyArg_ParseTuple(row, "sssns:node", &node->title, &node->detail,
                                                 &kind, &parent, &node->label))
        return false;
    if ((number = kind_of(kind)) < 0)
        return false;
    if (parent >= at) {
        PyErr_SetString(PyExc_ValueError, "parents come before their children");
        return false;
    }
    node->kind = (enum barrow_diagram_kind)number;
    node->parent = parent < 0 ? DIAGRAM_NONE : (uint32_t)parent;
    node->beside = DIAGRAM_NONE;
    return true;
}

static bool take_edge(PyObject *row, Py_ssize_t nodes, struct barrow_diagram_edge *edge)
{
    Py_ssize_t from, to;
    if (!PyTuple_Check(row) || !PyArg_ParseTuple(row, "nns:edge", &from, &to, &edge->label))
        return false;
    if (from < 0 || to < 0 || from >= nodes || to >= nodes) {
        PyErr_SetString(PyExc_ValueError, "an arrow between boxes that aren't there");
        return false;
    }
    edge->from = (uint32_t)from;
    edge->to = (uint32_t)to;
    return true;
}

static PyObject *draw(PyObject *module, const struct barrow_diagram *diagram)
{
    struct barrow_error err;
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    if (!to)
        return PyErr_NoMemory();
    int result = barrow_diagram_svg(diagram, to, &err);
    PyObject *answer = NULL;
    if (fclose(to) != 0 && result == 0)
        result = barrow_fail(&err, BARROW_E_NO_MEMORY, "no memory for a picture");
    if (result == 0)
        answer = PyUnicode_DecodeUTF8(text, (Py_ssize_t)bytes, "replace");
    else
        barrow_pymod_raise(barrow_pymod_state(module), &err);
    free(text);
    return answer;
}

static PyObject *diagram_svg(PyObject *module, PyObject *args)
{
    PyObject *nodes, *edges, *answer = NULL;
    struct barrow_diagram diagram = {0};
    if (!PyArg_ParseTuple(args, "sO!O!:diagram_svg", &diagram.title, &PyList_Type, &nodes,
                          &PyList_Type, &edges))
        return NULL;
    Py_ssize_t count = PyList_GET_SIZE(nodes), edge_count = PyList_GET_SIZE(edges);
    struct barrow_diagram_node *boxes = PyMem_RawCalloc((size_t)count + 1, sizeof *boxes);
    struct barrow_diagram_edge *arrows = PyMem_RawCalloc((size_t)edge_count + 1, sizeof *arrows);
    bool ok = boxes && arrows;
    if (!ok)
        PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < count && ok; i++)
        ok = take_node(PyList_GET_ITEM(nodes, i), i, &boxes[i]);
    for (Py_ssize_t i = 0; i < edge_count && ok; i++)
        ok = take_edge(PyList_GET_ITEM(edges, i), count, &arrows[i]);
    if (ok) {
        diagram.nodes = boxes;
        diagram.count = (uint32_t)count;
        diagram.edges = arrows;
        diagram.edge_count = (uint32_t)edge_count;
        answer = draw(module, &diagram);
    } else if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_TypeError, "diagram_svg(title, boxes, arrows) takes lists of tuples");
    }
    PyMem_RawFree(boxes);
    PyMem_RawFree(arrows);
    return answer;
}

PyMethodDef barrow_diagram_methods[] = {
    {"diagram_svg", diagram_svg, METH_VARARGS,
     "diagram_svg(title, [(title, detail, kind, parent, label)], [(from, to, label)])\n\nSVG."},
    {NULL, NULL, 0, NULL},
};
