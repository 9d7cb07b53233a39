/* The recorder's functions of barrow._core. */
#include <string.h>
#include <unistd.h>

#include "cpython/object.h"
#include "lines/lines.h"
#include "pymod/dig.h"
#include "pymod/pymod.h"
#include "record/recorder.h"

/* Imports a module without leaving a trace in sys.modules that wouldn't be there anyway. */
static PyObject *import_quietly(const char *name)
{
    PyObject *modules = PyImport_GetModuleDict(); /* borrowed */
    bool was_there = PyDict_GetItemString(modules, name) != NULL;
    PyObject *module = PyImport_ImportModule(name);
    if (module && !was_there && PyDict_DelItemString(modules, name) < 0)
        PyErr_Clear();
    return module;
}

/* ---- the collector ---- */

static long item_number(PyObject *info, const char *name)
{
    PyObject *value = PyDict_GetItemString(info, name);
    long number = value ? PyLong_AsLong(value) : 0;
    if (number == -1 && PyErr_Occurred())
        PyErr_Clear();
    return number > 0 ? number : 0;
}

static PyObject *gc_callback(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    if (count == 2 && PyUnicode_Check(args[0]) && PyDict_Check(args[1])) {
        int generation = (int)item_number(args[1], "generation");
        if (PyUnicode_CompareWithASCIIString(args[0], "start") == 0)
            barrow_gc_started(generation);
        else
            barrow_gc_stopped(generation, (uint64_t)item_number(args[1], "collected"),
                              (uint64_t)item_number(args[1], "uncollectable"));
    }
    Py_RETURN_NONE;
}

static PyMethodDef gc_callback_method = {
    "barrow_gc_callback", (PyCFunction)(void (*)(void))gc_callback, METH_FASTCALL, NULL};

/* Adds our function to gc.callbacks, or takes it out. */
static int watch_collector(bool watch)
{
    static PyObject *callback;
    PyObject *gc = import_quietly("gc");
    PyObject *list = gc ? PyObject_GetAttrString(gc, "callbacks") : NULL;
    int result = -1;
    if (!callback)
        callback = PyCFunction_New(&gc_callback_method, NULL);
    if (list && callback && PyList_Check(list)) {
        int is_there = PySequence_Contains(list, callback);
        if (watch && is_there == 0)
            result = PyList_Append(list, callback);
        else if (!watch && is_there == 1)
            result = PySequence_DelItem(list, PySequence_Index(list, callback));
        else
            result = is_there < 0 ? -1 : 0;
    }
    Py_XDECREF(list);
    Py_XDECREF(gc);
    return result;
}

/* ---- what the ledger says about the process ---- */

/* sys.orig_argv, each item ended by NUL. */
static uint32_t read_command(char *out, uint32_t limit)
{
    PyObject *argv = PySys_GetObject("orig_argv"); /* borrowed */
    uint32_t used = 0;
    for (Py_ssize_t i = 0; argv && PyList_Check(argv) && i < PyList_GET_SIZE(argv); i++) {
        uint32_t bytes;
        char buffer[2048];
        const char *text =
            barrow_text_look(PyList_GET_ITEM(argv, i), buffer, sizeof buffer, &bytes);
        if (used + bytes + 1 > limit)
            break;
        memcpy(out + used, text, bytes);
        out[used + bytes] = '\0';
        used += bytes + 1;
    }
    return used;
}

static void add_sys_path(void)
{
    PyObject *path = PySys_GetObject("path"); /* borrowed */
    for (Py_ssize_t i = 0; path && PyList_Check(path) && i < PyList_GET_SIZE(path); i++) {
        uint32_t bytes;
        char text[4096], buffer[4096];
        const char *at = barrow_text_look(PyList_GET_ITEM(path, i), buffer, sizeof buffer, &bytes);
        if (bytes == 0 || bytes >= sizeof text)
            continue;
        memcpy(text, at, bytes);
        text[bytes] = '\0';
        barrow_recorder_add_sys_path(text);
    }
}

struct process_words { /* that the options of a recording refer to */
    char command[2048], executable[512];
};

static void describe_process(struct barrow_recorder_options *options, struct process_words *words)
{
    char buffer[512];
    PyObject *name = PySys_GetObject("executable"); /* borrowed */
    uint32_t bytes = 0;
    const char *text = barrow_text_look(name, buffer, sizeof buffer - 1, &bytes);
    memcpy(words->executable, text, bytes < 511 ? bytes : 511);
    words->executable[bytes < 511 ? bytes : 511] = '\0';
    options->executable = words->executable;
    options->python_version = Py_GetVersion();
    options->python_hexversion = (uint32_t)Py_Version;
    options->command = words->command;
    options->command_bytes = read_command(words->command, sizeof words->command);
}

void barrow_pymod_describe(struct ledger_header *header)
{
    struct barrow_recorder_options options = {.is_root = true};
    struct process_words words;
    barrow_recorder_new_run_id(options.run_id);
    describe_process(&options, &words);
    barrow_recorder_describe(header, &options);
}

