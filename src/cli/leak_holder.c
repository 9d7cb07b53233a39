#include "cli/leak_holder.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "cli/source.h"
#include "table/stack.h"

enum { LINES = 20000 }; /* of a file that are looked at */

/* ---- source ---- */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 128;
}

/* Is what stands before a name the beginning of an assignment's targets? */
static bool may_stand_before(const char *line, const char *at)
{
    for (; line < at; line++)
        if (!is_word(*line) && !strchr(" .,*=[]", *line))
            return false;
    return true;
}

/* `=` behind a name, its annotation or further targets; not `==`. */
static bool is_assigned(const char *behind)
{
    behind += strspn(behind, " ");
    if (*behind == ':') {
        behind += strcspn(behind, "=#");
    } else if (*behind == ',') {
        behind += strcspn(behind, "=#(");
    }
    return behind[0] == '=' && behind[1] != '=';
}

static bool assigns(const char *line, const char *name, bool attribute)
{
    size_t length = strlen(name);

    for (const char *at = line; (at = strstr(at, name)) != NULL; at += length) {
        bool dot = at > line && at[-1] == '.';
        if ((at == line || !is_word(at[-1])) && !is_word(at[length]) && dot == attribute &&
            may_stand_before(line, at) && is_assigned(at + length))
            return true;
    }
    return false;
}

uint32_t barrow_assignment_find(char *const *lines, uint32_t count, uint32_t from, const char *name,
                                bool attribute)
{
    for (uint32_t i = from ? from - 1 : 0; i < count && lines[i]; i++)
        if (assigns(lines[i], name, attribute))
            return i + 1;
    return 0;
}

/* ---- scopes ---- */

enum scope_kind { SCOPE_NONE, SCOPE_MODULE, SCOPE_CLASS, SCOPE_INSTANCE, SCOPE_FUNCTION };
struct scope {
    enum scope_kind kind;
    char *file; /* to be freed */
    uint32_t line;
};

static const struct heap_place *place_of(const struct barrow_heap *heap, uint32_t object)
{
    uint32_t low = 0, high = heap->place_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (heap->places[middle].object < object)
            low = middle + 1;
        else
            high = middle;
    }
    return low < heap->place_count && heap->places[low].object == object ? &heap->places[low]
                                                                         : NULL;
}

static char *string_of(const struct barrow_heap_view *h, uint32_t string)
{
    struct barrow_buffer out = {0};

    barrow_words_string(&out, h->graph, string);
    return barrow_take(&out);
}

static struct scope scope_at(const struct barrow_heap_view *h, uint32_t object,
                             enum scope_kind kind)
{
    const struct heap_place *place = object ? place_of(h->heap, object) : NULL;

    if (!place)
        return (struct scope){0};
    return (struct scope){.kind = kind, .file = string_of(h, place->file), .line = place->line};
}

static uint32_t referred(const struct barrow_heap_view *h, uint32_t from, const char *name)
{
    const struct barrow_heap *heap = h->heap;
    size_t length = strlen(name);
    uint32_t bytes;

    for (uint64_t e = heap->edge_start[from]; e < heap->edge_start[from + 1]; e++) {
        if (heap->name[e] >> HEAP_NAME_SHIFT != HEAP_NAME_ATTRIBUTE)
            continue;
        const char *text = barrow_graph_string(h->graph, heap->name[e] & HEAP_NAME_MASK, &bytes);
        if (bytes == length && memcmp(text, name, length) == 0)
            return heap->target[e];
    }
    return 0;
}

static struct scope scope_of_root(const struct barrow_heap_view *h, const struct barrow_step *step)
{
    const struct heap_root *root = &h->heap->roots[step->from - h->graph->object_count];

    if (root->kind == HEAP_ROOT_FRAME)
        return (struct scope){
            .kind = SCOPE_FUNCTION, .file = string_of(h, root->file), .line = root->line};
    return (struct scope){0};
}

/* The script's module has no `__file__` any more when it has ended: the recording knows it. */
static struct scope scope_of_module(const struct barrow_heap_view *h, uint32_t module)
{
    const struct barrow_profile *p = h->view.profile;
    struct scope scope = scope_at(h, module, SCOPE_MODULE);
    char *words = scope.kind ? NULL : barrow_object_words(h->graph, module);

    for (size_t i = 1; words && i < p->frame_count && !scope.kind; i++)
        if (strncmp(words, "module ", 7) == 0 && strcmp(p->frames[i].module, words + 7) == 0)
            scope = (struct scope){.kind = SCOPE_MODULE, .file = barrow_copy(p->frames[i].file)};
    free(words);
    return scope;
}

