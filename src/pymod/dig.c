/* Heap snapshots: barrow._core.dig(). */
#include "pymod/dig.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/units.h"
#include "dig/walk.h"
#include "os/raw.h"
#include "record/blocks.h"
#include "record/record.h"
#include "record/recorder.h"
#include "record/trigger.h"

static void *subtype_traverse;
static char hidden_files[4096];

static int see(PyObject *o, void *context)
{
    if (o == Py_Ellipsis)
        *(bool *)context = true;
    return 0;
}

/* Asks an instance of a class made for it. */
static bool dict_tells_inline(void)
{
    PyObject *type = PyObject_CallFunction((PyObject *)&PyType_Type, "s(){}", "probe");
    PyObject *instance = type ? PyObject_CallNoArgs(type) : NULL;
    PyObject *dict = NULL;
    bool tells = false;
    if (instance && PyObject_SetAttrString(instance, "value", Py_Ellipsis) == 0)
        dict = PyObject_GenericGetDict(instance, NULL);
    if (dict)
        PyDict_Type.tp_traverse(dict, see, &tells);
    Py_XDECREF(dict);
    Py_XDECREF(instance);
    Py_XDECREF(type);
    PyErr_Clear();
    return tells;
}

void barrow_dig_prepare(PyTypeObject *statement_class, const char *package_directory)
{
    subtype_traverse = (void *)(uintptr_t)statement_class->tp_traverse;
    barrow_dig_set_dict_tells_inline(dict_tells_inline());
    snprintf(hidden_files, sizeof hidden_files, "%s", package_directory);
}

struct barrow_dig_options barrow_dig_options_now(const char *label, uint32_t flags)
{
    bool is_recording = barrow_recorder_is_on();
    return (struct barrow_dig_options){
        .birth = is_recording ? barrow_recorded_birth : NULL,
        .python_birth = is_recording ? barrow_recorded_python_birth : NULL,
        .each_block = is_recording ? barrow_recorded_blocks : NULL,
        .label = label,
        .hidden_files = hidden_files[0] ? hidden_files : NULL,
        .subtype_traverse = subtype_traverse,
        .flags = flags,
        .with_hashes = true,
        .with_values = (flags & HEAP_FLAG_VALUES) != 0,
    };
}

int barrow_dig_into_recording(const char *label, uint32_t flags, struct barrow_error *err)
{
    struct barrow_dig dig;
    struct barrow_dig_options options = barrow_dig_options_now(label, flags);
    struct barrow_thread *thread = barrow_enter();
    int result = barrow_dig_walk(&dig, &options, err);
    if (result == 0) {
        result = barrow_recorder_add_heap(&dig.heap, err);
        barrow_dig_free(&dig);
    }
    if (thread)
        barrow_leave(thread);
    return result;
}

/* ---- when it is due ---- */

static struct barrow_dig_plan plan;

static void take(const char *label, uint32_t flags)
{
    struct barrow_error err;
    char line[sizeof err.text + 64];
    if (!barrow_recorder_is_on() || barrow_dig_into_recording(label, flags, &err) == 0)
        return;
    snprintf(line, sizeof line, "no heap snapshot: %s", err.text);
    barrow_recorder_say(line);
}

/* Between two instructions of the main thread. */
static int take_due(void *unused)
{
    (void)unused;
    unsigned due = barrow_triggers_take();
    if (due & BARROW_DUE_SIGNAL)
        take("on a signal", 0);
    if (due & BARROW_DUE_MARK)
        take("at the mark", 0);
    if (due & BARROW_DUE_PEAK) {
        take("near the peak", HEAP_FLAG_AT_PEAK);
        barrow_triggers_peak_taken();
    }
    return 0;
}

static bool notify(void)
{
    return Py_AddPendingCall(take_due, NULL) == 0;
}

void barrow_dig_plan(const struct barrow_dig_plan *wanted)
{
    plan = *wanted;
    if (plan.signal || plan.at_peak || plan.at_bytes)
        barrow_triggers_set(&(struct barrow_triggers){.signal = plan.signal,
                                                      .at_peak = plan.at_peak,
                                                      .at_bytes = plan.at_bytes,
                                                      .notify = notify});
}

void barrow_dig_at_exit(bool quiet)
{
    char taken[BARROW_UNITS_ROOM], line[160];
    int64_t at_peak = barrow_triggers_peak_bytes(), peak = barrow_recorder_peak_bytes();
    if (plan.at_exit)
        take("at exit", HEAP_FLAG_AT_EXIT);
    if (quiet || !plan.at_peak)
        return;
    if (at_peak > 0) {
        snprintf(line, sizeof line, "the heap snapshot was taken at %s, %.1f%% below the peak",
                 barrow_units_bytes(taken, (uint64_t)at_peak),
                 peak > at_peak ? 100.0 * (double)(peak - at_peak) / (double)peak : 0.0);
        barrow_recorder_say(line);
    } else {
        barrow_recorder_say("no heap snapshot near the peak: the program was never between two "
                            "instructions meanwhile");
    }
}

