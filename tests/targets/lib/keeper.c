/* keeper: an extension module that leaks in the two ways C code does.
 *
 * keep(object) puts a reference in an array that no traverse shows.  pack(text, times) returns new
 * bytes and takes one reference too many of them.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject **kept;
static size_t count, room;

static PyObject *keep(PyObject *self, PyObject *object)
{
    (void)self;
    if (count == room) {
        room = room ? room * 2 : 64;
        PyObject **more = realloc(kept, room * sizeof *kept);
        if (!more)
            return PyErr_NoMemory();
        kept = more;
    }
    Py_INCREF(object);
    kept[count++] = object;
    Py_RETURN_NONE;
}

static PyObject *pack(PyObject *self, PyObject *args)
{
    const char *text;
    Py_ssize_t length;
    int times;

    (void)self;
    if (!PyArg_ParseTuple(args, "s#i", &text, &length, &times))
        return NULL;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, length * times);
    if (!bytes)
        return NULL;
    for (int i = 0; i < times; i++)
        memcpy(PyBytes_AS_STRING(bytes) + i * length, text, (size_t)length);
    Py_INCREF(bytes); /* the mistake */
    return bytes;
}

static PyMethodDef methods[] = {
    {"keep", keep, METH_O, NULL},
    {"pack", pack, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "keeper", .m_size = -1,
                                    .m_methods = methods};

PyMODINIT_FUNC PyInit_keeper(void)
{
    return PyModule_Create(&module);
}
