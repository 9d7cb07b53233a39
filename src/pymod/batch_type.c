/* barrow._core.Batch: columns that Python and Arrow read. */
#include "pymod/pymod.h"

#include "pymod/arrow.h"

struct py_batch {
    PyObject_HEAD struct batch *batch;
};

static const struct column *table_of(PyObject *self)
{
    return &((struct py_batch *)self)->batch->table;
}

PyObject *barrow_pymod_batch(struct pymod_state *state, struct batch *batch)
{
    struct py_batch *self = PyObject_New(struct py_batch, state->batch_type);
    if (self == NULL) {
        barrow_batch_release(batch);
        return NULL;
    }
    self->batch = batch;
    return (PyObject *)self;
}

static void batch_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    barrow_batch_release(((struct py_batch *)self)->batch);
    PyObject_Free(self);
    Py_DECREF(type);
}

static Py_ssize_t batch_length(PyObject *self)
{
    return (Py_ssize_t)table_of(self)->rows;
}

/* ---- values as Python objects ---- */

static int64_t int_at(const struct barrow_buffer *buffer, int64_t row)
{
    return ((const int64_t *)(const void *)buffer->bytes)[row];
}

static PyObject *value_at(const struct column *column, int64_t row);

static PyObject *struct_at(const struct column *column, int64_t row)
{
    PyObject *fields = PyTuple_New((Py_ssize_t)column->child_count);
    for (size_t i = 0; fields != NULL && i < column->child_count; i++) {
        PyObject *field = value_at(&column->children[i], row);
        if (field == NULL)
            Py_CLEAR(fields);
        else
            PyTuple_SET_ITEM(fields, (Py_ssize_t)i, field);
    }
    return fields;
}

static PyObject *values_between(const struct column *column, int64_t start, int64_t end)
{
    PyObject *items = PyList_New((Py_ssize_t)(end - start));
    for (int64_t i = start; items != NULL && i < end; i++) {
        PyObject *item = value_at(column, i);
        if (item == NULL)
            Py_CLEAR(items);
        else
            PyList_SET_ITEM(items, (Py_ssize_t)(i - start), item);
    }
    return items;
}

static PyObject *value_at(const struct column *column, int64_t row)
{
    int64_t start;

    switch (column->type) {
    case COLUMN_INT:
        return PyLong_FromLongLong(int_at(&column->values, row));
    case COLUMN_FLOAT:
        return PyFloat_FromDouble(((const double *)(const void *)column->values.bytes)[row]);
    case COLUMN_TEXT:
        start = int_at(&column->offsets, row);
        return PyUnicode_DecodeUTF8(column->text.bytes ? column->text.bytes + start : "",
                                    (Py_ssize_t)(int_at(&column->offsets, row + 1) - start), NULL);
    case COLUMN_LIST:
        return values_between(&column->children[0], int_at(&column->offsets, row),
                              int_at(&column->offsets, row + 1));
    case COLUMN_STRUCT:
        return struct_at(column, row);
    }
    Py_UNREACHABLE();
}

static PyObject *batch_names(PyObject *self, void *unused)
{
    (void)unused;
    const struct column *table = table_of(self);
    PyObject *names = PyTuple_New((Py_ssize_t)table->child_count);
    for (size_t i = 0; names != NULL && i < table->child_count; i++) {
        PyObject *name = PyUnicode_FromString(table->children[i].name);
        if (name == NULL)
            Py_CLEAR(names);
        else
            PyTuple_SET_ITEM(names, (Py_ssize_t)i, name);
    }
    return names;
}

static PyObject *batch_column(PyObject *self, PyObject *argument)
{
    const struct column *table = table_of(self);
    Py_ssize_t index = PyNumber_AsSsize_t(argument, PyExc_IndexError);

    if (index == -1 && PyErr_Occurred())
        return NULL;
    if (index < 0 || (size_t)index >= table->child_count) {
        PyErr_SetString(PyExc_IndexError, "no column of this number");
        return NULL;
    }
    return values_between(&table->children[index], 0, table->rows);
}

static PyObject *batch_rows(PyObject *self, PyObject *args)
{
    Py_ssize_t start, end, rows = batch_length(self);

    if (!PyArg_ParseTuple(args, "nn:rows", &start, &end))
        return NULL;
    if (start < 0 || end < start || end > rows) {
        PyErr_SetString(PyExc_IndexError, "no rows of these numbers");
        return NULL;
    }
    return values_between(table_of(self), start, end);
}

/* ---- Arrow ---- */

static void drop_schema(PyObject *capsule)
{
    struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, "arrow_schema");
    if (schema->release != NULL)
        schema->release(schema);
    PyMem_Free(schema);
}

static PyObject *batch_arrow_schema(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct ArrowSchema *schema = PyMem_Malloc(sizeof *schema);
    if (schema == NULL || !barrow_arrow_schema(((struct py_batch *)self)->batch, schema)) {
        PyMem_Free(schema);
        return PyErr_NoMemory();
    }
    PyObject *capsule = PyCapsule_New(schema, "arrow_schema", drop_schema);
    if (capsule == NULL) {
        schema->release(schema);
        PyMem_Free(schema);
    }
    return capsule;
}

static void drop_stream(PyObject *capsule)
{
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (stream->release != NULL)
        stream->release(stream);
    PyMem_Free(stream);
}

static PyObject *batch_arrow_stream(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct ArrowArrayStream *stream = PyMem_Malloc(sizeof *stream);
    if (stream == NULL || !barrow_arrow_stream(((struct py_batch *)self)->batch, stream)) {
        PyMem_Free(stream);
        return PyErr_NoMemory();
    }
    PyObject *capsule = PyCapsule_New(stream, "arrow_array_stream", drop_stream);
    if (capsule == NULL) {
        stream->release(stream);
        PyMem_Free(stream);
    }
    return capsule;
}

/* ---- type ---- */

static PyMethodDef batch_methods[] = {
    {"column", batch_column, METH_O, PyDoc_STR("column(index) -> list: the values of a column")},
    {"rows", batch_rows, METH_VARARGS, PyDoc_STR("rows(start, end) -> list of tuples")},
    {"arrow_schema", batch_arrow_schema, METH_NOARGS,
     PyDoc_STR("A capsule that holds an ArrowSchema")},
    {"arrow_stream", batch_arrow_stream, METH_NOARGS,
     PyDoc_STR("A capsule that holds an ArrowArrayStream of one batch")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef batch_getset[] = {
    {"names", batch_names, NULL, PyDoc_STR("names of the columns"), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot batch_slots[] = {
    {Py_tp_dealloc, batch_dealloc},
    {Py_tp_methods, batch_methods},
    {Py_tp_getset, batch_getset},
    {Py_mp_length, batch_length},
    {Py_tp_doc, "Columns of equal length."},
    {0, NULL},
};

PyType_Spec barrow_pymod_batch_spec = {
    .name = "barrow._core.Batch",
    .basicsize = sizeof(struct py_batch),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = batch_slots,
};
