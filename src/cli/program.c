#include "cli/program.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"

/* CPython's short options: those that take a value, and those that don't. */
static const char valued[] = "WX", flags[] = "bBdEiIOPqRsSuvVx?";
static const char hash_option[] = "--check-hash-based-pycs";

static void add(struct barrow_program *p, char *word)
{
    p->words[p->count++] = word;
}

static int note_flag(struct barrow_program *p, char letter, struct barrow_error *err)
{
    if (letter == 'S')
        return barrow_fail(err, BARROW_E_USAGE,
                           "python -S can't be recorded: barrow is started by the site module, "
                           "which -S leaves out");
    if (strchr("IsE", letter) && !strchr(p->site_flags, letter))
        strncat(p->site_flags, &letter, 1);
    if (letter == 'I' || letter == 's')
        p->no_user_site = true;
    return 0;
}

/* One bundle of the interpreter's short options, e.g. -Im; *next moves behind its words. */
static int take_bundle(struct barrow_program *p, int argc, char **argv, int *next,
                       struct barrow_error *err)
{
    char *word = argv[(*next)++];

    add(p, word);
    for (char *letter = word + 1; *letter; letter++) {
        bool ends = *letter == 'c' || *letter == 'm';
        if (!ends && !strchr(valued, *letter)) {
            if (!strchr(flags, *letter))
                return barrow_fail(err, BARROW_E_USAGE,
                                   "-%c is no option of barrow run, nor of python", *letter);
            if (note_flag(p, *letter, err) < 0)
                return -1;
            continue;
        }
        if (!letter[1] && *next >= argc)
            return barrow_fail(err, BARROW_E_USAGE, "-%c needs a value", *letter);
        char *value = letter[1] ? letter + 1 : argv[*next];
        if (!letter[1])
            add(p, argv[(*next)++]);
        if (ends)
            p->kind = *letter == 'c' ? PROGRAM_CODE : PROGRAM_MODULE;
        if (*letter == 'm')
            p->name = value;
        return 0;
    }
    return 0;
}

static int take_hash_option(struct barrow_program *p, int argc, char **argv, int *next,
                            struct barrow_error *err)
{
    if (*next + 1 >= argc)
        return barrow_fail(err, BARROW_E_USAGE, "%s needs a value", hash_option);
    add(p, argv[(*next)++]);
    add(p, argv[(*next)++]);
    return 0;
}

/* Adds the options of the interpreter that `python OPTIONS -m barrow` was started with. */
static int take_earlier(struct barrow_program *p, char **lines, int count, struct barrow_error *err)
{
    for (int next = 0; next < count;) {
        if (strcmp(lines[next], hash_option) == 0) {
            if (take_hash_option(p, count, lines, &next, err) < 0)
                return -1;
        } else if (take_bundle(p, count, lines, &next, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Splits text at its line feeds, in place; returns the number of lines. */
static int split_lines(char *text, char ***lines)
{
    char *state = NULL;
    int count = 0;

    *lines = barrow_allocate((strlen(text) + 1) * sizeof **lines);
    for (char *line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
        (*lines)[count++] = line;
    return count;
}

static bool is_own_option(const struct barrow_option *options, const char *word)
{
    return word[1] == '-' ? strcmp(word, hash_option) != 0
                          : word[1] == 'h' || barrow_option_by_letter(options, word[1]);
}

static int take_words(struct barrow_program *p, const struct barrow_option *options, void *values,
                      int argc, char **argv, bool *help, struct barrow_error *err)
{
    int next = 0;

    while (next < argc && p->kind == PROGRAM_NONE && !*help) {
        char *word = argv[next];
        bool ended = strcmp(word, "--") == 0;
        int rc = 0;
        if (ended && ++next >= argc)
            break;
        word = argv[next];
        if (ended && word[0] == '-' && word[1])
            add(p, "--"); /* for python too, or it would take the script for an option */
        if (ended || word[0] != '-' || !word[1]) {
            p->kind = PROGRAM_SCRIPT;
            p->name = word;
            add(p, word);
            next++;
        } else if (is_own_option(options, word)) {
            rc = barrow_option_take(options, values, argc, argv, &next, help, err);
        } else if (word[1] == '-') {
            rc = take_hash_option(p, argc, argv, &next, err);
        } else {
            rc = take_bundle(p, argc, argv, &next, err);
        }
        if (rc < 0)
            return -1;
    }
    if (p->kind == PROGRAM_NONE && !*help)
        return barrow_fail(err, BARROW_E_USAGE,
                           "run what? Name a script, -m module or -c code; barrow help run tells "
                           "more");
    while (next < argc)
        add(p, argv[next++]);
    return 0;
}

int barrow_program_parse(struct barrow_program *p, const struct barrow_option *options,
                         void *values, const char *earlier, int argc, char **argv, bool *help,
                         struct barrow_error *err)
{
    char **lines;

    *p = (struct barrow_program){.earlier = barrow_copy(earlier ? earlier : "")};
    int line_count = split_lines(p->earlier, &lines);
    p->words = barrow_allocate((size_t)(argc + line_count + 2) * sizeof *p->words);
    int rc = take_earlier(p, lines, line_count, err);
    if (rc == 0)
        rc = take_words(p, options, values, argc, argv, help, err);
    free(lines);
    if (rc < 0 || *help)
        barrow_program_free(p);
    return rc;
}

void barrow_program_free(struct barrow_program *p)
{
    free(p->words);
    free(p->earlier);
    p->words = NULL;
    p->earlier = NULL;
}

char *barrow_program_stem(const struct barrow_program *p)
{
    char resolved[PATH_MAX];

    if (p->kind == PROGRAM_CODE)
        return barrow_copy("c");
    if (p->kind == PROGRAM_MODULE)
        return barrow_copy(p->name);
    if (strcmp(p->name, "-") == 0)
        return barrow_copy("stdin");
    char *name = barrow_copy(p->name);
    size_t length = strlen(name);
    while (length > 1 && name[length - 1] == '/')
        name[--length] = '\0';
    const char *slash = strrchr(name, '/');
    const char *base = slash ? slash + 1 : name;
    if ((strcmp(base, ".") == 0 || strcmp(base, "..") == 0) && realpath(name, resolved))
        base = strrchr(resolved, '/') + 1;
    char *stem = barrow_copy(*base ? base : "python");
    char *dot = strrchr(stem, '.');
    if (dot && dot != stem && dot[1])
        *dot = '\0';
    free(name);
    return stem;
}