/* Where the names of an object's attributes or variables are assigned. */
static struct scope scope_of(const struct barrow_heap_view *h, uint32_t owner)
{
    const struct barrow_heap *heap = h->heap;
    uint32_t type = heap->type[owner], flags = heap->types[type].flags;

    if (flags & HEAP_TYPE_MODULE)
        return scope_of_module(h, owner);
    if (flags & HEAP_TYPE_FUNCTION)
        return scope_at(h, owner, SCOPE_FUNCTION);
    if (flags & HEAP_TYPE_FRAME) {
        uint32_t code = referred(h, owner, "f_code");
        return scope_at(h, code ? code : referred(h, owner, "gi_code"), SCOPE_FUNCTION);
    }
    if (flags & HEAP_TYPE_TYPE)
        return scope_at(h, owner, SCOPE_CLASS);
    return scope_at(h, heap->types[type].object, SCOPE_INSTANCE);
}

static bool is_users(const char *file)
{
    struct barrow_frame frame = {.file = file, .module = ""};

    return barrow_is_users_file(&frame);
}

/* The line `class ...` around the line of a method; that line if there is none. */
static uint32_t class_line(char *const *lines, uint32_t line)
{
    size_t inner = lines[line - 1] ? strspn(lines[line - 1], " ") : 0;

    for (uint32_t i = line; i > 0 && lines[i - 1]; i--) {
        size_t indent = strspn(lines[i - 1], " ");
        if (strncmp(lines[i - 1] + indent, "class ", 6) == 0 && (indent < inner || i == line))
            return i;
    }
    return line;
}

/* The line `def ...`, or of a decorator, that the line belongs to, as far as indentation tells. */
static uint32_t def_line(char *const *lines, uint32_t line)
{
    size_t inner = SIZE_MAX;

    for (uint32_t i = line; i > 0 && lines[i - 1]; i--) {
        size_t indent = strspn(lines[i - 1], " ");
        const char *at = lines[i - 1] + indent;
        if (!*at || *at == '#' || indent >= inner)
            continue;
        if (strncmp(at, "def ", 4) == 0 || strncmp(at, "async def ", 10) == 0 || *at == '@')
            return i;
        inner = i == line ? indent : inner;
    }
    return 1;
}

static uint32_t look_for(const struct scope *scope, const char *name, char *const *lines)
{
    uint32_t line = 0;

    switch (scope->kind) {
    case SCOPE_MODULE: {
        for (uint32_t i = 0; i < LINES && lines[i]; i++)
            if (*lines[i] != ' ' && assigns(lines[i], name, false))
                return i + 1;
        return barrow_assignment_find(lines, LINES, 1, name, false);
    }
    case SCOPE_CLASS:
    case SCOPE_INSTANCE: {
        uint32_t from = scope->line && scope->line <= LINES ? class_line(lines, scope->line) : 1;
        bool attribute = scope->kind == SCOPE_INSTANCE;
        line = barrow_assignment_find(lines, LINES, from, name, attribute);
        return line ? line : barrow_assignment_find(lines, LINES, from, name, !attribute);
    }
    case SCOPE_FUNCTION:
        line = barrow_assignment_find(lines, LINES, def_line(lines, scope->line), name, false);
        return line;
    case SCOPE_NONE:
        break;
    }
    return 0;
}

static uint64_t recorded_until(const struct barrow_heap_view *h)
{
    return h->view.profile->start_realtime_ns + h->view.profile->duration_ns;
}

/* Finds the name in a scope of the user's code; what is found there at least is the scope itself.
 */
static bool find_name(const struct barrow_heap_view *h, struct scope scope, const char *name,
                      struct barrow_holder_place *place)
{
    bool found = scope.kind != SCOPE_NONE && is_users(scope.file);

    if (found) {
        char **lines = barrow_source_lines(scope.file, 1, LINES, recorded_until(h));
        uint32_t line = lines ? look_for(&scope, name, lines) : 0;
        /* An attribute may be assigned by a base class. */
        barrow_source_free(lines, 1, LINES);
        found = line || scope.kind == SCOPE_FUNCTION;
        if (found)
            *place =
                (struct barrow_holder_place){barrow_copy(scope.file), line ? line : scope.line};
    }
    free(scope.file);
    return found;
}

static bool find_in_bases(const struct barrow_heap_view *h, uint32_t type, const char *name,
                          struct barrow_holder_place *place)
{
    for (int i = 0; type && i < 32; i++, type = h->heap->types[type].base) {
        if (find_name(h, scope_at(h, h->heap->types[type].object, SCOPE_INSTANCE), name, place))
            return true;
    }
    return false;
}

