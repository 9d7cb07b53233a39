#include "pymod/pymod.h"

struct pymod_state *barrow_pymod_state(PyObject *module)
{
    return PyModule_GetState(module);
}

PyObject *barrow_pymod_raise(const struct pymod_state *state, const struct barrow_error *err)
{
    switch (err->code) {
    case BARROW_E_USAGE:
        PyErr_SetString(PyExc_ValueError, err->text);
        break;
    case BARROW_E_NO_MEMORY:
        PyErr_NoMemory();
        break;
    case BARROW_E_IO:
    case BARROW_E_FORMAT:
        PyErr_SetString(state->ledger_error, err->text);
        break;
    default:
        PyErr_SetString(state->error, err->text);
    }
    return NULL;
}

static int add_exceptions(PyObject *module, struct pymod_state *state)
{
    state->error = PyErr_NewExceptionWithDoc(
        "barrow.Error", "What went wrong in barrow; the text says where and what to do.", NULL,
        NULL);
    if (state->error == NULL || PyModule_AddObjectRef(module, "Error", state->error) < 0)
        return -1;
    state->ledger_error = PyErr_NewExceptionWithDoc(
        "barrow.LedgerError",
        "A ledger can't be read (it is missing, damaged or foreign) or can't be written.",
        state->error, NULL);
    if (state->ledger_error == NULL)
        return -1;
    return PyModule_AddObjectRef(module, "LedgerError", state->ledger_error);
}

static int add_type(PyObject *module, PyTypeObject **type, PyType_Spec *spec)
{
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return *type == NULL ? -1 : PyModule_AddType(module, *type);
}

static int module_exec(PyObject *module)
{
    struct pymod_state *state = barrow_pymod_state(module);
    if (add_exceptions(module, state) < 0)
        return -1;
    if (add_type(module, &state->profile_type, &barrow_pymod_profile_spec) < 0 ||
        add_type(module, &state->batch_type, &barrow_pymod_batch_spec) < 0 ||
        add_type(module, &state->sampler_type, &barrow_pymod_sampler_spec) < 0)
        return -1;
    if (PyModule_AddFunctions(module, barrow_reader_methods) < 0 ||
        PyModule_AddFunctions(module, barrow_stats_methods) < 0)
        return -1;
    if (PyModule_AddFunctions(module, barrow_record_methods) < 0 ||
        PyModule_AddFunctions(module, barrow_lines_methods) < 0 ||
        PyModule_AddFunctions(module, barrow_dig_methods) < 0 ||
        PyModule_AddFunctions(module, barrow_watch_methods) < 0)
        return -1;
    if (PyModule_AddFunctions(module, barrow_heap_size_methods) < 0 ||
        PyModule_AddFunctions(module, barrow_heap_census_methods) < 0 ||
        PyModule_AddFunctions(module, barrow_heap_births_methods) < 0 ||
        PyModule_AddFunctions(module, barrow_heap_growth_methods) < 0 ||
        PyModule_AddFunctions(module, barrow_tracker_methods) < 0 ||
        PyModule_AddFunctions(module, barrow_diagram_methods) < 0 ||
        PyModule_AddFunctions(module, barrow_heap_links_methods) < 0 ||
        PyModule_AddFunctions(module, barrow_heap_why_methods) < 0)
        return -1;
    return PyModule_AddStringConstant(module, "__version__", BARROW_VERSION);
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    struct pymod_state *state = barrow_pymod_state(module);
    Py_VISIT(state->error);
    Py_VISIT(state->ledger_error);
    Py_VISIT(state->profile_type);
    Py_VISIT(state->batch_type);
    Py_VISIT(state->sampler_type);
    return 0;
}

static int module_clear(PyObject *module)
{
    struct pymod_state *state = barrow_pymod_state(module);
    Py_CLEAR(state->error);
    Py_CLEAR(state->ledger_error);
    Py_CLEAR(state->profile_type);
    Py_CLEAR(state->batch_type);
    Py_CLEAR(state->sampler_type);
    return 0;
}

static void module_free(void *module)
{
    module_clear(module);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#ifdef Py_mod_multiple_interpreters
    /* Interpreters that share the GIL, not those with one of their own. */
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_SUPPORTED},
#endif
    {0, NULL},
};

static PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "barrow._core",
    .m_doc = "barrow's engine; use the package barrow instead.",
    .m_size = sizeof(struct pymod_state),
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC PyInit__core(void)
{
    return PyModuleDef_Init(&module_def);
}
