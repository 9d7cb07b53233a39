#include "cpython/object.h"

#include "internal/pycore_interp.h"

void barrow_code_look(PyCodeObject *code, struct barrow_code_view *view)
{
    view->first_instruction = (uintptr_t)code->co_code_adaptive;
    view->code_bytes = (uint64_t)Py_SIZE(code) * sizeof(_Py_CODEUNIT);
    view->first_line = code->co_firstlineno > 0 ? (uint32_t)code->co_firstlineno : 0;
    view->file = code->co_filename;
    view->qualified_name = code->co_qualname;
    view->line_table = PyBytes_AS_STRING(code->co_linetable);
    view->line_table_bytes = (uint32_t)PyBytes_GET_SIZE(code->co_linetable);
}

static uint32_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

const char *barrow_text_look(PyObject *text, char *buffer, uint32_t limit, uint32_t *bytes)
{
    *bytes = 0;
    if (!text || !PyUnicode_Check(text))
        return buffer;
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    if (PyUnicode_IS_COMPACT_ASCII(text)) {
        *bytes = length < (Py_ssize_t)limit ? (uint32_t)length : limit;
        return (const char *)PyUnicode_1BYTE_DATA(text);
    }
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    uint32_t n = 0;
    for (Py_ssize_t i = 0; i < length && n + 4 <= limit; i++)
        n += put_utf8(buffer + n, PyUnicode_READ(kind, data, i));
    *bytes = n;
    return buffer;
}

bool barrow_state_has_own_lock(const PyThreadState *state)
{
#if PY_VERSION_HEX >= 0x030C0000
    return state->interp != PyInterpreterState_Main() && state->interp->ceval.own_gil;
#else
    (void)state;
    return false;
#endif
}

/* True if frame object `public` shows the code and instruction of `f`. */
static bool same_frame(PyFrameObject *public, const barrow_frame *f)
{
    PyCodeObject *code = PyFrame_GetCode(public);
    struct barrow_code_view view;
    barrow_code_look(code, &view);
    bool same = code == barrow_frame_code(f) &&
                (int64_t)PyFrame_GetLasti(public) ==
                    (int64_t)(barrow_frame_instruction(f) - view.first_instruction);
    Py_DECREF(code);
    return same;
}

static barrow_frame *skip_shims(barrow_frame *f)
{
    while (f && barrow_frame_is_hidden(f))
        f = barrow_frame_previous(f);
    return f;
}

bool barrow_frames_self_check(const char **reason)
{
    PyFrameObject *public = PyEval_GetFrame();
    barrow_frame *f = skip_shims(barrow_frame_top(PyThreadState_Get()));
    Py_XINCREF(public);
    *reason = NULL;
    while (public && f) {
        if (!same_frame(public, f)) {
            *reason = "a frame's code or instruction differs from the interpreter's own answer";
            break;
        }
        PyFrameObject *back = PyFrame_GetBack(public);
        Py_DECREF(public);
        public = back;
        f = skip_shims(barrow_frame_previous(f));
    }
    if (!*reason && (public || f))
        *reason = "the walk is longer or shorter than the interpreter's own";
    Py_XDECREF(public);
    return *reason == NULL;
}