/* ---- names on the path ---- */

static bool is_identifier(const char *text)
{
    for (const char *p = text; *p; p++)
        if (!is_word(*p))
            return false;
    return *text && !isdigit((unsigned char)*text) && strncmp(text, "__", 2) != 0;
}

/* The free variable that a function's closure has at a position: the last of its code's names. */
static uint32_t closure_name(const struct barrow_heap_view *h, uint32_t function, uint32_t position,
                             uint32_t cells)
{
    const struct barrow_heap *heap = h->heap;
    uint32_t code = referred(h, function, "__code__");
    uint32_t names = code ? referred(h, code, "co_localsplusnames") : 0;
    uint64_t count = names ? heap->edge_start[names + 1] - heap->edge_start[names] : 0;

    if (count < cells || position >= cells)
        return 0;
    uint64_t edge = heap->edge_start[names] + count - cells + position;
    return barrow_words_text_of(h->graph, heap->target[edge]);
}

/* What steps[i] is called in the source, and whose name it is: an object, or a root (0). */
static char *name_of(const struct barrow_heap_view *h, const struct barrow_step *steps, size_t i,
                     uint32_t *owner)
{
    const struct barrow_step *s = &steps[i];
    const struct barrow_heap *heap = h->heap;
    uint32_t kind = s->name >> HEAP_NAME_SHIFT, string = 0;
    bool from_root = barrow_graph_is_root(h->graph, s->from);
    bool after_dict = i && barrow_step_is_dict(h->graph, steps[i - 1].name, steps[i - 1].to);

    *owner = from_root ? 0 : s->from;
    if (!from_root && after_dict && barrow_step_is_item(h->graph, s->from, s->name)) {
        string = barrow_step_key(h->graph, s);
        *owner = barrow_graph_is_root(h->graph, steps[i - 1].from) ? 0 : steps[i - 1].from;
    } else if (kind == HEAP_NAME_VARIABLE ||
               (kind == HEAP_NAME_ATTRIBUTE && !barrow_step_is_item(h->graph, s->from, s->name))) {
        string = s->name & HEAP_NAME_MASK;
    }
    bool cell = i >= 2 && steps[i - 1].name >> HEAP_NAME_SHIFT == HEAP_NAME_INDEX &&
                !barrow_graph_is_root(h->graph, steps[i - 2].from) &&
                heap->types[heap->type[steps[i - 2].from]].flags & HEAP_TYPE_FUNCTION;
    if (cell) {
        uint32_t closure = steps[i - 1].from;
        uint32_t cells = (uint32_t)(heap->edge_start[closure + 1] - heap->edge_start[closure]);
        uint32_t name =
            closure_name(h, steps[i - 2].from, steps[i - 1].name & HEAP_NAME_MASK, cells);
        if (name) {
            string = name;
            *owner = steps[i - 2].from;
        }
    }
    char *name = string_of(h, string);
    if (string && is_identifier(name))
        return name;
    free(name);
    return NULL;
}

/* The scope of a name that a closure shares is the function around. */
static bool find_closure(const struct barrow_heap_view *h, struct scope scope, const char *name,
                         struct barrow_holder_place *place)
{
    char **lines =
        is_users(scope.file) ? barrow_source_lines(scope.file, 1, LINES, recorded_until(h)) : NULL;
    uint32_t line = 0;

    for (uint32_t i = scope.line; lines && i > 0 && !line; i--)
        if (lines[i - 1] && assigns(lines[i - 1], name, false))
            line = i;
    barrow_source_free(lines, 1, LINES);
    if (line)
        *place = (struct barrow_holder_place){barrow_copy(scope.file), line};
    free(scope.file);
    return line != 0;
}

static bool find_owned(const struct barrow_heap_view *h, const struct barrow_step *step,
                       uint32_t owner, const char *name, const char *likely_file,
                       struct barrow_holder_place *place)
{
    if (!owner)
        return find_name(h, scope_of_root(h, step), name, place);
    uint32_t flags = h->heap->types[h->heap->type[owner]].flags;
    struct scope scope = scope_of(h, owner);
    if (flags & HEAP_TYPE_FUNCTION)
        return scope.kind ? find_closure(h, scope, name, place) : false;
    if (!(flags & HEAP_TYPE_TYPE) && (scope.kind == SCOPE_INSTANCE || scope.kind == SCOPE_NONE)) {
        free(scope.file);
        return find_in_bases(h, h->heap->type[owner], name, place);
    }
    /* A class without plain methods has no place: it is likely where the leak is. */
    if (scope.kind == SCOPE_NONE && flags & HEAP_TYPE_TYPE && likely_file)
        scope = (struct scope){.kind = SCOPE_CLASS, .file = barrow_copy(likely_file)};
    return find_name(h, scope, name, place);
}

