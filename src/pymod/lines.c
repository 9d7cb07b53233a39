/* The line profiler's functions of barrow._core. */
#include "pymod/pymod.h"

#include "cpython/line_events.h"
#include "lines/lines.h"

static PyObject *none_or_error(int result)
{
    return result < 0 ? NULL : Py_NewRef(Py_None);
}

static bool is_code(PyObject *object)
{
    if (!PyCode_Check(object))
        PyErr_Format(PyExc_TypeError, "a code object is needed, not %s", Py_TYPE(object)->tp_name);
    return PyCode_Check(object);
}

static PyObject *lines_choose(PyObject *module, PyObject *code)
{
    (void)module;
    return is_code(code) ? none_or_error(barrow_lines_choose((PyCodeObject *)code)) : NULL;
}

static PyObject *lines_drop(PyObject *module, PyObject *code)
{
    (void)module;
    return is_code(code) ? none_or_error(barrow_lines_drop((PyCodeObject *)code)) : NULL;
}

static PyObject *lines_choose_matching(PyObject *module, PyObject *patterns)
{
    const char *text = PyUnicode_AsUTF8(patterns);
    (void)module;
    return text ? none_or_error(barrow_lines_choose_matching(text)) : NULL;
}

static PyObject *lines_measure_rss(PyObject *module, PyObject *yes)
{
    int truth = PyObject_IsTrue(yes);
    (void)module;
    if (truth >= 0)
        barrow_lines_measure_rss(truth);
    return none_or_error(truth);
}

static PyObject *lines_figures(PyObject *module, PyObject *code)
{
    struct ledger_line *lines;
    uint32_t count;
    (void)module;
    if (!is_code(code))
        return NULL;
    PyObject *figures = PyDict_New();
    barrow_lines_figures((PyCodeObject *)code, &lines, &count);
    for (uint32_t i = 0; figures && i < count; i++) {
        const struct ledger_line l = lines[i]; /* what follows may run other threads */
        if (l.occurrences == 0 && l.increment_bytes == 0)
            continue;
        PyObject *line = PyLong_FromUnsignedLong(l.line);
        PyObject *row =
            Py_BuildValue("(KLKK)", l.occurrences, l.increment_bytes, l.memory_bytes, l.peak_bytes);
        if (!line || !row || PyDict_SetItem(figures, line, row) < 0)
            Py_CLEAR(figures);
        Py_XDECREF(line);
        Py_XDECREF(row);
    }
    return figures;
}

static PyObject *lines_reset(PyObject *module, PyObject *code)
{
    struct ledger_line *lines;
    uint32_t count;
    (void)module;
    if (!is_code(code))
        return NULL;
    barrow_lines_figures((PyCodeObject *)code, &lines, &count);
    for (uint32_t i = 0; i < count; i++)
        lines[i] = (struct ledger_line){.code = lines[i].code, .line = lines[i].line};
    Py_RETURN_NONE;
}

static PyObject *lines_enter(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return none_or_error(barrow_line_events_enter());
}

static PyObject *lines_leave(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return none_or_error(barrow_line_events_leave());
}

static PyObject *lines_everywhere(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return none_or_error(barrow_line_events_everywhere());
}

PyMethodDef barrow_lines_methods[] = {
    {"lines_choose", lines_choose, METH_O, NULL},
    {"lines_drop", lines_drop, METH_O, NULL},
    {"lines_choose_matching", lines_choose_matching, METH_O, NULL},
    {"lines_measure_rss", lines_measure_rss, METH_O, NULL},
    {"lines_figures", lines_figures, METH_O, NULL},
    {"lines_reset", lines_reset, METH_O, NULL},
    {"lines_enter", lines_enter, METH_NOARGS, NULL},
    {"lines_leave", lines_leave, METH_NOARGS, NULL},
    {"lines_everywhere", lines_everywhere, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
