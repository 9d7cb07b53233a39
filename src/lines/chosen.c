#include "lines/chosen.h"

#include <fnmatch.h>
#include <string.h>

#include "cpython/line_events.h"
#include "cpython/object.h"
#include "os/raw.h"
#include "record/counters.h"
#include "record/record.h"

/* ---- by address: open addressing, never shrinks, entries stay where they are ---- */

static struct chosen **cells;
static uint32_t mask, used;

static uint32_t home_of(const PyCodeObject *code)
{
    uint64_t h = (uintptr_t)code * 0x9e3779b97f4a7c15ull;
    return (uint32_t)(h >> 32) & mask;
}

struct chosen *barrow_chosen_find(const PyCodeObject *code)
{
    if (!cells)
        return NULL;
    for (uint32_t i = home_of(code); cells[i]; i = (i + 1) & mask)
        if (cells[i]->code == code)
            return cells[i];
    return NULL;
}

static void place_cell(struct chosen *c)
{
    uint32_t i = home_of(c->code);
    while (cells[i])
        i = (i + 1) & mask;
    cells[i] = c;
}

static int make_room(void)
{
    uint32_t count = mask + 1;
    struct chosen **old = cells;
    if (old && used * 2 < count)
        return 0;
    struct chosen **larger = raw_memory((old ? count * 2ull : 256) * sizeof *larger);
    if (!larger)
        return -1;
    cells = larger;
    mask = old ? count * 2 - 1 : 255;
    for (uint32_t i = 0; old && i < count; i++)
        if (old[i])
            place_cell(old[i]);
    if (old)
        raw_munmap(old, count * sizeof *old);
    return 0;
}

/* ---- the lines of a code object ---- */

/* Calls `at` for each line that has code.  -1: an exception. */
static int each_line(PyCodeObject *code, void (*at)(struct chosen *, uint32_t), struct chosen *c)
{
    PyObject *ranges = PyObject_CallMethod((PyObject *)code, "co_lines", NULL);
    PyObject *list = ranges ? PySequence_List(ranges) : NULL;
    Py_XDECREF(ranges);
    for (Py_ssize_t i = 0; list && i < PyList_GET_SIZE(list); i++) {
        PyObject *line = PyTuple_GetItem(PyList_GET_ITEM(list, i), 2); /* borrowed */
        long number = line && line != Py_None ? PyLong_AsLong(line) : 0;
        if (number > 0)
            at(c, (uint32_t)number);
    }
    Py_XDECREF(list);
    return list ? 0 : -1;
}

static void widen(struct chosen *c, uint32_t line)
{
    if (c->line_limit == 0 || line < c->first_line)
        c->first_line = line;
    if (line >= c->line_limit)
        c->line_limit = line + 1;
}

static void note_line(struct chosen *c, uint32_t line)
{
    c->place[line - c->first_line] = 1;
}

static struct chosen *make(PyCodeObject *code)
{
    struct chosen *c = PyMem_RawCalloc(1, sizeof *c);
    if (!c) {
        PyErr_NoMemory();
        return NULL;
    }
    c->first_line = UINT32_MAX;
    if (each_line(code, widen, c) < 0)
        goto fail;
    if (c->line_limit == 0)
        c->first_line = 0;
    c->place = PyMem_RawCalloc(c->line_limit - c->first_line + 1, sizeof *c->place);
    if (!c->place || make_room() < 0) {
        PyErr_NoMemory();
        goto fail;
    }
    if (each_line(code, note_line, c) < 0)
        goto fail;
    for (uint32_t i = 0, number = 0; i < c->line_limit - c->first_line; i++)
        c->place[i] = c->place[i] ? ++number : 0;
    Py_INCREF(code);
    c->code = code;
    place_cell(c);
    used++;
    return c;
fail:
    PyMem_RawFree(c->place);
    PyMem_RawFree(c);
    return NULL;
}

/* ---- records ---- */

bool barrow_chosen_prepare(struct chosen *c, uint64_t stamp)
{
    if (c->stamp == stamp)
        return c->record_count != 0;
    uint32_t count = 1, first, code, number = 0, lines = c->line_limit - c->first_line;
    for (uint32_t i = 0; i < lines; i++)
        count += c->place[i] != 0;
    c->stamp = stamp;
    c->record_count = 0;
    /* Each recording begins with hooks that don't count. */
    if (!barrow_counters_start() || !barrow_line_records_add(c->code, count, &first, &code))
        return false;
    *barrow_line_record(first) = (struct ledger_line){.code = code};
    for (uint32_t i = 0; i < lines; i++)
        if (c->place[i])
            *barrow_line_record(first + ++number) =
                (struct ledger_line){.code = code, .line = c->first_line + i};
    c->first_record = first;
    c->record_count = count;
    return true;
}