/* ---- births ---- */

bool barrow_is_recycled(const struct barrow_heap *heap, uint32_t object)
{
    const struct heap_type *type = &heap->types[heap->type[object]];
    uint32_t plain = HEAP_TYPE_CONTAINER | HEAP_TYPE_HEAP;

    return type->module == 0 && (type->flags & plain) == HEAP_TYPE_CONTAINER;
}

static bool use_birth(const struct barrow_heap_view *h, uint32_t object,
                      struct barrow_holder_place *place)
{
    const struct barrow_birth *birth = barrow_object_birth(h, object);
    struct barrow_frame frame = barrow_stack_frame(h->view.profile, birth->user);

    if (!birth->is_users || birth->by_import)
        return false;
    *place = (struct barrow_holder_place){barrow_copy(frame.file), frame.line};
    return true;
}

/* Modules, classes and functions are born by imports and definitions, which say nothing of a leak.
 */
static bool may_be_held_by(const struct barrow_heap *heap, uint32_t object)
{
    uint32_t code = HEAP_TYPE_MODULE | HEAP_TYPE_TYPE | HEAP_TYPE_FUNCTION | HEAP_TYPE_CODE;

    return !(heap->types[heap->type[object]].flags & code);
}

/* The function itself, for what its definition makes: the values of default arguments. */
static bool use_definition(const struct barrow_heap_view *h, uint32_t object,
                           struct barrow_holder_place *place)
{
    const struct heap_place *known = place_of(h->heap, object);

    if (!known || !(h->heap->types[h->heap->type[object]].flags & HEAP_TYPE_FUNCTION))
        return false;
    char *file = string_of(h, known->file);
    if (is_users(file)) {
        *place = (struct barrow_holder_place){file, known->line};
        return true;
    }
    free(file);
    return false;
}

/* A key in a dict that has no name in the source, as that of a thread's local data: an attribute of
 * that name is assigned where the leak is. */
static bool find_key(const struct barrow_heap_view *h, const struct barrow_step *steps, size_t i,
                     const char *likely_file, struct barrow_holder_place *place)
{
    uint32_t kind = i ? steps[i - 1].name >> HEAP_NAME_SHIFT : HEAP_NAME_ATTRIBUTE;
    bool hidden = kind == HEAP_NAME_REF || kind == HEAP_NAME_INTERNAL || kind == HEAP_NAME_VALUE;
    uint32_t line = 0;

    if (!likely_file || !hidden || barrow_graph_is_root(h->graph, steps[i].from) ||
        !barrow_step_is_item(h->graph, steps[i].from, steps[i].name))
        return false;
    char *key = string_of(h, barrow_step_key(h->graph, &steps[i]));
    if (is_identifier(key)) {
        char **lines = barrow_source_lines(likely_file, 1, LINES, recorded_until(h));
        line = lines ? barrow_assignment_find(lines, LINES, 1, key, true) : 0;
        barrow_source_free(lines, 1, LINES);
    }
    if (line)
        *place = (struct barrow_holder_place){barrow_copy(likely_file), line};
    free(key);
    return line != 0;
}

/* Up the path, from the holder on: the first that says where it is made. */
static bool find_on_path(const struct barrow_heap_view *h, const struct barrow_step *steps,
                         size_t count, const char *likely_file, struct barrow_holder_place *place)
{
    for (size_t i = count; i-- > 0;) {
        uint32_t v = steps[i].to, owner;
        if (may_be_held_by(h->heap, v) && !barrow_is_recycled(h->heap, v) && use_birth(h, v, place))
            return true;
        if (use_definition(h, v, place))
            return true;
        char *name = name_of(h, steps, i, &owner);
        bool found = name && find_owned(h, &steps[i], owner, name, likely_file, place);
        free(name);
        if (found)
            return true;
        if (find_key(h, steps, i, likely_file, place))
            return true;
    }
    return false;
}

struct barrow_holder_place barrow_holder_find(const struct barrow_heap_view *h, uint32_t holder,
                                              const char *likely_file)
{
    struct barrow_holder_place place = {0};
    struct barrow_step *steps = NULL;
    size_t count = 0;

    if (barrow_paths_to(h->paths, holder, &steps, &count, NULL) == 0)
        find_on_path(h, steps, count, likely_file, &place);
    free(steps);
    return place;
}