/* ---- from the program ---- */

struct job {
    const char *path; /* NULL: into the recording */
    const char *label;
    uint32_t flags;
    struct ledger_header header; /* of a file of its own, when nothing is recorded */
    uint64_t pause_ns;
    uint32_t objects;
};

static int dig_to_file(struct job *job, struct barrow_error *err)
{
    struct barrow_dig dig;
    struct barrow_dig_options options = barrow_dig_options_now(job->label, job->flags);
    struct barrow_thread *thread = barrow_enter();
    int result = barrow_dig_walk(&dig, &options, err);
    if (result == 0) {
        job->pause_ns = dig.heap.pause_ns;
        job->objects = dig.heap.object_count;
        result = job->path ? barrow_heap_to_file(&dig.heap, job->path, &job->header, err)
                           : barrow_recorder_add_heap(&dig.heap, err);
        barrow_dig_free(&dig);
    }
    if (thread)
        barrow_leave(thread);
    return result;
}

/* The child has this thread only, and any lock of the C library's may be held in it for ever: the
 * walk and the writer use none.  It is made without the handlers of fork(2), and ends without a
 * signal that the program could take for that of a child of its own. */
static int dig_in_child(struct job *job, struct barrow_error *err)
{
    struct barrow_error *told =
        raw_mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sigset_t all, before;
    int status = 0;
    _Static_assert(sizeof(struct barrow_error) + 2 * sizeof(uint64_t) < 4096, "fits a page");
    if (!told)
        return barrow_fail(err, BARROW_E_NO_MEMORY, "no memory for a heap snapshot");
    uint64_t *figures = (uint64_t *)(void *)((char *)told + 4096 - 2 * sizeof(uint64_t));
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    long child = BARROW_RAW(SYS_clone, 0, NULL, NULL, NULL, 0);
    if (child == 0) {
        int result = dig_to_file(job, told);
        figures[0] = job->pause_ns;
        figures[1] = job->objects;
        BARROW_RAW(SYS_exit_group, result == 0 ? 0 : 1);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (child < 0) {
        raw_munmap(told, 4096);
        return barrow_fail(err, BARROW_E_NO_MEMORY, "no process for a heap snapshot: %s",
                           strerror((int)-child));
    }
    Py_BEGIN_ALLOW_THREADS while (BARROW_RAW(SYS_wait4, child, &status, __WCLONE, NULL) == -EINTR);
    Py_END_ALLOW_THREADS job->pause_ns = figures[0];
    job->objects = (uint32_t)figures[1];
    int result = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
    if (result < 0 && WIFEXITED(status))
        *err = *told;
    else if (result < 0)
        barrow_fail(err, BARROW_E_IO,
                    "the process that took the heap snapshot was killed (signal %d)",
                    WTERMSIG(status));
    raw_munmap(told, 4096);
    return result;
}

static PyObject *dig(PyObject *module, PyObject *args)
{
    struct job *job = PyMem_RawCalloc(1, sizeof *job);
    struct barrow_error err;
    int fork, values;
    if (!job)
        return PyErr_NoMemory();
    if (!PyArg_ParseTuple(args, "zzpp:dig", &job->path, &job->label, &fork, &values)) {
        PyMem_RawFree(job);
        return NULL;
    }
    job->flags = (values ? HEAP_FLAG_VALUES : 0) | (fork ? HEAP_FLAG_FORKED : 0);
    barrow_pymod_describe(&job->header);
    int result = fork ? dig_in_child(job, &err) : dig_to_file(job, &err);
    PyObject *answer = result == 0
                           ? Py_BuildValue("{s:d,s:k}", "pause_s", (double)job->pause_ns / 1e9,
                                           "objects", (unsigned long)job->objects)
                           : NULL;
    PyMem_RawFree(job);
    return result == 0 ? answer : barrow_pymod_raise(barrow_pymod_state(module), &err);
}

static PyObject *dig_prepare(PyObject *module, PyObject *directory)
{
    const char *path = PyUnicode_AsUTF8(directory);
    if (!path)
        return NULL;
    barrow_dig_prepare((PyTypeObject *)barrow_pymod_state(module)->error, path);
    Py_RETURN_NONE;
}

PyMethodDef barrow_dig_methods[] = {
    {"dig", dig, METH_VARARGS,
     "dig(path, label, fork, values)\n\nTakes a heap snapshot; path None: into the recording."},
    {"dig_prepare", dig_prepare, METH_O,
     "dig_prepare(directory)\n\nTells where barrow's own files are, ended by a slash."},
    {NULL, NULL, 0, NULL},
};