static int start(struct barrow_recorder_options *options, const char **note,
                 struct barrow_error *err)
{
    struct process_words words;
    const char *reason;
    if (!barrow_frames_self_check(&reason))
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "this interpreter's frames aren't as barrow knows them (%s)", reason);
    describe_process(options, &words);
    if (barrow_recorder_start(options, note, err) != 0)
        return -1;
    add_sys_path();
    if (watch_collector(true) < 0)
        PyErr_Clear();
    return 0;
}

/* ---- barrow run ---- */

static bool is_quiet;

static PyObject *at_exit(PyObject *self, PyObject *unused)
{
    struct barrow_error err;
    (void)self;
    (void)unused;
    if (!barrow_recorder_is_on() && !barrow_recorder_ended_early())
        Py_RETURN_NONE;
    add_sys_path();
    if (barrow_recorder_is_on())
        barrow_dig_at_exit(is_quiet);
    barrow_recorder_stop(LEDGER_END_EXIT, true, &err);
    barrow_recorder_say_goodbye();
    Py_RETURN_NONE;
}

static PyMethodDef at_exit_method = {"barrow_at_exit", at_exit, METH_NOARGS, NULL};

static int register_at_exit(void)
{
    PyObject *function = PyCFunction_New(&at_exit_method, NULL);
    PyObject *module = import_quietly("atexit");
    PyObject *result =
        function && module ? PyObject_CallMethod(module, "register", "O", function) : NULL;
    Py_XDECREF(function);
    Py_XDECREF(module);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

/* "key=value,key=value" of BARROW_OPTIONS. */
static void read_options(const char *text, struct barrow_recorder_options *o,
                         struct barrow_dig_plan *dig)
{
    while (text && *text) {
        const char *equal = strchr(text, '=');
        const char *end = strchrnul(text, ',');
        if (!equal || equal > end)
            break;
        size_t n = (size_t)(equal - text);
        const char *value = equal + 1;
        bool yes = *value == '1';
        if (n == 5 && memcmp(text, "scope", n) == 0)
            o->scope = strncmp(value, "system", 6) == 0 ? LEDGER_SCOPE_SYSTEM : LEDGER_SCOPE_ALL;
        else if (n == 9 && memcmp(text, "max_table", n) == 0)
            o->max_table_bytes = strtoull(value, NULL, 10);
        else if (n == 8 && memcmp(text, "children", n) == 0)
            o->children = yes;
        else if (n == 5 && memcmp(text, "quiet", n) == 0)
            o->quiet = yes;
        else if (n == 5 && memcmp(text, "check", n) == 0)
            o->check = yes;
        else if (n == 3 && memcmp(text, "rss", n) == 0)
            barrow_lines_measure_rss(yes);
        else if (n == 3 && memcmp(text, "dig", n) == 0)
            dig->at_exit = yes;
        else if (n == 8 && memcmp(text, "dig_peak", n) == 0)
            dig->at_peak = yes;
        else if (n == 8 && memcmp(text, "dig_mark", n) == 0)
            dig->at_bytes = strtoll(value, NULL, 10);
        else if (n == 10 && memcmp(text, "dig_signal", n) == 0)
            dig->signal = atoi(value);
        text = *end ? end + 1 : end;
    }
}

static int read_run_id(const char *text, uint8_t id[16])
{
    for (int i = 0; i < 32; i++) {
        const char *digits = "0123456789abcdef", *at = text[i] ? strchr(digits, text[i]) : NULL;
        if (!at)
            return -1;
        id[i / 2] = (uint8_t)(id[i / 2] << 4 | (at - digits));
    }
    return text[32] ? -1 : 0;
}

/* Descendants are to be left alone: they must not find our variables. */
static void clear_environment(void)
{
    static const char *const names[] = {"BARROW_RUN", "BARROW_OUT", "BARROW_ROOT", "BARROW_OPTIONS",
                                        "BARROW_LINES"};
    PyObject *os = PyImport_ImportModule("os");
    PyObject *environment = os ? PyObject_GetAttrString(os, "environ") : NULL;
    for (size_t i = 0; environment && i < sizeof names / sizeof names[0]; i++) {
        PyObject *r = PyObject_CallMethod(environment, "pop", "sO", names[i], Py_None);
        Py_XDECREF(r);
    }
    Py_XDECREF(environment);
    Py_XDECREF(os);
    PyErr_Clear();
}

static PyObject *start_from_environment(PyObject *module, PyObject *unused)
{
    static char path[4096];
    const char *run = getenv("BARROW_RUN"), *out = getenv("BARROW_OUT"),
               *root = getenv("BARROW_ROOT");
    struct barrow_recorder_options options = {.children = true};
    struct barrow_dig_plan dig = {0};
    struct barrow_error err;
    const char *note;
    (void)unused;
    if (!run || !out || !root || read_run_id(run, options.run_id) != 0 || barrow_recorder_is_on())
        Py_RETURN_NONE;
    read_options(getenv("BARROW_OPTIONS"), &options, &dig);
    options.is_root = atol(root) == (long)getpid();
    options.root_path = out;
    options.path = out;
    if (!options.is_root || access(out, F_OK) == 0) {
        barrow_child_path(path, sizeof path, out, (int)getpid(), options.run_id);
        options.path = path;
    }
    if (start(&options, &note, &err) != 0)
        return barrow_pymod_raise(barrow_pymod_state(module), &err);
    if (!options.children)
        clear_environment();
    if (note && options.is_root && !options.quiet)
        barrow_recorder_say(note);
    is_quiet = options.quiet || !options.is_root;
    barrow_dig_prepare((PyTypeObject *)barrow_pymod_state(module)->error, "");
    barrow_dig_plan(&dig);
    if (register_at_exit() < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* ---- from the program ---- */

static PyObject *record_start(PyObject *module, PyObject *args)
{
    const char *path, *scope, *note;
    unsigned long long max_table;
    struct barrow_recorder_options options = {.is_root = true, .quiet = true, .children = true};
    struct barrow_error err;
    char full[4096];
    if (!PyArg_ParseTuple(args, "zsK:record_start", &path, &scope, &max_table))
        return NULL;
    if (path && path[0] != '/') { /* children derive their names from it, wherever they are */
        char directory[2048];
        if (!getcwd(directory, sizeof directory))
            return PyErr_SetFromErrno(PyExc_OSError);
        snprintf(full, sizeof full, "%s/%s", directory, path);
        path = full;
    }
    options.path = path;
    options.children = path != NULL;
    options.scope = strcmp(scope, "system") == 0 ? LEDGER_SCOPE_SYSTEM : LEDGER_SCOPE_ALL;
    options.max_table_bytes = max_table;
    barrow_recorder_new_run_id(options.run_id);
    if (start(&options, &note, &err) != 0)
        return barrow_pymod_raise(barrow_pymod_state(module), &err);
    Py_RETURN_NONE;
}

static PyObject *record_stop(PyObject *module, PyObject *unused)
{
    struct barrow_error err;
    (void)unused;
    add_sys_path();
    if (barrow_recorder_stop(LEDGER_END_STOP, false, &err) != 0)
        return barrow_pymod_raise(barrow_pymod_state(module), &err);
    if (watch_collector(false) < 0)
        PyErr_Clear();
    return PyUnicode_DecodeFSDefault(barrow_recorder_path());
}

static PyObject *recording(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyBool_FromLong(barrow_recorder_is_on());
}

static PyObject *record_path(PyObject *module, PyObject *unused)
{
    (void)unused;
    if (!barrow_recorder_is_on()) {
        PyErr_SetString(barrow_pymod_state(module)->error, "nothing is being recorded");
        return NULL;
    }
    return PyUnicode_DecodeFSDefault(barrow_recorder_path());
}

static PyObject *region_start(PyObject *module, PyObject *unused)
{
    (void)unused;
    int id = barrow_region_start();
    if (id < 0) {
        PyErr_SetString(barrow_pymod_state(module)->error, "no room for another region");
        return NULL;
    }
    return PyLong_FromLong(id);
}

static PyObject *region_stop(PyObject *module, PyObject *number)
{
    struct barrow_region_result r;
    long id = PyLong_AsLong(number);
    if (id == -1 && PyErr_Occurred())
        return NULL;
    if (barrow_region_stop((int)id, &r) != 0) {
        PyErr_SetString(barrow_pymod_state(module)->error, "this region is not open");
        return NULL;
    }
    return Py_BuildValue("{s:d,s:d,s:K,s:d,s:L,s:L,s:K,s:K,s:K,s:K,s:K}", "start_s",
                         (double)r.start_ns / 1e9, "stop_s", (double)r.stop_ns / 1e9, "peak_bytes",
                         r.peak_bytes, "peak_time_s", (double)r.peak_ns / 1e9, "live_bytes",
                         r.live_bytes, "live_blocks", r.live_blocks, "total_bytes", r.total_bytes,
                         "allocations", r.allocations, "frees", r.frees, "temporary_allocations",
                         r.temporary_allocations, "unknown_frees", r.unknown_frees);
}

static PyObject *mark(PyObject *module, PyObject *name)
{
    (void)module;
    const char *text = PyUnicode_AsUTF8(name);
    if (!text)
        return NULL;
    barrow_recorder_mark(text);
    Py_RETURN_NONE;
}

PyMethodDef barrow_record_methods[] = {
    {"start_from_environment", start_from_environment, METH_NOARGS,
     "Starts recording as the environment of `barrow run` says."},
    {"record_start", record_start, METH_VARARGS,
     "record_start(path, scope, max_table)\n\nStarts a recording of this process."},
    {"record_stop", record_stop, METH_NOARGS, "Ends it; the path to read it from."},
    {"recording", recording, METH_NOARGS, "True while this process is being recorded."},
    {"record_path", record_path, METH_NOARGS, "Where the ledger under way can be read."},
    {"region_start", region_start, METH_NOARGS, "Opens a region of the recording; its id."},
    {"region_stop", region_stop, METH_O, "Closes it; its figures."},
    {"mark", mark, METH_O, "Enters a named point in time."},
    {NULL, NULL, 0, NULL},
};
