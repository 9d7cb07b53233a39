/* Statistics of repeated measurements, for the Python side's comparisons. */
#include "pymod/pymod.h"

#include "table/stats.h"

/* A sequence of numbers as an array, to be freed by PyMem_Free(); NULL: an exception is set. */
static double *take_numbers(PyObject *sequence, size_t *count)
{
    PyObject *list = PySequence_List(sequence);
    if (list == NULL)
        return NULL;
    Py_ssize_t length = PyList_GET_SIZE(list);
    double *numbers = PyMem_New(double, length ? length : 1);
    if (numbers == NULL)
        PyErr_NoMemory();
    for (Py_ssize_t i = 0; numbers != NULL && i < length; i++) {
        numbers[i] = PyFloat_AsDouble(PyList_GET_ITEM(list, i));
        if (numbers[i] == -1 && PyErr_Occurred()) {
            PyMem_Free(numbers);
            numbers = NULL;
        }
    }
    Py_DECREF(list);
    *count = (size_t)length;
    return numbers;
}

static PyObject *mann_whitney(PyObject *module, PyObject *args)
{
    PyObject *first, *second, *result = NULL;
    double *a = NULL, *b = NULL;
    size_t a_count, b_count;
    (void)module;
    if (!PyArg_ParseTuple(args, "OO:mann_whitney", &first, &second))
        return NULL;
    a = take_numbers(first, &a_count);
    b = a ? take_numbers(second, &b_count) : NULL;
    if (b)
        result = PyFloat_FromDouble(barrow_stats_mann_whitney(a, a_count, b, b_count));
    PyMem_Free(b);
    PyMem_Free(a);
    return result;
}

PyMethodDef barrow_stats_methods[] = {
    {"mann_whitney", mann_whitney, METH_VARARGS,
     "mann_whitney(a, b)\n\nThe two-sided p of the Mann-Whitney test; NaN without values."},
    {NULL, NULL, 0, NULL},
};
