#include "profile/module.h"

#include <stdlib.h>
#include <string.h>

/* ---- the command: what is __main__? ---- */

/* Interpreter options that take the next word as their value. */
static bool takes_value(const char *option)
{
    return strcmp(option, "-X") == 0 || strcmp(option, "-W") == 0 ||
           strcmp(option, "--check-hash-based-pycs") == 0;
}

static bool looks_like_python(const char *program)
{
    const char *slash = strrchr(program, '/'), *name = slash ? slash + 1 : program;
    return strncmp(name, "python", 6) == 0 &&
           name[6 + strspn(name + 6, "0123456789.dt-bg")] == '\0';
}

/* The command may or may not begin with the interpreter and its options. */
static void find_main(struct profile_modules *modules, const struct ledger_header *header)
{
    const char *at = header->command, *end = at + header->command_bytes;
    bool first = true;
    for (; at < end; at += strnlen(at, (size_t)(end - at)) + 1) {
        const char *next = at + strnlen(at, (size_t)(end - at)) + 1;
        if (first && looks_like_python(at)) {
            first = false;
            continue;
        }
        first = false;
        if (strncmp(at, "-c", 2) == 0) {
            modules->inline_code = true;
            return;
        }
        if (strncmp(at, "-m", 2) == 0) {
            modules->run_name = at[2] ? at + 2 : next < end ? next : NULL;
            return;
        }
        if (at[0] != '-') {
            modules->script = at;
            return;
        }
        if (takes_value(at))
            at = next;
        if (at >= end)
            return;
    }
}

void profile_modules_init(struct profile_modules *modules, const struct barrow_ledger *ledger)
{
    uint32_t count;
    const struct ledger_sys_path *entries = barrow_ledger_sys_path(ledger, &count);
    *modules = (struct profile_modules){.working_directory = ledger->header.working_directory};
    for (uint32_t i = 0; i < count && modules->count < PROFILE_SYS_PATHS; i++) {
        const char *text;
        uint32_t length;
        if (!barrow_ledger_string(ledger, entries[i].directory, &text, &length))
            continue;
        while (length > 1 && text[length - 1] == '/')
            length--;
        if (length == 0 || length > 4096)
            continue;
        modules->directories[modules->count].text = text;
        modules->directories[modules->count++].length = length;
    }
    find_main(modules, &ledger->header);
}

/* ---- files ---- */

/* Is `file` the relative or absolute path `path`, seen from the working directory? */
static bool is_same_file(const struct profile_modules *modules, const char *file, const char *path)
{
    if (strcmp(file, path) == 0)
        return true;
    if (file[0] != '/' || path[0] == '/')
        return false;
    size_t length = strlen(modules->working_directory);
    if (strncmp(file, modules->working_directory, length) != 0 || file[length] != '/')
        return false;
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    return strcmp(file + length + 1, path) == 0;
}

/* `file` without the longest directory of sys.path that it lies in; NULL: in none. */
static const char *below_sys_path(const struct profile_modules *modules, const char *file)
{
    size_t best = 0, file_length = strlen(file);
    for (size_t i = 0; i < modules->count; i++) {
        size_t length = modules->directories[i].length;
        if (length > best && length < file_length && file[length] == '/' &&
            memcmp(file, modules->directories[i].text, length) == 0)
            best = length;
    }
    return best ? file + best + 1 : NULL;
}

static bool ends_with(const char *text, size_t length, const char *ending)
{
    size_t n = strlen(ending);
    return length >= n && memcmp(text + length - n, ending, n) == 0;
}

/* a/b.py -> a.b, a/b/__init__.py -> a.b */
static const char *dotted(struct profile_names *names, const char *path)
{
    size_t length = strlen(path);
    if (ends_with(path, length, ".py"))
        length -= 3;
    else if (ends_with(path, length, ".pyc"))
        length -= 4;
    if (ends_with(path, length, "/__init__"))
        length -= 9;
    char *name = strndup(path, length);
    for (char *c = name; c && *c; c++)
        if (*c == '/')
            *c = '.';
    struct profile_text *text = name ? profile_text(names, name, length) : NULL;
    free(name);
    return text ? text->chars : NULL;
}

static const char *kept(struct profile_names *names, const char *name, size_t length)
{
    struct profile_text *text = profile_text(names, name, length);
    return text ? text->chars : NULL;
}

static const char *module_of(const struct profile_modules *modules, struct profile_names *names,
                             const char *file)
{
    static const char frozen[] = "<frozen ";
    size_t length = strlen(file);
    if (strncmp(file, frozen, sizeof frozen - 1) == 0 && file[length - 1] == '>')
        return kept(names, file + sizeof frozen - 1, length - sizeof frozen);
    if (file[0] == '<')
        return modules->inline_code && strcmp(file, "<string>") == 0 ? kept(names, "__main__", 8)
                                                                     : file;
    if (modules->script && is_same_file(modules, file, modules->script))
        return kept(names, "__main__", 8);
    const char *rest = below_sys_path(modules, file);
    if (!rest) {
        const char *slash = strrchr(file, '/');
        rest = slash ? slash + 1 : file;
    }
    const char *name = dotted(names, rest);
    if (!name || !modules->run_name)
        return name;
    /* `-m pkg` runs pkg/__main__.py, `-m pkg.mod` runs pkg/mod.py */
    size_t n = strlen(modules->run_name);
    bool is_main = strncmp(name, modules->run_name, n) == 0 &&
                   (name[n] == '\0' || strcmp(name + n, ".__main__") == 0);
    is_main = is_main && !(name[n] == '\0' && ends_with(file, length, "/__init__.py"));
    return is_main ? kept(names, "__main__", 8) : name;
}

const char *profile_module_of(const struct profile_modules *modules, struct profile_names *names,
                              struct profile_text *file)
{
    if (!file->module)
        file->module = module_of(modules, names, file->chars);
    return file->module;
}
