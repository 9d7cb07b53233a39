#include "cpython/roots.h"

#include "internal/pycore_code.h"
#include "internal/pycore_interp.h"

#if PY_VERSION_HEX >= 0x030D0000
#define CODECS(X)                                   \
    X(codecs.search_path, "codec search functions") \
    X(codecs.search_cache, "codecs")                \
    X(codecs.error_registry, "codec error handlers")
#else
#define CODECS(X)                                  \
    X(codec_search_path, "codec search functions") \
    X(codec_search_cache, "codecs")                \
    X(codec_error_registry, "codec error handlers")
#endif

#if PY_VERSION_HEX >= 0x030C0000
#define IMPORTS(X)                                  \
    X(imports.modules, "sys.modules")               \
    X(imports.modules_by_index, "modules by index") \
    X(imports.importlib, "importlib")               \
    X(imports.import_func, "__import__")            \
    X(sysdict_copy, "copy of sys")
#else
#define IMPORTS(X)                          \
    X(modules, "sys.modules")               \
    X(modules_by_index, "modules by index") \
    X(importlib, "importlib")               \
    X(import_func, "__import__")
#endif

#define OWN(X)                  \
    X(sysdict, "sys")           \
    X(dict, "interpreter dict") \
    IMPORTS(X)                  \
    CODECS(X)

#define HOOKS(X)                                    \
    X(before_forkers, "before fork")                \
    X(after_forkers_parent, "after fork in parent") \
    X(after_forkers_child, "after fork in child")   \
    X(audit_hooks, "audit hooks")                   \
    X(gc.callbacks, "gc.callbacks")

static void visit_exit_functions(PyInterpreterState *interp, barrow_root_visit *visit,
                                 void *context)
{
#if PY_VERSION_HEX >= 0x030E0000
    if (interp->atexit.callbacks)
        visit(context, BARROW_HOLDER_CALLBACKS, "atexit", interp->atexit.callbacks);
#else
    for (int i = 0; i < interp->atexit.ncallbacks; i++) {
        if (!interp->atexit.callbacks[i])
            continue;
        PyObject *parts[] = {interp->atexit.callbacks[i]->func, interp->atexit.callbacks[i]->args,
                             interp->atexit.callbacks[i]->kwargs};
        for (int k = 0; k < 3; k++)
            if (parts[k])
                visit(context, BARROW_HOLDER_CALLBACKS, "atexit", parts[k]);
    }
#endif
}

static void visit_monitoring(PyInterpreterState *interp, barrow_root_visit *visit, void *context)
{
#if PY_VERSION_HEX >= 0x030C0000
    for (int tool = 0; tool < PY_MONITORING_TOOL_IDS; tool++) {
        if (interp->monitoring_tool_names[tool])
            visit(context, BARROW_HOLDER_CALLBACKS, "monitoring tool",
                  interp->monitoring_tool_names[tool]);
        for (int event = 0; event < _PY_MONITORING_EVENTS; event++)
            if (interp->monitoring_callables[tool][event])
                visit(context, BARROW_HOLDER_CALLBACKS, "sys.monitoring",
                      interp->monitoring_callables[tool][event]);
    }
#else
    (void)interp, (void)visit, (void)context;
#endif
}

void barrow_interpreter_roots(PyInterpreterState *interp, barrow_root_visit *visit, void *context)
{
#define X(field, words) \
    if (interp->field)  \
        visit(context, BARROW_HOLDER_INTERPRETER, words, (PyObject *)interp->field);
    OWN(X)
#undef X
#define X(field, words) \
    if (interp->field)  \
        visit(context, BARROW_HOLDER_CALLBACKS, words, interp->field);
    HOOKS(X)
#undef X
    if (interp->builtins)
        visit(context, BARROW_HOLDER_BUILTINS, "builtins", interp->builtins);
    if (interp->builtins_copy)
        visit(context, BARROW_HOLDER_BUILTINS, "copy of builtins", interp->builtins_copy);
    if (interp->gc.garbage)
        visit(context, BARROW_HOLDER_GARBAGE, "gc.garbage", interp->gc.garbage);
    visit_exit_functions(interp, visit, context);
    visit_monitoring(interp, visit, context);
}

void barrow_thread_roots(PyThreadState *thread, barrow_root_visit *visit, void *context)
{
#if PY_VERSION_HEX >= 0x030C0000
#define RAISED(X) X(current_exception, "exception being raised")
#else
#define RAISED(X)                             \
    X(curexc_type, "exception being raised")  \
    X(curexc_value, "exception being raised") \
    X(curexc_traceback, "exception being raised")
#endif
#define THREAD(X)                                           \
    X(dict, "thread dict")                                  \
    X(c_profileobj, "sys.setprofile")                       \
    X(c_traceobj, "sys.settrace")                           \
    X(async_exc, "asynchronous exception")                  \
    X(async_gen_firstiter, "hook of async generators")      \
    X(async_gen_finalizer, "finalizer of async generators") \
    X(context, "context variables")                         \
    RAISED(X)
#define X(field, words) \
    if (thread->field)  \
        visit(context, BARROW_HOLDER_THREAD, words, thread->field);
    THREAD(X)
#undef X
    /* Items of suspended generators are theirs; the thread's own is the last one. */
    for (_PyErr_StackItem *item = thread->exc_info; item; item = item->previous_item)
        if (item->exc_value && item == &thread->exc_state)
            visit(context, BARROW_HOLDER_THREAD, "exception being handled", item->exc_value);
}

void barrow_frame_roots(const barrow_frame *f, barrow_root_visit *visit, void *context)
{
    PyObject *function = barrow_frame_function(f);
    visit(context, BARROW_HOLDER_THREAD, "code", (PyObject *)barrow_frame_code(f));
    if (function)
        visit(context, BARROW_HOLDER_THREAD, "function", function);
    if (f->f_locals)
        visit(context, BARROW_HOLDER_THREAD, "namespace", f->f_locals);
    if (f->frame_obj)
        visit(context, BARROW_HOLDER_THREAD, "frame object", (PyObject *)f->frame_obj);
}

uint32_t barrow_frame_line(const barrow_frame *f)
{
    PyCodeObject *code = barrow_frame_code(f);
    int64_t offset = (int64_t)(barrow_frame_instruction(f) - (uintptr_t)code->co_code_adaptive);
    int line = offset < 0 ? code->co_firstlineno : PyCode_Addr2Line(code, (int)offset);
    return line > 0 ? (uint32_t)line : 0;
}