struct ledger_line *barrow_chosen_record(const struct chosen *c, uint32_t line)
{
    if (line == 0)
        return barrow_line_record(c->first_record);
    uint32_t at = line - c->first_line;
    if (line < c->first_line || line >= c->line_limit || !c->place[at])
        return NULL;
    return barrow_line_record(c->first_record + c->place[at]);
}

/* ---- choosing ---- */

int barrow_lines_choose(PyCodeObject *code)
{
    struct chosen *c = barrow_chosen_find(code);
    uint64_t stamp = barrow_recording_stamp();
    if (!stamp) {
        PyErr_SetString(PyExc_RuntimeError, "lines can't be measured: nothing is being recorded");
        return -1;
    }
    if (!barrow_counters_start()) {
        PyErr_SetString(PyExc_RuntimeError,
                        "lines can't be measured: the recording is without Python's allocators "
                        "(--scope system), or another tool has put hooks of its own on them");
        return -1;
    }
    if (barrow_line_events_start(&barrow_measure_events) < 0)
        return -1;
    if (!c && !(c = make(code)))
        return -1;
    struct barrow_thread *t = barrow_enter();
    bool has_room = t && barrow_chosen_prepare(c, stamp);
    if (t)
        barrow_leave(t);
    if (!has_room) {
        PyErr_SetString(PyExc_RuntimeError,
                        "lines can't be measured: the ledger has no room for them");
        return -1;
    }
    if (!c->is_on && barrow_line_events_choose(code, true) < 0)
        return -1;
    c->is_on = true;
    return 0;
}

int barrow_lines_drop(PyCodeObject *code)
{
    struct chosen *c = barrow_chosen_find(code);
    if (!c || !c->is_on)
        return 0;
    c->is_on = false;
    return barrow_line_events_choose(code, false);
}

void barrow_lines_figures(PyCodeObject *code, struct ledger_line **lines, uint32_t *count)
{
    const struct chosen *c = barrow_chosen_find(code);
    *lines = NULL;
    *count = 0;
    if (c && c->stamp && c->stamp == barrow_recording_stamp() && c->record_count) {
        *lines = barrow_line_record(c->first_record);
        *count = c->record_count;
    }
}

/* ---- by pattern ---- */

static char *patterns; /* FILE NUL NAME NUL ... NUL */

static bool matches(PyCodeObject *code)
{
    struct barrow_code_view view;
    char file[4096], name[1024], buffer[4096];
    uint32_t bytes;
    barrow_code_look(code, &view);
    const char *text = barrow_text_look(view.file, buffer, sizeof buffer - 1, &bytes);
    memcpy(file, text, bytes);
    file[bytes] = '\0';
    text = barrow_text_look(view.qualified_name, buffer, sizeof name - 1, &bytes);
    memcpy(name, text, bytes);
    name[bytes] = '\0';
    for (const char *at = patterns; *at;) {
        const char *name_pattern = at + strlen(at) + 1;
        if (fnmatch(at, file, 0) == 0 && fnmatch(name_pattern, name, 0) == 0)
            return true;
        at = name_pattern + strlen(name_pattern) + 1;
    }
    return false;
}

static void choose_if_it_matches(PyCodeObject *code)
{
    if (barrow_chosen_find(code) || !barrow_recording_stamp() || !matches(code))
        return;
    if (barrow_lines_choose(code) < 0)
        PyErr_Clear();
}

int barrow_lines_choose_matching(const char *text)
{
    size_t bytes = strlen(text);
    if (barrow_line_events_start(&barrow_measure_events) < 0)
        return -1;
    PyMem_RawFree(patterns);
    patterns = PyMem_RawCalloc(bytes + 3, 1);
    if (!patterns) {
        PyErr_NoMemory();
        return -1;
    }
    char *to = patterns;
    while (*text) {
        const char *end = strchrnul(text, '\n'), *colon = memrchr(text, ':', (size_t)(end - text));
        if (colon) {
            to = (char *)mempcpy(to, text, (size_t)(colon - text)) + 1;
            to = (char *)mempcpy(to, colon + 1, (size_t)(end - colon - 1)) + 1;
        }
        text = *end ? end + 1 : end;
    }
    return barrow_line_events_offer(choose_if_it_matches);
}
